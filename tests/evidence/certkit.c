/* Certificates of any kind; see certkit.h. */
#include "certkit.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 40

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "certkit: %s failed\n", what);
        exit(1);
    }
}

EVP_PKEY *ck_key(const char *kind, unsigned index)
{
    static struct {
        char kind[16];
        unsigned index;
        EVP_PKEY *key;
    } keys[KEYS];
    size_t i = 0;

    for (; i < KEYS && keys[i].key != NULL; i++) {
        if (strcmp(keys[i].kind, kind) == 0 && keys[i].index == index) {
            return keys[i].key;
        }
    }
    must(i < KEYS, "room for another key");
    if (kind[0] == 'r') {
        keys[i].key = EVP_RSA_gen((unsigned)strtoul(kind + 3, NULL, 10));
    } else {
        keys[i].key = EVP_EC_gen(strcmp(kind, "p256") == 0   ? "P-256"
                                 : strcmp(kind, "p384") == 0 ? "P-384"
                                 : strcmp(kind, "p521") == 0 ? "P-521"
                                                             : kind);
    }
    must(keys[i].key != NULL, kind);
    (void)snprintf(keys[i].kind, sizeof(keys[i].kind), "%s", kind);
    keys[i].index = index;
    return keys[i].key;
}

void ck_spki_sha256(EVP_PKEY *key, uint8_t out[32])
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);

    must(n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1, "key digest");
    OPENSSL_free(der);
}

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();

    must(n != NULL &&
             (cn == NULL || X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
                                                       (const unsigned char *)cn, -1, -1, 0) == 1),
         "name");
    return n;
}

static void add_text(X509 *x, int nid, const char *text)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

    must(e != NULL && X509_add_ext(x, e, -1) == 1, text);
    X509_EXTENSION_free(e);
}

static void add_raw(X509 *x, const char *oid, bool critical, const void *bytes, size_t len)
{
    ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;

    must(obj != NULL && value != NULL && ASN1_OCTET_STRING_set(value, bytes, (int)len) == 1, oid);
    e = X509_EXTENSION_create_by_OBJ(NULL, obj, critical ? 1 : 0, value);
    must(e != NULL && X509_add_ext(x, e, -1) == 1, oid);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(obj);
}

/* A key identifier: SHA-1 of the public key, bare or in an AuthorityKeyIdentifier. */
static void add_identifier(X509 *x, EVP_PKEY *key, bool authority)
{
    uint8_t value[24] = {0x04, 20};
    uint8_t spki[32] = {0};

    ck_spki_sha256(key, spki);
    memcpy(value + 2, spki, 20);
    if (authority) {
        uint8_t aki[24] = {0x30, 22, 0x80, 20};

        memcpy(aki + 4, spki, 20);
        add_raw(x, "2.5.29.35", false, aki, sizeof(aki));
    } else {
        add_raw(x, "2.5.29.14", false, value, 22);
    }
}

static void add_extensions(X509 *x, const struct ck_cert *c)
{
    char text[64] = "";

    if (!c->no_constraints) {
        (void)snprintf(text, sizeof(text),
                       c->has_pathlen ? "critical,CA:%s,pathlen:%d" : "critical,CA:%s",
                       c->ca ? "TRUE" : "FALSE", c->pathlen);
        add_text(x, NID_basic_constraints, text);
    }
    if (c->usage != NULL) {
        add_text(x, NID_key_usage, c->usage);
    }
    if (c->san != NULL) {
        add_text(x, NID_subject_alt_name, c->san);
    }
    if (c->identifiers) {
        add_identifier(x, c->key, false);
        add_identifier(x, c->signer, true);
    }
    for (size_t i = 0; i < CK_EXTS && c->exts[i].oid != NULL; i++) {
        add_raw(x, c->exts[i].oid, c->exts[i].critical, c->exts[i].bytes, c->exts[i].len);
    }
}

static EVP_MD_CTX *signing(EVP_PKEY *key, const EVP_MD *md, const struct ck_cert *c)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *p = NULL;

    must(ctx != NULL && EVP_DigestSignInit(ctx, &p, md == NULL ? EVP_sha256() : md, NULL, key) == 1,
         "signing");
    if (c->pss) {
        must(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(p, c->salt == 0 ? RSA_PSS_SALTLEN_DIGEST
                                                                  : c->salt) == 1 &&
                 (c->mgf == NULL || EVP_PKEY_CTX_set_rsa_mgf1_md(p, c->mgf) == 1),
             "PSS");
    }
    return ctx;
}

size_t ck_cert(const struct ck_cert *c, uint8_t *der, size_t cap)
{
    X509 *x = X509_new();
    X509_NAME *subject = name_of(c->subject);
    X509_NAME *issuer = name_of(c->issuer);
    EVP_MD_CTX *ctx = signing(c->signer, c->md, c);
    uint64_t from = c->from == 0 ? CK_NOW - CK_DAY : c->from;
    uint64_t to = c->to == 0 ? CK_NOW + CK_DAY : c->to;
    int n = 0;

    must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
             X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
             ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from) != NULL &&
             ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to) != NULL &&
             X509_set_pubkey(x, c->key) == 1,
         "certificate");
    add_extensions(x, c);
    must(X509_sign_ctx(x, ctx) > 0, "signing a certificate");
    n = i2d_X509(x, NULL);
    must(n > 0 && (size_t)n <= cap && i2d_X509(x, &der) == n, "encoding a certificate");
    EVP_MD_CTX_free(ctx);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    X509_free(x);
    return (size_t)n;
}

size_t ck_pem(struct cm_span der, char *pem, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;

    must(bio != NULL && PEM_write_bio(bio, "CERTIFICATE", "", (unsigned char *)(uintptr_t)der.ptr,
                                      (long)der.len) > 0,
         "PEM");
    len = BIO_get_mem_data(bio, &data);
    must((size_t)len < cap, "room for PEM");
    memcpy(pem, data, (size_t)len);
    pem[len] = '\0';
    BIO_free(bio);
    return (size_t)len;
}

static void add_revoked(X509_CRL *crl, const struct ck_crl *c)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(CK_NOW - CK_DAY));

    must(r != NULL && serial != NULL && when != NULL &&
             ASN1_INTEGER_set_uint64(serial, c->serial) == 1 &&
             X509_REVOKED_set_serialNumber(r, serial) == 1 &&
             X509_REVOKED_set_revocationDate(r, when) == 1 && X509_CRL_add0_revoked(crl, r) == 1,
         "revoked entry");
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
}

size_t ck_crl(const struct ck_crl *c, uint8_t *der, size_t cap)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *issuer = name_of(c->issuer);
    struct ck_cert how = {.pss = c->pss};
    EVP_MD_CTX *ctx = signing(c->signer, c->md, &how);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(c->from == 0 ? CK_NOW - CK_DAY : c->from));
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(c->to == 0 ? CK_NOW + CK_DAY : c->to));
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    int n = 0;

    must(crl != NULL && number != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
             X509_CRL_set_issuer_name(crl, issuer) == 1 &&
             X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1 &&
             ASN1_INTEGER_set(number, c->number != 0 ? c->number : 5) == 1,
         "revocation list");
    if (c->numbered) {
        must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1, "list number");
    }
    if (c->delta) {
        must(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0) == 1, "delta");
    }
    if (c->revokes) {
        add_revoked(crl, c);
    }
    must(X509_CRL_sign_ctx(crl, ctx) > 0, "signing a list");
    n = i2d_X509_CRL(crl, NULL);
    must(n > 0 && (size_t)n <= cap && i2d_X509_CRL(crl, &der) == n, "encoding a list");
    EVP_MD_CTX_free(ctx);
    X509_NAME_free(issuer);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_INTEGER_free(number);
    X509_CRL_free(crl);
    return (size_t)n;
}
