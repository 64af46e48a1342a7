/* The record of host blocks (C3): no two of the runtime's own overlap, whatever the host says. */
#include <stdint.h>
#include <stdlib.h>

#include <openenclave/advanced/allocator.h>

#include "enclave/hostblocks.h"
#include "harness.h"

static int fail_realloc;

void *oe_allocator_realloc(void *ptr, size_t size)
{
    return fail_realloc ? NULL : realloc(ptr, size);
}

TEST(C3_own_blocks_never_overlap)
{
    CHECK(cm_host_block_add(1000, 100, true));
    CHECK(!cm_host_block_add(1000, 100, true));
    CHECK(!cm_host_block_add(1000, 1, false));
    CHECK(!cm_host_block_add(1099, 1, true));
    CHECK(!cm_host_block_add(999, 2, false));
    CHECK(!cm_host_block_add(900, 1000, true));
    CHECK(!cm_host_block_add(1, UINT64_MAX - 1, true));
    CHECK(cm_host_block_add(1100, 1, true));
    CHECK(cm_host_block_add(999, 1, true));
    CHECK_EQ(cm_host_block_size(1000), 100);
    CHECK_EQ(cm_host_block_size(1001), 0);
    CHECK(cm_host_block_remove(1000));
    CHECK(!cm_host_block_remove(1000));
    CHECK(cm_host_block_add(1000, 100, true));
    CHECK(cm_host_block_remove(1000) && cm_host_block_remove(1100) && cm_host_block_remove(999));
}

TEST(C3_an_applications_block_gives_way)
{
    CHECK(cm_host_block_add(1000, 100, false));
    CHECK(cm_host_block_add(1200, 100, false));
    CHECK(cm_host_block_add(1050, 200, true)); /* over both */
    CHECK_EQ(cm_host_block_size(1000), 0);
    CHECK_EQ(cm_host_block_size(1200), 0);
    CHECK_EQ(cm_host_block_size(1050), 200);
    CHECK(cm_host_block_remove(1050));
}

/* Against a plain model, at random. */
TEST(C3_record_agrees_with_a_model)
{
    enum { PLACES = 64 };
    static uint8_t owner[PLACES + 8]; /* 0 free, 1 own, 2 the application's */
    static uint64_t start[PLACES + 8];
    uint32_t s = 1;

    for (int i = 0; i < 200000; i++) {
        s = s * 1664525u + 1013904223u;
        const uint64_t at = 1 + (s >> 8) % PLACES;
        const uint64_t n = 1 + (s >> 16) % 6;
        const bool own = (s >> 24 & 1) != 0;

        if ((s >> 25 & 1) != 0) {
            const bool there = owner[at] != 0 && start[at] == at;

            CHECK_EQ(cm_host_block_remove(at), there);
            for (uint64_t k = at; there && k < PLACES + 8 && start[k] == at && owner[k] != 0; k++) {
                owner[k] = 0;
            }
            continue;
        }
        bool free_to_take = true;

        for (uint64_t k = at; k < at + n; k++) {
            free_to_take = free_to_take && owner[k] != 1;
        }
        CHECK_EQ(cm_host_block_add(at, n, own), free_to_take);
        if (free_to_take) {
            uint64_t gone[8];
            size_t count = 0;

            for (uint64_t h = at; h < at + n; h++) {
                if (owner[h] == 2) {
                    gone[count++] = start[h];
                }
            }
            for (uint64_t k = 1; k < PLACES + 8; k++) {
                for (size_t g = 0; g < count; g++) {
                    if (owner[k] == 2 && start[k] == gone[g]) {
                        owner[k] = 0;
                    }
                }
            }
            for (uint64_t h = at; h < at + n; h++) {
                owner[h] = own ? 1 : 2;
                start[h] = at;
            }
        }
    }
}

TEST(out_of_memory_is_a_refusal)
{
    int added = 0;

    fail_realloc = 1;
    for (uint64_t i = 0; i < 1000; i++) {
        added += cm_host_block_add(100000 + i * 10, 5, true);
    }
    CHECK(added < 1000);
    fail_realloc = 0;
}

TEST_MAIN
