/*
 * Making evidence; enclaves only. An enclave that wants evidence for verifiers elsewhere imports
 * openenclave/edl/sgx/attestation.edl: the quote and the endorsements come from the host. The host is
 * not believed: a quote that does not hold this enclave's own measurement, attributes and report
 * data is refused.
 *
 * All functions are thread-safe.
 */
#ifndef _OE_ATTESTATION_ATTESTER_H
#define _OE_ATTESTATION_ATTESTER_H

#ifdef _OE_HOST_H
#error "attestation/attester.h is for enclaves; hosts verify: attestation/verifier.h"
#endif

#include <openenclave/bits/attls.h>
#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

OE_EXTERNC_BEGIN

/** For oe_get_evidence(): put the format's name before evidence and endorsements. */
#define OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID 0x00000001

/** Makes formats available to the functions below. May be called again. @retval OE_OK */
oe_result_t oe_attester_initialize(void);

/** After it the functions below answer OE_NOT_FOUND. May be called again. @retval OE_OK */
oe_result_t oe_attester_shutdown(void);

/**
 * The first format of a list that this attester can make.
 *
 * @param format_ids          format_ids_length of them, the most wanted first.
 * @param selected_format_id  set only on OE_OK.
 * @retval OE_INVALID_PARAMETER  NULL, or an empty list
 * @retval OE_NOT_FOUND          none of them
 */
oe_result_t oe_attester_select_format(const oe_uuid_t *format_ids, size_t format_ids_length,
                                      oe_uuid_t *selected_format_id);

/**
 * Evidence of what this enclave is, with the caller's data bound to it.
 *
 * @param format_id   OE_FORMAT_UUID_SGX_ECDSA or OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION.
 * @param flags       0 or OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID.
 * @param custom_claims_buffer  any bytes, in clear in the evidence; NULL when the size is 0.
 * @param optional_parameters   for local attestation: the settings of the verifying enclave, from its
 *                              oe_verifier_get_format_settings(). UNTRUSTED; a wrong one makes
 *                              evidence that nobody can verify. NULL for other formats.
 * @param evidence_buffer       set only on OE_OK; to be freed with oe_free_evidence().
 * @param endorsements_buffer   NULL, or gets what a verifier needs beside the evidence; to be freed
 *                              with oe_free_endorsements(). NULL and 0 for local attestation.
 *
 * @retval OE_INVALID_PARAMETER  NULL arguments, unknown flags, settings that are no TARGETINFO
 * @retval OE_NOT_FOUND          not initialised, or a format that this attester cannot make
 * @retval OE_UNSUPPORTED        the enclave does not import openenclave/edl/sgx/attestation.edl
 * @retval OE_QUOTE_LIBRARY_LOAD_ERROR, OE_SGX_QUOTE_LIBRARY_ERROR  the host has no quote; see its log
 * @retval OE_VERIFY_FAILED      the host gave a quote that is not about this enclave and this call
 * @retval OE_QUOTE_PROVIDER_CALL_ERROR, OE_INVALID_ENDORSEMENT  the host has no endorsements, or
 *                               none that are well formed
 * @retval OE_OUT_OF_MEMORY
 */
oe_result_t oe_get_evidence(const oe_uuid_t *format_id, uint32_t flags,
                            const void *custom_claims_buffer, size_t custom_claims_buffer_size,
                            const void *optional_parameters, size_t optional_parameters_size,
                            uint8_t **evidence_buffer, size_t *evidence_buffer_size,
                            uint8_t **endorsements_buffer, size_t *endorsements_buffer_size);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_free_evidence(uint8_t *evidence_buffer);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_free_endorsements(uint8_t *endorsements_buffer);

OE_EXTERNC_END

#endif
