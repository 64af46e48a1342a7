/* What clients send as text; see maa_text.h. */
#include "maa/maa_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/try.h"
#include "token/base64.h"
#include "token/json.h"

#define JSON_NODES 16384u

enum cm_status cm_maa_base64(struct cm_span text, struct cm_maa_bytes *out)
{
    uint8_t *bytes = malloc(text.len + 1);
    enum cm_status st = CM_ERR_NOMEM;

    out->ptr = NULL;
    out->len = 0;
    if (bytes == NULL) {
        return st;
    }
    /* mixed: examples of Azure Attestation's own description mix the alphabets */
    st = cm_base64_any_decode(text, true, bytes, text.len + 1, &out->len);
    if (st != CM_OK) {
        free(bytes);
        return st;
    }
    out->ptr = bytes;
    return CM_OK;
}

enum cm_status cm_maa_base64_of(const json_t *value, struct cm_maa_bytes *out)
{
    out->ptr = NULL;
    out->len = 0;
    if (!json_is_string(value)) {
        return CM_ERR_MISMATCH;
    }
    return cm_maa_base64(cm_span_make(json_string_value(value), json_string_length(value)), out);
}

enum cm_status cm_maa_json(struct cm_span text, json_t **out, struct cm_why *why)
{
    struct cm_json_node *nodes = malloc(JSON_NODES * sizeof(*nodes));
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    json_error_t error;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    /* the strict reader says whether it is one; jansson only makes it changeable */
    CM_TRY(cm_json_parse(text, nodes, JSON_NODES, &doc, why));
    *out = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &error);
    if (*out == NULL) {
        st = json_error_code(&error) == json_error_numeric_overflow ? CM_ERR_FORMAT : CM_ERR_NOMEM;
        cm_why_set(why, "%s", st == CM_ERR_FORMAT ? "JSON with a number out of range" : "");
    }
out:
    free(nodes);
    return st;
}

json_t *cm_maa_member(const json_t *object, const char *name, bool *twice)
{
    json_t *found = NULL;
    json_t *value = NULL;
    const char *key = NULL;
    void *it = NULL;

    *twice = false;
    if (!json_is_object(object)) {
        return NULL;
    }
    /* jansson iterates over objects that are not const */
    it = json_object_iter((json_t *)(uintptr_t)object); /* NOLINT(performance-no-int-to-ptr) */
    while (it != NULL) {
        key = json_object_iter_key(it);
        value = json_object_iter_value(it);
        if (strcasecmp(key, name) == 0) {
            *twice = found != NULL;
            if (*twice) {
                return NULL;
            }
            found = value;
        }
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): as above */
        it = json_object_iter_next((json_t *)(uintptr_t)object, it);
    }
    return json_is_null(found) ? NULL : found;
}

json_t *cm_maa_hex(struct cm_span bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    json_t *out = NULL;

    if (text != NULL) {
        cm_hex_encode(bytes, CM_HEX_LOWER, text);
        out = json_string(text);
    }
    free(text);
    return out;
}
