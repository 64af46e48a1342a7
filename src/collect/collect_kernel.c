/* The kernel's own interfaces behind the functions of collect.h: configfs-tsm and /dev/nsm. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collect/collect.h"

#define TSM "/sys/kernel/config/tsm/report"

/* ------------------------------------------------------------ configfs-tsm */

static int path_of(char out[128], const char *name, const char *attr)
{
    int n = snprintf(out, 128, "%s/%s%s%s", TSM, name, attr == NULL ? "" : "/",
                     attr == NULL ? "" : attr);

    return n > 0 && n < 128 ? 0 : ENAMETOOLONG;
}

static int tsm_make(void *ctx, const char *name)
{
    char path[128] = "";

    (void)ctx;
    return path_of(path, name, NULL) == 0 && mkdir(path, 0700) == 0 ? 0 : errno;
}

static int tsm_drop(void *ctx, const char *name)
{
    char path[128] = "";

    (void)ctx;
    return path_of(path, name, NULL) == 0 && rmdir(path) == 0 ? 0 : errno;
}

/* One write: configfs takes a value whole. */
static int tsm_put(void *ctx, const char *name, const char *attr, struct cm_span bytes)
{
    char path[128] = "";
    ssize_t n = 0;
    int error = path_of(path, name, attr);
    int fd = error == 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;

    (void)ctx;
    if (error != 0 || fd < 0) {
        return error != 0 ? error : errno;
    }
    n = write(fd, bytes.ptr, bytes.len);
    error = n < 0 ? errno : (size_t)n == bytes.len ? 0 : EIO;
    if (close(fd) != 0 && error == 0) { /* binary attributes are taken when they are closed */
        error = errno;
    }
    return error;
}

static int tsm_get(void *ctx, const char *name, const char *attr, uint8_t *out, size_t cap,
                   size_t *len)
{
    char path[128] = "";
    int error = path_of(path, name, attr);
    int fd = error == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = 1;

    (void)ctx;
    *len = 0;
    if (error != 0 || fd < 0) {
        return error != 0 ? error : errno;
    }
    while (error == 0 && n != 0) {
        uint8_t extra = 0;

        n = *len < cap ? read(fd, out + *len, cap - *len) : read(fd, &extra, 1);
        if (n < 0) {
            error = errno;
        } else if (*len == cap && n != 0) {
            error = EFBIG;
        } else {
            *len += (size_t)n;
        }
    }
    (void)close(fd);
    return error;
}

static void tsm_nap(void *ctx, unsigned ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    (void)ctx;
    (void)nanosleep(&t, NULL);
}

const struct cm_tsm_fs *cm_tsm_kernel(void)
{
    static const struct cm_tsm_fs fs = {NULL, tsm_make, tsm_drop, tsm_put, tsm_get, tsm_nap};

    return &fs;
}

/* -------------------------------------------------------------------- NSM */

/* linux/nsm.h, since 6.8 */
struct nsm_iovec {
    uint64_t addr;
    uint64_t len;
};

struct nsm_raw {
    struct nsm_iovec request;
    struct nsm_iovec response;
};

#define NSM_IOCTL_RAW _IOWR(0x0A, 0x0, struct nsm_raw)

/* NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes to response */
static int nsm_call(void *ctx, struct cm_span request, uint8_t *response, size_t *len)
{
    struct nsm_raw raw = {{(uintptr_t)request.ptr, request.len}, {(uintptr_t)response, *len}};
    int fd = open("/dev/nsm", O_RDWR | O_CLOEXEC);
    int error = 0;

    (void)ctx;
    if (fd < 0) {
        return errno;
    }
    if (ioctl(fd, NSM_IOCTL_RAW, &raw) != 0) {
        error = errno;
    } else if (raw.response.len > *len) {
        error = EMSGSIZE;
    } else {
        *len = (size_t)raw.response.len;
    }
    (void)close(fd);
    return error;
}

const struct cm_nsm *cm_nsm_kernel(void)
{
    static const struct cm_nsm nsm = {NULL, nsm_call};

    return &nsm;
}
