/* The values of expressions, and the functions of version 1.2; see policy_run.h. */
#include <string.h>

#include "common/try.h"
#include "policy/policy_run.h"

static const char *const issuers[] = {
    [CM_POLICY_CUSTOM] = "CustomClaim",
    [CM_POLICY_SERVICE] = "AttestationService",
    [CM_POLICY_POLICY] = "AttestationPolicy",
};

static const char *const value_types[] = {
    [CM_POLICY_TEXT] = "String",
    [CM_POLICY_INT] = "Integer",
    [CM_POLICY_BOOL] = "Boolean",
};

const char *cm_policy_issuer_name(enum cm_policy_issuer issuer)
{
    return issuers[issuer];
}

const char *cm_policy_value_type_name(enum cm_policy_value_type type)
{
    return value_types[type];
}

enum cm_status cm_policy_spend(struct cm_prun *run, uint64_t steps)
{
    if (run->budget.steps < steps) {
        run->budget.steps = 0;
        cm_why_set(&run->budget.why, "the evaluation takes too many steps");
        return CM_ERR_LIMIT;
    }
    run->budget.steps -= steps;
    return CM_OK;
}

static enum cm_status refuse(struct cm_prun *run, enum cm_pfunc func, const char *what)
{
    cm_why_set(&run->budget.why, "%s(): %s", cm_policy_func_name(func), what);
    return CM_ERR_MISMATCH;
}

enum cm_status cm_policy_text_of(struct cm_prun *run, const struct cm_pv *v, struct cm_span *out)
{
    enum cm_status st = CM_OK;

    if (v->text.ptr != NULL || v->written == NULL) {
        *out = v->text;
        return CM_OK;
    }
    if (v->written->ptr == NULL) {
        CM_TRY(cm_pj_write(run->arena, v->json, v->written));
        CM_TRY(cm_policy_spend(run, v->written->len / 16));
    }
    *out = *v->written;
out:
    return st;
}

enum cm_status cm_policy_same(struct cm_prun *run, const struct cm_pv *x, const struct cm_pv *y,
                              bool *same)
{
    struct cm_span a = {NULL, 0};
    struct cm_span b = {NULL, 0};
    enum cm_status st = CM_OK;

    *same = false;
    if (x->type != y->type) {
        return CM_OK;
    }
    if (x->type != CM_POLICY_TEXT) {
        *same = x->number == y->number;
        return CM_OK;
    }
    CM_TRY(cm_policy_text_of(run, x, &a));
    CM_TRY(cm_policy_text_of(run, y, &b));
    *same = cm_span_same(a, b);
out:
    return st;
}

const struct cm_pv *cm_policy_property_of(const struct cm_pclaim *c, enum cm_prop prop,
                                          struct cm_pv *buffer)
{
    const char *word = NULL;

    if (prop == CM_PROP_VALUE) {
        return c->value;
    }
    memset(buffer, 0, sizeof(*buffer));
    buffer->type = CM_POLICY_TEXT;
    if (prop == CM_PROP_TYPE) {
        buffer->text = c->type;
        return buffer;
    }
    word = prop == CM_PROP_ISSUER ? issuers[c->issuer] : value_types[c->value->type];
    buffer->text = cm_span_make(word, strlen(word));
    return buffer;
}

/* One value as an expression's values. */
static enum cm_status one(struct cm_prun *run, const struct cm_pv *v, struct cm_pvals *out)
{
    const struct cm_pv **items = cm_arena_get(run->arena, sizeof(void *));

    if (items == NULL) {
        return run->arena->status;
    }
    items[0] = v;
    out->items = items;
    out->count = 1;
    return CM_OK;
}

static struct cm_pv *new_value(struct cm_prun *run, enum cm_policy_value_type type, bool read_only)
{
    struct cm_pv *v = cm_arena_get(run->arena, sizeof(*v));

    if (v != NULL) {
        v->type = type;
        v->read_only = read_only;
    }
    return v;
}

/* The property of every claim that a condition matched. */
static enum cm_status property(struct cm_prun *run, const struct cm_pexpr *e, struct cm_pvals *out)
{
    size_t n = run->matched[e->cond].count;
    const struct cm_pv **items = cm_arena_array(run->arena, n, sizeof(void *));
    enum cm_status st = CM_OK;

    CM_TRY(run->arena->status);
    CM_TRY(cm_policy_spend(run, n));
    for (size_t i = 0; i < n; i++) {
        struct cm_pv *buffer = NULL;

        if (e->prop != CM_PROP_VALUE) {
            buffer = cm_arena_get(run->arena, sizeof(*buffer));
            st = run->arena->status;
            if (st != CM_OK) {
                goto out;
            }
        }
        items[i] = cm_policy_property_of(run->matched[e->cond].items[i], e->prop, buffer);
    }
    out->items = items;
    out->count = n;
out:
    return st;
}

/* The one value of an argument, which must have this type. */
static enum cm_status single(struct cm_prun *run, enum cm_pfunc func, const struct cm_pvals *arg,
                             enum cm_policy_value_type type, const struct cm_pv **out)
{
    if (arg->count != 1) {
        return refuse(run, func,
                      arg->count == 0 ? "an argument has no value"
                                      : "an argument is a set of several values");
    }
    if (arg->items[0]->type != type) {
        return refuse(run, func,
                      type == CM_POLICY_BOOL ? "an argument is no boolean"
                                             : "an argument is no string");
    }
    *out = arg->items[0];
    return CM_OK;
}

static enum cm_status append_string(struct cm_prun *run, const struct cm_pvals *args,
                                    struct cm_pvals *out)
{
    const struct cm_pv *x = NULL;
    const struct cm_pv *y = NULL;
    struct cm_span a = {NULL, 0};
    struct cm_span b = {NULL, 0};
    struct cm_pv *v = NULL;
    char *text = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(single(run, CM_PF_APPEND_STRING, &args[0], CM_POLICY_TEXT, &x));
    CM_TRY(single(run, CM_PF_APPEND_STRING, &args[1], CM_POLICY_TEXT, &y));
    CM_TRY(cm_policy_text_of(run, x, &a));
    CM_TRY(cm_policy_text_of(run, y, &b));
    if (a.len > CM_POLICY_MAX_JSON || b.len > CM_POLICY_MAX_JSON - a.len) {
        cm_why_set(&run->budget.why, "AppendString(): the string grows too long");
        return CM_ERR_LIMIT;
    }
    v = new_value(run, CM_POLICY_TEXT, x->read_only || y->read_only);
    text = cm_arena_get(run->arena, a.len + b.len + 1);
    CM_TRY(run->arena->status);
    if (a.len != 0) {
        memcpy(text, a.ptr, a.len);
    }
    if (b.len != 0) {
        memcpy(text + a.len, b.ptr, b.len);
    }
    v->text = cm_span_make(text, a.len + b.len);
    CM_TRY(cm_policy_spend(run, (a.len + b.len) / 16));
    CM_TRY(one(run, v, out));
out:
    return st;
}

/* The JSON value that a text is, parsed if nobody has yet. */
static enum cm_status json_of(struct cm_prun *run, enum cm_pfunc func, const struct cm_pv *v,
                              const struct cm_pj **out)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (v->json != NULL) {
        *out = v->json;
        return CM_OK;
    }
    CM_TRY(cm_policy_spend(run, 1 + v->text.len / 4));
    st = cm_pj_parse(run->arena, v->text, out, &why);
    if (st == CM_ERR_SYNTAX || st == CM_ERR_FORMAT) {
        return refuse(run, func, "the text is not JSON");
    }
out:
    return st;
}

static enum cm_status jmespath(struct cm_prun *run, const struct cm_pexpr *e,
                               const struct cm_pvals *args, struct cm_pvals *out)
{
    const struct cm_pv *data = NULL;
    const struct cm_pv *query = NULL;
    const struct cm_jp *compiled = e->query;
    const struct cm_pj *doc = NULL;
    struct cm_pv *v = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(single(run, CM_PF_JMESPATH, &args[0], CM_POLICY_TEXT, &data));
    CM_TRY(single(run, CM_PF_JMESPATH, &args[1], CM_POLICY_TEXT, &query));
    if (compiled == NULL) {
        struct cm_span text = {NULL, 0};
        struct cm_why why = {{0}};
        size_t at = 0;

        CM_TRY(cm_policy_text_of(run, query, &text));
        CM_TRY(cm_policy_spend(run, 1 + text.len));
        st = cm_jp_compile(run->arena, text, &compiled, &at, &why);
        if (st != CM_OK) {
            cm_why_set(&run->budget.why, "JmesPath(): in the query, at character %zu: %s", at + 1,
                       why.text[0] != '\0' ? why.text : cm_status_str(st));
            return st == CM_ERR_NOMEM || st == CM_ERR_LIMIT ? st : CM_ERR_MISMATCH;
        }
    }
    CM_TRY(json_of(run, CM_PF_JMESPATH, data, &doc));
    v = new_value(run, CM_POLICY_TEXT, data->read_only || query->read_only);
    CM_TRY(run->arena->status);
    v->written = cm_arena_get(run->arena, sizeof(*v->written));
    CM_TRY(run->arena->status);
    CM_TRY(cm_jp_search(compiled, doc, &run->budget, &v->json));
    CM_TRY(one(run, v, out));
out:
    return st;
}

/* A word that is no JSON: the published example has JsonToClaimValue() return it as it is. */
static bool bare_word(struct cm_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '-' && c != '.'))) {
            return false;
        }
    }
    return s.len != 0 && !cm_span_same(s, cm_span_make("null", 4)) &&
           !cm_span_same(s, cm_span_make("true", 4)) && !cm_span_same(s, cm_span_make("false", 5));
}

/* A JSON value that is no array and no object; null has no value. */
static enum cm_status plain(struct cm_prun *run, const struct cm_pj *j, bool read_only,
                            const struct cm_pv **out)
{
    struct cm_pv *v = NULL;

    if (j->type == CM_PJ_REAL) {
        return refuse(run, CM_PF_JSON_TO_CLAIM_VALUE, "a number that is no integer of 64 bits");
    }
    if (j->type == CM_PJ_OBJECT || j->type == CM_PJ_ARRAY) {
        return refuse(run, CM_PF_JSON_TO_CLAIM_VALUE, "an object or a nested array");
    }
    v = new_value(run, CM_POLICY_TEXT, read_only);
    if (v == NULL) {
        return run->arena->status;
    }
    if (j->type == CM_PJ_TEXT) {
        v->text = j->text.ptr == NULL ? cm_span_make("", 0) : j->text;
    } else {
        v->type = j->type == CM_PJ_INT ? CM_POLICY_INT : CM_POLICY_BOOL;
        v->number = j->number;
    }
    *out = v;
    return CM_OK;
}

static enum cm_status json_to_claim_value(struct cm_prun *run, const struct cm_pvals *args,
                                          struct cm_pvals *out)
{
    const struct cm_pv *text = NULL;
    const struct cm_pj *j = NULL;
    const struct cm_pj *const *items = &j;
    const struct cm_pv **values = NULL;
    size_t count = 1;
    size_t used = 0;
    enum cm_status st = CM_OK;

    CM_TRY(single(run, CM_PF_JSON_TO_CLAIM_VALUE, &args[0], CM_POLICY_TEXT, &text));
    if (text->json == NULL && bare_word(text->text)) {
        return one(run, text, out);
    }
    CM_TRY(json_of(run, CM_PF_JSON_TO_CLAIM_VALUE, text, &j));
    if (j->type == CM_PJ_ARRAY) {
        items = j->items;
        count = j->count;
    }
    CM_TRY(cm_policy_spend(run, 1 + count));
    values = cm_arena_array(run->arena, count, sizeof(void *));
    CM_TRY(run->arena->status);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->type != CM_PJ_NULL) {
            st = plain(run, items[i], text->read_only, &values[used]);
            if (st != CM_OK) {
                goto out;
            }
            used++;
        }
    }
    out->items = values;
    out->count = used;
out:
    return st;
}

static enum cm_status boolean(struct cm_prun *run, bool yes, bool read_only, struct cm_pvals *out)
{
    struct cm_pv *v = new_value(run, CM_POLICY_BOOL, read_only);

    if (v == NULL) {
        return run->arena->status;
    }
    v->number = yes ? 1 : 0;
    return one(run, v, out);
}

static enum cm_status negate_bool(struct cm_prun *run, const struct cm_pvals *args,
                                  struct cm_pvals *out)
{
    const struct cm_pv *v = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(single(run, CM_PF_NEGATE_BOOL, &args[0], CM_POLICY_BOOL, &v));
    CM_TRY(boolean(run, v->number == 0, v->read_only, out));
out:
    return st;
}

/* Whether v is among the values. */
static enum cm_status among(struct cm_prun *run, const struct cm_pv *v, const struct cm_pvals *of,
                            bool *found)
{
    enum cm_status st = CM_OK;

    *found = false;
    CM_TRY(cm_policy_spend(run, 1 + of->count));
    for (size_t i = 0; !*found && i < of->count; i++) {
        CM_TRY(cm_policy_same(run, v, of->items[i], found));
    }
out:
    return st;
}

/* Every value of x is in y. An empty x is a subset of all; ContainsOnlyValue() wants one at least. */
static enum cm_status subset(struct cm_prun *run, enum cm_pfunc func, const struct cm_pvals *x,
                             const struct cm_pvals *y, struct cm_pvals *out)
{
    bool yes = func == CM_PF_IS_SUBSET_OF || x->count != 0;
    enum cm_status st = CM_OK;

    if (func == CM_PF_CONTAINS_ONLY_VALUE && y->count != 1) {
        return refuse(run, func, "the second argument is not one value");
    }
    for (size_t i = 0; yes && i < x->count; i++) {
        CM_TRY(among(run, x->items[i], y, &yes));
    }
    CM_TRY(boolean(run, yes, false, out));
out:
    return st;
}

/* Recursion: calls inside each other, which the parser bounds. */
static enum cm_status call(struct cm_prun *run, const struct cm_pexpr *e, struct cm_pvals *out)
{
    struct cm_pvals args[2] = {{NULL, 0}, {NULL, 0}};
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < 2 && e->args[i] != NULL; i++) {
        CM_TRY(cm_policy_values(run, e->args[i], &args[i]));
    }
    switch (e->func) {
    case CM_PF_APPEND_STRING:
        return append_string(run, args, out);
    case CM_PF_CONTAINS_ONLY_VALUE:
    case CM_PF_IS_SUBSET_OF:
        return subset(run, e->func, &args[0], &args[1], out);
    case CM_PF_JMESPATH:
        return jmespath(run, e, args, out);
    case CM_PF_JSON_TO_CLAIM_VALUE:
        return json_to_claim_value(run, args, out);
    case CM_PF_NEGATE_BOOL:
        return negate_bool(run, args, out);
    }
out:
    return st;
}

enum cm_status cm_policy_values(struct cm_prun *run, const struct cm_pexpr *e, struct cm_pvals *out)
{
    enum cm_status st = cm_policy_spend(run, 1);

    if (st != CM_OK) {
        return st;
    }
    switch (e->kind) {
    case CM_PE_LITERAL:
        return one(run, &e->literal, out);
    case CM_PE_PROPERTY:
        return property(run, e, out);
    case CM_PE_CALL:
        return call(run, e, out);
    }
    return CM_ERR_PARAM;
}
