/*
 * The ecalls of openenclave/edl/attestation.edl and sgx/attestation.edl. Generated code calls them
 * with private copies of what the host gave: UNTRUSTED. Verifying needs OpenSSL: it is weak here, so
 * that an enclave which never verifies does not carry it only because it imports an EDL file.
 */
#include <openenclave/enclave.h>

#include <stdlib.h>
#include <string.h>

#include "attest/attest_inside.h"

/* what generated code declares */
oe_result_t oe_verify_report_ecall(const void *report, size_t report_size);
oe_result_t oe_get_sgx_report_ecall(const void *opt_params, size_t opt_params_size,
                                    sgx_report_t *report);
oe_result_t oe_get_report_v2_ecall(uint32_t flags, const void *opt_params, size_t opt_params_size,
                                   uint8_t *report_buffer, size_t report_capacity,
                                   size_t *report_size);
oe_result_t oe_verify_local_report_ecall(const uint8_t *report, size_t report_size);

extern __typeof(oe_verify_report) oe_verify_report __attribute__((weak));

oe_result_t oe_verify_report_ecall(const void *report, size_t report_size)
{
    return oe_verify_report == NULL ? OE_UNSUPPORTED : oe_verify_report(report, report_size, NULL);
}

oe_result_t oe_verify_local_report_ecall(const uint8_t *report, size_t report_size)
{
    oe_report_t parsed;
    oe_result_t result = OE_OK;

    if (oe_verify_report == NULL) {
        return OE_UNSUPPORTED;
    }
    result = oe_parse_report(report, report_size, &parsed);
    if (result == OE_OK && (parsed.identity.attributes & OE_REPORT_ATTRIBUTES_REMOTE) != 0) {
        return OE_INVALID_PARAMETER;
    }
    return result == OE_OK ? oe_verify_report(report, report_size, NULL) : result;
}

oe_result_t oe_get_sgx_report_ecall(const void *opt_params, size_t opt_params_size,
                                    sgx_report_t *report)
{
    uint8_t bytes[CM_SGX_REPORT_SIZE] = {0};
    oe_result_t result = OE_INVALID_PARAMETER;

    if (report != NULL) {
        result = cm_attest_own_report(opt_params, opt_params_size, cm_span_make(NULL, 0), bytes);
        memcpy(report, bytes, sizeof(*report));
    }
    return result;
}

oe_result_t oe_get_report_v2_ecall(uint32_t flags, const void *opt_params, size_t opt_params_size,
                                   uint8_t *report_buffer, size_t report_capacity,
                                   size_t *report_size)
{
    uint8_t *report = NULL;
    size_t size = 0;
    oe_result_t result = OE_INVALID_PARAMETER;

    if (report_size == NULL || (report_buffer == NULL && report_capacity != 0)) {
        return result;
    }
    result = oe_get_report_v2(flags, NULL, 0, opt_params, opt_params_size, &report, &size);
    *report_size = size;
    if (result == OE_OK && size > report_capacity) {
        result = OE_BUFFER_TOO_SMALL;
    }
    if (result == OE_OK) {
        memcpy(report_buffer, report, size);
    }
    oe_free_report(report);
    return result;
}
