/* Enclave side of bench_crypto. */
#include <openenclave/enclave.h>

#include "bench_crypto_t.h"
#include "crypto_work.h"

int work_inside(unsigned int what, uint64_t count, uint64_t size)
{
    return crypto_work_run(what, count, size);
}

OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 1);
