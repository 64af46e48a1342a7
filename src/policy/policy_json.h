/*
 * JSON values as trees in an arena: what JmesPath() works on. Read by src/token's strict parser.
 * Immutable once made. No value is deeper than CM_JSON_MAX_DEPTH, so the recursion over one is bounded.
 */
#ifndef CM_POLICY_JSON_H
#define CM_POLICY_JSON_H

#include "common/same.h"
#include "policy/policy_arena.h"
#include "token/json.h"

enum cm_pj_type {
    CM_PJ_NULL,
    CM_PJ_BOOL,
    CM_PJ_INT,  /* an exact integer of 64 bits */
    CM_PJ_REAL, /* any other number, kept as text */
    CM_PJ_TEXT,
    CM_PJ_ARRAY,
    CM_PJ_OBJECT,
};

struct cm_pj;

struct cm_pj_member {
    struct cm_span name;
    const struct cm_pj *value;
};

struct cm_pj {
    enum cm_pj_type type;
    uint32_t depth;      /* of arrays and objects: 1 + the deepest element; else 0 */
    size_t count;        /* elements, members */
    int64_t number;      /* int; bool: 0 or 1 */
    struct cm_span text; /* text (UTF-8, unescaped), real */
    const struct cm_pj **items;
    const struct cm_pj_member *members;
};

extern const struct cm_pj cm_pj_null;
extern const struct cm_pj cm_pj_true;
extern const struct cm_pj cm_pj_false;

/**
 * Parse a whole text.
 * @param text  borrowed as long as the value is used.
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_pj_parse(struct cm_arena *a, struct cm_span text,
                                       const struct cm_pj **out, struct cm_why *why);

/** The member of an object; NULL when absent or not an object. */
const struct cm_pj *cm_pj_member(const struct cm_pj *object, struct cm_span name);

/** Compact JSON in the arena. */
CM_MUST_USE enum cm_status cm_pj_write(struct cm_arena *a, const struct cm_pj *v,
                                       struct cm_span *out);

/**
 * Whether two values are equal: type and value; members in any order. Numbers that are not integers are
 * equal when they are spelled alike.
 * @param steps  counts down; false when it reaches 0.
 */
bool cm_pj_equal(const struct cm_pj *x, const struct cm_pj *y, uint64_t *steps);

#endif
