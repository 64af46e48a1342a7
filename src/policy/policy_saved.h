/* Claim sets taken apart, so that they can be kept and made again. */
#ifndef CM_POLICY_POLICY_SAVED_H
#define CM_POLICY_POLICY_SAVED_H

#include <casemate/policy.h>

/**
 * The index-th claim of a set, in the order in which they were added; false beyond the end. Spans belong
 * to the set. Adding all of them to an empty set, in order, makes an equal one.
 * @param json  set: text is a JSON value, to be added with cm_policy_claims_json()
 */
bool cm_policy_claims_at(const struct cm_policy_claims *claims, size_t index,
                         struct cm_policy_claim *out, bool *json);

#endif
