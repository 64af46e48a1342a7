/* Calls of the enclave on a host that lies; see syscall_probe.c. */
#ifndef CM_TESTS_SYSCALL_PROBE_H
#define CM_TESTS_SYSCALL_PROBE_H

#include <stdint.h>

/* What the call gave; errno says why it failed. */
int64_t probe_do(const char *name, int64_t arg);

#endif
