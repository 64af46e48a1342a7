/* Certificates and signed uploads, as authors of policies make them. */
#ifndef CM_TESTS_RULES_SIGNER_KIT_H
#define CM_TESTS_RULES_SIGNER_KIT_H

#include "crypto/pubkey.h"

/** A key and its certificate. */
struct signer {
    struct cm_privkey *key;
    struct cm_pubkey *pub;
    void *x509; /* OpenSSL's */
    char *pem;
    char *b64; /* DER in base64, as in x5c */
};

struct signer_form {
    unsigned rsa_bits; /* 0: P-256 */
    bool ca;
    const struct signer *issuer; /* NULL: self-signed */
    long from;                   /* seconds from kit_now(); 0 and 0: a day before and after */
    long to;
    const char *name; /* NULL: "policy signer" */
};

/** Freed with signer_free(). What goes wrong ends the program. */
struct signer *signer_make(const struct signer_form *form);
void signer_free(struct signer *s);

/** The usual ones. */
struct signer *signer_ca(unsigned rsa_bits);

/** A compact JWS with x5c: s's certificate and those of its issuers. Freed by the caller. */
char *signer_jws(const struct signer *s, enum cm_sig_alg alg, const char *payload);
/** {"AttestationPolicy": base64url(text)} */
char *signer_policy(const struct signer *s, enum cm_sig_alg alg, const char *text);
/** A policy signed with an RSA key of 1024 bits, whose certificate says so. */
char *signer_weak_policy(const char *text);
/** {"policyCertificate": {"kty", "x5c"}} */
char *signer_certificate(const struct signer *s, enum cm_sig_alg alg, const struct signer *subject);
/** The same without a signature. */
char *unsigned_jws(const char *payload);
char *unsigned_policy(const char *text);

#endif
