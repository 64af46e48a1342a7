/*
 * Wrappers of the C library for system calls on files and directories. Each only arranges its
 * arguments; who serves the call is decided in syscall_dispatch.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

#undef open64
#undef fstatat64
#undef readdir64
#undef truncate64
#undef ftruncate64
#undef getdents64

const unsigned char *__map_file(const char *path, size_t *size);
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int fstatat64(int dir, const char *restrict path, struct stat *restrict st, int flags)
    __attribute__((alias("fstatat")));
struct dirent *readdir64(DIR *dir) __attribute__((alias("readdir")));
int truncate64(const char *path, off_t len) __attribute__((alias("truncate")));
int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));
int getdents64(int fd, struct dirent *buf, size_t len) __attribute__((alias("getdents")));

/* musl loads time zones and message catalogues with it; an enclave has none, so UTC and C it is */
const unsigned char *__map_file(const char *path, size_t *size)
{
    (void)path;
    (void)size;
    return NULL;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
        va_list ap;

        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    return (int)CM_SYS(SYS_open, CM_P(path), flags, (long)mode);
}

int access(const char *path, int mode)
{
    return (int)CM_SYS(SYS_access, CM_P(path), mode);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
    if (flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)CM_SYS(SYS_faccessat, dir, CM_P(path), mode);
}

int chmod(const char *path, mode_t mode)
{
    return (int)CM_SYS(SYS_chmod, CM_P(path), (long)mode);
}

int fchmod(int fd, mode_t mode)
{
    return (int)CM_SYS(SYS_fchmod, fd, (long)mode);
}

int chown(const char *path, uid_t owner, gid_t group)
{
    return (int)CM_SYS(SYS_chown, CM_P(path), (long)owner, (long)group);
}

int lchown(const char *path, uid_t owner, gid_t group)
{
    return (int)CM_SYS(SYS_lchown, CM_P(path), (long)owner, (long)group);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    return (int)CM_SYS(SYS_fchown, fd, (long)owner, (long)group);
}

int fchownat(int dir, const char *path, uid_t owner, gid_t group, int flags)
{
    return (int)CM_SYS(SYS_fchownat, dir, CM_P(path), (long)owner, (long)group, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return (int)CM_SYS(SYS_mkdir, CM_P(path), (long)mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    return (int)CM_SYS(SYS_mkdirat, dir, CM_P(path), (long)mode);
}

int rmdir(const char *path)
{
    return (int)CM_SYS(SYS_rmdir, CM_P(path));
}

int unlink(const char *path)
{
    return (int)CM_SYS(SYS_unlink, CM_P(path));
}

int unlinkat(int dir, const char *path, int flags)
{
    return (int)CM_SYS(SYS_unlinkat, dir, CM_P(path), flags);
}

int remove(const char *path)
{
    int r = unlink(path);

    return r != 0 && errno == EISDIR ? rmdir(path) : r;
}

int rename(const char *from, const char *to)
{
    return (int)CM_SYS(SYS_rename, CM_P(from), CM_P(to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return (int)CM_SYS(SYS_renameat, from_dir, CM_P(from), to_dir, CM_P(to));
}

int link(const char *from, const char *to)
{
    return (int)CM_SYS(SYS_link, CM_P(from), CM_P(to));
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return (int)CM_SYS(SYS_linkat, from_dir, CM_P(from), to_dir, CM_P(to), flags);
}

ssize_t readlink(const char *restrict path, char *restrict buf, size_t size)
{
    return CM_SYS(SYS_readlink, CM_P(path), CM_P(buf), (long)size);
}

ssize_t readlinkat(int dir, const char *restrict path, char *restrict buf, size_t size)
{
    return CM_SYS(SYS_readlinkat, dir, CM_P(path), CM_P(buf), (long)size);
}

int symlink(const char *target, const char *path)
{
    return (int)CM_SYS(SYS_symlink, CM_P(target), CM_P(path));
}

int symlinkat(const char *target, int dir, const char *path)
{
    return (int)CM_SYS(SYS_symlinkat, CM_P(target), dir, CM_P(path));
}

int truncate(const char *path, off_t len)
{
    return (int)CM_SYS(SYS_truncate, CM_P(path), len);
}

int ftruncate(int fd, off_t len)
{
    return (int)CM_SYS(SYS_ftruncate, fd, len);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
    return (int)CM_SYS(SYS_newfstatat, dir, CM_P(path), CM_P(st), flags);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
    return (int)CM_SYS(SYS_utimensat, dir, CM_P(path), CM_P(times), flags);
}

int flock(int fd, int op)
{
    return (int)CM_SYS(SYS_flock, fd, op);
}

int chdir(const char *path)
{
    return (int)CM_SYS(SYS_chdir, CM_P(path));
}

int fchdir(int fd)
{
    return (int)CM_SYS(SYS_fchdir, fd);
}

char *getcwd(char *buf, size_t size)
{
    char own[4096];
    char *to = buf == NULL ? own : buf;
    long n = CM_SYS(SYS_getcwd, CM_P(to), (long)(buf == NULL ? sizeof(own) : size));

    if (n < 0) {
        return NULL;
    }
    return buf == NULL ? strdup(own) : buf;
}

mode_t umask(mode_t mode)
{
    (void)mode; /* the enclave's files have the modes that their file system gives them */
    return 022;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data)
{
    return (int)CM_SYS(SYS_mount, CM_P(source), CM_P(target), CM_P(type), (long)flags, CM_P(data));
}

int umount2(const char *target, int flags)
{
    return (int)CM_SYS(SYS_umount2, CM_P(target), flags);
}

int umount(const char *target)
{
    return umount2(target, 0);
}

/* musl's struct __dirstream: closedir, fdopendir, seekdir and telldir are musl's own */
struct dirstream {
    off_t tell;
    int fd;
    int buf_pos;
    int buf_end;
    volatile int lock[1];
    char buf[2048];
};

DIR *opendir(const char *path)
{
    struct dirstream *d;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return NULL;
    }
    d = calloc(1, sizeof(*d));
    if (d == NULL) {
        (void)close(fd);
        return NULL;
    }
    d->fd = fd;
    return (DIR *)(void *)d;
}

int getdents(int fd, struct dirent *buf, size_t len)
{
    return (int)CM_SYS(SYS_getdents64, fd, CM_P(buf), (long)len);
}

struct dirent *readdir(DIR *dir)
{
    struct dirstream *d = (struct dirstream *)(void *)dir;
    struct dirent *entry;

    if (d->buf_pos >= d->buf_end) {
        int n = getdents(d->fd, (struct dirent *)(void *)d->buf, sizeof(d->buf));

        if (n <= 0) {
            return NULL;
        }
        d->buf_end = n;
        d->buf_pos = 0;
    }
    entry = (struct dirent *)(void *)(d->buf + d->buf_pos);
    d->buf_pos += entry->d_reclen;
    d->tell = entry->d_off;
    return entry;
}
