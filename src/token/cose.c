/* COSE_Sign1; see cose.h. Untrusted: the message. */
#include "token/cose.h"

#include <string.h>

#include "common/try.h"

static const struct {
    int64_t label;
    enum cm_sig_alg alg;
} labels[] = {
    {-7, CM_SIG_ES256},   {-35, CM_SIG_ES384},  {-36, CM_SIG_ES512},
    {-37, CM_SIG_PS256},  {-38, CM_SIG_PS384},  {-39, CM_SIG_PS512},
    {-257, CM_SIG_RS256}, {-258, CM_SIG_RS384}, {-259, CM_SIG_RS512},
};
#define LABEL_COUNT (sizeof(labels) / sizeof(labels[0]))

static enum cm_status alg_from(struct cm_cbor_value v, enum cm_sig_alg *out)
{
    int64_t label = 0;

    if (cm_cbor_i64(v, &label) != CM_OK) {
        return CM_ERR_UNSUPPORTED;
    }
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        if (labels[i].label == label) {
            *out = labels[i].alg;
            return CM_OK;
        }
    }
    return CM_ERR_UNSUPPORTED;
}

static enum cm_status parse_protected(struct cm_cose_sign1 *out, struct cm_why *why)
{
    struct cm_cbor_value map = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_cbor_parse(out->protected_bytes, out->nodes, CM_COSE_MAX_PROTECTED, 0,
                         &out->protected_header, why));
    map = cm_cbor_root(&out->protected_header);
    if (!cm_cbor_is(map, CM_CBOR_MAP)) {
        cm_why_set(why, "COSE: the protected header is not a map");
        return CM_ERR_FORMAT;
    }
    if (cm_cbor_get(map, CM_COSE_CRIT).doc != NULL) {
        cm_why_set(why, "COSE: a critical header is not supported");
        return CM_ERR_UNSUPPORTED;
    }
    st = alg_from(cm_cbor_get(map, CM_COSE_ALG), &out->alg);
    if (st != CM_OK) {
        cm_why_set(why, "COSE: the algorithm is missing or not supported");
    }
out:
    return st;
}

enum cm_status cm_cose_sign1_parse(struct cm_cbor_value message, struct cm_cose_sign1 *out,
                                   struct cm_why *why)
{
    struct cm_cbor_value field = {NULL, 0};
    uint64_t tag = 0;

    memset(out, 0, sizeof(*out));
    if (cm_cbor_tag(message, &tag) == CM_OK) {
        if (tag != CM_COSE_TAG_SIGN1) {
            cm_why_set(why, "COSE: tag %llu is not COSE_Sign1", (unsigned long long)tag);
            return CM_ERR_FORMAT;
        }
        message = cm_cbor_first(message);
    }
    field = cm_cbor_first(message);
    if (!cm_cbor_is(message, CM_CBOR_ARRAY) || cm_cbor_count(message) != 4 ||
        cm_cbor_bytes(field, &out->protected_bytes) != CM_OK) {
        cm_why_set(why, "COSE: not a COSE_Sign1");
        return CM_ERR_FORMAT;
    }
    out->unprotected = cm_cbor_next(field);
    field = cm_cbor_next(out->unprotected);
    out->detached = cm_cbor_is(field, CM_CBOR_NULL);
    if (!cm_cbor_is(out->unprotected, CM_CBOR_MAP) ||
        (!out->detached && cm_cbor_bytes(field, &out->payload) != CM_OK) ||
        cm_cbor_bytes(cm_cbor_next(field), &out->signature) != CM_OK) {
        cm_why_set(why, "COSE: not a COSE_Sign1");
        return CM_ERR_FORMAT;
    }
    return parse_protected(out, why);
}

/* Sig_structure ["Signature1", protected, external, payload] as parts; contents are not copied. */
struct to_be_signed {
    uint8_t heads[3][32];
    struct cm_span parts[6];
};

static void sig_structure(struct to_be_signed *t, struct cm_span protected_bytes,
                          struct cm_span external, struct cm_span payload)
{
    const struct cm_span contents[3] = {protected_bytes, external, payload};

    for (size_t i = 0; i < 3; i++) {
        struct cm_wr w = cm_wr_init(t->heads[i], sizeof(t->heads[i]));

        if (i == 0) {
            cm_cbor_wr_array(&w, 4);
            cm_cbor_wr_text(&w, "Signature1");
        }
        cm_cbor_wr_bytes_head(&w, contents[i].len);
        t->parts[2 * i] = cm_span_make(t->heads[i], w.used);
        t->parts[2 * i + 1] = contents[i];
    }
}

enum cm_status cm_cose_sign1_verify(const struct cm_cose_sign1 *msg, const struct cm_pubkey *key,
                                    enum cm_sig_alg alg, struct cm_span external,
                                    struct cm_span detached)
{
    struct to_be_signed t;

    if (msg->alg != alg || msg->detached != (detached.ptr != NULL)) {
        return CM_ERR_MISMATCH;
    }
    sig_structure(&t, msg->protected_bytes, external, msg->detached ? detached : msg->payload);
    return cm_pubkey_verify(key, alg, t.parts, 6, msg->signature);
}

enum cm_status cm_cose_sign1_write(const struct cm_privkey *key, enum cm_sig_alg alg,
                                   struct cm_span payload, struct cm_wr *out)
{
    uint8_t header[16] = {0};
    uint8_t sig[CM_SIG_MAX_SIZE] = {0};
    struct cm_wr h = cm_wr_init(header, sizeof(header));
    struct to_be_signed t;
    size_t len = 0;
    size_t i = 0;
    enum cm_status st = CM_OK;

    while (i < LABEL_COUNT && labels[i].alg != alg) {
        i++;
    }
    if (i == LABEL_COUNT) {
        return CM_ERR_UNSUPPORTED;
    }
    cm_cbor_wr_map(&h, 1);
    cm_cbor_wr_u64(&h, CM_COSE_ALG);
    cm_cbor_wr_i64(&h, labels[i].label);
    sig_structure(&t, cm_span_make(header, h.used), cm_span_make(NULL, 0), payload);
    CM_TRY(cm_privkey_sign(key, alg, t.parts, 6, sig, sizeof(sig), &len));
    cm_cbor_wr_tag(out, CM_COSE_TAG_SIGN1);
    cm_cbor_wr_array(out, 4);
    cm_cbor_wr_bytes(out, cm_span_make(header, h.used));
    cm_cbor_wr_map(out, 0);
    cm_cbor_wr_bytes(out, payload);
    cm_cbor_wr_bytes(out, cm_span_make(sig, len));
    st = cm_wr_finish(out);
out:
    return st;
}
