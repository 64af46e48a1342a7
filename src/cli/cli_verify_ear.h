/* Private to src/cli: `casemate verify --ear`: the appraisal as a file for others. */
#ifndef CM_CLI_VERIFY_EAR_H
#define CM_CLI_VERIFY_EAR_H

#include "cli/cli_evidence.h"

/**
 * Write the EAT Attestation Result that v asks for, of evidence that was accepted or refused; replaced as a
 * whole. It names the policy by its hash.
 * @param policy_refused  a policy was asked, and did not permit.
 * @retval CM_ERR_IO, CM_ERR_PARAM, CM_ERR_FORMAT (the key); why says which
 */
CM_MUST_USE enum cm_status cm_cli_ear_write(const struct cm_cli_verify *v,
                                            const struct cm_evidence *ev, bool policy_refused,
                                            struct cm_why *why);

/** The vectors for people: the claims that are made, and each submodule's tier. */
void cm_cli_ear_print(const struct cm_evidence *ev, FILE *out);

#endif
