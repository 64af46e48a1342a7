/*
 * Getting a key across: RSA-OAEP, ECDH on the NIST curves, AES key wrap; over OpenSSL 3. The same
 * code in host and enclave. Callers must not let a peer learn WHY opening a key failed (RFC 7516
 * section 11.5); see jwe.h for how.
 */
#ifndef CM_CRYPTO_KEYENC_H
#define CM_CRYPTO_KEYENC_H

#include "crypto/pubkey.h"

#define CM_KEYENC_MAX_RSA    1024u /* RSA-8192 */
#define CM_KEYENC_MAX_SHARED 66u   /* a coordinate on P-521 */
#define CM_KEYENC_KEK_SIZE   32u
#define CM_KEYENC_WRAP_EXTRA 8u

enum cm_oaep {
    CM_OAEP_SHA1,   /* RFC 8017's default, JOSE's RSA-OAEP */
    CM_OAEP_SHA256, /* digest and MGF1; JOSE's RSA-OAEP-256 */
    CM_OAEP_SHA384, /* the same with SHA-384 */
};

/** Random bytes from OpenSSL's generator. */
CM_MUST_USE enum cm_status cm_random_bytes(void *out, size_t len);

/** @retval CM_ERR_MISMATCH not an RSA key   @retval CM_ERR_SPACE   @retval CM_ERR_LIMIT too long */
CM_MUST_USE enum cm_status cm_oaep_encrypt(const struct cm_pubkey *key, enum cm_oaep oaep,
                                           struct cm_span plain, uint8_t *out, size_t cap,
                                           size_t *len);

/**
 * @param out  holds CM_KEYENC_MAX_RSA bytes; zeroed on failure.
 * @retval CM_ERR_MISMATCH not an RSA key   @retval CM_ERR_SIGNATURE it does not decrypt
 */
CM_MUST_USE enum cm_status cm_oaep_decrypt(const struct cm_privkey *key, enum cm_oaep oaep,
                                           struct cm_span cipher, uint8_t *out, size_t *len);

/**
 * RSAES-PKCS1-v1_5 (RFC 8017 section 7.2), for peers that take nothing else. There is no way back here: who
 * decrypts it tells its padding apart only where nobody can measure.
 * @retval CM_ERR_MISMATCH not an RSA key   @retval CM_ERR_SPACE   @retval CM_ERR_LIMIT too long
 */
CM_MUST_USE enum cm_status cm_rsaes_encrypt(const struct cm_pubkey *key, struct cm_span plain,
                                            uint8_t *out, size_t cap, size_t *len);

/**
 * The shared secret: the x coordinate, of the curve's full size.
 * @param out  wiped by the caller.
 * @retval CM_ERR_MISMATCH the keys are not on one curve
 */
CM_MUST_USE enum cm_status cm_ecdh(const struct cm_privkey *own, const struct cm_pubkey *peer,
                                   uint8_t out[CM_KEYENC_MAX_SHARED], size_t *len);

/** RFC 3394 with AES-256. out: CM_KEYENC_WRAP_EXTRA longer. @retval CM_ERR_PARAM not 16n, n > 0 */
CM_MUST_USE enum cm_status cm_aes_wrap(const uint8_t kek[CM_KEYENC_KEK_SIZE], struct cm_span key,
                                       uint8_t *out);

/** out: CM_KEYENC_WRAP_EXTRA shorter; zeroed on failure. @retval CM_ERR_SIGNATURE */
CM_MUST_USE enum cm_status cm_aes_unwrap(const uint8_t kek[CM_KEYENC_KEK_SIZE],
                                         struct cm_span wrapped, uint8_t *out);

#define CM_KEYENC_WRAP_PAD_MAX 65536u
/** Bytes that wrapping with padding makes of so many. */
#define CM_KEYENC_WRAP_PAD_SIZE(len) (((size_t)(len) + 7) / 8 * 8 + 8)

/**
 * RFC 5649 (wrap with padding) with AES-256: keys of any length.
 * @param out  CM_KEYENC_WRAP_PAD_SIZE(key.len) bytes.
 * @retval CM_ERR_PARAM  empty, or above CM_KEYENC_WRAP_PAD_MAX
 */
CM_MUST_USE enum cm_status cm_aes_wrap_pad(const uint8_t kek[CM_KEYENC_KEK_SIZE],
                                           struct cm_span key, uint8_t *out);

#endif
