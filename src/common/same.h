/* Whether two spans hold the same bytes. */
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

#endif
