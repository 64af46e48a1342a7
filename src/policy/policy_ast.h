/* Private to src/policy: a parsed policy. Everything lives in the policy's arena and never changes. */
#ifndef CM_POLICY_AST_H
#define CM_POLICY_AST_H

#include <casemate/policy.h>

#include "policy/jmespath.h"

#define CM_POLICY_MAX_CONDS 32u /* of a rule */
#define CM_POLICY_MAX_PROPS 8u  /* of a condition */
#define CM_POLICY_MAX_NEST  16u /* function calls inside each other */

/* A value of the language that is not a set. */
struct cm_pv {
    enum cm_policy_value_type type;
    bool read_only;           /* may be examined, not issued */
    int64_t number;           /* integer; boolean: 0 or 1 */
    struct cm_span text;      /* ptr NULL: see written */
    const struct cm_pj *json; /* of a text: the value that it is JSON of, when known; else NULL */
    struct cm_span *written; /* of what JmesPath() returned: its text, once somebody asked for it */
};

enum cm_prop {
    CM_PROP_TYPE,
    CM_PROP_VALUE,
    CM_PROP_ISSUER,
    CM_PROP_VALUE_TYPE,
};

enum cm_pop {
    CM_POP_EQ,
    CM_POP_NE,
    CM_POP_LT,
    CM_POP_LE,
    CM_POP_GT,
    CM_POP_GE,
};

enum cm_pfunc {
    CM_PF_APPEND_STRING,
    CM_PF_CONTAINS_ONLY_VALUE,
    CM_PF_IS_SUBSET_OF,
    CM_PF_JMESPATH,
    CM_PF_JSON_TO_CLAIM_VALUE,
    CM_PF_NEGATE_BOOL,
};

enum cm_pexpr_kind {
    CM_PE_LITERAL,
    CM_PE_PROPERTY, /* of the claims that a condition bound */
    CM_PE_CALL,
};

struct cm_pexpr {
    enum cm_pexpr_kind kind;
    size_t off; /* in the text */
    struct cm_pv literal;
    size_t cond; /* property: which condition of the rule bound it */
    enum cm_prop prop;
    enum cm_pfunc func;
    const struct cm_pexpr *args[2];
    const struct cm_jp *query; /* JmesPath with a literal query: compiled; else NULL */
};

struct cm_pprop {
    enum cm_prop prop;
    enum cm_pop op;
    const struct cm_pexpr *right;
};

struct cm_pcond {
    size_t off;
    size_t len;
    struct cm_span name; /* identifier; ptr NULL: none */
    size_t prop_count;
    struct cm_pprop props[CM_POLICY_MAX_PROPS];
    /* what literal type it asks for, when it does: makes the search quick */
    size_t type_prop; /* which property asks */
    struct cm_span type;
    struct cm_span alias[2]; /* "$x": other types that it may mean, in order; ptr NULL: none */
    uint32_t type_hash;
    bool has_type;
    bool negated;
    bool names_issuer; /* else it does not see CustomClaim claims */
};

enum cm_paction_kind {
    CM_PA_PERMIT,
    CM_PA_DENY,
    CM_PA_ADD,
    CM_PA_ISSUE,
    CM_PA_PROPERTY,
};

struct cm_paction {
    enum cm_paction_kind kind;
    bool whole;   /* claim=ident */
    size_t claim; /* the condition that bound ident */
    const struct cm_pexpr *type;
    const struct cm_pexpr *value;
    bool has_value_type;
    enum cm_policy_value_type value_type;
    enum cm_policy_issuer issuer;
};

enum cm_psection {
    CM_PS_CONFIGURATION,
    CM_PS_AUTHORIZATION,
    CM_PS_ISSUANCE,
};
#define CM_PS_COUNT 3u

struct cm_prule {
    size_t off;
    size_t len;
    enum cm_psection section;
    bool accepts_emulated; /* has the condition [type=="casemate.emulated", value==true] */
    size_t cond_count;
    struct cm_pcond *conds;
    struct cm_paction action;
};

struct cm_policy {
    struct cm_arena arena;
    struct cm_span text; /* a copy */
    unsigned minor;      /* of version 1.minor */
    size_t rule_count;
    struct cm_prule *rules; /* in order of sections, then of the text */
};

#define CM_POLICY_CLAIM_EMULATED "casemate.emulated"
#define CM_POLICY_CLAIM_GENUINE  "casemate.genuine"

/** FNV-1a, for telling claim types apart quickly. */
uint32_t cm_policy_type_hash(struct cm_span type);

/** Line and column (characters, from 1) of a byte of the text. */
void cm_policy_place(struct cm_span text, size_t off, size_t *line, size_t *column);

/** Words of the language for messages and output. */
const char *cm_policy_issuer_name(enum cm_policy_issuer issuer);
const char *cm_policy_value_type_name(enum cm_policy_value_type type);
const char *cm_policy_section_name(enum cm_psection section);
const char *cm_policy_prop_name(enum cm_prop prop);
const char *cm_policy_func_name(enum cm_pfunc func);

#endif
