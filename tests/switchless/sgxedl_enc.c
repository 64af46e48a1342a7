/* The functions of sgx/{cpu,debug,thread,switchless}.edl, called from inside. */
#include <openenclave/enclave.h>

#include <stdlib.h>
#include <string.h>

#include "sgxedl_t.h"

int enc_cpuid(const uint32_t *due, size_t n)
{
    uint32_t table[64];
    oe_result_t said = OE_FAILURE;

    if (n > 64 || oe_sgx_get_cpuid_table_ocall(&said, table, n * sizeof(*table)) != OE_OK) {
        return 1;
    }
    if (said != OE_OK || memcmp(table, due, n * sizeof(*table)) != 0) {
        return 2;
    }
    if (oe_sgx_get_cpuid_table_ocall(&said, table, 17) != OE_OK || said != OE_INVALID_PARAMETER) {
        return 3;
    }
    return 0;
}

static __attribute__((noinline)) uint64_t here(void)
{
    return (uint64_t)__builtin_return_address(0);
}

int enc_symbols(uint32_t what)
{
    const uint64_t addresses[2] = {here(), 16};
    oe_symbols_t symbols = {NULL, 0};
    oe_result_t said = OE_FAILURE;
    int wrong = 0;

    if (what == 1) {
        return oe_sgx_log_backtrace_ocall(&said, oe_get_enclave(), addresses, 2) != OE_OK ||
               said != OE_OK;
    }
    if (what == 2) { /* another enclave's, or none */
        return oe_sgx_backtrace_symbols_ocall(&said, NULL, addresses, 2, &symbols) != OE_OK ||
               said != OE_INVALID_PARAMETER || symbols.buffer != NULL;
    }
    if (oe_sgx_backtrace_symbols_ocall(&said, oe_get_enclave(), addresses, 2, &symbols) != OE_OK ||
        said != OE_OK || symbols.size < 2) {
        return 10;
    }
    /* the function's name and "" */
    wrong = strcmp(symbols.buffer, "enc_symbols") != 0 ||
            symbols.size != strlen("enc_symbols") + 2 ||
            ((const char *)symbols.buffer)[symbols.size - 1] != '\0';
    free(symbols.buffer);
    return wrong;
}

int enc_wake_wait(oe_enclave_t *enclave, uint64_t waiter, uint64_t self)
{
    return oe_sgx_thread_wake_wait_ocall(enclave, waiter, self) != OE_OK;
}

/* both come back: the line is none of its workers' */
uint64_t enc_wake_sleep(void *line)
{
    return oe_sgx_wake_switchless_worker_ocall(line) != OE_OK ||
           oe_sgx_sleep_switchless_worker_ocall(line) != OE_OK;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 256, 32, 2);
