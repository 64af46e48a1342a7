/*
 * REPORTs of this enclave, and quotes of them from the host, which is not believed: a quote must be
 * of the enclave's own REPORT.
 */
#include <stdlib.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>

#include "arch/sgx.h"
#include "attest/attest_inside.h"
#include "attest/attest_side.h"
#include "common/wipe.h"
#include "enclave/sgxkey.h"
#include "evidence/quote.h"

oe_result_t cm_attest_own_report(const void *opt_params, size_t opt_params_size,
                                 struct cm_span data, uint8_t out[CM_SGX_REPORT_SIZE])
{
    struct sgx_targetinfo target;
    struct sgx_report report;
    uint8_t bound[64] = {0};
    oe_result_t result = OE_OK;

    if (data.len > sizeof(bound) || (data.ptr == NULL && data.len != 0) ||
        (opt_params == NULL) != (opt_params_size == 0) ||
        (opt_params != NULL && opt_params_size != sizeof(target))) {
        return OE_INVALID_PARAMETER;
    }
    if (data.len != 0) {
        memcpy(bound, data.ptr, data.len);
    }
    if (opt_params != NULL) {
        memcpy(&target, opt_params, sizeof(target));
    }
    result = cm_ereport(opt_params == NULL ? NULL : &target, bound, &report);
    if (result == OE_OK) {
        memcpy(out, &report, sizeof(report));
    }
    return result;
}

bool cm_attest_has_local(void)
{
    return true;
}

oe_result_t cm_attest_target_info(uint8_t out[CM_SGX_TARGET_INFO_SIZE])
{
    struct sgx_report self;
    struct sgx_targetinfo target;
    oe_result_t result = cm_ereport(NULL, NULL, &self);

    memset(&target, 0, sizeof(target));
    if (result == OE_OK) {
        memcpy(target.mrenclave, self.body.mrenclave, sizeof(target.mrenclave));
        target.attributes = self.body.attributes;
        target.configsvn = self.body.configsvn;
        target.miscselect = self.body.miscselect;
        memcpy(target.configid, self.body.configid, sizeof(target.configid));
    }
    memcpy(out, &target, sizeof(target));
    return result;
}

static const oe_uuid_t quoted = {OE_FORMAT_UUID_SGX_ECDSA};

/* G, C: another enclave's quote, an old one, or one with other data must not leave as ours. */
static bool is_ours(struct cm_span bytes, const uint8_t report[CM_SGX_REPORT_SIZE])
{
    struct cm_quote q;
    struct cm_why why = {{0}};

    return cm_quote_parse(bytes, &q, &why) == CM_OK && q.tee == CM_QUOTE_TEE_SGX &&
           cm_ct_equal(q.signed_bytes.ptr + q.signed_bytes.len - CM_SGX_BODY_SIZE, report,
                       CM_SGX_BODY_SIZE);
}

static oe_result_t report_for_quote(struct cm_span data, uint8_t report[CM_SGX_REPORT_SIZE])
{
    sgx_target_info_t target;
    oe_result_t retval = OE_UNEXPECTED;
    oe_result_t result = OE_OK;

    memset(&target, 0, sizeof(target));
    result =
        cm_attest_answer(oe_get_qetarget_info_ocall(&retval, &quoted, NULL, 0, &target), &retval);
    if (result == OE_OK) {
        result = cm_attest_own_report(&target, sizeof(target), data, report);
        if (result == OE_INVALID_PARAMETER) { /* the host's mistake, not our caller's */
            result = OE_VERIFY_FAILED;
        }
    }
    return result;
}

oe_result_t cm_attest_own_quote(struct cm_span data, uint8_t **quote, size_t *size)
{
    uint8_t report[CM_SGX_REPORT_SIZE] = {0};
    sgx_report_t given;
    uint8_t *buffer = NULL;
    size_t got = 0;
    oe_result_t retval = OE_UNEXPECTED;
    oe_result_t result = OE_OK;

    if (data.len > OE_REPORT_DATA_SIZE || (data.ptr == NULL && data.len != 0)) {
        return OE_INVALID_PARAMETER;
    }
    buffer = malloc(CM_ATTEST_MAX_QUOTE);
    if (buffer == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    result = report_for_quote(data, report);
    if (result == OE_OK) {
        memcpy(&given, report, sizeof(given));
        result = cm_attest_answer(oe_get_quote_ocall(&retval, &quoted, NULL, 0, &given, buffer,
                                                     CM_ATTEST_MAX_QUOTE, &got),
                                  &retval);
    }
    if (result == OE_OK &&
        (got > CM_ATTEST_MAX_QUOTE || !is_ours(cm_span_make(buffer, got), report))) {
        cm_attest_show("the host gave a quote that is not about this enclave");
        result = OE_VERIFY_FAILED;
    }
    if (result != OE_OK) {
        free(buffer);
        return result;
    }
    *quote = buffer;
    *size = got;
    return OE_OK;
}
