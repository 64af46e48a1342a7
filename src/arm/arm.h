/*
 * Evidence of Arm's architectures: Confidential Compute Architecture tokens (CCA), Platform Security
 * Architecture tokens (PSA), and what OP-TEE's attestation service says. The interface of
 * evidence/material.h; docs/evidence-cca.md, docs/evidence-psa.md and docs/evidence-optee.md say what
 * is checked and what is not.
 *
 * No maker publishes a root: the key that signs (CPAK, IAK, OP-TEE's own) is enrolled
 * (CM_MATERIAL_KEY) or stands in a CoRIM file (CM_MATERIAL_REFERENCE).
 */
#ifndef CM_ARM_ARM_H
#define CM_ARM_ARM_H

#include "evidence/material.h"

bool cm_cca_recognise(struct cm_span bytes);
bool cm_psa_recognise(struct cm_span bytes);
bool cm_optee_recognise(struct cm_span bytes);

/**
 * A CCA token (draft-ffm-rats-cca-token; RMM specification A.7): the submodule is the platform, and
 * one called "realm" is added behind it. Profiles: "http://arm.com/CCA-SSD/1.0.0" with a realm token
 * without profile (its key a raw P-384 point), and "tag:arm.com,2023:..." and "tag:arm.com,2024:..."
 * (COSE_Key). Checks: cca.format, cca.signature, cca.lifecycle; realm: cca.realm_key, cca.binding,
 * cca.realm_signature, nonce.
 */
CM_MUST_USE enum cm_status cm_cca_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                         size_t submod);

/**
 * A PSA token (RFC 9783; profiles PSA_IOT_PROFILE_1 and http://arm.com/psa/2.0.0 before it), signed
 * (COSE_Sign1). One with a symmetric key (COSE_Mac0) is taken apart and refused: a verifier that
 * holds the key could have made the token. Checks: psa.format, psa.signature, psa.lifecycle, nonce.
 */
CM_MUST_USE enum cm_status cm_psa_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                         size_t submod);

/**
 * What OP-TEE's attestation service (pta_attestation.h) returned, in the JSON of
 * docs/evidence-optee.md. Checks: optee.format, optee.signature, nonce. Signed are the digest and the
 * nonce only: which command was asked and about which TA stays a self-asserted claim.
 */
CM_MUST_USE enum cm_status cm_optee_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                           size_t submod);

#endif
