/* Claim sets; see casemate/policy.h. Untrusted: types, values, JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_run.h"
#include "policy/policy_saved.h"
#include "token/utf8.h"

#define MAX_TYPE 512u

enum cm_status cm_policy_claims_create(struct cm_policy_claims **out)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL) {
        return CM_ERR_NOMEM;
    }
    (*out)->arena = cm_arena_init(CM_POLICY_MAX_MEMORY);
    return CM_OK;
}

void cm_policy_claims_free(struct cm_policy_claims *claims)
{
    if (claims != NULL) {
        cm_arena_free(&claims->arena);
        free(claims->items);
        free(claims);
    }
}

static bool is_text(struct cm_span s)
{
    return cm_utf8_valid(s) && (s.len == 0 || memchr(s.ptr, 0, s.len) == NULL);
}

/* What cm_policy_evaluate() must know, whatever a policy says. */
static void note_gates(struct cm_policy_claims *set, const struct cm_pclaim *c)
{
    static const char emulated[] = CM_POLICY_CLAIM_EMULATED;
    static const char genuine[] = CM_POLICY_CLAIM_GENUINE;
    bool yes = c->value->type == CM_POLICY_BOOL && c->value->number != 0;
    bool no = c->value->type == CM_POLICY_BOOL && c->value->number == 0;

    if (c->issuer != CM_POLICY_SERVICE) {
        return;
    }
    if (cm_span_same(c->type, cm_span_make(emulated, sizeof(emulated) - 1))) {
        set->emulated = set->emulated || !no; /* whatever is not a plain "no" */
    }
    if (cm_span_same(c->type, cm_span_make(genuine, sizeof(genuine) - 1))) {
        set->not_genuine = set->not_genuine || !yes;
    }
}

/* Add a claim whose value lives in the set's arena already. */
static enum cm_status add(struct cm_policy_claims *set, struct cm_span type,
                          const struct cm_pv *value, enum cm_policy_issuer issuer)
{
    struct cm_pclaim c = {.issuer = issuer, .value = value};

    if (type.len == 0 || !is_text(type)) {
        return CM_ERR_FORMAT;
    }
    if (type.len > MAX_TYPE || set->count == CM_POLICY_MAX_CLAIMS) {
        return CM_ERR_LIMIT;
    }
    if (set->count == set->cap) {
        size_t cap = set->cap == 0 ? 64 : 2 * set->cap; /* bounded by CM_POLICY_MAX_CLAIMS */
        struct cm_pclaim *items = realloc(set->items, cap * sizeof(*items));

        if (items == NULL) {
            return CM_ERR_NOMEM;
        }
        set->items = items;
        set->cap = cap;
    }
    c.type = cm_arena_copy(&set->arena, type);
    if (c.type.ptr == NULL || value == NULL) {
        return set->arena.status;
    }
    c.hash = cm_policy_type_hash(type);
    set->items[set->count++] = c;
    note_gates(set, &c);
    return CM_OK;
}

/* A value in the set's arena; NULL when there is no room. */
static struct cm_pv *new_value(struct cm_policy_claims *set, enum cm_policy_value_type type)
{
    struct cm_pv *v = cm_arena_get(&set->arena, sizeof(*v));

    if (v != NULL) {
        v->type = type;
    }
    return v;
}

static struct cm_span span_of(const char *text)
{
    return cm_span_make(text, strlen(text));
}

static enum cm_status add_text(struct cm_policy_claims *set, struct cm_span type,
                               struct cm_span value, enum cm_policy_issuer issuer)
{
    struct cm_pv *v = new_value(set, CM_POLICY_TEXT);

    if (!is_text(value)) {
        return CM_ERR_FORMAT;
    }
    if (value.len > CM_POLICY_MAX_JSON) {
        return CM_ERR_LIMIT;
    }
    if (v != NULL) {
        v->text = cm_arena_copy(&set->arena, value);
    }
    return set->arena.status != CM_OK ? set->arena.status : add(set, type, v, issuer);
}

static enum cm_status add_number(struct cm_policy_claims *set, struct cm_span type,
                                 enum cm_policy_value_type kind, int64_t value,
                                 enum cm_policy_issuer issuer)
{
    struct cm_pv *v = new_value(set, kind);

    if (v == NULL) {
        return set->arena.status;
    }
    v->number = value;
    return add(set, type, v, issuer);
}

static enum cm_status add_json(struct cm_policy_claims *set, struct cm_span type,
                               struct cm_span value, enum cm_policy_issuer issuer,
                               struct cm_why *why)
{
    struct cm_pv *v = new_value(set, CM_POLICY_TEXT);
    enum cm_status st = CM_OK;

    if (value.len > CM_POLICY_MAX_JSON) {
        return CM_ERR_LIMIT;
    }
    CM_TRY(set->arena.status);
    v->text = cm_arena_copy(&set->arena, value);
    CM_TRY(set->arena.status);
    CM_TRY(cm_pj_parse(&set->arena, v->text, &v->json, why));
    v->read_only = issuer == CM_POLICY_SERVICE && cm_span_same(type, span_of("pcrs"));
    st = add(set, type, v, issuer);
out:
    return st;
}

enum cm_status cm_policy_claims_text(struct cm_policy_claims *claims, const char *type,
                                     struct cm_span value, enum cm_policy_issuer issuer)
{
    return add_text(claims, span_of(type), value, issuer);
}

enum cm_status cm_policy_claims_int(struct cm_policy_claims *claims, const char *type,
                                    int64_t value, enum cm_policy_issuer issuer)
{
    return add_number(claims, span_of(type), CM_POLICY_INT, value, issuer);
}

enum cm_status cm_policy_claims_bool(struct cm_policy_claims *claims, const char *type, bool value,
                                     enum cm_policy_issuer issuer)
{
    return add_number(claims, span_of(type), CM_POLICY_BOOL, value ? 1 : 0, issuer);
}

enum cm_status cm_policy_claims_json(struct cm_policy_claims *claims, const char *type,
                                     struct cm_span value, enum cm_policy_issuer issuer)
{
    return add_json(claims, span_of(type), value, issuer, NULL);
}

static bool is_plain(const struct cm_pj *v)
{
    return v->type == CM_PJ_TEXT || v->type == CM_PJ_INT || v->type == CM_PJ_BOOL;
}

/* A string, integer or boolean as a claim. */
static enum cm_status add_plain(struct cm_policy_claims *set, struct cm_span type,
                                const struct cm_pj *v, enum cm_policy_issuer issuer)
{
    if (v->type == CM_PJ_TEXT) {
        return add_text(set, type, v->text, issuer);
    }
    return add_number(set, type, v->type == CM_PJ_INT ? CM_POLICY_INT : CM_POLICY_BOOL, v->number,
                      issuer);
}

/* One member: plain values and sets of them as claims, everything else as a JSON claim. */
static enum cm_status add_member(struct cm_policy_claims *set, const struct cm_pj_member *m,
                                 enum cm_policy_issuer issuer, struct cm_why *why)
{
    bool plain = m->value->type == CM_PJ_ARRAY && m->value->count != 0;
    struct cm_span text = {NULL, 0};
    enum cm_status st = CM_OK;

    if (m->value->type == CM_PJ_NULL) {
        return CM_OK;
    }
    if (is_plain(m->value)) {
        return add_plain(set, m->name, m->value, issuer);
    }
    for (size_t i = 0; plain && i < m->value->count; i++) {
        plain = is_plain(m->value->items[i]);
    }
    if (!plain) {
        CM_TRY(cm_pj_write(&set->arena, m->value, &text));
        return add_json(set, m->name, text, issuer, why);
    }
    for (size_t i = 0; i < m->value->count; i++) {
        CM_TRY(add_plain(set, m->name, m->value->items[i], issuer));
    }
out:
    return st;
}

enum cm_status cm_policy_claims_object(struct cm_policy_claims *claims, struct cm_span object,
                                       enum cm_policy_issuer issuer, struct cm_why *why)
{
    struct cm_span copy = {NULL, 0};
    const struct cm_pj *v = NULL;
    enum cm_status st = CM_OK;

    if (object.len > CM_POLICY_MAX_JSON) {
        cm_why_set(why, "the claims are longer than %u bytes", CM_POLICY_MAX_JSON);
        return CM_ERR_LIMIT;
    }
    copy = cm_arena_copy(&claims->arena, object);
    CM_TRY(claims->arena.status);
    CM_TRY(cm_pj_parse(&claims->arena, copy, &v, why));
    if (v->type != CM_PJ_OBJECT) {
        cm_why_set(why, "claims are the members of a JSON object");
        st = CM_ERR_SYNTAX;
        goto out;
    }
    for (size_t i = 0; i < v->count; i++) {
        st = add_member(claims, &v->members[i], issuer, why);
        if (st != CM_OK) {
            cm_why_set(why, "claim \"%.*s\": %s",
                       (int)(v->members[i].name.len < 80 ? v->members[i].name.len : 80),
                       (const char *)v->members[i].name.ptr, cm_status_str(st));
            goto out;
        }
    }
out:
    return st;
}

bool cm_policy_claims_is_json(const struct cm_policy_claims *claims, size_t index)
{
    return index < claims->count && claims->items[index].value->type == CM_POLICY_TEXT &&
           claims->items[index].value->json != NULL;
}
