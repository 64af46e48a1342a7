/*
 * Key pairs derived from seal keys. They need OpenSSL, which an enclave links only if it wants to. So
 * the ecalls of keys.edl, which core.edl brings into every enclave, reach them through this pointer:
 * it is weak there, and the link option -u cm_public_key that comes with openssl_3 makes it real.
 */
#ifndef CM_SEAL_SEAL_ASYM_H
#define CM_SEAL_SEAL_ASYM_H

#include <openenclave/bits/keys.h>

/** The public key for a key info, or if it is NULL, by policy with the info as a second result. */
oe_result_t cm_public_key(uint32_t policy, const oe_asymmetric_key_params_t *params,
                          const uint8_t *info, size_t info_size, uint8_t **key, size_t *key_size,
                          uint8_t **info_out, size_t *info_out_size);

#endif
