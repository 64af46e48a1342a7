/* JMESPath's functions; see jmespath.h. A value that a function has no use for is an error. */
#include <string.h>

#include "common/try.h"
#include "policy/jmespath_node.h"
#include "token/utf8.h"

static enum cm_status refuse(struct cm_jp_budget *b, const char *what)
{
    cm_why_set(&b->why, "JmesPath: %s", what);
    return CM_ERR_MISMATCH;
}

static const struct cm_pj *boolean(bool v)
{
    return v ? &cm_pj_true : &cm_pj_false;
}

static enum cm_status length(const struct cm_pj *v, struct cm_jp_budget *b,
                             const struct cm_pj **out)
{
    struct cm_pj *n = cm_arena_get(b->arena, sizeof(*n));
    struct cm_span rest = v->text;

    if (n == NULL) {
        return b->arena->status;
    }
    n->type = CM_PJ_INT;
    if (v->type == CM_PJ_ARRAY || v->type == CM_PJ_OBJECT) {
        n->number = (int64_t)v->count;
    } else if (v->type == CM_PJ_TEXT) {
        uint32_t cp = 0;

        for (size_t k = cm_utf8_decode(rest, &cp); k != 0; k = cm_utf8_decode(rest, &cp)) {
            rest = cm_span_make(rest.ptr + k, rest.len - k);
            n->number++;
        }
    } else {
        return refuse(b, "length() of what is no string, array or object");
    }
    *out = n;
    return CM_OK;
}

static bool equal_ignoring_case(const struct cm_pj *x, const struct cm_pj *y)
{
    if (x->type != CM_PJ_TEXT || y->type != CM_PJ_TEXT || x->text.len != y->text.len) {
        return false;
    }
    for (size_t i = 0; i < x->text.len; i++) {
        if (cm_lower(x->text.ptr[i]) != cm_lower(y->text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Whether y stands in x; quadratic at worst, and paid for. */
static bool inside(struct cm_span x, struct cm_span y, uint64_t *steps)
{
    for (size_t i = 0; y.len <= x.len && i <= x.len - y.len; i++) {
        uint64_t price = 1 + y.len / 16;

        if (*steps < price) {
            *steps = 0;
            return false;
        }
        *steps -= price;
        if (cm_span_same(cm_span_make(x.ptr + i, y.len), y)) {
            return true;
        }
    }
    return false;
}

static enum cm_status contains(const struct cm_pj *x, const struct cm_pj *y, struct cm_jp_budget *b,
                               const struct cm_pj **out)
{
    bool yes = false;

    if (x->type == CM_PJ_TEXT) {
        yes = y->type == CM_PJ_TEXT && inside(x->text, y->text, &b->steps);
    } else if (x->type == CM_PJ_ARRAY) {
        for (size_t i = 0; !yes && i < x->count; i++) {
            yes = cm_pj_equal(x->items[i], y, &b->steps);
        }
    } else {
        return refuse(b, "contains() of what is no string or array");
    }
    *out = boolean(yes);
    return b->steps == 0 ? CM_ERR_LIMIT : CM_OK;
}

static enum cm_status with(enum cm_jp_func func, const struct cm_pj *x, const struct cm_pj *y,
                           struct cm_jp_budget *b, const struct cm_pj **out)
{
    size_t from = 0;

    if (x->type != CM_PJ_TEXT || y->type != CM_PJ_TEXT) {
        return refuse(b, "starts_with() and ends_with() take strings");
    }
    if (y->text.len > x->text.len) {
        *out = &cm_pj_false;
        return CM_OK;
    }
    from = func == CM_JP_ENDS_WITH ? x->text.len - y->text.len : 0;
    *out = boolean(cm_span_same(cm_span_make(x->text.ptr + from, y->text.len), y->text));
    return CM_OK;
}

static enum cm_status text(struct cm_jp_budget *b, struct cm_span s, const struct cm_pj **out)
{
    struct cm_pj *v = cm_arena_get(b->arena, sizeof(*v));

    if (v == NULL) {
        return b->arena->status;
    }
    v->type = CM_PJ_TEXT;
    v->text = s;
    *out = v;
    return CM_OK;
}

static enum cm_status members(enum cm_jp_func func, const struct cm_pj *v, struct cm_jp_budget *b,
                              const struct cm_pj **out)
{
    struct cm_pj *list = NULL;
    enum cm_status st = CM_OK;

    if (v->type != CM_PJ_OBJECT) {
        return refuse(b, "keys() and values() take an object");
    }
    list = cm_arena_get(b->arena, sizeof(*list));
    CM_TRY(b->arena->status);
    list->items = cm_arena_array(b->arena, v->count, sizeof(void *));
    CM_TRY(b->arena->status);
    list->type = CM_PJ_ARRAY;
    list->depth = func == CM_JP_KEYS ? 1 : v->depth;
    for (size_t i = 0; i < v->count; i++) {
        list->items[i] = v->members[i].value;
        if (func == CM_JP_KEYS) {
            st = text(b, v->members[i].name, &list->items[i]);
            if (st != CM_OK) {
                goto out;
            }
        }
    }
    list->count = v->count;
    *out = list;
out:
    return st;
}

static enum cm_status type_name(const struct cm_pj *v, struct cm_jp_budget *b,
                                const struct cm_pj **out)
{
    static const char *const names[] = {
        [CM_PJ_NULL] = "null",     [CM_PJ_BOOL] = "boolean", [CM_PJ_INT] = "number",
        [CM_PJ_REAL] = "number",   [CM_PJ_TEXT] = "string",  [CM_PJ_ARRAY] = "array",
        [CM_PJ_OBJECT] = "object",
    };

    return text(b, cm_span_make(names[v->type], strlen(names[v->type])), out);
}

enum cm_status cm_jp_call(enum cm_jp_func func, const struct cm_pj *const *args, size_t count,
                          struct cm_jp_budget *b, const struct cm_pj **out)
{
    (void)count; /* the compiler of queries has counted them */
    switch (func) {
    case CM_JP_CONTAINS:
        return contains(args[0], args[1], b, out);
    case CM_JP_STARTS_WITH:
    case CM_JP_ENDS_WITH:
        return with(func, args[0], args[1], b, out);
    case CM_JP_EQUALS_IGNORE_CASE:
        *out = boolean(equal_ignoring_case(args[0], args[1]));
        return CM_OK;
    case CM_JP_KEYS:
    case CM_JP_VALUES:
        return members(func, args[0], b, out);
    case CM_JP_LENGTH:
        return length(args[0], b, out);
    case CM_JP_NOT_NULL:
        *out = args[0]->type != CM_PJ_NULL ? args[0] : args[1];
        return CM_OK;
    case CM_JP_TYPE:
        return type_name(args[0], b, out);
    }
    return CM_ERR_UNSUPPORTED;
}
