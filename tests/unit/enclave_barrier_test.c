/* The API's barriered copies against the C library's functions (F-1). */
#include <stdint.h>

#include <openenclave/bits/security.h>

#include "harness.h"

enum { ROOM = 1500, MAX = 700 };

static uint8_t ours[ROOM];
static uint8_t theirs[ROOM];

static void fill(void)
{
    for (size_t i = 0; i < ROOM; i++) {
        ours[i] = (uint8_t)(i * 31 + i / 7);
    }
    memcpy(theirs, ours, ROOM);
}

TEST(F1_copies_do_what_the_c_library_does)
{
    for (size_t from = 0; from < 600; from += 37) {
        for (size_t to = 0; to < 600; to += 41) {
            for (size_t n = 0; n < MAX; n = n < 20 ? n + 1 : n * 2 + 3) {
                fill();
                CHECK(oe_memmove_with_barrier(ours + to, ours + from, n) == ours + to);
                memmove(theirs + to, theirs + from, n);
                CHECK_MEM(ours, theirs, ROOM);
                if (from + n <= to || to + n <= from) {
                    fill();
                    CHECK(oe_memcpy_with_barrier(ours + to, ours + from, n) == ours + to);
                    memcpy(theirs + to, theirs + from, n);
                    CHECK_MEM(ours, theirs, ROOM);
                }
            }
        }
    }
}

TEST(F1_memset_and_single_values)
{
    for (size_t to = 0; to < 20; to++) {
        for (size_t n = 0; n < MAX; n = n < 20 ? n + 1 : n * 2 + 3) {
            fill();
            CHECK(oe_memset_with_barrier(ours + to, 0x1a5, n) == ours + to);
            memset(theirs + to, 0xa5, n);
            CHECK_MEM(ours, theirs, ROOM);
        }
    }
    uint32_t value = 0;

    OE_WRITE_VALUE_WITH_BARRIER(&value, 0x12345678u);
    CHECK_EQ(value, 0x12345678u);
}

TEST(F1_bounds_are_kept)
{
    fill();
    CHECK_EQ(oe_memcpy_s_with_barrier(ours, 10, ours + 100, 10), OE_OK);
    CHECK_MEM(ours, theirs + 100, 10);
    fill();
    CHECK_EQ(oe_memcpy_s_with_barrier(ours, 10, ours + 100, 11), OE_OUT_OF_BOUNDS);
    CHECK_EQ(oe_memcpy_s_with_barrier(ours, 99, ours + 9, 10), OE_OVERLAPPED_COPY);
    CHECK_EQ(oe_memcpy_s_with_barrier(ours + 9, 99, ours, 10), OE_OVERLAPPED_COPY);
    CHECK_EQ(oe_memcpy_s_with_barrier(NULL, 10, ours, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_memmove_s_with_barrier(ours, 10, NULL, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_memmove_s_with_barrier(ours, 10, ours + 1, 11), OE_OUT_OF_BOUNDS);
    CHECK_EQ(oe_memset_s_with_barrier(ours, 10, 1, SIZE_MAX), OE_OUT_OF_BOUNDS);
    CHECK_EQ(oe_memset_s_with_barrier(NULL, 10, 1, 1), OE_INVALID_PARAMETER);
    CHECK_MEM(ours, theirs, ROOM);
    CHECK_EQ(oe_memset_s_with_barrier(ours, 10, 1, 10), OE_OK);
    CHECK(ours[9] == 1 && ours[10] == theirs[10]);
}

TEST_MAIN
