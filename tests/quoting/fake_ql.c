/* A stand-in for libsgx_dcap_ql.so.1; FAKE_OLD leaves one function out. */
#include "fake_common.h"

FAKE_EXPORT uint32_t sgx_qe_set_enclave_load_policy(uint32_t policy);
FAKE_EXPORT uint32_t sgx_qe_get_target_info(void *target_info);
FAKE_EXPORT uint32_t sgx_qe_get_quote_size(uint32_t *size);
FAKE_EXPORT uint32_t sgx_qe_get_quote(const void *report, uint32_t size, uint8_t *quote);

/* "chosen before": the real library answers so once it has loaded an enclave */
uint32_t sgx_qe_set_enclave_load_policy(uint32_t policy)
{
    return policy == 0 ? 0xe00cU : 0xe002U;
}

uint32_t sgx_qe_get_target_info(void *target_info)
{
    fake_target_info(target_info);
    return fake_code();
}

uint32_t sgx_qe_get_quote_size(uint32_t *size)
{
    *size = fake_quote_size();
    return fake_code();
}

#ifndef FAKE_OLD
uint32_t sgx_qe_get_quote(const void *report, uint32_t size, uint8_t *quote)
{
    fake_make_quote(report, quote, size);
    return fake_mode("late") ? 0xe013U : 0;
}
#endif
