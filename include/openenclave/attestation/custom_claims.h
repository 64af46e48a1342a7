/*
 * Claims of the application's own in one buffer, for oe_get_evidence(), and back from the claim
 * custom_claims_buffer. Same functions in host and enclave; thread-safe; no state.
 *
 * Layout, little endian: u64 version 1, u64 count, then for each claim u64 size of the name with its
 * terminator, u64 size of the value, name, value.
 */
#ifndef _OE_CUSTOM_CLAIMS
#define _OE_CUSTOM_CLAIMS

#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>

OE_EXTERNC_BEGIN

#define OE_CUSTOM_CLAIMS_VERSION 1

/**
 * @param custom_claims  may be NULL when the length is 0. Names are not NULL; values may be NULL
 *                       when their size is 0.
 * @param claims_out     set only on OE_OK; to be freed with oe_free_serialized_custom_claims().
 * @retval OE_INVALID_PARAMETER, OE_INTEGER_OVERFLOW, OE_OUT_OF_MEMORY
 */
oe_result_t oe_serialize_custom_claims(const oe_claim_t *custom_claims, size_t custom_claims_length,
                                       uint8_t **claims_out, size_t *claims_size_out);

/**
 * @param claims_buffer  UNTRUSTED unless it comes from a verification; must be exactly one list.
 * @param claims_out     set only on OE_OK; to be freed with oe_free_custom_claims(). An empty list is
 *                       a pointer that is not NULL.
 * @retval OE_INVALID_PARAMETER  NULL, truncated, bytes left over, a name without terminator or with
 *                               one inside, another version
 * @retval OE_OUT_OF_MEMORY
 */
oe_result_t oe_deserialize_custom_claims(const uint8_t *claims_buffer, size_t claims_buffer_size,
                                         oe_claim_t **claims_out, size_t *claims_length_out);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_free_serialized_custom_claims(uint8_t *custom_claims_buffer);

/** Accepts NULL. Always OE_OK. */
oe_result_t oe_free_custom_claims(oe_claim_t *custom_claims, size_t custom_claims_length);

OE_EXTERNC_END

#endif
