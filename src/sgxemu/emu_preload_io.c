/*
 * Reading, writing and streams for the preloaded library. The driver has no method for any of
 * these calls, so they fail on a device, with the kernel's errno; underneath is a memory file, on
 * which they would succeed and read or change the enclave's pages.
 */
/* the checked variants are inline functions of the same names, which could not be defined here */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sgxemu/emu_front.h"
#include "sgxemu/emu_preload.h"

/* the C library's headers give parameters reserved names; ours come as lists in parentheses */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,bugprone-macro-parentheses) */

/* ------------------------------------------------------------------ calls without a method */

enum way {
    WAY_READ,  /* needs a descriptor that is open for reading */
    WAY_WRITE, /* ... for writing */
    WAY_ANY,
};

/* -1 and errno: EBADF when it is not open for that, or what the kernel says without a method */
static int refused(int fd, enum way way, int err)
{
    long mode = syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE;
    bool open = way == WAY_ANY || mode == O_RDWR || mode == (way == WAY_READ ? O_RDONLY : O_WRONLY);

    errno = open ? err : EBADF;
    return -1;
}

#define DEFINE_IO(type, name, way, err, fd, params, args) \
    EMU_PUBLIC type name params                           \
    {                                                     \
        static type(*next) params;                        \
                                                          \
        if (cm_emu_fd_is_device(fd)) {                    \
            return refused(fd, way, err);                 \
        }                                                 \
        EMU_NEXT(next, #name);                            \
        return next args;                                 \
    }

/* what old programs and _FORTIFY_SOURCE call */
ssize_t __read(int fd, void *p, size_t n);
ssize_t __write(int fd, const void *p, size_t n);
ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __pread64(int fd, void *p, size_t n, off64_t at);
ssize_t __pwrite64(int fd, const void *p, size_t n, off64_t at);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room);
off_t __lseek(int fd, off_t at, int from);

DEFINE_IO(ssize_t, read, WAY_READ, EINVAL, fd, (int fd, void *p, size_t n), (fd, p, n))
DEFINE_IO(ssize_t, __read, WAY_READ, EINVAL, fd, (int fd, void *p, size_t n), (fd, p, n))
DEFINE_IO(ssize_t, __read_chk, WAY_READ, EINVAL, fd, (int fd, void *p, size_t n, size_t room),
          (fd, p, n, room))
DEFINE_IO(ssize_t, write, WAY_WRITE, EINVAL, fd, (int fd, const void *p, size_t n), (fd, p, n))
DEFINE_IO(ssize_t, __write, WAY_WRITE, EINVAL, fd, (int fd, const void *p, size_t n), (fd, p, n))

#define PREAD_PARAMS  (int fd, void *p, size_t n, off_t at)
#define PWRITE_PARAMS (int fd, const void *p, size_t n, off_t at)
DEFINE_IO(ssize_t, pread, WAY_READ, EINVAL, fd, PREAD_PARAMS, (fd, p, n, at))
DEFINE_IO(ssize_t, pread64, WAY_READ, EINVAL, fd, PREAD_PARAMS, (fd, p, n, at))
DEFINE_IO(ssize_t, __pread64, WAY_READ, EINVAL, fd, PREAD_PARAMS, (fd, p, n, at))
DEFINE_IO(ssize_t, __pread_chk, WAY_READ, EINVAL, fd,
          (int fd, void *p, size_t n, off_t at, size_t room), (fd, p, n, at, room))
DEFINE_IO(ssize_t, __pread64_chk, WAY_READ, EINVAL, fd,
          (int fd, void *p, size_t n, off64_t at, size_t room), (fd, p, n, at, room))
DEFINE_IO(ssize_t, pwrite, WAY_WRITE, EINVAL, fd, PWRITE_PARAMS, (fd, p, n, at))
DEFINE_IO(ssize_t, pwrite64, WAY_WRITE, EINVAL, fd, PWRITE_PARAMS, (fd, p, n, at))
DEFINE_IO(ssize_t, __pwrite64, WAY_WRITE, EINVAL, fd, PWRITE_PARAMS, (fd, p, n, at))

#define VECTOR_PARAMS    (int fd, const struct iovec *v, int n)
#define VECTOR_AT_PARAMS (int fd, const struct iovec *v, int n, off_t at)
#define VECTOR_2_PARAMS  (int fd, const struct iovec *v, int n, off_t at, int flags)
DEFINE_IO(ssize_t, readv, WAY_READ, EINVAL, fd, VECTOR_PARAMS, (fd, v, n))
DEFINE_IO(ssize_t, writev, WAY_WRITE, EINVAL, fd, VECTOR_PARAMS, (fd, v, n))
DEFINE_IO(ssize_t, preadv, WAY_READ, EINVAL, fd, VECTOR_AT_PARAMS, (fd, v, n, at))
DEFINE_IO(ssize_t, preadv64, WAY_READ, EINVAL, fd, VECTOR_AT_PARAMS, (fd, v, n, at))
DEFINE_IO(ssize_t, pwritev, WAY_WRITE, EINVAL, fd, VECTOR_AT_PARAMS, (fd, v, n, at))
DEFINE_IO(ssize_t, pwritev64, WAY_WRITE, EINVAL, fd, VECTOR_AT_PARAMS, (fd, v, n, at))
DEFINE_IO(ssize_t, preadv2, WAY_READ, EINVAL, fd, VECTOR_2_PARAMS, (fd, v, n, at, flags))
DEFINE_IO(ssize_t, preadv64v2, WAY_READ, EINVAL, fd, VECTOR_2_PARAMS, (fd, v, n, at, flags))
DEFINE_IO(ssize_t, pwritev2, WAY_WRITE, EINVAL, fd, VECTOR_2_PARAMS, (fd, v, n, at, flags))
DEFINE_IO(ssize_t, pwritev64v2, WAY_WRITE, EINVAL, fd, VECTOR_2_PARAMS, (fd, v, n, at, flags))

DEFINE_IO(off_t, lseek, WAY_ANY, ESPIPE, fd, (int fd, off_t at, int from), (fd, at, from))
DEFINE_IO(off64_t, lseek64, WAY_ANY, ESPIPE, fd, (int fd, off64_t at, int from), (fd, at, from))
DEFINE_IO(off_t, __lseek, WAY_ANY, ESPIPE, fd, (int fd, off_t at, int from), (fd, at, from))
DEFINE_IO(int, ftruncate, WAY_ANY, EINVAL, fd, (int fd, off_t len), (fd, len))
DEFINE_IO(int, ftruncate64, WAY_ANY, EINVAL, fd, (int fd, off64_t len), (fd, len))
DEFINE_IO(int, fallocate, WAY_WRITE, ENODEV, fd, (int fd, int mode, off_t at, off_t len),
          (fd, mode, at, len))
DEFINE_IO(int, fallocate64, WAY_WRITE, ENODEV, fd, (int fd, int mode, off64_t at, off64_t len),
          (fd, mode, at, len))
DEFINE_IO(int, fsync, WAY_ANY, EINVAL, fd, (int fd), (fd))
DEFINE_IO(int, fdatasync, WAY_ANY, EINVAL, fd, (int fd), (fd))

/* from a device or to one; whichever it is, there is no method for it */
#define DEFINE_TRANSFER(name, params, args)                         \
    EMU_PUBLIC ssize_t name params                                  \
    {                                                               \
        static ssize_t(*next) params;                               \
                                                                    \
        if (cm_emu_fd_is_device(from) || cm_emu_fd_is_device(to)) { \
            errno = EINVAL;                                         \
            return -1;                                              \
        }                                                           \
        EMU_NEXT(next, #name);                                      \
        return next args;                                           \
    }
DEFINE_TRANSFER(sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n))
DEFINE_TRANSFER(sendfile64, (int to, int from, off64_t *at, size_t n), (to, from, at, n))
DEFINE_TRANSFER(copy_file_range,
                (int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags),
                (from, from_at, to, to_at, n, flags))
DEFINE_TRANSFER(splice,
                (int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags),
                (from, from_at, to, to_at, n, flags))

/* these two return the error */
#define DEFINE_POSIX_FALLOCATE(name)                 \
    EMU_PUBLIC int name(int fd, off_t at, off_t len) \
    {                                                \
        static int (*next)(int, off_t, off_t);       \
                                                     \
        if (cm_emu_fd_is_device(fd)) {               \
            (void)refused(fd, WAY_WRITE, ENODEV);    \
            return errno;                            \
        }                                            \
        EMU_NEXT(next, #name);                       \
        return next(fd, at, len);                    \
    }
DEFINE_POSIX_FALLOCATE(posix_fallocate)
DEFINE_POSIX_FALLOCATE(posix_fallocate64)

/* ------------------------------------------------------------------ streams */

/*
 * A stream on a device: the C library opens what our own descriptor leads to, so that it reads the
 * mode as for any file.
 */
static FILE *stream(FILE *(*open_it)(const char *path, const char *mode, FILE *f), int kind,
                    const char *mode, FILE *f)
{
    int fd = cm_emu_device_open(kind, O_RDWR | O_CLOEXEC);
    char path[64];
    int err = 0;

    if (fd < 0) {
        return NULL;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    f = open_it(path, mode, f);
    err = errno;
    if (f != NULL) {
        cm_emu_fd_dup(fd, fileno(f));
    }
    (void)cm_emu_close(fd);
    errno = err;
    return f;
}

static FILE *next_fopen(const char *path, const char *mode, FILE *f)
{
    static FILE *(*next)(const char *, const char *);

    (void)f;
    EMU_NEXT(next, "fopen64");
    return next(path, mode);
}

static FILE *next_freopen(const char *path, const char *mode, FILE *f)
{
    static FILE *(*next)(const char *, const char *, FILE *);
    int fd = f != NULL ? fileno(f) : -1;

    EMU_NEXT(next, "freopen64");
    f = next(path, mode, f);
    if (fd >= 0 && cm_emu_fd_noted(fd)) {
        cm_emu_fds_gone((unsigned)fd, (unsigned)fd);
    }
    return f;
}

#define DEFINE_FOPEN(name)                                    \
    EMU_PUBLIC FILE *name(const char *path, const char *mode) \
    {                                                         \
        int kind = cm_emu_device_of(path);                    \
                                                              \
        if (kind != CM_EMU_DEV_NONE) {                        \
            return stream(next_fopen, kind, mode, NULL);      \
        }                                                     \
        return next_fopen(path, mode, NULL);                  \
    }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

#define DEFINE_FREOPEN(name)                                           \
    EMU_PUBLIC FILE *name(const char *path, const char *mode, FILE *f) \
    {                                                                  \
        int kind = cm_emu_device_of(path);                             \
                                                                       \
        if (kind != CM_EMU_DEV_NONE) {                                 \
            return stream(next_freopen, kind, mode, f);                \
        }                                                              \
        return next_freopen(path, mode, f);                            \
    }
DEFINE_FREOPEN(freopen)
DEFINE_FREOPEN(freopen64)

EMU_PUBLIC int fclose(FILE *f)
{
    static int (*next)(FILE *);
    int before = errno;
    int fd = fileno(f); /* -1 and an errno when the stream has none */
    int ret = 0;

    errno = before;
    EMU_NEXT(next, "fclose");
    ret = next(f);
    if (cm_emu_fd_noted(fd)) {
        cm_emu_fds_gone((unsigned)fd, (unsigned)fd);
    }
    return ret;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name,bugprone-macro-parentheses) */
