/*
 * JSON Web Signatures (RFC 7515), compact serialisation.
 *
 * Reading never trusts the header: the caller pins algorithm and key; `alg` must agree; key material
 * and addresses in the header (jwk, jku, x5u, x5c) are never used to choose a key; `crit` and `b64`
 * are refused because no extension is understood; `zip` does not exist here (I4).
 */
#ifndef CM_TOKEN_JWS_H
#define CM_TOKEN_JWS_H

#include "crypto/pubkey.h"
#include "token/json.h"

#define CM_JWS_MAX_HEADER 16384
#define CM_JWS_MAX_NODES  512

/** A token taken apart, nothing verified yet. Holds its own decoded header. */
struct cm_jws {
    struct cm_span signed_text;  /* header.payload, as received */
    struct cm_span payload_text; /* base64url, as received */
    struct cm_json header;
    enum cm_sig_alg alg; /* what the header names */
    uint8_t signature[CM_SIG_MAX_SIZE];
    size_t signature_len;
    uint8_t header_bytes[CM_JWS_MAX_HEADER];
    struct cm_json_node nodes[CM_JWS_MAX_NODES];
};

/**
 * Take a compact token apart.
 *
 * @param token  UNTRUSTED; borrowed as long as out is used.
 * @param out    usable only on CM_OK. Large (about 32 KiB): the caller decides where it lives. Not
 *               movable: its header refers to its own bytes.
 * @retval CM_ERR_FORMAT not three parts of base64url, or a header that is not a JSON object
 * @retval CM_ERR_UNSUPPORTED unknown alg (so "none" and the HS family), crit, b64 or zip
 */
CM_MUST_USE enum cm_status cm_jws_parse(struct cm_span token, struct cm_jws *out,
                                        struct cm_why *why);

/**
 * Verify with a key and an algorithm that the caller chose.
 * @retval CM_ERR_MISMATCH the token names another algorithm, or the key does not fit it
 * @retval CM_ERR_SIGNATURE it does not verify
 */
CM_MUST_USE enum cm_status cm_jws_verify(const struct cm_jws *jws, const struct cm_pubkey *key,
                                         enum cm_sig_alg alg);

/** The decoded payload into the caller's buffer. Use it only after cm_jws_verify(). */
CM_MUST_USE enum cm_status cm_jws_payload(const struct cm_jws *jws, uint8_t *out, size_t cap,
                                          size_t *len);

/**
 * Sign. header_members is JSON text of further header members, such as "\"kid\":\"a\"" (no braces),
 * or NULL. The token is NUL-terminated. @retval CM_ERR_SPACE
 */
CM_MUST_USE enum cm_status cm_jws_sign(const struct cm_privkey *key, enum cm_sig_alg alg,
                                       const char *header_members, struct cm_span payload,
                                       char *out, size_t cap);

/** The JOSE name of an algorithm, such as "ES256". */
const char *cm_sig_alg_name(enum cm_sig_alg alg);

/** The algorithm of a JOSE name. @retval CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_sig_alg_from(struct cm_json_value name, enum cm_sig_alg *out);

/**
 * A public key from a JSON Web Key (RFC 7517): kty EC (P-256, P-384, P-521) or RSA. Members that
 * would make it a private key are refused.
 */
CM_MUST_USE enum cm_status cm_jwk_parse(struct cm_json_value jwk, struct cm_pubkey **out);

#endif
