/*
 * A hostile host calls the trusted half of generated code: pointers into the enclave, strings
 * without an end, sizes that wrap, buffers of every wrong size, damaged deep copies.
 */
#include "pair_fixture.h"

#include <sys/mman.h>

/* ---- hostile changes to the input of an ecall: one argument struct, changed by a function ---- */

static oe_result_t strings_with(void (*change)(uint8_t *in, size_t in_size))
{
    char b[] = "bbbb";
    size_t n = 0;
    oe_result_t r = OE_OK;

    change_input = change;
    loop_before_ecall = on_input;
    r = e_strings(enclave, &n, "aaaa", b, L"cc", NULL);
    loop_before_ecall = NULL;
    CHECK_STR(b, "bbbb");
    return r;
}

static size_t lie;

static void lie_a_len(uint8_t *in, size_t in_size)
{
    (void)in_size;
    ((e_strings_args_t *)(void *)in)->a_len = lie;
}

static void lie_c_len(uint8_t *in, size_t in_size)
{
    (void)in_size;
    ((e_strings_args_t *)(void *)in)->c_len = lie;
}

static void unterminate_a(uint8_t *in, size_t in_size)
{
    (void)in_size;
    in[region_of(sizeof(e_strings_args_t)) + 4] = 'x';
}

static void unterminate_b(uint8_t *in, size_t in_size)
{
    (void)in_size;
    in[region_of(sizeof(e_strings_args_t)) + 16 + 4] = 'x';
}

static void unterminate_c(uint8_t *in, size_t in_size)
{
    (void)in_size;
    in[region_of(sizeof(e_strings_args_t)) + 32 + 2 * sizeof(wchar_t)] = 1;
}

TEST(B4_unterminated_string_is_refused)
{
    start();
    CHECK_EQ(strings_with(unterminate_a), OE_INVALID_PARAMETER);
    CHECK_EQ(strings_with(unterminate_b), OE_INVALID_PARAMETER);
    CHECK_EQ(strings_with(unterminate_c), OE_INVALID_PARAMETER);
    finish();
}

TEST(B4_string_length_that_lies_is_refused)
{
    static const size_t lies[] = {
        0, 1, 2, 3, 17, 1u << 20, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 4, SIZE_MAX / 4 + 2};

    start();
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        lie = lies[i];
        CHECK(strings_with(lie_a_len) != OE_OK);
        CHECK(strings_with(lie_c_len) != OE_OK || lie == 3); /* 3 is the truth for c */
    }
    lie = 4; /* the last character, not the terminator */
    CHECK_EQ(strings_with(lie_a_len), OE_INVALID_PARAMETER);
    lie = 16; /* up to the end of the region: the bytes behind the terminator are zero and ours */
    CHECK_EQ(strings_with(lie_a_len), OE_OK);
    finish();
}

/* ---- B1: what an argument's address says is never believed ---- */

static uint8_t *forbidden; /* a page without access */

static void point_into_enclave(uint8_t *in, size_t in_size)
{
    e_buffers_args_t *a = (e_buffers_args_t *)(void *)in;
    uint8_t *secret = loop_peer()->arena + 64;

    (void)in_size;
    a->in = (uint32_t *)(void *)secret;
    a->io = (uint32_t *)(void *)(loop_peer()->arena - 4); /* straddles the base (B2) */
    a->out = (uint32_t *)(void *)(loop_peer()->arena + loop_peer()->arena_size - 4);
    a->raw = (void *)(size_t)1;
    a->back = (void *)(size_t)-8;
    a->one = (int *)(void *)forbidden;
    a->deepcopy_out_buffer = secret;
    a->deepcopy_out_buffer_size = 4096;
}

TEST(B1_B2_pointers_of_the_host_are_only_flags)
{
    uint32_t in[3] = {1, 2, 3}, io[3] = {4, 5, 6}, out[3] = {7, 7, 7};
    uint8_t raw[5] = {1, 2, 3, 4, 5}, back[5] = {0};
    int one = 9;
    uint64_t honest = 0;
    uint64_t hostile = 0;
    void *secret = NULL;
    uint8_t copy[64];

    start();
    forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(forbidden != MAP_FAILED);
    CHECK_EQ(e_buffers(enclave, &honest, in, io, out, 3, raw, back, 5, &one, NULL, NULL), OE_OK);
    io[0] = 4;
    io[1] = 5;
    io[2] = 6;
    secret = loop_peer()->enclave_malloc(64);
    REQUIRE(secret != NULL);
    memset(secret, 0x5e, 64);
    memset(copy, 0x5e, 64);
    change_input = point_into_enclave;
    loop_before_ecall = on_input;
    CHECK_EQ(e_buffers(enclave, &hostile, in, io, out, 3, raw, back, 5, &one, NULL, NULL), OE_OK);
    CHECK_EQ(honest, hostile);
    CHECK_MEM(secret, copy, 64);
    loop_peer()->enclave_free(secret);
    (void)munmap(forbidden, 4096);
    finish();
}

/* the host's buffer for an ocall is enclave memory: not written, not freed */
TEST(B1_ocall_buffer_inside_the_enclave_is_refused)
{
    uint8_t copy[4096];
    void *secret = NULL;
    size_t n = 0;
    uint64_t hash = 0;
    oe_result_t r = OE_OK;

    start();
    memset(copy, 0x5e, sizeof(copy));
    secret = loop_peer()->enclave_malloc(sizeof(copy));
    REQUIRE(secret != NULL);
    memset(secret, 0x5e, sizeof(copy));
    loop_next_allocation = secret;
    CHECK_EQ(e_ocall_strings(enclave, &r, &n), OE_OK);
    CHECK_EQ(r, OE_UNEXPECTED);
    CHECK_MEM(secret, copy, sizeof(copy));
    /* the same for the block of an ecall's deep copy */
    loop_next_allocation = loop_peer()->arena - 16;
    CHECK_EQ(e_deep_out(enclave, &hash, NULL, 0, 1, NULL), OE_OK);
    {
        tree t;
        leaf l;

        memset(&t, 0, sizeof(t));
        loop_next_allocation = secret;
        CHECK_EQ(e_deep_out(enclave, &hash, &t, 1, 1, &l), OE_UNEXPECTED);
    }
    CHECK_MEM(secret, copy, sizeof(copy));
    loop_peer()->enclave_free(secret);
    finish();
}

/* ---- B3: sizes that wrap ---- */

static void lie_n(uint8_t *in, size_t in_size)
{
    (void)in_size;
    ((e_buffers_args_t *)(void *)in)->n = lie;
}

TEST(B3_count_times_size_that_wraps_is_refused)
{
    uint32_t in[4] = {0}, io[4] = {0}, out[4] = {0};
    uint64_t r = 0;
    int untouched = 0;
    oe_result_t result = OE_OK;

    start();
    for (int bit = 3; bit < 64; bit++) {
        for (int off = -5; off <= 4; off++) {
            lie = ((size_t)1 << bit) + (size_t)off;
            if (lie <= 4) {
                continue; /* as many or fewer: the same padded region */
            }
            if (lie > ((size_t)1 << 46)) { /* no allocation can succeed */
                CHECK_EQ(e_ocall_big(enclave, &result, lie, &untouched), OE_OK);
                CHECK(result == OE_INTEGER_OVERFLOW || result == OE_OUT_OF_MEMORY);
                CHECK_EQ(untouched, 1);
                /* the host's own wrapper finds the same */
                result =
                    e_buffers(enclave, &r, in, NULL, NULL, lie, NULL, NULL, 0, NULL, NULL, NULL);
                CHECK(result == OE_INTEGER_OVERFLOW || result == OE_OUT_OF_MEMORY ||
                      result == OE_INVALID_PARAMETER); /* some of it is not the host's */
            }
            change_input = lie_n;
            loop_before_ecall = on_input;
            CHECK(e_buffers(enclave, &r, in, io, out, 4, NULL, NULL, 0, NULL, NULL, NULL) != OE_OK);
            loop_before_ecall = NULL;
        }
    }
    finish();
}

/* ---- short and long buffers: every size but the right one is refused ---- */

TEST(B6_every_wrong_buffer_size_is_refused)
{
    uint64_t seed = 3;
    tree t;
    size_t id = 0;
    uint8_t *in = NULL;
    uint8_t *out = NULL;
    size_t in_size = 0;
    size_t written = 0;
    e_deep_in_args_t args;
    oe_edger8r_buffer_t b;

    start();
    pair_fill_tree(&seed, &t);
    oe_edger8r_clear(&args, sizeof(args));
    args.n = 1;
    args.t = &t;
    oe_edger8r_grow(&in_size, 1, sizeof(args));
    oe_edger8r_grow(&in_size, 1, sizeof(t));
    oe_edl_size_tree(&in_size, &t, 1);
    in = calloc(1, in_size + 64);
    out = calloc(1, 256);
    REQUIRE(in != NULL && out != NULL);
    oe_edger8r_open(&b, in, in_size);
    (void)oe_edger8r_put(&b, &args, 1, sizeof(args));
    oe_edl_put_tree(&b, in, (tree *)oe_edger8r_put(&b, &t, 1, sizeof(t)), &t, 1);
    CHECK_EQ(oe_edger8r_finish(&b), OE_OK);
    id = loop_peer()->find("e_deep_in");
    for (size_t n = 0; n <= in_size + 64; n += 8) {
        memset(out, 0, 256);
        CHECK_EQ(loop_peer()->enter(id, in, n, out, region_of(sizeof(args)), &written), OE_OK);
        CHECK_EQ(((e_deep_in_args_t *)(void *)out)->oe_result == OE_OK, n == in_size);
        CHECK_EQ(written, region_of(sizeof(args)));
    }
    for (size_t n = 0; n <= 256; n += 8) {
        CHECK_EQ(loop_peer()->enter(id, in, in_size, out, n, &written), OE_OK);
        CHECK_EQ(written, n < region_of(sizeof(args)) ? 0 : n);
        if (written != 0) {
            CHECK_EQ(((e_deep_in_args_t *)(void *)out)->oe_result == OE_OK,
                     n == region_of(sizeof(args)));
        }
    }
    pair_free_tree(&t);
    free(in);
    free(out);
    finish();
}

/* random damage to a deep-copied input: an error or a result, never a stray access */
TEST(B6_random_damage_to_a_deep_copy)
{
    uint64_t rng = 99;

    start();
    for (int i = 0; i < 3000; i++) {
        tree t;
        size_t in_size = 0;
        size_t written = 0;
        uint8_t *in = NULL;
        uint8_t out[4096];
        e_deep_inout_args_t args;
        oe_edger8r_buffer_t b;
        size_t out_size = 0;

        pair_fill_tree(&rng, &t);
        oe_edger8r_clear(&args, sizeof(args));
        args.n = 1;
        args.t = &t;
        oe_edger8r_grow(&in_size, 1, sizeof(t));
        oe_edl_size_tree(&in_size, &t, 1);
        out_size = in_size;
        oe_edger8r_grow(&in_size, 1, sizeof(args));
        oe_edger8r_grow(&out_size, 1, sizeof(args));
        REQUIRE(out_size <= sizeof(out));
        in = calloc(1, in_size);
        REQUIRE(in != NULL);
        oe_edger8r_open(&b, in, in_size);
        (void)oe_edger8r_put(&b, &args, 1, sizeof(args));
        oe_edl_put_tree(&b, in, (tree *)oe_edger8r_put(&b, &t, 1, sizeof(t)), &t, 1);
        for (uint64_t k = pair_random(&rng) % 3; k < 3; k++) {
            in[pair_random(&rng) % in_size] ^= (uint8_t)(1u << (pair_random(&rng) % 8));
        }
        CHECK_EQ(loop_peer()->enter(loop_peer()->find("e_deep_inout"), in, in_size, out, out_size,
                                    &written),
                 OE_OK);
        CHECK_EQ(loop_peer()->live_blocks(), 0);
        free(in);
        pair_free_tree(&t);
    }
    finish();
}

/* ---- B6: a callee that changes sizes ---- */

TEST(B6_callee_cannot_grow_a_count)
{
    uint16_t items[3] = {1, 2, 3};
    leaf l = {7, 3, items};
    uint64_t r = 0;

    start();
    CHECK_EQ(e_grow(enclave, &r, &l, 1), OE_FAILURE);
    CHECK_EQ(e_grow(enclave, &r, &l, SIZE_MAX - 10), OE_FAILURE);
    CHECK(l.n == 3 && l.items == items && items[2] == 3);
    /* smaller, or a pointer of its own: the caller's stay */
    CHECK_EQ(e_grow(enclave, &r, &l, SIZE_MAX), OE_OK);
    CHECK(l.n == 3 && l.items == items && items[2] == 3);
    finish();
}

TEST_MAIN
