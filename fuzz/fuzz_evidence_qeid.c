/* Enclave identities: no input may crash; what parses is within its limits and refers to the input. */
#include <stdlib.h>

#include "evidence/collateral.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_qe_identity id;

    if (cm_qe_identity_parse(cm_span_make(data, size), &id, NULL) == CM_OK) {
        if (id.level_count == 0 || id.level_count > CM_TCB_MAX_LEVELS / 4 ||
            id.dates.next_update <= id.dates.issue_date || id.json.signed_bytes.ptr < data ||
            id.json.signed_bytes.ptr + id.json.signed_bytes.len > data + size) {
            abort();
        }
    }
    cm_qe_identity_free(&id);
    return 0;
}
