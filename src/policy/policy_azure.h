/* Private to src/policy: what Azure Attestation calls claims of ours. */
#ifndef CM_POLICY_AZURE_H
#define CM_POLICY_AZURE_H

#include <casemate/policy.h>

enum cm_azure_how {
    CM_AZURE_SAME,       /* the value as it is */
    CM_AZURE_FIXED,      /* text, for every evidence of the TEE */
    CM_AZURE_BIT,        /* boolean: a bit of the bytes, little-endian */
    CM_AZURE_BYTE,       /* integer: one of the bytes */
    CM_AZURE_DEBUGGABLE, /* boolean: dbgstat is anything but disabled */
};

struct cm_policy_azure {
    const char *name; /* Azure's */
    const char *ours; /* NULL: none needed */
    const char *text;
    const char *only; /* a claim of bytes whose first byte has a bit of mask; NULL: always */
    size_t bit;       /* which bit or byte */
    enum cm_azure_how how;
    uint8_t mask;
};

/** The names for a TEE ("sgx", "tdx", "snp"); count 0 for any other. */
const struct cm_policy_azure *cm_policy_azure_names(const char *tee, size_t *count);

/**
 * The digests of a submodule's registers that are known by at least this authority as the claim "pcrs";
 * nothing when there are none.
 */
CM_MUST_USE enum cm_status cm_policy_add_pcrs(struct cm_policy_claims *set, const char *name,
                                              const struct cm_evidence *ev, size_t submod,
                                              enum cm_authority least);

/** What isolates a machine, as rules ask for it: "sevsnpvm" or "tdxvm". Absent where only a TPM vouches. */
#define CM_POLICY_ISOLATION "x-ms-isolation-tee.x-ms-attestation-type"

/**
 * Azure's claims of a virtual machine: "secureboot", "x-ms-azurevm-*", as far as they are proven.
 * @param vtpm       the submodule of its TPM's quote.
 * @param isolation  the hardware's attestation type; NULL: nothing isolates it.
 */
CM_MUST_USE enum cm_status cm_policy_claims_azurevm(struct cm_policy_claims *set,
                                                    const struct cm_evidence *ev, size_t vtpm,
                                                    const char *isolation);

/** Bytes as a claim of small hexadecimal digits. */
CM_MUST_USE enum cm_status cm_policy_add_hex(struct cm_policy_claims *set, const char *name,
                                             const uint8_t *bytes, size_t len,
                                             enum cm_policy_issuer issuer);

#endif
