/*
 * The larger data of ecalls, which the enclave fetches from where the host has them: addresses and
 * sizes that are not the host's, strings without an end, memory that changes while it is read, and
 * what is left of the data afterwards. The data stand in memory that no enclave code may touch but
 * by the copy functions (loopback.h).
 */
#include "pair_fixture.h"

#define ITEMS  300 /* of 4 bytes: beyond OE_EDGER8R_DIRECT_FROM */
#define BYTES  (ITEMS * sizeof(uint32_t))
#define CANARY 0x5ec2e75ec2e7beefu

static uint32_t *in, *io, *out;
static uint8_t *raw, *back;
static e_buffers_args_t seen; /* what the wrapper made of the arguments */

static void *block(size_t n)
{
    void *p = loop_host_allocate(n);

    if (p == NULL) {
        abort();
    }
    memset(p, 0x11, n);
    return p;
}

static void begin(void)
{
    start();
    in = block(BYTES);
    io = block(BYTES);
    out = block(BYTES);
    raw = block(BYTES);
    back = block(BYTES);
    for (uint32_t i = 0; i < ITEMS; i++) {
        in[i] = i * 3;
        io[i] = i * 5;
    }
    watch_reads();
}

static void end(void)
{
    loop_host_release(in);
    loop_host_release(io);
    loop_host_release(out);
    loop_host_release(raw);
    loop_host_release(back);
    finish();
}

static oe_result_t call(uint64_t *r, size_t n)
{
    return e_buffers(enclave, r, in, io, out, n, raw, back, (uint32_t)BYTES, NULL, NULL, NULL);
}

/* nothing of the caller's was read or written */
static bool untouched(void)
{
    bool same = read_count == 0;

    for (uint32_t i = 0; i < ITEMS; i++) {
        same = same && in[i] == i * 3 && io[i] == i * 5 && out[i] == 0x11111111;
        same = same && raw[i] == 0x11 && back[i] == 0x11;
    }
    return same;
}

static void (*change)(e_buffers_args_t *a);

static void on_args(uint8_t *input, size_t input_size)
{
    (void)input_size;
    seen = *(e_buffers_args_t *)(void *)input;
    change((e_buffers_args_t *)(void *)input);
}

static oe_result_t call_with(void (*f)(e_buffers_args_t *a))
{
    uint64_t r = 0;
    oe_result_t result = OE_OK;

    change = f;
    change_input = on_args;
    loop_before_ecall = on_input;
    result = call(&r, ITEMS);
    loop_before_ecall = NULL;
    return result;
}

/* ---- honest: straight from and to the caller's memory, read once (B5) ---- */

TEST(B5_B7_data_are_read_once_and_outputs_start_as_zeros)
{
    static uint32_t local[4][ITEMS];
    uint64_t got = 0;
    uint64_t want = 0;

    for (int round = 0; round < 4; round++) { /* the memory is clean and dirty in turn */
        begin();
        memcpy(local[0], in, BYTES);
        memcpy(local[1], io, BYTES);
        memset(local[2], 0, BYTES);
        memset(local[3], 0x11, BYTES);
        CHECK_EQ(call(&got, ITEMS), OE_OK);
        want = CALLEE(buffers)(local[0], local[1], local[2], ITEMS, local[3], NULL, (uint32_t)BYTES,
                               NULL, NULL, NULL);
        CHECK_EQ(got, want); /* also the check for zeros, see pair_model.c */
        CHECK_MEM(io, local[1], BYTES);
        CHECK_MEM(out, local[2], BYTES);
        CHECK(back[0] == 0x33 && back[BYTES - 1] == 0x33);
        CHECK(in[0] == 0xeeeeeeee && raw[BYTES - 1] == 0xee); /* changed after the read */
        CHECK_EQ(read_count, 3);
        CHECK(!read_twice);
        end();
    }
}

static void keep(e_buffers_args_t *a)
{
    (void)a;
}

TEST(the_wrapper_leaves_large_data_with_the_caller)
{
    begin();
    CHECK_EQ(call_with(keep), OE_OK);
    CHECK(seen.in == in && seen.io == io && seen.out == out && seen.raw == raw &&
          seen.back == back);
    end();
}

/* ---- B1, B2: not the host's, in each direction ---- */

static uint8_t *target;

static void point_in(e_buffers_args_t *a)
{
    a->in = (uint32_t *)(void *)target;
}

static void point_io(e_buffers_args_t *a)
{
    a->io = (uint32_t *)(void *)target;
}

static void point_out(e_buffers_args_t *a)
{
    a->out = (uint32_t *)(void *)target;
}

static void point_raw(e_buffers_args_t *a)
{
    a->raw = target;
}

static void point_back(e_buffers_args_t *a)
{
    a->back = target;
}

TEST(B1_B2_ranges_that_are_not_the_hosts_are_refused)
{
    static void (*const points[])(e_buffers_args_t *) = {point_in, point_io, point_out, point_raw,
                                                         point_back};
    uint8_t *base = loop_peer()->arena;
    uint8_t *top = base + loop_peer()->arena_size;
    uint8_t copy[4096];
    uint8_t *secret = loop_peer()->enclave_malloc(sizeof(copy));

    REQUIRE(secret != NULL);
    memset(secret, 0x5e, sizeof(copy));
    memset(copy, 0x5e, sizeof(copy));
    begin();
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        uint8_t *const targets[] = {secret,
                                    base,
                                    base - 1,
                                    base - BYTES + 1,
                                    top - 1,
                                    top - 8,
                                    top - BYTES,
                                    base + 1,
                                    base - 8,
                                    base - BYTES / 2,
                                    (uint8_t *)~(size_t)0,
                                    (uint8_t *)~(size_t)(BYTES - 2)};

        for (size_t k = 0; k < sizeof(targets) / sizeof(targets[0]); k++) {
            target = targets[k];
            CHECK_EQ(call_with(points[i]), OE_INVALID_PARAMETER);
            CHECK(untouched());
        }
    }
    CHECK_MEM(secret, copy, sizeof(copy));
    loop_peer()->enclave_free(secret);
    end();
}

/* ---- B3: sizes ---- */

static size_t lie;

static void lie_n(e_buffers_args_t *a)
{
    a->n = lie;
}

TEST(B3_sizes_that_wrap_or_reach_into_the_enclave_are_refused)
{
    uint32_t *around = NULL;
    uint64_t r = 0;

    begin();
    for (int bit = 10; bit < 64; bit++) {
        for (size_t off = 0; off < 5; off++) {
            size_t bytes = ((size_t)1 << bit) + off * 4 - 8;

            /* in total, of one, up to the end of the address space from there on */
            lie = bytes / 4;
            if (bytes > (size_t)1 << 47) {
                CHECK(call_with(lie_n) != OE_OK);
                CHECK(untouched());
            }
            lie = (~(size_t)0 - (size_t)in) / 4 + off;
            CHECK(call_with(lie_n) != OE_OK);
            CHECK(untouched());
        }
    }
    /* from below the enclave to above it */
    around = (uint32_t *)(void *)(loop_peer()->arena - 8);
    lie = loop_peer()->arena_size / 4 + 16;
    CHECK_EQ(e_buffers(enclave, &r, around, NULL, NULL, lie, NULL, NULL, 0, NULL, NULL, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(e_buffers(enclave, &r, NULL, around, NULL, lie, NULL, NULL, 0, NULL, NULL, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(e_buffers(enclave, &r, NULL, NULL, around, lie, NULL, NULL, 0, NULL, NULL, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(read_count, 0);
    end();
}

/* a size that moves data across the border between both ways of travelling */
TEST(B3_data_that_are_in_the_buffers_or_not_are_not_both)
{
    uint64_t r = 0;

    begin();
    for (lie = 1; lie <= OE_EDGER8R_DIRECT_FROM / 4 + 4; lie++) {
        CHECK_EQ(call_with(lie_n) == OE_OK, lie * 4 > OE_EDGER8R_DIRECT_FROM); /* all smaller */
        memset(in, 0, BYTES);
        memset(io, 0, BYTES);
    }
    change = lie_n;
    change_input = on_args;
    loop_before_ecall = on_input;
    for (lie = OE_EDGER8R_DIRECT_FROM / 4 + 1; lie <= ITEMS; lie++) {
        read_count = 0;
        CHECK(call(&r, OE_EDGER8R_DIRECT_FROM / 4) != OE_OK);
        CHECK_EQ(read_count, 0);
    }
    loop_before_ecall = NULL;
    end();
}

/* ---- B4: strings ---- */

static char *text;
static wchar_t *wide;
static char *both;

static void end_strings(void)
{
    loop_host_release(text);
    loop_host_release(wide);
    loop_host_release(both);
    end();
}

static void begin_strings(void)
{
    begin();
    text = block(2000);
    wide = block(2000 * sizeof(wchar_t));
    both = block(2000);
    memset(text, 'a', 1999);
    memset(both, 'b', 1999);
    for (int i = 0; i < 1999; i++) {
        wide[i] = L'c';
    }
    text[999] = '\0';
    both[999] = '\0';
    wide[999] = L'\0';
}

static void unend_text(uint8_t *args, size_t args_size)
{
    (void)args;
    (void)args_size;
    text[999] = 'a';
}

static void unend_both(uint8_t *args, size_t args_size)
{
    (void)args;
    (void)args_size;
    both[999] = 'b';
}

static void unend_wide(uint8_t *args, size_t args_size)
{
    (void)args;
    (void)args_size;
    wide[999] = 0x100;
}

static void lie_len(uint8_t *args, size_t args_size)
{
    (void)args_size;
    ((e_strings_args_t *)(void *)args)->a_len = lie;
}

static oe_result_t strings_with(void (*f)(uint8_t *args, size_t args_size))
{
    size_t n = 0;
    oe_result_t result = OE_OK;

    change_input = f;
    loop_before_ecall = on_input;
    result = e_strings(enclave, &n, text, both, wide, NULL);
    loop_before_ecall = NULL;
    return result;
}

TEST(B4_long_strings_are_checked_where_the_enclave_has_them)
{
    static void (*const attacks[])(uint8_t *, size_t) = {unend_text, unend_both, unend_wide};
    size_t n = 0;

    begin_strings();
    CHECK_EQ(e_strings(enclave, &n, text, both, wide, NULL),
             OE_OK); /* scribbled on after the read */
    CHECK_EQ(n, 999 + 1000 * 999);
    CHECK_EQ(strlen(both), 999);
    CHECK(both[0] == 'b' && !read_twice);
    end_strings();
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        begin_strings();
        loop_after_copy_in = NULL;
        CHECK_EQ(strings_with(attacks[i]), OE_INVALID_PARAMETER);
        CHECK(both[0] == 'b' && both[998] == 'b');
        CHECK(!loop_peer()->residue(0x6161616161616161u)); /* wiped all the same */
        CHECK(!loop_peer()->residue(0x6262626262626262u));
        end_strings();
    }
    for (lie = 900; lie < 1100; lie++) {
        begin_strings();
        CHECK_EQ(strings_with(lie_len), lie == 1000 ? OE_OK : OE_INVALID_PARAMETER);
        end_strings();
    }
}

TEST(B4_a_string_that_the_callee_leaves_without_an_end_does_not_leave)
{
    static const size_t lengths[] = {4, 510, 511, 512, 1500};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t n = 16; n <= 1024; n += 1008) {
            int r = 0;

            begin_strings();
            loop_after_copy_in = NULL;
            memset(both, 'b', lengths[i]);
            both[lengths[i]] = '\0';
            CHECK_EQ(e_unend(enclave, &r, both, back, n), OE_INVALID_PARAMETER);
            CHECK(r == 0 && both[0] == 'b' && strlen(both) == lengths[i]);
            CHECK(back[0] == 0x11 && back[n - 1] == 0x11);
            CHECK(!loop_peer()->residue(0x7878787878787878u));
            end_strings();
        }
    }
}

/* ---- B7, B14, and no memory ---- */

TEST(B7_padding_of_many_structs_is_cleared)
{
    begin();
    CHECK(BYTES > 40 * sizeof(point));
    memset(back, 0, BYTES);
    CHECK_EQ(e_dirty_many(enclave, (point *)(void *)back, 40), OE_OK);
    CHECK(back[0] != 0);
    for (size_t i = 0; i < BYTES; i++) {
        const size_t at = i % sizeof(point);

        if ((at >= 2 && at < offsetof(point, x)) || at >= offsetof(point, y) + 2) {
            CHECK_EQ(back[i], 0);
        }
    }
    end();
}

TEST(B14_no_residue_of_large_data)
{
    uint64_t r = 0;
    const uint64_t canary = CANARY;

    begin();
    loop_after_copy_in = NULL;
    for (size_t i = 0; i + 8 <= BYTES; i += 8) {
        memcpy((uint8_t *)(void *)in + i, &canary, 8);
        memcpy((uint8_t *)(void *)io + i, &canary, 8);
    }
    CHECK_EQ(call(&r, ITEMS), OE_OK);
    CHECK(!loop_peer()->residue(CANARY));
    CHECK(!loop_peer()->residue(~CANARY));
    end();
}

TEST(out_of_memory_for_the_data)
{
    uint64_t r = 0;

    begin();
    loop_peer()->fail_allocation(1);
    CHECK_EQ(call(&r, ITEMS), OE_OUT_OF_MEMORY);
    loop_peer()->fail_allocation(-1);
    CHECK(untouched());
    CHECK_EQ(loop_peer()->live_blocks(), 0);
    CHECK_EQ(call(&r, ITEMS), OE_OK);
    end();
}

TEST_MAIN
