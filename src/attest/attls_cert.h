/*
 * Certificates of attested TLS: self-signed X.509 that carries the evidence of an enclave in an
 * extension, and the key of a TLS connection that this evidence speaks of. Strict DER; every byte is
 * UNTRUSTED. What the evidence says is not judged here.
 */
#ifndef CM_ATTEST_ATTLS_CERT_H
#define CM_ATTEST_ATTLS_CERT_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"
#include "evidence/certs.h"

#define CM_ATTLS_MAX_CERT 65536u
#define CM_ATTLS_MAX_PEM  2048u /* of a public key of RSA-8192 */

/* The content of the extensions' OIDs. Both numbers are read, the new one is written. */
#define CM_ATTLS_OID_SIZE 9u
extern const uint8_t cm_attls_oid_report[CM_ATTLS_OID_SIZE];   /* 1.3.6.1.4.1.311.105.1 */
extern const uint8_t cm_attls_oid_evidence[CM_ATTLS_OID_SIZE]; /* 1.3.6.1.4.1.311.105.2 */

/* All spans point into the certificate. */
struct cm_attls_cert {
    struct cm_span spki; /* SubjectPublicKeyInfo, with tag and length */
    struct cm_period period;
    bool legacy;              /* statement is a report, otherwise evidence behind a header */
    struct cm_span statement; /* content of the extension */
};

/**
 * Take a certificate apart and verify that its own key has signed it.
 *
 * @retval CM_ERR_FORMAT       malformed, trailing bytes, not DER
 * @retval CM_ERR_NOTFOUND     no extension with evidence or a report
 * @retval CM_ERR_UNSUPPORTED  a key or signature other than P-256/384/521 with SHA-256/384/512 and RSA
 * @retval CM_ERR_MISMATCH     issued by somebody else, a CA, a key that may not sign, more than one
 *                             statement, an unknown critical extension
 * @retval CM_ERR_SIGNATURE    the signature does not verify
 */
CM_MUST_USE enum cm_status cm_attls_cert_read(struct cm_span der, struct cm_attls_cert *out,
                                              struct cm_why *why);

/**
 * PEM of a SubjectPublicKeyInfo as OpenSSL writes it, NUL-terminated: with the terminator, these are
 * the bytes that the evidence of a certificate binds.
 * @param len  with the terminator.
 * @retval CM_ERR_SPACE
 */
CM_MUST_USE enum cm_status cm_attls_pem(struct cm_span spki, char *out, size_t cap, size_t *len);

#endif
