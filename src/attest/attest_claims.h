/* Lists of claims as the API gives them out: name and value allocated, freed by oe_free_claims(). */
#ifndef CM_ATTEST_CLAIMS_H
#define CM_ATTEST_CLAIMS_H

#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>

#include "attest/attest_wire.h"
#include "evidence/quote.h"

/* Sticky: the first failure is kept, and cm_claims_done() reports it. */
struct cm_claims {
    oe_claim_t *items;
    size_t count;
    size_t cap;
    bool bad;
};

void cm_claims_add(struct cm_claims *c, const char *name, const void *value, size_t size);
void cm_claims_free(struct cm_claims *c);

/** The list becomes the caller's; or OE_OUT_OF_MEMORY, and everything is freed. */
oe_result_t cm_claims_done(struct cm_claims *c, oe_claim_t **out, size_t *count);

/** What an SGX body says: the required claims of every SGX evidence, in their order. */
void cm_claims_sgx(struct cm_claims *c, const struct cm_sgx_body *body, const oe_uuid_t *format,
                   bool remote);

/** What a TD report says, in the claims that every verifier gives and those of TDX. */
void cm_claims_td_required(struct cm_claims *c, const struct cm_td_body *body,
                           const oe_uuid_t *format);
void cm_claims_td(struct cm_claims *c, const struct cm_td_body *body);

/** The identity that SGX bodies and the older API speak of. */
void cm_identity_of(const struct cm_sgx_body *body, bool remote, oe_identity_t *out);

/** What the endorsements and the PCK certificate say of the platform; ev is its verification. */
void cm_claims_platform(struct cm_claims *c, const struct cm_evidence *ev, struct cm_span quote,
                        oe_sgx_tcb_status_t status);

struct cm_platform;

/**
 * The collateral itself, and the PCE's number.
 * @param p      what quote was verified with; its chain is claimed, whatever the endorsements' says.
 * @retval OE_OUT_OF_MEMORY
 */
oe_result_t cm_claims_sgx_collateral(struct cm_claims *c, const struct cm_endorsements *e,
                                     const struct cm_platform *p, struct cm_span quote);
void cm_claims_tdx_collateral(struct cm_claims *c, const struct cm_evidence *ev);

/** Seconds since 1970 as a date, and back. False: no such date, or before 1970. */
void cm_datetime_of(uint64_t t, oe_datetime_t *out);
bool cm_datetime_seconds(const oe_datetime_t *d, uint64_t *out);

#endif
