/*
 * The cryptography that Casemate uses, over OpenSSL 3. The same source is
 * compiled for the host and for the enclave.
 *
 * No policy here: callers decide which keys and algorithms to accept.
 * Comparing secrets in constant time is in common/, not here.
 */
#ifndef CM_CRYPTO_CRYPTO_H
#define CM_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <casemate/status.h>

#include "common/span.h"

/* ---------------------------------------------------------------- SHA-256 */

#define CM_SHA256_SIZE 32U

/* Opaque, heap allocated, wiped when freed. Not thread-safe per object. */
struct cm_sha256;

CM_MUST_USE enum cm_status cm_sha256_create(struct cm_sha256 **out);
/* A second context in the same state: hash a common prefix once, or look at a running digest. */
CM_MUST_USE enum cm_status cm_sha256_copy(const struct cm_sha256 *from, struct cm_sha256 **out);
CM_MUST_USE enum cm_status cm_sha256_update(struct cm_sha256 *h, const void *data, size_t len);
/* The context can only be freed afterwards. */
CM_MUST_USE enum cm_status cm_sha256_final(struct cm_sha256 *h, uint8_t out[CM_SHA256_SIZE]);
/* Accepts NULL. */
void cm_sha256_free(struct cm_sha256 *h);

/* One shot. `out` is zeroed on failure. */
CM_MUST_USE enum cm_status cm_sha256_of(struct cm_span data, uint8_t out[CM_SHA256_SIZE]);

/* ----------------------------------------------------------- AES-128-CMAC */

#define CM_CMAC_KEY_SIZE 16U
#define CM_CMAC_SIZE     16U

/* NIST SP 800-38B. `out` is zeroed on failure. */
CM_MUST_USE enum cm_status cm_cmac_aes128(const uint8_t key[CM_CMAC_KEY_SIZE], struct cm_span data,
                                          uint8_t out[CM_CMAC_SIZE]);

/* ------------------------------------------------- AES-GCM, key derivation */

#define CM_GCM_KEY_SIZE    16U
#define CM_GCM256_KEY_SIZE 32U
#define CM_GCM_IV_SIZE     12U
#define CM_GCM_TAG_SIZE    16U

/**
 * NIST SP 800-38D with a 96-bit IV, which must never repeat under a key. plain and out may be the
 * same memory; out has plain.len bytes and is zeroed on failure.
 * @retval CM_ERR_LIMIT  more than 2^31-1 bytes of text or additional data
 */
CM_MUST_USE enum cm_status cm_gcm_encrypt(const uint8_t key[CM_GCM_KEY_SIZE],
                                          const uint8_t iv[CM_GCM_IV_SIZE], struct cm_span aad,
                                          struct cm_span plain, uint8_t *out,
                                          uint8_t tag[CM_GCM_TAG_SIZE]);

/** @retval CM_ERR_SIGNATURE  key, IV, additional data, text or tag are not what was encrypted */
CM_MUST_USE enum cm_status cm_gcm_decrypt(const uint8_t key[CM_GCM_KEY_SIZE],
                                          const uint8_t iv[CM_GCM_IV_SIZE], struct cm_span aad,
                                          struct cm_span cipher, const uint8_t tag[CM_GCM_TAG_SIZE],
                                          uint8_t *out);

/** The same with a key of 16 or 32 bytes (AES-256). @retval CM_ERR_PARAM another length */
CM_MUST_USE enum cm_status cm_gcm_seal(struct cm_span key, const uint8_t iv[CM_GCM_IV_SIZE],
                                       struct cm_span aad, struct cm_span plain, uint8_t *out,
                                       uint8_t tag[CM_GCM_TAG_SIZE]);
CM_MUST_USE enum cm_status cm_gcm_open(struct cm_span key, const uint8_t iv[CM_GCM_IV_SIZE],
                                       struct cm_span aad, struct cm_span cipher,
                                       const uint8_t tag[CM_GCM_TAG_SIZE], uint8_t *out);

/*
 * AES-256-GCM under one key for many texts: the key schedule is made once. An object is used by one
 * thread at a time.
 */
struct cm_gcm;

/** @retval CM_ERR_NOMEM  no memory, or OpenSSL failed */
CM_MUST_USE enum cm_status cm_gcm_create(const uint8_t key[CM_GCM256_KEY_SIZE],
                                         struct cm_gcm **out);
/** Accepts NULL; the key is cleared. */
void cm_gcm_free(struct cm_gcm *g);

/** As cm_gcm_seal() and cm_gcm_open(), with their errors. */
CM_MUST_USE enum cm_status cm_gcm_seal_with(struct cm_gcm *g, const uint8_t iv[CM_GCM_IV_SIZE],
                                            struct cm_span aad, struct cm_span plain, uint8_t *out,
                                            uint8_t tag[CM_GCM_TAG_SIZE]);
CM_MUST_USE enum cm_status cm_gcm_open_with(struct cm_gcm *g, const uint8_t iv[CM_GCM_IV_SIZE],
                                            struct cm_span aad, struct cm_span cipher,
                                            const uint8_t tag[CM_GCM_TAG_SIZE], uint8_t *out);

/** NIST SP 800-108 in counter mode: the first block, HMAC-SHA-256(key, be32(1) || fixed). */
CM_MUST_USE enum cm_status cm_kdf_counter(struct cm_span key, struct cm_span fixed,
                                          uint8_t out[CM_SHA256_SIZE]);

/** HKDF (RFC 5869) with SHA-256; out is zeroed on failure. @retval CM_ERR_LIMIT  len above 8160 */
CM_MUST_USE enum cm_status cm_hkdf_sha256(struct cm_span key, struct cm_span salt,
                                          struct cm_span info, uint8_t *out, size_t len);

/* --------------------------------------------------------------- RSA-3072 */

#define CM_RSA3072_SIZE     384U
#define CM_RSA3072_BITS     3072
#define CM_RSA3072_EXPONENT 3U

/* A public key of 3072 bits with exponent 3, the only kind that SGX signs with. */
struct cm_rsa_pub {
    uint8_t modulus[CM_RSA3072_SIZE]; /* most significant byte first */
};

/* A private key, in memory or behind an OpenSSL provider or engine. */
struct cm_rsa_key;

/**
 * Read a private key in PEM: PKCS#1 ("RSA PRIVATE KEY") or PKCS#8 ("PRIVATE KEY"), not encrypted.
 *
 * @param out  Set only on CM_OK, otherwise NULL.
 * @retval CM_ERR_FORMAT  no such key in the text
 * @retval CM_ERR_UNSUPPORTED  not RSA, not 3072 bits, or the exponent is not 3
 */
CM_MUST_USE enum cm_status cm_rsa_key_from_pem(struct cm_span pem, struct cm_rsa_key **out,
                                               struct cm_why *why);

/* Take over an EVP_PKEY (as void *, so that users of this header need no OpenSSL). On failure it
 * stays the caller's. Same checks as above. */
CM_MUST_USE enum cm_status cm_rsa_key_from_evp(void *evp_pkey, struct cm_rsa_key **out,
                                               struct cm_why *why);

/* A new key: slow, for tests and for signing at load time. */
CM_MUST_USE enum cm_status cm_rsa_key_generate(struct cm_rsa_key **out);

/** PKCS#8 PEM of the key, NUL-terminated. The caller wipes it. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_rsa_key_pem(const struct cm_rsa_key *key, char *out, size_t cap);

/* Accepts NULL. */
void cm_rsa_key_free(struct cm_rsa_key *key);

CM_MUST_USE enum cm_status cm_rsa_key_pub(const struct cm_rsa_key *key, struct cm_rsa_pub *out);

/* The subject's key of an X.509 certificate in PEM. The certificate itself is not verified. */
CM_MUST_USE enum cm_status cm_rsa_pub_from_cert_pem(struct cm_span pem, struct cm_rsa_pub *out,
                                                    struct cm_why *why);

/* PKCS#1 v1.5 over a SHA-256 digest; deterministic. Signature most significant byte first. */
CM_MUST_USE enum cm_status cm_rsa_sign(const struct cm_rsa_key *key,
                                       const uint8_t digest[CM_SHA256_SIZE],
                                       uint8_t signature[CM_RSA3072_SIZE]);

/* @retval CM_ERR_SIGNATURE  does not verify, or the modulus is not of 3072 bits */
CM_MUST_USE enum cm_status cm_rsa_verify(const struct cm_rsa_pub *pub,
                                         const uint8_t digest[CM_SHA256_SIZE],
                                         const uint8_t signature[CM_RSA3072_SIZE]);

/**
 * The two quotients that let EINIT verify without dividing (SDM Vol. 3D, SIGSTRUCT):
 * q1 = floor(s*s / m), q2 = floor(s * (s*s mod m) / m).
 *
 * @param q1, q2  Most significant byte first, 384 bytes.
 * @retval CM_ERR_SIGNATURE  signature >= modulus, or modulus 0
 */
CM_MUST_USE enum cm_status cm_rsa_quotients(const struct cm_rsa_pub *pub,
                                            const uint8_t signature[CM_RSA3072_SIZE],
                                            uint8_t q1[CM_RSA3072_SIZE],
                                            uint8_t q2[CM_RSA3072_SIZE]);

#endif
