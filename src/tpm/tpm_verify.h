/* CM_FORMAT_TPM for the table of src/verify; the interface of evidence/material.h. */
#ifndef CM_TPM_TPM_VERIFY_H
#define CM_TPM_TPM_VERIFY_H

#include "evidence/material.h"

/** TPMS_ATTEST or TPM2B_ATTEST by magic and type of attestation. */
bool cm_tpm_recognise(struct cm_span bytes);

/**
 * A quote with its signature (behind it, or CM_MATERIAL_SIGNATURE), values of PCRs (CM_MATERIAL_PCRS) and
 * event log (CM_MATERIAL_EVENT_LOG), and the attestation key of tpm_ak.h.
 */
CM_MUST_USE enum cm_status cm_tpm_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                         size_t submod);

#endif
