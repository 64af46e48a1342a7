/*
 * The enclave of the hardware self-test: makes reports and nothing else. Installed unsigned, so that
 * the same sources give the same package; the host signs it at load, which makes it a debug enclave.
 */
#include <openenclave/enclave.h>
#include <string.h>

#include "enclave/sgxkey.h"
#include "selftest_t.h"

int selftest_report(const uint8_t *target_info, const uint8_t *report_data, uint8_t *report)
{
    struct sgx_targetinfo target;
    struct sgx_report made;
    oe_result_t result = OE_INVALID_PARAMETER;

    if (target_info == NULL || report_data == NULL || report == NULL) {
        return (int)result;
    }
    memcpy(&target, target_info, sizeof(target));
    result = cm_ereport(&target, report_data, &made);
    memcpy(report, &made, sizeof(made));
    return (int)result;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 64, 16, 1);
