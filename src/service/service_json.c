/*
 * Bodies: read by our own strict reader (token/json.h), which does not recurse and bounds what it reads, and
 * only then made into jansson's values. That takes a fifth of the time of jansson's own reader, too. Answers are
 * written by our own writer for the same reason.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "service/service_private.h"
#include "token/base64.h"
#include "token/json.h"

#define MAX_NODES 65536 /* values and names */
#define TEXT_ROOM 16384 /* on the stack */

/* Values and names that a text can have at the most: each begins it, or stands behind one of these. */
static size_t most_nodes(struct cm_span text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];

        n += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return n;
}

static json_t *make_number(struct cm_json_value v)
{
    const struct cm_span text = cm_json_bytes(v);
    char copy[64] = "";
    int64_t number = 0;

    if (cm_json_i64(v, &number) == CM_OK) {
        return json_integer(number);
    }
    if (text.len >= sizeof(copy)) {
        return NULL;
    }
    memcpy(copy, text.ptr, text.len);
    if (strpbrk(copy, ".eE") == NULL) { /* else an integer of more than 64 bits */
        return strcmp(copy, "-0") == 0 ? json_integer(0) : NULL;
    }
    return json_real(strtod(copy, NULL)); /* NULL when it is too large to be one */
}

static json_t *make_string(struct cm_json_value v)
{
    struct cm_span plain = {NULL, 0};
    json_t *out = NULL;
    char *text = NULL;
    size_t len = 0;

    if (cm_json_plain(v, &plain) == CM_OK) {
        return json_stringn_nocheck(plain.len == 0 ? "" : (const char *)plain.ptr, plain.len);
    }
    text = malloc(cm_json_bytes(v).len);
    if (text != NULL && cm_json_string(v, text, cm_json_bytes(v).len, &len) == CM_OK) {
        out = json_stringn_nocheck(text, len);
    }
    if (text != NULL) {
        cm_wipe(text, cm_json_bytes(v).len);
    }
    free(text);
    return out;
}

static json_t *make_value(struct cm_json_value v);

static bool add_members(json_t *object, struct cm_json_value v)
{
    struct cm_json_value name = cm_json_first(v);

    for (size_t i = 0; i < cm_json_count(v); i++) {
        const struct cm_json_value value = cm_json_next(name);
        json_t *key = make_string(name);
        json_t *member = key == NULL ? NULL : make_value(value);
        const bool good =
            member != NULL && json_object_setn_new_nocheck(object, json_string_value(key),
                                                           json_string_length(key), member) == 0;

        json_decref(key);
        if (!good) {
            return false;
        }
        name = cm_json_next(value);
    }
    return true;
}

static bool add_elements(json_t *array, struct cm_json_value v)
{
    struct cm_json_value element = cm_json_first(v);

    for (size_t i = 0; i < cm_json_count(v); i++) {
        if (json_array_append_new(array, make_value(element)) != 0) {
            return false;
        }
        element = cm_json_next(element);
    }
    return true;
}

/* NULL: no memory, or a number that is out of range. Its recursion is as deep as the reader allows. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static json_t *make_value(struct cm_json_value v)
{
    json_t *out = NULL;
    bool good = true;

    if (cm_json_is(v, CM_JSON_OBJECT)) {
        out = json_object();
        good = out != NULL && add_members(out, v);
    } else if (cm_json_is(v, CM_JSON_ARRAY)) {
        out = json_array();
        good = out != NULL && add_elements(out, v);
    } else if (cm_json_is(v, CM_JSON_STRING)) {
        out = make_string(v);
    } else if (cm_json_is(v, CM_JSON_NUMBER)) {
        out = make_number(v);
    } else {
        out = cm_json_is(v, CM_JSON_TRUE)    ? json_true()
              : cm_json_is(v, CM_JSON_FALSE) ? json_false()
                                             : json_null();
    }
    if (!good) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

json_t *cm_service_json(struct cm_span text, struct cm_why *why)
{
    const size_t max = most_nodes(text);
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    json_t *out = NULL;

    if (text.len == 0) {
        cm_why_set(why, "a JSON object is wanted, and the body is empty");
        return NULL;
    }
    if (max > MAX_NODES) {
        cm_why_set(why, "JSON of more than %d values and names", MAX_NODES);
        return NULL;
    }
    nodes = malloc(max * sizeof(*nodes));
    if (nodes == NULL) {
        cm_why_set(why, "out of memory");
        return NULL;
    }
    if (cm_json_parse(text, nodes, max, &doc, why) == CM_OK) {
        if (!cm_json_is(cm_json_root(&doc), CM_JSON_OBJECT)) {
            cm_why_set(why, "a JSON object is wanted");
        } else {
            out = make_value(cm_json_root(&doc));
            if (out == NULL) {
                cm_why_set(why, "JSON with a number that is out of range");
            }
        }
    }
    free(nodes);
    return out;
}

enum cm_status cm_json_only(json_t *object, const char *where, const char *const *names,
                            struct cm_why *why)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(object)) {
        cm_why_set(why, "%s is not an object", where);
        return CM_ERR_PARAM;
    }
    json_object_foreach(object, key, value)
    {
        size_t i = 0;

        while (names[i] != NULL && strcmp(names[i], key) != 0) {
            i++;
        }
        if (names[i] == NULL) {
            cm_why_set(why, "%s has a member \"%.40s\" that is not known here", where, key);
            return CM_ERR_PARAM;
        }
    }
    return CM_OK;
}

json_t *cm_call_base64url(struct cm_span bytes)
{
    size_t cap = CM_BASE64_ENCODED(bytes.len) + 1;
    char *text = malloc(cap);
    size_t len = 0;
    json_t *out = NULL;

    if (text != NULL && cm_base64url_encode(bytes, text, cap, &len) == CM_OK) {
        out = json_stringn(text, len);
    }
    free(text);
    return out;
}

/* ------------------------------------------------------------------ writing */

/* Makes the writer bad at what it cannot write. Its recursion ends where the writer's depth does. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void write_value(struct cm_json_wr *w, json_t *value)
{
    const char *name = NULL;
    json_t *v = NULL;
    size_t i = 0;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        cm_json_wr_object(w);
        json_object_foreach(value, name, v)
        {
            cm_json_wr_name(w, name);
            if (w->out.bad) {
                return;
            }
            write_value(w, v);
        }
        cm_json_wr_end(w);
        break;
    case JSON_ARRAY:
        cm_json_wr_array(w);
        json_array_foreach(value, i, v)
        {
            if (w->out.bad) {
                return;
            }
            write_value(w, v);
        }
        cm_json_wr_end(w);
        break;
    case JSON_STRING:
        cm_json_wr_text(w, cm_span_make(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        cm_json_wr_i64(w, json_integer_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        cm_json_wr_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        cm_json_wr_null(w);
        break;
    case JSON_REAL:
        w->out.bad = true;
        break;
    }
}

char *cm_call_text(json_t *value)
{
    char room[TEXT_ROOM];
    struct cm_json_wr w = cm_json_wr_init(room, sizeof(room));
    char *out = NULL;
    size_t len = 0;

    write_value(&w, value);
    if (cm_json_wr_finish(&w, &len) != CM_OK) {
        cm_wipe(room, sizeof(room));
        return json_dumps(value, JSON_COMPACT);
    }
    out = malloc(len + 1);
    if (out != NULL) {
        memcpy(out, room, len);
        out[len] = '\0';
    }
    cm_wipe(room, len);
    return out;
}

/* ------------------------------------------------------------------- memory */

/* Passwords, keys and tokens come and go as JSON: whatever jansson frees is taken for a secret. */
static void free_wiped(void *p)
{
    if (p != NULL) {
        cm_wipe(p, malloc_usable_size(p));
        free(p);
    }
}

static void set_functions(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}

void cm_service_json_memory(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, set_functions);
}
