/*
 * Thread-local variables of a shared library that was compiled without -ftls-model=initial-exec: its code
 * asks for each address. In place of musl's, which keeps a list of blocks; ours are at a fixed distance
 * from the thread data (src/image/elf_module.c), so nothing can be missing.
 */
#include <stdint.h>

#include "libc/inside_runtime.h"

/* two words of the library's global offset table */
struct tls_index {
    uint64_t block; /* from the thread data to the variables of image or library: "negative" */
    uint64_t offset;
};

void *__tls_get_addr(const struct tls_index *index);

void *__tls_get_addr(const struct tls_index *index)
{
    return (char *)cm_td_self() + (int64_t)(index->block + index->offset);
}
