/*
 * CoRIM files and files of keys: no input may crash; a file that is taken is compared with claims, and
 * its keys are offered for every device.
 */
#include <stdlib.h>

#include "corim/corim.h"
#include "evidence/claims.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static enum cm_status never(void *ctx, const struct cm_pubkey *key)
{
    (void)ctx;
    return key == NULL ? CM_ERR_PARAM : CM_ERR_SIGNATURE;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const uint8_t id[33] = {1, 7, 6, 5};
    const struct cm_span bytes = {data, size};
    const struct cm_verify_input in = {.now = 1700000000};
    const struct cm_material materials[2] = {{CM_MATERIAL_REFERENCE, "corim", bytes},
                                             {CM_MATERIAL_KEY, "keys", bytes}};
    const struct cm_verify_job job = {.materials = materials, .material_count = 2, .in = &in};
    const struct cm_enrolled_query query = {{id, 33}, {id, 32}, NULL};
    const struct cm_digest digest = {"rim", "sha-256", CM_ROLE_LAUNCH, {id, 32}};
    struct cm_evidence *ev = cm_evidence_new("platform");

    if (ev == NULL) {
        return 0;
    }
    cm_claim_bytes(ev, 0, "psa.implementation_id", cm_span_make(id, 32));
    cm_claim_digest(ev, 0, &digest);
    if (cm_reference_check(&job, ev) == CM_OK &&
        cm_evidence_result(ev, 0, "reference.measurement") == CM_CHECK_FAIL) {
        abort();
    }
    if (cm_corim_find_key(&job, &query, never, NULL, NULL) == CM_OK ||
        cm_enrolled_find(materials, 2, &query, never, NULL, NULL) == CM_OK) {
        abort();
    }
    cm_evidence_free(ev);
    return 0;
}
