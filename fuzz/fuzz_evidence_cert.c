/*
 * Certificates and revocation lists, against OpenSSL's reader. A certificate that ours accepts OpenSSL
 * accepts too, and understands in the same way: period, constraints, key usage, key, names. One
 * difference is meant, and nothing else is let pass: the strings inside names, whose bytes ours only
 * compares. (Ours refuses far more than OpenSSL.) The first byte says which: 'c' for a certificate in DER, 'l' for a list in any form; 'g' and 'm'
 * for the same in the general profile.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pubkey.h"
#include "evidence/x509.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void same_time(uint64_t ours, const ASN1_TIME *theirs)
{
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)ours);

    if (theirs == NULL || (t != NULL && ASN1_TIME_compare(t, theirs) != 0)) {
        abort();
    }
    ASN1_TIME_free(t);
}

static void same_constraints(const struct cm_cert *c, const X509 *x)
{
    int critical = 0;
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(x, NID_basic_constraints, &critical, NULL);
    long pathlen = bc == NULL || bc->pathlen == NULL ? -1 : ASN1_INTEGER_get(bc->pathlen);

    if ((bc != NULL) != c->has_constraints || (bc != NULL && (bc->ca != 0) != c->ca) ||
        pathlen != (c->has_pathlen ? (long)c->pathlen : -1)) {
        abort();
    }
    BASIC_CONSTRAINTS_free(bc);
}

static void same_bytes(struct cm_span ours, const unsigned char *theirs, size_t len)
{
    if (ours.len != len || (len != 0 && memcmp(ours.ptr, theirs, len) != 0)) {
        abort();
    }
}

static void same_name(struct cm_span ours, const X509_NAME *theirs)
{
    const unsigned char *der = NULL;
    size_t len = 0;

    if (X509_NAME_get0_der(theirs, &der, &len) != 1) {
        abort();
    }
    same_bytes(ours, der, len);
}

static void same_usage(const struct cm_cert *c, const X509 *x)
{
    ASN1_BIT_STRING *bits = X509_get_ext_d2i(x, NID_key_usage, NULL, NULL);

    if ((bits != NULL) != c->has_usage ||
        (bits != NULL && bits->length > 0 && bits->data[0] != c->usage)) {
        abort();
    }
    ASN1_BIT_STRING_free(bits);
}

static void same_key(const struct cm_cert *c, const X509 *x)
{
    unsigned char *der = NULL;
    const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    unsigned char hash[32] = {0};

    if (len <= 0 || EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1 ||
        memcmp(hash, c->spki_sha256, sizeof(hash)) != 0) {
        abort();
    }
    OPENSSL_free(der);
}

/* ours compares names as bytes; OpenSSL refuses one whose strings are not what their tags say */
static bool is_odd_name(struct cm_span name)
{
    const unsigned char *at = name.ptr;
    X509_NAME *n = d2i_X509_NAME(NULL, &at, (long)name.len);
    const bool odd = n == NULL;

    X509_NAME_free(n);
    return odd;
}

static void certificate(const unsigned char *der, size_t len, enum cm_cert_profile profile)
{
    struct cm_cert *c = calloc(1, sizeof(*c));
    const unsigned char *at = der;
    X509 *x = NULL;

    if (c == NULL || (c->der = malloc(len + 1)) == NULL) {
        free(c);
        return;
    }
    memcpy(c->der, der, len);
    c->der_len = len;
    c->profile = profile;
    if (cm_cert_parse(c) == CM_OK) {
        x = d2i_X509(NULL, &at, (long)len);
        if (x != NULL && at == der + len && X509_get0_pubkey(x) != NULL) {
            if (X509_get_version(x) != X509_VERSION_3) {
                abort();
            }
            same_time(c->period.not_before, X509_get0_notBefore(x));
            same_time(c->period.not_after, X509_get0_notAfter(x));
            same_constraints(c, x);
            same_usage(c, x);
            same_key(c, x);
            same_name(c->issuer, X509_get_issuer_name(x));
            same_name(c->subject, X509_get_subject_name(x));
        } else if (x == NULL && !is_odd_name(c->issuer) && !is_odd_name(c->subject)) {
            abort();
        }
        (void)cm_cert_cn_contains(c, "CA");
        X509_free(x);
    }
    cm_pubkey_free(c->key);
    free(c->der);
    free(c);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_crl *crl = NULL;

    if (size < 2) {
        return 0;
    }
    if (data[0] == 'c' || data[0] == 'g') {
        certificate(data + 1, size - 1, data[0] == 'c' ? CM_CERTS_DCAP : CM_CERTS_GENERAL);
        return 0;
    }
    if ((data[0] == 'm' ? cm_crl_parse_general : cm_crl_parse)(cm_span_make(data + 1, size - 1),
                                                               &crl) == CM_OK &&
        data[1] == 0x30) {
        const unsigned char *at = data + 1;
        X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)size - 1);

        if (x != NULL) { /* a time that OpenSSL refuses would be no defect: ours is in seconds */
            same_time(cm_crl_period(crl).not_before, X509_CRL_get0_lastUpdate(x));
            same_time(cm_crl_period(crl).not_after, X509_CRL_get0_nextUpdate(x));
            X509_CRL_free(x);
        }
        ERR_clear_error();
    }
    cm_crl_free(crl);
    return 0;
}
