/* Private to src/verify: the verdict on evidence as a whole, composite or not. */
#ifndef CM_VERIFY_WHOLE_H
#define CM_VERIFY_WHOLE_H

#include <casemate/evidence.h>

/**
 * What must hold whatever a format's verifier said: all required checks passed, there is one in every
 * submodule, and every submodule behind the first is bound to a genuine one. What is not bound was signed
 * by nobody that counts here: its claims become self-asserted. Failures are added as the checks
 * "checked" and "bound".
 *
 * @param said  the format's verdict; it is the result unless it is CM_OK.
 */
CM_MUST_USE enum cm_status cm_verify_whole(struct cm_evidence *ev, enum cm_status said);

#endif
