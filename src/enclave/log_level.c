/*
 * How much the enclave tells the host. The host asks (an ecall of logging.edl); the enclave decides:
 * its messages leave for a place that it does not trust, so without the DEBUG attribute, where a
 * debugger could read everything anyhow, no host gets more than errors.
 */
#include <stdint.h>

#include "arch/sgx.h"
#include "enclave/sgxkey.h"
#include "enclave/tracee.h"

void oe_log_init_ecall(const char *enclave_path, uint32_t log_level);

static uint32_t wanted = OE_LOG_LEVEL_ERROR;

oe_log_level_t cm_enclave_log_level(void)
{
    return (oe_log_level_t)__atomic_load_n(&wanted, __ATOMIC_RELAXED);
}

void oe_log_init_ecall(const char *enclave_path, uint32_t log_level)
{
    (void)enclave_path;
    if (log_level >= OE_LOG_LEVEL_MAX) {
        return;
    }
    if (log_level > OE_LOG_LEVEL_ERROR && (cm_attribute_flags() & SGX_ATTR_DEBUG) == 0) {
        log_level = OE_LOG_LEVEL_ERROR;
    }
    __atomic_store_n(&wanted, log_level, __ATOMIC_RELAXED);
}
