/* The ocalls of openenclave/edl/sgx/switchless.edl: the contexts are lines. */
#include "host/handle.h"
#include "host/switchless.h"
#include "host/sys_ocalls.h"

void oe_sgx_wake_switchless_worker_ocall(struct _oe_host_worker_context_t *context)
{
    oe_enclave_t *enclave = cm_handle_current();

    if (enclave != NULL) {
        cm_switchless_wake(enclave, context);
    }
}

void oe_sgx_sleep_switchless_worker_ocall(struct _oe_enclave_worker_context_t *context)
{
    oe_enclave_t *enclave = cm_handle_current();

    if (enclave != NULL) {
        cm_switchless_sleep(enclave, context);
    }
}
