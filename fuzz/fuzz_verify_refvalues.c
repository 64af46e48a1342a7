/* Reference values in JSON: no input may crash, and only what names the measurement's digest passes. */
#include <stdlib.h>
#include <string.h>

#include "verify/refvalues.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const uint8_t digest[32] = {0xab, 0xcd};
    const struct cm_material m = {CM_MATERIAL_REFERENCE, "values", {data, size}};
    const struct cm_verify_input in = {.now = 1};
    const struct cm_verify_job job = {.materials = &m, .material_count = 1, .in = &in};
    const struct cm_digest one = {"msr1", "sha-256", CM_ROLE_LAUNCH, {digest, sizeof(digest)}};
    struct cm_evidence *ev = NULL;

    if (size == 0 || size > 1u << 16) {
        return 0;
    }
    ev = cm_evidence_new("device0");
    if (ev == NULL) {
        return 0;
    }
    cm_claim_digest(ev, 0, &one);
    if (cm_refvalues_check(&job, ev) == CM_OK &&
        cm_evidence_result(ev, 0, "reference.values") == CM_CHECK_PASS &&
        memmem(data, size, "abcd000000000000000000000000000000000000000000000000000000000000",
               64) == NULL &&
        memmem(data, size, "\\", 1) == NULL && memmem(data, size, "A", 1) == NULL &&
        memmem(data, size, "B", 1) == NULL && memmem(data, size, "C", 1) == NULL &&
        memmem(data, size, "D", 1) == NULL) {
        abort(); /* (upper case and escapes are other ways to write it) */
    }
    cm_evidence_free(ev);
    return 0;
}
