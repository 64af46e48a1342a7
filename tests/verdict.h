/* What an attack on evidence, of any format, comes to. */
#ifndef CM_TESTS_VERDICT_H
#define CM_TESTS_VERDICT_H

#include "harness.h"

#include "evidence/claims.h"
#include <casemate/verify.h>

/*
 * The status; the check that failed in some submodule ("" none); and that evidence is accepted when all of
 * it is genuine, and only then.
 */
static inline void expect_verdict(int line, enum cm_status st, const struct cm_evidence *ev,
                                  enum cm_status want, const char *check)
{
    const struct cm_check *c = NULL;
    size_t submods = ev == NULL ? 0 : cm_evidence_submods(ev);
    bool failed = check[0] == '\0';
    bool genuine = submods != 0;

    for (size_t s = 0; s < submods; s++) {
        failed = failed || cm_evidence_result(ev, s, check) == CM_CHECK_FAIL;
        genuine = genuine && cm_evidence_genuine(ev, s);
    }
    if (genuine != (st == CM_OK)) {
        TEST_FAIL("line %d: genuine and the status disagree", line);
    }
    if (st == want && failed) {
        return;
    }
    TEST_FAIL("line %d: %s, wanted %s in \"%s\"", line, cm_status_str(st), cm_status_str(want),
              check);
    for (size_t s = 0; s < submods; s++) {
        for (size_t i = 0; (c = cm_evidence_check(ev, s, i)) != NULL; i++) {
            if (c->result == CM_CHECK_FAIL) {
                (void)printf("      %zu %s: %s: %s\n", s, c->name, cm_status_str(c->status),
                             c->detail);
            }
        }
    }
}

/* Each allocation of a verification that succeeds, failed in turn: refused, and no half result. */
static inline void expect_out_of_memory(const struct cm_verify_job *job)
{
    bool hit = true;

    for (long k = 1; hit && k < 6000; k += k < 600 ? 1 : 13) {
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_verify(job, &ev);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (hit == (st == CM_OK) || (ev != NULL && cm_evidence_done(ev) != CM_OK)) {
            TEST_FAIL("allocation %ld: %s", k, cm_status_str(st));
        }
        expect_verdict(__LINE__, st, ev, st, "");
        cm_evidence_free(ev);
    }
    CHECK(!hit);
}

#endif
