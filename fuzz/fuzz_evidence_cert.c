/*
 * Certificates and revocation lists, against OpenSSL's reader: what both accept, both understand in
 * the same way: dates, constraints. Each refuses some that the other takes: ours more, by far; OpenSSL
 * also looks into fields that ours passes over, whose bytes only the signature vouches for. The first
 * byte says which: 'c' for a certificate in DER, 'l' for a list in any form.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
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

static void certificate(const unsigned char *der, size_t len)
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
    if (cm_cert_parse(c) == CM_OK) {
        x = d2i_X509(NULL, &at, (long)len);
        if (x != NULL && at == der + len && X509_get0_pubkey(x) != NULL) {
            if (X509_get_version(x) != X509_VERSION_3) {
                abort();
            }
            same_time(c->period.not_before, X509_get0_notBefore(x));
            same_time(c->period.not_after, X509_get0_notAfter(x));
            same_constraints(c, x);
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
    if (data[0] == 'c') {
        certificate(data + 1, size - 1);
    } else if (cm_crl_parse(cm_span_make(data + 1, size - 1), &crl) == CM_OK && data[1] == 0x30) {
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
