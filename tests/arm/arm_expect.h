/* What the tests of Arm's evidence share: verify, compare status and check, alone and truncated. */
#ifndef CM_TESTS_ARM_EXPECT_H
#define CM_TESTS_ARM_EXPECT_H

#include "harness.h"

#include "arm/arm.h"
#include "arm_make.h"
#include "evidence/claims.h"

typedef enum cm_status (*verifier)(const struct cm_verify_job *job, struct cm_evidence *ev,
                                   size_t submod);

struct outcome {
    enum cm_status st;
    struct cm_evidence *ev;
};

/* Whether any submodule has that check failed. */
static inline bool failed(const struct cm_evidence *ev, const char *check)
{
    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        if (cm_evidence_result(ev, s, check) == CM_CHECK_FAIL) {
            return true;
        }
    }
    return false;
}

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
    if (o.st != want || (check != NULL && !failed(o.ev, check)) ||
        cm_evidence_genuine(o.ev, 0) != (want == CM_OK && o.st == CM_OK) ||
        cm_evidence_done(o.ev) != CM_OK) {
        const struct cm_check *c = NULL;

        if (o.st != want || check == NULL || !failed(o.ev, check)) {
            TEST_FAIL("line %d: %s, wanted %s in %s", line, cm_status_str(o.st),
                      cm_status_str(want), check == NULL ? "nothing" : check);
            for (size_t s = 0; s < cm_evidence_submods(o.ev); s++) {
                for (size_t i = 0; (c = cm_evidence_check(o.ev, s, i)) != NULL; i++) {
                    if (c->result == CM_CHECK_FAIL) {
                        (void)printf("      %s: %s: %s\n", c->name, cm_status_str(c->status),
                                     c->detail);
                    }
                }
            }
        }
    }
    cm_evidence_free(o.ev);
}

#endif
