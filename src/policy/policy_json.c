/* JSON values as trees; see policy_json.h. */
#include "policy/policy_json.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"

const struct cm_pj cm_pj_null = {.type = CM_PJ_NULL};
const struct cm_pj cm_pj_true = {.type = CM_PJ_BOOL, .number = 1};
const struct cm_pj cm_pj_false = {.type = CM_PJ_BOOL, .number = 0};

/* No text has more values and names than separators, plus one. */
static size_t node_bound(struct cm_span text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        n += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return n;
}

/* The unescaped characters of a string: in place where it holds no escape. */
static enum cm_status text_of(struct cm_arena *a, struct cm_json_value v, struct cm_span *out)
{
    struct cm_span raw = cm_json_bytes(v);
    char *copy = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (cm_json_plain(v, out) == CM_OK) {
        return CM_OK;
    }
    copy = cm_arena_get(a, raw.len + 1);
    if (copy == NULL) {
        return a->status;
    }
    CM_TRY(cm_json_string(v, copy, raw.len + 1, &len));
    *out = cm_span_make(copy, len);
out:
    return st;
}

static enum cm_status build(struct cm_arena *a, struct cm_json_value v, struct cm_pj *out);

static enum cm_status build_array(struct cm_arena *a, struct cm_json_value v, struct cm_pj *out)
{
    struct cm_pj *values = NULL;
    size_t i = 0;
    enum cm_status st = CM_OK;

    out->type = CM_PJ_ARRAY;
    out->depth = 1;
    out->count = cm_json_count(v);
    out->items = cm_arena_array(a, out->count, sizeof(void *));
    values = cm_arena_array(a, out->count, sizeof(values[0]));
    if (values == NULL) {
        return a->status;
    }
    for (struct cm_json_value e = cm_json_first(v); e.doc != NULL; e = cm_json_next(e)) {
        CM_TRY(build(a, e, &values[i]));
        out->items[i] = &values[i];
        if (values[i].depth >= out->depth) {
            out->depth = values[i].depth + 1;
        }
        i++;
    }
out:
    return st;
}

static enum cm_status build_object(struct cm_arena *a, struct cm_json_value v, struct cm_pj *out)
{
    struct cm_pj_member *members = NULL;
    struct cm_pj *values = NULL;
    size_t i = 0;
    enum cm_status st = CM_OK;

    out->type = CM_PJ_OBJECT;
    out->depth = 1;
    out->count = cm_json_count(v);
    members = cm_arena_array(a, out->count, sizeof(members[0]));
    values = cm_arena_array(a, out->count, sizeof(values[0]));
    if (members == NULL || values == NULL) {
        return a->status;
    }
    for (struct cm_json_value e = cm_json_first(v); e.doc != NULL;) {
        struct cm_json_value value = cm_json_next(e);

        CM_TRY(text_of(a, e, &members[i].name));
        CM_TRY(build(a, value, &values[i]));
        members[i].value = &values[i];
        if (values[i].depth >= out->depth) {
            out->depth = values[i].depth + 1;
        }
        i++;
        e = cm_json_next(value);
    }
    out->members = members;
out:
    return st;
}

/* Recursion: at most CM_JSON_MAX_DEPTH deep, which the parser has seen to. */
static enum cm_status build(struct cm_arena *a, struct cm_json_value v, struct cm_pj *out)
{
    enum cm_status st = CM_OK;

    if (cm_json_is(v, CM_JSON_ARRAY)) {
        return build_array(a, v, out);
    }
    if (cm_json_is(v, CM_JSON_OBJECT)) {
        return build_object(a, v, out);
    }
    if (cm_json_is(v, CM_JSON_TRUE) || cm_json_is(v, CM_JSON_FALSE)) {
        *out = cm_json_is(v, CM_JSON_TRUE) ? cm_pj_true : cm_pj_false;
    } else if (cm_json_is(v, CM_JSON_STRING)) {
        out->type = CM_PJ_TEXT;
        CM_TRY(text_of(a, v, &out->text));
    } else if (cm_json_is(v, CM_JSON_NUMBER)) {
        out->type = cm_json_i64(v, &out->number) == CM_OK ? CM_PJ_INT : CM_PJ_REAL;
        out->text = cm_json_bytes(v);
    } else {
        out->type = CM_PJ_NULL;
    }
out:
    return st;
}

enum cm_status cm_pj_parse(struct cm_arena *a, struct cm_span text, const struct cm_pj **out,
                           struct cm_why *why)
{
    struct cm_json_node few[64];
    struct cm_json_node *nodes = few;
    struct cm_json_node *heap = NULL;
    size_t bound = node_bound(text);
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    struct cm_pj *root = NULL;
    enum cm_status st = CM_OK;

    if (bound > sizeof(few) / sizeof(few[0])) {
        heap = calloc(bound, sizeof(*heap));
        nodes = heap;
        if (heap == NULL) {
            st = CM_ERR_NOMEM;
            goto out;
        }
    }
    CM_TRY(cm_json_parse(text, nodes, bound, &doc, why));
    root = cm_arena_get(a, sizeof(*root));
    if (root == NULL) {
        st = a->status;
        goto out;
    }
    CM_TRY(build(a, cm_json_root(&doc), root));
    *out = root;
out:
    free(heap);
    return st;
}

const struct cm_pj *cm_pj_member(const struct cm_pj *object, struct cm_span name)
{
    if (object->type != CM_PJ_OBJECT) {
        return NULL;
    }
    for (size_t i = 0; i < object->count; i++) {
        if (cm_span_same(object->members[i].name, name)) {
            return object->members[i].value;
        }
    }
    return NULL;
}

static size_t text_bound(struct cm_span s)
{
    size_t n = 2;

    for (size_t i = 0; i < s.len; i++) {
        n += s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? 6 : 2;
    }
    return n;
}

/* Room that a value takes at the most. */
static size_t write_bound(const struct cm_pj *v)
{
    size_t n = 24;

    if (v->type == CM_PJ_TEXT) {
        return text_bound(v->text);
    }
    if (v->type == CM_PJ_REAL) {
        return v->text.len;
    }
    for (size_t i = 0; v->type == CM_PJ_ARRAY && i < v->count; i++) {
        n += write_bound(v->items[i]) + 1;
    }
    for (size_t i = 0; v->type == CM_PJ_OBJECT && i < v->count; i++) {
        n += text_bound(v->members[i].name) + write_bound(v->members[i].value) + 2;
    }
    return n;
}

static void name(struct cm_json_wr *w, struct cm_span text, struct cm_arena *a)
{
    struct cm_span ended = cm_arena_copy(a, text);

    cm_json_wr_name(w, ended.ptr == NULL ? "" : (const char *)ended.ptr);
}

static void write_value(struct cm_json_wr *w, const struct cm_pj *v, struct cm_arena *a)
{
    switch (v->type) {
    case CM_PJ_NULL:
        cm_json_wr_null(w);
        break;
    case CM_PJ_BOOL:
        cm_json_wr_bool(w, v->number != 0);
        break;
    case CM_PJ_INT:
        cm_json_wr_i64(w, v->number);
        break;
    case CM_PJ_REAL:
        cm_json_wr_raw(w, v->text);
        break;
    case CM_PJ_TEXT:
        cm_json_wr_text(w, v->text);
        break;
    case CM_PJ_ARRAY:
        cm_json_wr_array(w);
        for (size_t i = 0; i < v->count; i++) {
            write_value(w, v->items[i], a);
        }
        cm_json_wr_end(w);
        break;
    case CM_PJ_OBJECT:
        cm_json_wr_object(w);
        for (size_t i = 0; i < v->count; i++) {
            name(w, v->members[i].name, a);
            write_value(w, v->members[i].value, a);
        }
        cm_json_wr_end(w);
        break;
    }
}

enum cm_status cm_pj_write(struct cm_arena *a, const struct cm_pj *v, struct cm_span *out)
{
    size_t cap = write_bound(v);
    char *text = cm_arena_get(a, cap + 1);
    struct cm_json_wr w = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return a->status;
    }
    w = cm_json_wr_init(text, cap);
    write_value(&w, v, a);
    CM_TRY(a->status);
    CM_TRY(cm_json_wr_finish(&w, &len));
    *out = cm_span_make(text, len);
out:
    return st;
}

bool cm_pj_equal(const struct cm_pj *x, const struct cm_pj *y, uint64_t *steps)
{
    if (*steps == 0) {
        return false;
    }
    (*steps)--;
    if (x->type != y->type) {
        return false;
    }
    switch (x->type) {
    case CM_PJ_NULL:
        return true;
    case CM_PJ_BOOL:
    case CM_PJ_INT:
        return x->number == y->number;
    case CM_PJ_REAL:
    case CM_PJ_TEXT:
        return cm_span_same(x->text, y->text);
    case CM_PJ_ARRAY:
        for (size_t i = 0; x->count == y->count && i < x->count; i++) {
            if (!cm_pj_equal(x->items[i], y->items[i], steps)) {
                return false;
            }
        }
        return x->count == y->count;
    case CM_PJ_OBJECT:
        for (size_t i = 0; x->count == y->count && i < x->count; i++) {
            const struct cm_pj *other = cm_pj_member(y, x->members[i].name);

            if (other == NULL || !cm_pj_equal(x->members[i].value, other, steps)) {
                return false;
            }
        }
        return x->count == y->count;
    }
    return false;
}
