/* Private to src/identity: the certificates that the service makes, with OpenSSL. */
#ifndef CM_IDENTITY_IDENTITY_X509_H
#define CM_IDENTITY_IDENTITY_X509_H

#include <jansson.h>

#include "crypto/pubkey.h"

enum cm_cert_use {
    CM_CERT_CA,    /* signs what stands below, nothing below that signs */
    CM_CERT_TOKEN, /* as Azure Attestation's own: self-signed, CA:TRUE, pathlen 0 */
    CM_CERT_SIGN,  /* signs tokens, under the CA */
    CM_CERT_TLS,   /* a server, under the CA */
};

struct cm_cert_wanted {
    enum cm_cert_use use;
    const char *cn;               /* what is beyond 64 characters is left out of it */
    const struct cm_privkey *key; /* the subject's */
    const char *issuer_pem;       /* with issuer_key; NULL: self-signed */
    const struct cm_privkey *issuer_key;
    uint64_t not_before; /* seconds since 1970 */
    uint64_t not_after;
    struct cm_span evidence; /* a quote over the hash that kid is; {NULL, 0}: none */
    const char *const
        *names; /* alternative names: hosts, addresses, https URLs; NULL-terminated, or NULL */
};

/** The caller frees *pem. @retval CM_ERR_PARAM a name that cannot be in a certificate */
CM_MUST_USE enum cm_status cm_cert_make(const struct cm_cert_wanted *want, char **pem,
                                        struct cm_why *why);

/** Whether the first certificate of pem is the key's own. @retval CM_ERR_FORMAT, CM_ERR_MISMATCH */
CM_MUST_USE enum cm_status cm_cert_fits(const char *pem, const struct cm_privkey *key,
                                        uint64_t *not_after);

/** The quote in a certificate's extension; malloc'd. @param der  our own. @retval CM_ERR_NOTFOUND, CM_ERR_FORMAT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_cert_evidence(struct cm_span der, uint8_t **out, size_t *len);

/** A chain as JOSE's x5c has it, and the x5t#S256 of its first certificate. @retval CM_ERR_FORMAT */
CM_MUST_USE enum cm_status cm_cert_x5c(const char *pem, json_t **x5c, char thumbprint[44]);

/** The public part of a key as a JWK without further members. */
CM_MUST_USE enum cm_status cm_cert_jwk(const struct cm_privkey *key, json_t **jwk);

/** SHA-256 of the public key's PEM with its NUL: what its kid is, and what evidence in its certificate is over. */
CM_MUST_USE enum cm_status cm_cert_key_hash(const struct cm_privkey *key, uint8_t hash[32]);

/** base64 of SHA-256 of the public key's PEM with its NUL, as Azure Attestation names its keys. */
#define CM_CERT_KID_CAP 45
CM_MUST_USE enum cm_status cm_cert_kid(const struct cm_privkey *key, char out[CM_CERT_KID_CAP]);

#endif
