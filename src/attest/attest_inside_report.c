/* Reports of the older API in an enclave (openenclave/bits/enclave_reports.h). */
#include <openenclave/enclave.h>

#include <stdlib.h>
#include <string.h>

#include "attest/attest_inside.h"
#include "attest/attest_report.h"
#include "attest/attest_side.h"

static oe_result_t get_local(const void *opt_params, size_t opt_params_size, struct cm_span data,
                             uint8_t **out, size_t *size)
{
    uint8_t report[CM_SGX_REPORT_SIZE] = {0};
    oe_result_t result = cm_attest_own_report(opt_params, opt_params_size, data, report);

    return result == OE_OK
               ? cm_report_wrap(CM_REPORT_LOCAL, cm_span_make(report, sizeof(report)), out, size)
               : result;
}

static oe_result_t get_remote(struct cm_span data, uint8_t **out, size_t *size)
{
    uint8_t *quote = NULL;
    size_t quote_size = 0;
    oe_result_t result = cm_attest_own_quote(data, &quote, &quote_size);

    if (result == OE_OK && quote_size > OE_MAX_REPORT_SIZE - CM_REPORT_HEADER_SIZE) {
        result = OE_INCORRECT_REPORT_SIZE;
    }
    if (result == OE_OK) {
        result = cm_report_wrap(CM_REPORT_REMOTE, cm_span_make(quote, quote_size), out, size);
    }
    free(quote);
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_get_report_v2(uint32_t flags, const uint8_t *report_data, size_t report_data_size,
                             const void *opt_params, size_t opt_params_size,
                             uint8_t **report_buffer, size_t *report_buffer_size)
{
    struct cm_span data = cm_span_make(report_data, report_data_size);

    if (report_buffer != NULL) {
        *report_buffer = NULL;
    }
    if (report_buffer_size != NULL) {
        *report_buffer_size = 0;
    }
    if (report_buffer == NULL || report_buffer_size == NULL ||
        (flags & ~(uint32_t)OE_REPORT_FLAGS_REMOTE_ATTESTATION) != 0) {
        return OE_INVALID_PARAMETER;
    }
    if ((flags & OE_REPORT_FLAGS_REMOTE_ATTESTATION) == 0) {
        return get_local(opt_params, opt_params_size, data, report_buffer, report_buffer_size);
    }
    if (opt_params != NULL || opt_params_size != 0) {
        return OE_INVALID_PARAMETER;
    }
    return get_remote(data, report_buffer, report_buffer_size);
}
