/* The enclave's log and clock, as far as attestation needs them, and the host's results. */
#include "attest/attest_inside.h"
#include "attest/attest_side.h"
#include "enclave/runtime.h"

/* defined by generated code of an enclave that imports openenclave/edl/logging.edl */
oe_result_t oe_log_ocall(uint32_t log_level, const char *message) __attribute__((weak));

oe_result_t cm_attest_answer(oe_result_t call, const oe_result_t *retval)
{
    oe_result_t result = call != OE_OK ? call : *retval;

    return (uint32_t)result <= (uint32_t)OE_SGX_QUOTE_LIBRARY_ERROR ? result : OE_UNEXPECTED;
}

uint64_t cm_attest_now(void)
{
    return cm_host_time_ns() / UINT64_C(1000000000);
}

void cm_attest_show(const char *line)
{
    enum { ERROR_LEVEL = 2, STDERR = 1 };
    char text[160];
    size_t n = 0;

    for (; n < sizeof(text) - 2 && line[n] != '\0'; n++) {
        text[n] = line[n];
        if (line[n] < ' ' || line[n] > '~') {
            text[n] = '?';
        }
    }
    text[n] = '\0';
    if (oe_log_ocall != NULL) {
        (void)oe_log_ocall(ERROR_LEVEL, text);
        return;
    }
    text[n++] = '\n';
    cm_host_write(STDERR, text, n);
}
