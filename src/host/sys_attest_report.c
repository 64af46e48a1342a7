/*
 * Reports of the older API on the host (openenclave/bits/host_reports.h): the enclave makes and, of
 * local ones, verifies them; remote ones are verified here.
 */
#include <openenclave/host.h>

#include <stdlib.h>
#include <string.h>

#include "attest/attest_report.h"
#include "cm_host_attest_u.h"
#include "host/hostlog.h"

static oe_result_t answer(oe_result_t call, const oe_result_t *result)
{
    if (call == OE_NOT_FOUND) {
        cm_host_log(CM_LOG_ERROR, "its EDL must import openenclave/edl/sgx/attestation.edl");
        return OE_UNSUPPORTED;
    }
    return call != OE_OK ? call : *result;
}

oe_result_t oe_get_report_v2(oe_enclave_t *enclave, uint32_t flags, const void *opt_params,
                             size_t opt_params_size, uint8_t **report_buffer,
                             size_t *report_buffer_size)
{
    uint8_t *report = NULL;
    size_t size = 0;
    oe_result_t inner = OE_UNEXPECTED;
    oe_result_t result = OE_OK;

    if (report_buffer != NULL) {
        *report_buffer = NULL;
    }
    if (report_buffer_size != NULL) {
        *report_buffer_size = 0;
    }
    if (enclave == NULL || report_buffer == NULL || report_buffer_size == NULL ||
        (opt_params == NULL && opt_params_size != 0)) {
        return OE_INVALID_PARAMETER;
    }
    report = malloc(OE_MAX_REPORT_SIZE);
    if (report == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    result = answer(cm_host_attest_oe_get_report_v2_ecall(enclave, &inner, flags, opt_params,
                                                          opt_params_size, report,
                                                          OE_MAX_REPORT_SIZE, &size),
                    &inner);
    if (result == OE_OK && size > OE_MAX_REPORT_SIZE) {
        result = OE_UNEXPECTED;
    }
    if (result != OE_OK) {
        free(report);
        return result;
    }
    *report_buffer = report;
    *report_buffer_size = size;
    return OE_OK;
}

oe_result_t oe_verify_report(oe_enclave_t *enclave, const uint8_t *report, size_t report_size,
                             oe_report_t *parsed_report)
{
    struct cm_span in = cm_span_make(report, report_size);
    enum cm_report_type type = CM_REPORT_LOCAL;
    oe_report_t parsed;
    oe_result_t inner = OE_UNEXPECTED;
    oe_result_t result = OE_OK;

    if (report == NULL) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_report_parse(in, &type, &parsed);
    if (result != OE_OK) {
        return result;
    }
    if (type == CM_REPORT_REMOTE) {
        return cm_report_verify_remote(in, cm_span_make(NULL, 0), parsed_report);
    }
    if (enclave == NULL) {
        return OE_INVALID_PARAMETER;
    }
    result = answer(
        cm_host_attest_oe_verify_local_report_ecall(enclave, &inner, report, report_size), &inner);
    if (result == OE_OK && parsed_report != NULL) {
        *parsed_report = parsed;
    }
    return result;
}
