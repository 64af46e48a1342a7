/* See rules_signer_kit.h. */
#include "rules_signer_kit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service_kit.h"
#include "token/base64.h"
#include "token/jws.h"

#define TOKEN_CAP 65536u

static void need(int good)
{
    if (!good) {
        (void)printf("signer kit: failed\n");
        abort();
    }
}

static char *base64(const void *bytes, size_t len, bool url)
{
    char *out = malloc(CM_BASE64_ENCODED(len) + 1);
    size_t n = 0;

    need(out != NULL);
    need((url ? cm_base64url_encode : cm_base64_encode)(cm_span_make(bytes, len), out,
                                                        CM_BASE64_ENCODED(len) + 1, &n) == CM_OK);
    out[n] = '\0';
    return out;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext = NULL;

    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static X509 *certify(const struct signer_form *f, EVP_PKEY *key)
{
    static long serial = 100;
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    const X509 *issuer = f->issuer == NULL ? NULL : f->issuer->x509;
    const long from = f->from == 0 && f->to == 0 ? -86400 : f->from;
    const long to = f->from == 0 && f->to == 0 ? 86400 : f->to;
    const char *text = f->name == NULL ? "policy signer" : f->name;

    need(cert != NULL && name != NULL &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1,
                                    0) == 1 &&
         X509_set_version(cert, 2) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
         ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)kit_now() + from) != NULL &&
         ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)kit_now() + to) != NULL &&
         X509_set_subject_name(cert, name) == 1 &&
         X509_set_issuer_name(cert, issuer == NULL ? name : X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(cert, key) == 1);
    if (f->ca) {
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
        extend(cert, NID_key_usage, "critical,keyCertSign,digitalSignature");
    } else {
        extend(cert, NID_basic_constraints, "critical,CA:FALSE");
        extend(cert, NID_key_usage, "critical,digitalSignature");
    }
    need(X509_sign(cert, f->issuer == NULL ? key : cm_privkey_evp(f->issuer->key), EVP_sha256()) >
         0);
    X509_NAME_free(name);
    return cert;
}

struct signer *signer_make(const struct signer_form *form)
{
    struct signer *s = calloc(1, sizeof(*s));
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    char *text = NULL;
    long len = 0;
    int der_len = 0;

    need(s != NULL && bio != NULL);
    need(cm_privkey_generate(CM_CURVE_P256, form->rsa_bits, &s->key) == CM_OK);
    need(cm_privkey_public(s->key, &s->pub) == CM_OK);
    s->x509 = certify(form, cm_privkey_evp(s->key));
    need(PEM_write_bio_X509(bio, s->x509) == 1);
    len = BIO_get_mem_data(bio, &text);
    s->pem = strndup(text, (size_t)len);
    der_len = i2d_X509(s->x509, &der);
    need(der_len > 0);
    s->b64 = base64(der, (size_t)der_len, false);
    OPENSSL_free(der);
    BIO_free(bio);
    return s;
}

struct signer *signer_ca(unsigned rsa_bits)
{
    const struct signer_form form = {.rsa_bits = rsa_bits, .ca = true};

    return signer_make(&form);
}

void signer_free(struct signer *s)
{
    if (s != NULL) {
        X509_free(s->x509);
        cm_privkey_free(s->key);
        cm_pubkey_free(s->pub);
        free(s->pem);
        free(s->b64);
        free(s);
    }
}

char *signer_jws(const struct signer *s, enum cm_sig_alg alg, const char *payload)
{
    char *header = malloc(TOKEN_CAP);
    char *out = malloc(TOKEN_CAP);

    need(header != NULL && out != NULL);
    (void)snprintf(header, TOKEN_CAP, "\"x5c\":[\"%s\"]", s->b64);
    need(cm_jws_sign(s->key, alg, header, cm_span_make(payload, strlen(payload)), out, TOKEN_CAP) ==
         CM_OK);
    free(header);
    return out;
}

static char *policy_payload(const char *text)
{
    char *encoded = base64(text, strlen(text), true);
    size_t cap = strlen(encoded) + 64;
    char *out = malloc(cap);

    need(out != NULL);
    (void)snprintf(out, cap, "{\"AttestationPolicy\":\"%s\"}", encoded);
    free(encoded);
    return out;
}

char *signer_policy(const struct signer *s, enum cm_sig_alg alg, const char *text)
{
    char *payload = policy_payload(text);
    char *out = signer_jws(s, alg, payload);

    free(payload);
    return out;
}

char *signer_weak_policy(const char *text)
{
    const struct signer_form form = {.ca = true};
    EVP_PKEY *key = EVP_RSA_gen(1024);
    X509 *cert = key == NULL ? NULL : certify(&form, key);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    unsigned char sig[128] = {0};
    size_t sig_len = sizeof(sig);
    char *out = malloc(TOKEN_CAP);
    char *header = malloc(TOKEN_CAP);
    char *payload = policy_payload(text);
    char *parts[4] = {NULL, NULL, NULL, NULL};
    int der_len = 0;

    need(cert != NULL && md != NULL && out != NULL && header != NULL);
    der_len = i2d_X509(cert, &der);
    need(der_len > 0);
    parts[3] = base64(der, (size_t)der_len, false);
    (void)snprintf(header, TOKEN_CAP, "{\"alg\":\"RS256\",\"x5c\":[\"%s\"]}", parts[3]);
    parts[0] = base64(header, strlen(header), true);
    parts[1] = base64(payload, strlen(payload), true);
    (void)snprintf(out, TOKEN_CAP, "%s.%s", parts[0], parts[1]);
    need(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(md, sig, &sig_len, (const unsigned char *)out, strlen(out)) == 1);
    parts[2] = base64(sig, sig_len, true);
    (void)snprintf(out, TOKEN_CAP, "%s.%s.%s", parts[0], parts[1], parts[2]);
    for (size_t i = 0; i < 4; i++) {
        free(parts[i]);
    }
    free(header);
    free(payload);
    OPENSSL_free(der);
    EVP_MD_CTX_free(md);
    X509_free(cert);
    EVP_PKEY_free(key);
    return out;
}

char *signer_certificate(const struct signer *s, enum cm_sig_alg alg, const struct signer *subject)
{
    size_t cap = strlen(subject->b64) + 128;
    char *payload = malloc(cap);
    char *out = NULL;

    need(payload != NULL);
    (void)snprintf(payload, cap, "{\"policyCertificate\":{\"kty\":\"RSA\",\"x5c\":[\"%s\"]}}",
                   subject->b64);
    out = signer_jws(s, alg, payload);
    free(payload);
    return out;
}

char *unsigned_jws(const char *payload)
{
    char *encoded = base64(payload, strlen(payload), true);
    size_t cap = strlen(encoded) + 64;
    char *out = malloc(cap);

    need(out != NULL);
    (void)snprintf(out, cap, "eyJhbGciOiJub25lIn0.%s.", encoded);
    free(encoded);
    return out;
}

char *unsigned_policy(const char *text)
{
    char *payload = policy_payload(text);
    char *out = unsigned_jws(payload);

    free(payload);
    return out;
}
