/* What the tests of Nitro documents share. */
#ifndef CM_TESTS_NITRO_EXPECT_H
#define CM_TESTS_NITRO_EXPECT_H

#include "verdict.h"

#include "evidence/claims.h"
#include "nitro/nitro.h"
#include "nitrokit.h"

struct outcome {
    enum cm_status st;
    struct cm_evidence *ev;
};

static inline struct outcome nitro_verify(struct cm_span evidence, const struct cm_verify_input *in,
                                          struct cm_cert_cache *cache)
{
    struct cm_verify_job job = {.evidence = evidence, .cert_cache = cache, .in = in};
    struct outcome o = {CM_OK, cm_evidence_new("enclave")};

    o.st = cm_nitro_verify(&job, o.ev, 0);
    return o;
}

/* The status and the failed check (NULL: none); frees the outcome. */
static inline void nitro_expect(int line, struct outcome o, enum cm_status want, const char *check)
{
    CHECK_EQ(cm_evidence_done(o.ev), CM_OK);
    expect_verdict(line, o.st, o.ev, want, check == NULL ? "" : check);
    cm_evidence_free(o.ev);
}

#endif
