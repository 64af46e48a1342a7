/*
 * Randomness from the processor alone (C5). RDSEED first, RDRAND when it has run dry, each with
 * retries; a processor that keeps failing ends the enclave: no caller ever sees less than asked.
 *
 * cm_rdseed and cm_rdrand stand in processor_random.c, so that a test can link its own source.
 */
#include "enclave/random.h"

#include <string.h>

#include "common/wipe.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

enum { RDSEED_TRIES = 16, RDRAND_TRIES = 64 };

uint64_t cm_random_u64(void)
{
    uint64_t v = 0;

    for (int i = 0; i < RDSEED_TRIES; i++) {
        if (cm_rdseed(&v)) {
            return v;
        }
        __builtin_ia32_pause();
    }
    for (int i = 0; i < RDRAND_TRIES; i++) {
        if (cm_rdrand(&v)) {
            return v;
        }
        __builtin_ia32_pause();
    }
    cm_abort_because("the processor gives no random numbers");
}

uint32_t cm_libc_random(void *data, size_t size)
{
    uint8_t *p = data;

    while (size != 0) {
        uint64_t v = cm_random_u64();
        const size_t n = size < sizeof(v) ? size : sizeof(v);

        memcpy(p, &v, n);
        p += n;
        size -= n;
        cm_wipe(&v, sizeof(v));
    }
    return OE_OK;
}

oe_result_t oe_random(void *data, size_t size)
{
    if (data == NULL && size != 0) {
        return OE_INVALID_PARAMETER;
    }
    return (oe_result_t)cm_libc_random(data, size);
}
