/*
 * The functions of pair.edl in a signed enclave: the same random round trips as in the loopback,
 * through the real host library, the emulator and the real runtime.
 */
#include "harness.h"

#include <unistd.h>

#include "pair_drive.h"
#include "pair_model.h"

static oe_enclave_t *enclave;

static void start(void)
{
    if (enclave == NULL) {
        CHECK_EQ(oe_create_pair_enclave(PAIR_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                        OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                        &enclave),
                 OE_OK);
    }
}

TEST(random_round_trips_through_ecalls)
{
    start();
    REQUIRE(enclave != NULL);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int line = pair_drive(enclave, seed, 25);

        if (line != 0) {
            TEST_FAIL("seed %llu: pair_drive.c:%d", (unsigned long long)seed, line);
            break;
        }
    }
}

TEST(random_round_trips_through_ocalls)
{
    start();
    REQUIRE(enclave != NULL);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int line = -1;

        CHECK_EQ(e_drive(enclave, &line, seed, 25), OE_OK);
        if (line != 0) {
            TEST_FAIL("seed %llu: pair_drive.c:%d", (unsigned long long)seed, line);
            break;
        }
    }
}

TEST(errno_of_the_host_arrives)
{
    int seen = -1;
    int r = 0;

    start();
    REQUIRE(enclave != NULL);
    CHECK_EQ(e_call_errno(enclave, &r, 2, &seen), OE_OK);
    CHECK(r == -2 && seen == 2);
}

TEST(B6_callee_cannot_grow_a_count)
{
    uint16_t items[3] = {1, 2, 3};
    leaf l = {7, 3, items};
    uint64_t r = 0;

    start();
    REQUIRE(enclave != NULL);
    CHECK_EQ(e_grow(enclave, &r, &l, 1), OE_FAILURE);
    CHECK(l.n == 3 && l.items == items);
}

TEST(terminates)
{
    REQUIRE(enclave != NULL);
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
    enclave = NULL;
}

TEST_MAIN
