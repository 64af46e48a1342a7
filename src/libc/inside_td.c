/*
 * Sets up and ends a musl thread in the runtime's thread data. Called by the runtime alone; nothing
 * here is untrusted. Compiled without stack protector, since it sets the canary.
 */
#include "libc/inside_td.h"

#include <string.h>

#include "abi/layout.h"
#include "libc/inside_key.h"
#include "libc/inside_musl.h"

_Static_assert(CM_MUSL_PTHREAD_SIZE_LEAST <= CM_TD_MUSL_SIZE,
               "struct pthread fits its place in TD");
_Static_assert(offsetof(struct cm_musl_libc, global_locale) == 0x38, "layout of struct __libc");

extern struct cm_musl_libc __libc __attribute__((visibility("hidden")));

/* Inline stores: this runs at every ecall, and without builtins memcpy is a call. */
static inline __attribute__((always_inline)) void put(void *td, size_t off, const void *value,
                                                      size_t size)
{
    __builtin_memcpy((char *)td + off, value, size);
}

void cm_musl_td_init(void *td, const struct cm_musl_thread *thread)
{
    uint64_t canary = thread->canary & ~(uint64_t)0xff; /* stops string functions */
    const void *locale = __libc.global_locale;
    const int32_t zero = 0;

    put(td, CM_MUSL_PTHREAD_SELF, &td, sizeof(td));
    put(td, CM_MUSL_PTHREAD_CANARY, &canary, sizeof(canary));
    put(td, CM_MUSL_PTHREAD_TID, &thread->tid, sizeof(thread->tid));
    put(td, CM_MUSL_PTHREAD_ERRNO, &zero, sizeof(zero));
    put(td, CM_MUSL_PTHREAD_LOCALE, &locale, sizeof(locale));
    /* with several TCS the enclave is threaded from the start, whoever enters first */
    if (__libc.need_locks != 1) { /* a line that all threads read is not written again */
        __libc.can_do_threads = 1;
        __libc.threaded = 1;
        __libc.need_locks = 1;
    }
}

/* Overridden by inside_key.c when the enclave uses thread-specific values at all. */
__attribute__((weak)) void cm_key_run_destructors(void)
{
}

void cm_musl_td_exit(void)
{
    cm_key_run_destructors();
}
