/*
 * Whom the service is: its own certificate authority (made at the first start), its TLS certificate, and
 * the keys that sign tokens. Private keys rest wrapped in the store (keep.h), are shared by all
 * instances, and are rotated; old public keys stay published for as long as tokens live, and 24 h more.
 * The module "identity". Thread-safe; signing may run on a loop.
 */
#ifndef CM_IDENTITY_IDENTITY_H
#define CM_IDENTITY_IDENTITY_H

#include <jansson.h>

#include "service/service.h"

/** The longest life of what a signer signs, in seconds: Azure's for tokens, which users cannot change. */
#define CM_IDENTITY_TOKEN_LIFE 28800

enum cm_signer {
    CM_SIGNER_TOKEN,   /* RSA-2048, RS256, self-signed, CN the public URL: Azure's tokens */
    CM_SIGNER_RESULT,  /* P-256, ES256: EAR results */
    CM_SIGNER_RELEASE, /* RSA-2048, RS256, under the CA with the vault's names: released keys */
};

extern const struct cm_module cm_identity_module;

/** How a token's header is made. */
struct cm_token_form {
    const char *type; /* "JWT"; NULL: no typ */
    const char *jku;  /* NULL: none */
    bool x5c;         /* the whole chain goes in, and x5t#S256 for the release signer */
};

/** Sign a payload as a compact JWS with the current key. The caller frees *out. */
CM_MUST_USE enum cm_status cm_identity_sign(struct cm_service *s, enum cm_signer signer,
                                            const struct cm_token_form *form,
                                            struct cm_span payload, char **out, struct cm_why *why);

/**
 * Verify a token that this service signed, by its kid: any published key. Signature only; whoever asks
 * looks at iss, exp and nbf himself. The caller frees *payload with json_decref().
 * @retval CM_ERR_SIGNATURE, CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_identity_verify(struct cm_service *s, enum cm_signer signer,
                                              struct cm_span token, json_t **payload,
                                              struct cm_why *why);

/** The JWK set of a signer's published keys (kty, kid, alg, use, x5c and n, e or crv, x, y). The caller owns the reference. */
json_t *cm_identity_jwks(struct cm_service *s, enum cm_signer signer);

/** The CA's certificate in PEM; belongs to the service. */
const char *cm_identity_ca_pem(struct cm_service *s);

/** A TLS certificate chain under the CA for the service's host names, and its key: for
 * cm_service_serve(). The caller frees both (the key with cm_wipe before). From then on the module puts another
 * in its place when it is due. */
CM_MUST_USE enum cm_status cm_identity_tls(struct cm_service *s, char **cert_pem, char **key_pem,
                                           struct cm_why *why);

/** The service is served with a certificate of others now: ours is no longer renewed. */
void cm_identity_tls_leave(struct cm_service *s);

/** Whether a certificate can have all names of a configuration. @retval CM_ERR_PARAM  why says which it cannot */
CM_MUST_USE enum cm_status cm_identity_check_names(const struct cm_service_config *config,
                                                   struct cm_why *why);

/** A new key for a signer; the one before stays published. @retval as of cm_service_write() */
CM_MUST_USE enum cm_status cm_identity_rotate(struct cm_service *s, enum cm_signer signer,
                                              struct cm_why *why);

/**
 * The evidence in the certificate of the key that signs Azure's tokens: a quote of the enclave that keeps the root
 * key, over hash and zeros. The key itself is, and was, outside of that enclave.
 * @param hash  SHA-256 of the public key's PEM with its NUL   @param out  malloc'd, the caller frees it
 * @retval CM_ERR_NOTFOUND  there is none   @retval CM_ERR_STATE  no key yet   @retval CM_ERR_FORMAT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_identity_evidence(struct cm_service *s, uint8_t **out, size_t *len,
                                                uint8_t hash[32]);

/**
 * What a person wants to know of it: {"signers": [{"use": "token|result|release", "alg", "kid", "created_at"}],
 * "tls": {"not_after": null where it serves with a certificate of others, "ca_sha256"}}. The caller owns the
 * reference; NULL: out of memory.
 */
json_t *cm_identity_show(struct cm_service *s);

#endif
