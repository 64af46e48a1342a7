/*
 * Verifying evidence; the same functions and the same answers in host and enclave. Nothing of the
 * verification is left to the host of an enclave: it only carries collateral, which the platform's
 * maker has signed.
 *
 * Refused by default, and accepted by name only: evidence of emulated platforms and of debug enclaves
 * (casemate/attest.h).
 *
 * All functions are thread-safe.
 */
#ifndef _OE_ATTESTATION_VERIFIER_H
#define _OE_ATTESTATION_VERIFIER_H

#include <openenclave/bits/attls.h>
#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

OE_EXTERNC_BEGIN

/** Makes formats available to the functions below. May be called again. @retval OE_OK */
oe_result_t oe_verifier_initialize(void);

/** After it the functions below answer OE_NOT_FOUND. May be called again. @retval OE_OK */
oe_result_t oe_verifier_shutdown(void);

/**
 * The formats that this verifier knows.
 *
 * @param format_ids  set only on OE_OK; to be freed with oe_verifier_free_formats().
 * @retval OE_INVALID_PARAMETER, OE_OUT_OF_MEMORY
 * @retval OE_NOT_FOUND  not initialised
 */
oe_result_t oe_verifier_get_formats(oe_uuid_t **format_ids, size_t *format_ids_length);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_verifier_free_formats(oe_uuid_t *format_ids);

/**
 * What an attester needs to make evidence for this verifier: for local attestation this enclave's
 * TARGETINFO (512 bytes); NULL and 0 for other formats.
 *
 * @param settings  set only on OE_OK; to be freed with oe_verifier_free_format_settings().
 * @retval OE_INVALID_PARAMETER, OE_OUT_OF_MEMORY
 * @retval OE_NOT_FOUND  not initialised, or not a format of this verifier
 */
oe_result_t oe_verifier_get_format_settings(const oe_uuid_t *format_id, uint8_t **settings,
                                            size_t *settings_size);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_verifier_free_format_settings(uint8_t *settings);

/**
 * Verify evidence and say what it claims.
 *
 * OE_OK means: genuine, of a platform that its maker calls up to date (or in need of hardening by
 * software: see the claim tcb_status), valid now, not debuggable, not emulated. It does NOT mean
 * that the evidence is of the code that the caller expects: compare unique_id, or signer_id,
 * product_id and security_version.
 *
 * "Now" is the system's clock; in an enclave that is the host's, which can lie. Give the time as a
 * policy (OE_POLICY_ENDORSEMENTS_TIME) where a better one is known.
 *
 * @param format_id        NULL: evidence and endorsements begin with headers that name the format.
 * @param evidence_buffer  UNTRUSTED.
 * @param endorsements_buffer  UNTRUSTED. NULL: they are fetched (in an enclave: by the host).
 * @param policies         policies_size of them, or NULL.
 * @param claims           set on OE_OK, and on OE_TCB_LEVEL_INVALID, else NULL; to be freed with
 *                         oe_free_claims(). May be NULL together with claims_length.
 *
 * @retval OE_INVALID_PARAMETER  NULL, malformed evidence or header, malformed or unknown policy
 * @retval OE_NOT_FOUND          not initialised, or not a format of this verifier
 * @retval OE_CONSTRAINT_FAILED  the headers name different formats
 * @retval OE_TCB_LEVEL_INVALID  all is genuine, but the platform is out of date, needs configuration
 *                               or is revoked; the claims say which
 * @retval OE_VERIFY_FAILED      a signature, a chain, an untrusted root, debug, emulated; see the log
 * @retval OE_QUOTE_HASH_MISMATCH  the custom claims are not those that were bound
 * @retval OE_VERIFY_FAILED_AES_CMAC_MISMATCH  local: not made on this processor for this enclave
 * @retval OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD  something is expired or not valid yet
 * @retval OE_VERIFY_REVOKED     a certificate is revoked
 * @retval OE_INVALID_REVOCATION_INFO, OE_INVALID_QE_IDENTITY_INFO, OE_INVALID_ENDORSEMENT,
 *         OE_JSON_INFO_PARSE_ERROR  endorsements that are malformed or badly signed
 * @retval OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED  not the quoting enclave that is described
 * @retval OE_UNSUPPORTED        well formed, but of a version that is not handled; in an enclave also:
 *                               openenclave/edl/sgx/attestation.edl is not imported
 * @retval OE_QUOTE_PROVIDER_CALL_ERROR  no endorsements were given and none can be fetched
 * @retval OE_OUT_OF_MEMORY, OE_CRYPTO_ERROR  nothing is known
 */
oe_result_t oe_verify_evidence(const oe_uuid_t *format_id, const uint8_t *evidence_buffer,
                               size_t evidence_buffer_size, const uint8_t *endorsements_buffer,
                               size_t endorsements_buffer_size, const oe_policy_t *policies,
                               size_t policies_size, oe_claim_t **claims, size_t *claims_length);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_free_claims(oe_claim_t *claims, size_t claims_length);

OE_EXTERNC_END

#endif
