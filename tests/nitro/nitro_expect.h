/* What the tests of Nitro documents share. */
#ifndef CM_TESTS_NITRO_EXPECT_H
#define CM_TESTS_NITRO_EXPECT_H

#include "harness.h"

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
    const struct cm_check *c = NULL;

    if (o.st != want || (check != NULL && cm_evidence_result(o.ev, 0, check) != CM_CHECK_FAIL) ||
        cm_evidence_genuine(o.ev, 0) != (want == CM_OK) || cm_evidence_done(o.ev) != CM_OK) {
        TEST_FAIL("line %d: %s, wanted %s in %s", line, cm_status_str(o.st), cm_status_str(want),
                  check == NULL ? "nothing" : check);
        for (size_t i = 0; (c = cm_evidence_check(o.ev, 0, i)) != NULL; i++) {
            if (c->result == CM_CHECK_FAIL) {
                (void)printf("      %s: %s: %s\n", c->name, cm_status_str(c->status), c->detail);
            }
        }
    }
    cm_evidence_free(o.ev);
}

#endif
