/* The heap and a few functions of stdlib.h under names that need no C library. Enclave side. */
#ifndef _OE_CORELIBC_STDLIB_H
#define _OE_CORELIBC_STDLIB_H

#include "../bits/defs.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

/* As malloc and its family; see advanced/allocator.h. */
void *oe_malloc(size_t size);
void oe_free(void *ptr);
void *oe_calloc(size_t nmemb, size_t size);
void *oe_realloc(void *ptr, size_t size);
void *oe_memalign(size_t alignment, size_t size);
int oe_posix_memalign(void **memptr, size_t alignment, size_t size);

/** Runs function when the enclave is destroyed, last registered first. Nonzero: out of memory. */
int oe_atexit(void (*function)(void));

/** Stops the enclave for good. */
void oe_abort(void) OE_NO_RETURN;

OE_EXTERNC_END

#endif
