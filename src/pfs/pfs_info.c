/* See pfs_info.h. */
#include "pfs/pfs_info.h"

#include <string.h>

#include "arch/sgx.h"

_Static_assert(sizeof(struct sgx_keyrequest) == CM_PFS_INFO, "an info is a KEYREQUEST");

bool cm_pfs_info_lawful(const uint8_t info[CM_PFS_INFO], const uint8_t own[CM_PFS_INFO])
{
    struct sgx_keyrequest asked;
    struct sgx_keyrequest present;

    memcpy(&asked, info, sizeof(asked));
    memcpy(&present, own, sizeof(present));
    if (present.keypolicy != 0) {
        asked.isvsvn = present.isvsvn;
        memcpy(asked.cpusvn, present.cpusvn, sizeof(asked.cpusvn));
    }
    return memcmp(&asked, &present, sizeof(asked)) == 0;
}
