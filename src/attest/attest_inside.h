/* What the files of the enclave's half share: own reports, quotes, and the ocalls. */
#ifndef CM_ATTEST_INSIDE_H
#define CM_ATTEST_INSIDE_H

#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/sgx/sgxtypes.h>

#include "attest/attest_wire.h"

/*
 * The ocalls of openenclave/edl/sgx/attestation.edl, as generated code defines them; without it weak
 * ones that say OE_UNSUPPORTED. Whatever they give is the host's word.
 */
oe_result_t oe_get_supported_attester_format_ids_ocall(oe_result_t *retval, void *format_ids,
                                                       size_t format_ids_size,
                                                       size_t *format_ids_size_out);
oe_result_t oe_get_qetarget_info_ocall(oe_result_t *retval, const oe_uuid_t *format_id,
                                       const void *opt_params, size_t opt_params_size,
                                       sgx_target_info_t *target_info);
oe_result_t oe_get_quote_ocall(oe_result_t *retval, const oe_uuid_t *format_id,
                               const void *opt_params, size_t opt_params_size,
                               const sgx_report_t *sgx_report, void *quote, size_t quote_size,
                               size_t *quote_size_out);
oe_result_t oe_get_quote_verification_collateral_ocall(oe_result_t *retval, const void *quote,
                                                       size_t quote_size, void *endorsements,
                                                       size_t endorsements_size,
                                                       size_t *endorsements_size_out);
oe_result_t oe_get_quote_verification_collateral_with_baseline_ocall(
    oe_result_t *retval, const void *quote, size_t quote_size, const void *baseline,
    size_t baseline_size, void *endorsements, size_t endorsements_size,
    size_t *endorsements_size_out);
oe_result_t cm_attest_wish_ocall(oe_result_t *retval, const sgx_target_info_t *target_info,
                                 uint32_t *accepts, sgx_report_t *proof, uint8_t *root_key);

/** A call's result, or that of the function called (set by the call), held to codes that exist. */
oe_result_t cm_attest_answer(oe_result_t call, const oe_result_t *retval);

/**
 * A REPORT of this enclave.
 * @param opt_params  TARGETINFO, UNTRUSTED; NULL: for nobody.
 * @param data        at most 64 bytes; zeros follow.
 * @retval OE_INVALID_PARAMETER
 */
oe_result_t cm_attest_own_report(const void *opt_params, size_t opt_params_size,
                                 struct cm_span data, uint8_t out[CM_SGX_REPORT_SIZE]);

/**
 * A quote of this enclave from the host, checked to hold this enclave's own REPORT with these data.
 * @param quote  malloced.
 * @retval OE_VERIFY_FAILED  the host gave another enclave's, or other data's
 */
oe_result_t cm_attest_own_quote(struct cm_span data, uint8_t **quote, size_t *size);

/** The largest endorsements that an enclave takes from its host. */
#define CM_ATTEST_MAX_FETCH OE_ATTESTATION_ENDORSEMENT_MAX_SIZE

#endif
