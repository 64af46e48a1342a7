/*
 * The C library's share of a thread's data. The runtime (src/enclave) calls these; musl finds its
 * thread through FS, so the first CM_TD_MUSL_SIZE bytes of TD are its struct pthread.
 */
#ifndef CM_LIBC_INSIDE_TD_H
#define CM_LIBC_INSIDE_TD_H

#include <stdint.h>

/* Initial values of a thread. */
struct cm_musl_thread {
    uint64_t canary; /* of the stack protector; its lowest byte is made 0 */
    int32_t tid;     /* 1 .. 2^30-1, different for threads that run at the same time */
};

/*
 * Makes td (CM_TD_MUSL_SIZE zeroed bytes at FS) a thread of musl: errno 0, the C locale, no
 * thread-specific values. Called before any other code of the library runs on the thread, and
 * again for the next tenant of the TCS. Makes no call out, uses no stack protector.
 */
void cm_musl_td_init(void *td, const struct cm_musl_thread *thread);

/*
 * Ends the calling thread's life in the library: runs the destructors of its thread-specific
 * values. Called when its outermost ecall ends, before the thread data are wiped.
 */
void cm_musl_td_exit(void);

/* Flushes streams. Called by the enclave's destructor after the functions of oe_atexit(). */
void cm_libc_fini(void);

#endif
