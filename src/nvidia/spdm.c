/* See spdm.h. Untrusted: every byte. */
#include "nvidia/spdm.h"

#include <string.h>

#include "common/reader.h"
#include "common/try.h"

#define SPDM_11            0x11
#define GET_MEASUREMENTS   0xe0
#define MEASUREMENTS       0x60
#define ASK_SIGNATURE      0x01 /* bit of the request's first parameter */
#define ALL_BLOCKS         0xff /* the request's second parameter */
#define DMTF               1    /* MeasurementSpecification */
#define RAW_BIT            0x80
#define OPAQUE_MAX         1024u /* DSP0274 table 43 */
#define HEADER_MAGIC       "NVDAOD"
#define HEADER_MAGIC_SIZE  6u
#define MAX_OPAQUE_VERSION 2u

static enum cm_status parse_request(struct cm_rd *r, struct cm_spdm_report *out, struct cm_why *why)
{
    uint8_t version = cm_rd_u8(r);
    uint8_t code = cm_rd_u8(r);
    uint8_t attributes = cm_rd_u8(r);
    uint8_t operation = cm_rd_u8(r);

    out->nonce = cm_rd_take(r, CM_SPDM_NONCE_SIZE);
    out->slot = cm_rd_u8(r);
    if (r->bad || code != GET_MEASUREMENTS) {
        cm_why_set(why, "no request for measurements (SPDM GET_MEASUREMENTS)");
        return CM_ERR_FORMAT;
    }
    if (version != SPDM_11) {
        cm_why_set(why, "SPDM version %u.%u is not 1.1", version >> 4, version & 15);
        return CM_ERR_UNSUPPORTED;
    }
    if ((attributes & ASK_SIGNATURE) == 0 || operation != ALL_BLOCKS) {
        cm_why_set(why, "the request does not ask for all measurements with a signature");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status parse_block(struct cm_rd *r, struct cm_spdm_block *b)
{
    uint8_t spec = 0;
    uint8_t type = 0;
    struct cm_rd in;

    b->index = cm_rd_u8(r);
    spec = cm_rd_u8(r);
    in = cm_rd_sub(r, cm_rd_u16le(r));
    type = cm_rd_u8(&in);
    b->type = type & (uint8_t)~RAW_BIT;
    b->raw = (type & RAW_BIT) != 0;
    b->value = cm_rd_take(&in, cm_rd_u16le(&in));
    if (r->bad || cm_rd_finish(&in) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return spec == DMTF ? CM_OK : CM_ERR_UNSUPPORTED;
}

static enum cm_status parse_blocks(struct cm_rd *r, struct cm_spdm_report *out, struct cm_why *why)
{
    size_t count = cm_rd_u8(r);
    size_t len = cm_rd_u8(r);
    struct cm_rd in;
    int last = -1;

    len |= (size_t)cm_rd_u8(r) << 8; /* 24 bits, little endian */
    len |= (size_t)cm_rd_u8(r) << 16;
    in = cm_rd_sub(r, len);
    for (size_t i = 0; i < count; i++) {
        enum cm_status st = parse_block(&in, &out->blocks[i]);

        if (st != CM_OK) {
            cm_why_set(why, "measurement block %zu of %zu is malformed or not DMTF's", i, count);
            return st;
        }
        if ((int)out->blocks[i].index <= last || out->blocks[i].index == 0) {
            cm_why_set(why, "the measurement blocks are not in rising order");
            return CM_ERR_FORMAT;
        }
        last = out->blocks[i].index;
    }
    out->block_count = count;
    if (r->bad || count == 0 || cm_rd_finish(&in) != CM_OK) {
        cm_why_set(why, "the measurement record is not exactly its blocks");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static bool has_header(struct cm_span opaque)
{
    return opaque.len >= HEADER_MAGIC_SIZE &&
           memcmp(opaque.ptr, HEADER_MAGIC, HEADER_MAGIC_SIZE) == 0;
}

/* Fields of type, (with a header: kind of value,) length and value, each type once. */
static enum cm_status parse_opaque(struct cm_spdm_report *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(out->opaque);
    bool header = has_header(out->opaque);

    if (header) {
        (void)cm_rd_take(&r, HEADER_MAGIC_SIZE);
        uint16_t profile = cm_rd_u16le(&r);
        uint8_t major = cm_rd_u8(&r);

        (void)cm_rd_take(&r, 3); /* minor version, reserved */
        if (!r.bad && (profile != 0 || major > MAX_OPAQUE_VERSION)) {
            cm_why_set(why, "opaque data of profile %u, version %u", profile, major);
            return CM_ERR_UNSUPPORTED;
        }
    }
    while (!r.bad && r.left != 0) {
        struct cm_nvidia_field *f = &out->fields[out->field_count];

        if (out->field_count == CM_SPDM_MAX_OPAQUE) {
            cm_why_set(why, "more than %u fields of opaque data", CM_SPDM_MAX_OPAQUE);
            return CM_ERR_LIMIT;
        }
        f->type = cm_rd_u16le(&r);
        f->value_type = header ? cm_rd_u16le(&r) : 0;
        f->value = cm_rd_take(&r, cm_rd_u16le(&r));
        for (size_t i = 0; i < out->field_count; i++) {
            if (out->fields[i].type == f->type) {
                cm_why_set(why, "opaque data field %u stands twice", f->type);
                return CM_ERR_FORMAT;
            }
        }
        out->field_count++;
    }
    if (r.bad) {
        cm_why_set(why, "the opaque data are not exactly their fields");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_spdm_parse(struct cm_span bytes, struct cm_spdm_report *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint8_t version = 0;
    uint8_t code = 0;
    size_t opaque_len = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(parse_request(&r, out, why));
    version = cm_rd_u8(&r);
    code = cm_rd_u8(&r);
    (void)cm_rd_take(&r, 2); /* parameters: reserved for a response to "all"; slot */
    if (r.bad || version != SPDM_11 || code != MEASUREMENTS) {
        cm_why_set(why, "no measurements of SPDM 1.1 behind the request");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(parse_blocks(&r, out, why));
    out->response_nonce = cm_rd_take(&r, CM_SPDM_NONCE_SIZE);
    opaque_len = cm_rd_u16le(&r);
    out->opaque = cm_rd_take(&r, opaque_len);
    out->signed_bytes = cm_span_make(bytes.ptr, bytes.len - r.left);
    out->signature = cm_rd_take(&r, CM_SPDM_SIGNATURE_SIZE);
    if (!r.bad && r.left == 1 && (*r.ptr == '\0' || *r.ptr == '\n')) {
        (void)cm_rd_take(&r, 1);
    }
    if (opaque_len > OPAQUE_MAX || cm_rd_finish(&r) != CM_OK) {
        cm_why_set(why, "nonce, opaque data and signature are not all that follows the blocks");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(parse_opaque(out, why));
out:
    return st;
}

struct cm_span cm_spdm_field(const struct cm_spdm_report *r, enum cm_nvidia_opaque type)
{
    for (size_t i = 0; i < r->field_count; i++) {
        if (r->fields[i].type == (uint16_t)type) {
            return r->fields[i].value;
        }
    }
    return cm_span_make(NULL, 0);
}
