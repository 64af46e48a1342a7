/*
 * Generated code, run honestly: random data through every kind of parameter in both directions,
 * what it leaves behind (padding, freed memory), and each allocation failing in turn.
 */
#include "pair_fixture.h"

/* ---- B7: nothing leaves between the members ---- */

static bool only_members;

static void on_output(const char *name, uint8_t *out, size_t out_size)
{
    only_members = true;
    for (size_t i = 0; i < out_size; i++) {
        /* the values that the callee sets hold no 0xaa */
        only_members = only_members && out[i] != 0xaa;
    }
    (void)name;
}

TEST(B7_padding_of_structs_is_cleared)
{
    point p;
    mixed m[2];

    start();
    memset(&p, 0, sizeof(p));
    memset(m, 0, sizeof(m));
    loop_after_ecall = on_output;
    CHECK_EQ(e_dirty(enclave, &p, m), OE_OK);
    CHECK(only_members);
    only_members = false;
    CHECK_EQ(e_dirty_return(enclave, &p), OE_OK);
    CHECK(only_members);
    finish();
}

/* ---- B14: no copy of the data stays behind ---- */

#define CANARY 0x5ec2e75ec2e7beefu

TEST(B14_no_residue_in_freed_memory)
{
    uint64_t items[8];
    uint64_t r = 0;
    leaf l = {1, 16, (uint16_t *)(void *)items};
    uint64_t out[8] = {0};

    start();
    for (int i = 0; i < 8; i++) {
        items[i] = CANARY;
    }
    CHECK_EQ(e_buffers(enclave, &r, NULL, (uint32_t *)(void *)items, NULL, 16, items, out, 64, NULL,
                       NULL, NULL),
             OE_OK);
    CHECK(!loop_peer()->residue(CANARY));
    CHECK(!loop_peer()->residue(~CANARY));
    for (int i = 0; i < 8; i++) {
        items[i] = CANARY;
    }
    CHECK_EQ(e_grow(enclave, &r, &l, 0), OE_OK);
    CHECK(!loop_peer()->residue(CANARY));
    CHECK_EQ(e_grow(enclave, &r, &l, 1), OE_FAILURE);
    CHECK(!loop_peer()->residue(CANARY));
    finish();
}

TEST(B14_freed_memory_of_ocalls_and_deep_copies_is_zero)
{
    uint64_t h = 0;
    oe_result_t r = OE_OK;
    tree t[2];
    leaf l;
    size_t n = 0;
    uint64_t pattern = 0;

    start();
    memcpy(&pattern, "round tr", 8);
    CHECK_EQ(e_ocall_strings(enclave, &r, &n), OE_OK);
    CHECK(!loop_peer()->residue(pattern));
    CHECK_EQ(e_deep_out(enclave, &h, t, 2, 11, &l), OE_OK);
    for (int i = 0; i < 2; i++) {
        if (t[i].pair != NULL) {
            for (int k = 0; k < 2; k++) {
                CHECK(!loop_peer()->residue(t[i].pair[k].free_member));
                if (t[i].pair[k].fixed != NULL) {
                    memcpy(&pattern, t[i].pair[k].fixed, 8);
                    CHECK(!loop_peer()->residue(pattern));
                }
            }
        }
        pair_free_tree(&t[i]);
    }
    pair_free_leaf(&l);
    finish();
}

/* ---- no memory, on each side, at each allocation ---- */

TEST(out_of_memory_in_the_enclave)
{
    tree t[2];
    leaf l;
    long k = 1;

    start();
    for (; k < 2000; k++) {
        uint64_t h = 0;
        oe_result_t r = OE_OK;

        loop_peer()->fail_allocation(k);
        memset(t, 0, sizeof(t));
        memset(&l, 0, sizeof(l));
        r = e_deep_out(enclave, &h, t, 2, 12, &l);
        loop_peer()->fail_allocation(-1);
        CHECK_EQ(loop_peer()->live_blocks(), 0);
        pair_free_tree(&t[0]);
        pair_free_tree(&t[1]);
        pair_free_leaf(&l);
        CHECK(r == OE_OK || r == OE_OUT_OF_MEMORY);
        loop_peer()->fail_allocation(k);
        CHECK_EQ(e_ocall_deep_out(enclave, &r, &h), OE_OK);
        loop_peer()->fail_allocation(-1);
        CHECK(r == OE_OK || r == OE_OUT_OF_MEMORY);
        CHECK_EQ(loop_peer()->live_blocks(), 0);
        if (k > 60) {
            break; /* more than either call allocates */
        }
    }
    finish();
}

TEST(out_of_memory_in_the_host)
{
    tree t[2];
    leaf l;

    start();
    for (long k = 1; k < 80; k++) {
        uint64_t h = 0;
        oe_result_t r = OE_OK;

        memset(t, 0, sizeof(t));
        memset(&l, 0, sizeof(l));
        fail_alloc_at(k);
        r = e_deep_out(enclave, &h, t, 2, 12, &l);
        fail_alloc_at(-1);
        CHECK(r == OE_OK || r == OE_OUT_OF_MEMORY);
        pair_free_tree(&t[0]);
        pair_free_tree(&t[1]);
        pair_free_leaf(&l);
        CHECK_EQ(loop_peer()->live_blocks(), 0);
    }
    finish();
}

/* ---- and the honest way ---- */

TEST(errno_comes_from_the_ocall_and_stays_in_range)
{
    int seen = -1;
    int r = 0;

    start();
    CHECK_EQ(e_call_errno(enclave, &r, 2, &seen), OE_OK);
    CHECK(r == -2 && seen == 2);
    CHECK_EQ(e_call_errno(enclave, &r, 0, &seen), OE_OK);
    CHECK(r == 0 && seen == 0);
    CHECK_EQ(e_call_errno(enclave, &r, 100000, &seen), OE_OK);
    CHECK_EQ(seen, 22);
    CHECK_EQ(e_call_errno(enclave, &r, -5, &seen), OE_OK);
    CHECK_EQ(seen, 22);
    finish();
}

TEST(B8_null_is_null)
{
    uint64_t r = 0;
    size_t n = 1;

    start();
    CHECK_EQ(e_strings(enclave, &n, NULL, NULL, NULL, NULL), OE_OK);
    CHECK_EQ(n, 0);
    CHECK_EQ(e_buffers(enclave, &r, NULL, NULL, NULL, 7, NULL, NULL, 9, NULL, NULL, NULL), OE_OK);
    CHECK_EQ(e_deep_in(enclave, &r, NULL, 3), OE_OK);
    CHECK_EQ(r, 5);
    CHECK_EQ(e_nothing(enclave), OE_OK);
    CHECK_EQ(e_strings(enclave, NULL, NULL, NULL, NULL, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(e_nothing(NULL), OE_INVALID_PARAMETER);
    finish();
}

TEST(random_round_trips_through_ecalls)
{
    start();
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int line = pair_drive(enclave, seed, 25);

        if (line != 0) {
            TEST_FAIL("seed %llu: pair_drive.c:%d", (unsigned long long)seed, line);
            break;
        }
        CHECK_EQ(loop_peer()->live_blocks(), 0);
    }
    finish();
}

TEST(random_round_trips_through_ocalls)
{
    start();
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int line = -1;

        CHECK_EQ(e_drive(enclave, &line, seed, 25), OE_OK);
        if (line != 0) {
            TEST_FAIL("seed %llu: pair_drive.c:%d", (unsigned long long)seed, line);
            break;
        }
        CHECK_EQ(loop_peer()->live_blocks(), 0);
        CHECK_EQ(loop_host_blocks(), 0);
    }
    finish();
}

TEST_MAIN
