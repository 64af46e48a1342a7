/* The enclave's heap on memory that a hostile host has filled. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

#include <openenclave/advanced/allocator.h>
#include <openenclave/advanced/mallinfo.h>

#include "enclave/heap.h"
#include "enclave/heap_cache.h"
#include "harness.h"

enum { PAGE = 4096, PAGES = 2048 };

static uint8_t *memory;
static _Thread_local struct cm_heap_cache cache;
static _Thread_local jmp_buf aborted;
static _Thread_local const char *abort_reason;
static uint64_t next_random = 0x123456789abcdef;

struct cm_heap_cache *cm_heap_cache_self(void)
{
    return &cache;
}

uint64_t cm_random_u64(void)
{
    next_random = next_random * 6364136223846793005u + 1442695040888963407u;
    return next_random ^ next_random >> 29;
}

_Noreturn void cm_abort_because(const char *why)
{
    abort_reason = why;
    longjmp(aborted, 1);
}

/* A fresh heap whose every byte is fill (G1). */
static void start(size_t pages, int fill)
{
    if (memory == NULL) {
        memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    memset(memory, fill, pages * PAGE);
    memset(&cache, 0, sizeof(cache));
    oe_allocator_init(memory, memory + pages * PAGE);
}

static bool in_heap(const void *p, size_t n, size_t pages)
{
    const uint8_t *b = p;

    return b >= memory && b + n <= memory + pages * PAGE;
}

static uint32_t prng(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

struct live {
    uint8_t *p;
    size_t n;
    uint8_t tag;
};

static bool holds(const struct live *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->p[i] != l->tag) {
            return false;
        }
    }
    return true;
}

/* Random sizes, frees, reallocs; each block keeps its bytes and no two share any. */
static void churn(uint32_t seed, int steps, size_t max_size)
{
    enum { SLOTS = 200 };
    static _Thread_local struct live slots[SLOTS];
    uint32_t s = seed;

    memset(slots, 0, sizeof(slots));
    for (int i = 0; i < steps; i++) {
        struct live *l = &slots[prng(&s) % SLOTS];
        const size_t n = prng(&s) % (prng(&s) % 8 == 0 ? max_size : 300);

        if (l->p == NULL) {
            l->p = oe_allocator_malloc(n);
        } else if (prng(&s) % 4 == 0) {
            uint8_t *p = oe_allocator_realloc(l->p, n);

            if (p != NULL) {
                const struct live head = {p, n < l->n ? n : l->n, l->tag};

                CHECK(holds(&head));
                l->p = p;
            } else {
                CHECK(holds(l));
                continue;
            }
        } else {
            CHECK(holds(l));
            oe_allocator_free(l->p);
            l->p = NULL;
            continue;
        }
        if (l->p != NULL) {
            CHECK_EQ((uintptr_t)l->p % 16, 0);
            CHECK(oe_allocator_malloc_usable_size(l->p) >= n);
            l->n = n;
            l->tag = (uint8_t)(prng(&s) | 1);
            memset(l->p, l->tag, n);
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].p != NULL) {
            CHECK(holds(&slots[i]));
            oe_allocator_free(slots[i].p);
        }
    }
}

TEST(G1_hostile_fill_makes_no_difference)
{
    static const int fills[] = {0x00, 0xa5, 0xff, 0x01};

    for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
        start(512, fills[i]);
        abort_reason = NULL;
        if (setjmp(aborted) != 0) {
            TEST_FAIL("aborted: %s", abort_reason);
            return;
        }
        churn(42, 50000, 70000);
    }
}

/* The same calls give the same addresses whatever the host wrote: nothing was read from it. */
TEST(G1_addresses_do_not_depend_on_the_fill)
{
    enum { N = 400 };
    static void *first[N];

    for (int round = 0; round < 2; round++) {
        start(512, round == 0 ? 0 : 0xff);
        for (int i = 0; i < N; i++) {
            void *p = oe_allocator_malloc((size_t)i * 37 % 9000);

            if (round == 0) {
                first[i] = p;
            } else {
                CHECK(p == first[i]);
            }
            if (i % 3 == 0) {
                oe_allocator_free(p);
            }
        }
    }
}

TEST(every_size_has_its_room)
{
    start(PAGES, 0xcc);
    for (size_t n = 0; n < 40000; n = n < 2000 ? n + 1 : n + 501) {
        uint8_t *a = oe_allocator_malloc(n);
        uint8_t *b = oe_allocator_malloc(n);

        REQUIRE(a != NULL && b != NULL && a != b);
        CHECK(oe_allocator_malloc_usable_size(a) >= n);
        CHECK(in_heap(a, oe_allocator_malloc_usable_size(a), PAGES));
        CHECK(oe_allocator_malloc_usable_size(a) <= (n <= 128 ? n + 16 : n + n / 4 + PAGE));
        memset(a, 1, n);
        memset(b, 2, n);
        CHECK(n == 0 || (a[0] == 1 && a[n - 1] == 1));
        oe_allocator_free(a);
        oe_allocator_free(b);
    }
}

TEST(out_of_memory_is_NULL_and_everything_comes_back)
{
    static void *blocks[PAGES * 300];
    static const size_t sizes[] = {16, 100, 1000, 5000, 8192, 8193, 40000};

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        size_t first_count = 0;

        start(256, 0x5a);
        for (int round = 0; round < 3; round++) {
            size_t count = 0;

            while ((blocks[count] = oe_allocator_malloc(sizes[s])) != NULL) {
                CHECK(in_heap(blocks[count], sizes[s], 256));
                count++;
            }
            if (round == 0) {
                first_count = count;
                CHECK(count * sizes[s] > 256 * PAGE * 6 / 10);
            }
            CHECK_EQ(count, first_count);
            for (size_t i = 0; i < count; i++) {
                oe_allocator_free(blocks[i]);
            }
        }
    }
}

/* Memory freed as small blocks serves large ones again. */
TEST(small_memory_becomes_large_memory)
{
    static void *blocks[70000];
    size_t count = 0;
    void *big;

    start(256, 0);
    while ((blocks[count] = oe_allocator_malloc(64)) != NULL) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        oe_allocator_free(blocks[i]);
    }
    big = oe_allocator_malloc(200 * PAGE);
    CHECK(big != NULL);
}

TEST(impossible_sizes)
{
    void *out = NULL;

    start(64, 0);
    CHECK(oe_allocator_malloc(SIZE_MAX) == NULL);
    CHECK(oe_allocator_malloc(SIZE_MAX - PAGE + 2) == NULL);
    CHECK(oe_allocator_malloc((size_t)1 << 40) == NULL);
    CHECK(oe_allocator_calloc(SIZE_MAX / 2, 3) == NULL);
    CHECK(oe_allocator_realloc(NULL, SIZE_MAX) == NULL);
    CHECK(oe_allocator_aligned_alloc(24, 10) == NULL);
    CHECK(oe_allocator_aligned_alloc((size_t)1 << 62, 10) == NULL);
    CHECK(oe_allocator_aligned_alloc(PAGE * 2, SIZE_MAX - 10) == NULL);
    CHECK_EQ(oe_allocator_posix_memalign(&out, 3, 10), EINVAL);
    CHECK_EQ(oe_allocator_posix_memalign(&out, 16, (size_t)1 << 40), ENOMEM);
    CHECK(out == NULL);
    oe_allocator_free(NULL);
}

TEST(calloc_is_zero_on_hostile_and_on_used_memory)
{
    start(128, 0xff);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 1; n < 20000; n = n * 2 + 1) {
            uint8_t *p = oe_allocator_calloc(1, n);

            REQUIRE(p != NULL);
            for (size_t i = 0; i < n; i++) {
                REQUIRE(p[i] == 0);
            }
            memset(p, 0xff, n);
            oe_allocator_free(p);
        }
    }
}

TEST(alignments)
{
    start(PAGES, 0x33);
    for (size_t align = 1; align <= 64 * PAGE; align *= 2) {
        for (size_t n = 0; n < 20000; n = n * 3 + 1) {
            uint8_t *p = oe_allocator_aligned_alloc(align, n);
            uint8_t *q = oe_allocator_aligned_alloc(align, n);

            REQUIRE(p != NULL && q != NULL && p != q);
            CHECK_EQ((uintptr_t)p % align, 0);
            CHECK_EQ((uintptr_t)q % align, 0);
            memset(p, 1, n);
            memset(q, 2, n);
            oe_allocator_free(p);
            oe_allocator_free(q);
        }
    }
}

TEST(mallinfo_counts)
{
    oe_mallinfo_t a;
    oe_mallinfo_t b;
    void *p;

    start(512, 0);
    CHECK_EQ(oe_allocator_mallinfo(NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_allocator_mallinfo(&a), OE_OK);
    CHECK_EQ(a.max_total_heap_size, 512 * PAGE);
    CHECK_EQ(a.current_allocated_heap_size, 0);
    p = oe_allocator_malloc(100 * PAGE);
    CHECK_EQ(oe_allocator_mallinfo(&b), OE_OK);
    CHECK_EQ(b.current_allocated_heap_size, 100 * PAGE);
    oe_allocator_free(p);
    CHECK_EQ(oe_allocator_mallinfo(&b), OE_OK);
    CHECK_EQ(b.current_allocated_heap_size, 0);
    CHECK_EQ(b.peak_allocated_heap_size, 100 * PAGE);
}

/* ------------------------------------------------------- misuse ends the enclave */

#define ABORTS(expr)                          \
    do {                                      \
        abort_reason = NULL;                  \
        if (setjmp(aborted) == 0) {           \
            expr;                             \
            TEST_FAIL("survived: %s", #expr); \
        }                                     \
        CHECK(abort_reason != NULL);          \
    } while (0)

TEST(freed_twice)
{
    uint8_t *p;

    start(64, 0);
    p = oe_allocator_malloc(40);
    oe_allocator_free(p);
    ABORTS(oe_allocator_free(p));
    start(64, 0);
    p = oe_allocator_malloc(5 * PAGE);
    oe_allocator_free(p);
    ABORTS(oe_allocator_free(p));
}

TEST(free_of_something_else)
{
    uint8_t local[64] __attribute__((aligned(16)));
    uint8_t *p;
    uint8_t *q;

    start(64, 0);
    p = oe_allocator_malloc(160);
    q = oe_allocator_malloc(5 * PAGE);
    ABORTS(oe_allocator_free(local));
    ABORTS(oe_allocator_free(p + 1));
    ABORTS(oe_allocator_free(p + 16));
    ABORTS(oe_allocator_free(q + 16));
    ABORTS(oe_allocator_free(q + PAGE));
    ABORTS(oe_allocator_free(memory));
    ABORTS(oe_allocator_free(memory + 63 * PAGE));
    ABORTS((void)oe_allocator_malloc_usable_size(local));
}

TEST(write_after_free_is_noticed)
{
    uint8_t *p;

    start(64, 0);
    p = oe_allocator_malloc(48);
    oe_allocator_free(p);
    memset(p, 0x41, 16);
    ABORTS((void)oe_allocator_malloc(48));
    start(64, 0);
    p = oe_allocator_malloc(48);
    oe_allocator_free(p);
    p[3] ^= 1; /* one bit of the link */
    ABORTS((void)oe_allocator_malloc(48); (void)oe_allocator_malloc(48));
}

/* ------------------------------------------------------------------------ threads */

enum { QUEUE = 256 };
static void *queue[QUEUE];

/* Allocates and hands blocks to whoever comes by; frees what others left. */
static void exchange(uint32_t s)
{
    for (int i = 0; i < 300000; i++) {
        const size_t n = 8 + prng(&s) % 2000;
        uint8_t *p = oe_allocator_malloc(n);

        if (p != NULL) {
            memset(p, (int)(n & 0xff), 8);
        }
        oe_allocator_free(__atomic_exchange_n(&queue[prng(&s) % QUEUE], p, __ATOMIC_ACQ_REL));
    }
    churn(s, 30000, 30000);
}

static void *exchanger(void *arg)
{
    memset(&cache, 0, sizeof(cache));
    if (setjmp(aborted) != 0) {
        return (void *)1;
    }
    exchange((uint32_t)(uintptr_t)arg);
    return NULL;
}

TEST(D3_threads_share_the_heap)
{
    pthread_t t[3];

    start(PAGES, 0xa5);
    memset(queue, 0, sizeof(queue));
    for (uintptr_t i = 0; i < 3; i++) {
        REQUIRE(pthread_create(&t[i], NULL, exchanger, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < 3; i++) {
        void *result = NULL;

        CHECK_EQ(pthread_join(t[i], &result), 0);
        CHECK(result == NULL);
    }
}

TEST_MAIN
