/*
 * Appraisal: what verified evidence means for trust, in the words of AR4SI (draft-ietf-rats-ar4si), and as
 * an EAT Attestation Result (EAR, draft-ietf-rats-ear) that others can read: JSON, CBOR, or signed as JWT
 * or CWT. docs/evidence.md has the rules by which claims and checks become a vector.
 *
 * NOT promised: that an affirming appraisal is enough. It knows the reference values that were given to
 * the verification and nothing of what a relying party wants; that is a policy's affair (policy.h).
 */
#ifndef CASEMATE_APPRAISAL_H
#define CASEMATE_APPRAISAL_H

#include <casemate/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/** AR4SI's trustworthiness claims; the numbers are those of a vector in CBOR. */
enum cm_trust_claim {
    CM_TRUST_INSTANCE_IDENTITY = 0,
    CM_TRUST_CONFIGURATION = 1,
    CM_TRUST_EXECUTABLES = 2,
    CM_TRUST_FILE_SYSTEM = 3,
    CM_TRUST_HARDWARE = 4,
    CM_TRUST_RUNTIME_OPAQUE = 5,
    CM_TRUST_STORAGE_OPAQUE = 6,
    CM_TRUST_SOURCED_DATA = 7,
};
#define CM_TRUST_CLAIMS 8

/** The tiers that a value is in, and a submodule's status; the numbers are EAR's in CBOR. */
enum cm_trust_tier {
    CM_TRUST_NONE = 0,
    CM_TRUST_AFFIRMING = 2,
    CM_TRUST_WARNING = 32,
    CM_TRUST_CONTRAINDICATED = 96,
};

/** The tier of a value (AR4SI section 2.3.2): -1..1 none; 2..31 and -32..-2 affirming; 32..95 and -96..-33
 * warning; the rest contraindicated. */
enum cm_trust_tier cm_trust_tier_of(int8_t value);

/** "none", "affirming", "warning", "contraindicated". */
const char *cm_trust_tier_name(enum cm_trust_tier tier);

/** "instance-identity", ...; NULL for another number. */
const char *cm_trust_claim_name(enum cm_trust_claim claim);

/** The appraisal of one submodule. */
struct cm_appraisal {
    int8_t vector[CM_TRUST_CLAIMS]; /* 0: no claim is made */
    enum cm_trust_tier status;      /* the worst tier of the claims that are made */
};

/**
 * Appraise a submodule of a verification's result, which may be one that refused it. What is not genuine is
 * never affirming.
 * @retval CM_ERR_PARAM no such submodule
 *
 * Thread-safe. No allocation.
 */
CM_MUST_USE enum cm_status cm_appraise(const struct cm_evidence *ev, size_t submod,
                                       struct cm_appraisal *out);

/** How a result is written. The numbers of CBOR are the same in both. */
enum cm_ear_profile {
    CM_EAR_VERAISON =
        0,       /* names such as "ear.status", profile tag:github.com,2023:veraison/ear: what
                            verifiers and relying parties in use read */
    CM_EAR_IETF, /* names such as "ear_status", profile of draft-ietf-rats-ear-04 */
};

enum cm_ear_form {
    CM_EAR_JSON = 0, /* claims, not signed */
    CM_EAR_CBOR,     /* claims, not signed; with a key: a COSE_Sign1 of them (a CWT) */
    CM_EAR_JWT,      /* signed */
};

/** What beside the evidence stands in a result. All borrowed for the call. */
struct cm_ear {
    enum cm_ear_profile profile;
    enum cm_ear_form form;
    uint64_t iat;          /* when it was appraised: seconds since 1970 */
    const char *developer; /* who made the verifier; NULL: Casemate */
    const char *build;     /* which version of it; NULL: "casemate" */
    const char *policy_id; /* of the policy that was applied; NULL: none is named */
    bool policy_refused;   /* it did not permit: every status is contraindicated; vectors stay */
    struct cm_span nonce;  /* the relying party's: 8 to 64 bytes; ptr NULL: none */
    struct cm_span raw_evidence; /* goes into the result as it is; ptr NULL: does not */
    struct cm_span key; /* private key in PEM on P-256: signs with ES256; ptr NULL: not signed */
};

/**
 * Write the appraisal of all submodules. Text is not ended by a NUL.
 *
 * @param len  set to the bytes written.
 * @retval CM_ERR_SPACE  cap is too small
 * @retval CM_ERR_PARAM  a nonce of another length, CM_EAR_JWT without a key, CM_EAR_JSON with one
 * @retval CM_ERR_FORMAT, CM_ERR_MISMATCH  not a private key in PEM, or not on P-256
 * @retval CM_ERR_NOMEM, CM_ERR_CRYPTO
 *
 * Thread-safe. Allocates a bounded amount.
 */
CM_MUST_USE enum cm_status cm_ear_write(const struct cm_evidence *ev, const struct cm_ear *ear,
                                        uint8_t *out, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
