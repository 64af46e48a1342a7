/* The enclave's log and clock, as far as attestation needs them, and the host's results. */
#include "attest/attest_inside.h"
#include "attest/attest_side.h"
#include "enclave/runtime.h"
#include "enclave/tracee.h"

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
    cm_enclave_log(OE_LOG_LEVEL_ERROR, line);
}
