/* Nitro documents: no input may crash, be genuine without a root, or give spans outside of it. */
#include <stdlib.h>

#include "evidence/claims.h"
#include "inside.h"
#include "nitro/nitro.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct cm_span bytes = {data, size};
    const struct cm_verify_input in = {.now = 1700000000};
    const struct cm_verify_job job = {.evidence = bytes, .in = &in};
    struct cm_evidence *ev = cm_evidence_new("enclave");
    struct cm_nitro_doc doc;

    (void)cm_nitro_recognise(bytes);
    if (cm_nitro_doc_parse(bytes, &doc, NULL) == CM_OK) {
        inside(bytes, doc.module_id);
        inside(bytes, doc.certificate);
        inside(bytes, doc.nonce);
        for (size_t i = 0; i < CM_NITRO_MAX_PCRS; i++) {
            inside(bytes, doc.pcrs[i]);
        }
    }
    cm_nitro_doc_free(&doc);
    if (ev != NULL && cm_nitro_verify(&job, ev, 0) == CM_OK) {
        abort();
    }
    cm_evidence_free(ev);
    return 0;
}
