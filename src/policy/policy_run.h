/* Private to src/policy: claim sets, an evaluation under way, and what becomes of it. */
#ifndef CM_POLICY_RUN_H
#define CM_POLICY_RUN_H

#include "policy/policy_ast.h"

#define CM_POLICY_MAX_STEPS  2000000u
#define CM_POLICY_MAX_MEMORY (64u << 20) /* of an evaluation, and of a claim set */

struct cm_pclaim {
    struct cm_span type;
    uint32_t hash; /* of type */
    enum cm_policy_issuer issuer;
    const struct cm_pv *value;
};

struct cm_policy_claims {
    struct cm_arena arena;
    struct cm_pclaim *items; /* on the heap: it grows */
    size_t count;
    size_t cap;
    bool emulated;    /* casemate.emulated of the service is true */
    bool not_genuine; /* casemate.genuine of the service is not true */
};

/* What became of a rule. */
struct cm_ptrace {
    const struct cm_prule *rule;
    bool fired;
    bool failed;                      /* it could not be evaluated */
    size_t cond;                      /* not fired: the condition that was not met */
    size_t cond_count;                /* of matched */
    const struct cm_pclaim **matched; /* fired: the first claim of each condition; NULL of a ! */
    size_t prop;                      /* not fired: the property that nearest fails */
    const struct cm_pclaim *nearest;  /* not fired: the claim that came nearest, or (of a !) the one
                                         that is there; NULL: none of that type */
};

/* A list of claims that grows in the arena. */
struct cm_pclaim_list {
    const struct cm_pclaim **items;
    size_t count;
    size_t cap;
};

struct cm_policy_outcome {
    struct cm_arena arena;
    const struct cm_policy *policy; /* may be NULL */
    enum cm_status status;
    size_t line;
    char reason[512];
    struct cm_pclaim_list issued;
    struct cm_pclaim_list properties;
    struct cm_ptrace *trace; /* of every rule that was looked at, in order */
    size_t trace_count;
};

/* The values that an expression has: none, one, or a set. */
struct cm_pvals {
    const struct cm_pv *const *items;
    size_t count;
};

struct cm_prun {
    struct cm_policy_outcome *outcome;
    struct cm_arena *arena; /* the outcome's */
    struct cm_jp_budget budget;
    uint32_t *hashes; /* of all, side by side: what a search runs over */
    struct cm_pclaim_list all;
    /* of the current rule: what each condition matched */
    struct {
        const struct cm_pclaim **items;
        size_t count;
    } matched[CM_POLICY_MAX_CONDS];
    const struct cm_ptrace *permit_trace;
    const struct cm_ptrace *deny_trace;
    bool accepted_emulated; /* a rule that permitted names emulation */
};

/** An expression's values in the current rule. On failure budget.why says what. */
CM_MUST_USE enum cm_status cm_policy_values(struct cm_prun *run, const struct cm_pexpr *e,
                                            struct cm_pvals *out);

/** A value as text: of a text what it is, of JSON from JmesPath() its compact form. */
CM_MUST_USE enum cm_status cm_policy_text_of(struct cm_prun *run, const struct cm_pv *v,
                                             struct cm_span *out);

CM_MUST_USE enum cm_status cm_policy_same(struct cm_prun *run, const struct cm_pv *x,
                                          const struct cm_pv *y, bool *same);

/** A claim's property as a value; of issuer and valueType a constant. */
const struct cm_pv *cm_policy_property_of(const struct cm_pclaim *c, enum cm_prop prop,
                                          struct cm_pv *buffer);

/** Use up steps. */
CM_MUST_USE enum cm_status cm_policy_spend(struct cm_prun *run, uint64_t steps);

/** Give an outcome its status and its sentence. */
void cm_policy_decide(const struct cm_prun *run, const struct cm_policy_claims *claims,
                      unsigned flags, enum cm_status st);

/** Add to a list in an arena. */
CM_MUST_USE enum cm_status cm_pclaim_push(struct cm_arena *a, struct cm_pclaim_list *list,
                                          const struct cm_pclaim *c);

#endif
