/* A certificate's key and dates; see cert_key.h. Untrusted: the text. */
#include "crypto/cert_key.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/try.h"
#include "crypto/pubkey_evp.h"

static enum cm_status seconds(const ASN1_TIME *t, uint64_t *out)
{
    struct tm tm = {0};
    time_t s = 0;

    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
        return CM_ERR_FORMAT;
    }
    s = timegm(&tm);
    if (s < 0) {
        return CM_ERR_FORMAT;
    }
    *out = (uint64_t)s;
    return CM_OK;
}

static enum cm_status subject(const X509 *cert, char out[CM_CERT_NAME_MAX])
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum cm_status st = CM_ERR_NOMEM;
    int n = 0;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
        n = BIO_read(bio, out, CM_CERT_NAME_MAX - 1);
        out[n > 0 ? n : 0] = '\0';
        st = CM_OK;
    }
    BIO_free(bio);
    return st;
}

enum cm_status cm_cert_facts_from_pem(struct cm_span pem, struct cm_cert_facts *out)
{
    BIO *bio = NULL;
    X509 *cert = NULL;
    int len = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (pem.len > INT_MAX) {
        return CM_ERR_LIMIT;
    }
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, cm_evp_no_passphrase, NULL);
    if (cert == NULL) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    len = i2d_X509(cert, &out->der);
    if (len <= 0) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    out->der_len = (size_t)len;
    CM_TRY(seconds(X509_get0_notBefore(cert), &out->not_before));
    CM_TRY(seconds(X509_get0_notAfter(cert), &out->not_after));
    CM_TRY(subject(cert, out->subject));
    if (X509_get0_pubkey(cert) == NULL) {
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    st = cm_pubkey_from_evp(X509_get0_pubkey(cert), &out->key);
out:
    X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return st;
}

void cm_cert_facts_free(struct cm_cert_facts *facts)
{
    OPENSSL_free(facts->der);
    cm_pubkey_free(facts->key);
    facts->der = NULL;
    facts->key = NULL;
}
