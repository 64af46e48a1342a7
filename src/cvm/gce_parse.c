/* See gce_parse.h. */
#include "cvm/gce_parse.h"

#include <string.h>

#include "evidence/der.h"

#define MAX_SIZE (8u << 20)

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* attest.proto */
enum {
    AK_PUB = 1,
    QUOTES = 2,
    EVENT_LOG = 3,
    CANONICAL_EVENT_LOG = 5,
    AK_CERT = 6,
    INTERMEDIATE_CERTS = 7,
    SEV_SNP = 8,
    TDX = 9,
};

/* One field of a message. */
struct field {
    uint32_t number;
    unsigned wire;
    uint64_t value;
    struct cm_span bytes;
};

/* Base 128, at most 64 bits. */
static uint64_t read_varint(struct cm_rd *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cm_rd_u8(r);

        if (shift == 63 && byte > 1) {
            break;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return v;
        }
    }
    r->bad = true;
    return 0;
}

/* The next field; false at the end or when malformed (r->bad says which). */
static bool next(struct cm_rd *r, struct field *out)
{
    uint64_t key = 0;
    uint64_t len = 0;

    if (r->bad || r->left == 0) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    key = read_varint(r);
    out->wire = (unsigned)(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) {
        r->bad = true;
    }
    out->number = (uint32_t)(key >> 3);
    switch (out->wire) {
    case VARINT:
        out->value = read_varint(r);
        break;
    case FIXED64:
        out->value = cm_rd_u64le(r);
        break;
    case FIXED32:
        out->value = cm_rd_u32le(r);
        break;
    case BYTES:
        len = read_varint(r);
        out->bytes = len > r->left ? cm_span_make(NULL, 0) : cm_rd_take(r, (size_t)len);
        r->bad = r->bad || len > MAX_SIZE || out->bytes.len != len;
        break;
    default: /* groups are older than the message */
        r->bad = true;
        break;
    }
    return !r->bad;
}

/* A field that may stand once; the last of several would win elsewhere, here they are refused. */
static void once(struct cm_rd *r, struct cm_span *out, const struct field *f)
{
    if (out->ptr != NULL || f->wire != BYTES) {
        r->bad = true;
    }
    *out = f->bytes;
}

static enum cm_status read_quote(struct cm_span message, struct cm_gce_quote *out)
{
    struct cm_rd r = cm_rd_init(message);
    struct field f;

    memset(out, 0, sizeof(*out));
    while (next(&r, &f)) {
        struct cm_span *const places[] = {&out->attest, &out->signature, &out->pcrs};

        if (f.number >= 1 && f.number <= 3) {
            once(&r, places[f.number - 1], &f);
        }
    }
    return r.bad || out->attest.ptr == NULL ? CM_ERR_FORMAT : CM_OK;
}

/* A field of the outermost message. @retval CM_ERR_LIMIT */
static enum cm_status take_field(struct cm_rd *r, const struct field *f,
                                 struct cm_gce_attestation *out)
{
    switch (f->number) {
    case AK_PUB:
        once(r, &out->ak_pub, f);
        return CM_OK;
    case EVENT_LOG:
        once(r, &out->event_log, f);
        return CM_OK;
    case CANONICAL_EVENT_LOG:
        once(r, &out->canonical_event_log, f);
        return CM_OK;
    case AK_CERT:
        once(r, &out->ak_cert, f);
        return CM_OK;
    case SEV_SNP:
        once(r, &out->snp, f);
        return CM_OK;
    case TDX:
        once(r, &out->tdx, f);
        return CM_OK;
    case QUOTES:
        return f->wire != BYTES ? CM_ERR_FORMAT
               : out->quote_count == CM_GCE_MAX_QUOTES
                   ? CM_ERR_LIMIT
                   : read_quote(f->bytes, &out->quotes[out->quote_count++]);
    case INTERMEDIATE_CERTS:
        if (f->wire != BYTES || out->intermediate_count == CM_GCE_MAX_CERTS) {
            return CM_ERR_LIMIT;
        }
        out->intermediates[out->intermediate_count++] = f->bytes;
        return CM_OK;
    default:
        return CM_OK; /* the instance's own word for itself, and what newer clients add */
    }
}

enum cm_status cm_gce_parse(struct cm_span bytes, struct cm_gce_attestation *out,
                            struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(bytes);
    struct field f;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (bytes.len > MAX_SIZE) {
        cm_why_set(why, "the attestation has %zu bytes", bytes.len);
        return CM_ERR_LIMIT;
    }
    while (st == CM_OK && next(&r, &f)) {
        st = take_field(&r, &f, out);
    }
    if (st == CM_OK && (r.bad || out->ak_pub.ptr == NULL || out->quote_count == 0)) {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        cm_why_set(why, "it is no message of Google's with a key and quotes");
    }
    return st;
}

enum cm_status cm_gce_pcrs(struct cm_span message, struct cm_tpm_pcrs *out)
{
    struct cm_rd r = cm_rd_init(message);
    struct cm_rd again = r;
    struct field f;
    uint64_t alg = 0;
    enum cm_status st = CM_OK;

    out->count = 0;
    while (next(&r, &f)) {
        alg = f.number == 1 && f.wire == VARINT ? f.value : alg;
    }
    if (r.bad) {
        return CM_ERR_FORMAT;
    }
    if (alg > UINT16_MAX || cm_tpm_hash_size((uint16_t)alg) == 0) {
        return CM_ERR_UNSUPPORTED;
    }
    while (st == CM_OK && next(&again, &f)) { /* entries of the map: {1: index, 2: value} */
        struct cm_rd e = cm_rd_init(f.bytes);
        struct field part;
        uint64_t index = 0; /* a zero is left out */
        struct cm_span value = {NULL, 0};

        if (f.number != 2 || f.wire != BYTES) {
            continue;
        }
        while (next(&e, &part)) {
            index = part.number == 1 && part.wire == VARINT ? part.value : index;
            value = part.number == 2 && part.wire == BYTES ? part.bytes : value;
        }
        st = e.bad || index >= CM_TPM_PCRS
                 ? CM_ERR_FORMAT
                 : cm_tpm_pcrs_set(out, (uint16_t)alg, (unsigned)index, value);
    }
    return st;
}

enum cm_status cm_gce_instance(struct cm_span extension, struct cm_gce_instance *out)
{
    struct cm_rd outer = cm_rd_init(extension);
    struct cm_rd r = cm_der_enter(&outer, CM_DER_SEQUENCE);

    memset(out, 0, sizeof(*out));
    out->zone = cm_der_take(&r, CM_DER_UTF8);
    out->project_number = cm_der_uint(&r, CM_DER_INTEGER, UINT64_MAX);
    out->project_id = cm_der_take(&r, CM_DER_UTF8);
    out->instance_id = cm_der_uint(&r, CM_DER_INTEGER, UINT64_MAX);
    out->instance_name = cm_der_take(&r, CM_DER_UTF8);
    if (cm_der_next_is(&r, CM_DER_EXPLICIT(0))) {
        struct cm_rd wrap = cm_der_enter(&r, CM_DER_EXPLICIT(0));
        struct cm_rd sec = cm_der_enter(&wrap, CM_DER_SEQUENCE);

        out->has_security = true;
        for (unsigned tag = 0; sec.left != 0 && !sec.bad; tag++) { /* ascending, each optional */
            struct cm_rd field = {NULL, 0, false};

            if (tag > 30) {
                return CM_ERR_FORMAT;
            }
            if (!cm_der_next_is(&sec, (uint8_t)CM_DER_EXPLICIT(tag))) {
                continue;
            }
            field = cm_der_enter(&sec, (uint8_t)CM_DER_EXPLICIT(tag));
            if (tag == 0) {
                out->security_version = cm_der_uint(&field, CM_DER_INTEGER, UINT64_MAX);
            } else if (tag == 1) {
                out->production = cm_der_bool(&field);
            } else { /* what newer certificates say */
                (void)cm_rd_rest(&field);
            }
            r.bad = r.bad || cm_rd_finish(&field) != CM_OK;
        }
        r.bad = r.bad || sec.bad || cm_rd_finish(&wrap) != CM_OK;
    }
    return r.bad || r.left != 0 || cm_rd_finish(&outer) != CM_OK ? CM_ERR_FORMAT : CM_OK;
}
