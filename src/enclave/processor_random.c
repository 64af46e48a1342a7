/* RDSEED and RDRAND. SGX processors all have both; so does every host that the emulator accepts. */
#include "enclave/random.h"

/* CF tells a result from nothing; the register then is 0 on some processors and stale on others. */
static bool checked(uint8_t carry, uint64_t v, uint64_t *out)
{
    *out = carry != 0 ? v : 0;
    return carry != 0;
}

bool cm_rdseed(uint64_t *out)
{
    uint64_t v = 0;
    uint8_t carry = 0;

    __asm__ volatile("rdseed %0; setc %1" : "=r"(v), "=q"(carry) : : "cc");
    return checked(carry, v, out);
}

bool cm_rdrand(uint64_t *out)
{
    uint64_t v = 0;
    uint8_t carry = 0;

    __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=q"(carry) : : "cc");
    return checked(carry, v, out);
}
