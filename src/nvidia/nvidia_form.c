/* See nvidia_form.h. Untrusted: every byte. */
#include "nvidia/nvidia_form.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "nvidia/spdm.h"
#include "token/base64.h"
#include "token/json.h"

#define SPDM_11          0x11
#define GET_MEASUREMENTS 0xe0
#define MEASUREMENTS     0x60
#define MAX_TEXT         (2u << 20)
#define MAX_NODES        1024 /* devices have few members */

static bool space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool contains(struct cm_span s, const char *text)
{
    const size_t n = strlen(text);

    for (size_t i = 0; s.len >= n && i <= s.len - n; i++) {
        if (memcmp(s.ptr + i, text, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_json(struct cm_span bytes)
{
    size_t at = 0;

    while (at < bytes.len && space(bytes.ptr[at])) {
        at++;
    }
    return at < bytes.len && (bytes.ptr[at] == '[' || bytes.ptr[at] == '{');
}

static bool message(struct cm_span bytes, size_t at, uint8_t code)
{
    return bytes.len > at + 1 && bytes.ptr[at] == SPDM_11 && bytes.ptr[at + 1] == code;
}

/* A response alone: two bytes are little, so its blocks and the least that follows must fit. */
static bool is_response(struct cm_span bytes)
{
    size_t blocks = 0;

    if (!message(bytes, 0, MEASUREMENTS) || bytes.len < 8) {
        return false;
    }
    blocks = bytes.ptr[5] | (size_t)bytes.ptr[6] << 8 | (size_t)bytes.ptr[7] << 16;
    return bytes.ptr[4] != 0 && blocks >= (size_t)7 * bytes.ptr[4] &&
           bytes.len >= 8 + blocks + CM_SPDM_NONCE_SIZE + 2 + CM_SPDM_SIGNATURE_SIZE;
}

bool cm_nvidia_recognise(struct cm_span bytes)
{
    if (message(bytes, 0, GET_MEASUREMENTS) && message(bytes, CM_SPDM_REQUEST_SIZE, MEASUREMENTS)) {
        return true;
    }
    return is_response(bytes) || (is_json(bytes) && contains(bytes, "\"evidence\"") &&
                                  contains(bytes, "\"certificate\""));
}

/* Memory that goes with the form. */
static uint8_t *keep(struct cm_nvidia_form *f, size_t size)
{
    uint8_t *p = malloc(size == 0 ? 1 : size);

    if (p != NULL) {
        f->owned[f->owned_count++] = p;
    }
    return p;
}

static enum cm_status base64_member(struct cm_nvidia_form *f, struct cm_json_value object,
                                    const char *name, struct cm_span *out, struct cm_why *why)
{
    struct cm_json_value v = cm_json_get(object, name);
    const size_t cap = cm_json_bytes(v).len;
    uint8_t *text = NULL;
    size_t len = 0;

    if (!cm_json_is(v, CM_JSON_STRING)) {
        cm_why_set(why, "a device without \"%s\"", name);
        return CM_ERR_FORMAT;
    }
    text = keep(f, cap);
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_json_string(v, (char *)text, cap, &len) != CM_OK ||
        cm_base64_decode(cm_span_make(text, len), text, cap, &len) != CM_OK || len == 0) {
        cm_why_set(why, "\"%s\" is not base64", name);
        return CM_ERR_FORMAT;
    }
    *out = cm_span_make(text, len);
    return CM_OK;
}

/* A short text that need not be there; what is longer or of another type is as if absent. */
static void text_member(struct cm_json_value object, struct cm_json_value whole, const char *name,
                        char *out, size_t cap)
{
    struct cm_json_value v = cm_json_get(object, name);

    if (v.doc == NULL) {
        v = cm_json_get(whole, name);
    }
    if (cm_json_string(v, out, cap, NULL) != CM_OK) {
        out[0] = '\0';
    }
}

static enum cm_status read_device(struct cm_nvidia_form *f, struct cm_json_value object,
                                  struct cm_json_value whole, struct cm_why *why)
{
    struct cm_nvidia_device *d = &f->devices[f->count];
    char nonce[72] = "";
    enum cm_status st = CM_OK;

    if (f->count == CM_NVIDIA_MAX_DEVICES) {
        cm_why_set(why, "more than %u devices", CM_NVIDIA_MAX_DEVICES);
        return CM_ERR_LIMIT;
    }
    CM_TRY(base64_member(f, object, "evidence", &d->report, why));
    CM_TRY(base64_member(f, object, "certificate", &d->certs, why));
    text_member(object, whole, "arch", d->arch, sizeof(d->arch));
    text_member(object, whole, "driver_version", d->driver, sizeof(d->driver));
    text_member(object, whole, "vbios_version", d->vbios, sizeof(d->vbios));
    text_member(object, whole, "nonce", nonce, sizeof(nonce));
    if (nonce[0] != '\0') {
        struct cm_span hex = cm_span_make(nonce, strlen(nonce));

        if (hex.len > 2 && nonce[0] == '0' && nonce[1] == 'x') {
            hex = cm_span_make(nonce + 2, hex.len - 2);
        }
        if (!cm_hex_decode(hex, d->nonce, sizeof(d->nonce))) {
            cm_why_set(why, "\"nonce\" is not 32 bytes in hexadecimal");
            st = CM_ERR_FORMAT;
            goto out;
        }
        d->has_nonce = true;
    }
    f->count++;
out:
    return st;
}

/* The list of devices: the text itself, or the one member of an object that tools give it in. */
static struct cm_json_value device_list(struct cm_json_value root)
{
    static const char *const names[] = {"evidence_list", "device_evidence_list",
                                        "gpu_evidence_list"};
    struct cm_json_value list = root;

    for (size_t i = 0; cm_json_is(root, CM_JSON_OBJECT) && i < 3; i++) {
        struct cm_json_value v = cm_json_get(root, names[i]);

        if (cm_json_is(v, CM_JSON_ARRAY)) {
            list = v;
        }
    }
    return list;
}

static enum cm_status read_devices(struct cm_json_value root, struct cm_nvidia_form *f,
                                   struct cm_why *why)
{
    struct cm_json_value list = device_list(root);
    enum cm_status st = CM_OK;

    if (cm_json_is(list, CM_JSON_OBJECT)) {
        return read_device(f, list, list, why);
    }
    for (struct cm_json_value v = cm_json_first(list); st == CM_OK && v.doc != NULL;
         v = cm_json_next(v)) {
        st = read_device(f, v, root, why);
    }
    if (st == CM_OK && f->count == 0) {
        cm_why_set(why, "a list of no devices");
        st = CM_ERR_FORMAT;
    }
    return st;
}

static enum cm_status read_json(struct cm_span text, struct cm_nvidia_form *f, struct cm_why *why)
{
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (text.len > MAX_TEXT) {
        cm_why_set(why, "more than %u bytes of text", MAX_TEXT);
        return CM_ERR_LIMIT;
    }
    nodes = calloc(MAX_NODES, sizeof(*nodes));
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_json_parse(text, nodes, MAX_NODES, &doc, why);
    if (st == CM_OK) {
        st = read_devices(cm_json_root(&doc), f, why);
    }
    free(nodes);
    return st;
}

/* A response whose request is a material: put together as they are signed. */
static enum cm_status join(const struct cm_verify_job *job, struct cm_nvidia_form *f,
                           struct cm_why *why)
{
    const struct cm_material *request = cm_material(job, CM_MATERIAL_REQUEST, 0);
    uint8_t *both = NULL;

    if (request == NULL || request->bytes.len != CM_SPDM_REQUEST_SIZE) {
        cm_why_set(why, "a response, and the request that it answers is not given");
        return CM_ERR_NOTFOUND;
    }
    if (job->evidence.len > MAX_TEXT) {
        return CM_ERR_LIMIT;
    }
    both = keep(f, CM_SPDM_REQUEST_SIZE + job->evidence.len);
    if (both == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(both, request->bytes.ptr, CM_SPDM_REQUEST_SIZE);
    memcpy(both + CM_SPDM_REQUEST_SIZE, job->evidence.ptr, job->evidence.len);
    f->devices[0].report = cm_span_make(both, CM_SPDM_REQUEST_SIZE + job->evidence.len);
    f->count = 1;
    return CM_OK;
}

enum cm_status cm_nvidia_form_read(const struct cm_verify_job *job, struct cm_nvidia_form *out,
                                   struct cm_why *why)
{
    if (is_json(job->evidence)) {
        return read_json(job->evidence, out, why);
    }
    if (message(job->evidence, 0, MEASUREMENTS)) {
        return join(job, out, why);
    }
    out->devices[0].report = job->evidence;
    out->count = 1;
    return CM_OK;
}

void cm_nvidia_form_free(struct cm_nvidia_form *form)
{
    for (size_t i = 0; i < form->owned_count; i++) {
        free(form->owned[i]);
    }
    form->owned_count = 0;
    form->count = 0;
}
