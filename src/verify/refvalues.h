/* Reference values in JSON (docs/evidence.md) against the measurements of evidence of any format. */
#ifndef CM_VERIFY_REFVALUES_H
#define CM_VERIFY_REFVALUES_H

#include "evidence/claims.h"
#include "evidence/material.h"

/** Whether a file looks like reference values in JSON: only looks. */
bool cm_refvalues_recognise(struct cm_span bytes);

/**
 * Compare measurements with every CM_MATERIAL_REFERENCE that is JSON; others are left alone. To be called
 * after a format's verifier. The file is the caller's and TRUSTED, and yet read strictly: a member that
 * nobody knows is refused, since its author thinks that something is checked by it.
 *
 * Adds required checks: "reference.file" when a file is malformed, and on each submodule that a file speaks of
 * "reference.values". A measurement that the verifier said means nothing (CM_CLAIM_EXEMPT with its label,
 * known by more than its own word) is not compared.
 *
 * @return CM_OK or the status of the first check that failed: CM_ERR_MISMATCH another value, or a
 *         measurement that is missing; CM_ERR_FORMAT, CM_ERR_SYNTAX, CM_ERR_LIMIT the file
 */
CM_MUST_USE enum cm_status cm_refvalues_check(const struct cm_verify_job *job,
                                              struct cm_evidence *ev);

#endif
