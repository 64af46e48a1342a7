/*
 * The ocalls of openenclave/edl/sgx/attestation.edl; see sys_attest.h. Each serves the enclave whose
 * thread this is: an emulated one gets quotes of the emulated platform, any other never.
 */
#include "host/sys_attest.h"

#include <stdlib.h>
#include <string.h>

#include <casemate/emuplat.h>

#include <openenclave/attestation/sgx/evidence.h>

#include "attest/attest_side.h"
#include "host/handle.h"
#include "host/hostlog.h"
#include "quoting/quoting.h"

/* of cm_attest_wish_ocall */
#define ACCEPT_EMULATED 1u
#define ACCEPT_DEBUG    2u

static const oe_uuid_t ecdsa = {OE_FORMAT_UUID_SGX_ECDSA};

static bool emulated(void)
{
    const oe_enclave_t *e = cm_handle_current();

    return e != NULL && e->device != NULL && e->device->emulated != 0;
}

static oe_result_t choose(const struct cm_quoting **out)
{
    struct cm_why why = {{0}};
    enum cm_status st = cm_quoting_choose(emulated(), out, &why);

    if (st != CM_OK) {
        cm_host_log(CM_LOG_ERROR, "no quotes on this host: %s",
                    why.text[0] != '\0' ? why.text : cm_status_str(st));
        return OE_QUOTE_LIBRARY_LOAD_ERROR;
    }
    return OE_OK;
}

static oe_result_t failed(const char *what, enum cm_status st, const struct cm_why *why)
{
    cm_host_log(CM_LOG_ERROR, "%s: %s", what, why->text[0] != '\0' ? why->text : cm_status_str(st));
    return st == CM_ERR_SPACE ? OE_BUFFER_TOO_SMALL : OE_SGX_QUOTE_LIBRARY_ERROR;
}

oe_result_t oe_get_supported_attester_format_ids_ocall(void *format_ids, size_t format_ids_size,
                                                       size_t *format_ids_size_out)
{
    const struct cm_quoting *q = NULL;

    if (format_ids_size_out == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *format_ids_size_out = 0;
    if (choose(&q) != OE_OK) {
        return OE_OK; /* none */
    }
    *format_ids_size_out = sizeof(ecdsa);
    if (format_ids == NULL || format_ids_size < sizeof(ecdsa)) {
        return OE_BUFFER_TOO_SMALL;
    }
    memcpy(format_ids, &ecdsa, sizeof(ecdsa));
    return OE_OK;
}

oe_result_t oe_get_qetarget_info_ocall(const oe_uuid_t *format_id, const void *opt_params,
                                       size_t opt_params_size, sgx_target_info_t *target_info)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {{0}};
    uint8_t bytes[CM_QUOTING_TARGET_INFO_SIZE];
    enum cm_status st = CM_OK;
    oe_result_t result = OE_OK;

    (void)opt_params;
    if (format_id == NULL || target_info == NULL || opt_params_size != 0) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_uuid_equal(format_id, &ecdsa) ? choose(&q) : OE_UNSUPPORTED;
    if (result != OE_OK) {
        return result;
    }
    st = cm_quoting_target_info(q, bytes, &why);
    if (st != CM_OK) {
        return failed("the quoting enclave's target info", st, &why);
    }
    memcpy(target_info, bytes, sizeof(bytes));
    return OE_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the ocall's parameters */
oe_result_t oe_get_quote_ocall(const oe_uuid_t *format_id, const void *opt_params,
                               size_t opt_params_size, const sgx_report_t *sgx_report, void *quote,
                               size_t quote_size, size_t *quote_size_out)
{
    const struct cm_quoting *q = NULL;
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    oe_result_t result = OE_OK;

    (void)opt_params;
    if (format_id == NULL || sgx_report == NULL || quote_size_out == NULL || opt_params_size != 0 ||
        (quote == NULL && quote_size != 0)) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_uuid_equal(format_id, &ecdsa) ? choose(&q) : OE_UNSUPPORTED;
    if (result != OE_OK) {
        return result;
    }
    st = cm_quoting_quote(q, (const uint8_t *)sgx_report, quote, quote_size, quote_size_out, &why);
    return st == CM_OK ? OE_OK : failed("no quote", st, &why);
}

static oe_result_t give_endorsements(struct cm_span quote, struct cm_span baseline, void *out,
                                     size_t capacity, size_t *needed)
{
    uint8_t *made = NULL;
    size_t size = 0;
    oe_result_t result = OE_OK;

    if (quote.ptr == NULL || needed == NULL || (out == NULL && capacity != 0)) {
        return OE_INVALID_PARAMETER;
    }
    *needed = 0;
    result = cm_attest_fetch(quote, baseline, &made, &size);
    if (result == OE_OK) {
        *needed = size;
        if (out == NULL || size > capacity) {
            result = OE_BUFFER_TOO_SMALL;
        } else {
            memcpy(out, made, size);
        }
    }
    free(made);
    return result;
}

oe_result_t oe_get_quote_verification_collateral_ocall(const void *quote, size_t quote_size,
                                                       void *endorsements, size_t endorsements_size,
                                                       size_t *endorsements_size_out)
{
    return give_endorsements(cm_span_make(quote, quote_size), cm_span_make(NULL, 0), endorsements,
                             endorsements_size, endorsements_size_out);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are those of the EDL */
oe_result_t oe_get_quote_verification_collateral_with_baseline_ocall(
    const void *quote, size_t quote_size, const void *baseline, size_t baseline_size,
    void *endorsements, size_t endorsements_size, size_t *endorsements_size_out)
{
    if (baseline == NULL) {
        return OE_INVALID_PARAMETER;
    }
    return give_endorsements(cm_span_make(quote, quote_size), cm_span_make(baseline, baseline_size),
                             endorsements, endorsements_size, endorsements_size_out);
}

oe_result_t cm_attest_wish_ocall(const sgx_target_info_t *target_info, uint32_t *accepts,
                                 sgx_report_t *proof, uint8_t root_key[65])
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (target_info == NULL || accepts == NULL || proof == NULL || root_key == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *accepts = cm_host_accepts_debug() ? ACCEPT_DEBUG : 0;
    memset(proof, 0, sizeof(*proof));
    memset(root_key, 0, CM_EMUPLAT_ROOT_KEY_SIZE);
    if (!cm_host_accepts_emulated() || !emulated()) {
        return OE_OK;
    }
    st = cm_emuplat_root_key(root_key, &why);
    if (st == CM_OK) {
        st = cm_emuplat_prove((const uint8_t *)target_info, (uint8_t *)proof, &why);
    }
    if (st != CM_OK) {
        return failed("the emulated platform's proof", st, &why);
    }
    *accepts |= ACCEPT_EMULATED;
    return OE_OK;
}
