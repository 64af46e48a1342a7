/* Private to src/maa: what the dialogue with a TPM consists of, beside its messages (maa_tpm.c). */
#ifndef CM_MAA_MAA_TPM_H
#define CM_MAA_MAA_TPM_H

#include "maa/maa_private.h"

/**
 * The service's part of a credential activation: verify whose the TPM is, and make a secret for it. On a worker.
 * @param payload     UNTRUSTED: {"aik_pub", "ek_pub", "ek_cert"?, "ek_chain"?}
 * @param out         as of cm_maa_nonce_make()
 * @param credential  what the TPM is to activate, base64url; the caller's
 */
CM_MUST_USE enum cm_status cm_maa_activate_begin(struct cm_call *call, const json_t *payload,
                                                 struct cm_maa_nonce *out, json_t **credential,
                                                 struct cm_why *why);

/**
 * The TPM's answer: the attestation key that the context is of, and the secret. Sets activated and endorsement of r.
 * @param tpm_data  UNTRUSTED: {"aik_pub", "credential"}
 * @param context   the claims of a context of this service, for activations
 * @retval CM_ERR_MISMATCH  another key, another secret   @retval CM_ERR_FORMAT, CM_ERR_POLICY, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_maa_activate_end(const json_t *tpm_data, const json_t *context,
                                               struct cm_maa_request *r, struct cm_why *why);

/**
 * That a challenge counts no more. On a worker; waits for the disk. What is spent is the jti that was signed, never the
 * text of the token: ECDSA takes (r, n - s) for (r, s), so anybody can make another text, and challenge, of one context.
 * @param context  the claims of a context of this service
 * @retval CM_ERR_EXISTS  it did not any more   @retval CM_ERR_BUSY  this is no worker: nothing was written
 */
CM_MUST_USE enum cm_status cm_maa_challenge_spend(struct cm_call *call, const json_t *context,
                                                  struct cm_why *why);

#endif
