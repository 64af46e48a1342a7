/* Confidential Space tokens: no input may crash, or be genuine without a key. */
#include <stdlib.h>

#include "cvm/gcp_token.h"
#include "evidence/claims.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_json_node nodes[2048];
    struct cm_verify_input in = {.now = UINT64_C(1700000000)};
    struct cm_verify_job job = {.evidence = {data, size}, .in = &in};
    struct cm_evidence *ev = cm_evidence_new("token");
    struct cm_json json;

    if (ev == NULL) {
        return 0;
    }
    (void)cm_gcp_token_recognise(job.evidence);
    if (cm_gcp_token_verify(&job, ev, 0) == CM_OK) {
        abort();
    }
    /* payloads as they would be behind a signature */
    if (cm_json_parse(job.evidence, nodes, 2048, &json, NULL) == CM_OK) {
        cm_gcp_token_claims(ev, 0, cm_json_root(&json));
        if (cm_gcp_token_check(&in, ev, 0, cm_json_root(&json)) == CM_ERR_NOMEM) {
            abort();
        }
    }
    cm_evidence_free(ev);
    return 0;
}
