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

/* the whole secret, or a range that is not, in each direction; then the enclave still works */
TEST(B1_B2_data_inside_the_enclave_are_refused)
{
    uint64_t r = 0;
    void *secret = NULL;
    uint8_t *at = NULL;
    uint8_t raw[1024] = {0};
    uint8_t back[1024] = {0};

    start();
    REQUIRE(enclave != NULL);
    CHECK_EQ(e_secret(enclave, &secret), OE_OK);
    REQUIRE(secret != NULL);
    at = secret;
    for (size_t n = 513; n <= 4096; n += 511) {
        uint32_t bytes = (uint32_t)n;

        CHECK_EQ(e_buffers(enclave, &r, NULL, NULL, NULL, 0, at, NULL, bytes, NULL, NULL, NULL),
                 OE_INVALID_PARAMETER);
        CHECK_EQ(e_buffers(enclave, &r, NULL, NULL, NULL, 0, NULL, at, bytes, NULL, NULL, NULL),
                 OE_INVALID_PARAMETER);
        CHECK_EQ(e_buffers(enclave, &r, NULL, secret, NULL, n, NULL, NULL, 0, NULL, NULL, NULL),
                 OE_INVALID_PARAMETER);
    }
    CHECK_EQ(e_buffers(enclave, &r, NULL, NULL, NULL, 0, raw, back, sizeof(raw), NULL, NULL, NULL),
             OE_OK);
    CHECK(back[0] == 0x33 && back[1023] == 0x33);
}

/* every alignment of both ends, through the copy functions that count in words */
TEST(data_of_any_alignment_arrive)
{
    uint8_t raw[640], back[640], want[640];

    start();
    REQUIRE(enclave != NULL);
    for (size_t i = 0; i < sizeof(raw); i++) {
        raw[i] = (uint8_t)(i * 7);
    }
    for (size_t skip = 0; skip < 8; skip++) {
        for (uint32_t n = 500; n < 530; n++) {
            uint64_t got = 0;
            uint64_t hash = 0;

            memset(back, 0x11, sizeof(back));
            memset(want, 0x11, sizeof(want));
            memset(want + skip, 0x33, n);
            CHECK_EQ(e_buffers(enclave, &got, NULL, NULL, NULL, 0, raw + skip, back + skip, n, NULL,
                               NULL, NULL),
                     OE_OK);
            CHECK_MEM(back, want, sizeof(back));
            hash = CALLEE(buffers)(NULL, NULL, NULL, 0, raw + skip, NULL, n, NULL, NULL, NULL);
            CHECK_EQ(got, hash);
        }
    }
}

TEST(terminates)
{
    REQUIRE(enclave != NULL);
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
    enclave = NULL;
}

TEST_MAIN
