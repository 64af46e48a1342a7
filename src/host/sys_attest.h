/*
 * The host's half of attestation: what the API's common code (src/attest) needs of a host, and the
 * ocalls of openenclave/edl/sgx/attestation.edl. What an enclave gets from here it does not believe.
 */
#ifndef CM_HOST_SYS_ATTEST_H
#define CM_HOST_SYS_ATTEST_H

#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/sgx/sgxtypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** CASEMATE_ACCEPT_EMULATED=1 and CASEMATE_ACCEPT_DEBUG=1; the log says so once a process. */
bool cm_host_accepts_emulated(void);
bool cm_host_accepts_debug(void);

oe_result_t oe_get_supported_attester_format_ids_ocall(void *format_ids, size_t format_ids_size,
                                                       size_t *format_ids_size_out);
oe_result_t oe_get_qetarget_info_ocall(const oe_uuid_t *format_id, const void *opt_params,
                                       size_t opt_params_size, sgx_target_info_t *target_info);
oe_result_t oe_get_quote_ocall(const oe_uuid_t *format_id, const void *opt_params,
                               size_t opt_params_size, const sgx_report_t *sgx_report, void *quote,
                               size_t quote_size, size_t *quote_size_out);
oe_result_t oe_get_quote_verification_collateral_ocall(const void *quote, size_t quote_size,
                                                       void *endorsements, size_t endorsements_size,
                                                       size_t *endorsements_size_out);
oe_result_t oe_get_quote_verification_collateral_with_baseline_ocall(
    const void *quote, size_t quote_size, const void *baseline, size_t baseline_size,
    void *endorsements, size_t endorsements_size, size_t *endorsements_size_out);
oe_result_t cm_attest_wish_ocall(const sgx_target_info_t *target_info, uint32_t *accepts,
                                 sgx_report_t *proof, uint8_t root_key[65]);

#endif
