/* Certificates; see certs.h. Untrusted: every byte until its signature has been verified. */
#include "evidence/certs.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/try.h"
#include "crypto/crypto.h"
#include "crypto/pubkey.h"
#include "evidence/certs_evp.h"
#include "evidence/timefmt.h"
#include "token/base64.h"

struct cm_certs {
    struct cm_cert certs[CM_CERTS_MAX];
    size_t count;
};

enum cm_status cm_certs_create(struct cm_certs **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}

void cm_certs_free(struct cm_certs *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        X509_free(set->certs[i].x509);
        cm_pubkey_free(set->certs[i].key);
        free(set->certs[i].der);
    }
    free(set);
}

bool cm_asn1_seconds(const ASN1_TIME *t, uint64_t *out)
{
    struct tm tm;

    memset(&tm, 0, sizeof(tm));
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 || tm.tm_year < 70) {
        return false;
    }
    *out = cm_days_from_date((uint64_t)tm.tm_year + 1900, (uint64_t)tm.tm_mon + 1,
                             (uint64_t)tm.tm_mday) *
               86400u +
           (uint64_t)tm.tm_hour * 3600u + (uint64_t)tm.tm_min * 60u + (uint64_t)tm.tm_sec;
    return true;
}

static enum cm_status fill(struct cm_cert *c)
{
    const X509_PUBKEY *pub = X509_get_X509_PUBKEY(c->x509);
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(pub, &spki);
    enum cm_status st = CM_ERR_FORMAT;

    if (len > 0 && cm_asn1_seconds(X509_get0_notBefore(c->x509), &c->period.not_before) &&
        cm_asn1_seconds(X509_get0_notAfter(c->x509), &c->period.not_after)) {
        st = cm_sha256_of(cm_span_make(spki, (size_t)len), c->spki_sha256);
        if (st == CM_OK) {
            /* parsing the certificate has decoded the key: decoding is the dearest part */
            st = cm_pubkey_from_evp(X509_get0_pubkey(c->x509), &c->key);
        }
    }
    OPENSSL_free(spki);
    return st;
}

/* The certificate of these bytes, parsed now or before. */
static enum cm_status add(struct cm_certs *set, struct cm_span der, const struct cm_cert **out)
{
    const unsigned char *at = NULL;
    struct cm_cert *c = NULL;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < set->count; i++) {
        if (set->certs[i].der_len == der.len && memcmp(set->certs[i].der, der.ptr, der.len) == 0) {
            *out = &set->certs[i];
            return CM_OK;
        }
    }
    if (set->count == CM_CERTS_MAX || der.len == 0) {
        return CM_ERR_FORMAT;
    }
    c = &set->certs[set->count];
    memset(c, 0, sizeof(*c));
    set->count++; /* from here on cm_certs_free() owns what c holds */
    c->der = malloc(der.len);
    if (c->der == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(c->der, der.ptr, der.len);
    c->der_len = der.len;
    at = c->der;
    c->x509 = d2i_X509(NULL, &at, (long)der.len);
    if (c->x509 == NULL || at != c->der + der.len) {
        st = CM_ERR_FORMAT;
    } else {
        st = fill(c);
    }
    ERR_clear_error();
    *out = c;
    return st;
}

static bool space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0;
}

enum cm_status cm_pem_next(struct cm_span *rest, const char *label, uint8_t *der, size_t cap,
                           size_t *len)
{
    char begin[64] = "";
    char end[64] = "";
    size_t n = 0;
    int bl = snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
    int el = snprintf(end, sizeof(end), "-----END %s-----", label);

    while (rest->len != 0 && space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
    }
    if (rest->len == 0) {
        *len = 0;
        return CM_OK;
    }
    if (rest->len < (size_t)bl || memcmp(rest->ptr, begin, (size_t)bl) != 0) {
        return CM_ERR_FORMAT;
    }
    rest->ptr += bl;
    rest->len -= (size_t)bl;
    while (rest->len != 0 && rest->ptr[0] != '-') {
        if (!space(rest->ptr[0])) {
            if (n == cap) {
                return CM_ERR_FORMAT;
            }
            der[n++] = rest->ptr[0];
        }
        rest->ptr++;
        rest->len--;
    }
    if (rest->len < (size_t)el || memcmp(rest->ptr, end, (size_t)el) != 0) {
        return CM_ERR_FORMAT;
    }
    rest->ptr += el;
    rest->len -= (size_t)el;
    /* in place: three bytes never overtake the four characters that they come from */
    if (cm_base64_decode(cm_span_make(der, n), der, cap, len) != CM_OK || *len == 0) {
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_certs_pem(struct cm_certs *set, struct cm_span pem,
                            const struct cm_cert *chain[CM_CERTS_MAX_CHAIN], size_t *count)
{
    uint8_t der[CM_PEM_MAX];
    size_t len = 0;
    enum cm_status st = CM_OK;

    *count = 0;
    for (;;) {
        CM_TRY(cm_pem_next(&pem, "CERTIFICATE", der, sizeof(der), &len));
        if (len == 0) {
            break;
        }
        if (*count == CM_CERTS_MAX_CHAIN) {
            st = CM_ERR_FORMAT;
            goto out;
        }
        CM_TRY(add(set, cm_span_make(der, len), &chain[*count]));
        (*count)++;
    }
    st = *count == 0 ? CM_ERR_FORMAT : CM_OK;
out:
    return st;
}

/* Basic constraints and key usage as the role asks for them; both must be present. */
static bool role_holds(X509 *x, enum cm_cert_role role)
{
    uint32_t flags = X509_get_extension_flags(x);
    uint32_t usage = X509_get_key_usage(x); /* all ones when absent */
    const uint32_t ca_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN;

    if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 || (flags & EXFLAG_BCONS) == 0 ||
        (flags & EXFLAG_KUSAGE) == 0 || X509_get_version(x) != X509_VERSION_3) {
        return false;
    }
    if (role == CM_CERT_SIGNER) {
        return (flags & EXFLAG_CA) == 0 && (usage & KU_DIGITAL_SIGNATURE) != 0;
    }
    return (flags & EXFLAG_CA) != 0 && (usage & ca_usage) == ca_usage;
}

enum cm_status cm_cert_verify(const struct cm_cert *cert, const struct cm_cert *issuer,
                              enum cm_cert_role role, struct cm_why *why)
{
    int ok = 0;

    if (X509_NAME_cmp(X509_get_issuer_name(cert->x509), X509_get_subject_name(issuer->x509)) != 0) {
        cm_why_set(why, "a certificate's issuer is not the next certificate's subject");
        return CM_ERR_MISMATCH;
    }
    if (!role_holds(cert->x509, role)) {
        cm_why_set(why, "a certificate's constraints or key usage do not fit its place");
        return CM_ERR_MISMATCH;
    }
    if (X509_get_signature_nid(cert->x509) != NID_ecdsa_with_SHA256) {
        cm_why_set(why, "a certificate is not signed with ECDSA and SHA-256");
        return CM_ERR_UNSUPPORTED;
    }
    ok = X509_verify(cert->x509, X509_get0_pubkey(issuer->x509));
    ERR_clear_error();
    if (ok != 1) {
        cm_why_set(why, "a certificate's signature does not verify");
        return CM_ERR_SIGNATURE;
    }
    return CM_OK;
}

bool cm_cert_self_issued(const struct cm_cert *cert)
{
    return X509_NAME_cmp(X509_get_issuer_name(cert->x509), X509_get_subject_name(cert->x509)) == 0;
}

bool cm_cert_cn_contains(const struct cm_cert *cert, const char *text)
{
    char cn[256] = "";
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert->x509), NID_commonName, cn,
                                      sizeof(cn));

    return n > 0 && strlen(cn) == (size_t)n && strstr(cn, text) != NULL;
}

struct cm_period cm_cert_period(const struct cm_cert *cert)
{
    return cert->period;
}

const uint8_t *cm_cert_spki_sha256(const struct cm_cert *cert)
{
    return cert->spki_sha256;
}

struct cm_span cm_cert_extension(const struct cm_cert *cert, const char *oid)
{
    ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
    struct cm_span out = {NULL, 0};
    int at = obj == NULL ? -1 : X509_get_ext_by_OBJ(cert->x509, obj, -1);

    if (at >= 0 && X509_get_ext_by_OBJ(cert->x509, obj, at) < 0) {
        const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(X509_get_ext(cert->x509, at));

        out = cm_span_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    }
    ASN1_OBJECT_free(obj);
    return out;
}

enum cm_status cm_cert_check_signature(const struct cm_cert *cert, struct cm_span data,
                                       struct cm_span signature)
{
    return cm_pubkey_verify(cert->key, CM_SIG_ES256, &data, 1, signature);
}
