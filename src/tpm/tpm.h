/*
 * TPM 2.0 quotes taken apart and verified: TPMS_ATTEST, TPMT_SIGNATURE, values of PCRs and the public
 * area of the attestation key (TPM 2.0 Library Specification, Part 2: 10.12, 11.3, 10.6, 12.2). Everything
 * here is big endian and UNTRUSTED until cm_tpm_quote_verify() says otherwise.
 *
 * The rule that others have forgotten: which PCR a value is of is said by the SIGNED selection alone.
 */
#ifndef CM_TPM_TPM_H
#define CM_TPM_TPM_H

#include <casemate/verify.h>

#include "common/reader.h"
#include "crypto/hash.h"
#include "crypto/pubkey.h"

/* TPM_ALG_ID (TCG Algorithm Registry) */
#define CM_TPM_ALG_RSA       0x0001
#define CM_TPM_ALG_SHA1      0x0004
#define CM_TPM_ALG_AES       0x0006
#define CM_TPM_ALG_KEYEDHASH 0x0008
#define CM_TPM_ALG_SHA256    0x000B
#define CM_TPM_ALG_SHA384    0x000C
#define CM_TPM_ALG_SHA512    0x000D
#define CM_TPM_ALG_NULL      0x0010
#define CM_TPM_ALG_SM3_256   0x0012
#define CM_TPM_ALG_RSASSA    0x0014
#define CM_TPM_ALG_RSAPSS    0x0016
#define CM_TPM_ALG_ECDSA     0x0018
#define CM_TPM_ALG_ECDAA     0x001A
#define CM_TPM_ALG_ECC       0x0023
#define CM_TPM_ALG_SHA3_256  0x0027
#define CM_TPM_ALG_SHA3_384  0x0028
#define CM_TPM_ALG_SHA3_512  0x0029
#define CM_TPM_ALG_CFB       0x0043

#define CM_TPM_MAGIC         0xFF544347u /* TPM_GENERATED_VALUE */
#define CM_TPM_ST_QUOTE      0x8018
#define CM_TPM_MAX_DIGEST    64
#define CM_TPM_PCRS          32 /* the widest bitmap that is read: 4 bytes */
#define CM_TPM_MAX_SELECTION 16 /* HASH_COUNT */
#define CM_TPM_MAX_BANKS     8

/* TPMA_OBJECT, Part 2, 8.3 */
#define CM_TPM_FIXED_TPM    0x00000002u
#define CM_TPM_FIXED_PARENT 0x00000010u
#define CM_TPM_SENSITIVE    0x00000020u /* sensitiveDataOrigin: the TPM made the key */
#define CM_TPM_RESTRICTED   0x00010000u
#define CM_TPM_DECRYPT      0x00020000u
#define CM_TPM_SIGN         0x00040000u

/** Bytes of a hash; 0 for one that is not known. */
size_t cm_tpm_hash_size(uint16_t alg);
/** "sha-1", "sha-256", "sm3", ...; NULL for one that is not known. */
const char *cm_tpm_hash_name(uint16_t alg);
/** The hash that is computed for a number: SHA-1 or SHA-2; false for any other. */
bool cm_tpm_hash_alg(uint16_t alg, enum cm_hash_alg *out);
/** Hash the concatenation of parts. @retval CM_ERR_UNSUPPORTED not SHA-1 or SHA-2 */
CM_MUST_USE enum cm_status cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                                       uint8_t out[CM_TPM_MAX_DIGEST]);
/** "pcr0" to "pcr31": static. */
const char *cm_tpm_pcr_name(unsigned pcr);

/** One TPMS_PCR_SELECTION. */
struct cm_tpm_selection {
    uint16_t alg;
    uint32_t mask; /* bit n: PCR n */
};

/** TPMS_ATTEST of a quote. Spans point into bytes. */
struct cm_tpm_attest {
    struct cm_span bytes;      /* what is signed */
    struct cm_span signer;     /* qualifiedSigner */
    struct cm_span extra_data; /* what the attester was challenged with */
    uint64_t clock;            /* milliseconds that the TPM has been powered */
    uint32_t reset_count;
    uint32_t restart_count;
    bool safe; /* clock never went back */
    uint64_t firmware_version;
    struct cm_tpm_selection sel[CM_TPM_MAX_SELECTION];
    size_t sel_count;
    struct cm_span pcr_digest;
};

/**
 * Take a TPMS_ATTEST apart, exactly.
 * @retval CM_ERR_FORMAT  malformed, not made by a TPM (magic), or a bitmap beyond CM_TPM_PCRS
 * @retval CM_ERR_UNSUPPORTED  another type of attestation than a quote, or an unknown bank
 */
CM_MUST_USE enum cm_status cm_tpm_attest_parse(struct cm_span bytes, struct cm_tpm_attest *out,
                                               struct cm_why *why);

/** TPMT_SIGNATURE, or a raw signature whose scheme and hash nothing says. */
struct cm_tpm_signature {
    uint16_t scheme; /* RSASSA, RSAPSS, ECDSA; NULL: raw */
    uint16_t hash;
    struct cm_span r; /* or the RSA signature, or all of a raw one */
    struct cm_span s;
};

/** @param raw_ok  what is no TPMT_SIGNATURE is a raw one. @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_tpm_signature_parse(struct cm_span bytes, bool raw_ok,
                                                  struct cm_tpm_signature *out, struct cm_why *why);

/**
 * Verify a signature over an attestation. A raw RSA signature may be of either scheme, a raw ECDSA one in
 * DER or r || s; its hash is that of pcr_digest, which the TPM makes with its scheme's hash. SHA-1 never.
 * @retval CM_ERR_SIGNATURE @retval CM_ERR_MISMATCH another kind of key @retval CM_ERR_UNSUPPORTED
 */
CM_MUST_USE enum cm_status cm_tpm_signature_verify(const struct cm_tpm_signature *sig,
                                                   const struct cm_tpm_attest *att,
                                                   const struct cm_pubkey *ak, uint16_t *hash);

/** Values of PCRs by bank, as a selection labels them. */
struct cm_tpm_bank {
    uint16_t alg;
    uint32_t mask; /* which are there */
    uint8_t value[CM_TPM_PCRS][CM_TPM_MAX_DIGEST];
};

struct cm_tpm_pcrs {
    size_t count;
    struct cm_tpm_bank bank[CM_TPM_MAX_BANKS];
};

/**
 * Values for a selection: raw, one behind the other in order of selection; or as tpm2-tools keeps them
 * ("serialized": TPML_PCR_SELECTION, then lists of TPM2B_DIGEST, little endian as on its host), whose own
 * selection must be that of the quote: bank by bank, PCR by PCR.
 *
 * @param out  labelled by the selection of att and by nothing else.
 * @retval CM_ERR_FORMAT neither  @retval CM_ERR_MISMATCH the serialised selection is another one
 * @retval CM_ERR_LIMIT more than CM_TPM_MAX_BANKS banks
 */
CM_MUST_USE enum cm_status cm_tpm_pcrs_read(struct cm_span values, const struct cm_tpm_attest *att,
                                            struct cm_tpm_pcrs *out, struct cm_why *why);

/** Set one value. @retval CM_ERR_FORMAT no such PCR or value @retval CM_ERR_LIMIT too many banks */
CM_MUST_USE enum cm_status cm_tpm_pcrs_set(struct cm_tpm_pcrs *pcrs, uint16_t alg, unsigned pcr,
                                           struct cm_span value);

/** The value of a PCR; {NULL, 0} when it is not there. */
struct cm_span cm_tpm_pcrs_get(const struct cm_tpm_pcrs *pcrs, uint16_t alg, unsigned pcr);

/** The PCRs of a bank that a quote selects, in one entry or in several. */
uint32_t cm_tpm_selected(const struct cm_tpm_attest *att, uint16_t alg);

/**
 * Whether the values are what the quote's digest is of, in order of selection, and no others.
 * @param hash  of the signature's scheme.
 * @retval CM_ERR_MISMATCH  they are not, one that was selected is missing, or one was not selected
 */
CM_MUST_USE enum cm_status cm_tpm_pcrs_check(const struct cm_tpm_pcrs *pcrs,
                                             const struct cm_tpm_attest *att, uint16_t hash);

/** TPMT_PUBLIC of an asymmetric key. */
struct cm_tpm_public {
    struct cm_span bytes; /* TPMT_PUBLIC, what the name is a hash of */
    uint16_t type;        /* RSA or ECC */
    uint16_t name_alg;
    uint32_t attributes;
    struct cm_span auth_policy;
    uint16_t symmetric; /* of a storage key, such as an EK: AES */
    uint16_t symmetric_bits;
    uint16_t scheme;
    uint16_t scheme_hash;
    uint16_t curve; /* TPM_ECC_CURVE: 3 is P-256, 4 is P-384, 5 is P-521 */
    uint32_t exponent;
    struct cm_span x; /* or the RSA modulus */
    struct cm_span y;
};

/** TPMT_PUBLIC or TPM2B_PUBLIC, exactly. @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_tpm_public_parse(struct cm_span bytes, struct cm_tpm_public *out,
                                               struct cm_why *why);

/** Whether bytes could be one: looks at the first fields. */
bool cm_tpm_public_recognise(struct cm_span bytes);

/** The key itself. @retval CM_ERR_FORMAT off the curve @retval CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_tpm_public_key(const struct cm_tpm_public *pub,
                                             struct cm_pubkey **out);

/** Whether a public area is that of a key. @retval CM_ERR_MISMATCH, or as cm_tpm_public_key() */
CM_MUST_USE enum cm_status cm_tpm_public_match(const struct cm_tpm_public *pub,
                                               const struct cm_pubkey *key);

/** The object's name: nameAlg || H(TPMT_PUBLIC). @param out  2 + CM_TPM_MAX_DIGEST bytes */
CM_MUST_USE enum cm_status cm_tpm_public_name(const struct cm_tpm_public *pub, uint8_t *out,
                                              size_t *len);

/**
 * Whether a key signs nothing but what its TPM has made: restricted, sign, not decrypt, fixedTPM,
 * sensitiveDataOrigin. Any other key signs every forged TPMS_ATTEST that it is given.
 */
CM_MUST_USE enum cm_status cm_tpm_public_is_ak(const struct cm_tpm_public *pub, struct cm_why *why);

/** A quote and what goes with it, for cm_tpm_quote_verify(). */
struct cm_tpm_quote {
    struct cm_span attest;              /* TPMS_ATTEST */
    struct cm_span signature;           /* TPMT_SIGNATURE or raw */
    struct cm_span pcrs;                /* as of cm_tpm_pcrs_read(); ptr NULL: not given */
    const struct cm_tpm_pcrs *labelled; /* instead of pcrs: values that are labelled; or NULL */
    struct cm_span log;                 /* event log; ptr NULL: not given */
    const struct cm_pubkey *ak;         /* whose trust is the caller's affair */
    enum cm_authority authority;        /* of what this key signs */
    uint16_t
        verified; /* the caller has verified this signature with ak already, and this is its hash;
                          0: not yet */
    bool
        more; /* one more quote of what was verified already: only its values become claims, and a bank
                  of SHA-1 alone is no reason to refuse */
};

/** Everything that TPMS_ATTEST says, self-asserted. */
void cm_tpm_attest_claims(const struct cm_tpm_attest *a, struct cm_evidence *ev, size_t submod);

/**
 * Verify a quote with a key and add its claims and checks: tpm.attest, tpm.signature, nonce, tpm.pcrs,
 * tpm.bank, tpm.event_log. Says nothing of the key: the caller adds the check that it is trusted
 * ("tpm.ak"), since without one of those nothing is genuine.
 *
 * @return CM_OK or the status of the first required check that failed
 */
CM_MUST_USE enum cm_status cm_tpm_quote_verify(const struct cm_tpm_quote *quote,
                                               const struct cm_verify_input *in,
                                               struct cm_evidence *ev, size_t submod);

#endif
