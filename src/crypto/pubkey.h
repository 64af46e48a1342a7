/*
 * Public and private keys of tokens and evidence, over OpenSSL 3: signatures by the names of JOSE
 * and COSE, with the algorithm always pinned by the caller and checked against the key.
 *
 * No policy here: which key to trust is the caller's. Same code in host and enclave.
 */
#ifndef CM_CRYPTO_PUBKEY_H
#define CM_CRYPTO_PUBKEY_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"
#include "crypto/hash.h"

enum cm_sig_alg {
    CM_SIG_ES256, /* P-256, SHA-256, signature r || s of 64 bytes */
    CM_SIG_ES384, /* P-384, SHA-384, 96 bytes */
    CM_SIG_ES512, /* P-521, SHA-512, 132 bytes */
    CM_SIG_RS256, /* RSASSA-PKCS1-v1_5 */
    CM_SIG_RS384,
    CM_SIG_RS512,
    CM_SIG_PS256, /* RSASSA-PSS, MGF1 of the same hash, salt as long as the hash */
    CM_SIG_PS384,
    CM_SIG_PS512,
};

enum cm_curve {
    CM_CURVE_P256,
    CM_CURVE_P384,
    CM_CURVE_P521,
};

#define CM_SIG_MAX_SIZE 1024 /* of RSA-8192 */

/* A public key. Opaque; immutable once made, so it may be used from several threads. */
struct cm_pubkey;
/* A private key. Opaque; wiped when freed. Thread-safe for signing. */
struct cm_privkey;

/**
 * A DER SubjectPublicKeyInfo, exactly (trailing bytes refused). EC on P-256, P-384 or P-521 with a
 * named curve, or RSA of 2048 to 8192 bits with an odd exponent of at least 3.
 * @retval CM_ERR_FORMAT malformed, or the point is not on the curve
 * @retval CM_ERR_UNSUPPORTED another kind or size of key
 */
CM_MUST_USE enum cm_status cm_pubkey_from_spki(struct cm_span der, struct cm_pubkey **out);

/**
 * A key that OpenSSL holds already (EVP_PKEY as void *, so that users of this header need no
 * OpenSSL). The caller keeps its own reference. Same checks as above.
 */
CM_MUST_USE enum cm_status cm_pubkey_from_evp(void *evp_pkey, struct cm_pubkey **out);

/** A second object of the same key. */
CM_MUST_USE enum cm_status cm_pubkey_copy(const struct cm_pubkey *key, struct cm_pubkey **out);

/** Raw affine coordinates, big endian, each of the curve's exact size. */
CM_MUST_USE enum cm_status cm_pubkey_from_ec(enum cm_curve curve, struct cm_span x,
                                             struct cm_span y, struct cm_pubkey **out);

/** RSA modulus and exponent, big endian without leading zeros. */
CM_MUST_USE enum cm_status cm_pubkey_from_rsa(struct cm_span n, struct cm_span e,
                                              struct cm_pubkey **out);

/**
 * Whether a key is known to have been made of these numbers (big endian, no leading zeros). False says
 * nothing: cm_pubkey_equal() knows more, and takes a key.
 */
bool cm_pubkey_made_of_rsa(const struct cm_pubkey *key, struct cm_span n, struct cm_span e);

/** The DER SubjectPublicKeyInfo; *len is set to what is needed. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_pubkey_spki(const struct cm_pubkey *key, uint8_t *out, size_t cap,
                                          size_t *len);

/** PEM of the SubjectPublicKeyInfo, NUL-terminated. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_pubkey_pem(const struct cm_pubkey *key, char *out, size_t cap);

/** Raw coordinates of an EC key, each cap bytes at least of the curve's size (32, 48, 66). */
CM_MUST_USE enum cm_status cm_pubkey_ec(const struct cm_pubkey *key, enum cm_curve *curve,
                                        uint8_t x[66], uint8_t y[66], size_t *coordinate_len);

/** The same key once more, to be freed apart; NULL: out of memory. */
struct cm_pubkey *cm_pubkey_share(const struct cm_pubkey *key);

/** Accepts NULL. */
void cm_pubkey_free(struct cm_pubkey *key);

/**
 * Verify a signature over the concatenation of parts.
 * @retval CM_ERR_MISMATCH the key is of another kind or curve than the algorithm
 * @retval CM_ERR_SIGNATURE it does not verify, or is not of the algorithm's length
 */
CM_MUST_USE enum cm_status cm_pubkey_verify(const struct cm_pubkey *key, enum cm_sig_alg alg,
                                            const struct cm_span *parts, size_t part_count,
                                            struct cm_span signature);

/** Signatures as X.509 has them: the hash is independent of the key's size. */
enum cm_x509_scheme {
    CM_X509_ECDSA, /* DER SEQUENCE of r and s, with a key on any curve of enum cm_curve */
    CM_X509_PKCS1, /* RSASSA-PKCS1-v1_5 */
    CM_X509_PSS,   /* RSASSA-PSS, MGF1 of the same hash, salt as long as the hash */
};

/**
 * Verify an X.509 style signature over data. The caller has seen to it that a CM_X509_ECDSA
 * signature is strict DER.
 * @retval CM_ERR_MISMATCH the key is of another kind than the scheme
 * @retval CM_ERR_SIGNATURE it does not verify
 * @retval CM_ERR_UNSUPPORTED SHA-1
 */
CM_MUST_USE enum cm_status cm_pubkey_verify_x509(const struct cm_pubkey *key,
                                                 enum cm_x509_scheme scheme, enum cm_hash_alg hash,
                                                 struct cm_span data, struct cm_span signature);

/** A PEM private key (PKCS#8, SEC1 or PKCS#1), not encrypted; EC or RSA as above. */
CM_MUST_USE enum cm_status cm_privkey_from_pem(struct cm_span pem, struct cm_privkey **out);

/** A new key on a curve; rsa_bits 0, or a new RSA key of that size (then curve is ignored). */
CM_MUST_USE enum cm_status cm_privkey_generate(enum cm_curve curve, unsigned rsa_bits,
                                               struct cm_privkey **out);

/**
 * The key on a curve with this private number, big endian, of the curve's exact size.
 * @retval CM_ERR_LIMIT  0, or not below the curve's order: no key has it
 */
CM_MUST_USE enum cm_status cm_privkey_from_number(enum cm_curve curve, struct cm_span number,
                                                  struct cm_privkey **out);

/** PKCS#8 PEM of the key, NUL-terminated. The caller wipes it. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_privkey_pem(const struct cm_privkey *key, char *out, size_t cap);

/** The EVP_PKEY inside, borrowed, for OpenSSL's own builders of certificates; host side. */
void *cm_privkey_evp(const struct cm_privkey *key);

CM_MUST_USE enum cm_status cm_privkey_public(const struct cm_privkey *key, struct cm_pubkey **out);

/** Accepts NULL. */
void cm_privkey_free(struct cm_privkey *key);

/** Sign the concatenation of parts. *len is the signature's length. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_privkey_sign(const struct cm_privkey *key, enum cm_sig_alg alg,
                                           const struct cm_span *parts, size_t part_count,
                                           uint8_t *out, size_t cap, size_t *len);

#endif
