/* Freeing blocks that held secrets, and the API's own names for the application's heap. */
#include <stddef.h>

#include <openenclave/corelibc/stdlib.h>

#include "common/wipe.h"
#include "enclave/runtime.h"
#include "libc/inside_heap.h"

void cm_free_wiped(void *ptr)
{
    if (ptr != NULL) {
        cm_wipe(ptr, cm_app_usable_size(ptr));
        cm_app_free(ptr);
    }
}

void *oe_malloc(size_t size)
{
    return cm_app_malloc(size);
}

void oe_free(void *ptr)
{
    cm_app_free(ptr);
}

void *oe_calloc(size_t nmemb, size_t size)
{
    return cm_app_calloc(nmemb, size);
}

void *oe_realloc(void *ptr, size_t size)
{
    return cm_app_realloc(ptr, size);
}

void *oe_memalign(size_t alignment, size_t size)
{
    return cm_app_aligned_alloc(alignment, size);
}

int oe_posix_memalign(void **memptr, size_t alignment, size_t size)
{
    return cm_app_posix_memalign(memptr, alignment, size);
}
