/*
 * JSON Web Encryption (RFC 7516), compact and flattened JSON serialisation, with the algorithms that
 * key brokers speak.
 *
 * Opening never trusts the header: the caller pins both algorithms and the key; `alg` and `enc` must
 * stand in the protected header and agree; crit, b64 and zip are refused; unprotected headers, more
 * than one recipient and additional data (aad) are refused. Every failure behind the header has one
 * status and one course: a content key that cannot be opened is replaced by a random one (RFC 7516
 * section 11.5), so that a peer cannot learn from answers or from time what was wrong.
 */
#ifndef CM_TOKEN_JWE_H
#define CM_TOKEN_JWE_H

#include "crypto/aead.h"
#include "crypto/keyenc.h"
#include "token/json.h"

#define CM_JWE_MAX_HEADER 8192
#define CM_JWE_MAX_NODES  256
#define CM_JWE_MAX_TEXT   ((size_t)8 << 20) /* plaintext */

/* How the content key travels. */
enum cm_jwe_alg {
    CM_JWE_RSA_OAEP, /* with SHA-1; for peers that know nothing else */
    CM_JWE_RSA_OAEP_256,
    CM_JWE_ECDH_ES,        /* the agreed key is the content key */
    CM_JWE_ECDH_ES_A256KW, /* the agreed key wraps it */
};

/* Both algorithms of a token. */
struct cm_jwe_suite {
    enum cm_jwe_alg alg;
    enum cm_aead enc;
};

/** A token taken apart; nothing is authentic yet. */
struct cm_jwe {
    struct cm_jwe_suite suite; /* what the header names */
    struct cm_json header;
    struct cm_span aad;        /* the protected header as it was received */
    struct cm_span ciphertext; /* base64url, as it was received */
    uint8_t key[CM_KEYENC_MAX_RSA];
    size_t key_len;
    uint8_t iv[CM_AEAD_MAX_IV];
    size_t iv_len;
    uint8_t tag[CM_AEAD_MAX_TAG];
    size_t tag_len;
    uint8_t header_bytes[CM_JWE_MAX_HEADER];
    struct cm_json_node nodes[CM_JWE_MAX_NODES];
};

/**
 * Take a token apart: five parts with dots between them, or a JSON object.
 *
 * @param token  UNTRUSTED; borrowed as long as out is used.
 * @param out    usable only on CM_OK; large (about 16 KiB), not movable.
 * @retval CM_ERR_FORMAT       malformed; a length that the algorithms do not have
 * @retval CM_ERR_UNSUPPORTED  an algorithm or a member that is not handled
 * @retval CM_ERR_LIMIT        beyond the limits above
 *
 * No allocation. Enclave-safe.
 */
CM_MUST_USE enum cm_status cm_jwe_parse(struct cm_span token, struct cm_jwe *out,
                                        struct cm_why *why);

/**
 * Open with a key and algorithms that the caller chose.
 *
 * @param out  the plaintext; cap at least three quarters of ciphertext.len. Nothing of the plaintext
 *             is in it after a failure. The caller wipes it.
 * @retval CM_ERR_MISMATCH   the token names other algorithms, or the key is of another kind
 * @retval CM_ERR_SIGNATURE  it does not open, whatever the reason
 * @retval CM_ERR_FORMAT     the ciphertext is not base64url, or the sender's key is malformed
 * @retval CM_ERR_SPACE      cap is too small
 */
CM_MUST_USE enum cm_status cm_jwe_decrypt(const struct cm_jwe *jwe, const struct cm_privkey *key,
                                          struct cm_jwe_suite suite, uint8_t *out, size_t cap,
                                          size_t *len);

struct cm_jwe_options {
    bool flattened;             /* JSON instead of the compact form */
    const char *header_members; /* further members of the protected header, such as
                                   "\"kid\":\"a\"" (JSON text, no braces); or NULL */
};

/**
 * Encrypt to a key. Content key, IV and ephemeral key are new each time.
 *
 * @param options  or NULL.
 * @param out      the token, NUL-terminated. @retval CM_ERR_SPACE
 * @retval CM_ERR_MISMATCH  the key is of another kind than the algorithm
 */
CM_MUST_USE enum cm_status cm_jwe_encrypt(const struct cm_pubkey *key, struct cm_jwe_suite suite,
                                          const struct cm_jwe_options *options,
                                          struct cm_span plain, char *out, size_t cap);

/** The JOSE names: "ECDH-ES+A256KW", "A256GCM". */
const char *cm_jwe_alg_name(enum cm_jwe_alg alg);
const char *cm_jwe_enc_name(enum cm_aead enc);

#endif
