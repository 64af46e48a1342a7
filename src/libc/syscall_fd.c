/*
 * Wrappers of the C library for system calls on descriptors and memory. Each only arranges its
 * arguments; who serves the call is decided in syscall_dispatch.c.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

#undef fallocate64
#undef lseek64
#undef posix_fadvise64
#undef posix_fallocate64
#undef sendfile64

int fallocate64(int fd, int mode, off_t off, off_t len) __attribute__((alias("fallocate")));
int posix_fadvise64(int fd, off_t off, off_t len, int advice)
    __attribute__((alias("posix_fadvise")));
int posix_fallocate64(int fd, off_t off, off_t len) __attribute__((alias("posix_fallocate")));
off_t __lseek(int fd, off_t off, int whence) __attribute__((alias("lseek")));
off_t lseek64(int fd, off_t off, int whence) __attribute__((alias("lseek")));
int __madvise(void *addr, size_t len, int advice) __attribute__((alias("madvise")));
ssize_t sendfile64(int out, int in, off_t *off, size_t count) __attribute__((alias("sendfile")));

int fcntl(int fd, int cmd, ...)
{
    va_list ap;
    long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, long);
    va_end(ap);
    return (int)CM_SYS(SYS_fcntl, fd, cmd, arg);
}

int ioctl(int fd, int request, ...)
{
    va_list ap;
    long arg;

    va_start(ap, request);
    arg = va_arg(ap, long);
    va_end(ap);
    return (int)CM_SYS(SYS_ioctl, fd, request, arg);
}

off_t lseek(int fd, off_t off, int whence)
{
    return CM_SYS(SYS_lseek, fd, off, whence);
}

int isatty(int fd)
{
    (void)fd;
    errno = ENOTTY;
    return 0;
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
    return (int)CM_SYS(SYS_fallocate, fd, mode, off, len);
}

/* these two return the error and leave errno alone */
int posix_fallocate(int fd, off_t off, off_t len)
{
    return (int)-cm_syscall(SYS_fallocate, (const long[6]){fd, 0, off, len});
}

/* Advice to a kernel that is not asked: it has no effect, except to say that a descriptor is none. */
int posix_fadvise(int fd, off_t off, off_t len, int advice)
{
    (void)off;
    if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) {
        return EINVAL;
    }
    return (int)cm_syscall(SYS_fcntl, (const long[6]){fd, F_GETFD}) < 0 ? EBADF : 0;
}

int posix_madvise(void *addr, size_t len, int advice)
{
    (void)addr;
    (void)len;
    return advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED ? EINVAL : 0;
}

int pipe2(int fds[2], int flags)
{
    return (int)CM_SYS(SYS_pipe2, CM_P(fds), flags);
}

int pipe(int fds[2])
{
    return pipe2(fds, 0);
}

int epoll_create1(int flags)
{
    return (int)CM_SYS(SYS_epoll_create1, flags);
}

int epoll_create(int size)
{
    if (size <= 0) {
        errno = EINVAL;
        return -1;
    }
    return epoll_create1(0);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return (int)CM_SYS(SYS_epoll_ctl, epfd, op, fd, CM_P(event));
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *set)
{
    (void)set; /* an enclave blocks no signals */
    return (int)CM_SYS(SYS_epoll_wait, epfd, CM_P(events), max, timeout);
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    return epoll_pwait(epfd, events, max, timeout, NULL);
}

ssize_t sendfile(int out, int in, off_t *off, size_t count)
{
    return CM_SYS(SYS_sendfile, out, in, CM_P(off), (long)count);
}

int madvise(void *addr, size_t len, int advice)
{
    return (int)CM_SYS(SYS_madvise, CM_P(addr), (long)len, advice);
}

int mlock(const void *addr, size_t len)
{
    return (int)CM_SYS(SYS_mlock, CM_P(addr), (long)len);
}

int munlock(const void *addr, size_t len)
{
    return (int)CM_SYS(SYS_munlock, CM_P(addr), (long)len);
}
