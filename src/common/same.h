/* Comparing bytes that are no secrets. */
#ifndef CM_COMMON_SAME_H
#define CM_COMMON_SAME_H

#include <stdbool.h>
#include <string.h>

#include "common/span.h"

/** Not for secrets: the time says where they differ (cm_ct_equal() does not). */
static inline bool cm_span_same(struct cm_span x, struct cm_span y)
{
    return x.len == y.len && (x.len == 0 || memcmp(x.ptr, y.ptr, x.len) == 0);
}

/** Whether all of its bytes are zero; true of none. */
static inline bool cm_span_is_zero(struct cm_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

/** Capital letters of ASCII as small ones. */
static inline uint8_t cm_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

#endif
