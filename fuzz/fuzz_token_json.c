/*
 * The strict JSON reader beside jansson: whatever ours accepts, jansson accepts and understands in
 * the same way; what ours refuses (other than by a limit of ours), jansson refuses too.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "token/json.h"

#define MAX_NODES 4096
static struct cm_json_node nodes[MAX_NODES];

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void same(struct cm_json_value v, json_t *j);

static void same_string(struct cm_json_value v, const char *text, size_t len)
{
    char *buf = malloc(len + 1);
    size_t got = 0;

    if (buf == NULL || cm_json_string(v, buf, len + 1, &got) != CM_OK || got != len ||
        memcmp(buf, text, len) != 0 || !cm_json_equal(v, text)) {
        abort();
    }
    free(buf);
}

static void same_object(struct cm_json_value v, json_t *j)
{
    size_t members = 0;

    if (!json_is_object(j) || cm_json_count(v) != json_object_size(j)) {
        abort();
    }
    for (struct cm_json_value name = cm_json_first(v); name.doc != NULL;
         name = cm_json_next(cm_json_next(name))) {
        char key[256] = "";

        members++;
        if (cm_json_string(name, key, sizeof(key), NULL) == CM_OK) {
            if (cm_json_get(v, key).at != cm_json_next(name).at) {
                abort();
            }
            same(cm_json_next(name), json_object_get(j, key));
        }
    }
    if (members != json_object_size(j)) {
        abort();
    }
}

static void same_array(struct cm_json_value v, json_t *j)
{
    size_t i = 0;

    if (!json_is_array(j)) {
        abort();
    }
    for (struct cm_json_value e = cm_json_first(v); e.doc != NULL; e = cm_json_next(e)) {
        same(e, json_array_get(j, i++));
    }
    if (i != json_array_size(j) || i != cm_json_count(v)) {
        abort();
    }
}

static void same_number(struct cm_json_value v, json_t *j)
{
    int64_t i = 0;

    if (!json_is_number(j) ||
        (cm_json_i64(v, &i) == CM_OK && (!json_is_integer(j) || json_integer_value(j) != i))) {
        abort();
    }
}

static void same(struct cm_json_value v, json_t *j)
{
    if (j == NULL) {
        abort();
    }
    if (cm_json_is(v, CM_JSON_OBJECT)) {
        same_object(v, j);
    } else if (cm_json_is(v, CM_JSON_ARRAY)) {
        same_array(v, j);
    } else if (cm_json_is(v, CM_JSON_STRING)) {
        if (!json_is_string(j)) {
            abort();
        }
        same_string(v, json_string_value(j), json_string_length(j));
    } else if (cm_json_is(v, CM_JSON_NUMBER)) {
        same_number(v, j);
    } else if (cm_json_is(v, CM_JSON_NULL) ? !json_is_null(j)
                                           : json_is_true(j) != cm_json_is(v, CM_JSON_TRUE)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    json_error_t error;
    struct cm_json doc;
    enum cm_status st = cm_json_parse(cm_span_make(data, size), nodes, MAX_NODES, &doc, NULL);
    json_t *j = NULL;

    if (size != 0 && memchr(data, 0, size) != NULL) { /* jansson ends a text at a NUL byte */
        if (st == CM_OK) {
            abort();
        }
        return 0;
    }
    j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (st == CM_OK && j != NULL) {
        same(cm_json_root(&doc), j);
    } else if (st == CM_OK && json_error_code(&error) != json_error_numeric_overflow) {
        abort();
    } else if (st != CM_OK && st != CM_ERR_LIMIT && j != NULL) {
        abort();
    }
    json_decref(j);
    return 0;
}
