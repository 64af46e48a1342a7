/* Private to certs.c and crl.c: OpenSSL's side of certificates. */
#ifndef CM_EVIDENCE_CERTS_EVP_H
#define CM_EVIDENCE_CERTS_EVP_H

#include <openssl/x509.h>

#include "crypto/pubkey.h"
#include "evidence/certs.h"

#define CM_PEM_MAX 16384 /* characters of one certificate */

struct cm_cert {
    X509 *x509;
    struct cm_pubkey *key;
    uint8_t *der;
    size_t der_len;
    struct cm_period period;
    uint8_t spki_sha256[32];
};

/** An ASN.1 time as seconds since 1970; false before that or when malformed. */
bool cm_asn1_seconds(const ASN1_TIME *t, uint64_t *out);

/**
 * Decode the next PEM block of a label; *len is 0 at the end of the text. The buffer must hold the
 * block's characters, since they are decoded in place.
 * @retval CM_ERR_FORMAT anything else than white space and such blocks
 */
enum cm_status cm_pem_next(struct cm_span *rest, const char *label, uint8_t *der, size_t cap,
                           size_t *len);

#endif
