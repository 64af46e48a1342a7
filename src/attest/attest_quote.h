/* The verification of a quote with what this process accepts, in the terms of the public API. */
#ifndef CM_ATTEST_QUOTE_H
#define CM_ATTEST_QUOTE_H

#include "attest/attest_claims.h"
#include "evidence/dcap_cache.h"

/* What the caller of oe_verify_evidence() wants to be taken into account. */
struct cm_attest_policy {
    bool has_time;
    uint64_t time;
    bool has_date;
    int64_t date;            /* OE_POLICY_TCB_BASELINE_DATE */
    struct cm_span baseline; /* OE_POLICY_ENDORSEMENTS_BASELINE, borrowed; ptr NULL: none */
};

/** @retval OE_INVALID_PARAMETER  of an unknown type, doubled, or malformed */
oe_result_t cm_attest_policies(const oe_policy_t *policies, size_t count,
                               struct cm_attest_policy *out);

/* A quote that was judged. Spans point into the quote and the endorsements. */
struct cm_attest_verdict {
    struct cm_quote quote;
    struct cm_endorsements endorsements;
    struct cm_evidence *evidence;
    struct cm_platform_ref lent; /* what it was verified with; set when evidence is */
    uint8_t *fetched;            /* the endorsements, when the caller gave none */
    oe_sgx_tcb_status_t status;
    bool emulated;
};

/**
 * @param quote         UNTRUSTED; exactly one quote.
 * @param endorsements  UNTRUSTED; ptr NULL: fetch them.
 * @param out           to be freed with cm_attest_verdict_free() whatever the result is; complete with
 *                      OE_OK and OE_TCB_LEVEL_INVALID.
 * @return the results of oe_verify_evidence()
 */
oe_result_t cm_attest_verify_quote(struct cm_span quote, struct cm_span endorsements,
                                   const struct cm_attest_policy *policy,
                                   struct cm_attest_verdict *out);
void cm_attest_verdict_free(struct cm_attest_verdict *v);

/** Whether a quote's root calls itself an emulator's. Nothing is verified: for who fetches. */
bool cm_attest_names_emulated(struct cm_span quote);

/** Whether an enclave with these ATTRIBUTES.FLAGS is accepted; says so in the log when it is not. */
bool cm_attest_debug_allowed(uint64_t flags);

/** "evidence refused: ..." in the log, and for cm_attest_refusal(). */
void cm_attest_refused(const char *what, const char *why);

/** For cm_attest_refusal(): nothing has been refused yet. */
void cm_attest_refusal_clear(void);

#endif
