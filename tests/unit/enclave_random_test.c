/* Randomness with a processor of our own, which fails as told (C5). */
#include <setjmp.h>
#include <stdint.h>

#include "enclave/edge.h"
#include "enclave/heap.h"
#include "enclave/random.h"
#include "harness.h"

static int rdseed_fails; /* that many times from now; -1 for ever */
static int rdrand_fails;
static int rdseed_calls;
static int rdrand_calls;
static jmp_buf aborted;

static bool give(int *fails, uint64_t v, uint64_t *out)
{
    *out = 0;
    if (*fails != 0) {
        *fails -= *fails > 0;
        return false;
    }
    *out = v;
    return true;
}

bool cm_rdseed(uint64_t *out)
{
    rdseed_calls++;
    return give(&rdseed_fails, 0x5555555555555555, out);
}

bool cm_rdrand(uint64_t *out)
{
    rdrand_calls++;
    return give(&rdrand_fails, 0x7777777777777777, out);
}

_Noreturn void cm_abort_because(const char *why)
{
    (void)why;
    longjmp(aborted, 1);
}

static void reset(int seed, int rand)
{
    rdseed_fails = seed;
    rdrand_fails = rand;
    rdseed_calls = 0;
    rdrand_calls = 0;
}

TEST(C5_every_byte_is_filled)
{
    for (size_t n = 0; n < 40; n++) {
        uint8_t buf[48];

        memset(buf, 0, sizeof(buf));
        reset(0, 0);
        CHECK_EQ(oe_random(buf, n), OE_OK);
        for (size_t i = 0; i < sizeof(buf); i++) {
            CHECK_EQ(buf[i], i < n ? 0x55 : 0);
        }
    }
}

TEST(C5_retries_then_the_other_instruction)
{
    uint8_t buf[8] = {0};

    reset(3, 0);
    CHECK_EQ(oe_random(buf, sizeof(buf)), OE_OK);
    CHECK_EQ(buf[0], 0x55);
    CHECK_EQ(rdseed_calls, 4);
    reset(-1, 5);
    CHECK_EQ(oe_random(buf, sizeof(buf)), OE_OK);
    CHECK_EQ(buf[0], 0x77);
    CHECK_EQ(rdrand_calls, 6);
}

TEST(C5_no_randomness_aborts_and_never_gives_zeros)
{
    uint8_t buf[8];

    memset(buf, 0xaa, sizeof(buf));
    reset(-1, -1);
    if (setjmp(aborted) == 0) {
        (void)oe_random(buf, sizeof(buf));
        TEST_FAIL("came back without randomness");
    }
    for (size_t i = 0; i < sizeof(buf); i++) {
        CHECK_EQ(buf[i], 0xaa);
    }
    CHECK(rdseed_calls > 1 && rdrand_calls > 1);
}

TEST(null_buffer_is_refused)
{
    reset(0, 0);
    CHECK_EQ(oe_random(NULL, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_random(NULL, 0), OE_OK);
}

TEST_MAIN
