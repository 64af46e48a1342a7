/* See kit_cert.h. */
#include "kit_cert.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(int good)
{
    if (!good) {
        (void)printf("service kit: no certificate\n");
        abort();
    }
}

static char *text_of(BIO *bio)
{
    char *data = NULL;
    const long len = BIO_get_mem_data(bio, &data);
    char *out = strndup(data, (size_t)len);

    need(out != NULL);
    BIO_free(bio);
    return out;
}

static char *cert_text(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    need(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
    return text_of(bio);
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());

    need(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    return text_of(bio);
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *ext = NULL;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static X509 *make(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();

    need(cert != NULL && name != NULL &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1,
                                    0) == 1 &&
         X509_set_version(cert, 2) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -86400) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL &&
         X509_set_subject_name(cert, name) == 1 &&
         X509_set_issuer_name(cert, issuer == NULL ? name : X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(cert, key) == 1);
    if (issuer == NULL) {
        extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
        extend(cert, cert, NID_key_usage, "critical,keyCertSign");
        need(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    }
    X509_NAME_free(name);
    return cert;
}

void kit_make_certificate(const char *const *names, char **ca_pem, char **cert_pem, char **key_pem)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = make("Casemate tests", ca_key, NULL, ca_key);
    X509 *cert = make(names[0] == NULL ? "localhost" : names[0], key, ca, ca_key);
    char alt[1024] = "IP:127.0.0.1,DNS:localhost";
    size_t n = strlen(alt);

    for (size_t i = 0; names[i] != NULL; i++) {
        n += (size_t)snprintf(alt + n, sizeof(alt) - n, ",DNS:%s", names[i]);
        need(n < sizeof(alt));
    }
    extend(cert, ca, NID_subject_alt_name, alt);
    extend(cert, ca, NID_ext_key_usage, "serverAuth");
    need(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    *ca_pem = cert_text(ca);
    *cert_pem = cert_text(cert);
    *key_pem = key_text(key);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}
