/* What Azure's evidence consists of, from whatever it came in. All UNTRUSTED. */
#ifndef CM_CVM_AZURE_PARTS_H
#define CM_CVM_AZURE_PARTS_H

#include "evidence/material.h"

#define CM_AZURE_MAX_JSON (512u << 10)
#define CM_AZURE_PCRS     32

struct cm_azure_parts {
    uint64_t version; /* of the JSON; 0 also for none */
    struct cm_span hcl;
    struct cm_span message; /* TPMS_ATTEST */
    struct cm_span signature;
    struct cm_span vcek; /* {NULL, 0}: among the materials */
    struct cm_span td_quote;
    struct cm_span pcr_file; /* as of cm_tpm_pcrs_read(); or: */
    bool has_pcrs;           /* values labelled by their place in a list: SHA-256 */
    uint8_t pcrs[CM_AZURE_PCRS][32];
    size_t pcr_count;
    uint8_t *owned[8]; /* what the spans point into when it is not the job's */
    size_t owned_count;
};

/**
 * Gather the parts of a job: from Trustee's JSON, or from an HCL report and materials. What is absent stays
 * {NULL, 0}: the checks say so. The caller frees out in any case.
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT
 */
CM_MUST_USE enum cm_status cm_azure_parts_gather(const struct cm_verify_job *job,
                                                 struct cm_azure_parts *out, struct cm_why *why);
void cm_azure_parts_free(struct cm_azure_parts *parts);

#endif
