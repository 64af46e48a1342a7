/*
 * The heap and a few functions of stdlib.h under names of the SDK. Enclave side; with
 * OE_NEED_STDC_NAMES defined also under the standard's names, which are the C library's own
 * functions and may be declared beside its headers.
 */
#ifndef _OE_CORELIBC_STDLIB_H
#define _OE_CORELIBC_STDLIB_H

#include "../bits/defs.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

/** As malloc and its family; see advanced/allocator.h. Thread-safe. */
void *oe_malloc(size_t size);
void oe_free(void *ptr);
void *oe_calloc(size_t nmemb, size_t size);
void *oe_realloc(void *ptr, size_t size);
void *oe_memalign(size_t alignment, size_t size);
int oe_posix_memalign(void **memptr, size_t alignment, size_t size);

/** As strtoul(): oe_errno is OE_ERANGE where the number does not fit. */
unsigned long int oe_strtoul(const char *nptr, char **endptr, int base);

/** Runs function when the enclave is destroyed, last registered first. Nonzero: out of memory. */
int oe_atexit(void (*function)(void));

/** Stops the enclave for good. */
void oe_abort(void) OE_NO_RETURN;

#if defined(OE_NEED_STDC_NAMES)
void *malloc(size_t size);
void free(void *ptr);
void *calloc(size_t nmemb, size_t size);
void *realloc(void *ptr, size_t size);
void *memalign(size_t alignment, size_t size);
int posix_memalign(void **memptr, size_t alignment, size_t size);
unsigned long int strtoul(const char *nptr, char **endptr, int base);
int atexit(void (*function)(void));
void abort(void) OE_NO_RETURN;
#endif

OE_EXTERNC_END

#endif
