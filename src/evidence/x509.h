/*
 * What certificates and revocation lists have in common, in strict DER (RFC 5280), version 3, names
 * compared byte by byte. The profile CM_CERTS_DCAP is that of quotes' chains and nothing more: P-256
 * keys, ECDSA with SHA-256. Reading it ourselves refuses what general libraries forgive, and costs a
 * tenth.
 */
#ifndef CM_EVIDENCE_X509_H
#define CM_EVIDENCE_X509_H

#include <stdatomic.h>

#include "crypto/pubkey.h"
#include "evidence/certs.h"
#include "evidence/der.h"

#define CM_X509_MAX_EXTENSIONS 32
#define CM_SPKI_P256_SIZE      91
#define CM_PEM_MAX             16384 /* characters of one certificate */

/* The signed outer form that both have: what is signed, and the signature as r || s. */
struct cm_x509_signed {
    struct cm_span tbs; /* with tag and length: these bytes are signed */
    struct cm_span alg; /* AlgorithmIdentifier, to be equal to the one inside */
    enum cm_x509_scheme scheme;
    enum cm_hash_alg hash;
    struct cm_span sealed; /* the signature as it stands there: DER for ECDSA */
    uint8_t signature[64]; /* CM_CERTS_DCAP: as r || s */
};

/* One extension. */
struct cm_x509_ext {
    struct cm_span oid;
    bool critical;
    struct cm_span value;
};

/** Split SEQUENCE { tbs, algorithm, signature }. @retval CM_ERR_UNSUPPORTED another algorithm */
CM_MUST_USE enum cm_status cm_x509_split(struct cm_span der, enum cm_cert_profile profile,
                                         struct cm_x509_signed *out);

/**
 * An AlgorithmIdentifier of a signature: ECDSA, RSASSA-PKCS1-v1_5 or RSASSA-PSS with SHA-256, SHA-384 or
 * SHA-512. PSS must say everything: the hash, MGF1 with the same hash, a salt as long as the hash.
 * @retval CM_ERR_FORMAT @retval CM_ERR_UNSUPPORTED
 */
CM_MUST_USE enum cm_status cm_x509_algorithm(struct cm_span alg, enum cm_x509_scheme *scheme,
                                             enum cm_hash_alg *hash);

/** A SubjectPublicKeyInfo: uncompressed point on a named curve, or rsaEncryption. */
CM_MUST_USE enum cm_status cm_x509_key(struct cm_span spki, struct cm_pubkey **out);

/** Verify the outer form with a key, in the profile that it was split in. */
CM_MUST_USE enum cm_status cm_x509_check(const struct cm_x509_signed *outer,
                                         const struct cm_pubkey *key, enum cm_cert_profile profile);

/** A UTCTime or GeneralizedTime; makes the reader bad when it is neither. */
uint64_t cm_x509_time(struct cm_rd *r);

/**
 * A Name: printable ASCII only, one attribute a place.
 * @param name  with tag and length.
 * @param cn    the common name; {NULL, 0} when there is none or more than one.
 * @retval CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_x509_name(struct cm_span name, struct cm_span *cn);

/** A Name of CM_CERTS_GENERAL: any text, several attributes a place; cn only if printable ASCII. */
CM_MUST_USE enum cm_status cm_x509_name_general(struct cm_span name, struct cm_span *cn);

/** A list of extensions: each OID once. Makes the reader bad when malformed. */
size_t cm_x509_extensions(struct cm_rd *r, struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS]);

/** The same, but "critical" may be written although it is FALSE, as some makers do. */
size_t cm_x509_extensions_general(struct cm_rd *r, struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS]);

/** The extension with this OID (DER content), or NULL. */
const struct cm_x509_ext *cm_x509_find(const struct cm_x509_ext *exts, size_t count,
                                       const void *oid, size_t oid_len);

/** The key identifier of an AuthorityKeyIdentifier's value; {NULL, 0} when it names none. */
CM_MUST_USE enum cm_status cm_x509_aki(struct cm_span value, struct cm_span *out);

/** The same, but an issuer's name and serial number may stand behind it (they are not read). */
CM_MUST_USE enum cm_status cm_x509_aki_general(struct cm_span value, struct cm_span *out);

/**
 * Decode the next PEM block of a label; *len is 0 at the end of the text. The buffer must hold the
 * block's characters, since they are decoded in place.
 * @retval CM_ERR_FORMAT anything else than white space and such blocks
 */
enum cm_status cm_pem_next(struct cm_span *rest, const char *label, uint8_t *der, size_t cap,
                           size_t *len);

/* A fact of a certificate's bytes that took a verification to find out: so it is kept, and never changes. */
struct cm_cert_mark {
    atomic_int state; /* MARK_*; of may be read once it is MARK_SET */
    uint8_t of[32];
};

/* A parsed certificate; all spans point into der. Immutable but for users and the marks. */
struct cm_cert {
    enum cm_cert_profile profile;
    atomic_uint users;              /* sets and caches that hold it */
    struct cm_cert_mark issuer_key; /* that the signature verified under */
    struct cm_cert_mark
        statement; /* that verified under the subject's key: SHA-256 of it and its signature */
    uint8_t *der;
    size_t der_len;
    struct cm_x509_signed outer;
    struct cm_span serial; /* content of the INTEGER */
    struct cm_span issuer; /* Name, with tag and length */
    struct cm_span subject;
    struct cm_span cn; /* of the subject; {NULL, 0} when it has none or several */
    struct cm_span issuer_cn;
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

/** @param cert  zeroed; profile set and der copied by the caller already. */
CM_MUST_USE enum cm_status cm_cert_parse(struct cm_cert *cert);

/** A parsed certificate of its own, with one user. */
CM_MUST_USE enum cm_status cm_cert_create(struct cm_span der, enum cm_cert_profile profile,
                                          struct cm_cert **out);
void cm_cert_hold(struct cm_cert *cert);
/** The last user frees it. Accepts NULL. */
void cm_cert_release(struct cm_cert *cert);

#endif
