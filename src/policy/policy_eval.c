/*
 * Evaluating a policy; see casemate/policy.h. Each rule looks once at each claim per condition, in a
 * budget of steps; what it adds is seen by the rules behind it. The default is to refuse.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_run.h"

enum cm_status cm_pclaim_push(struct cm_arena *a, struct cm_pclaim_list *list,
                              const struct cm_pclaim *c)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 16 : 2 * list->cap; /* bounded by CM_POLICY_MAX_CLAIMS */
        const struct cm_pclaim **items = cm_arena_array(a, cap, sizeof(void *));

        if (items == NULL) {
            return a->status;
        }
        if (list->count != 0) {
            memcpy(items, list->items, list->count * sizeof(void *));
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = c;
    return CM_OK;
}

/* Room for max claims, and those that came in. */
static enum cm_status load(struct cm_prun *run, const struct cm_policy_claims *claims)
{
    size_t cap = 2 * claims->count + 64;

    run->all.items = cm_arena_array(run->arena, cap, sizeof(void *));
    run->hashes = cm_arena_array(run->arena, cap, sizeof(run->hashes[0]));
    if (run->hashes == NULL) {
        return run->arena->status;
    }
    run->all.cap = cap;
    for (size_t i = 0; i < claims->count; i++) {
        run->all.items[i] = &claims->items[i];
        run->hashes[i] = claims->items[i].hash;
    }
    run->all.count = claims->count;
    return CM_OK;
}

/* A claim becomes an incoming one. */
static enum cm_status add_incoming(struct cm_prun *run, const struct cm_pclaim *c)
{
    size_t had = run->all.cap;
    enum cm_status st = CM_OK;

    if (run->all.count == CM_POLICY_MAX_CLAIMS) {
        cm_why_set(&run->budget.why, "there are too many claims");
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_pclaim_push(run->arena, &run->all, c));
    if (run->all.cap != had) {
        uint32_t *hashes = cm_arena_array(run->arena, run->all.cap, sizeof(hashes[0]));

        CM_TRY(run->arena->status);
        memcpy(hashes, run->hashes, had * sizeof(hashes[0]));
        run->hashes = hashes;
    }
    run->hashes[run->all.count - 1] = c->hash;
out:
    return st;
}

/* How x stands to the values on the right: == any of them, != none, an order to the one. */
static enum cm_status compare(struct cm_prun *run, enum cm_pop op, const struct cm_pv *x,
                              const struct cm_pvals *right, bool *yes)
{
    bool equal = false;
    enum cm_status st = CM_OK;

    if (op != CM_POP_EQ && op != CM_POP_NE) {
        const struct cm_pv *y = right->count == 1 ? right->items[0] : NULL;

        if (y == NULL || x->type != CM_POLICY_INT || y->type != CM_POLICY_INT) {
            *yes = false; /* only integers have an order */
        } else if (op == CM_POP_LT || op == CM_POP_GE) {
            *yes = (x->number < y->number) == (op == CM_POP_LT);
        } else {
            *yes = (x->number > y->number) == (op == CM_POP_GT);
        }
        return CM_OK;
    }
    for (size_t i = 0; !equal && i < right->count; i++) {
        CM_TRY(cm_policy_same(run, x, right->items[i], &equal));
    }
    CM_TRY(cm_policy_spend(run, right->count));
    *yes = right->count != 0 && equal == (op == CM_POP_EQ);
out:
    return st;
}

/* What a condition asks for, with its values on the right worked out. */
struct question {
    const struct cm_pcond *cond;
    struct cm_span type; /* when the condition has a literal type: that, or what "$x" means today */
    uint32_t hash;
    bool service_only; /* "$x" means an incoming claim */
    struct cm_pvals right[CM_POLICY_MAX_PROPS];
};

static bool has_type(const struct cm_prun *run, struct cm_span type, bool service_only)
{
    uint32_t hash = cm_policy_type_hash(type);

    for (size_t i = 0; i < run->all.count; i++) {
        if (run->hashes[i] == hash && cm_span_same(run->all.items[i]->type, type) &&
            (!service_only || run->all.items[i]->issuer == CM_POLICY_SERVICE)) {
            return true;
        }
    }
    return false;
}

static enum cm_status ask(struct cm_prun *run, const struct cm_pcond *c, struct question *q)
{
    enum cm_status st = CM_OK;

    q->cond = c;
    q->type = c->type;
    q->hash = c->type_hash;
    for (size_t i = 0; i < 2 && c->alias[1].ptr != NULL; i++) {
        if (!has_type(run, q->type, q->service_only) && c->alias[i].ptr != NULL) {
            q->type = c->alias[i];
            q->hash = cm_policy_type_hash(q->type);
            q->service_only = true;
        }
    }
    for (size_t i = 0; i < c->prop_count; i++) {
        if (!c->has_type || i != c->type_prop) {
            st = cm_policy_values(run, c->props[i].right, &q->right[i]);
            if (st != CM_OK) {
                goto out;
            }
        }
    }
out:
    return st;
}

/* Whether a claim satisfies a condition; *passed counts the properties before the first that fails. */
static enum cm_status satisfies(struct cm_prun *run, const struct question *q,
                                const struct cm_pclaim *c, bool *yes, size_t *passed)
{
    enum cm_status st = CM_OK;

    *yes = true;
    *passed = 0;
    for (size_t i = 0; *yes && i < q->cond->prop_count; i++) {
        const struct cm_pprop *pr = &q->cond->props[i];
        struct cm_pv buffer;

        if (q->cond->has_type && i == q->cond->type_prop) {
            (*passed)++;
            continue; /* looked at already */
        }
        CM_TRY(
            compare(run, pr->op, cm_policy_property_of(c, pr->prop, &buffer), &q->right[i], yes));
        *passed += *yes ? 1 : 0;
    }
out:
    return st;
}

/* Every claim that satisfies a condition; and for the trace the one that came nearest. */
static enum cm_status search(struct cm_prun *run, const struct question *q, size_t at,
                             struct cm_ptrace *t)
{
    const struct cm_pcond *c = q->cond;
    struct cm_pclaim_list found = {NULL, 0, 0};
    size_t best = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_policy_spend(run, 1 + run->all.count / 8));
    t->nearest = NULL;
    for (size_t i = 0; i < run->all.count; i++) {
        const struct cm_pclaim *claim = NULL;
        size_t passed = 0;
        bool yes = false;

        if (c->has_type && run->hashes[i] != q->hash) {
            continue;
        }
        claim = run->all.items[i];
        if ((claim->issuer == CM_POLICY_CUSTOM && !c->names_issuer) ||
            (q->service_only && claim->issuer != CM_POLICY_SERVICE) ||
            (c->has_type && !cm_span_same(claim->type, q->type))) {
            continue;
        }
        CM_TRY(cm_policy_spend(run, c->prop_count));
        CM_TRY(satisfies(run, q, claim, &yes, &passed));
        if (yes) {
            st = cm_pclaim_push(run->arena, &found, claim);
            if (st != CM_OK) {
                goto out;
            }
        }
        if (c->negated ? yes : (c->has_type && passed >= best)) {
            best = passed;
            t->nearest = claim;
            t->prop = passed;
        }
    }
    run->matched[at].items = found.items;
    run->matched[at].count = found.count;
out:
    return st;
}

static enum cm_status conditions(struct cm_prun *run, const struct cm_prule *r, struct cm_ptrace *t)
{
    enum cm_status st = CM_OK;

    t->fired = false;
    for (size_t i = 0; i < r->cond_count; i++) {
        struct question q;

        memset(&q, 0, sizeof(q));
        t->cond = i;
        CM_TRY(ask(run, &r->conds[i], &q));
        CM_TRY(search(run, &q, i, t));
        if ((run->matched[i].count != 0) == r->conds[i].negated) {
            return CM_OK;
        }
    }
    t->fired = true;
    t->nearest = NULL;
    t->cond_count = r->cond_count;
    t->matched = cm_arena_array(run->arena, r->cond_count, sizeof(void *));
    CM_TRY(run->arena->status);
    for (size_t i = 0; i < r->cond_count; i++) {
        t->matched[i] = run->matched[i].count != 0 ? run->matched[i].items[0] : NULL;
    }
out:
    return st;
}

/* A value as the valueType that the action gives. */
static enum cm_status convert(struct cm_prun *run, enum cm_policy_value_type want,
                              const struct cm_pv **v)
{
    struct cm_pv *made = NULL;
    struct cm_span text = {NULL, 0};
    const struct cm_pj *j = NULL;
    enum cm_status st = CM_OK;

    if ((*v)->type == want) {
        return CM_OK;
    }
    made = cm_arena_get(run->arena, sizeof(*made));
    CM_TRY(run->arena->status);
    made->type = want;
    made->read_only = (*v)->read_only;
    if (want == CM_POLICY_TEXT) {
        struct cm_pj *number = cm_arena_get(run->arena, sizeof(*number));

        CM_TRY(run->arena->status);
        number->type = (*v)->type == CM_POLICY_INT ? CM_PJ_INT : CM_PJ_BOOL;
        number->number = (*v)->number;
        CM_TRY(cm_pj_write(run->arena, number, &made->text));
        *v = made;
        return CM_OK;
    }
    if ((*v)->type == CM_POLICY_TEXT) {
        CM_TRY(cm_policy_text_of(run, *v, &text));
        if (cm_pj_parse(run->arena, text, &j, NULL) == CM_OK &&
            j->type == (want == CM_POLICY_INT ? CM_PJ_INT : CM_PJ_BOOL)) {
            made->number = j->number;
            *v = made;
            return CM_OK;
        }
    }
    cm_why_set(&run->budget.why, "the value is not of the valueType that the rule gives it");
    st = CM_ERR_MISMATCH;
out:
    return st;
}

static enum cm_status emit(struct cm_prun *run, const struct cm_prule *r, const struct cm_pclaim *c,
                           bool is_new)
{
    struct cm_span text = {NULL, 0};
    enum cm_status st = CM_OK;

    if (is_new) {
        CM_TRY(add_incoming(run, c));
    }
    if (r->action.kind != CM_PA_ADD && c->value->type == CM_POLICY_TEXT) {
        CM_TRY(cm_policy_text_of(run, c->value, &text)); /* whoever asks the outcome finds it */
    }
    if (r->action.kind == CM_PA_PROPERTY) {
        return cm_pclaim_push(run->arena, &run->outcome->properties, c);
    }
    if (r->action.kind != CM_PA_ISSUE || r->section != CM_PS_ISSUANCE) {
        return CM_OK;
    }
    if (c->value->read_only) {
        cm_why_set(&run->budget.why, "a read-only claim may be examined, not issued");
        return CM_ERR_MISMATCH;
    }
    st = cm_pclaim_push(run->arena, &run->outcome->issued, c);
out:
    return st;
}

static enum cm_status make_claims(struct cm_prun *run, const struct cm_prule *r)
{
    const struct cm_paction *a = &r->action;
    struct cm_pvals types = {NULL, 0};
    struct cm_pvals values = {NULL, 0};
    struct cm_span type = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_policy_values(run, a->type, &types));
    if (types.count != 1 || types.items[0]->type != CM_POLICY_TEXT) {
        cm_why_set(&run->budget.why, "the type of a claim is one string");
        return CM_ERR_MISMATCH;
    }
    CM_TRY(cm_policy_text_of(run, types.items[0], &type));
    if (type.len == 0) {
        cm_why_set(&run->budget.why, "the type of a claim is not empty");
        return CM_ERR_MISMATCH;
    }
    CM_TRY(cm_policy_values(run, a->value, &values));
    for (size_t i = 0; i < values.count; i++) {
        struct cm_pclaim *c = cm_arena_get(run->arena, sizeof(*c));
        const struct cm_pv *v = values.items[i];

        CM_TRY(run->arena->status);
        if (a->has_value_type) {
            st = convert(run, a->value_type, &v);
            if (st != CM_OK) {
                goto out;
            }
        }
        c->type = type;
        c->hash = cm_policy_type_hash(type);
        c->issuer = a->issuer;
        c->value = v;
        CM_TRY(emit(run, r, c, true));
    }
out:
    return st;
}

static enum cm_status act(struct cm_prun *run, const struct cm_prule *r, const struct cm_ptrace *t)
{
    enum cm_status st = CM_OK;

    if (r->action.kind == CM_PA_DENY) {
        run->deny_trace = t;
        return CM_OK;
    }
    if (r->action.kind == CM_PA_PERMIT) {
        if (run->permit_trace == NULL || (r->accepts_emulated && !run->accepted_emulated)) {
            run->permit_trace = t;
        }
        run->accepted_emulated = run->accepted_emulated || r->accepts_emulated;
        return CM_OK;
    }
    if (!r->action.whole) {
        return make_claims(run, r);
    }
    for (size_t i = 0; i < run->matched[r->action.claim].count; i++) {
        CM_TRY(emit(run, r, run->matched[r->action.claim].items[i], false));
    }
out:
    return st;
}

/* The rules of one section, in order; a rule that denies ends it. */
static enum cm_status section(struct cm_prun *run, enum cm_psection which)
{
    const struct cm_policy *policy = run->outcome->policy;
    enum cm_status st = CM_OK;

    for (size_t i = 0; run->deny_trace == NULL && i < policy->rule_count; i++) {
        struct cm_ptrace *t = NULL;

        if (policy->rules[i].section != which) {
            continue;
        }
        t = &run->outcome->trace[run->outcome->trace_count++];
        t->rule = &policy->rules[i];
        st = conditions(run, t->rule, t);
        if (st == CM_OK && t->fired) {
            st = act(run, t->rule, t);
        }
        if (st != CM_OK) {
            t->failed = true;
            break;
        }
    }
    return st;
}

static enum cm_status run_all(struct cm_prun *run, const struct cm_policy_claims *claims,
                              unsigned flags)
{
    struct cm_policy_outcome *o = run->outcome;
    enum cm_status st = CM_OK;

    o->trace = cm_arena_array(run->arena, o->policy->rule_count, sizeof(o->trace[0]));
    CM_TRY(run->arena->status);
    CM_TRY(load(run, claims));
    CM_TRY(section(run, CM_PS_CONFIGURATION));
    CM_TRY(section(run, CM_PS_AUTHORIZATION));
    if (run->deny_trace != NULL || run->permit_trace == NULL || claims->not_genuine ||
        (claims->emulated && !run->accepted_emulated && (flags & CM_POLICY_ALLOW_EMULATED) == 0)) {
        return CM_ERR_POLICY;
    }
    st = section(run, CM_PS_ISSUANCE);
out:
    return st;
}

enum cm_status cm_policy_evaluate(const struct cm_policy *policy,
                                  const struct cm_policy_claims *claims, unsigned flags,
                                  struct cm_policy_outcome **out)
{
    struct cm_policy_outcome *o = NULL;
    struct cm_prun run;
    enum cm_status st = CM_OK;

    if (out != NULL) {
        *out = NULL;
    }
    if (claims == NULL || (flags & ~CM_POLICY_ALLOW_EMULATED) != 0) {
        return CM_ERR_PARAM;
    }
    o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return CM_ERR_NOMEM;
    }
    memset(&run, 0, sizeof(run));
    o->arena = cm_arena_init(CM_POLICY_MAX_MEMORY);
    o->policy = policy;
    run.outcome = o;
    run.arena = &o->arena;
    run.budget.arena = &o->arena;
    run.budget.steps = CM_POLICY_MAX_STEPS;
    st = policy == NULL ? CM_ERR_POLICY : run_all(&run, claims, flags);
    cm_policy_decide(&run, claims, flags, st);
    if (st != CM_OK) {
        o->issued.count = 0;
        o->properties.count = 0;
    }
    if (out != NULL && st != CM_ERR_NOMEM) {
        *out = o;
        o = NULL;
    }
    cm_policy_outcome_free(o);
    return st;
}
