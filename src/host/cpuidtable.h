/* What CPUID says on this machine, for the enclave: it cannot ask itself. UNTRUSTED inside. */
#ifndef CM_HOST_CPUIDTABLE_H
#define CM_HOST_CPUIDTABLE_H

#include <stdint.h>

#include "abi/call.h"

/** The table, read once; static. Thread-safe. */
const struct cm_cpuid_entry *cm_cpuid_table(uint64_t *count);

#endif
