/*
 * Azure's evidence: HCL reports and Trustee's JSON, verified with the same bytes as materials of every kind
 * that may stand beside it. Nobody's root is trusted, so nothing of it can be genuine.
 */
#include <stdlib.h>

#include "common/span.h"
#include "cvm/azure.h"
#include "evidence/claims.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const struct cm_trust_root root = {.family = "snp", .label = "nobody's"};
    const struct cm_verify_input in = {
        .now = UINT64_C(1700000000), .roots = &root, .root_count = 1};
    const struct cm_span bytes = cm_span_make(data, size);
    const struct cm_material materials[] = {{CM_MATERIAL_SIGNATURE, "signature", bytes},
                                            {CM_MATERIAL_PCRS, "pcrs", bytes},
                                            {CM_MATERIAL_QUOTE, "quote", bytes}};
    const bool json = size != 0 && data[0] == '{';
    const bool hcl = size != 0 && data[0] == 'H'; /* which is no quote */
    const struct cm_verify_job job = {.evidence = bytes,
                                      .materials = materials,
                                      .material_count = json  ? 0
                                                        : hcl ? 2
                                                              : 3,
                                      .in = &in};
    struct cm_evidence *ev = cm_evidence_new("cpu");

    (void)cm_azure_recognise(bytes);
    if (ev != NULL && cm_azure_verify(&job, ev, 0) == CM_OK) {
        abort();
    }
    cm_evidence_free(ev);
    return 0;
}
