/*
 * Building a struct cm_evidence: used by the verifiers of src/evidence only. The builder is sticky:
 * the first failure (memory, limits) is kept and cm_evidence_done() reports it, so verifiers add
 * claims without checking each time.
 */
#ifndef CM_EVIDENCE_CLAIMS_H
#define CM_EVIDENCE_CLAIMS_H

#include <casemate/evidence.h>

#include "common/span.h"

/* limits: evidence comes from strangers */
#define CM_EVIDENCE_MAX_SUBMODS 16
#define CM_EVIDENCE_MAX_ITEMS   4096 /* claims, checks, bindings and floors together */

/** An empty result with one submodule. NULL when out of memory. */
struct cm_evidence *cm_evidence_new(const char *first_submod);

/** Add a submodule; returns its index (0 when that failed, which is sticky). */
size_t cm_evidence_add_submod(struct cm_evidence *ev, const char *name);

/* Claims; values are copied. Names must be string constants. All begin as CM_AUTHORITY_SELF. */
void cm_claim_bytes(struct cm_evidence *ev, size_t submod, const char *name, struct cm_span value);
void cm_claim_text(struct cm_evidence *ev, size_t submod, const char *name, const char *value);
void cm_claim_uint(struct cm_evidence *ev, size_t submod, const char *name, uint64_t value);
void cm_claim_bool(struct cm_evidence *ev, size_t submod, const char *name, bool value);
void cm_claim_time(struct cm_evidence *ev, size_t submod, const char *name, uint64_t value);

struct cm_digest {
    const char *label; /* copied: evidence may name its measurements itself */
    const char *alg;   /* a string constant */
    enum cm_measurement_role role;
    struct cm_span value;
};
/** A measurement: a claim CM_CLAIM_MEASUREMENTS. */
void cm_claim_digest(struct cm_evidence *ev, size_t submod, const struct cm_digest *digest);

/** A mark: the claims added to a submodule from here on, for cm_evidence_raise(). */
size_t cm_evidence_mark(const struct cm_evidence *ev, size_t submod);

/**
 * The claims of a submodule from..now have been vouched for: set their authority. An emulator is no
 * hardware: where CM_CLAIM_EMULATED stands, CM_AUTHORITY_HARDWARE leaves them as they are.
 */
void cm_evidence_raise(struct cm_evidence *ev, size_t submod, size_t from,
                       enum cm_authority authority);

/** Record a check that passed or failed by a status; detail is printf style and may be "". */
void cm_check_status(struct cm_evidence *ev, size_t submod, const char *name, enum cm_status st,
                     const char *detail, ...) CM_PRINTF(5, 6);

/** Record a check with an explicit result; not required for being genuine. */
void cm_check_note(struct cm_evidence *ev, size_t submod, const char *name,
                   enum cm_check_result result, const char *detail, ...) CM_PRINTF(5, 6);

void cm_evidence_bind(struct cm_evidence *ev, const char *name, size_t from, size_t to,
                      enum cm_check_result result);

/** Record a floor that was reached. */
void cm_evidence_reach(struct cm_evidence *ev, const char *name, uint64_t value);

/** Whether value is below the caller's floor of that name; absent floors are never in the way. */
bool cm_floor_below(const struct cm_verify_input *in, const char *name, uint64_t value);

/** CM_OK, or what went wrong while building. */
CM_MUST_USE enum cm_status cm_evidence_done(const struct cm_evidence *ev);

#endif
