/*
 * Any evidence of any format, and text of it: no input may crash, be accepted under the makers' roots, or
 * give claims an authority that no signature gave them.
 */
#include <casemate/verify.h>
#include <stdlib.h>

#include "evidence/material.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_verify_input in = {.now = UINT64_C(1700000000)};
    struct cm_verify_job job = {.evidence = {data, size}, .in = &in};
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;

    if (size == 0 || size > 1u << 16) {
        return 0;
    }
    /* no roots and no keys: nothing can be genuine */
    if (cm_verify(&job, &ev) == CM_OK) {
        abort();
    }
    for (size_t s = 0; ev != NULL && s < cm_evidence_submods(ev); s++) {
        for (size_t i = 0; (c = cm_evidence_claim(ev, s, i)) != NULL; i++) {
            if (c->authority == CM_AUTHORITY_HARDWARE) {
                abort();
            }
        }
    }
    cm_evidence_free(ev);
    return 0;
}
