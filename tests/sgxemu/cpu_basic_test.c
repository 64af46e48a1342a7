/* EENTER, EEXIT, exceptions and ERESUME, one thread, no signals from outside. */
#include "harness.h"

#include "cpu_kit.h"

static struct kit_enclave enc;

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

TEST(null_call)
{
    struct sgx_enclave_run run;

    REQUIRE(ready());
    for (int i = 0; i < 1000; i++) {
        REQUIRE(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    }
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_RAW, 0, 0, &run), &run));
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

TEST_MAIN
