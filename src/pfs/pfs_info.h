/* Whether a header may name the key that it names; the same code inside and in tests. */
#ifndef CM_PFS_PFS_INFO_H
#define CM_PFS_PFS_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "pfs/pfs_format.h"

/**
 * The request is the enclave's own, but for the versions of processor and enclave, which may be older.
 * With another mask of attributes, an enclave in debug mode, which anybody can read, could have made
 * the file. Under a given key both are zeros.
 */
bool cm_pfs_info_lawful(const uint8_t info[CM_PFS_INFO], const uint8_t own[CM_PFS_INFO]);

#endif
