/*
 * The emulated maker's certificates and lists, with OpenSSL; see emuplat_x509.h. Every input is our
 * own. Names have one attribute a place, in printable ASCII, as the verifier's profile asks.
 */
#include "emuplat/emuplat_x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/try.h"
#include "crypto/crypto.h"

#define SPKI_P256_SIZE 91
#define POINT_SIZE     65

static enum cm_status spki_of(const struct cm_privkey *key, uint8_t out[SPKI_P256_SIZE])
{
    struct cm_pubkey *pub = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_public(key, &pub));
    CM_TRY(cm_pubkey_spki(pub, out, SPKI_P256_SIZE, &len));
    if (len != SPKI_P256_SIZE) {
        st = CM_ERR_CRYPTO;
    }
out:
    cm_pubkey_free(pub);
    return st;
}

/* RFC 7093 method 1: the first 160 bits of SHA-256 of the public key's bits. */
static enum cm_status key_id(const struct cm_privkey *key, uint8_t out[20])
{
    uint8_t spki[SPKI_P256_SIZE] = {0};
    uint8_t hash[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(spki_of(key, spki));
    CM_TRY(cm_sha256_of(cm_span_make(spki + SPKI_P256_SIZE - POINT_SIZE, POINT_SIZE), hash));
    memcpy(out, hash, 20);
out:
    return st;
}

enum cm_status cm_emuplat_serial(const struct cm_privkey *key, uint8_t out[CM_EMUPLAT_SERIAL_SIZE])
{
    uint8_t spki[SPKI_P256_SIZE] = {0};
    uint8_t hash[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(spki_of(key, spki));
    CM_TRY(cm_sha256_of(cm_span_make(spki, sizeof(spki)), hash));
    memcpy(out, hash, CM_EMUPLAT_SERIAL_SIZE);
    out[0] = (uint8_t)((out[0] & 0x7f) | 0x40); /* positive, and no zero in front */
out:
    return st;
}

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();

    if (n != NULL && (X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_ASC,
                                                 (const unsigned char *)cn, -1, -1, 0) != 1 ||
                      X509_NAME_add_entry_by_NID(n, NID_organizationName, MBSTRING_ASC,
                                                 (const unsigned char *)"Casemate (EMULATED)", -1,
                                                 -1, 0) != 1)) {
        X509_NAME_free(n);
        n = NULL;
    }
    return n;
}

static ASN1_INTEGER *integer_of(const uint8_t serial[CM_EMUPLAT_SERIAL_SIZE])
{
    BIGNUM *n = BN_bin2bn(serial, CM_EMUPLAT_SERIAL_SIZE, NULL);
    ASN1_INTEGER *out = n == NULL ? NULL : BN_to_ASN1_INTEGER(n, NULL);

    BN_free(n);
    return out;
}

static X509_EXTENSION *raw_ext(const char *oid, struct cm_span value)
{
    ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;

    if (obj != NULL && s != NULL && ASN1_OCTET_STRING_set(s, value.ptr, (int)value.len) == 1) {
        e = X509_EXTENSION_create_by_OBJ(NULL, obj, 0, s);
    }
    ASN1_OBJECT_free(obj);
    ASN1_OCTET_STRING_free(s);
    return e;
}

/* SubjectKeyIdentifier or, with prefix, AuthorityKeyIdentifier. */
static X509_EXTENSION *key_ext(const struct cm_privkey *key, bool authority)
{
    uint8_t value[24] = {0x30, 22, 0x80, 20};
    uint8_t id[20] = {0};

    if (key_id(key, id) != CM_OK) {
        return NULL;
    }
    if (authority) {
        memcpy(value + 4, id, sizeof(id));
        return raw_ext("2.5.29.35", cm_span_make(value, 24));
    }
    value[0] = 0x04;
    value[1] = 20;
    memcpy(value + 2, id, sizeof(id));
    return raw_ext("2.5.29.14", cm_span_make(value, 22));
}

/* Takes e over. */
static bool add(X509 *x, X509_EXTENSION *e)
{
    bool good = e != NULL && X509_add_ext(x, e, -1) == 1;

    X509_EXTENSION_free(e);
    return good;
}

static bool add_text(X509 *x, int nid, const char *value)
{
    return add(x, X509V3_EXT_conf_nid(NULL, NULL, nid, value));
}

static bool add_extensions(X509 *x, const struct cm_emuplat_cert *c)
{
    char constraints[48] = "critical,CA:FALSE";
    char crl[160] = "";

    if (c->pathlen >= 0) {
        (void)snprintf(constraints, sizeof(constraints), "critical,CA:TRUE,pathlen:%d", c->pathlen);
    }
    (void)snprintf(crl, sizeof(crl), "URI:%s", c->crl);
    return add(x, key_ext(c->signer, true)) && add_text(x, NID_crl_distribution_points, crl) &&
           add(x, key_ext(c->key, false)) &&
           add_text(x, NID_key_usage,
                    c->pathlen >= 0 ? "critical,keyCertSign,cRLSign"
                                    : "critical,digitalSignature,nonRepudiation") &&
           add_text(x, NID_basic_constraints, constraints) &&
           (c->sgx.len == 0 || add(x, raw_ext("1.2.840.113741.1.13.1", c->sgx)));
}

static bool fill(X509 *x, const struct cm_emuplat_cert *c, ASN1_INTEGER *serial,
                 const X509_NAME *subject, const X509_NAME *issuer)
{
    return x != NULL && serial != NULL && subject != NULL && issuer != NULL &&
           X509_set_version(x, X509_VERSION_3) == 1 && X509_set_serialNumber(x, serial) == 1 &&
           X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->not_after) != NULL &&
           X509_set_pubkey(x, cm_privkey_evp(c->key)) == 1 && add_extensions(x, c) &&
           X509_sign(x, cm_privkey_evp(c->signer), EVP_sha256()) > 0;
}

static enum cm_status from_bio(BIO *bio, struct cm_emuplat_state *s, enum cm_emuplat_part part)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return len > 0 ? cm_emuplat_part_set(s, part, cm_span_make(text, (size_t)len)) : CM_ERR_CRYPTO;
}

enum cm_status cm_emuplat_cert_make(const struct cm_emuplat_cert *c, struct cm_emuplat_state *s,
                                    enum cm_emuplat_part part)
{
    uint8_t number[CM_EMUPLAT_SERIAL_SIZE] = {0};
    enum cm_status st = cm_emuplat_serial(c->key, number);
    X509 *x = X509_new();
    X509_NAME *subject = name_of(c->cn);
    X509_NAME *issuer = name_of(c->issuer);
    ASN1_INTEGER *serial = integer_of(number);
    BIO *bio = BIO_new(BIO_s_mem());

    if (st == CM_OK &&
        (bio == NULL || !fill(x, c, serial, subject, issuer) || PEM_write_bio_X509(bio, x) != 1)) {
        st = CM_ERR_CRYPTO;
    }
    if (st == CM_OK) {
        st = from_bio(bio, s, part);
    }
    BIO_free(bio);
    ASN1_INTEGER_free(serial);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    X509_free(x);
    ERR_clear_error();
    return st;
}

/* One revoked certificate, without a reason. */
static bool add_revoked(X509_CRL *crl, const uint8_t serial[CM_EMUPLAT_SERIAL_SIZE],
                        ASN1_TIME *when)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *n = integer_of(serial);
    bool good = r != NULL && n != NULL && X509_REVOKED_set_serialNumber(r, n) == 1 &&
                X509_REVOKED_set_revocationDate(r, when) == 1 && X509_CRL_add0_revoked(crl, r) == 1;

    if (!good) {
        X509_REVOKED_free(r);
    }
    ASN1_INTEGER_free(n);
    return good;
}

static bool fill_crl(X509_CRL *crl, const struct cm_emuplat_crl *c,
                     const struct cm_emuplat_state *s)
{
    X509_NAME *issuer = name_of(c->issuer);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)s->issued);
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)s->next_update);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    X509_EXTENSION *aki = key_ext(c->signer, true);
    bool good = crl != NULL && issuer != NULL && from != NULL && until != NULL && number != NULL &&
                aki != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, issuer) == 1 &&
                X509_CRL_set1_lastUpdate(crl, from) == 1 &&
                X509_CRL_set1_nextUpdate(crl, until) == 1 &&
                ASN1_INTEGER_set_uint64(number, s->crl_number) == 1 &&
                X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
                X509_CRL_add_ext(crl, aki, -1) == 1;

    for (uint32_t i = 0; good && c->revoked && i < s->revoked_count; i++) {
        good = add_revoked(crl, s->revoked[i], from);
    }
    X509_NAME_free(issuer);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_INTEGER_free(number);
    X509_EXTENSION_free(aki);
    return good && X509_CRL_sort(crl) == 1 &&
           X509_CRL_sign(crl, cm_privkey_evp(c->signer), EVP_sha256()) > 0;
}

enum cm_status cm_emuplat_crl_make(const struct cm_emuplat_crl *c, struct cm_emuplat_state *s,
                                   enum cm_emuplat_part part)
{
    X509_CRL *crl = X509_CRL_new();
    BIO *bio = BIO_new(BIO_s_mem());
    enum cm_status st = CM_ERR_CRYPTO;

    if (bio != NULL && fill_crl(crl, c, s) && i2d_X509_CRL_bio(bio, crl) == 1) {
        st = from_bio(bio, s, part);
    }
    BIO_free(bio);
    X509_CRL_free(crl);
    ERR_clear_error();
    return st;
}
