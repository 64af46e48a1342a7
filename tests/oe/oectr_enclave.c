/* An enclave whose constructor divides by zero. */
#include <openenclave/enclave.h>

#include "oectr_t.h"

static volatile int nothing;

static __attribute__((noinline)) void build_up(void)
{
    nothing = 100 / nothing;
}

__attribute__((constructor)) static void begin(void)
{
    build_up();
    __asm__ volatile("");
}

void ctr_nothing(void)
{
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 64, 16, 1);
