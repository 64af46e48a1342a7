/*
 * Attested TLS: a self-signed certificate whose extension holds the evidence of the enclave that has
 * the private key. Included by enclave.h, host.h, attester.h and verifier.h.
 *
 * The evidence binds the public key, so who verifies the certificate in a TLS handshake talks to an
 * enclave that HAD the key when the evidence was made. It does not say that the connection ends in
 * that enclave now, nor when the evidence was made: a leaked key and an old certificate verify too.
 * casemate/attls.h binds fresh evidence to the connection itself; use it where that matters.
 *
 * Certificates carry 1.3.6.1.4.1.311.105.2 with evidence (or ...105.1 with a report); the older
 * numbers 1.2.840.113556.10.1.{2,1} are read too. All functions are thread-safe.
 */
#ifndef _OE_BITS_ATTLS_H
#define _OE_BITS_ATTLS_H

#include "defs.h"
#include "evidence.h"
#include "report.h"
#include "result.h"
#include "types.h"

OE_EXTERNC_BEGIN

/** Decides whether an enclave is the right one. Anything but OE_OK refuses it. */
typedef oe_result_t (*oe_identity_verify_callback_t)(oe_identity_t *identity, void *arg);
typedef oe_result_t (*oe_verify_claims_callback_t)(oe_claim_t *claims, size_t claims_length,
                                                   void *arg);

/**
 * Verify a certificate in DER: strict form, valid now, signed by its own key, with genuine evidence
 * (oe_verify_evidence()) that binds this key.
 *
 * OE_OK does NOT mean that it is the expected enclave: look at the claims. The claim
 * custom_claims_buffer is the public key.
 *
 * @param cert_in_der  UNTRUSTED; at most 64 KiB.
 * @param endorsements_buffer, policies  as for oe_verify_evidence(). The time policy also judges the
 *                     certificate's period.
 * @param claims       Set on OE_OK and OE_TCB_LEVEL_INVALID only, to be freed with oe_free_claims();
 *                     may be NULL together with claims_length.
 *
 * @retval OE_INVALID_PARAMETER   NULL, or no certificate of the described form
 * @retval OE_NOT_FOUND           it carries no evidence; or the verifier is not initialised
 * @retval OE_VERIFY_FAILED       not its own signature, outside its period; or of the evidence
 * @retval OE_QUOTE_HASH_MISMATCH the evidence is of another key
 * @retval OE_TCB_LEVEL_INVALID   all is genuine, but the platform is not up to date: see the claims
 * and all others of oe_verify_evidence(). The log says what was wrong.
 */
oe_result_t oe_verify_attestation_certificate_with_evidence_v2(
    const uint8_t *cert_in_der, size_t cert_in_der_len, const uint8_t *endorsements_buffer,
    size_t endorsements_buffer_size, const oe_policy_t *policies, size_t policies_size,
    oe_claim_t **claims, size_t *claims_length);

/**
 * The same, and asks a callback about the claims.
 *
 * @param claim_verify_callback  NULL accepts every genuine enclave, which is hardly what you want; the
 *                               log says so.
 * @return what the callback returned, or the error before it
 */
oe_result_t
oe_verify_attestation_certificate_with_evidence(const uint8_t *cert_in_der, size_t cert_in_der_len,
                                                oe_verify_claims_callback_t claim_verify_callback,
                                                void *arg);

/** The same for a certificate with a report of the older API, and its identity. */
oe_result_t
oe_verify_attestation_certificate(const uint8_t *cert_in_der, size_t cert_in_der_len,
                                  oe_identity_verify_callback_t enclave_identity_callback,
                                  void *arg);

#ifndef _OE_HOST_H

/**
 * Make a certificate with evidence; enclaves only.
 *
 * @param format_id     OE_FORMAT_UUID_SGX_ECDSA, or local attestation with its parameters.
 * @param subject_name  "CN=...,O=...,C=..", printable ASCII, a comma in a value as "\,"; NULL for
 *                      "CN=Open Enclave SDK,O=OESDK TLS,C=US".
 * @param private_key   PEM, EC (P-256, P-384, P-521) or RSA (2048 bits and more).
 * @param public_key    PEM of the same key pair.
 * @param output_certificate  DER, set on OE_OK only; to be freed with
 *                      oe_free_attestation_certificate().
 *
 * The period is 2019-05-01 to 2050-12-31: inside an enclave no clock can be trusted, so it says nothing.
 *
 * @retval OE_INVALID_PARAMETER  NULL, not inside the enclave, no key pair, or no such name
 * @retval OE_OUT_OF_MEMORY, OE_CRYPTO_ERROR, and those of oe_get_evidence()
 */
oe_result_t oe_get_attestation_certificate_with_evidence_v2(
    const oe_uuid_t *format_id, const unsigned char *subject_name, const uint8_t *private_key,
    size_t private_key_size, const uint8_t *public_key, size_t public_key_size,
    const void *optional_parameters, size_t optional_parameters_size, uint8_t **output_certificate,
    size_t *output_certificate_size);

/** The same without parameters. */
oe_result_t oe_get_attestation_certificate_with_evidence(
    const oe_uuid_t *format_id, const unsigned char *subject_name, const uint8_t *private_key,
    size_t private_key_size, const uint8_t *public_key, size_t public_key_size,
    uint8_t **output_certificate, size_t *output_certificate_size);

/** A certificate with a report of the older API. */
oe_result_t oe_generate_attestation_certificate(const unsigned char *subject_name,
                                                const uint8_t *private_key, size_t private_key_size,
                                                const uint8_t *public_key, size_t public_key_size,
                                                uint8_t **output_cert, size_t *output_cert_size);

/** The same with a period: "YYYYMMDDHHMMSS" in UTC. */
oe_result_t oe_generate_attestation_certificate_v2(
    const unsigned char *subject_name, const uint8_t *private_key, size_t private_key_size,
    const uint8_t *public_key, size_t public_key_size, const char *date_not_valid_before,
    const char *date_not_valid_after, uint8_t **output_cert, size_t *output_cert_size);

/** Accepts NULL. */
void oe_free_attestation_certificate(uint8_t *cert);

#endif

OE_EXTERNC_END

#endif
