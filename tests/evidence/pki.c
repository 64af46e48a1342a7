/* Keys, certificates and revocation lists of the tests' own hierarchy; see pki.h. */
#include "pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki_build.h"

void pki_must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "pki: %s failed\n", what);
        exit(3);
    }
}

void *pki_evp(enum pki_key key)
{
    static EVP_PKEY *keys[PKI_KEYS];

    if (keys[key] == NULL) {
        keys[key] = key == PKI_RSA    ? EVP_RSA_gen(2048)
                    : key == PKI_P384 ? EVP_EC_gen("P-384")
                                      : EVP_EC_gen("P-256");
        pki_must(keys[key] != NULL, "key generation");
    }
    return keys[key];
}

void pki_spki(enum pki_key key, uint8_t out[32])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pki_evp(key), &der);

    pki_must(len > 0 && SHA256(der, (size_t)len, out) != NULL, "SPKI");
    OPENSSL_free(der);
}

void pki_sign(enum pki_key key, const void *data, size_t len, uint8_t out[64])
{
    unsigned char der[160];
    const unsigned char *at = der;
    size_t der_len = sizeof(der);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    ECDSA_SIG *sig = NULL;

    pki_must(md != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pki_evp(key)) == 1 &&
                 EVP_DigestSign(md, der, &der_len, data, len) == 1,
             "signing");
    sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    pki_must(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32,
             "signature");
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(md);
}

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();

    pki_must(n != NULL &&
                 X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1,
                                            -1, 0) == 1 &&
                 X509_NAME_add_entry_by_txt(
                     n, "O", MBSTRING_ASC, (const unsigned char *)"Casemate tests", -1, -1, 0) == 1,
             "name");
    return n;
}

static void key_id(enum pki_key key, uint8_t out[20])
{
    uint8_t full[32];

    pki_spki(key, full);
    memcpy(out, full, 20);
}

static X509_EXTENSION *raw_ext(const char *oid, bool critical, const uint8_t *data, size_t len)
{
    ASN1_OBJECT *obj = OBJ_txt2obj(oid, 0);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;

    pki_must(obj != NULL && s != NULL && ASN1_OCTET_STRING_set(s, data, (int)len) == 1,
             "extension");
    e = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, s);
    pki_must(e != NULL, "extension");
    ASN1_OBJECT_free(obj);
    ASN1_OCTET_STRING_free(s);
    return e;
}

static X509_EXTENSION *text_ext(int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    pki_must(e != NULL, value);
    return e;
}

static X509_EXTENSION *aki_ext(enum pki_aki form, enum pki_key signer)
{
    uint8_t v[24] = {0x30, 22, 0x80, 20};

    key_id(signer, v + 4);
    if (form == PKI_AKI_WRONG) {
        v[4] ^= 1;
    }
    if (form == PKI_AKI_EMPTY) {
        v[1] = 2;
        v[3] = 0;
        return raw_ext("2.5.29.35", false, v, 4);
    }
    return raw_ext("2.5.29.35", false, v, 24);
}

static void add(X509 *x, X509_EXTENSION *e)
{
    pki_must(X509_add_ext(x, e, -1) == 1, "adding an extension");
    X509_EXTENSION_free(e);
}

static void add_extensions(X509 *x, const struct pki_cert *c, const struct pki_ext *ext)
{
    uint8_t ski[22] = {0x04, 20};
    uint8_t sgx[1024];
    char text[64] = "";

    key_id(c->key, ski + 2);
    add(x, raw_ext("2.5.29.14", false, ski, sizeof(ski)));
    if (c->aki != PKI_AKI_NONE) {
        add(x, aki_ext(c->aki, c->signer));
    }
    if (!c->no_constraints) {
        (void)snprintf(text, sizeof(text),
                       c->pathlen >= 0 ? "critical,CA:%s,pathlen:%d" : "critical,CA:%s",
                       c->ca ? "TRUE" : "FALSE", c->pathlen);
        add(x, text_ext(NID_basic_constraints, text));
    }
    if (c->usage != NULL) {
        add(x, text_ext(NID_key_usage, c->usage));
    }
    if (c->unknown != NULL) {
        add(x, raw_ext(c->unknown, true, (const uint8_t *)"\x05\x00", 2));
    }
    for (int i = 0; i < (c->sgx ? 1 : 0) + (c->sgx_twice ? 1 : 0); i++) {
        size_t len = pki_sgx_extension(ext, sgx);

        add(x, raw_ext("1.2.840.113741.1.13.1", false, sgx, len));
    }
}

X509 *pki_build_cert(const struct pki_cert *c, const struct pki_ext *ext)
{
    X509 *x = X509_new();
    X509_NAME *subject = name_of(c->cn);
    X509_NAME *issuer = name_of(c->issuer);

    pki_must(x != NULL && X509_set_version(x, c->version1 ? X509_VERSION_1 : X509_VERSION_3) == 1 &&
                 ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
                 X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
                 ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->not_before) != NULL &&
                 ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->not_after) != NULL &&
                 X509_set_pubkey(x, pki_evp(c->key)) == 1,
             "certificate");
    if (!c->version1) {
        add_extensions(x, c, ext);
    }
    pki_must(X509_sign(x, pki_evp(c->signer), c->sha384 ? EVP_sha384() : EVP_sha256()) > 0,
             "signing a certificate");
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return x;
}

static void add_revoked(X509_CRL *crl, const struct pki_crl *c)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)c->this_update);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

    pki_must(r != NULL && serial != NULL && when != NULL && reason != NULL &&
                 ASN1_INTEGER_set_uint64(serial, c->revoked) == 1 &&
                 X509_REVOKED_set_serialNumber(r, serial) == 1 &&
                 X509_REVOKED_set_revocationDate(r, when) == 1 &&
                 ASN1_ENUMERATED_set(reason, c->revoked_removed ? 8 : 1) == 1 &&
                 X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0) == 1,
             "revoked entry");
    if (c->entry_critical) {
        X509_EXTENSION *e = raw_ext(PKI_CRITICAL, true, (const uint8_t *)"\x05\x00", 2);

        pki_must(X509_REVOKED_add_ext(r, e, -1) == 1, "entry extension");
        X509_EXTENSION_free(e);
    }
    pki_must(X509_CRL_add0_revoked(crl, r) == 1, "revoked entry");
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    ASN1_ENUMERATED_free(reason);
}

X509_CRL *pki_build_crl(const struct pki_crl *c)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *issuer = name_of(c->issuer);
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)c->this_update);
    ASN1_TIME *n = ASN1_TIME_set(NULL, (time_t)c->next_update);
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    pki_must(crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                 X509_CRL_set_issuer_name(crl, issuer) == 1 &&
                 X509_CRL_set1_lastUpdate(crl, t) == 1 && number != NULL &&
                 (c->next_update == 0 || X509_CRL_set1_nextUpdate(crl, n) == 1),
             "revocation list");
    if (c->number >= 0) {
        pki_must(ASN1_INTEGER_set(number, c->number) == 1 &&
                     X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1,
                 "list number");
    }
    if (c->delta) {
        pki_must(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0) == 1, "delta");
    }
    if (c->aki != PKI_AKI_NONE) {
        X509_EXTENSION *e = aki_ext(c->aki, c->signer);

        pki_must(X509_CRL_add_ext(crl, e, -1) == 1, "list AKI");
        X509_EXTENSION_free(e);
    }
    if (c->revoked != 0) {
        add_revoked(crl, c);
    }
    pki_must(X509_CRL_sign(crl, pki_evp(c->signer), EVP_sha256()) > 0, "signing a list");
    X509_NAME_free(issuer);
    ASN1_TIME_free(t);
    ASN1_TIME_free(n);
    ASN1_INTEGER_free(number);
    return crl;
}
