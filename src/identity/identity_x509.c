/* The service's own certificates; see identity_x509.h. Every input is our own or the operator's. */
#include "identity/identity_x509.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/crypto.h"
#include "token/base64.h"

enum { SERIAL_SIZE = 16, CN_MAX = 64, PEM_MAX = 8192, CHAIN_MAX = 4 };

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();
    size_t len = strnlen(cn, CN_MAX);

    if (n != NULL && X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)cn, (int)len, -1, 0) != 1) {
        X509_NAME_free(n);
        n = NULL;
    }
    return n;
}

static bool set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_SIZE] = {0};
    BIGNUM *n = NULL;
    bool good = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and no zero in front */
    n = good ? BN_bin2bn(bytes, sizeof(bytes), NULL) : NULL;
    good = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return good;
}

static bool add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *e = NULL;
    X509V3_CTX ctx;
    bool good = false;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    good = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

/* One alternative name, as an object and never as OpenSSL's configuration text. */
static GENERAL_NAME *general_name(const char *text)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *s = NULL;

    if (ip != NULL && name != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
        return name;
    }
    s = ASN1_IA5STRING_new();
    if (ip != NULL || name == NULL || s == NULL ||
        ASN1_STRING_set(s, text, (int)strlen(text)) != 1) {
        ASN1_OCTET_STRING_free(ip);
        ASN1_IA5STRING_free(s);
        GENERAL_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, strstr(text, "://") != NULL ? GEN_URI : GEN_DNS, s);
    return name;
}

static bool add_names(X509 *x, const char *const *names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool good = all != NULL;

    for (size_t i = 0; good && names[i] != NULL; i++) {
        GENERAL_NAME *one = general_name(names[i]);

        good = one != NULL && sk_GENERAL_NAME_push(all, one) > 0;
        if (!good) {
            GENERAL_NAME_free(one);
        }
    }
    good = good && (sk_GENERAL_NAME_num(all) == 0 ||
                    X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1);
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return good;
}

/* As Azure Attestation's own certificates have it: the quote as an OCTET STRING. */
#define EVIDENCE_OID "1.2.840.113556.10.1.1"

static bool add_evidence(X509 *x, struct cm_span quote)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(EVIDENCE_OID, 1);
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    X509_EXTENSION *e = NULL;
    int n = 0;
    bool good = oid != NULL && inner != NULL && value != NULL && quote.len <= PEM_MAX &&
                ASN1_OCTET_STRING_set(inner, quote.ptr, (int)quote.len) == 1;

    n = good ? i2d_ASN1_OCTET_STRING(inner, &der) : 0;
    good = n > 0 && ASN1_OCTET_STRING_set(value, der, n) == 1;
    e = good ? X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value) : NULL;
    good = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(value);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OBJECT_free(oid);
    return good;
}

static bool add_extensions(X509 *x, X509 *issuer, const struct cm_cert_wanted *want)
{
    bool ca = want->use == CM_CERT_CA || want->use == CM_CERT_TOKEN;

    return add_ext(x, issuer, NID_basic_constraints,
                   ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
           add_ext(x, issuer, NID_key_usage,
                   want->use == CM_CERT_CA      ? "critical,keyCertSign,cRLSign"
                   : want->use == CM_CERT_TOKEN ? "critical,keyCertSign,digitalSignature"
                                                : "critical,digitalSignature") &&
           (want->use != CM_CERT_TLS || add_ext(x, issuer, NID_ext_key_usage, "serverAuth")) &&
           add_ext(x, issuer, NID_subject_key_identifier, "hash") &&
           (issuer == x || add_ext(x, issuer, NID_authority_key_identifier, "keyid:always")) &&
           (want->names == NULL || add_names(x, want->names)) &&
           (want->evidence.len == 0 || add_evidence(x, want->evidence));
}

static bool fill(X509 *x, X509 *issuer, const struct cm_cert_wanted *want)
{
    const struct cm_privkey *signer = issuer == x ? want->key : want->issuer_key;
    X509_NAME *subject = name_of(want->cn);
    bool good = subject != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
                X509_set_subject_name(x, subject) == 1 &&
                X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
                ASN1_TIME_set(X509_getm_notBefore(x), (time_t)want->not_before) != NULL &&
                ASN1_TIME_set(X509_getm_notAfter(x), (time_t)want->not_after) != NULL &&
                X509_set_pubkey(x, cm_privkey_evp(want->key)) == 1 &&
                add_extensions(x, issuer, want) &&
                X509_sign(x, cm_privkey_evp(signer), EVP_sha256()) > 0;

    X509_NAME_free(subject);
    return good;
}

static X509 *cert_from(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return x;
}

enum cm_status cm_cert_make(const struct cm_cert_wanted *want, char **pem, struct cm_why *why)
{
    X509 *x = X509_new();
    X509 *issuer = want->issuer_pem == NULL ? x : cert_from(want->issuer_pem);
    BIO *bio = BIO_new(BIO_s_mem());
    enum cm_status st = CM_OK;
    char *text = NULL;
    long len = 0;

    *pem = NULL;
    if (x == NULL || issuer == NULL || bio == NULL || !fill(x, issuer, want) ||
        PEM_write_bio_X509(bio, x) != 1) {
        cm_why_set(why, "no certificate can be made for %s", want->cn);
        st = CM_ERR_PARAM;
        goto out;
    }
    len = BIO_get_mem_data(bio, &text);
    *pem = len <= 0 ? NULL : strndup(text, (size_t)len);
    if (*pem == NULL) {
        st = CM_ERR_NOMEM;
    }
out:
    BIO_free(bio);
    if (issuer != x) {
        X509_free(issuer);
    }
    X509_free(x);
    ERR_clear_error();
    return st;
}

static bool seconds_of(const ASN1_TIME *t, uint64_t *out)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0;
    int seconds = 0;
    bool good = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1 && days >= 0;

    ASN1_TIME_free(epoch);
    *out = good ? (uint64_t)days * 86400 + (uint64_t)seconds : 0;
    return good;
}

enum cm_status cm_cert_fits(const char *pem, const struct cm_privkey *key, uint64_t *not_after)
{
    X509 *x = cert_from(pem);
    enum cm_status st = CM_OK;

    if (x == NULL || !seconds_of(X509_get0_notAfter(x), not_after)) {
        st = CM_ERR_FORMAT;
    } else if (EVP_PKEY_eq(X509_get0_pubkey(x), cm_privkey_evp(key)) != 1) {
        st = CM_ERR_MISMATCH;
    }
    X509_free(x);
    ERR_clear_error();
    return st;
}

static enum cm_status add_der(X509 *x, json_t *x5c, char thumbprint[44])
{
    uint8_t hash[CM_SHA256_SIZE] = {0};
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    char text[CM_BASE64_ENCODED(PEM_MAX)];
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (n <= 0 || n > PEM_MAX) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_base64_encode(cm_span_make(der, (size_t)n), text, sizeof(text), &len));
    if (json_array_size(x5c) == 0) {
        size_t thumbprint_len = 0;

        CM_TRY(cm_sha256_of(cm_span_make(der, (size_t)n), hash));
        CM_TRY(
            cm_base64url_encode(cm_span_make(hash, sizeof(hash)), thumbprint, 43, &thumbprint_len));
        thumbprint[thumbprint_len] = '\0';
    }
    if (json_array_append_new(x5c, json_stringn(text, len)) != 0) {
        st = CM_ERR_NOMEM;
    }
out:
    OPENSSL_free(der);
    return st;
}

enum cm_status cm_cert_x5c(const char *pem, json_t **x5c, char thumbprint[44])
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    json_t *all = json_array();
    enum cm_status st = bio == NULL || all == NULL ? CM_ERR_NOMEM : CM_OK;
    X509 *x = NULL;

    *x5c = NULL;
    for (size_t i = 0; st == CM_OK && i < CHAIN_MAX; i++) {
        x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (x == NULL) {
            break;
        }
        st = add_der(x, all, thumbprint);
        X509_free(x);
    }
    if (st == CM_OK && json_array_size(all) == 0) {
        st = CM_ERR_FORMAT;
    }
    if (st == CM_OK) {
        *x5c = all;
        all = NULL;
    }
    json_decref(all);
    BIO_free(bio);
    ERR_clear_error();
    return st;
}

static json_t *octets(const uint8_t *bytes, size_t n)
{
    char text[CM_BASE64_ENCODED(CM_SIG_MAX_SIZE)];
    size_t len = 0;

    return cm_base64url_encode(cm_span_make(bytes, n), text, sizeof(text), &len) == CM_OK
               ? json_stringn(text, len)
               : NULL;
}

static json_t *number(const EVP_PKEY *pkey, const char *name)
{
    uint8_t bytes[CM_SIG_MAX_SIZE] = {0};
    BIGNUM *n = NULL;
    json_t *out = NULL;
    int len = 0;

    if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_num_bytes(n) <= CM_SIG_MAX_SIZE) {
        len = BN_bn2bin(n, bytes);
        out = octets(bytes, (size_t)len);
    }
    BN_free(n);
    return out;
}

static json_t *ec_jwk(const struct cm_privkey *key)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = 0;
    json_t *out = NULL;

    if (cm_privkey_public(key, &pub) == CM_OK && cm_pubkey_ec(pub, &curve, x, y, &len) == CM_OK) {
        out = json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", curves[curve], "x",
                        octets(x, len), "y", octets(y, len));
    }
    cm_pubkey_free(pub);
    return out;
}

enum cm_status cm_cert_jwk(const struct cm_privkey *key, json_t **jwk)
{
    const EVP_PKEY *pkey = cm_privkey_evp(key);

    *jwk = EVP_PKEY_is_a(pkey, "RSA") == 1 ? json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
                                                       number(pkey, OSSL_PKEY_PARAM_RSA_N), "e",
                                                       number(pkey, OSSL_PKEY_PARAM_RSA_E))
                                           : ec_jwk(key);
    return *jwk == NULL ? CM_ERR_CRYPTO : CM_OK;
}

enum cm_status cm_cert_key_hash(const struct cm_privkey *key, uint8_t hash[32])
{
    struct cm_pubkey *pub = NULL;
    char pem[2048] = "";
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_public(key, &pub));
    CM_TRY(cm_pubkey_pem(pub, pem, sizeof(pem)));
    st = cm_sha256_of(cm_span_make(pem, strlen(pem) + 1), hash);
out:
    cm_pubkey_free(pub);
    return st;
}

enum cm_status cm_cert_kid(const struct cm_privkey *key, char out[CM_CERT_KID_CAP])
{
    uint8_t hash[CM_SHA256_SIZE] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_cert_key_hash(key, hash));
    CM_TRY(cm_base64_encode(cm_span_make(hash, sizeof(hash)), out, CM_CERT_KID_CAP - 1, &len));
    out[len] = '\0';
out:
    return st;
}

enum cm_status cm_cert_evidence(struct cm_span der, uint8_t **out, size_t *len)
{
    const unsigned char *start = der.ptr;
    X509 *x = d2i_X509(NULL, &start, (long)der.len);
    ASN1_OBJECT *oid = OBJ_txt2obj(EVIDENCE_OID, 1);
    int at = x == NULL || oid == NULL ? -1 : X509_get_ext_by_OBJ(x, oid, -1);
    ASN1_OCTET_STRING *inner = NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    *out = NULL;
    *len = 0;
    if (at >= 0) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(x, at));
        const unsigned char *inside = ASN1_STRING_get0_data(value);

        inner = d2i_ASN1_OCTET_STRING(NULL, &inside, ASN1_STRING_length(value));
        st = inner == NULL ? CM_ERR_FORMAT : CM_OK;
    }
    if (st == CM_OK) {
        *len = (size_t)ASN1_STRING_length(inner);
        *out = malloc(*len + 1);
        st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    if (st == CM_OK) {
        memcpy(*out, ASN1_STRING_get0_data(inner), *len);
    }
    ASN1_OCTET_STRING_free(inner);
    ASN1_OBJECT_free(oid);
    X509_free(x);
    ERR_clear_error();
    return st;
}
