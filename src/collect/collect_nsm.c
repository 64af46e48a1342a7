/*
 * Attestation documents of the Nitro security module: one CBOR map to the module and one back; see
 * collect.h. UNTRUSTED: the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collect.h"
#include "common/try.h"
#include "token/cbor.h"

#define MAX_REQUEST  0x1000
#define MAX_RESPONSE 0x3000
#define MAX_NONCE    512
#define MAX_NODES    64

/* {"Attestation": {"user_data": null, "nonce": ..., "public_key": null}} */
static enum cm_status make_request(struct cm_span nonce, struct cm_wr *w)
{
    cm_cbor_wr_map(w, 1);
    cm_cbor_wr_text(w, "Attestation");
    cm_cbor_wr_map(w, 3);
    cm_cbor_wr_text(w, "user_data");
    cm_cbor_wr_null(w);
    cm_cbor_wr_text(w, "nonce");
    cm_cbor_wr_bytes(w, nonce);
    cm_cbor_wr_text(w, "public_key");
    cm_cbor_wr_null(w);
    return cm_wr_finish(w);
}

/* {"Attestation": {"document": ...}} or {"Error": "InvalidArgument"} */
static enum cm_status read_response(struct cm_span bytes, struct cm_span *document,
                                    struct cm_why *why)
{
    struct cm_cbor_node nodes[MAX_NODES];
    struct cm_cbor cbor;
    struct cm_span said = {NULL, 0};
    enum cm_status st = cm_cbor_parse(bytes, nodes, MAX_NODES, 0, &cbor, why);

    if (st != CM_OK) {
        return st;
    }
    if (cm_cbor_text(cm_cbor_get_text(cm_cbor_root(&cbor), "Error"), &said) == CM_OK) {
        cm_why_set(why, "the Nitro security module refused: %.*s",
                   (int)(said.len > 64 ? 64 : said.len), (const char *)said.ptr);
        return CM_ERR_PLATFORM;
    }
    st = cm_cbor_bytes(
        cm_cbor_get_text(cm_cbor_get_text(cm_cbor_root(&cbor), "Attestation"), "document"),
        document);
    if (st != CM_OK || document->len == 0) {
        cm_why_set(why, "the Nitro security module's answer has no document");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_collect_nsm(const struct cm_nsm *nsm, struct cm_span nonce,
                              struct cm_collected *out, struct cm_why *why)
{
    uint8_t request[MAX_REQUEST];
    struct cm_wr w = cm_wr_init(request, sizeof(request));
    uint8_t *response = NULL;
    size_t len = MAX_RESPONSE;
    struct cm_span document = {NULL, 0};
    int error = 0;
    enum cm_status st = CM_OK;

    cm_collected_free(out);
    if (nonce.len == 0 || nonce.len > MAX_NONCE) {
        cm_why_set(why, "a challenge has 1 to %d bytes", MAX_NONCE);
        return CM_ERR_PARAM;
    }
    CM_TRY(make_request(nonce, &w));
    response = malloc(MAX_RESPONSE);
    if (response == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    error = nsm->call(nsm->ctx, cm_span_make(request, w.used), response, &len);
    if (error != 0 || len > MAX_RESPONSE) {
        cm_why_set(why, "/dev/nsm: %s", strerror(error != 0 ? error : EMSGSIZE));
        st = error == ENOENT || error == ENODEV || error == ENXIO ? CM_ERR_NOTFOUND
             : error == EACCES || error == EPERM                  ? CM_ERR_DENIED
                                                                  : CM_ERR_PLATFORM;
        goto out;
    }
    CM_TRY(read_response(cm_span_make(response, len), &document, why));
    CM_TRY(cm_collected_add(out, (enum cm_material_kind)0, "", document));
    out->format = CM_FORMAT_NITRO;
out:
    free(response);
    return st;
}
