/* Option cpuid: a preloaded program's own CPUID instructions show SGX. Knows nothing of the emulator. */
#include <cpuid.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"

TEST(cpuid_shows_sgx)
{
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
    uint32_t real = 0;

    __cpuid_count(7, 0, a, b, c, d);
    CHECK((b & 4u) != 0);
    __cpuid_count(0x12, 0, a, b, c, d);
    CHECK_EQ(a & 3u, 3);
    __cpuid_count(0x12, 2, a, b, c, d);
    CHECK_EQ(a & 15u, 1);
    /* everything else is the machine's */
    __cpuid(1, real, b, c, d);
    CHECK(real != 0);
    CHECK((d & (1u << 26)) != 0); /* SSE2 */
}

/* the bytes of CPUID inside another instruction are no CPUID */
TEST(bytes_that_look_like_cpuid)
{
    uint32_t v = 0;

    __asm__ volatile("movl $0x90a20f90, %0" : "=r"(v));
    CHECK_EQ(v, 0x90a20f90u);
}

TEST_MAIN
