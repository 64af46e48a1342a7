/* See debugger.h. */
#include "host/debugger.h"

__attribute__((noinline)) void cm_debugger_enclave_created(const char *path, uint64_t image,
                                                           uint64_t base, uint64_t size)
{
    /* nothing to do here; the arguments must be in their registers when a debugger stops */
    __asm__ volatile("" : : "r"(path), "r"(image), "r"(base), "r"(size) : "memory");
}
