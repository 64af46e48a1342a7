/* Host memory for enclaves; see sys_ocalls.h. */
#include <stdlib.h>

#include "host/sys_ocalls.h"

void *oe_realloc_ocall(void *ptr, size_t size)
{
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}
