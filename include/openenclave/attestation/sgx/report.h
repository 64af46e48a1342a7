/* Helpers for verifying SGX reports; host and enclave. */
#ifndef _OE_ATTESTATION_SGX_REPORT_H
#define _OE_ATTESTATION_SGX_REPORT_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

OE_EXTERNC_BEGIN

/**
 * MRSIGNER of enclaves signed with a key: SHA-256 of its modulus in little-endian order.
 *
 * @param pem             the public key (RSA, 3072 bits, exponent 3) in PEM.
 * @param pem_size        with the terminator.
 * @param signer_id       gets OE_SIGNER_ID_SIZE bytes; NULL only to ask for the size.
 * @param signer_id_size  in: bytes at signer_id; out: OE_SIGNER_ID_SIZE.
 * @retval OE_INVALID_PARAMETER   NULL, no terminator, or no such key
 * @retval OE_BUFFER_TOO_SMALL    *signer_id_size was set to what is needed
 *
 * Thread-safe, no state.
 */
oe_result_t oe_sgx_get_signer_id_from_public_key(const char *pem, size_t pem_size,
                                                 uint8_t *signer_id, size_t *signer_id_size);

OE_EXTERNC_END

#endif
