/*
 * A quote as one submodule among others, for verifiers of composite evidence and the table of src/verify;
 * the interface of material.h.
 */
#ifndef CM_EVIDENCE_DCAP_PART_H
#define CM_EVIDENCE_DCAP_PART_H

#include "evidence/material.h"

/** A quote by its header: version, key type, TEE and Intel's vendor id. */
bool cm_dcap_recognise(struct cm_span bytes);

/**
 * cm_dcap_verify() of job->evidence into a submodule. Without collateral (job->dcap NULL) every check
 * that needs it fails; claims stay self-asserted.
 */
CM_MUST_USE enum cm_status cm_dcap_verify_part(const struct cm_verify_job *job,
                                               struct cm_evidence *ev, size_t submod);

#endif
