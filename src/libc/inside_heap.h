/*
 * The application's heap: the enclave's, or that of openenclave::oedebugmalloc around it where an enclave
 * links that. The runtime's own blocks come from oe_allocator_* directly and are nobody's leak.
 */
#ifndef CM_LIBC_INSIDE_HEAP_H
#define CM_LIBC_INSIDE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include <openenclave/advanced/allocator.h>
#include <openenclave/bits/result.h>
#include <openenclave/corelibc/errno.h>

struct cm_debug_heap {
    /* alignment: a power of two; zero: cleared. NULL when memory ran out */
    void *(*alloc)(size_t size, size_t alignment, bool zero);
    void (*release)(void *ptr); /* accepts NULL */
    void *(*resize)(void *ptr, size_t size);
    size_t (*usable_size)(void *ptr);
    /* the end of the enclave: checks every block; OE_MEMORY_LEAK when one is left */
    oe_result_t (*end)(void);
};

/* src/enclave/debugheap.c; absent unless it is linked */
extern const struct cm_debug_heap cm_debug_heap __attribute__((weak));

enum { CM_HEAP_ALIGN = 16 };

static inline bool cm_debugged(void)
{
    return &cm_debug_heap != NULL;
}

static inline void *cm_app_malloc(size_t size)
{
    return cm_debugged() ? cm_debug_heap.alloc(size, CM_HEAP_ALIGN, false)
                         : oe_allocator_malloc(size);
}

static inline void cm_app_free(void *ptr)
{
    if (cm_debugged()) {
        cm_debug_heap.release(ptr);
    } else {
        oe_allocator_free(ptr);
    }
}

static inline void *cm_app_calloc(size_t count, size_t size)
{
    size_t total;

    if (!cm_debugged()) {
        return oe_allocator_calloc(count, size);
    }
    return __builtin_mul_overflow(count, size, &total)
               ? NULL
               : cm_debug_heap.alloc(total, CM_HEAP_ALIGN, true);
}

static inline void *cm_app_realloc(void *ptr, size_t size)
{
    return cm_debugged() ? cm_debug_heap.resize(ptr, size) : oe_allocator_realloc(ptr, size);
}

static inline void *cm_app_aligned_alloc(size_t alignment, size_t size)
{
    if (!cm_debugged()) {
        return oe_allocator_aligned_alloc(alignment, size);
    }
    return alignment == 0 || (alignment & (alignment - 1)) != 0
               ? NULL
               : cm_debug_heap.alloc(size, alignment, false);
}

/* 0 or an error number */
static inline int cm_app_posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p;

    if (!cm_debugged()) {
        return oe_allocator_posix_memalign(out, alignment, size);
    }
    if (out == NULL || alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return OE_EINVAL;
    }
    p = cm_debug_heap.alloc(size, alignment, false);
    if (p == NULL) {
        return OE_ENOMEM;
    }
    *out = p;
    return 0;
}

static inline size_t cm_app_usable_size(void *ptr)
{
    return cm_debugged() ? cm_debug_heap.usable_size(ptr) : oe_allocator_malloc_usable_size(ptr);
}

#endif
