/* The one place where the runtime makes a pointer of a number: addresses from the host, of pages, of
 * the processor's structures. Whoever calls it has checked where the address lies. */
#ifndef CM_ENCLAVE_ADDRESS_H
#define CM_ENCLAVE_ADDRESS_H

#include <stdint.h>

static inline void *cm_ptr(uint64_t address)
{
    return (void *)address; /* NOLINT(performance-no-int-to-ptr) */
}

#endif
