/*
 * Certificates and revocation lists of a quote's chains, in strict DER (x509.h has the profile). A
 * set parses identical bytes once: the same root and signer stand in several chains.
 */
#ifndef CM_EVIDENCE_CERTS_H
#define CM_EVIDENCE_CERTS_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_CERTS_MAX       12
#define CM_CERTS_MAX_CHAIN 4

struct cm_cert; /* one parsed certificate; belongs to its set */
struct cm_certs;

/** A period in seconds since 1970. */
struct cm_period {
    uint64_t not_before;
    uint64_t not_after;
};

CM_MUST_USE enum cm_status cm_certs_create(struct cm_certs **out);
/** Accepts NULL. */
void cm_certs_free(struct cm_certs *set);

/**
 * Parse a chain in PEM: only certificates, white space and closing NUL bytes.
 * @param chain  set to the certificates in the order of the text.
 * @retval CM_ERR_FORMAT malformed, none, or more than CM_CERTS_MAX_CHAIN
 * @retval CM_ERR_UNSUPPORTED a key that is not on P-256, or another algorithm than ECDSA-SHA-256
 */
CM_MUST_USE enum cm_status cm_certs_pem(struct cm_certs *set, struct cm_span pem,
                                        const struct cm_cert *chain[CM_CERTS_MAX_CHAIN],
                                        size_t *count);

/** What a certificate must be for its place in a chain. */
enum cm_cert_role {
    CM_CERT_ROOT,   /* self-issued CA */
    CM_CERT_CA,     /* CA that may sign certificates and revocation lists */
    CM_CERT_SIGNER, /* no CA; digital signatures */
};

/**
 * Verify one link: names, key identifiers where both have them, role (basicConstraints, path
 * length and key usage), no unknown critical extension, signature. Validity periods are the
 * caller's.
 * @retval CM_ERR_MISMATCH issuer's name or key differs, or the role's constraints do not hold
 * @retval CM_ERR_SIGNATURE the signature does not verify
 */
CM_MUST_USE enum cm_status cm_cert_verify(const struct cm_cert *cert, const struct cm_cert *issuer,
                                          enum cm_cert_role role, struct cm_why *why);

bool cm_cert_self_issued(const struct cm_cert *cert);
/** The subject's one common name, printable ASCII; {NULL, 0} when it has none or several. */
struct cm_span cm_cert_cn(const struct cm_cert *cert);
/** Whether the subject's common name contains text. */
bool cm_cert_cn_contains(const struct cm_cert *cert, const char *text);
struct cm_period cm_cert_period(const struct cm_cert *cert);
/** The certificate's own bytes; they live as long as its set. */
struct cm_span cm_cert_der(const struct cm_cert *cert);
/** SHA-256 of the SubjectPublicKeyInfo. */
const uint8_t *cm_cert_spki_sha256(const struct cm_cert *cert);
/** The content of the extension with this OID (its DER content); {NULL, 0} when absent. */
struct cm_span cm_cert_extension(const struct cm_cert *cert, struct cm_span oid);

/** Whether a text is exactly this one certificate in PEM. */
bool cm_cert_is_pem(const struct cm_cert *cert, struct cm_span pem);

/** Verify a raw 64-byte ECDSA P-256 signature with the subject's key. */
CM_MUST_USE enum cm_status cm_cert_check_signature(const struct cm_cert *cert, struct cm_span data,
                                                   struct cm_span signature);

struct cm_crl;
/**
 * DER, PEM, or DER in hexadecimal; version 2 with both dates and a number.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED (another algorithm)
 */
CM_MUST_USE enum cm_status cm_crl_parse(struct cm_span text, struct cm_crl **out);
/** Accepts NULL. */
void cm_crl_free(struct cm_crl *crl);
/**
 * Issuer's name, key identifier and signature, no critical extension.
 * @retval CM_ERR_MISMATCH another issuer   @retval CM_ERR_SIGNATURE @retval CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_crl_verify(const struct cm_crl *crl, const struct cm_cert *issuer,
                                         struct cm_why *why);
struct cm_period cm_crl_period(const struct cm_crl *crl);
uint64_t cm_crl_number(const struct cm_crl *crl);
/** Whether the certificate's serial number stands in the list. */
bool cm_crl_revokes(const struct cm_crl *crl, const struct cm_cert *cert);

#endif
