/* Writing certificates of attested TLS; see attls_make.h. */
#include "attest/attls_make.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attls_cert.h"
#include "crypto/pubkey_evp.h"
#include "evidence/timefmt.h"

enum { SERIAL_SIZE = 16, MAX_NAME = 1024, DATE_LEN = 14 };

struct cm_attls_keys {
    EVP_PKEY *private;
    struct cm_key_kind kind;
};

static BIO *text_of(struct cm_span pem)
{
    return pem.ptr == NULL || pem.len == 0 || pem.len > INT_MAX
               ? NULL
               : BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

oe_result_t cm_attls_keys_read(struct cm_span private_pem, struct cm_span public_pem,
                               struct cm_attls_keys **out)
{
    BIO *private_bio = text_of(private_pem);
    BIO *public_bio = text_of(public_pem);
    EVP_PKEY *public = NULL;
    struct cm_attls_keys *keys = calloc(1, sizeof(*keys));
    oe_result_t result = OE_INVALID_PARAMETER;

    *out = NULL;
    if (keys == NULL) {
        result = OE_OUT_OF_MEMORY;
        goto out;
    }
    if (private_bio == NULL || public_bio == NULL) {
        goto out;
    }
    keys->private = PEM_read_bio_PrivateKey(private_bio, NULL, cm_evp_no_passphrase, NULL);
    public = PEM_read_bio_PUBKEY(public_bio, NULL, cm_evp_no_passphrase, NULL);
    if (keys->private != NULL && public != NULL && EVP_PKEY_eq(keys->private, public) == 1 &&
        cm_evp_check(keys->private, &keys->kind) == CM_OK) {
        *out = keys;
        keys = NULL;
        result = OE_OK;
    }
out:
    cm_attls_keys_free(keys);
    EVP_PKEY_free(public);
    BIO_free(private_bio);
    BIO_free(public_bio);
    ERR_clear_error();
    return result;
}

void cm_attls_keys_free(struct cm_attls_keys *keys)
{
    if (keys != NULL) {
        EVP_PKEY_free(keys->private); /* OpenSSL clears the private numbers */
        free(keys);
    }
}

oe_result_t cm_attls_keys_text(const struct cm_attls_keys *keys, char *out, size_t cap, size_t *len)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(keys->private, &der);
    enum cm_status st = CM_ERR_CRYPTO;

    if (n > 0) {
        st = cm_attls_pem(cm_span_make(der, (size_t)n), out, cap, len);
    }
    OPENSSL_free(der);
    return st == CM_OK ? OE_OK : OE_CRYPTO_ERROR;
}

/* One "TYPE=value" of a name; the comma in a value stands behind a backslash. */
static bool add_part(X509_NAME *name, const char *part, size_t len)
{
    char type[16] = "";
    char value[MAX_NAME];
    size_t at = 0;
    size_t n = 0;

    while (at < len && part[at] == ' ') {
        at++;
    }
    while (at < len && part[at] != '=' && n + 1 < sizeof(type)) {
        type[n++] = part[at++];
    }
    type[n] = '\0';
    if (n == 0 || at == len || part[at] != '=') {
        return false;
    }
    at++;
    for (n = 0; at < len && n < sizeof(value); at++, n++) {
        at += part[at] == '\\' && at + 1 < len ? 1 : 0;
        if (part[at] < 0x20 || part[at] > 0x7e) {
            return false;
        }
        value[n] = part[at];
    }
    return n != 0 && n < sizeof(value) &&
           X509_NAME_add_entry_by_txt(name, type, MBSTRING_ASC, (const unsigned char *)value,
                                      (int)n, -1, 0) == 1;
}

static X509_NAME *name_of(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    size_t len = strlen(text);
    size_t start = 0;
    bool ok = name != NULL && len < MAX_NAME;

    for (size_t at = 0; ok && at <= len; at++) {
        if (at < len && text[at] == '\\') {
            at++;
        } else if (at == len || text[at] == ',') {
            ok = add_part(name, text + start, at - start);
            start = at + 1;
        }
    }
    if (!ok) {
        X509_NAME_free(name);
        return NULL;
    }
    return name;
}

/* A time in the form that RFC 5280 wants for its year. */
static bool set_date(ASN1_TIME *to, const char *date, uint64_t *seconds)
{
    char z[DATE_LEN + 2] = "";

    if (date == NULL || strnlen(date, DATE_LEN + 1) != DATE_LEN) {
        return false;
    }
    memcpy(z, date, DATE_LEN);
    z[DATE_LEN] = 'Z';
    return cm_time_parse_der(cm_span_make(z, DATE_LEN + 1), false, seconds) == CM_OK &&
           ASN1_TIME_set_string_X509(to, z) == 1;
}

static bool set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_SIZE];
    BIGNUM *n = NULL;
    bool ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and never short */
    n = ok ? BN_bin2bn(bytes, sizeof(bytes), NULL) : NULL;
    ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return ok;
}

static bool add_extension(X509 *x, ASN1_OBJECT *object, bool critical, struct cm_span value)
{
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;
    bool ok = octets != NULL && object != NULL && value.len <= INT_MAX &&
              ASN1_OCTET_STRING_set(octets, value.ptr, (int)value.len) == 1;

    if (ok) {
        e = X509_EXTENSION_create_by_OBJ(NULL, object, critical ? 1 : 0, octets);
        ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    }
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(octets);
    return ok;
}

/* Not a CA; may sign handshakes; and the statement about the enclave. */
static bool add_extensions(X509 *x, const struct cm_attls_wanted *want)
{
    static const uint8_t no_ca[] = {0x30, 0x00};
    static const uint8_t signs[] = {0x03, 0x02, 0x07, 0x80};
    uint8_t oid[2 + CM_ATTLS_OID_SIZE] = {0x06, CM_ATTLS_OID_SIZE};
    const unsigned char *at = oid;
    ASN1_OBJECT *object = NULL;
    bool ok = false;

    memcpy(oid + 2, want->oid, CM_ATTLS_OID_SIZE);
    object = d2i_ASN1_OBJECT(NULL, &at, sizeof(oid));
    ok = add_extension(x, OBJ_nid2obj(NID_basic_constraints), true,
                       cm_span_make(no_ca, sizeof(no_ca))) &&
         add_extension(x, OBJ_nid2obj(NID_key_usage), true, cm_span_make(signs, sizeof(signs))) &&
         add_extension(x, object, false, want->statement);
    ASN1_OBJECT_free(object);
    return ok;
}

static const EVP_MD *digest_for(const struct cm_attls_keys *keys)
{
    if (!keys->kind.is_ec || keys->kind.curve == CM_CURVE_P256) {
        return EVP_sha256();
    }
    return keys->kind.curve == CM_CURVE_P384 ? EVP_sha384() : EVP_sha512();
}

/* Only what a verifier will accept: OpenSSL does not notice each allocation of its own that fails. */
static oe_result_t give(X509 *x, uint8_t **der, size_t *der_len)
{
    struct cm_attls_cert cert;
    unsigned char *made = NULL;
    int n = i2d_X509(x, &made);
    uint8_t *copy = NULL;
    oe_result_t result = OE_CRYPTO_ERROR;

    if (n > 0 && cm_attls_cert_read(cm_span_make(made, (size_t)n), &cert, NULL) == CM_OK) {
        copy = malloc((size_t)n);
        result = OE_OUT_OF_MEMORY;
    }
    if (copy != NULL) {
        memcpy(copy, made, (size_t)n);
        *der = copy;
        *der_len = (size_t)n;
        result = OE_OK;
    }
    OPENSSL_free(made);
    return result;
}

oe_result_t cm_attls_cert_make(const struct cm_attls_keys *keys, const struct cm_attls_wanted *want,
                               uint8_t **der, size_t *der_len)
{
    X509 *x = X509_new();
    X509_NAME *name = name_of(want->subject != NULL ? want->subject : CM_ATTLS_SUBJECT);
    uint64_t from = 0;
    uint64_t until = 0;
    oe_result_t result = OE_CRYPTO_ERROR;

    *der = NULL;
    *der_len = 0;
    if (name == NULL || x == NULL || !set_date(X509_getm_notBefore(x), want->not_before, &from) ||
        !set_date(X509_getm_notAfter(x), want->not_after, &until) || from >= until) {
        result = OE_INVALID_PARAMETER;
    } else if (X509_set_version(x, 2) == 1 && set_serial(x) &&
               X509_set_subject_name(x, name) == 1 && X509_set_issuer_name(x, name) == 1 &&
               X509_set_pubkey(x, keys->private) == 1 && add_extensions(x, want) &&
               X509_sign(x, keys->private, digest_for(keys)) != 0) {
        result = give(x, der, der_len);
    }
    X509_NAME_free(name);
    X509_free(x);
    ERR_clear_error();
    return result;
}
