/* The body of POST attest, and what it binds; see kbs_private.h. Untrusted: every byte. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/writer.h"
#include "kbs/kbs_jcs.h"
#include "kbs/kbs_private.h"

static enum cm_status parse(struct cm_span text, struct cm_json_node **nodes, struct cm_json *doc,
                            struct cm_why *why)
{
    size_t max = text.len / 2 + 2;

    max = max > CM_KBS_MAX_NODES ? CM_KBS_MAX_NODES : max;
    *nodes = calloc(max, sizeof(**nodes));
    return *nodes == NULL ? CM_ERR_NOMEM : cm_json_parse(text, *nodes, max, doc, why);
}

static bool is_there(struct cm_json_value v)
{
    return v.doc != NULL && !cm_json_is(v, CM_JSON_NULL);
}

/* A text that is an object in JSON; an empty one is none. */
static enum cm_status read_text(struct cm_kbs_text *t, struct cm_json_value v, struct cm_why *why)
{
    size_t cap = cm_json_bytes(v).len + 1;
    size_t len = 0;
    enum cm_status st = CM_OK;

    t->text = malloc(cap);
    if (t->text == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_string(v, t->text, cap, &len));
    if (len == 0) {
        return CM_OK;
    }
    CM_TRY(parse(cm_span_make(t->text, len), &t->nodes, &t->doc, why));
    st = cm_json_is(cm_json_root(&t->doc), CM_JSON_OBJECT) ? CM_OK : CM_ERR_FORMAT;
out:
    return st;
}

/* Old dialects have the evidence itself, perhaps as text, where new ones have an object of two. */
static enum cm_status read_evidence(struct cm_kbs_attestation *a, struct cm_json_value evidence,
                                    unsigned minor, struct cm_why *why)
{
    struct cm_json_value primary = cm_json_get(evidence, "primary_evidence");
    enum cm_status st = CM_OK;

    if (is_there(primary)) {
        a->primary = primary;
        a->additional = cm_json_get(evidence, "additional_evidence");
        return cm_json_is(a->additional, CM_JSON_STRING)
                   ? read_text(&a->devices, a->additional, why)
                   : CM_ERR_FORMAT;
    }
    a->primary = evidence;
    if (minor < 4 && cm_json_is(evidence, CM_JSON_STRING)) {
        CM_TRY(read_text(&a->evidence, evidence, why));
        a->primary = a->evidence.nodes == NULL ? a->primary : cm_json_root(&a->evidence.doc);
    }
    st = minor < 4 && is_there(evidence) ? CM_OK : CM_ERR_FORMAT;
out:
    return st;
}

enum cm_status cm_kbs_attestation_read(struct cm_span body, unsigned minor,
                                       struct cm_kbs_attestation *out, struct cm_why *why)
{
    struct cm_json_value root = {NULL, 0};
    struct cm_json_value runtime = {NULL, 0};
    struct cm_json_value old_key = {NULL, 0};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(parse(body, &out->nodes, &out->doc, why));
    root = cm_json_root(&out->doc);
    runtime = cm_json_get(root, "runtime-data");
    old_key = cm_json_get(root, "tee-pubkey");
    out->nonce = cm_json_get(runtime, "nonce");
    out->pubkey = cm_json_get(runtime, "tee-pubkey");
    out->init_data = cm_json_get(root, "init-data");
    if (minor < 4 && out->pubkey.doc == NULL) {
        out->pubkey = old_key;
    } else if (old_key.doc != NULL) {
        cm_why_set(why, "tee-pubkey stands beside runtime-data, too");
        st = CM_ERR_FORMAT;
        goto out;
    }
    st = read_evidence(out, cm_json_get(root, "tee-evidence"), minor, why);
    if (st == CM_ERR_NOMEM) {
        goto out;
    }
    if (st != CM_OK || !cm_json_is(out->pubkey, CM_JSON_OBJECT) ||
        (minor >= 4 && out->nonce.doc == NULL)) {
        cm_why_set(why,
                   "not an attestation of protocol 0.%u: runtime-data (nonce, tee-pubkey) and "
                   "tee-evidence are needed",
                   minor);
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

void cm_kbs_attestation_free(struct cm_kbs_attestation *a)
{
    free(a->nodes);
    free(a->devices.nodes);
    free(a->devices.text);
    free(a->evidence.nodes);
    free(a->evidence.text);
    memset(a, 0, sizeof(*a));
}

static void put(struct cm_wr *w, const char *text)
{
    cm_wr_bytes(w, text, strlen(text));
}

static void put_raw(struct cm_wr *w, struct cm_json_value v)
{
    struct cm_span bytes = cm_json_bytes(v);

    cm_wr_bytes(w, bytes.ptr, bytes.len);
}

enum cm_status cm_kbs_binding(const struct cm_kbs_attestation *a, const char *nonce,
                              enum cm_hash_alg hash, bool with_devices,
                              uint8_t out[CM_HASH_MAX_SIZE], struct cm_why *why)
{
    size_t cap = cm_json_bytes(a->pubkey).len + cm_json_bytes(a->additional).len + strlen(nonce) +
                 sizeof("{\"nonce\":\"\",\"tee-pubkey\":,\"additional-evidence\":}");
    struct cm_wr w = cm_wr_init(malloc(cap), cap);
    uint8_t *canonical = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (w.start == NULL) {
        return CM_ERR_NOMEM;
    }
    put(&w, "{\"nonce\":\"");
    put(&w, nonce); /* base64: nothing to escape */
    put(&w, "\",\"tee-pubkey\":");
    put_raw(&w, a->pubkey);
    if (with_devices && a->additional.doc != NULL) {
        put(&w, ",\"additional-evidence\":");
        put_raw(&w, a->additional);
    }
    put(&w, "}");
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_jcs_text(cm_span_make(w.start, w.used), &canonical, &len, why));
    st = cm_hash(hash, cm_span_make(canonical, len), out);
out:
    free(canonical);
    free(w.start);
    return st;
}
