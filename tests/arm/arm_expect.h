/* What the tests of Arm's evidence share: verify, compare status and check, alone and truncated. */
#ifndef CM_TESTS_ARM_EXPECT_H
#define CM_TESTS_ARM_EXPECT_H

#include "verdict.h"

#include "arm/arm.h"
#include "arm_make.h"
#include "evidence/claims.h"

typedef enum cm_status (*verifier)(const struct cm_verify_job *job, struct cm_evidence *ev,
                                   size_t submod);

struct outcome {
    enum cm_status st;
    struct cm_evidence *ev;
};

static inline struct outcome run_verifier(verifier verify, struct cm_span evidence,
                                          const struct cm_material *materials, size_t count,
                                          const struct cm_verify_input *in)
{
    struct cm_verify_job job = {
        .evidence = evidence, .materials = materials, .material_count = count, .in = in};
    struct outcome o = {CM_OK, cm_evidence_new("platform")};

    o.st = verify(&job, o.ev, 0);
    return o;
}

static inline void expect_outcome(int line, struct outcome o, enum cm_status want,
                                  const char *check)
{
    CHECK_EQ(cm_evidence_done(o.ev), CM_OK);
    expect_verdict(line, o.st, o.ev, want, check == NULL ? "" : check);
    cm_evidence_free(o.ev);
}

#endif
