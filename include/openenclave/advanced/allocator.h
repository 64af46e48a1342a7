/*
 * The enclave's memory allocator, replaceable as a whole: an enclave that defines all of these
 * functions uses its own allocator for everything, malloc() included.
 */
#ifndef _OE_ADVANCED_ALLOCATOR_H
#define _OE_ADVANCED_ALLOCATOR_H

#include "../bits/defs.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

/**
 * Gives the allocator its memory. Called once, before any constructor.
 *
 * The pages were NOT measured and may hold anything the host likes: nothing in them may be read
 * before it was written.
 *
 * @param heap_start_address  first byte, page aligned
 * @param heap_end_address    first byte after the heap, page aligned
 */
void oe_allocator_init(void *heap_start_address, void *heap_end_address);

/** The enclave is being destroyed; nothing allocates any more. */
void oe_allocator_cleanup(void);

/**
 * A thread begins, or ends, its outermost ecall: the first time in the ecall that creates the enclave, right
 * after oe_allocator_init(), the last time in the one that ends it, before oe_allocator_cleanup(). Must be
 * fast.
 */
void oe_allocator_thread_init(void);
void oe_allocator_thread_cleanup(void);

/**
 * As their namesakes of the C library: aligned to 16 bytes, thread-safe, NULL when memory has run
 * out, and a size of 0 gives a block of its own.
 */
void *oe_allocator_malloc(size_t size);
void oe_allocator_free(void *ptr);
void *oe_allocator_calloc(size_t nmemb, size_t size);
void *oe_allocator_realloc(void *ptr, size_t size);
void *oe_allocator_aligned_alloc(size_t alignment, size_t size);
int oe_allocator_posix_memalign(void **memptr, size_t alignment, size_t size);
size_t oe_allocator_malloc_usable_size(void *ptr);

OE_EXTERNC_END

#endif
