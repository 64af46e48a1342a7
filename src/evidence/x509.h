/*
 * What certificates and revocation lists have in common, in strict DER (RFC 5280). The profile is
 * that of quotes' chains and nothing more: version 3, P-256 keys, ECDSA with SHA-256, names compared
 * byte by byte. Reading it ourselves refuses what general libraries forgive, and costs a tenth.
 */
#ifndef CM_EVIDENCE_X509_H
#define CM_EVIDENCE_X509_H

#include "evidence/certs.h"
#include "evidence/der.h"

#define CM_X509_MAX_EXTENSIONS 32
#define CM_SPKI_P256_SIZE      91
#define CM_PEM_MAX             16384 /* characters of one certificate */

/* The signed outer form that both have: what is signed, and the signature as r || s. */
struct cm_x509_signed {
    struct cm_span tbs; /* with tag and length: these bytes are signed */
    struct cm_span alg; /* AlgorithmIdentifier, to be equal to the one inside */
    uint8_t signature[64];
};

/* One extension. */
struct cm_x509_ext {
    struct cm_span oid;
    bool critical;
    struct cm_span value;
};

/** Split SEQUENCE { tbs, algorithm, signature }. @retval CM_ERR_UNSUPPORTED another algorithm */
CM_MUST_USE enum cm_status cm_x509_split(struct cm_span der, struct cm_x509_signed *out);

/** A UTCTime or GeneralizedTime; makes the reader bad when it is neither. */
uint64_t cm_x509_time(struct cm_rd *r);

/**
 * A Name: printable ASCII only, one attribute a place.
 * @param name  with tag and length.
 * @param cn    the common name; {NULL, 0} when there is none or more than one.
 * @retval CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_x509_name(struct cm_span name, struct cm_span *cn);

/** A list of extensions: each OID once. Makes the reader bad when malformed. */
size_t cm_x509_extensions(struct cm_rd *r, struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS]);

/** The extension with this OID (DER content), or NULL. */
const struct cm_x509_ext *cm_x509_find(const struct cm_x509_ext *exts, size_t count,
                                       const void *oid, size_t oid_len);

/** The key identifier of an AuthorityKeyIdentifier's value; {NULL, 0} when it names none. */
CM_MUST_USE enum cm_status cm_x509_aki(struct cm_span value, struct cm_span *out);

/**
 * Decode the next PEM block of a label; *len is 0 at the end of the text. The buffer must hold the
 * block's characters, since they are decoded in place.
 * @retval CM_ERR_FORMAT anything else than white space and such blocks
 */
enum cm_status cm_pem_next(struct cm_span *rest, const char *label, uint8_t *der, size_t cap,
                           size_t *len);

/* A parsed certificate; all spans point into der. */
struct cm_cert {
    uint8_t *der;
    size_t der_len;
    struct cm_x509_signed outer;
    struct cm_span serial; /* content of the INTEGER */
    struct cm_span issuer; /* Name, with tag and length */
    struct cm_span subject;
    struct cm_span cn; /* of the subject; {NULL, 0} when it has none or several */
    struct cm_period period;
    uint8_t spki_sha256[32];
    struct cm_pubkey *key;
    struct cm_x509_ext exts[CM_X509_MAX_EXTENSIONS];
    size_t ext_count;
    struct cm_span aki; /* {NULL, 0} when absent */
    struct cm_span ski;
    bool has_constraints;
    bool ca;
    bool has_pathlen;
    uint8_t pathlen;
    bool has_usage;
    unsigned usage; /* first byte of the bit string: 0x80 digitalSignature, 0x04, 0x02 CA */
    bool unknown_critical;
};

/** @param cert  zeroed; der copied by the caller already. */
CM_MUST_USE enum cm_status cm_cert_parse(struct cm_cert *cert);

#endif
