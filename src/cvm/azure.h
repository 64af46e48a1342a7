/*
 * Evidence of Azure's confidential VMs: the HCL report of the paravisor (an SNP report or TD report, and
 * runtime data whose hash stands in it), with a quote of the vTPM whose key the runtime data names.
 * docs/evidence-azure.md says what is checked and what is not.
 */
#ifndef CM_CVM_AZURE_H
#define CM_CVM_AZURE_H

#include "evidence/material.h"

/** The format's place in the table of src/verify (evidence/material.h). */
bool cm_azure_recognise(struct cm_span bytes);

/**
 * Submodule "cpu" is the hardware's, "vtpm" is bound to it.
 *
 * Evidence: an HCL report as the TPM's NV index has it, with CM_MATERIAL_QUOTE (TPMS_ATTEST, and a TD
 * quote for TDX), CM_MATERIAL_SIGNATURE and CM_MATERIAL_PCRS; or Trustee's JSON, versions 0 to 2, which
 * has all of it. Certificates as for SNP, collateral as for TDX.
 */
CM_MUST_USE enum cm_status cm_azure_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                           size_t submod);

/**
 * The TD quote of evidence in any of these forms, without the zeros behind it: for whoever gets collateral.
 * @param out  malloc'd, the caller frees it; NULL: there is none.
 * @retval CM_ERR_NOMEM; evidence that is malformed has none
 */
CM_MUST_USE enum cm_status cm_azure_td_quote(const struct cm_verify_job *job, uint8_t **out,
                                             size_t *len);

#endif
