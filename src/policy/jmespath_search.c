/* Searching with a compiled query; see jmespath.h. Recursion: over the query, CM_JP_MAX_DEPTH deep. */
#include <string.h>

#include "common/try.h"
#include "policy/jmespath_node.h"

static enum cm_status search(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                             const struct cm_pj **out);

static enum cm_status spend(struct cm_jp_budget *b, uint64_t steps)
{
    if (b->steps < steps) {
        b->steps = 0;
        cm_why_set(&b->why, "the evaluation takes too many steps");
        return CM_ERR_LIMIT;
    }
    b->steps -= steps;
    return CM_OK;
}

static bool truth(const struct cm_pj *v)
{
    switch (v->type) {
    case CM_PJ_NULL:
        return false;
    case CM_PJ_BOOL:
        return v->number != 0;
    case CM_PJ_INT:
    case CM_PJ_REAL:
        return true;
    case CM_PJ_TEXT:
        return v->text.len != 0;
    case CM_PJ_ARRAY:
    case CM_PJ_OBJECT:
        return v->count != 0;
    }
    return false;
}

/* An array to be filled with at most max elements. */
static struct cm_pj *new_array(struct cm_jp_budget *b, size_t max)
{
    struct cm_pj *list = cm_arena_get(b->arena, sizeof(*list));

    if (list == NULL) {
        return NULL;
    }
    list->type = CM_PJ_ARRAY;
    list->depth = 1;
    list->items = cm_arena_array(b->arena, max, sizeof(void *));
    return list->items == NULL ? NULL : list;
}

static void append(struct cm_pj *list, const struct cm_pj *v)
{
    list->items[list->count++] = v;
    list->depth = v->depth >= list->depth ? v->depth + 1 : list->depth;
}

static enum cm_status finish(const struct cm_pj *v, struct cm_jp_budget *b,
                             const struct cm_pj **out)
{
    if (v->depth > CM_JSON_MAX_DEPTH) {
        cm_why_set(&b->why, "JmesPath: the result is nested too deeply");
        return CM_ERR_LIMIT;
    }
    *out = v;
    return CM_OK;
}

static enum cm_status map(const struct cm_jp *q, const struct cm_pj *over, struct cm_jp_budget *b,
                          const struct cm_pj **out)
{
    bool object = q->kind == CM_JP_MAP_OBJ;
    struct cm_pj *list = NULL;
    enum cm_status st = CM_OK;

    if (over->type != (object ? CM_PJ_OBJECT : CM_PJ_ARRAY)) {
        *out = &cm_pj_null;
        return CM_OK;
    }
    if (!object && q->right->kind == CM_JP_CURRENT && q->left->kind == CM_JP_FILTER) {
        *out = over; /* a filter's elements as they are; none of them is null */
        return CM_OK;
    }
    list = new_array(b, over->count);
    if (list == NULL) {
        return b->arena->status;
    }
    CM_TRY(spend(b, over->count));
    for (size_t i = 0; i < over->count; i++) {
        const struct cm_pj *v = NULL;

        CM_TRY(search(q->right, object ? over->members[i].value : over->items[i], b, &v));
        if (v->type != CM_PJ_NULL) {
            append(list, v);
        }
    }
    st = finish(list, b, out);
out:
    return st;
}

static enum cm_status flatten(const struct cm_pj *v, struct cm_jp_budget *b,
                              const struct cm_pj **out)
{
    struct cm_pj *list = NULL;
    size_t n = 0;
    enum cm_status st = CM_OK;

    if (v->type != CM_PJ_ARRAY) {
        *out = &cm_pj_null;
        return CM_OK;
    }
    for (size_t i = 0; i < v->count; i++) {
        n += v->items[i]->type == CM_PJ_ARRAY ? v->items[i]->count : 1;
    }
    CM_TRY(spend(b, v->count + n));
    list = new_array(b, n);
    if (list == NULL) {
        return b->arena->status;
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct cm_pj *e = v->items[i];

        if (e->type != CM_PJ_ARRAY) {
            append(list, e);
            continue;
        }
        for (size_t k = 0; k < e->count; k++) {
            append(list, e->items[k]);
        }
    }
    st = finish(list, b, out);
out:
    return st;
}

static enum cm_status filter(const struct cm_jp *condition, const struct cm_pj *v,
                             struct cm_jp_budget *b, const struct cm_pj **out)
{
    struct cm_pj *list = NULL;
    enum cm_status st = CM_OK;

    if (v->type != CM_PJ_ARRAY) {
        *out = &cm_pj_null;
        return CM_OK;
    }
    CM_TRY(spend(b, v->count));
    list = new_array(b, v->count);
    if (list == NULL) {
        return b->arena->status;
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct cm_pj *yes = NULL;

        CM_TRY(search(condition, v->items[i], b, &yes));
        if (truth(yes) && v->items[i]->type != CM_PJ_NULL) {
            append(list, v->items[i]);
        }
    }
    st = finish(list, b, out);
out:
    return st;
}

static const struct cm_pj *element(const struct cm_pj *v, int64_t index)
{
    if (v->type != CM_PJ_ARRAY) {
        return &cm_pj_null;
    }
    if (index < 0) {
        index += (int64_t)v->count;
    }
    return index >= 0 && (uint64_t)index < v->count ? v->items[index] : &cm_pj_null;
}

/* A slice's bound as Python has it, which the specification follows. */
static int64_t bound(const struct cm_jp *q, size_t which, int64_t count, bool back)
{
    int64_t v = q->slice[which];

    if (!q->has[which]) {
        return which == 0 ? (back ? count - 1 : 0) : (back ? -1 : count);
    }
    if (v < 0) {
        v += count;
        return v < 0 ? (back ? -1 : 0) : v;
    }
    return v >= count ? (back ? count - 1 : count) : v;
}

static enum cm_status slice(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                            const struct cm_pj **out)
{
    int64_t step = q->has[2] ? q->slice[2] : 1;
    int64_t count = 0;
    int64_t stop = 0;
    struct cm_pj *list = NULL;
    enum cm_status st = CM_OK;

    if (v->type != CM_PJ_ARRAY) {
        *out = &cm_pj_null;
        return CM_OK;
    }
    CM_TRY(spend(b, v->count));
    count = (int64_t)v->count;
    list = new_array(b, v->count);
    if (list == NULL) {
        return b->arena->status;
    }
    /* a step beyond the length takes one element; so bounded, the sum below cannot overflow */
    step = step > count ? count + 1 : (step < -count ? -count - 1 : step);
    stop = bound(q, 1, count, step < 0);
    for (int64_t i = bound(q, 0, count, step < 0); step > 0 ? i < stop : i > stop; i += step) {
        append(list, v->items[i]);
    }
    st = finish(list, b, out);
out:
    return st;
}

static enum cm_status compare(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                              const struct cm_pj **out)
{
    const struct cm_pj *x = NULL;
    const struct cm_pj *y = NULL;
    bool yes = false;
    enum cm_status st = CM_OK;

    CM_TRY(search(q->left, v, b, &x));
    CM_TRY(search(q->right, v, b, &y));
    if (q->op == CM_JP_EQ || q->op == CM_JP_NE) {
        yes = cm_pj_equal(x, y, &b->steps) == (q->op == CM_JP_EQ);
        *out = yes ? &cm_pj_true : &cm_pj_false;
        return spend(b, 1); /* what comparing ran out of steps with is no result */
    }
    if (x->type != CM_PJ_INT || y->type != CM_PJ_INT) {
        *out = &cm_pj_null; /* the specification: an order of anything else is null */
        return CM_OK;
    }
    if (q->op == CM_JP_LT || q->op == CM_JP_GE) {
        yes = (x->number < y->number) == (q->op == CM_JP_LT);
    } else {
        yes = (x->number > y->number) == (q->op == CM_JP_GT);
    }
    *out = yes ? &cm_pj_true : &cm_pj_false;
out:
    return st;
}

static enum cm_status multi(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                            const struct cm_pj **out)
{
    struct cm_pj *made = NULL;
    struct cm_pj_member *members = NULL;
    enum cm_status st = CM_OK;

    if (v->type == CM_PJ_NULL) {
        *out = &cm_pj_null;
        return CM_OK;
    }
    made = new_array(b, q->count);
    members = cm_arena_array(b->arena, q->count, sizeof(members[0]));
    CM_TRY(b->arena->status);
    for (size_t i = 0; i < q->count; i++) {
        const struct cm_pj *part = NULL;

        CM_TRY(search(q->parts[i], v, b, &part));
        append(made, part);
        if (q->kind == CM_JP_HASH) {
            members[i].name = q->names[i];
            members[i].value = part;
        }
    }
    if (q->kind == CM_JP_HASH) {
        made->type = CM_PJ_OBJECT;
        made->members = members;
    }
    st = finish(made, b, out);
out:
    return st;
}

static enum cm_status call(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                           const struct cm_pj **out)
{
    const struct cm_pj *args[CM_JP_MAX_ARGS] = {NULL};
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < q->count; i++) {
        CM_TRY(search(q->parts[i], v, b, &args[i]));
    }
    CM_TRY(cm_jp_call(q->func, args, q->count, b, out));
out:
    return st;
}

/* What begins with its left side and does something with its value. */
static enum cm_status of_left(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                              const struct cm_pj **out)
{
    const struct cm_pj *left = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(search(q->left, v, b, &left));
    if (q->kind == CM_JP_CHAIN) {
        st = search(q->right, left, b, out);
    } else if (q->kind == CM_JP_MAP || q->kind == CM_JP_MAP_OBJ) {
        st = map(q, left, b, out);
    } else if (q->kind == CM_JP_FLATTEN) {
        st = flatten(left, b, out);
    } else if (q->kind == CM_JP_FILTER) {
        st = filter(q->right, left, b, out);
    } else if (q->kind == CM_JP_NOT) {
        *out = truth(left) ? &cm_pj_false : &cm_pj_true;
    } else if (truth(left) == (q->kind == CM_JP_OR)) {
        *out = left;
    } else {
        st = search(q->right, v, b, out);
    }
out:
    return st;
}

static enum cm_status search(const struct cm_jp *q, const struct cm_pj *v, struct cm_jp_budget *b,
                             const struct cm_pj **out)
{
    const struct cm_pj *found = NULL;
    enum cm_status st = CM_OK;

    *out = &cm_pj_null;
    CM_TRY(spend(b, 1));
    switch (q->kind) {
    case CM_JP_CURRENT:
        *out = v;
        return CM_OK;
    case CM_JP_FIELD:
        CM_TRY(spend(b, v->type == CM_PJ_OBJECT ? v->count : 0));
        found = cm_pj_member(v, q->name);
        *out = found == NULL ? &cm_pj_null : found;
        return CM_OK;
    case CM_JP_LITERAL:
        *out = q->value;
        return CM_OK;
    case CM_JP_INDEX:
        *out = element(v, q->slice[0]);
        return CM_OK;
    case CM_JP_SLICE:
        return slice(q, v, b, out);
    case CM_JP_COMPARE:
        return compare(q, v, b, out);
    case CM_JP_LIST:
    case CM_JP_HASH:
        return multi(q, v, b, out);
    case CM_JP_CALL:
        return call(q, v, b, out);
    case CM_JP_CHAIN:
    case CM_JP_MAP:
    case CM_JP_MAP_OBJ:
    case CM_JP_FLATTEN:
    case CM_JP_FILTER:
    case CM_JP_OR:
    case CM_JP_AND:
    case CM_JP_NOT:
        return of_left(q, v, b, out);
    }
    st = CM_ERR_UNSUPPORTED; /* there is no other kind */
out:
    return st;
}

enum cm_status cm_jp_search(const struct cm_jp *query, const struct cm_pj *doc,
                            struct cm_jp_budget *b, const struct cm_pj **out)
{
    return search(query, doc, b, out);
}
