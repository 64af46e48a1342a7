/* Quotes, parsed like the tables of their specification; see quote.h. Untrusted: every byte. */
#include "evidence/quote.h"

#include <string.h>

#include "common/reader.h"
#include "common/try.h"

#define KEY_TYPE_P256       2
#define CERT_TYPE_MAX       5
#define CERT_TYPE_QE_REPORT 6
#define SGX_BODY_SIZE       384

static const uint8_t intel_qe_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                            0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static void parse_sgx_body(struct cm_rd rd, struct cm_sgx_body *b)
{
    struct cm_rd attributes = {0};

    b->cpusvn = cm_rd_take(&rd, 16);
    b->miscselect = cm_rd_u32le(&rd);
    (void)cm_rd_take(&rd, 12);
    b->isvextprodid = cm_rd_take(&rd, 16);
    b->attributes = cm_rd_take(&rd, 16);
    b->mrenclave = cm_rd_take(&rd, 32);
    (void)cm_rd_take(&rd, 32);
    b->mrsigner = cm_rd_take(&rd, 32);
    (void)cm_rd_take(&rd, 32);
    b->configid = cm_rd_take(&rd, 64);
    b->isvprodid = cm_rd_u16le(&rd);
    b->isvsvn = cm_rd_u16le(&rd);
    b->configsvn = cm_rd_u16le(&rd);
    (void)cm_rd_take(&rd, 42);
    b->isvfamilyid = cm_rd_take(&rd, 16);
    b->reportdata = cm_rd_take(&rd, 64);
    attributes = cm_rd_init(b->attributes);
    b->flags = cm_rd_u64le(&attributes);
    b->xfrm = cm_rd_u64le(&attributes);
}

enum cm_status cm_sgx_body_parse(struct cm_span bytes, struct cm_sgx_body *out)
{
    if (bytes.len != SGX_BODY_SIZE) {
        return CM_ERR_FORMAT;
    }
    parse_sgx_body(cm_rd_init(bytes), out);
    return CM_OK;
}

static void parse_td_body(struct cm_rd rd, enum cm_quote_body type, struct cm_td_body *b)
{
    b->tee_tcb_svn = cm_rd_take(&rd, 16);
    b->mrseam = cm_rd_take(&rd, 48);
    b->mrsignerseam = cm_rd_take(&rd, 48);
    b->seam_attributes = cm_rd_take(&rd, 8);
    b->td_attributes = cm_rd_take(&rd, 8);
    b->xfam = cm_rd_take(&rd, 8);
    b->mrtd = cm_rd_take(&rd, 48);
    b->mrconfigid = cm_rd_take(&rd, 48);
    b->mrowner = cm_rd_take(&rd, 48);
    b->mrownerconfig = cm_rd_take(&rd, 48);
    for (size_t i = 0; i < 4; i++) {
        b->rtmr[i] = cm_rd_take(&rd, 48);
    }
    b->reportdata = cm_rd_take(&rd, 64);
    if (type >= CM_QUOTE_BODY_TD15) {
        b->tee_tcb_svn2 = cm_rd_take(&rd, 16);
        b->mrservicetd = cm_rd_take(&rd, 48);
    }
    if (type == CM_QUOTE_BODY_TD15_EX) {
        b->extended = cm_rd_rest(&rd);
    }
}

static enum cm_status parse_header(struct cm_rd *rd, struct cm_quote *q, struct cm_why *why)
{
    uint16_t key_type = 0;

    q->version = cm_rd_u16le(rd);
    key_type = cm_rd_u16le(rd);
    q->tee = cm_rd_u32le(rd);
    (void)cm_rd_take(rd, 4); /* QE and PCE SVN: informational, reserved since version 4 */
    q->qe_vendor = cm_rd_take(rd, 16);
    q->user_data = cm_rd_take(rd, 20);
    if (rd->bad) {
        cm_why_set(why, "quote: shorter than its header");
        return CM_ERR_FORMAT;
    }
    if (q->version < 3 || q->version > 5) {
        cm_why_set(why, "quote: version %u is not 3, 4 or 5", q->version);
        return CM_ERR_UNSUPPORTED;
    }
    if (key_type != KEY_TYPE_P256) {
        cm_why_set(why, "quote: attestation key type %u is not ECDSA P-256", key_type);
        return CM_ERR_UNSUPPORTED;
    }
    if (q->tee != CM_QUOTE_TEE_SGX && (q->tee != CM_QUOTE_TEE_TDX || q->version == 3)) {
        cm_why_set(why, "quote: TEE type %u does not go with version %u", q->tee, q->version);
        return CM_ERR_UNSUPPORTED;
    }
    if (memcmp(q->qe_vendor.ptr, intel_qe_vendor, sizeof(intel_qe_vendor)) != 0) {
        cm_why_set(why, "quote: the quoting enclave's vendor is not Intel");
        return CM_ERR_UNSUPPORTED;
    }
    return CM_OK;
}

static enum cm_status parse_body(struct cm_rd *rd, struct cm_quote *q, struct cm_why *why)
{
    static const uint32_t sizes[] = {[CM_QUOTE_BODY_SGX] = 384,
                                     [CM_QUOTE_BODY_TD10] = 584,
                                     [CM_QUOTE_BODY_TD15] = 648,
                                     [CM_QUOTE_BODY_TD15_EX] = 885};
    uint32_t type = q->tee == CM_QUOTE_TEE_SGX ? CM_QUOTE_BODY_SGX : CM_QUOTE_BODY_TD10;
    struct cm_rd body = {0};

    if (q->version == 5) {
        uint32_t size = 0;

        type = cm_rd_u16le(rd);
        size = cm_rd_u32le(rd);
        if (rd->bad || type < CM_QUOTE_BODY_SGX || type > CM_QUOTE_BODY_TD15_EX ||
            size != sizes[type] || (type == CM_QUOTE_BODY_SGX) != (q->tee == CM_QUOTE_TEE_SGX)) {
            cm_why_set(why, "quote: body type %u of %u bytes does not go with the TEE", type, size);
            return CM_ERR_FORMAT;
        }
    }
    q->body_type = (enum cm_quote_body)type;
    body = cm_rd_sub(rd, sizes[type]);
    if (body.bad) {
        cm_why_set(why, "quote: shorter than its body");
        return CM_ERR_FORMAT;
    }
    if (type == CM_QUOTE_BODY_SGX) {
        parse_sgx_body(body, &q->sgx);
    } else {
        parse_td_body(body, q->body_type, &q->td);
    }
    return CM_OK;
}

/* The QE's report, what it vouches for, and the certification data. */
static enum cm_status parse_qe(struct cm_rd *rd, struct cm_quote *q, struct cm_why *why)
{
    q->qe_report = cm_rd_take(rd, 384);
    q->qe_signature = cm_rd_take(rd, 64);
    q->qe_auth = cm_rd_take(rd, cm_rd_u16le(rd));
    q->cert_type = cm_rd_u16le(rd);
    q->cert_data = cm_rd_take(rd, cm_rd_u32le(rd));
    if (cm_rd_finish(rd) != CM_OK) {
        cm_why_set(why, "quote: lengths in the signature data do not add up");
        return CM_ERR_FORMAT;
    }
    if (q->cert_type == 0 || q->cert_type > CERT_TYPE_MAX) {
        cm_why_set(why, "quote: certification data type %u is not handled", q->cert_type);
        return CM_ERR_UNSUPPORTED;
    }
    parse_sgx_body(cm_rd_init(q->qe_report), &q->qe);
    return CM_OK;
}

static enum cm_status parse_auth(struct cm_rd *rd, struct cm_quote *q, struct cm_why *why)
{
    struct cm_rd auth = cm_rd_sub(rd, cm_rd_u32le(rd));
    enum cm_status st = CM_OK;

    if (cm_rd_finish(rd) != CM_OK) {
        cm_why_set(why, rd->bad ? "quote: shorter than its signature data"
                                : "quote: bytes behind the signature data");
        return CM_ERR_FORMAT;
    }
    q->signature = cm_rd_take(&auth, 64);
    q->att_key = cm_rd_take(&auth, 64);
    if (q->version >= 4) {
        uint16_t outer = cm_rd_u16le(&auth);
        struct cm_rd inner = cm_rd_sub(&auth, cm_rd_u32le(&auth));

        if (cm_rd_finish(&auth) != CM_OK) {
            cm_why_set(why, "quote: lengths in the signature data do not add up");
            return CM_ERR_FORMAT;
        }
        if (outer != CERT_TYPE_QE_REPORT) {
            cm_why_set(why, "quote: outer certification data type %u is not 6", outer);
            return CM_ERR_UNSUPPORTED;
        }
        auth = inner;
    }
    CM_TRY(parse_qe(&auth, q, why));
out:
    return st;
}

enum cm_status cm_quote_parse(struct cm_span bytes, struct cm_quote *out, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(bytes);
    struct cm_quote q;
    enum cm_status st = CM_OK;

    memset(&q, 0, sizeof(q));
    CM_TRY(parse_header(&rd, &q, why));
    CM_TRY(parse_body(&rd, &q, why));
    q.signed_bytes = cm_span_make(bytes.ptr, bytes.len - rd.left);
    CM_TRY(parse_auth(&rd, &q, why));
    *out = q;
out:
    return st;
}

struct cm_span cm_quote_unpadded(struct cm_span bytes)
{
    struct cm_rd rd = cm_rd_init(bytes);
    uint16_t version = cm_rd_u16le(&rd);

    (void)cm_rd_take(&rd, 46);
    if (version >= 5) {
        (void)cm_rd_u16le(&rd);
        (void)cm_rd_take(&rd, cm_rd_u32le(&rd));
    } else {
        (void)cm_rd_take(&rd, 584); /* TD report body of version 4 */
    }
    (void)cm_rd_take(&rd, cm_rd_u32le(&rd));
    if (!rd.bad) {
        size_t len = bytes.len - rd.left;

        cm_rd_zero(&rd, rd.left);
        bytes.len = rd.bad ? bytes.len : len;
    }
    return bytes;
}
