/*
 * Key pairs derived from seal keys. They need OpenSSL, which an enclave links only if it wants to. So
 * the ecalls of keys.edl, which core.edl brings into every enclave, reach them through this pointer:
 * it is weak there, and the link option -u cm_public_key that comes with openssl_3 makes it real.
 */
#ifndef CM_SEAL_SEAL_ASYM_H
#define CM_SEAL_SEAL_ASYM_H

#include <openenclave/bits/keys.h>

struct cm_public_key {
    const oe_asymmetric_key_params_t *params;
    uint32_t policy;
    const uint8_t *info; /* NULL: by policy */
    size_t info_size;
    /* results, to be given to oe_free_key */
    uint8_t *key;
    size_t key_size;
    uint8_t *new_info; /* by policy only */
    size_t new_info_size;
};

oe_result_t cm_public_key(struct cm_public_key *k);

#endif
