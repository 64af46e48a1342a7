/* What a policy is told beside the evidence. Private to src/decide. */
#ifndef CM_DECIDE_DECIDE_PROVEN_H
#define CM_DECIDE_DECIDE_PROVEN_H

#include "decide/decide_engine.h"

/** Add what the job's API has proven, and the client's own claims, to the claims of a decision. */
CM_MUST_USE enum cm_status cm_decide_add_proven(const struct cm_decide_job *job,
                                                struct cm_decision *d);

/** Whether what is enrolled is an endorsement key: it vouches for attestation keys, and is none. */
bool cm_enrolled_is_ek(const struct cm_material *m);

#endif
