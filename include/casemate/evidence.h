/*
 * The claims model: what verified evidence of any Trusted Execution Environment looks like.
 *
 * Evidence is a tree of submodules ("cpu", "vtpm", "gpu0"). Each holds claims and checks. Bindings
 * say which submodule vouches for which other, and how. Nothing is summed up in one bool: every
 * check has a result and a status of its own, and the caller's policy decides what they mean.
 *
 * - A claim that is absent differs from one that is zero: absent claims are not in the list.
 * - Each claim says by what authority it is known. Verifiers add claims as self-asserted and raise
 *   them only after the signature over them has been checked.
 * - Time, trust roots, revocation lists, reference values, floors and nonces are inputs. No part of
 *   a verification reads a clock, a file or the network.
 *
 * Claim names are those of the Entity Attestation Token (RFC 9711) where it has one; everything
 * else keeps its own specification's name under a prefix ("sgx.mrenclave", "tdx.rtmr0"), lossless.
 *
 * NOT promised: that genuine evidence is acceptable evidence.
 */
#ifndef CASEMATE_EVIDENCE_H
#define CASEMATE_EVIDENCE_H

#include <casemate/span.h>
#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Common claims. Type in brackets; "repeated" may stand more than once. */
#define CM_CLAIM_NONCE        "eat_nonce"    /* [bytes] what the attester was challenged with */
#define CM_CLAIM_UEID         "ueid"         /* [bytes] the device or instance */
#define CM_CLAIM_OEMID        "oemid"        /* [text] the maker */
#define CM_CLAIM_HWMODEL      "hwmodel"      /* [text] such as "sgx", "tdx", "snp-milan" */
#define CM_CLAIM_DBGSTAT      "dbgstat"      /* [text] RFC 9711 4.2.9: "enabled", "disabled", ... */
#define CM_CLAIM_IAT          "iat"          /* [time] when the evidence was made, if it says */
#define CM_CLAIM_MEASUREMENTS "measurements" /* [digest] repeated */
#define CM_CLAIM_TEE          "tee"          /* [text] "sgx", "tdx", "snp", "nitro", "tpm", ... */
#define CM_CLAIM_EMULATED     "emulated"     /* [bool] present and true: made by an emulator */
#define CM_CLAIM_REPORT_DATA  "report_data"  /* [bytes] what the attested code put there */
#define CM_CLAIM_TCB_STATUS   "tcb_status"   /* [text] as the maker's collateral calls it */
#define CM_CLAIM_TCB_DATE     "tcb_date"     /* [time] */
#define CM_CLAIM_ADVISORY     "advisory_id"  /* [text] repeated */
#define CM_CLAIM_SIGNER_ROOT  "signer_root"  /* [bytes] SHA-256 of the root's public key (SPKI) */
#define CM_CLAIM_NOT_BEFORE   "valid_from"   /* [time] latest beginning of everything relied on */
#define CM_CLAIM_NOT_AFTER    "valid_until"  /* [time] earliest expiry of everything relied on */

/** By what authority a claim is known; higher values are stronger. */
enum cm_authority {
    CM_AUTHORITY_SELF = 0,     /* self-asserted: nobody vouches for it; an emulator's all are */
    CM_AUTHORITY_KEY = 1,      /* signed by a key that a hardware-signed claim names */
    CM_AUTHORITY_ENDORSER = 2, /* stated in the maker's signed collateral */
    CM_AUTHORITY_HARDWARE = 3, /* signed by the TEE's key, which chains to a trusted root */
};

enum cm_claim_type {
    CM_CLAIM_TYPE_BYTES,
    CM_CLAIM_TYPE_TEXT,
    CM_CLAIM_TYPE_UINT,
    CM_CLAIM_TYPE_BOOL,
    CM_CLAIM_TYPE_TIME, /* seconds since 1970, in number */
    CM_CLAIM_TYPE_DIGEST,
};

enum cm_measurement_role {
    CM_ROLE_LAUNCH,  /* the code and data that were loaded */
    CM_ROLE_RUNTIME, /* extended while running */
    CM_ROLE_CONFIG,  /* given by the host at launch */
    CM_ROLE_SIGNER,  /* who signed the code */
};

/** A claim. Everything it points to belongs to its struct cm_evidence. */
struct cm_claim {
    const char *name;
    enum cm_claim_type type;
    enum cm_authority authority;
    const uint8_t *bytes;          /* bytes, digest */
    size_t len;                    /* of bytes, or of text without its NUL */
    const char *text;              /* text; of a digest: its label, such as "mrenclave" */
    uint64_t number;               /* uint, bool (0 or 1), time */
    const char *alg;               /* of a digest: "sha-256", "sha-384", ... */
    enum cm_measurement_role role; /* of a digest */
};

enum cm_check_result {
    CM_CHECK_NOT_CHECKED = 0, /* an input that it needs was not given */
    CM_CHECK_PASS = 1,
    CM_CHECK_FAIL = 2,
    CM_CHECK_NOT_APPLICABLE = 3,
};

/** One thing that was checked. */
struct cm_check {
    const char *name; /* stable, such as "quote.signature" */
    enum cm_check_result result;
    enum cm_status status; /* of a failure: why; else CM_OK */
    bool required;         /* evidence is genuine only if every required check passes */
    const char *detail;    /* a sentence for a person; may be "" */
};

/** A named, verified relation: the digest of one submodule's part stands in another. */
struct cm_binding {
    const char *name; /* such as "SHA-256 of the runtime data in report_data" */
    size_t from;      /* index of the submodule that vouches */
    size_t to;        /* index of the submodule that is vouched for */
    enum cm_check_result result;
};

/** A number that may never decrease, such as a collateral's evaluation number. */
struct cm_floor {
    char name[96]; /* such as "sgx.tcb_evaluation.00906EA10000" */
    uint64_t value;
};

/** A root of trust, known by its public key. */
struct cm_trust_root {
    const char *family; /* "sgx" (and TDX), "snp", "nitro", ... */
    const char *label;  /* for people */
    uint8_t spki_sha256[32];
    bool emulated; /* an emulator's: only ever accepted with CM_VERIFY_ALLOW_EMULATED */
};

#define CM_VERIFY_ALLOW_DEBUG     1u /* a debug TEE protects nothing */
#define CM_VERIFY_ALLOW_EMULATED  2u /* an emulator protects nothing */
#define CM_VERIFY_ALLOW_MASKED_ID 4u /* SNP: the report does not say on which chip it was made */
#define CM_VERIFY_ALLOW_MIGRATION 8u /* SNP: a migration agent may read the guest */
#define CM_VERIFY_ALLOW_SHA1      16u /* registers that SHA-1 extends may be given a second meaning */
#define CM_VERIFY_EVENTS \
    32u /* TPM: the events of a boot log as the claim "tpm.events", for policies */

/** What every verification is given. All borrowed for the call. */
struct cm_verify_input {
    uint64_t now; /* seconds since 1970; must be set */
    const struct cm_trust_root *roots;
    size_t root_count;
    const struct cm_floor *floors; /* the highest values seen before */
    size_t floor_count;
    struct cm_span report_data; /* expected, compared over its own length; ptr NULL: not checked */
    unsigned flags;             /* CM_VERIFY_* */
};

/** The result of a verification. Opaque, immutable once returned, owns all that it gives out. */
struct cm_evidence;

/** Frees a result. Accepts NULL. */
void cm_evidence_free(struct cm_evidence *ev);

/** How many submodules there are; the first is the one whose root of trust is the hardware's. */
size_t cm_evidence_submods(const struct cm_evidence *ev);

/** A submodule's name; NULL beyond the end. */
const char *cm_evidence_name(const struct cm_evidence *ev, size_t submod);

/** The index-th claim, check, binding or floor; NULL beyond the end. */
const struct cm_claim *cm_evidence_claim(const struct cm_evidence *ev, size_t submod, size_t index);
const struct cm_check *cm_evidence_check(const struct cm_evidence *ev, size_t submod, size_t index);
const struct cm_binding *cm_evidence_binding(const struct cm_evidence *ev, size_t index);

/** Floors that this evidence and its collateral reached; the caller persists their maxima. */
const struct cm_floor *cm_evidence_floor(const struct cm_evidence *ev, size_t index);

/** The nth claim (from 0) of a name; NULL when absent. */
const struct cm_claim *cm_evidence_find(const struct cm_evidence *ev, size_t submod,
                                        const char *name, size_t nth);

/** The result of a check by name; CM_CHECK_NOT_CHECKED when there is none of that name. */
enum cm_check_result cm_evidence_result(const struct cm_evidence *ev, size_t submod,
                                        const char *name);

/**
 * Whether a submodule is genuine: every required check of it passed, and it is the first or a
 * binding from a genuine submodule to it passed. A submodule without any required check is not.
 */
bool cm_evidence_genuine(const struct cm_evidence *ev, size_t submod);

/**
 * The whole result as JSON, for people and programs.
 * @param len  set to the bytes written, without NUL. @retval CM_ERR_SPACE cap is too small
 */
CM_MUST_USE enum cm_status cm_evidence_json(const struct cm_evidence *ev, char *out, size_t cap,
                                            size_t *len);

#ifdef __cplusplus
}
#endif
#endif
