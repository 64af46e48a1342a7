/* struct cm_span (it is part of the public API) and its one helper. */
#ifndef CM_COMMON_SPAN_H
#define CM_COMMON_SPAN_H

#include <casemate/span.h>

static inline struct cm_span cm_span_make(const void *ptr, size_t len)
{
    struct cm_span s = {(const uint8_t *)ptr, len};

    return s;
}

#endif
