/*
 * Registering functions for the end of the enclave: the runtime keeps the one list, so that oe_atexit
 * and atexit run in one order. Replaces musl's own list.
 */
#include <stdlib.h>

#include "libc/inside_runtime.h"

int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);
void __cxa_finalize(void *dso);

int atexit(void (*fn)(void))
{
    return oe_atexit(fn);
}

int __cxa_atexit(void (*fn)(void *), void *arg, void *dso)
{
    (void)dso;
    return cm_atexit_arg(fn, arg);
}

/* nothing is ever unloaded from an enclave */
void __cxa_finalize(void *dso)
{
    (void)dso;
}
