/* Private to src/token: content keys of JWE, and how they travel. */
#ifndef CM_TOKEN_JWE_KEY_H
#define CM_TOKEN_JWE_KEY_H

#include "token/jwe.h"

/** What the Concat KDF of NIST SP 800-56A binds a derived key to (RFC 7518 section 4.6.2). */
struct cm_concat_info {
    const char *algorithm;
    struct cm_span apu; /* of the header, decoded; may be empty */
    struct cm_span apv;
};

/** @param len of the key; at most CM_AEAD_MAX_KEY. */
CM_MUST_USE enum cm_status cm_concat_kdf(struct cm_span shared, const struct cm_concat_info *info,
                                         uint8_t *out, size_t len);

/**
 * The content key of a token. A key that cannot be opened becomes a random one, with CM_OK.
 * @param cek  wiped by the caller.
 * @retval CM_ERR_MISMATCH the key is of another kind   @retval CM_ERR_FORMAT no usable epk
 */
CM_MUST_USE enum cm_status cm_jwe_open_key(const struct cm_jwe *jwe, const struct cm_privkey *key,
                                           uint8_t cek[CM_AEAD_MAX_KEY]);

/* A new content key on its way. */
struct cm_jwe_sealed_key {
    uint8_t cek[CM_AEAD_MAX_KEY];
    uint8_t encrypted[CM_KEYENC_MAX_RSA];
    size_t encrypted_len; /* 0 with ECDH-ES */
    char epk[512];        /* a JWK; "" without key agreement */
};

/** Wiped by the caller. */
CM_MUST_USE enum cm_status cm_jwe_seal_key(const struct cm_pubkey *key, struct cm_jwe_suite suite,
                                           struct cm_jwe_sealed_key *out);

#endif
