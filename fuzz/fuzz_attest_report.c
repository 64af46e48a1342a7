/* Reports: no input may crash; what parses points into the input, and its target info is whole. */
#include <stdlib.h>
#include <string.h>

#include "attest/attest_report.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    oe_report_t r;
    void *target = NULL;
    size_t target_size = 0;
    oe_result_t result = oe_parse_report(data, size, &r);

    if ((oe_get_target_info_v2(data, size, &target, &target_size) == OE_OK) != (result == OE_OK)) {
        abort();
    }
    if (result == OE_OK &&
        (r.enclave_report < data || r.enclave_report + r.enclave_report_size != data + size ||
         r.report_data < r.enclave_report || r.report_data + 64 > data + size ||
         r.report_data_size != 64 || target_size != CM_SGX_TARGET_INFO_SIZE ||
         memcmp(target, r.identity.unique_id, sizeof(r.identity.unique_id)) != 0)) {
        abort();
    }
    oe_free_target_info(target);
    return 0;
}
