/*
 * Azure's evidence in the forms in which tools keep it; see azure_parts.h. Untrusted: every byte. Trustee's
 * version 0 writes bytes as arrays of numbers, 1 and 2 as hexadecimal (the quote) and base64url.
 */
#include "cvm/azure_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/reader.h"
#include "common/try.h"
#include "evidence/dcap_part.h"
#include "token/base64.h"
#include "token/json.h"

/* Room that the parts own. */
static uint8_t *own(struct cm_azure_parts *p, size_t size)
{
    uint8_t *room = NULL;

    if (p->owned_count < sizeof(p->owned) / sizeof(p->owned[0])) {
        room = malloc(size == 0 ? 1 : size);
        if (room != NULL) {
            p->owned[p->owned_count++] = room;
        }
    }
    return room;
}

/* base64, or base64url with padding or without; PEM stays as it is. */
static enum cm_status from_text(struct cm_span text, bool hex, uint8_t *out, size_t *len)
{
    if (hex) {
        *len = text.len / 2;
        return cm_hex_decode(text, out, text.len / 2) ? CM_OK : CM_ERR_FORMAT;
    }
    if (text.len != 0 && text.ptr[0] == '-') {
        memcpy(out, text.ptr, text.len);
        *len = text.len;
        return CM_OK;
    }
    if (cm_base64_decode(text, out, text.len, len) == CM_OK) {
        return CM_OK;
    }
    for (int i = 0; i < 2 && text.len % 4 != 1 && text.len != 0; i++) {
        text.len -= text.ptr[text.len - 1] == '=' ? 1 : 0;
    }
    return cm_base64url_decode(text, out, text.len, len);
}

/* The bytes of a member: absent is no failure. Of both names one at the most is there. */
static enum cm_status read_bytes(struct cm_azure_parts *p, struct cm_json_value v, bool hex,
                                 struct cm_span *out)
{
    size_t cap = cm_json_bytes(v).len;
    struct cm_span plain = {NULL, 0};
    uint8_t *text = NULL;
    uint8_t *room = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (v.doc == NULL) {
        return CM_OK;
    }
    room = own(p, cap);
    if (room == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_json_is(v, CM_JSON_ARRAY)) {
        st = cm_json_byte_array(v, room, cap, &len);
        CM_TRY(st == CM_OK ? st : CM_ERR_FORMAT);
    } else if (cm_json_plain(v, &plain) == CM_OK) {
        CM_TRY(from_text(plain, hex, room, &len));
    } else {
        text = malloc(cap + 1);
        if (text == NULL) {
            st = CM_ERR_NOMEM;
            goto out;
        }
        CM_TRY(cm_json_string(v, (char *)text, cap + 1, &len));
        CM_TRY(from_text(cm_span_make(text, len), hex, room, &len));
    }
    *out = cm_span_make(room, len);
out:
    free(text);
    return st;
}

static enum cm_status read_pcr(struct cm_json_value v, uint8_t out[32])
{
    struct cm_span text = {NULL, 0};
    size_t len = 0;

    if (cm_json_is(v, CM_JSON_ARRAY)) {
        return cm_json_byte_array(v, out, 32, &len) == CM_OK && len == 32 ? CM_OK : CM_ERR_FORMAT;
    }
    return cm_json_plain(v, &text) == CM_OK && cm_hex_decode(text, out, 32) ? CM_OK : CM_ERR_FORMAT;
}

/* The place in the list is the PCR's number. */
static enum cm_status read_pcrs(struct cm_azure_parts *p, struct cm_json_value list)
{
    enum cm_status st = CM_OK;

    p->has_pcrs = true;
    for (struct cm_json_value v = cm_json_first(list); v.doc != NULL; v = cm_json_next(v)) {
        if (p->pcr_count == CM_AZURE_PCRS) {
            return CM_ERR_LIMIT;
        }
        CM_TRY(read_pcr(v, p->pcrs[p->pcr_count++]));
    }
out:
    return st;
}

/* {"signature", "message", "pcrs"} */
static enum cm_status read_quote(struct cm_azure_parts *p, struct cm_json_value quote)
{
    struct cm_json_value pcrs = cm_json_get(quote, "pcrs");
    enum cm_status st = CM_OK;

    CM_TRY(read_bytes(p, cm_json_get(quote, "message"), true, &p->message));
    CM_TRY(read_bytes(p, cm_json_get(quote, "signature"), true, &p->signature));
    if (cm_json_is(pcrs, CM_JSON_ARRAY)) {
        CM_TRY(read_pcrs(p, pcrs));
    }
out:
    return st;
}

static struct cm_json_value either(struct cm_json_value object, const char *name, const char *old)
{
    struct cm_json_value v = cm_json_get(object, name);

    return v.doc != NULL ? v : cm_json_get(object, old);
}

static enum cm_status read_evidence(struct cm_azure_parts *p, struct cm_json_value root)
{
    struct cm_json_value inner = cm_json_get(root, "evidence"); /* {"platform", "evidence"} */
    enum cm_status st = CM_OK;

    root = inner.doc == NULL ? root : inner;
    (void)!cm_json_u64(cm_json_get(root, "version"), &p->version);
    CM_TRY(read_quote(p, either(root, "tpm_quote", "quote")));
    CM_TRY(read_bytes(p, either(root, "hcl_report", "report"), false, &p->hcl));
    CM_TRY(read_bytes(p, cm_json_get(root, "vcek"), false, &p->vcek));
    CM_TRY(read_bytes(p, cm_json_get(root, "td_quote"), false, &p->td_quote));
    if (p->version > 2) {
        return CM_ERR_UNSUPPORTED;
    }
out:
    return st;
}

/* JSON: all evidence, or a quote alone. */
static enum cm_status read_json(struct cm_azure_parts *p, struct cm_span text, bool whole,
                                struct cm_why *why)
{
    size_t max = text.len / 2 + 2;
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (text.len > CM_AZURE_MAX_JSON) {
        return CM_ERR_LIMIT;
    }
    nodes = malloc(max * sizeof(*nodes)); /* CM_AZURE_MAX_JSON bounds it */
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, max, &doc, why));
    CM_TRY(whole ? read_evidence(p, cm_json_root(&doc)) : read_quote(p, cm_json_root(&doc)));
out:
    free(nodes);
    return st;
}

/* Rust's bincode of azure-cvm-tooling: vectors with lengths of 64 bits: signature, message, values. */
static enum cm_status read_bincode(struct cm_azure_parts *p, struct cm_span bytes)
{
    struct cm_rd rd = cm_rd_init(bytes);
    struct cm_span signature = cm_rd_take(&rd, cm_rd_u64le(&rd));
    struct cm_span message = cm_rd_take(&rd, cm_rd_u64le(&rd));
    uint64_t count = cm_rd_u64le(&rd);

    if (count > CM_AZURE_PCRS) {
        return CM_ERR_FORMAT;
    }
    for (uint64_t i = 0; i < count; i++) {
        cm_rd_copy(&rd, p->pcrs[i], 32);
    }
    if (cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    p->signature = signature;
    p->message = message;
    p->pcr_count = (size_t)count;
    p->has_pcrs = true;
    return CM_OK;
}

/* A quote that was given apart: the hardware's or the vTPM's, told by its first bytes. */
static enum cm_status read_material(struct cm_azure_parts *p, struct cm_span bytes,
                                    struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(bytes);
    uint32_t magic = cm_rd_u32be(&rd);

    if (cm_dcap_recognise(bytes)) {
        p->td_quote = bytes;
        return CM_OK;
    }
    if (!rd.bad && magic == 0xff544347u) {
        p->message = bytes;
        return CM_OK;
    }
    if (bytes.len != 0 && bytes.ptr[0] == '{') {
        return read_json(p, bytes, false, why);
    }
    rd = cm_rd_init(bytes);
    if (cm_rd_u16be(&rd) == rd.left && cm_rd_u32be(&rd) == 0xff544347u) { /* TPM2B_ATTEST */
        p->message = cm_span_make(bytes.ptr + 2, bytes.len - 2);
        return CM_OK;
    }
    cm_why_set(why, "the quote given is neither a TPM's nor a TD's");
    return read_bincode(p, bytes);
}

/* ID blocks of SNP come as the same kind: by their exact sizes */
static bool is_id(size_t len)
{
    return len == 96 || len == 4096 || len == 4192;
}

enum cm_status cm_azure_parts_gather(const struct cm_verify_job *job, struct cm_azure_parts *out,
                                     struct cm_why *why)
{
    const struct cm_material *m = NULL;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (job->evidence.len != 0 && job->evidence.ptr[0] == '{') {
        CM_TRY(read_json(out, job->evidence, true, why));
    } else {
        out->hcl = job->evidence;
    }
    for (size_t i = 0; (m = cm_material(job, CM_MATERIAL_QUOTE, i)) != NULL; i++) {
        CM_TRY(read_material(out, m->bytes, why));
    }
    for (size_t i = 0; (m = cm_material(job, CM_MATERIAL_SIGNATURE, i)) != NULL; i++) {
        if (!is_id(m->bytes.len)) {
            out->signature = m->bytes;
        }
    }
    m = cm_material(job, CM_MATERIAL_PCRS, 0);
    if (m != NULL) {
        out->pcr_file = m->bytes;
    }
out:
    return st;
}

void cm_azure_parts_free(struct cm_azure_parts *parts)
{
    for (size_t i = 0; i < parts->owned_count; i++) {
        free(parts->owned[i]);
    }
    parts->owned_count = 0;
}
