/*
 * Attestation of a TLS 1.3 connection, after its handshake: fresh evidence that the enclave at the other
 * end of THIS connection is the expected one. Host and enclave, client and server, over OpenSSL.
 *
 * One side sends a challenge through the connection, the other answers with evidence whose custom
 * claims are
 *   SHA-256("casemate attested tls 1" NUL, role of the attester 'C' or 'S', SHA-256 of its certificate's
 *           SubjectPublicKeyInfo (zeros if it sent none), nonce, exporter, SHA-256 of the service's name)
 * where exporter is 32 bytes of "EXPORTER-Channel-Binding" (RFC 9266). So it cannot have been made for
 * another connection (a relay, even one that has the TLS private key), for the other role (a
 * reflection), for an earlier question (a replay) or for another service. The certificates need not be
 * attested themselves; those of openenclave/bits/attls.h work as well.
 *
 * The messages carry no secret. The caller moves them as it likes, inside the connection or not.
 *
 *   verifier                                    attester (an enclave)
 *   cm_attls_open                               cm_attls_open
 *   cm_attls_challenge  ---- challenge ---->    cm_attls_answer
 *   cm_attls_check      <---- answer -------
 *
 * Both sides may be both. Send nothing that needs an attested peer before cm_attls_check said CM_OK.
 * What is NOT promised: that the enclave still runs later, that its program is good, or anything about
 * a connection that was resumed (refused) or is older than TLS 1.3 (refused).
 *
 * A host program also links libssl. One object belongs to one thread at a time.
 */
#ifndef CASEMATE_ATTLS_H
#define CASEMATE_ATTLS_H

#include <casemate/span.h>
#include <casemate/status.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/bits/attls.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CM_ATTLS_CHALLENGE_SIZE 72U
/** No answer is longer. */
#define CM_ATTLS_MAX_ANSWER 524288U

struct ssl_st; /* SSL of OpenSSL */
struct cm_attls;

/**
 * @param ssl      A connection whose handshake is finished. Borrowed for the call only.
 * @param service  Both sides' name for what they do, such as "ledger.example/transfer"; not empty.
 * @param out      Set on CM_OK only. Holds a secret of the connection; cm_attls_close() wipes it.
 * @retval CM_ERR_PARAM        NULL, or an empty name
 * @retval CM_ERR_STATE        the handshake is not finished
 * @retval CM_ERR_UNSUPPORTED  not TLS 1.3, a resumed session, or the server has no certificate
 */
CM_MUST_USE enum cm_status cm_attls_open(struct ssl_st *ssl, const char *service,
                                         struct cm_attls **out, struct cm_why *why);

/** Accepts NULL. */
void cm_attls_close(struct cm_attls *a);

/** A fresh question for the peer. It replaces one that was not answered. @retval CM_ERR_CRYPTO */
CM_MUST_USE enum cm_status cm_attls_challenge(struct cm_attls *a,
                                              uint8_t out[CM_ATTLS_CHALLENGE_SIZE]);

/** Which enclaves are accepted. Everything that is given must hold; an empty policy accepts none. */
struct cm_attls_policy {
    const uint8_t *unique_id;  /**< 32 bytes: this measurement; or NULL */
    const uint8_t *signer_id;  /**< 32 bytes: this signer, with product_id; or NULL */
    const uint8_t *product_id; /**< 16 bytes */
    uint32_t min_security_version;
    oe_verify_claims_callback_t accept; /**< asked last; alone it decides alone. Or NULL */
    void *accept_arg;
    const oe_policy_t *policies; /**< for oe_verify_evidence() */
    size_t policy_count;
};

/**
 * Check the answer to the last challenge. Whatever comes of it, the challenge is used up.
 *
 * @param answer  UNTRUSTED.
 * @param claims  Set on CM_OK only, to be freed with oe_free_claims(); may be NULL with claims_length.
 * @retval CM_ERR_PARAM      NULL
 * @retval CM_ERR_STATE      there is no open challenge; or oe_verifier_initialize() was not called
 * @retval CM_ERR_POLICY     an empty policy; another enclave than it names; a platform out of date
 * @retval CM_ERR_FORMAT     no answer of this protocol
 * @retval CM_ERR_MISMATCH   made for another connection, role, key, question or service
 * @retval CM_ERR_SIGNATURE, CM_ERR_EXPIRED, CM_ERR_REVOKED  the evidence is not genuine, or not now
 * @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_attls_check(struct cm_attls *a, struct cm_span answer,
                                          const struct cm_attls_policy *policy, oe_claim_t **claims,
                                          size_t *claims_length, struct cm_why *why);

#ifndef _OE_HOST_H

/**
 * Answer the peer's challenge with evidence of this enclave; enclaves only. The EDL file imports
 * openenclave/edl/sgx/attestation.edl, and oe_attester_initialize() was called.
 *
 * @param challenge  UNTRUSTED.
 * @param answer     Set on CM_OK only; to be freed with cm_attls_free_answer().
 * @retval CM_ERR_FORMAT    no challenge
 * @retval CM_ERR_MISMATCH  one's own challenge; or the peer sees another key than this side's:
 *                          somebody stands in between
 * @retval CM_ERR_PLATFORM  no evidence can be made; why says which result oe_get_evidence() had
 */
CM_MUST_USE enum cm_status cm_attls_answer(struct cm_attls *a, struct cm_span challenge,
                                           uint8_t **answer, size_t *answer_len,
                                           struct cm_why *why);

/** Accepts NULL. */
void cm_attls_free_answer(uint8_t *answer);

#endif

#ifdef __cplusplus
}
#endif
#endif
