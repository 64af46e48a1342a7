/* Taking a Nitro document apart; see nitro.h. Untrusted: all of it. */
#include <string.h>

#include "common/try.h"
#include "nitro/nitro.h"

#define MAX_NODES       1024
#define LOOK_NODES      512 /* where a document is only recognised */
#define MAX_CERTIFICATE 1024
#define MAX_OPTIONAL    1024
#define MAX_MODULE_ID   256

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s is missing or malformed", what);
    return CM_ERR_FORMAT;
}

static enum cm_status read_pcrs(struct cm_cbor_value map, struct cm_nitro_doc *out,
                                struct cm_why *why)
{
    if (!cm_cbor_is(map, CM_CBOR_MAP) || cm_cbor_count(map) == 0 ||
        cm_cbor_count(map) > CM_NITRO_MAX_PCRS) {
        return bad(why, "pcrs");
    }
    for (struct cm_cbor_value k = cm_cbor_first(map); k.doc != NULL;) {
        struct cm_cbor_value v = cm_cbor_next(k);
        struct cm_span value = {NULL, 0};
        uint64_t index = 0;

        if (cm_cbor_u64(k, &index) != CM_OK || index >= CM_NITRO_MAX_PCRS ||
            cm_cbor_bytes(v, &value) != CM_OK ||
            (value.len != 32 && value.len != 48 && value.len != 64)) {
            return bad(why, "a PCR");
        }
        out->pcrs[index] = value;
        k = cm_cbor_next(v);
    }
    return CM_OK;
}

/* Byte strings of 1 to MAX_CERTIFICATE bytes: the leaf, and root to last intermediate. */
static enum cm_status read_certificates(struct cm_cbor_value map, struct cm_nitro_doc *out,
                                        struct cm_why *why)
{
    struct cm_cbor_value bundle = cm_cbor_get_text(map, "cabundle");

    if (cm_cbor_bytes(cm_cbor_get_text(map, "certificate"), &out->certificate) != CM_OK ||
        out->certificate.len == 0 || out->certificate.len > MAX_CERTIFICATE) {
        return bad(why, "certificate");
    }
    if (!cm_cbor_is(bundle, CM_CBOR_ARRAY) || cm_cbor_count(bundle) == 0) {
        return bad(why, "cabundle");
    }
    for (struct cm_cbor_value v = cm_cbor_first(bundle); v.doc != NULL; v = cm_cbor_next(v)) {
        struct cm_span ca = {NULL, 0};

        if (cm_cbor_bytes(v, &ca) != CM_OK || ca.len == 0 || ca.len > MAX_CERTIFICATE) {
            return bad(why, "a certificate of cabundle");
        }
        if (out->ca_count == CM_NITRO_MAX_CA) {
            cm_why_set(why, "more than %d certificates in cabundle", CM_NITRO_MAX_CA);
            return CM_ERR_LIMIT;
        }
        out->ca[out->ca_count++] = ca;
    }
    return CM_OK;
}

/* Absent and null are the same: real documents have null where AWS's text has nothing. */
static enum cm_status read_optional(struct cm_cbor_value map, const char *name, size_t min,
                                    struct cm_span *out, struct cm_why *why)
{
    struct cm_cbor_value v = cm_cbor_get_text(map, name);
    struct cm_span s = {NULL, 0};

    if (v.doc == NULL || cm_cbor_is(v, CM_CBOR_NULL)) {
        return CM_OK;
    }
    if (cm_cbor_bytes(v, &s) != CM_OK || s.len < min || s.len > MAX_OPTIONAL) {
        return bad(why, name);
    }
    *out = s;
    return CM_OK;
}

static enum cm_status read_payload(struct cm_cbor_value map, struct cm_nitro_doc *out,
                                   struct cm_why *why)
{
    struct cm_cbor_value digest = cm_cbor_get_text(map, "digest");
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(map, CM_CBOR_MAP)) {
        return bad(why, "the map of the document");
    }
    if (cm_cbor_text(cm_cbor_get_text(map, "module_id"), &out->module_id) != CM_OK ||
        out->module_id.len == 0 || out->module_id.len > MAX_MODULE_ID ||
        memchr(out->module_id.ptr, 0, out->module_id.len) != NULL) {
        return bad(why, "module_id");
    }
    if (!cm_cbor_is(digest, CM_CBOR_TEXT)) {
        return bad(why, "digest");
    }
    if (!cm_cbor_equal(digest, "SHA384")) {
        cm_why_set(why, "another digest than SHA384");
        return CM_ERR_UNSUPPORTED;
    }
    if (cm_cbor_u64(cm_cbor_get_text(map, "timestamp"), &out->timestamp_ms) != CM_OK ||
        out->timestamp_ms == 0) {
        return bad(why, "timestamp");
    }
    CM_TRY(read_pcrs(cm_cbor_get_text(map, "pcrs"), out, why));
    CM_TRY(read_certificates(map, out, why));
    CM_TRY(read_optional(map, "public_key", 1, &out->public_key, why));
    CM_TRY(read_optional(map, "user_data", 0, &out->user_data, why));
    st = read_optional(map, "nonce", 0, &out->nonce, why);
out:
    return st;
}

enum cm_status cm_nitro_doc_parse(struct cm_span bytes, struct cm_nitro_doc *out,
                                  struct cm_why *why)
{
    static const struct cm_cbor_limits outer = {CM_NITRO_MAX_DOCUMENT, 64};
    static const struct cm_cbor_limits inner = {CM_NITRO_MAX_PAYLOAD, MAX_NODES};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_cbor_own_parse(bytes, outer, &out->message, why));
    CM_TRY(cm_cose_sign1_parse(cm_cbor_root(&out->message.doc), &out->sign1, why));
    if (out->sign1.detached) {
        return bad(why, "the payload");
    }
    if (out->sign1.alg != CM_SIG_ES384) {
        cm_why_set(why, "another signature algorithm than ES384");
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(cm_cbor_own_parse(out->sign1.payload, inner, &out->payload, why));
    st = read_payload(cm_cbor_root(&out->payload.doc), out, why);
out:
    return st;
}

void cm_nitro_doc_free(struct cm_nitro_doc *doc)
{
    cm_cbor_own_free(&doc->message);
    cm_cbor_own_free(&doc->payload);
}

bool cm_nitro_recognise(struct cm_span bytes)
{
    struct cm_cbor_node nodes[LOOK_NODES];
    struct cm_cose_sign1 msg;
    struct cm_cbor doc;

    /* tag 18, or an array: then a message whose payload is a map with "module_id" */
    if (bytes.len < 2 || bytes.len > CM_NITRO_MAX_DOCUMENT ||
        (bytes.ptr[0] != 0xd2 && (bytes.ptr[0] & 0xe0) != 0x80) ||
        cm_cbor_parse(bytes, nodes, LOOK_NODES, 0, &doc, NULL) != CM_OK ||
        cm_cose_sign1_parse(cm_cbor_root(&doc), &msg, NULL) != CM_OK || msg.detached ||
        cm_cbor_parse(msg.payload, nodes, LOOK_NODES, 0, &doc, NULL) != CM_OK) {
        return false;
    }
    return cm_cbor_get_text(cm_cbor_root(&doc), "module_id").doc != NULL;
}
