/* Erase secrets so that no compiler drops it, and compare them in constant time. */
#ifndef CM_COMMON_WIPE_H
#define CM_COMMON_WIPE_H

#include <stdbool.h>
#include <stddef.h>

/** Set n bytes at p to zero; survives optimisation. p may be NULL when n is 0. */
void cm_wipe(void *p, size_t n);

/** Whether n bytes are equal, in time that depends on n only. */
bool cm_ct_equal(const void *a, const void *b, size_t n);

#endif
