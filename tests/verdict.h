/* What an attack on evidence, of any format, comes to. */
#ifndef CM_TESTS_VERDICT_H
#define CM_TESTS_VERDICT_H

#include "harness.h"

#include "evidence/claims.h"

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

#endif
