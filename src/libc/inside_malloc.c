/*
 * The C library's names for the enclave's heap. The heap itself (oe_allocator_*) belongs to the
 * runtime and can be replaced by the enclave's author; inside_heap.h says what may stand between.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "libc/inside_heap.h"

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
    return checked(cm_app_malloc(size));
}

void free(void *ptr)
{
    int saved = errno; /* callers may rely on errno after free, as with musl */

    cm_app_free(ptr);
    errno = saved;
}

void *calloc(size_t count, size_t size)
{
    return checked(cm_app_calloc(count, size));
}

void *realloc(void *ptr, size_t size)
{
    return checked(cm_app_realloc(ptr, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return checked(cm_app_aligned_alloc(alignment, size));
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
    return cm_app_posix_memalign(out, alignment, size);
}

size_t malloc_usable_size(void *ptr)
{
    return ptr == NULL ? 0 : cm_app_usable_size(ptr);
}

/* what musl's own members call, so that a program's malloc does not serve the library's state, and the
 * library's state is no leak of the program's */
void *__libc_malloc(size_t size)
{
    return checked(oe_allocator_malloc(size));
}

void *__libc_malloc_impl(size_t size)
{
    return checked(oe_allocator_malloc(size));
}

void *__libc_calloc(size_t count, size_t size)
{
    return checked(oe_allocator_calloc(count, size));
}

void *__libc_realloc(void *ptr, size_t size)
{
    return checked(oe_allocator_realloc(ptr, size));
}

void __libc_free(void *ptr)
{
    oe_allocator_free(ptr);
}
