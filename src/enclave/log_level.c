/*
 * The ecall of logging.edl by which the host names the log level it wants. The runtime itself logs
 * nothing but the reason of an abort, which is told at every level, so there is nothing to keep.
 */
#include <stdint.h>

void oe_log_init_ecall(const char *enclave_path, uint32_t log_level);

void oe_log_init_ecall(const char *enclave_path, uint32_t log_level)
{
    (void)enclave_path;
    (void)log_level;
}
