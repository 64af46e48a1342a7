/* Log lines and console output of enclaves; see sys_ocalls.h. */
#include <stdio.h>
#include <string.h>

#include "host/hostlog.h"
#include "host/sys_ocalls.h"

void oe_log_is_supported_ocall(void)
{
}

void oe_log_ocall(uint32_t log_level, const char *message)
{
    cm_host_log_enclave(log_level, message);
}

void oe_write_ocall(int device, const char *str, size_t maxlen)
{
    FILE *stream = device == 0 ? stdout : stderr;

    if (str != NULL && (device == 0 || device == 1)) {
        (void)!fwrite(str, 1, strnlen(str, maxlen), stream);
        (void)fflush(stream);
    }
}
