/* Google Compute Engine's vTPM attestation for the table of src/verify; see evidence/material.h. */
#ifndef CM_CVM_GCE_H
#define CM_CVM_GCE_H

#include "evidence/material.h"

/** A message whose first field is a TPMT_PUBLIC and whose second holds a TPMS_ATTEST. */
bool cm_gce_recognise(struct cm_span bytes);

/**
 * Key (certificate to a root of family "gce", intermediates in the evidence or CM_MATERIAL_CERTS; or
 * enrolled, CM_MATERIAL_KEY, and then only that), instance, every quote, values, event log.
 */
CM_MUST_USE enum cm_status cm_gce_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                         size_t submod);

#endif
