/* What the evidence tests share: build a specification, verify it, compare the outcome. */
#ifndef CM_TESTS_EXPECT_H
#define CM_TESTS_EXPECT_H

#include "harness.h"

#include "common/span.h"
#include "pki.h"

#define ALL_STATUSES 0xffu

static inline enum cm_status verify_with(const struct pki_bundle *b, struct cm_verify_input *in,
                                         unsigned accept, struct cm_dcap_cache *cache,
                                         struct cm_evidence **ev)
{
    if (in->roots == NULL) {
        in->roots = &b->root;
        in->root_count = 1;
    }
    if (in->now == 0) {
        in->now = PKI_NOW;
    }
    return cm_dcap_verify(b->quote, &b->col, in, accept, cache, ev);
}

/* The status of the call, and the check that failed ("" none; NULL: no result at all). */
static inline void expect_at(int line, const struct pki_spec *s, enum cm_status want,
                             const char *check)
{
    struct pki_bundle *b = pki_make(s);
    struct cm_dcap_cache *cache = NULL;

    if (cm_dcap_cache_create(1, &cache) != CM_OK) {
        TEST_FAIL("no cache");
    }
    for (int i = 0; i < 3; i++) { /* plain, into the cache, out of it: the same answer */
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        enum cm_status st = verify_with(b, &in, ALL_STATUSES, i == 0 ? NULL : cache, &ev);
        const struct cm_check *c = NULL;

        if (st != want || (ev == NULL) != (check == NULL) ||
            (check != NULL && check[0] != '\0' &&
             cm_evidence_result(ev, 0, check) != CM_CHECK_FAIL)) {
            TEST_FAIL("line %d, round %d: %s, wanted %s in %s", line, i, cm_status_str(st),
                      cm_status_str(want), check == NULL ? "no result" : check);
            for (size_t k = 0; ev != NULL && (c = cm_evidence_check(ev, 0, k)) != NULL; k++) {
                if (c->result == CM_CHECK_FAIL) {
                    (void)printf("      %s: %s: %s\n", c->name, cm_status_str(c->status),
                                 c->detail);
                }
            }
        }
        if (ev != NULL && cm_evidence_genuine(ev, 0) != (st == CM_OK)) {
            TEST_FAIL("line %d: genuine and the status disagree", line);
        }
        cm_evidence_free(ev);
    }
    cm_dcap_cache_free(cache);
    pki_free(b);
}

/* One change to a genuine platform, and what must come of it. */
#define EXPECT(version, type, change, want, check) \
    do {                                           \
        struct pki_spec s;                         \
        pki_defaults(&s, version, type);           \
        change;                                    \
        expect_at(__LINE__, &s, (want), (check));  \
    } while (0)

/* the usual: SGX, version 3 */
#define EXPECT3(change, want, check) EXPECT(3, 1, change, want, check)

#endif
