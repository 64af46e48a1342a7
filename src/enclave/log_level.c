/*
 * The log level that the host asks for when it creates the enclave, if the enclave's EDL imports
 * logging.edl. A hint: it decides how much is told, never what is done.
 */
#include "enclave/runtime.h"

static uint32_t wanted;

uint32_t cm_log_level(void)
{
    return __atomic_load_n(&wanted, __ATOMIC_RELAXED);
}

/* An ecall of logging.edl. The path is for display by a log callback and not kept. */
void oe_log_init_ecall(const char *enclave_path, uint32_t log_level);

void oe_log_init_ecall(const char *enclave_path, uint32_t log_level)
{
    (void)enclave_path;
    __atomic_store_n(&wanted, log_level, __ATOMIC_RELAXED);
}
