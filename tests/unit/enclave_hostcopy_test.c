/* The three functions that touch host memory: right bytes for every alignment, and nothing beyond. */
#include <stdint.h>

#include "enclave/edge.h"
#include "harness.h"

enum { ROOM = 1024, MAX = 400 };

static uint8_t host[ROOM] __attribute__((aligned(64)));
static uint8_t inside[ROOM] __attribute__((aligned(64)));

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + 3);
}

static size_t sizes_next(size_t n)
{
    return n < 80 ? n + 1 : n + 37; /* every short one, and some that take the REP path */
}

TEST(F2_copy_in_every_alignment)
{
    for (size_t i = 0; i < ROOM; i++) {
        host[i] = pattern(i);
    }
    for (size_t at = 0; at < 9; at++) {
        for (size_t to = 0; to < 9; to++) {
            for (size_t n = 0; n <= MAX; n = sizes_next(n)) {
                memset(inside, 0xee, sizeof(inside));
                cm_copy_in(inside + to, host + at, n);
                CHECK(n == 0 || memcmp(inside + to, host + at, n) == 0);
                CHECK(to == 0 || inside[to - 1] == 0xee);
                CHECK(inside[to + n] == 0xee);
            }
        }
    }
}

TEST(F1_copy_out_every_alignment)
{
    for (size_t i = 0; i < ROOM; i++) {
        inside[i] = pattern(i);
    }
    for (size_t at = 8; at < 17; at++) {
        for (size_t from = 0; from < 9; from++) {
            for (size_t n = 0; n <= MAX; n = sizes_next(n)) {
                memset(host, 0xee, sizeof(host));
                cm_copy_out(host + at, inside + from, n);
                CHECK(n == 0 || memcmp(host + at, inside + from, n) == 0);
                CHECK(host[at - 1] == 0xee);
                CHECK(host[at + n] == 0xee);
            }
        }
    }
}

TEST(F1_zero_out_every_alignment)
{
    for (size_t at = 8; at < 17; at++) {
        for (size_t n = 0; n <= MAX; n = sizes_next(n)) {
            memset(host, 0xee, sizeof(host));
            cm_zero_out(host + at, n);
            CHECK(host[at - 1] == 0xee);
            CHECK(host[at + n] == 0xee);
            for (size_t i = 0; i < n; i++) {
                CHECK(host[at + i] == 0);
            }
        }
    }
}

TEST_MAIN
