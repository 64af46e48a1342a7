/*
 * Google Confidential Space attestation tokens (JWT) for the table of src/verify; see evidence/material.h.
 *
 * Two ways to their key, chosen by the caller's inputs and never mixed: a JWK set that the caller trusts
 * (CM_MATERIAL_KEY: what the issuer publishes), or the certificates in the token's x5c, which must lead to
 * a root of family "gcp-token".
 */
#ifndef CM_CVM_GCP_TOKEN_H
#define CM_CVM_GCP_TOKEN_H

#include "evidence/material.h"
#include "token/json.h"

#define CM_GCP_ISSUER "https://confidentialcomputing.googleapis.com"

/** A compact JWS whose payload names Google's issuer. */
bool cm_gcp_token_recognise(struct cm_span bytes);

CM_MUST_USE enum cm_status cm_gcp_token_verify(const struct cm_verify_job *job,
                                               struct cm_evidence *ev, size_t submod);

/* private to gcp_token*.c */

/** All claims of a payload; self-asserted until the caller raises them. */
void cm_gcp_token_claims(struct cm_evidence *ev, size_t submod, struct cm_json_value payload);

/**
 * The checks of a payload: gcp.iss, gcp.period, gcp.hwmodel, gcp.secboot, gcp.debug, gcp.oemid, nonce.
 * @return CM_OK or the status of the first required one that failed
 */
CM_MUST_USE enum cm_status cm_gcp_token_check(const struct cm_verify_input *in,
                                              struct cm_evidence *ev, size_t submod,
                                              struct cm_json_value payload);

#endif
