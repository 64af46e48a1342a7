/*
 * Verifying a signature over a digest that was made before, for formats that choose scheme, hash and key
 * independently of each other (TPM 2.0) or that hash in a way of their own (OP-TEE).
 */
#ifndef CM_CRYPTO_SIG_DIGEST_H
#define CM_CRYPTO_SIG_DIGEST_H

#include "crypto/pubkey.h"

enum cm_sig_scheme {
    CM_SCHEME_PKCS1, /* RSASSA-PKCS1-v1_5 */
    CM_SCHEME_PSS, /* RSASSA-PSS, MGF1 of the same hash; salt as long as the hash, or the longest that fits */
    CM_SCHEME_ECDSA, /* r || s of the curve's size */
};

/**
 * Verify a signature over a digest whose length says its hash: 32, 48 or 64 bytes of SHA-2.
 *
 * @retval CM_ERR_MISMATCH the key is of another kind than the scheme
 * @retval CM_ERR_UNSUPPORTED no such length of digest
 * @retval CM_ERR_SIGNATURE it does not verify
 */
CM_MUST_USE enum cm_status cm_pubkey_verify_digest(const struct cm_pubkey *key,
                                                   enum cm_sig_scheme scheme, struct cm_span digest,
                                                   struct cm_span signature);

/** Whether a key is an EC key; *size is its curve's size, or an RSA modulus's, in bytes. */
bool cm_pubkey_is_ec(const struct cm_pubkey *key, size_t *size);

/** ECDSA-Sig-Value in DER as r || s, each half out_len bytes in all. @retval CM_ERR_FORMAT */
CM_MUST_USE enum cm_status cm_ecdsa_raw(struct cm_span der, uint8_t *out, size_t out_len);

/** Whether both are the same public key. */
bool cm_pubkey_equal(const struct cm_pubkey *a, const struct cm_pubkey *b);

#endif
