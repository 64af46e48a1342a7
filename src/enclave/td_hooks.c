/* For an enclave without the C library: what src/libc would do for a thread. */
#include <string.h>

#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "libc/inside_td.h"

enum { OFF_CANARY = 0x28 }; /* FS:0x28, which compilers read */

__attribute__((weak)) CM_NO_CANARY void cm_musl_td_init(void *td,
                                                        const struct cm_musl_thread *thread)
{
    const uint64_t canary = thread->canary & ~(uint64_t)0xff;

    memcpy(td, &td, sizeof(td));
    memcpy((uint8_t *)td + OFF_CANARY, &canary, sizeof(canary));
}

__attribute__((weak)) void cm_musl_td_exit(void)
{
}

__attribute__((weak)) void cm_libc_fini(void)
{
}
