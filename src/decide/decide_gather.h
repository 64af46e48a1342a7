/*
 * One verification with everything that the keeper has for it: Intel's collateral for a quote, AMD's
 * certificates and revocation list for a report. Private to src/decide.
 */
#ifndef CM_DECIDE_DECIDE_GATHER_H
#define CM_DECIDE_DECIDE_GATHER_H

#include "decide/decide_engine.h"
#include "decide/decide_seen.h"

#define CM_GATHER_KEPT 8u /* AMD's chains of all lines, and a chip's certificate */

struct cm_gather {
    struct cm_keeper *keeper;
    struct cm_seen *seen;
    const struct cm_engine_settings *settings;
    struct cm_enrolled_set *enrolled; /* one reference, dropped at the end; NULL: nothing */
    const struct cm_engine_ask *ask;
    const char *client;       /* who asks; NULL */
    struct cm_span activated; /* of the job */
    const char *natural;      /* of the job: whose policies judge this; NULL: by its form */
    struct cm_verify_job job; /* the client's, as it is given to the verifier */
    struct cm_verify_input *in;
    /* its own */
    struct cm_kept *dcap;
    struct cm_kept *amd[CM_GATHER_KEPT];
    size_t amd_count;
    struct cm_material *materials; /* the client's, what is enrolled, then AMD's */
    struct cm_dcap_collateral view;
    struct cm_span quote;
    uint8_t *unwrapped;    /* owned: the quote, when the evidence is text */
    struct cm_why missing; /* why something could not be had */
    bool down;             /* and that is its source's fault, not the evidence's */
};

/**
 * Verify. d gets the evidence, collateral, and the reason when something could not be had.
 * @return as of cm_verify(); CM_ERR_BUSY: something must be fetched, and nobody may wait,
 *         or not now (missing says why): it is no verdict;
 *         CM_ERR_NOTFOUND also: genuine but for a revocation list that cannot be had
 */
CM_MUST_USE enum cm_status cm_gather_verify(struct cm_gather *g, struct cm_decision *d);

/** Whose policies judge evidence of a format; quote: of the DCAP ones, or empty. NULL: nobody's. */
const char *cm_gather_type(enum cm_format format, struct cm_span quote);

/** Let go of everything. */
void cm_gather_end(struct cm_gather *g);

#endif
