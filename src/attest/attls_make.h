/* Writing certificates of attested TLS, with OpenSSL. Enclave side, and the host's tests. */
#ifndef CM_ATTEST_ATTLS_MAKE_H
#define CM_ATTEST_ATTLS_MAKE_H

#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

#include "common/span.h"

#define CM_ATTLS_SUBJECT    "CN=Open Enclave SDK,O=OESDK TLS,C=US"
#define CM_ATTLS_NOT_BEFORE "20190501000000"
#define CM_ATTLS_NOT_AFTER  "20501231235959"

/* A key pair in OpenSSL's form; opaque here. */
struct cm_attls_keys;

/**
 * Read and compare both halves.
 * @retval OE_INVALID_PARAMETER  malformed, of another kind than the API names, or not one pair
 */
oe_result_t cm_attls_keys_read(struct cm_span private_pem, struct cm_span public_pem,
                               struct cm_attls_keys **out);
/** Accepts NULL; wipes. */
void cm_attls_keys_free(struct cm_attls_keys *keys);

/** What evidence has to bind: the public key as PEM with its terminator; see attls_cert.h. */
oe_result_t cm_attls_keys_text(const struct cm_attls_keys *keys, char *out, size_t cap,
                               size_t *len);

struct cm_attls_wanted {
    const char *subject; /* NULL: CM_ATTLS_SUBJECT */
    const char *not_before;
    const char *not_after; /* YYYYMMDDHHMMSS */
    const uint8_t *oid;    /* CM_ATTLS_OID_SIZE bytes, content */
    struct cm_span statement;
};

/**
 * @param der  malloced, set on OE_OK only.
 * @retval OE_INVALID_PARAMETER  subject or dates
 */
oe_result_t cm_attls_cert_make(const struct cm_attls_keys *keys, const struct cm_attls_wanted *want,
                               uint8_t **der, size_t *der_len);

#endif
