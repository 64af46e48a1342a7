/* See sys_iov.h. */
#include "host/sys_iov.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <openenclave/bits/edl/syscall_types.h>

bool cm_iov_open(void *iov_buf, size_t count, size_t size, struct iovec *out)
{
    unsigned char *bytes = iov_buf;
    size_t i;

    if (count > IOV_MAX) {
        errno = EMSGSIZE;
        return false;
    }
    if (count != 0 && (iov_buf == NULL || size / sizeof(oe_iovec) < count)) {
        errno = EINVAL;
        return false;
    }
    for (i = 0; i < count; i++) {
        oe_iovec part;
        size_t offset;

        memcpy(&part, bytes + i * sizeof(part), sizeof(part));
        offset = (size_t)(uintptr_t)part.iov_base;
        if (offset > size || part.iov_len > size - offset) {
            errno = EINVAL;
            return false;
        }
        out[i].iov_base = bytes + offset;
        out[i].iov_len = part.iov_len;
    }
    return true;
}
