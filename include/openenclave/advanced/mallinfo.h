/* How much of the enclave's heap is in use. */
#ifndef _OE_ADVANCED_MALLINFO_H
#define _OE_ADVANCED_MALLINFO_H

#include "../bits/defs.h"
#include "../bits/result.h"
#include "../bits/types.h"

OE_EXTERNC_BEGIN

typedef struct _oe_mallinfo {
    size_t max_total_heap_size; /**< bytes that the heap can hold, its own tables included */
    size_t current_allocated_heap_size; /**< bytes in use: blocks, rounded to their size class */
    size_t peak_allocated_heap_size;    /**< highest value that the former had */
} oe_mallinfo_t;

/**
 * Current figures. Small blocks that threads keep at hand for their next allocation count as in
 * use.
 *
 * @retval OE_OK                 info is filled in
 * @retval OE_INVALID_PARAMETER  info is NULL
 */
oe_result_t oe_allocator_mallinfo(oe_mallinfo_t *info);

OE_EXTERNC_END

#endif
