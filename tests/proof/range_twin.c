/* The negative twin: the check that SGX runtimes really shipped, wrong because p + n wraps. The
 * proof of the same contract must fail on it, or the proof of range.c says nothing. */
#include "enclave/range.h"

bool cm_range_within(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n)
{
    return p != 0 && p >= base && p + n <= base + size;
}

bool cm_range_outside(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n)
{
    return p != 0 && (p + n <= base || p >= base + size);
}
