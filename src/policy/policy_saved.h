/* What it takes beside cm_policy_claims_at() to keep a claim set and make it again. */
#ifndef CM_POLICY_POLICY_SAVED_H
#define CM_POLICY_POLICY_SAVED_H

#include <casemate/policy.h>

/** Whether the index-th claim was added as JSON (cm_policy_claims_json()), and so must be again. */
bool cm_policy_claims_is_json(const struct cm_policy_claims *claims, size_t index);

#endif
