/* Rows B2, B3, B5, B11, B12, B14, C1, C3, C5 and D1: hostile arguments, answers and addresses. */
#include "harness.h"

#include <sys/mman.h>

#include "enclave/td.h"
#include "hostile_host.h"
#include "hostile_ids.h"

#define CANARY 0xc0deface0ddba115ull

static struct hh e;

static bool ready(void)
{
    return e.base != 0 || (hh_load(&e, 0xa5) && hh_init(&e) == OE_OK);
}

static uint8_t in_buf[256] __attribute__((aligned(64)));
static uint8_t out_buf[256] __attribute__((aligned(64)));

static struct cm_call_args good_args(void)
{
    struct cm_call_args a = {
        .function_id = HE_ECHO,
        .input_buffer = (uint64_t)in_buf,
        .input_buffer_size = 32,
        .output_buffer = (uint64_t)out_buf,
        .output_buffer_size = 32,
        .result = OE_FAILURE,
        .arena = (uint64_t)hh_arena(0),
        .arena_size = HH_ARENA,
    };

    return a;
}

/* What the call says about these arguments. */
static oe_result_t verdict(struct cm_call_args a)
{
    static struct cm_call_args host __attribute__((aligned(64)));
    oe_result_t result;

    host = a;
    result = hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, (uint64_t)&host, NULL);
    return result == OE_OK ? (oe_result_t)host.result : result;
}

TEST(B2_ranges_at_the_enclaves_edges)
{
    uint64_t base;
    uint64_t end;

    REQUIRE(ready());
    base = e.base;
    end = e.base + e.size;
    const uint64_t cases[][2] = {
        {base, 16},
        {base - 16, 32},
        {base - 8, 16},
        {base - 32, e.size},
        {base - 16, e.size + 32},
        {base, e.size},
        {end - 16, 32},
        {end - 16, 16},
        {e.heap, 16},
        {hh_tcs(&e, 0), 16},
        {end - 8, 16},
        {8, UINT64_MAX - 15},
        {base - 4096, 8192},
        {UINT64_MAX - 15, 32},
        {UINT64_MAX - 7, 16},
        {16, UINT64_MAX - 31},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_call_args a = good_args();

        a.input_buffer = cases[i][0];
        a.input_buffer_size = cases[i][1];
        CHECK_EQ(verdict(a), OE_INVALID_PARAMETER);
        a = good_args();
        a.output_buffer = cases[i][0];
        a.output_buffer_size = cases[i][1];
        CHECK_EQ(verdict(a), OE_INVALID_PARAMETER);
        a = good_args();
        a.arena = cases[i][0];
        a.arena_size = cases[i][1];
        CHECK_EQ(verdict(a), OE_INVALID_PARAMETER);
        /* the argument structure itself */
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION,
                          cases[i][1] < 4096 && cases[i][0] - base < e.size ? cases[i][0] : base,
                          NULL),
                 OE_INVALID_PARAMETER);
    }
    CHECK_EQ(verdict(good_args()), OE_OK);
}

TEST(B2_argument_structure_straddles_the_border)
{
    REQUIRE(ready());
    for (uint64_t off = 8; off <= sizeof(struct cm_call_args) + 8; off += 8) {
        const oe_result_t r = off < sizeof(struct cm_call_args)
                                  ? hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, e.base - off, NULL)
                                  : OE_INVALID_PARAMETER;

        CHECK_EQ(r, OE_INVALID_PARAMETER);
    }
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, UINT64_MAX - 7, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, 0, NULL), OE_INVALID_PARAMETER);
}

TEST(B3_sums_that_wrap)
{
    struct cm_call_args a;

    REQUIRE(ready());
    a = good_args();
    a.input_buffer = 4096;
    a.input_buffer_size = (uint64_t)1 << 46;
    a.output_buffer_size = UINT64_MAX - ((uint64_t)1 << 46) + 17;
    CHECK_EQ(verdict(a), OE_INVALID_PARAMETER);
    /* two ranges that are both outside, behind the enclave, and whose sizes add up to 2^64 + 32 */
    a = good_args();
    a.input_buffer = e.base + e.size;
    a.input_buffer_size = 0 - a.input_buffer;
    a.output_buffer = a.input_buffer;
    a.output_buffer_size = 32 - a.input_buffer_size;
    CHECK_EQ(verdict(a), OE_INVALID_PARAMETER);
    /* nothing wrong with the ranges, but no enclave has such memory */
    a = good_args();
    a.input_buffer = 4096;
    a.input_buffer_size = (e.base - 8192) & ~15ull;
    CHECK_EQ(verdict(a), OE_OUT_OF_MEMORY);
}

/* The host changes its memory after the enclave has looked: the ecall works on what it copied. */
static void flip_everything(struct hh *h, unsigned n, struct cm_call_args *ocall)
{
    (void)n;
    memset(in_buf, 0xff, sizeof(in_buf));
    ocall->result = OE_OK;
    ocall->output_bytes_written = 32;
    ocall->output_buffer = h->base; /* where the enclave would read, were it to read this again */
    ocall->output_buffer_size = UINT64_MAX;
}

TEST(B5_arguments_are_fetched_once)
{
    static struct cm_call_args host __attribute__((aligned(64)));
    const uint64_t rounds = 3;
    struct hostile_ocall *r = (struct hostile_ocall *)out_buf;

    REQUIRE(ready());
    host = good_args();
    host.function_id = HE_OCALL;
    memcpy(in_buf, &rounds, 8);
    hh_function = flip_everything;
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, (uint64_t)&host, NULL), OE_OK);
    CHECK_EQ(host.result, OE_OK);
    CHECK_EQ(r->rounds, 3);
    CHECK_EQ(r->result, OE_OK);
    CHECK_EQ(r->written, 32);
    hh_function = NULL;
}

/* While the ecall waits outside, its own argument structure turns to poison. */
static struct cm_call_args *poisoned;

static void poison_ecall(struct hh *h, unsigned n, struct cm_call_args *ocall)
{
    (void)n;
    ocall->result = OE_OK;
    ocall->output_bytes_written = 0;
    poisoned->input_buffer = h->base;
    poisoned->output_buffer = h->base;
    poisoned->output_buffer_size = h->size;
    poisoned->function_id = UINT64_MAX;
    poisoned->arena = h->base;
    poisoned->arena_size = h->size;
}

TEST(B5_output_goes_where_it_was_checked_to_go)
{
    static struct cm_call_args host __attribute__((aligned(64)));
    const uint64_t rounds = 4;

    REQUIRE(ready());
    host = good_args();
    host.function_id = HE_OCALL;
    memcpy(in_buf, &rounds, 8);
    memset(out_buf, 0, sizeof(out_buf));
    poisoned = &host;
    hh_function = poison_ecall;
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, (uint64_t)&host, NULL), OE_OK);
    CHECK_EQ(((struct hostile_ocall *)out_buf)->rounds, 4);
    hh_function = NULL;
}

TEST(B11_function_numbers)
{
    static const uint64_t ids[] = {HE_COUNT,   HE_COUNT + 1, HE_COUNT + 2, 0xffffffff, 1ull << 32,
                                   UINT64_MAX, 1ull << 61,   INT64_MAX,    1ull << 63};

    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct cm_call_args a = good_args();

        a.function_id = ids[i];
        CHECK_EQ(verdict(a), OE_NOT_FOUND);
    }
}

TEST(B12_alignment_and_step_of_buffers)
{
    REQUIRE(ready());
    for (uint64_t off = 0; off < 64; off++) {
        struct cm_call_args a = good_args();
        const oe_result_t expect = off % 8 == 0 ? OE_OK : OE_INVALID_PARAMETER;

        a.input_buffer += off;
        CHECK_EQ(verdict(a), expect);
        a = good_args();
        a.output_buffer += off;
        CHECK_EQ(verdict(a), expect);
        a = good_args();
        a.arena += off;
        a.arena_size -= 64;
        CHECK_EQ(verdict(a), off % 16 == 0 ? OE_OK : OE_INVALID_PARAMETER);
        a = good_args();
        a.input_buffer_size = off;
        CHECK_EQ(verdict(a), off % 16 == 0 ? OE_OK : OE_INVALID_PARAMETER);
        a = good_args();
        a.output_buffer_size = off;
        CHECK_EQ(verdict(a), off % 16 == 0 ? OE_OK : OE_INVALID_PARAMETER);
        if (off % 8 != 0) {
            CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, (uint64_t)in_buf + off, NULL),
                     OE_INVALID_PARAMETER);
        }
    }
}

/* How often the eight bytes stand anywhere in the enclave's writable memory. */
static unsigned in_enclave(uint64_t what)
{
    unsigned found = 0;
    uint64_t from = e.heap;
    uint64_t to = e.heap + e.heap_len;

    for (unsigned part = 0; part <= e.tcs_count; part++) {
        for (uint64_t p = from; p < to; p += 8) {
            found += memcmp((const void *)p, &what, 8) == 0;
        }
        /* then each thread's stack */
        to = hh_tcs(&e, part) - CM_GUARD_SIZE;
        from = to - 32 * CM_PAGE_SIZE;
    }
    return found;
}

TEST(B14_marshalling_memory_is_wiped)
{
    static const size_t sizes[] = {16, 240, 256, 512, 4096, 40000, 200000};
    uint8_t *in = malloc(200000);
    uint8_t *out = malloc(200000);

    REQUIRE(ready() && in != NULL && out != NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizes[i] / 8; k++) {
            memcpy(in + k * 8, &(uint64_t){CANARY}, 8);
        }
        CHECK_EQ(hh_call(&e, 0, HE_ECHO, in, sizes[i], out, sizes[i]), OE_OK);
        CHECK_MEM(in, out, sizes[i]);
        CHECK_EQ(in_enclave(CANARY), 0);
        /* on the error path too */
        CHECK_EQ(hh_call(&e, 0, HE_LIE, in, sizes[i], out, sizes[i]), OE_UNEXPECTED);
        CHECK_EQ(in_enclave(CANARY), 0);
        CHECK_EQ(hh_call(&e, 0, HE_MEMORY, in, sizes[i], out, 16), OE_OK); /* for larger data */
        CHECK(memcmp(out, &(uint64_t){0}, 8) == 0 && in_enclave(CANARY) == 0);
    }
    free(in);
    free(out);
}

TEST(B7_output_is_zero_before_the_callee_and_only_what_it_wrote_leaves)
{
    uint8_t out[64];
    struct cm_call_args a;

    REQUIRE(ready());
    memset(in_buf, 0x77, sizeof(in_buf));
    memset(out_buf, 0x11, sizeof(out_buf));
    a = good_args();
    a.input_buffer_size = 16;
    a.output_buffer_size = 64;
    CHECK_EQ(verdict(a), OE_OK); /* echo of 16 bytes into 64 */
    memset(out, 0, sizeof(out));
    memset(out, 0x77, 16);
    CHECK_MEM(out_buf, out, 64);
    memset(out_buf, 0x11, sizeof(out_buf));
    a.function_id = HE_SHORT;
    CHECK_EQ(verdict(a), OE_OK);
    CHECK(out_buf[15] == 0x66 && out_buf[16] == 0x11 && out_buf[63] == 0x11);
}

static void check_zero_output(size_t out_len)
{
    const uint64_t top = hh_tcs(&e, 0) - CM_GUARD_SIZE;
    uint8_t *out = calloc(1, out_len);
    size_t bad = 0;

    REQUIRE(out != NULL);
    memset(in_buf, 0x77, 16);
    memset((void *)(top - 8192), 0x5a, 8192); /* the stack is zero between calls: make it dirty */
    CHECK_EQ(hh_call(&e, 0, HE_ECHO, in_buf, 16, out, out_len), OE_OK);
    for (size_t i = 0; i < out_len; i++) {
        bad += out[i] != (i < 16 ? 0x77 : 0);
    }
    CHECK_EQ(bad, 0);
    free(out);
}

TEST(B7_output_is_zero_whatever_the_memory_held)
{
    static const size_t sizes[] = {64, 240, 256, 4096, 40000, 200000};
    const struct hh keep = e;

    memset(&e, 0, sizeof(e)); /* a fresh enclave, with a heap that holds what the host put there */
    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_zero_output(sizes[i]);
    }
    hh_unload(&e);
    e = keep;
}

/* ------------------------------------------------------------ answers to ocalls */

static uint64_t lie_written;
static uint64_t lie_result;

static void lie(struct hh *h, unsigned n, struct cm_call_args *ocall)
{
    (void)h;
    (void)n;
    ocall->result = lie_result;
    ocall->output_bytes_written = lie_written;
}

TEST(C1_sizes_that_come_back)
{
    static const uint64_t sizes[] = {0, 16, 32, 33, 64, 1ull << 32, UINT64_MAX, INT64_MAX};
    uint64_t out[2];

    REQUIRE(ready());
    hh_function = lie;
    lie_result = OE_OK;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        lie_written = sizes[i];
        CHECK_EQ(hh_call(&e, 0, HE_RESULT, NULL, 0, out, sizeof(out)), OE_OK);
        CHECK_EQ(out[0], sizes[i] <= 32 ? OE_OK : OE_UNEXPECTED);
        CHECK_EQ(out[1], sizes[i] <= 32 ? sizes[i] : 0x77);
    }
    hh_function = NULL;
}

TEST(C1_result_codes_that_come_back)
{
    static const uint64_t codes[] = {1, 20, 62, 63, 0xffff, 1ull << 32, UINT64_MAX};
    uint64_t out[2];

    REQUIRE(ready());
    hh_function = lie;
    lie_written = 16;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        lie_result = codes[i];
        CHECK_EQ(hh_call(&e, 0, HE_RESULT, NULL, 0, out, sizeof(out)), OE_OK);
        CHECK_EQ(out[0], codes[i] <= 62 ? codes[i] : OE_UNEXPECTED);
        CHECK_EQ(out[1], 0x77);
    }
    hh_function = NULL;
}

TEST(C1_results_in_the_answers_word)
{
    static const uint32_t codes[] = {0, 5, 62, 63, 0xffff};
    const uint64_t one = 1;
    uint64_t out[2];

    REQUIRE(ready());
    CHECK_EQ(hh_call(&e, 0, HE_GO, &one, 8, out, 16), OE_OK);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        hh_oret_result = codes[i];
        CHECK_EQ(hh_call(&e, 0, HE_SPIN, &one, 8, out, 16), OE_OK);
        CHECK_EQ(out[0], codes[i] <= 62 ? codes[i] : OE_UNEXPECTED);
    }
    hh_oret_result = OE_OK;
}

/* A host whose malloc answers what the test wants. */
static uint64_t malloc_answers[16];
static unsigned malloc_calls;

static uint64_t lying_malloc(struct hh *h, unsigned n, uint32_t func, uint64_t arg)
{
    if (func != CM_OCALL_MALLOC) {
        return hh_honest(h, n, func, arg);
    }
    ((struct cm_host_alloc_args *)arg)->address = malloc_answers[malloc_calls++ % 16];
    return 0;
}

TEST(C3_addresses_from_the_hosts_malloc)
{
    uint64_t request[2] = {64, 16};
    uint64_t out[16];
    uint8_t *block = aligned_alloc(16, 4096);

    REQUIRE(ready() && block != NULL);
    const uint64_t bad[] = {
        0,
        e.base,
        e.base - 16,
        e.base - 48,
        e.base + e.size - 16,
        e.heap,
        hh_tcs(&e, 0),
        UINT64_MAX - 7,
        UINT64_MAX - 15,
        UINT64_MAX - 63 + 16,
        (uint64_t)block + 8,
        (uint64_t)block + 1,
        (uint64_t)hh_arena(0),
        (uint64_t)hh_arena(0) + HH_ARENA - 16,
        (uint64_t)hh_arena(0) - 48,
    };
    for (size_t i = 0; i < 16; i++) {
        malloc_answers[i] = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : 0;
    }
    malloc_calls = 0;
    CHECK_EQ(hh_call_served(&e, 0, HE_MALLOC, request, 16, out, sizeof(out), lying_malloc), OE_OK);
    CHECK_EQ(malloc_calls, 16);
    for (size_t i = 0; i < 16; i++) {
        CHECK_EQ(out[i], 0);
    }
    free(block);
}

/* Buffers of ocalls (bits set in the mask) are the runtime's own: nothing may overlap them. */
TEST(C3_same_block_twice_or_overlapping)
{
    enum { SIZE = 2 * HH_ARENA };
    uint64_t request[3] = {SIZE, 9, 0x1fb};
    uint64_t out[16];
    uint8_t *block = aligned_alloc(16, 8 * SIZE);
    const uint64_t at = (uint64_t)block + 3 * SIZE;
    struct hh keep = e;

    REQUIRE(block != NULL);
    memset(&e, 0, sizeof(e)); /* it keeps these blocks, so it is an enclave of its own */
    REQUIRE(ready());
    const uint64_t answers[9] = {at,        at,        at + 48,        at - 48,      at + SIZE,
                                 at - SIZE, at + SIZE, at + SIZE - 16, at + 2 * SIZE};
    memcpy(malloc_answers, answers, sizeof(answers));
    malloc_calls = 0;
    CHECK_EQ(hh_call_served(&e, 0, HE_MALLOC, request, 24, out, sizeof(out), lying_malloc), OE_OK);
    CHECK_EQ(out[0], at);
    CHECK_EQ(out[1], 0);
    CHECK_EQ(out[2], 0); /* an application's block over it */
    CHECK_EQ(out[3], 0);
    CHECK_EQ(out[4], at + SIZE);
    CHECK_EQ(out[5], at - SIZE);
    CHECK_EQ(out[6], 0);
    CHECK_EQ(out[7], 0);
    CHECK_EQ(out[8], at + 2 * SIZE);
    free(block);
    hh_unload(&e);
    e = keep;
}

/* An application's block may have been handed to the host and freed there: its place comes back. */
TEST(C3_place_of_a_block_that_was_handed_over)
{
    uint64_t request[3] = {64, 2, 0};
    uint64_t out[16];
    uint8_t *block = aligned_alloc(16, 4096);

    REQUIRE(ready() && block != NULL);
    malloc_answers[0] = (uint64_t)block;
    malloc_answers[1] = (uint64_t)block + 16;
    malloc_calls = 0;
    CHECK_EQ(hh_call_served(&e, 0, HE_MALLOC, request, 24, out, sizeof(out), lying_malloc), OE_OK);
    CHECK_EQ(out[0], (uint64_t)block);
    CHECK_EQ(out[1], (uint64_t)block + 16);
    free(block);
}

TEST(C3_host_memory_functions)
{
    uint64_t out[2] = {9, 9};

    REQUIRE(ready());
    CHECK_EQ(hh_call(&e, 0, HE_REALLOC, NULL, 0, out, sizeof(out)), OE_OK);
    CHECK_EQ(out[0], 0);
}

/* No arena at all: the enclave asks for one, and gives it back. */
static unsigned mallocs;
static unsigned frees;

static uint64_t counting(struct hh *h, unsigned n, uint32_t func, uint64_t arg)
{
    mallocs += func == CM_OCALL_MALLOC;
    frees += func == CM_OCALL_FREE;
    return hh_honest(h, n, func, arg);
}

TEST(C3_without_an_arena)
{
    static struct cm_call_args host __attribute__((aligned(64)));
    const uint64_t rounds = 5;
    /* the call's arguments, and 64 bytes of buffers */
    const uint64_t enough = (sizeof(struct cm_call_args) + 15) / 16 * 16 + 64;

    REQUIRE(ready());
    hh_function = lie;
    lie_result = OE_OK;
    lie_written = 0;
    memcpy(in_buf, &rounds, 8);
    for (uint64_t size = 0; size <= 256; size += 16) {
        host = good_args();
        host.function_id = HE_OCALL;
        host.arena_size = size;
        mallocs = 0;
        frees = 0;
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_CALL_FUNCTION, (uint64_t)&host, counting), OE_OK);
        CHECK_EQ(host.result, OE_OK);
        CHECK_EQ(((struct hostile_ocall *)out_buf)->rounds, 5);
        CHECK_EQ(mallocs, frees);
        CHECK(size >= enough ? mallocs == 0 : mallocs > 0);
    }
    hh_function = NULL;
}

TEST(C5_random_bytes_differ)
{
    uint8_t a[64];
    uint8_t b[64];
    unsigned zeros = 0;

    REQUIRE(ready());
    CHECK_EQ(hh_call(&e, 0, HE_RANDOM, NULL, 0, a, sizeof(a)), OE_OK);
    CHECK_EQ(hh_call(&e, 0, HE_RANDOM, NULL, 0, b, sizeof(b)), OE_OK);
    CHECK(memcmp(a, b, 64) != 0);
    for (size_t i = 0; i < 64; i += 8) {
        zeros += memcmp(a + i, "\0\0\0\0\0\0\0\0", 8) == 0;
    }
    CHECK_EQ(zeros, 0);
}

/* From inside an ocall: every ecall again, on the same thread. */
static unsigned nested_refusals;

static void nest(struct hh *h, unsigned n, struct cm_call_args *ocall)
{
    struct cm_call_args a = good_args();

    for (uint32_t func = 0; func < 3; func++) {
        nested_refusals += hh_ecall(h, n, func, (uint64_t)&a, NULL) == OE_REENTRANT_ECALL;
    }
    /* another TCS is another matter; but not for the destructor */
    nested_refusals += hh_call(h, n + 1, HE_NULL, NULL, 0, NULL, 0) == OE_OK;
    nested_refusals += hh_ecall(h, n + 1, CM_ECALL_DESTRUCTOR, 0, NULL) == OE_BUSY;
    ocall->result = OE_OK;
    ocall->output_bytes_written = 0;
}

TEST(D1_nested_ecalls)
{
    const uint64_t rounds = 10;
    struct hostile_ocall r;

    REQUIRE(ready());
    nested_refusals = 0;
    hh_function = nest;
    CHECK_EQ(hh_call(&e, 0, HE_OCALL, &rounds, 8, &r, sizeof(r)), OE_OK);
    CHECK_EQ(r.rounds, 10);
    CHECK_EQ(nested_refusals, 50);
    hh_function = NULL;
}

TEST_MAIN
