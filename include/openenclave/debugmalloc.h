/*
 * Looking for memory that an enclave loses. Enclave side; link openenclave::oedebugmalloc
 * (-loedebugmalloc, before -loelibc), which checks every block besides: docs/debugging.md.
 *
 * Two detections, which know nothing of each other. All of the enclave's life: what nobody has freed
 * when the enclave is terminated is listed on the host's stdout, and oe_terminate_enclave() returns
 * OE_MEMORY_LEAK. A part of it: the functions below.
 *
 * NOT for enclaves that hold secrets: every allocation takes several hundred bytes and a lock.
 */
#ifndef _OE_DEBUGMALLOC_H
#define _OE_DEBUGMALLOC_H

#include "bits/defs.h"
#include "bits/result.h"
#include "bits/types.h"

OE_EXTERNC_BEGIN

/**
 * Blocks that any thread allocates from now on are tracked, until oe_debug_malloc_tracking_stop().
 *
 * @retval OE_OK          tracking has begun
 * @retval OE_UNEXPECTED  it had begun before; nothing changed
 *
 * Thread-safe, but one switch for all threads.
 */
oe_result_t oe_debug_malloc_tracking_start(void);

/**
 * Blocks that are allocated from now on are not tracked. Those that are remain so.
 *
 * @retval OE_OK          tracking has ended
 * @retval OE_UNEXPECTED  it had not begun; nothing changed
 */
oe_result_t oe_debug_malloc_tracking_stop(void);

/**
 * The tracked blocks, of all times of tracking together, that have not been freed until now, newest
 * first.
 *
 * @param out_object_count  How many.
 * @param report            Text: for each block a line for each function that was active when it was
 *                          allocated, "name(): address", innermost first, and an empty line. Names are
 *                          known in enclaves with the DEBUG attribute, if the host finds them in the
 *                          image; it may lie. Free it with oe_free(). Both are set on OE_OK only.
 *
 * @retval OE_OK                 also when there are none: then the text is empty
 * @retval OE_INVALID_PARAMETER  a pointer is NULL
 * @retval OE_OUT_OF_MEMORY      no room for the text
 *
 * Thread-safe. The text itself is not tracked.
 */
oe_result_t oe_debug_malloc_tracking_report(uint64_t *out_object_count, char **report);

OE_EXTERNC_END

#endif
