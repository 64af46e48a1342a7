/*
 * Policies as tokens: how Azure Attestation is sent them and gives them out, as a JWS whose payload is
 * {"AttestationPolicy": base64url(text)}. That says nothing of the type of evidence that the policy is for; ours
 * may, by a member "PolicyType" beside it, which whoever sets policies by type must look at. Unsecured ({"alg":"none"}) or signed.
 *
 * Opening verifies nothing: whoever acts on a signed policy verifies its signature with a key that he
 * trusts (cm_policy_token_verify) and refuses an unsecured one where signatures are demanded.
 */
#ifndef CM_POLICY_TOKEN_H
#define CM_POLICY_TOKEN_H

#include <casemate/policy.h>

#include "crypto/pubkey.h"

#define CM_POLICY_TOKEN_MAX (256u << 10) /* bytes of a token */

struct cm_policy_token {
    struct cm_span text; /* the policy; empty when the payload is (a reset) */
    struct cm_span type; /* "PolicyType": the type that it was signed for; {NULL, 0}: any */
    bool is_signed;      /* there is a signature; it is NOT verified */
    uint8_t *memory;     /* owned */
};

/** Whether bytes look like a compact token rather than like a policy's text. */
bool cm_policy_token_recognise(struct cm_span bytes);

/**
 * Take a token apart.
 *
 * @param token  UNTRUSTED; white space around it is passed over.
 * @param out    set only on CM_OK; free it with cm_policy_token_free().
 * @retval CM_ERR_FORMAT no token, or an unsecured one with a signature, or the other way round
 * @retval CM_ERR_SYNTAX its payload holds no policy   @retval CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_policy_token_open(struct cm_span token, struct cm_policy_token *out,
                                                struct cm_why *why);

/** Accepts one that was never opened. */
void cm_policy_token_free(struct cm_policy_token *t);

/**
 * Verify a signed token with a key that the caller trusts; what its header says about keys is not looked
 * at.
 * @retval CM_ERR_MISMATCH it is not signed, or with another algorithm
 * @retval CM_ERR_SIGNATURE it does not verify   @retval CM_ERR_UNSUPPORTED an algorithm that is unknown
 */
CM_MUST_USE enum cm_status cm_policy_token_verify(struct cm_span token, const struct cm_pubkey *key,
                                                  enum cm_sig_alg alg, struct cm_why *why);

#endif
