/* The heap beyond its public face in openenclave/advanced: what its tests and the runtime use. */
#ifndef CM_ENCLAVE_HEAP_H
#define CM_ENCLAVE_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* What the heap needs from elsewhere: a secret for its links, and a way to die. */
uint64_t cm_random_u64(void);
_Noreturn void cm_abort_because(const char *why);

/* Blocks of up to this size come from slabs. */
#define CM_HEAP_SMALL_MAX 8192u

#endif
