/* An application that imports openenclave/edl/sgx/platform.edl: what each of its functions does. */
#include "harness.h"

#include <cpuid.h>
#include <pthread.h>

#include "host/handle.h"
#include "sgxedl_u.h"

static oe_enclave_t *e;

static bool ready(void)
{
    return e != NULL || oe_create_sgxedl_enclave(SGXEDL_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                                                 NULL, 0, &e) == OE_OK;
}

TEST(cpuid_table)
{
    uint32_t due[4] = {0};
    int wrong = -1;

    REQUIRE(ready());
    (void)__get_cpuid_count(0, 0, &due[0], &due[1], &due[2], &due[3]);
    CHECK_EQ(enc_cpuid(e, &wrong, due, 4), OE_OK); /* leaf 0; leaf 1 says which processor this is */
    CHECK_EQ(wrong, 0);
}

TEST(names_of_addresses)
{
    int wrong = -1;

    REQUIRE(ready());
    for (uint32_t what = 0; what < 3; what++) {
        CHECK_EQ(enc_symbols(e, &wrong, what), OE_OK);
        CHECK_EQ(wrong, 0);
    }
}

static void *wake_first(void *arg)
{
    int wrong = -1;

    (void)arg;
    /* wakes the first TCS, and waits as the second until that one wakes it */
    return (void *)(uintptr_t)(enc_wake_wait(e, &wrong, e, e->slots[0].tcs, e->slots[1].tcs) !=
                                   OE_OK ||
                               wrong != 0);
}

TEST(two_threads_wake_each_other)
{
    pthread_t other;
    void *result = NULL;
    int wrong = -1;

    REQUIRE(ready());
    REQUIRE(pthread_create(&other, NULL, wake_first, NULL) == 0);
    CHECK_EQ(enc_wake_wait(e, &wrong, e, e->slots[1].tcs, e->slots[0].tcs), OE_OK);
    CHECK_EQ(wrong, 0);
    (void)pthread_join(other, &result);
    CHECK(result == NULL);
    CHECK_EQ(enc_wake_wait(e, &wrong, e, 1, 2), OE_OK); /* no TCS: nothing happens */
    CHECK_EQ(enc_wake_wait(e, &wrong, NULL, 1, 2), OE_OK);
    CHECK_EQ(wrong, 0);
}

TEST(lines_that_are_none)
{
    uint64_t wrong = 1;

    REQUIRE(ready());
    CHECK_EQ(enc_wake_sleep(e, &wrong, &wrong), OE_OK);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST_MAIN
