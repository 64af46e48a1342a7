/* The host's file below a protected one: calls of hostfs, which has checked what the host answers. */
#include <errno.h>

#include "pfs/pfs_mount.h"

static long under_read(void *ctx, void *buf, size_t n, uint64_t at)
{
    struct cm_file *host = ctx;
    uint8_t *bytes = buf;
    size_t done = 0;

    while (done < n) {
        long r = host->ops->pread(host, bytes + done, n - done, (off_t)(at + done));

        if (r < 0) {
            return r;
        }
        if (r == 0) {
            return -EBADMSG; /* the file was longer */
        }
        done += (size_t)r;
    }
    return 0;
}

static long under_write(void *ctx, const void *buf, size_t n, uint64_t at)
{
    struct cm_file *host = ctx;
    const uint8_t *bytes = buf;
    size_t done = 0;

    while (done < n) {
        long r = host->ops->pwrite(host, bytes + done, n - done, (off_t)(at + done));

        if (r <= 0) {
            return r == 0 ? -EIO : r;
        }
        done += (size_t)r;
    }
    return 0;
}

static long under_resize(void *ctx, uint64_t len)
{
    struct cm_file *host = ctx;

    return host->ops->truncate(host, (off_t)len);
}

static long under_sync(void *ctx)
{
    struct cm_file *host = ctx;

    return host->ops->sync(host, true);
}

static long under_length(void *ctx, uint64_t *len)
{
    struct cm_file *host = ctx;
    struct stat s;
    long r = host->ops->stat(host, &s);

    if (r == 0) {
        *len = (uint64_t)s.st_size;
    }
    return r;
}

const struct cm_pfs_under cm_pfs_host_file = {under_read, under_write, under_resize, under_sync,
                                              under_length};
