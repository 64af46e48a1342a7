/*
 * Certificates and revocation lists of the chains of all evidence, in strict DER (x509.h). A set
 * parses identical bytes once: the same root and signer stand in several chains. chain.h verifies
 * chains of the general profile; DCAP's are verified link by link with cm_cert_verify().
 */
#ifndef CM_EVIDENCE_CERTS_H
#define CM_EVIDENCE_CERTS_H

#include <casemate/verify.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_CERTS_MAX         12 /* in a set of CM_CERTS_DCAP */
#define CM_CERTS_MAX_CHAIN   4  /* in one text of CM_CERTS_DCAP */
#define CM_CERTS_MAX_GENERAL 64 /* in a set of CM_CERTS_GENERAL */
#define CM_CERT_MAX_SIZE     16384

/** What certificates a set takes. */
enum cm_cert_profile {
    /* keys on P-256, ECDSA with SHA-256, one printable attribute a place of a name, nothing else */
    CM_CERTS_DCAP = 0,
    /* keys on P-256, P-384, P-521 or RSA of 2048 to 8192 bits; ECDSA, PKCS#1 v1.5 and PSS with SHA-256,
       SHA-384, SHA-512; any names, an empty subject only with a critical alternative name */
    CM_CERTS_GENERAL,
};

struct cm_pubkey;

struct cm_cert; /* one parsed certificate; belongs to its set */
struct cm_certs;

/** A period in seconds since 1970. */
struct cm_period {
    uint64_t not_before;
    uint64_t not_after;
};

/** An empty set of CM_CERTS_DCAP. */
CM_MUST_USE enum cm_status cm_certs_create(struct cm_certs **out);
/** An empty set of CM_CERTS_GENERAL; what cache (or NULL) holds is not parsed again. */
CM_MUST_USE enum cm_status cm_certs_create_general(struct cm_cert_cache *cache,
                                                   struct cm_certs **out);
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

/**
 * Add certificates to a set of CM_CERTS_GENERAL: PEM, or DER, one behind the other.
 * @param list   or NULL; receives the certificates in their order, at most cap of them.
 * @param count  or NULL; how many they are.
 * @retval CM_ERR_FORMAT malformed or none   @retval CM_ERR_LIMIT more than cap, or the set is full
 * @retval CM_ERR_UNSUPPORTED a key or an algorithm that the profile has not
 */
CM_MUST_USE enum cm_status cm_certs_add(struct cm_certs *set, struct cm_span bytes,
                                        const struct cm_cert **list, size_t cap, size_t *count);

/** The certificates of a set; NULL beyond the last. */
const struct cm_cert *cm_certs_at(const struct cm_certs *set, size_t index);

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

/**
 * Whether the signature verifies under a key; nothing else is looked at. The answer is kept with the
 * certificate, also beyond this set if it is in a cache.
 * @retval CM_ERR_SIGNATURE @retval CM_ERR_MISMATCH the key is of another kind
 */
CM_MUST_USE enum cm_status cm_cert_signed_by(const struct cm_cert *cert,
                                             const struct cm_cert *issuer);

bool cm_cert_self_issued(const struct cm_cert *cert);
/** The subject's one common name, printable ASCII; {NULL, 0} when it has none or several. */
struct cm_span cm_cert_cn(const struct cm_cert *cert);
/** The same of the issuer. */
struct cm_span cm_cert_issuer_cn(const struct cm_cert *cert);
/** Whether a common name is text. */
bool cm_cert_name_is(struct cm_span cn, const char *text);
/** The subject's key; lives as long as the set. */
const struct cm_pubkey *cm_cert_key(const struct cm_cert *cert);
/** Subject, issuer: the whole Name in DER, with tag and length. */
struct cm_span cm_cert_subject(const struct cm_cert *cert);
struct cm_span cm_cert_issuer(const struct cm_cert *cert);
/** The serial number's content in DER: signed, big endian. */
struct cm_span cm_cert_serial(const struct cm_cert *cert);
/** Whether the subject's common name contains text. */
bool cm_cert_cn_contains(const struct cm_cert *cert, const char *text);
/** Whether basic constraints say that it is a CA's. */
bool cm_cert_is_ca(const struct cm_cert *cert);
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
/**
 * The same of what this subject signs once and others show time and again, as a PCK key does its quoting enclave's
 * report: the first statement that verifies is remembered with the certificate, byte for byte.
 */
CM_MUST_USE enum cm_status cm_cert_check_statement(const struct cm_cert *cert, struct cm_span data,
                                                   struct cm_span signature);

struct cm_crl;
/**
 * DER, PEM, or DER in hexadecimal; version 2 with both dates and a number.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED (another algorithm)
 */
CM_MUST_USE enum cm_status cm_crl_parse(struct cm_span text, struct cm_crl **out);
/** The same for the algorithms of CM_CERTS_GENERAL; a number need not be there (then it is 0). */
CM_MUST_USE enum cm_status cm_crl_parse_general(struct cm_span text, struct cm_crl **out);
/** The issuer's Name in DER, with tag and length. */
struct cm_span cm_crl_issuer(const struct cm_crl *crl);
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
