/* A borrowed run of bytes: pointer and length always together. Never owns. */
#ifndef CM_COMMON_SPAN_H
#define CM_COMMON_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct cm_span {
    const uint8_t *ptr;
    size_t len;
};

static inline struct cm_span cm_span_make(const void *ptr, size_t len)
{
    struct cm_span s = {(const uint8_t *)ptr, len};

    return s;
}

#endif
