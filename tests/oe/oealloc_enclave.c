/*
 * An enclave that brings its own allocator: it hands memory out from the bottom of the heap and never takes
 * any back, and counts what is asked of it.
 */
#include <openenclave/advanced/allocator.h>
#include <openenclave/advanced/mallinfo.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oealloc.h"
#include "oealloc_t.h"

static uint64_t counts[ALLOC_COUNTS];
static uint64_t *watcher;
static uintptr_t next;
static uintptr_t end;

static void count(unsigned what)
{
    __atomic_add_fetch(&counts[what], 1, __ATOMIC_SEQ_CST);
}

void oe_allocator_init(void *heap_start_address, void *heap_end_address)
{
    next = (uintptr_t)heap_start_address;
    end = (uintptr_t)heap_end_address;
    if (next % 4096 != 0 || end % 4096 != 0 || counts[ALLOC_INIT] != 0) {
        count(ALLOC_WRONG);
    }
    count(ALLOC_INIT);
}

void oe_allocator_cleanup(void)
{
    count(ALLOC_CLEANUP);
    if (watcher != NULL) {
        (void)oe_memcpy_with_barrier(watcher, counts, sizeof(counts));
    }
}

void oe_allocator_thread_init(void)
{
    if (counts[ALLOC_INIT] != 1 || counts[ALLOC_CLEANUP] != 0) {
        count(ALLOC_WRONG);
    }
    count(ALLOC_THREAD_INIT);
}

void oe_allocator_thread_cleanup(void)
{
    if (counts[ALLOC_INIT] != 1 || counts[ALLOC_CLEANUP] != 0) {
        count(ALLOC_WRONG);
    }
    count(ALLOC_THREAD_CLEANUP);
}

/* the size stands in front of each block */
void *oe_allocator_aligned_alloc(size_t alignment, size_t size)
{
    uintptr_t at = (next + 16 + alignment - 1) / alignment * alignment;

    count(ALLOC_CALLS);
    if (at > end || size > end - at) {
        return NULL;
    }
    next = (at + size + 15) / 16 * 16;
    ((size_t *)at)[-1] = size;
    return (void *)at;
}

void *oe_allocator_malloc(size_t size)
{
    return oe_allocator_aligned_alloc(16, size);
}

void oe_allocator_free(void *ptr)
{
    if (ptr != NULL) {
        count(ALLOC_FREED);
    }
}

size_t oe_allocator_malloc_usable_size(void *ptr)
{
    return ((size_t *)ptr)[-1];
}

void *oe_allocator_calloc(size_t nmemb, size_t size)
{
    void *p = oe_allocator_malloc(nmemb * size);

    if (p != NULL) {
        memset(p, 0, nmemb * size);
    }
    return p;
}

void *oe_allocator_realloc(void *ptr, size_t size)
{
    void *p = oe_allocator_malloc(size);

    if (p != NULL && ptr != NULL) {
        const size_t old = oe_allocator_malloc_usable_size(ptr);

        memcpy(p, ptr, old < size ? old : size);
    }
    return p;
}

int oe_allocator_posix_memalign(void **memptr, size_t alignment, size_t size)
{
    count(ALLOC_MEMALIGN);
    *memptr = oe_allocator_aligned_alloc(alignment, size);
    return *memptr == NULL ? ENOMEM : 0;
}

oe_result_t oe_allocator_mallinfo(oe_mallinfo_t *info)
{
    info->max_total_heap_size = 1;
    info->current_allocated_heap_size = 2;
    info->peak_allocated_heap_size = 3;
    return OE_OK;
}

void alloc_watch(uint64_t *host)
{
    if (oe_is_outside_enclave(host, sizeof(counts))) {
        watcher = host;
    }
}

#define EXPECT(cond)         \
    do {                     \
        if (!(cond)) {       \
            return __LINE__; \
        }                    \
    } while (0)

int alloc_try(void)
{
    const uint64_t before = counts[ALLOC_CALLS];
    const uint64_t freed = counts[ALLOC_FREED];
    oe_mallinfo_t info;
    void *p = malloc(10);
    void *aligned = NULL;

    EXPECT(p != NULL && malloc_usable_size(p) == 10 && counts[ALLOC_CALLS] == before + 1);
    p = realloc(p, 20);
    free(p);
    EXPECT(counts[ALLOC_CALLS] == before + 2 && counts[ALLOC_FREED] == freed + 1);
    oe_free(oe_calloc(3, 4));
    EXPECT(counts[ALLOC_CALLS] == before + 3 && counts[ALLOC_FREED] == freed + 2);
    EXPECT(posix_memalign(&aligned, 128, 5) == 0 && (uintptr_t)aligned % 128 == 0);
    EXPECT(oe_posix_memalign(&aligned, 64, 5) == 0 && counts[ALLOC_MEMALIGN] == 2);
    EXPECT(oe_allocator_mallinfo(&info) == OE_OK && info.peak_allocated_heap_size == 3);
    EXPECT(counts[ALLOC_INIT] == 1 && counts[ALLOC_CLEANUP] == 0 && counts[ALLOC_WRONG] == 0);
    return 0;
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 64, 16, 2);
