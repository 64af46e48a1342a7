/*
 * Certificates and revocation lists of any kind for tests of any format, made with OpenSSL's X.509 code
 * (which shares nothing with the reader under test). Keys are made once a process, by kind and index.
 * Nothing here is secret or meant for use. Every function ends the program when it cannot.
 */
#ifndef CM_TESTS_CERTKIT_H
#define CM_TESTS_CERTKIT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

#define CK_NOW UINT64_C(1700000000)
#define CK_DAY UINT64_C(86400)

/** "p256", "p384", "p521", "rsa2048", "rsa3072", ...; index tells keys of one kind apart (0..7). */
EVP_PKEY *ck_key(const char *kind, unsigned index);

/** SHA-256 of the SubjectPublicKeyInfo: what a cm_trust_root holds. */
void ck_spki_sha256(EVP_PKEY *key, uint8_t out[32]);

struct ck_ext {
    const char *oid; /* dotted; NULL ends the list */
    bool critical;
    const void *bytes;
    size_t len;
};

#define CK_EXTS 20

struct ck_cert {
    const char *subject; /* common name; NULL: an empty subject */
    const char *issuer;
    EVP_PKEY *key;
    EVP_PKEY *signer;
    const EVP_MD *md;  /* NULL: SHA-256 */
    bool pss;          /* RSA: PSS instead of PKCS#1 v1.5 */
    int salt;          /* of PSS; 0: as long as the hash */
    const EVP_MD *mgf; /* NULL: md */
    uint64_t from;     /* 0: CK_NOW - CK_DAY */
    uint64_t to;       /* 0: CK_NOW + CK_DAY */
    uint64_t serial;
    bool no_constraints;
    bool ca;
    bool has_pathlen;
    int pathlen;
    const char *usage; /* OpenSSL's names; NULL: none */
    const char *san;   /* likewise, such as "critical,DNS:a.example"; NULL: none */
    bool identifiers;  /* with subject and authority key identifiers */
    struct ck_ext exts[CK_EXTS];
};

/** The certificate in DER; returns its length. */
size_t ck_cert(const struct ck_cert *c, uint8_t *der, size_t cap);
/** PEM of a certificate; returns its length, behind it a NUL. */
size_t ck_pem(struct cm_span der, char *pem, size_t cap);

struct ck_crl {
    const char *issuer;
    EVP_PKEY *signer;
    const EVP_MD *md;
    bool pss;
    uint64_t from; /* 0: CK_NOW - CK_DAY */
    uint64_t to;   /* 0: CK_NOW + CK_DAY */
    bool revokes;
    uint64_t serial; /* what it revokes */
    bool numbered;
    long number; /* 0: 5 */
    bool delta;  /* with a critical extension */
};

size_t ck_crl(const struct ck_crl *c, uint8_t *der, size_t cap);

#endif
