/* Private to src/verify: the event log of a TD beside its quote. */
#ifndef CM_VERIFY_CCEL_H
#define CM_VERIFY_CCEL_H

#include "evidence/material.h"

/**
 * Hold CM_MATERIAL_EVENT_LOG against the runtime registers that a TD's quote has in its first submodule; adds
 * what tpm/tcg_log.h says. Nothing to do without a log; a log beside an SGX quote is not applicable.
 *
 * @param verdict  of the quote. @return it, or the log's own if that was CM_OK
 */
CM_MUST_USE enum cm_status cm_verify_ccel(const struct cm_verify_job *job, struct cm_evidence *ev,
                                          enum cm_status verdict);

#endif
