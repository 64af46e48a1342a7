/*
 * What a debugger hangs on to: it sets a breakpoint on the function and learns from its arguments
 * where an enclave's symbols belong (deploy/debugger/casemate_gdb.py). Only debuggable enclaves are
 * announced.
 */
#ifndef CM_HOST_DEBUGGER_H
#define CM_HOST_DEBUGGER_H

#include <stdint.h>

/**
 * @param path   the image that was loaded
 * @param image  address of the image's address 0
 * @param base   the enclave's address space
 * @param size   of it
 */
void cm_debugger_enclave_created(const char *path, uint64_t image, uint64_t base, uint64_t size);

#endif
