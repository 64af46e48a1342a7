/* The enclave of bench_switchless. */
#include <openenclave/enclave.h>

#include <string.h>

#include "bench_switchless_t.h"

int sw_null(int n)
{
    return n;
}

int sw_plain(int n)
{
    return n;
}

void sw_buffer(const uint8_t *in, uint8_t *out, size_t n)
{
    memcpy(out, in, n);
}

uint64_t sw_ask(uint64_t times, bool switchless)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < times; i++) {
        int n = 0;

        if ((switchless ? sw_host(&n, 1) : sw_host_plain(&n, 1)) != OE_OK) {
            return 0;
        }
        sum += (uint64_t)n;
    }
    return sum;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 256, 16, 3);
