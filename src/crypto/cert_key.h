/*
 * What an X.509 certificate of any version says about its subject, where nobody verifies the certificate
 * itself: a signer that is known by his certificate's own hash. Chains are src/evidence/chain.h's.
 */
#ifndef CM_CRYPTO_CERT_KEY_H
#define CM_CRYPTO_CERT_KEY_H

#include "crypto/pubkey.h"

#define CM_CERT_NAME_MAX 512

struct cm_cert_facts {
    uint8_t *der; /* the first certificate of the text, exactly as it is encoded */
    size_t der_len;
    struct cm_pubkey *key;
    uint64_t not_before; /* seconds since 1970 */
    uint64_t not_after;
    char subject[CM_CERT_NAME_MAX]; /* RFC 2253, truncated; control characters are escaped */
};

/**
 * Read the first certificate of a PEM text.
 * @param out  freed by the caller with cm_cert_facts_free(), also after a failure.
 * @retval CM_ERR_FORMAT no certificate   @retval CM_ERR_UNSUPPORTED another kind of key than pubkey.h has
 */
CM_MUST_USE enum cm_status cm_cert_facts_from_pem(struct cm_span pem, struct cm_cert_facts *out);
void cm_cert_facts_free(struct cm_cert_facts *facts);

#endif
