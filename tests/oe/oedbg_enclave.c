/* The enclave of oe_debug_test: mistakes, leaks, backtraces and ends, each in a function of its own. */
#include <casemate/backtrace.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/corelibc/string.h>
#include <openenclave/debugmalloc.h>
#include <openenclave/enclave.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oedbg.h"
#include "oedbg_t.h"

#define NOINLINE __attribute__((noinline))
#define EXPECT(cond)         \
    do {                     \
        if (!(cond)) {       \
            return __LINE__; \
        }                    \
    } while (0)

/* the compiler must not see what happens to these */
static void *volatile sink;
static volatile uint8_t *volatile bytes;
static volatile size_t beyond = 40;

static NOINLINE void make_block(void)
{
    bytes = malloc(40);
    sink = (void *)(uintptr_t)bytes;
}

static NOINLINE void drop_block(void)
{
    free(sink);
}

void dbg_mistake(int which)
{
    uint64_t on_stack[16] = {0};

    make_block();
    switch (which) {
    case DBG_OVERRUN:
        bytes[beyond] = 1;
        drop_block();
        break;
    case DBG_UNDERRUN:
        bytes[(ptrdiff_t)beyond - 41] = 1;
        drop_block();
        break;
    case DBG_DOUBLE_FREE:
        drop_block();
        drop_block();
        break;
    case DBG_USE_AFTER_FREE:
        drop_block();
        bytes[8] = 1;
        for (int i = 0; i < 64; i++) { /* more than the quarantine holds */
            free(malloc(64 * 1024));
        }
        break;
    case DBG_FREE_INSIDE:
        sink = (char *)sink + 16;
        drop_block();
        break;
    case DBG_FREE_STACK:
        sink = on_stack + 8;
        drop_block();
        break;
    case DBG_RESIZE_FREED:
        drop_block();
        sink = realloc(sink, 80);
        break;
    case DBG_OVERRUN_AT_THE_END:
        bytes[beyond] = 1;
        break;
    case DBG_USE_AFTER_FREE_AT_THE_END:
        drop_block();
        bytes[39] = 1;
        break;
    default:
        break;
    }
}

static NOINLINE void lose(size_t size)
{
    sink = malloc(size);
}

void dbg_leak(size_t size)
{
    lose(size);
}

static NOINLINE void *first_culprit(void)
{
    return oe_malloc(100);
}

static NOINLINE void *second_culprit(void)
{
    return calloc(3, 3);
}

static int count_of(const char *text, const char *word)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, word)) != NULL; p++) {
        n++;
    }
    return n;
}

int dbg_tracking(char *text)
{
    uint64_t count = 99;
    char *report = NULL;
    void *before = malloc(1);

    EXPECT(oe_debug_malloc_tracking_report(NULL, &report) == OE_INVALID_PARAMETER);
    EXPECT(oe_debug_malloc_tracking_report(&count, NULL) == OE_INVALID_PARAMETER && count == 99);
    EXPECT(oe_debug_malloc_tracking_stop() == OE_UNEXPECTED);
    EXPECT(oe_debug_malloc_tracking_report(&count, &report) == OE_OK);
    EXPECT(count == 0 && report[0] == '\0');
    oe_free(report);

    EXPECT(oe_debug_malloc_tracking_start() == OE_OK);
    EXPECT(oe_debug_malloc_tracking_start() == OE_UNEXPECTED);
    void *a = first_culprit();
    free(malloc(10));
    EXPECT(oe_debug_malloc_tracking_stop() == OE_OK);
    void *between = malloc(2);
    EXPECT(oe_debug_malloc_tracking_report(&count, &report) == OE_OK);
    EXPECT(count == 1);
    oe_free(report);

    EXPECT(oe_debug_malloc_tracking_start() == OE_OK);
    void *b = second_culprit();
    void *c = second_culprit();
    EXPECT(oe_debug_malloc_tracking_stop() == OE_OK);
    EXPECT(oe_debug_malloc_tracking_report(&count, &report) == OE_OK);
    EXPECT(count == 3 && count_of(report, "\n\n") == 3);
    EXPECT(strlen(report) < 4096);
    memcpy(text, report, strlen(report) + 1);
    oe_free(report);
    oe_free(a);
    free(b);
    EXPECT(oe_debug_malloc_tracking_report(&count, &report) == OE_OK && count == 1);
    free(report);
    free(c);
    free(between);
    free(before);
    return 0;
}

int dbg_heap(void)
{
    uint8_t *p = malloc(33);
    uint8_t *q;
    uint32_t *z;
    void *aligned = NULL;

    EXPECT(p != NULL && p[0] == 0xaa && p[32] == 0xaa && (uintptr_t)p % 16 == 0);
    memset(p, 7, 33);
    q = realloc(p, 500);
    EXPECT(q != NULL && q[0] == 7 && q[32] == 7 && q[33] == 0xaa && p[0] == 0xdd);
    q = realloc(q, 5);
    EXPECT(q != NULL && q[4] == 7);
    free(q);
    EXPECT(q[4] == 0xdd);
    free(NULL);
    z = calloc(100, sizeof(*z));
    EXPECT(z != NULL && z[0] == 0 && z[99] == 0);
    free(z);
    EXPECT(calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    EXPECT(malloc(SIZE_MAX - 8) == NULL && malloc(SIZE_MAX - 300) == NULL);
    for (size_t alignment = 8; alignment <= 8192; alignment *= 2) {
        EXPECT(posix_memalign(&aligned, alignment, 100) == 0);
        EXPECT((uintptr_t)aligned % alignment == 0);
        memset(aligned, 1, 100);
        free(aligned);
    }
    EXPECT(posix_memalign(&aligned, 24, 8) == EINVAL);
    EXPECT(oe_posix_memalign(&aligned, 24, 8) == EINVAL);
    EXPECT(oe_posix_memalign(&aligned, 64, SIZE_MAX - 64) == ENOMEM);
    aligned = oe_memalign(256, 1);
    EXPECT(aligned != NULL && (uintptr_t)aligned % 256 == 0);
    oe_free(aligned);
    z = oe_calloc(2, 8);
    z = oe_realloc(z, 0);
    EXPECT(z != NULL);
    oe_free(z);
    return 0;
}

/* freed memory serves again when there is no other */
int dbg_heap_full(void)
{
    for (int round = 0; round < 50; round++) {
        void *p = malloc(1000 * 1000);

        EXPECT(p != NULL);
        free(p);
    }
    void *all[64];
    size_t count = 0;

    while (count < 64 && (all[count] = malloc(100 * 1000)) != NULL) {
        count++;
    }
    EXPECT(count > 8 && count < 64);
    free(all[0]);
    free(all[1]); /* both are small enough to stay in the quarantine */
    all[0] = malloc(100 * 1000);
    all[1] = aligned_alloc(64, 50 * 1000);
    EXPECT(all[0] != NULL && all[1] != NULL);
    for (size_t i = 0; i < count; i++) {
        free(all[i]);
    }
    return 0;
}

static bool still(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

/* the heap below, which fails when it is told to: linked with --wrap */
static uint32_t until_failure;
static bool failure_sticks;
static bool failure_reached;

static bool fails(void)
{
    if (until_failure == 0 || --until_failure != 0) {
        return false;
    }
    until_failure = failure_sticks ? 1 : 0;
    failure_reached = true;
    return true;
}

#define WRAPPED(name, parameters, arguments)                          \
    void *__real_oe_allocator_##name parameters;                      \
    void *__wrap_oe_allocator_##name parameters;                      \
    void *__wrap_oe_allocator_##name parameters                       \
    {                                                                 \
        return fails() ? NULL : __real_oe_allocator_##name arguments; \
    }
WRAPPED(malloc, (size_t size), (size))
WRAPPED(calloc, (size_t count, size_t size), (count, size))
WRAPPED(realloc, (void *ptr, size_t size), (ptr, size))
WRAPPED(aligned_alloc, (size_t alignment, size_t size), (alignment, size))

int dbg_out_of_memory(uint32_t k, bool sticks, bool *reached)
{
    static char text[4096];
    void *volatile blocks[5];
    uint64_t count = 99;
    char *report = text;
    void *frame = text;
    char **symbols;
    oe_result_t result;

    failure_reached = false;
    failure_sticks = sticks;
    until_failure = k;
    (void)oe_debug_malloc_tracking_start();
    blocks[0] = malloc(10);
    blocks[1] = calloc(10, 10);
    blocks[2] = aligned_alloc(256, 10);
    if (blocks[0] != NULL) {
        memset(blocks[0], 7, 10);
    }
    blocks[3] = realloc(blocks[0], 2000);
    if (blocks[3] != NULL) {
        blocks[0] = NULL;
    }
    blocks[4] = strdup("text");
    (void)oe_debug_malloc_tracking_stop();
    result = oe_debug_malloc_tracking_report(&count, &report);
    symbols = oe_backtrace_symbols(&frame, 1);
    oe_backtrace_symbols_free(symbols);
    until_failure = 0;
    *reached = failure_reached;

    EXPECT(result == OE_OK || (result == OE_OUT_OF_MEMORY && count == 99 && report == text));
    if (result == OE_OK) {
        EXPECT(count <= 4);
        free(report);
    }
    EXPECT(blocks[0] == NULL || still(blocks[0], 10, 7));
    EXPECT(failure_reached || (symbols != NULL && result == OE_OK && count == 4));
    for (int i = 0; i < 5; i++) {
        free(blocks[i]);
    }
    return 0;
}
int dbg_churn(uint32_t seed, uint32_t rounds)
{
    enum { BLOCKS = 32 };
    uint8_t *block[BLOCKS] = {NULL};
    size_t size[BLOCKS] = {0};

    for (uint32_t round = 0; round < rounds; round++) {
        const uint8_t value = (uint8_t)(seed + round % BLOCKS);
        const unsigned i = round % BLOCKS;

        seed = seed * 1664525 + 1013904223;
        EXPECT(block[i] == NULL || still(block[i], size[i], block[i][0]));
        if (round % 3 == 0) {
            free(block[i]);
            block[i] = NULL;
        }
        size[i] = 1 + (seed >> 16) % 3000;
        block[i] = realloc(block[i], size[i]);
        EXPECT(block[i] != NULL);
        memset(block[i], value, size[i]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(block[i]);
    }
    return 0;
}

static NOINLINE int innermost(char *text)
{
    void *frames[OE_BACKTRACE_MAX];
    const int count = oe_backtrace(frames, OE_BACKTRACE_MAX);
    char **names;
    size_t used = 0;

    EXPECT(oe_backtrace(NULL, 3) == 0 && oe_backtrace(frames, 0) == 0 &&
           oe_backtrace(frames, -1) == 0);
    EXPECT(oe_backtrace(frames, 2) == 2);
    EXPECT(count > 3 && count < OE_BACKTRACE_MAX);
    EXPECT(oe_backtrace_symbols(NULL, 1) == NULL && oe_backtrace_symbols(frames, 0) == NULL);
    EXPECT(oe_backtrace_symbols(frames, OE_BACKTRACE_MAX + 1) == NULL);
    names = oe_backtrace_symbols(frames, count);
    EXPECT(names != NULL);
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, 4096 - used, "%s\n", names[i]);
    }
    oe_backtrace_symbols_free(names);
    oe_backtrace_symbols_free(NULL);
    return 0;
}

static NOINLINE int middle(char *text)
{
    const int line = innermost(text);

    __asm__ volatile("");
    return line;
}

int dbg_backtrace(char *text)
{
    const int line = middle(text);

    __asm__ volatile("");
    return line;
}

void dbg_print_backtrace(void)
{
    (void)oe_print_backtrace();
}

int dbg_by_ocalls(char *text)
{
    void *frames[40] = {NULL};
    const int count = oe_backtrace(frames, 40);
    const uint64_t *addresses = (const uint64_t *)(const void *)frames;
    oe_symbols_t symbols = {NULL, 0};
    oe_result_t result = OE_FAILURE;

    EXPECT(count > 2);
    EXPECT(oe_sgx_backtrace_symbols_ocall(&result, NULL, addresses, 1, &symbols) == OE_OK);
    EXPECT(result == OE_INVALID_PARAMETER && symbols.buffer == NULL);
    EXPECT(oe_sgx_log_backtrace_ocall(&result, oe_get_enclave(), addresses, 0) == OE_OK);
    EXPECT(result == OE_INVALID_PARAMETER);
    EXPECT(oe_sgx_backtrace_symbols_ocall(&result, oe_get_enclave(), addresses, (size_t)count,
                                          &symbols) == OE_OK);
    EXPECT(result == OE_OK && symbols.size > 0 && symbols.size < 4096);
    for (size_t i = 0; i + 1 < symbols.size; i++) {
        const char c = ((const char *)symbols.buffer)[i];

        text[i] = '\n';
        if (c != '\0') {
            text[i] = c;
        }
        text[i + 1] = '\0';
    }
    oe_free(symbols.buffer);
    EXPECT(oe_sgx_log_backtrace_ocall(&result, oe_get_enclave(), addresses, (size_t)count) ==
           OE_OK);
    EXPECT(result == OE_OK);
    return 0;
}

static volatile int zero;

static NOINLINE void last_words(int how)
{
    switch (how) {
    case DBG_ABORT:
        oe_abort();
    case DBG_C_ABORT:
        abort();
    case DBG_ASSERT:
        __oe_assert_fail("zero", "file.c", 12, "last_words");
    case DBG_DIVIDE:
        zero = 100 / zero;
        break;
    default:
        __asm__ volatile("ud2");
    }
}

void dbg_end(int how)
{
    last_words(how);
    __asm__ volatile("");
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 1024, 16, 2);
