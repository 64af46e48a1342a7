/* Revocation lists; see certs.h. Untrusted: every byte until the signature has been verified. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/try.h"
#include "evidence/certs_evp.h"

#define CRL_MAX (1u << 20)

struct cm_crl {
    X509_CRL *x509;
    struct cm_period period;
    uint64_t number;
    bool has_number;
};

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* DER from DER, PEM or hexadecimal, told apart by the first byte. */
static enum cm_status to_der(struct cm_span text, uint8_t *der, size_t cap, size_t *len)
{
    if (text.len != 0 && text.ptr[0] == 0x30 && (text.len < 2 || nibble(text.ptr[1]) < 0)) {
        if (text.len > cap) {
            return CM_ERR_FORMAT;
        }
        for (size_t i = 0; i < text.len; i++) {
            der[i] = text.ptr[i];
        }
        *len = text.len;
        return CM_OK;
    }
    if (text.len != 0 && text.ptr[0] == '-') {
        enum cm_status st = cm_pem_next(&text, "X509 CRL", der, cap, len);
        size_t more = 0;
        uint8_t none = 0;

        return st == CM_OK && *len != 0 &&
                       cm_pem_next(&text, "X509 CRL", &none, 1, &more) == CM_OK && more == 0
                   ? CM_OK
                   : CM_ERR_FORMAT;
    }
    while (text.len != 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == 0)) {
        text.len--;
    }
    if (text.len % 2 != 0 || text.len / 2 > cap) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int hi = nibble(text.ptr[i]);
        int lo = nibble(text.ptr[i + 1]);

        if (hi < 0 || lo < 0) {
            return CM_ERR_FORMAT;
        }
        der[i / 2] = (uint8_t)((hi << 4) | lo);
    }
    *len = text.len / 2;
    return CM_OK;
}

static void read_number(struct cm_crl *crl)
{
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl->x509, NID_crl_number, NULL, NULL);

    /* numbers of up to 20 bytes are legal; those beyond 64 bits cannot be compared here */
    crl->has_number = n != NULL && ASN1_INTEGER_get_uint64(&crl->number, n) == 1;
    ASN1_INTEGER_free(n);
}

enum cm_status cm_crl_parse(struct cm_span text, struct cm_crl **out)
{
    struct cm_crl *crl = NULL;
    uint8_t *der = NULL;
    const unsigned char *at = NULL;
    size_t cap = text.len; /* enough for each form */
    size_t len = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (text.len == 0 || text.len > CRL_MAX) {
        return CM_ERR_FORMAT;
    }
    der = malloc(cap);
    crl = calloc(1, sizeof(*crl));
    if (der == NULL || crl == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(to_der(text, der, cap, &len));
    at = der;
    crl->x509 = d2i_X509_CRL(NULL, &at, (long)len);
    if (crl->x509 == NULL || at != der + len ||
        !cm_asn1_seconds(X509_CRL_get0_lastUpdate(crl->x509), &crl->period.not_before) ||
        !cm_asn1_seconds(X509_CRL_get0_nextUpdate(crl->x509), &crl->period.not_after)) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    read_number(crl);
    *out = crl;
    crl = NULL;
out:
    ERR_clear_error();
    cm_crl_free(crl);
    free(der);
    return st;
}

void cm_crl_free(struct cm_crl *crl)
{
    if (crl != NULL) {
        X509_CRL_free(crl->x509);
        free(crl);
    }
}

/* An extension that is critical and not understood could change what the list means. */
static bool unknown_critical(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i))) {
            return true;
        }
    }
    return false;
}

enum cm_status cm_crl_verify(const struct cm_crl *crl, const struct cm_cert *issuer,
                             struct cm_why *why)
{
    int ok = 0;

    if (X509_NAME_cmp(X509_CRL_get_issuer(crl->x509), X509_get_subject_name(issuer->x509)) != 0) {
        cm_why_set(why, "the revocation list is another CA's");
        return CM_ERR_MISMATCH;
    }
    if (!crl->has_number || X509_CRL_get_version(crl->x509) != X509_CRL_VERSION_2 ||
        unknown_critical(crl->x509)) {
        cm_why_set(why, "the revocation list has no number, or an unknown critical extension");
        return CM_ERR_FORMAT;
    }
    ok = X509_CRL_verify(crl->x509, X509_get0_pubkey(issuer->x509));
    ERR_clear_error();
    if (ok != 1) {
        cm_why_set(why, "the revocation list's signature does not verify");
        return CM_ERR_SIGNATURE;
    }
    return CM_OK;
}

struct cm_period cm_crl_period(const struct cm_crl *crl)
{
    return crl->period;
}

uint64_t cm_crl_number(const struct cm_crl *crl)
{
    return crl->number;
}

bool cm_crl_revokes(const struct cm_crl *crl, const struct cm_cert *cert)
{
    X509_REVOKED *entry = NULL;
    ASN1_INTEGER *serial = X509_get_serialNumber(cert->x509);

    return X509_CRL_get0_by_serial(crl->x509, &entry, serial) != 0; /* 2: removed from list */
}
