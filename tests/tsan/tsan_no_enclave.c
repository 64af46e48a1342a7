/* For programs without enclaves: the ecalls of workers, so that the linker takes no loader and no emulator
 * (whose signal functions stand in the way of ThreadSanitizer's start). */
#include "cm_host_switchless_u.h"

oe_result_t cm_host_switchless_oe_sgx_init_context_switchless_ecall(oe_enclave_t *enclave,
                                                                    oe_result_t *_retval,
                                                                    oe_host_worker_context_t *lines,
                                                                    uint64_t count)
{
    (void)enclave;
    (void)_retval;
    (void)lines;
    (void)count;
    return OE_UNSUPPORTED;
}

oe_result_t cm_host_switchless_oe_sgx_switchless_enclave_worker_thread_ecall(
    oe_enclave_t *enclave, oe_enclave_worker_context_t *context)
{
    (void)enclave;
    (void)context;
    return OE_UNSUPPORTED;
}
