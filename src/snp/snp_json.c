/* JSON of attestation-rs and of Azure's THIM service; see snp_json.h. Untrusted: every byte. */
#include "snp/snp_json.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "token/base64.h"
#include "token/json.h"

bool cm_snp_json_recognise(struct cm_span bytes)
{
    static const char word[] = "\"attestation_report\"";
    const uint8_t *at = NULL;
    const uint8_t *end = bytes.ptr + bytes.len;

    if (bytes.len < 2 || bytes.len > CM_SNP_JSON_MAX || bytes.ptr[0] != '{') {
        return false;
    }
    at = memmem(bytes.ptr, bytes.len, word, sizeof(word) - 1);
    if (at == NULL) {
        return false;
    }
    at += sizeof(word) - 1;
    while (at < end && (*at == ':' || *at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    return at < end &&
           *at == '"'; /* some tools take the report apart: those bytes are not signed */
}

/* Base64, base64url without padding, or PEM as it is; room has text.len bytes. */
static enum cm_status decode(struct cm_span text, uint8_t *room, size_t *len)
{
    if (text.len != 0 && text.ptr[0] == '-') {
        memcpy(room, text.ptr, text.len);
        *len = text.len;
        return CM_OK;
    }
    return cm_base64_decode(text, room, text.len, len) == CM_OK
               ? CM_OK
               : cm_base64url_decode(text, room, text.len, len);
}

/* A text's bytes; absent is no failure and leaves out as it is. */
static enum cm_status read_text(struct cm_snp_json *j, struct cm_json_value v, struct cm_span *out)
{
    size_t cap = cm_json_bytes(v).len;
    uint8_t *text = NULL;
    uint8_t *room = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (v.doc == NULL) {
        return CM_OK;
    }
    if (j->owned_count == sizeof(j->owned) / sizeof(j->owned[0])) {
        return CM_ERR_LIMIT;
    }
    text = malloc(cap + 1);
    room = malloc(cap + 1);
    if (text == NULL || room == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    if (cm_json_is(v, CM_JSON_ARRAY)) { /* bytes as numbers */
        CM_TRY(cm_json_byte_array(v, room, cap, &len));
    } else {
        CM_TRY(cm_json_string(v, (char *)text, cap + 1, &len));
        CM_TRY(decode(cm_span_make(text, len), room, &len));
    }
    *out = cm_span_make(room, len);
    j->owned[j->owned_count++] = room;
    room = NULL;
out:
    free(room);
    free(text);
    return st;
}

/* A text or bytes among the certificates; anything else is none. */
static enum cm_status add_cert(struct cm_snp_json *j, struct cm_json_value v)
{
    struct cm_span cert = {NULL, 0};
    enum cm_status st = CM_OK;

    if (!cm_json_is(v, CM_JSON_STRING) && !cm_json_is(v, CM_JSON_ARRAY)) {
        return CM_OK;
    }
    if (j->cert_count == CM_SNP_JSON_CERTS) {
        return CM_ERR_LIMIT;
    }
    CM_TRY(read_text(j, v, &cert));
    if (cert.len != 0) {
        j->certs[j->cert_count++] = cert;
    }
out:
    return st;
}

/* A list of texts, or of {"cert_type", "data"} as the kernel's certificate table says it. */
static enum cm_status read_list(struct cm_snp_json *j, struct cm_json_value list)
{
    enum cm_status st = CM_OK;

    for (struct cm_json_value v = cm_json_first(list); v.doc != NULL; v = cm_json_next(v)) {
        struct cm_json_value data = cm_json_get(v, "data");

        CM_TRY(add_cert(j, data.doc == NULL ? v : data));
    }
out:
    return st;
}

/* Every text of cert_chain, whatever it is called: SIGNING_KEY decides what is used. */
static enum cm_status read_chain(struct cm_snp_json *j, struct cm_json_value chain)
{
    enum cm_status st = CM_OK;

    if (!cm_json_is(chain, CM_JSON_OBJECT)) {
        return cm_json_is(chain, CM_JSON_ARRAY) ? read_list(j, chain) : add_cert(j, chain);
    }
    for (struct cm_json_value n = cm_json_first(chain); n.doc != NULL;) {
        struct cm_json_value v = cm_json_next(n);

        CM_TRY(add_cert(j, v));
        n = cm_json_next(v);
    }
out:
    return st;
}

enum cm_status cm_snp_json_read(struct cm_span bytes, struct cm_snp_json *out)
{
    size_t max = bytes.len / 2 + 2;
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    struct cm_json_value root = {NULL, 0};
    struct cm_json_value inner = {NULL, 0};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (bytes.len > CM_SNP_JSON_MAX) {
        return CM_ERR_LIMIT;
    }
    nodes = malloc(max * sizeof(*nodes)); /* CM_SNP_JSON_MAX bounds it */
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(bytes, nodes, max, &doc, NULL));
    root = cm_json_root(&doc);
    inner = cm_json_get(root, "evidence");
    root = cm_json_is(inner, CM_JSON_OBJECT) ? inner : root;
    CM_TRY(read_text(out, cm_json_get(root, "attestation_report"), &out->report));
    CM_TRY(read_chain(out, cm_json_get(root, "cert_chain")));
    CM_TRY(add_cert(out, cm_json_get(root, "vcekCert")));
    CM_TRY(add_cert(out, cm_json_get(root, "certificateChain")));
out:
    free(nodes);
    return st;
}

void cm_snp_json_free(struct cm_snp_json *json)
{
    for (size_t i = 0; i < json->owned_count; i++) {
        free(json->owned[i]);
    }
    json->owned_count = 0;
}
