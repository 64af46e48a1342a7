/*
 * What generated code takes from the heap, alike on both sides. Included by enclave.h and host.h,
 * behind what oe_malloc() and oe_calloc() are there; not by itself.
 */
#ifndef OE_EDGER8R_HEAP_H
#define OE_EDGER8R_HEAP_H

#if !defined(OE_EDGER8R_ENCLAVE_H) && !defined(OE_EDGER8R_HOST_H)
#error "edger8r/heap.h is a part of edger8r/enclave.h and edger8r/host.h: include one of those"
#endif

#include <openenclave/edger8r/common.h>

OE_EXTERNC_BEGIN

/* zeroed memory for what the callee returns in a deep-copied struct */
OE_INLINE void *oe_edger8r_new(oe_edger8r_buffer_t *b, bool present, size_t count, size_t size)
{
    void *p = NULL;

    if (present) {
        p = oe_calloc(count == 0 ? 1 : count, size);
        if (p == NULL) {
            oe_edger8r_fail(b, OE_OUT_OF_MEMORY);
        }
    }
    return p;
}

/* a copy on the heap of the next region, for the caller to free; NULL when absent or empty */
OE_INLINE void *oe_edger8r_dup(oe_edger8r_buffer_t *b, bool present, size_t count, size_t size)
{
    const void *from = oe_edger8r_take(b, present, count, size);
    void *p = NULL;

    if (from != NULL && count != 0 && size != 0) {
        p = oe_malloc(count * size);
        if (p == NULL) {
            oe_edger8r_fail(b, OE_OUT_OF_MEMORY);
        } else {
            oe_edger8r_copy(p, from, count * size);
        }
    }
    return p;
}

OE_EXTERNC_END

#endif
