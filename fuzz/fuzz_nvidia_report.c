/* NVIDIA's SPDM reports: no input may crash; what parses lies inside the input and adds up. */
#include <stdlib.h>

#include "inside.h"
#include "nvidia/nvidia_claims.h"
#include "nvidia/spdm.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_spdm_report r;
    struct cm_span whole = {data, size};
    struct cm_why why = {{0}};
    struct cm_evidence *ev = NULL;
    size_t blocks = 0;

    if (cm_spdm_parse(whole, &r, &why) != CM_OK) {
        if (why.text[0] == '\0') {
            abort(); /* a refusal names its cause */
        }
        return 0;
    }
    inside(whole, r.nonce);
    inside(whole, r.opaque);
    for (size_t i = 0; i < r.block_count; i++) {
        inside(whole, r.blocks[i].value);
        blocks += 7 + r.blocks[i].value.len;
    }
    /* request, response's head, blocks, nonce, opaque data: every byte that is signed */
    if (r.signed_bytes.ptr != data ||
        r.signed_bytes.len != 37 + 8 + blocks + 32 + 2 + r.opaque.len ||
        r.signature.ptr != data + r.signed_bytes.len || r.signature.len != 96 ||
        size - r.signed_bytes.len - 96 > 1) {
        abort();
    }
    ev = cm_evidence_new("device0");
    if (ev != NULL) {
        cm_nvidia_report_claims(ev, 0, &r);
        if (cm_evidence_done(ev) != CM_OK) {
            abort();
        }
    }
    cm_evidence_free(ev);
    return 0;
}
