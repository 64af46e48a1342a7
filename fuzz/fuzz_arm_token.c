/* Arm's tokens and statements: no input may crash, or be genuine without a key. */
#include <stdlib.h>

#include "arm/arm.h"
#include "evidence/claims.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static enum cm_status (*const verifiers[])(const struct cm_verify_job *, struct cm_evidence *,
                                               size_t) = {cm_cca_verify, cm_psa_verify,
                                                          cm_optee_verify};
    const struct cm_span bytes = {data, size};
    const struct cm_verify_input in = {.now = 1700000000};
    const struct cm_verify_job job = {.evidence = bytes, .in = &in};
    const int known = cm_cca_recognise(bytes) + cm_psa_recognise(bytes) + cm_optee_recognise(bytes);

    if (known > 1) {
        abort();
    }
    for (size_t i = 0; i < sizeof(verifiers) / sizeof(verifiers[0]); i++) {
        struct cm_evidence *ev = cm_evidence_new("platform");

        if (ev != NULL && (verifiers[i](&job, ev, 0) == CM_OK || cm_evidence_genuine(ev, 0))) {
            abort();
        }
        cm_evidence_free(ev);
    }
    return 0;
}
