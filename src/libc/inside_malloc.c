/*
 * The C library's names for the enclave's heap. The heap itself (oe_allocator_*) belongs to the
 * runtime and can be replaced by the enclave's author.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "libc/inside_runtime.h"

void *__libc_malloc(size_t size);
void *__libc_malloc_impl(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static void *checked(void *p)
{
    if (p == NULL) {
        errno = ENOMEM;
    }
    return p;
}

void *malloc(size_t size)
{
    return checked(oe_allocator_malloc(size));
}

void free(void *ptr)
{
    int saved = errno; /* callers may rely on errno after free, as with musl */

    oe_allocator_free(ptr);
    errno = saved;
}

void *calloc(size_t count, size_t size)
{
    return checked(oe_allocator_calloc(count, size));
}

void *realloc(void *ptr, size_t size)
{
    return checked(oe_allocator_realloc(ptr, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return checked(oe_allocator_aligned_alloc(alignment, size));
}

void *memalign(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    return oe_allocator_posix_memalign(out, alignment, size);
}

size_t malloc_usable_size(void *ptr)
{
    return ptr == NULL ? 0 : oe_allocator_malloc_usable_size(ptr);
}

/* what musl's own members call, so that a program's malloc does not serve the library's state */
void *__libc_malloc(size_t size)
{
    return malloc(size);
}

void *__libc_malloc_impl(size_t size)
{
    return malloc(size);
}

void *__libc_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *__libc_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size);
}

void __libc_free(void *ptr)
{
    free(ptr);
}
