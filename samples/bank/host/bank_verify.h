/*
 * A bank's decision: is this key inside the enclave that we trust? In real life this runs at the
 * bank; what it judges comes from a host that may lie about all of it.
 */
#ifndef BANK_VERIFY_H
#define BANK_VERIFY_H

#include "../common/bank_bound.h"
#include "bank_policy.h"

/* What came back for one question of the bank's. Borrowed for one call. */
struct bank_answer {
    const uint8_t
        *nonce;   /* BANK_NONCE_SIZE bytes: what the bank asked with, new for each question */
    uint64_t age; /* seconds since it asked */
    const uint8_t *evidence; /* UNTRUSTED */
    size_t size;
};

struct bank_verdict {
    uint8_t key[BANK_KEY_SIZE]; /* the enclave's, to encrypt to */
    bool emulated;
    oe_sgx_tcb_status_t status;
};

/**
 * Verify evidence with the platform maker's collateral, which is fetched, and hold it against the
 * policy. Nothing is in out unless every check holds.
 *
 * With policy->emulated this process accepts EMULATED evidence from then on (casemate/attest.h); a
 * policy without it still refuses.
 *
 * @retval BANK_REFUSED  and why names the check
 */
enum bank_status bank_verify(const struct bank_policy *policy, const struct bank_answer *a,
                             struct bank_verdict *out, struct bank_why *why);

#endif
