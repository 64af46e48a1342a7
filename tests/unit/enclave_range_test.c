/*
 * The 8-bit twin of the range predicates: the same source with 8-bit addresses, compared on every
 * input with the definition in wide arithmetic. tests/proof covers 64 bits.
 */
#include <stdint.h>

#define CM_ADDR uint8_t
#include "enclave/range.c"
#include "harness.h"

enum { SPACE = 256 };

TEST(B2_B3_every_8_bit_range)
{
    long wrong = 0;

    for (int base = 0; base < SPACE; base++) {
        for (int size = 1; base + size <= SPACE && size < SPACE; size++) {
            for (int p = 0; p < SPACE; p++) {
                for (int n = 0; n < SPACE; n++) {
                    const int end = p + (n == 0 ? 1 : n);
                    const bool in = p != 0 && p >= base && end <= base + size;
                    const bool out = p != 0 && end <= SPACE && (end <= base || p >= base + size);

                    wrong +=
                        in != cm_range_within((uint8_t)base, (uint8_t)size, (uint8_t)p, (uint8_t)n);
                    wrong += out !=
                             cm_range_outside((uint8_t)base, (uint8_t)size, (uint8_t)p, (uint8_t)n);
                }
            }
        }
    }
    CHECK_EQ(wrong, 0);
}

TEST_MAIN
