/*
 * One aligned 8-byte word of host memory, for lines of calls without a transition. With hostcopy.c this
 * is all that touches host memory, and by the same rules: reads and writes of whole aligned words only
 * (F-1, F-2), each value loaded once. Everything that comes back is UNTRUSTED.
 */
#ifndef CM_ENCLAVE_HOSTWORD_H
#define CM_ENCLAVE_HOSTWORD_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t cm_host_word(const uint64_t *host)
{
    return __atomic_load_n(host, __ATOMIC_ACQUIRE);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): stored to below */
static inline bool cm_host_word_change(uint64_t *host, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(host, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): stored to below */
static inline uint64_t cm_host_word_swap(uint64_t *host, uint64_t to)
{
    return __atomic_exchange_n(host, to, __ATOMIC_ACQ_REL);
}

#endif
