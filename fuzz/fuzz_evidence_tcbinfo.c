/* TCB info: no input may crash; what parses is within its limits and refers to the input. */
#include <stdlib.h>

#include "evidence/dcap_tcb.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const uint8_t svn[16] = {5, 1, 3};
    static struct cm_qe_identity qe;
    static struct cm_pck_ext pck;
    struct cm_tcb_verdict verdict;
    struct cm_tcb_info info;

    if (cm_tcb_info_parse(cm_span_make(data, size), &info, NULL) == CM_OK) {
        if (info.level_count == 0 || info.level_count > CM_TCB_MAX_LEVELS ||
            info.module_count > CM_TCB_MAX_MODULES ||
            info.dates.next_update <= info.dates.issue_date || info.json.signed_bytes.ptr < data ||
            info.json.signed_bytes.ptr + info.json.signed_bytes.len > data + size) {
            abort();
        }
        /* no quoting enclave's level: whatever else it says, nothing is supported or worse */
        cm_tcb_evaluate(&info, &qe, &pck, 8, cm_span_make(svn, sizeof(svn)), &verdict);
        if (verdict.merged != CM_DCAP_NOT_SUPPORTED && verdict.merged != CM_DCAP_REVOKED) {
            abort();
        }
    }
    cm_tcb_info_free(&info);
    return 0;
}
