/*
 * JMESPath (https://jmespath.org/specification.html), the part that attestation policies use: queries
 * are compiled once and searched in any number of documents. Untrusted: query and document.
 *
 * Beyond the specification: equals_ignore_case(a, b), which Azure Attestation has (ASCII letters; false
 * unless both are strings). Not in: expression references (&), sorting and arithmetic functions, JSON
 * literals without quotes in back-ticks. Numbers that are not integers of 64 bits are equal when they
 * are spelled alike, and have no order.
 */
#ifndef CM_POLICY_JMESPATH_H
#define CM_POLICY_JMESPATH_H

#include "policy/policy_json.h"

#define CM_JP_MAX_TEXT  16384u
#define CM_JP_MAX_NEST  32u /* brackets, braces and parentheses inside each other */
#define CM_JP_MAX_DEPTH 96u /* of a compiled query: bounds the recursion over it */

struct cm_jp;

/** What a search may use up, shared by all searches of an evaluation. */
struct cm_jp_budget {
    struct cm_arena *arena; /* results live here */
    uint64_t steps;         /* counts down */
    struct cm_why why;      /* of a failure */
};

/**
 * Compile a query.
 * @param text  copied where needed.
 * @param at    of a failure: the byte in text.
 * @retval CM_ERR_SYNTAX not a query   @retval CM_ERR_UNSUPPORTED an unknown function
 * @retval CM_ERR_FORMAT not UTF-8 text, or U+0000   @retval CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_jp_compile(struct cm_arena *a, struct cm_span text,
                                         const struct cm_jp **out, size_t *at, struct cm_why *why);

/**
 * Search. The result refers to the document, the query and the arena.
 * @retval CM_ERR_MISMATCH a function was given what it has no use for
 * @retval CM_ERR_LIMIT    the budget is used up, or the result is too deep
 */
CM_MUST_USE enum cm_status cm_jp_search(const struct cm_jp *query, const struct cm_pj *doc,
                                        struct cm_jp_budget *b, const struct cm_pj **out);

#endif
