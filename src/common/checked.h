/* Checked arithmetic: true means that the result did not fit and *out must not be used. */
#ifndef CM_COMMON_CHECKED_H
#define CM_COMMON_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define cm_add_ovf(a, b, out) __builtin_add_overflow((a), (b), (out))
#define cm_mul_ovf(a, b, out) __builtin_mul_overflow((a), (b), (out))

/** Round v up to a multiple of align (a power of two). True when the result does not fit. */
static inline bool cm_round_up_ovf(uint64_t v, uint64_t align, uint64_t *out)
{
    uint64_t sum = 0;

    if (cm_add_ovf(v, align - 1, &sum)) {
        return true;
    }
    *out = sum & ~(align - 1);
    return false;
}

#endif
