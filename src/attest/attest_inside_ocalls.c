/*
 * What the ocalls of openenclave/edl/sgx/attestation.edl are in an enclave whose EDL does not import
 * it: unsupported, and said so once.
 */
#include <stdatomic.h>
#include <string.h>

#include "attest/attest_inside.h"
#include "attest/attest_side.h"

#define UNLESS_IMPORTED __attribute__((weak))

static oe_result_t missing(oe_result_t *retval)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&said)) {
        cm_attest_show("warning: for this the enclave's EDL must import");
        cm_attest_show("openenclave/edl/sgx/attestation.edl");
    }
    *retval = OE_UNSUPPORTED;
    return OE_UNSUPPORTED;
}

UNLESS_IMPORTED oe_result_t oe_get_supported_attester_format_ids_ocall(oe_result_t *retval,
                                                                       void *format_ids,
                                                                       size_t format_ids_size,
                                                                       size_t *format_ids_size_out)
{
    (void)format_ids;
    (void)format_ids_size;
    *format_ids_size_out = 0;
    return missing(retval);
}

UNLESS_IMPORTED oe_result_t oe_get_qetarget_info_ocall(oe_result_t *retval,
                                                       const oe_uuid_t *format_id,
                                                       const void *opt_params,
                                                       size_t opt_params_size,
                                                       sgx_target_info_t *target_info)
{
    (void)format_id;
    (void)opt_params;
    (void)opt_params_size;
    memset(target_info, 0, sizeof(*target_info));
    return missing(retval);
}

/* NOLINTNEXTLINE(readability-function-size): the ocall's parameters */
UNLESS_IMPORTED oe_result_t oe_get_quote_ocall(oe_result_t *retval, const oe_uuid_t *format_id,
                                               const void *opt_params, size_t opt_params_size,
                                               const sgx_report_t *sgx_report, void *quote,
                                               size_t quote_size, size_t *quote_size_out)
{
    (void)format_id;
    (void)opt_params;
    (void)opt_params_size;
    (void)sgx_report;
    (void)quote;
    (void)quote_size;
    *quote_size_out = 0;
    return missing(retval);
}

UNLESS_IMPORTED oe_result_t oe_get_quote_verification_collateral_ocall(
    oe_result_t *retval, const void *quote, size_t quote_size, void *endorsements,
    size_t endorsements_size, size_t *endorsements_size_out)
{
    (void)quote;
    (void)quote_size;
    (void)endorsements;
    (void)endorsements_size;
    *endorsements_size_out = 0;
    return missing(retval);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are those of the EDL */
UNLESS_IMPORTED oe_result_t oe_get_quote_verification_collateral_with_baseline_ocall(
    oe_result_t *retval, const void *quote, size_t quote_size, const void *baseline,
    size_t baseline_size, void *endorsements, size_t endorsements_size,
    size_t *endorsements_size_out)
{
    (void)quote;
    (void)quote_size;
    (void)baseline;
    (void)baseline_size;
    (void)endorsements;
    (void)endorsements_size;
    *endorsements_size_out = 0;
    return missing(retval);
}

/* Not to know what the host's user wishes is no error: nothing more is accepted. */
UNLESS_IMPORTED oe_result_t cm_attest_wish_ocall(
    oe_result_t *retval, const sgx_target_info_t *target_info, uint32_t *accepts,
    sgx_report_t *proof, uint8_t *root_key) /* NOLINT(readability-non-const-parameter) */
{
    (void)target_info;
    (void)proof;
    (void)root_key;
    *accepts = 0;
    *retval = OE_UNSUPPORTED;
    return OE_UNSUPPORTED;
}
