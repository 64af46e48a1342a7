/*
 * The host's side of openenclave/edl/{fcntl,ioctl}.edl: files and directories of this process. The
 * enclave's numbers are used as they are; a host that wants less than all of its files reached
 * defines the functions itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cm_syscall_u.h"
#include "host/sys_iov.h"
#include "host/sys_ocalls.h"

_Static_assert(sizeof(oe_stat_t) == 120 && sizeof(oe_dirent) == 280, "layouts of the ocalls");

CM_REPLACEABLE oe_host_fd_t oe_syscall_open_ocall(const char *pathname, int flags, oe_mode_t mode)
{
    if (pathname == NULL) {
        errno = EFAULT;
        return -1;
    }
    return open(pathname, flags, (mode_t)mode);
}

CM_REPLACEABLE ssize_t oe_syscall_read_ocall(oe_host_fd_t fd, void *buf, size_t count)
{
    return read((int)fd, buf, count);
}

CM_REPLACEABLE ssize_t oe_syscall_write_ocall(oe_host_fd_t fd, const void *buf, size_t count)
{
    return write((int)fd, buf, count);
}

CM_REPLACEABLE ssize_t oe_syscall_readv_ocall(oe_host_fd_t fd, void *iov_buf, int iovcnt,
                                              size_t iov_buf_size)
{
    struct iovec parts[IOV_MAX];

    if (!cm_iov_open(iov_buf, (size_t)iovcnt, iov_buf_size, parts)) {
        return -1;
    }
    return readv((int)fd, parts, iovcnt);
}

CM_REPLACEABLE ssize_t oe_syscall_writev_ocall(oe_host_fd_t fd, const void *iov_buf, int iovcnt,
                                               size_t iov_buf_size)
{
    struct iovec parts[IOV_MAX];
    void *bytes = NULL;

    memcpy(&bytes, &iov_buf, sizeof(bytes)); /* writev only reads, but its type cannot say so */
    if (!cm_iov_open(bytes, (size_t)iovcnt, iov_buf_size, parts)) {
        return -1;
    }
    return writev((int)fd, parts, iovcnt);
}

CM_REPLACEABLE oe_off_t oe_syscall_lseek_ocall(oe_host_fd_t fd, oe_off_t offset, int whence)
{
    return lseek((int)fd, offset, whence);
}

CM_REPLACEABLE ssize_t oe_syscall_pread_ocall(oe_host_fd_t fd, void *buf, size_t count,
                                              oe_off_t offset)
{
    return pread((int)fd, buf, count, offset);
}

CM_REPLACEABLE ssize_t oe_syscall_pwrite_ocall(oe_host_fd_t fd, const void *buf, size_t count,
                                               oe_off_t offset)
{
    return pwrite((int)fd, buf, count, offset);
}

CM_REPLACEABLE int oe_syscall_close_ocall(oe_host_fd_t fd)
{
    return close((int)fd);
}

CM_REPLACEABLE int oe_syscall_flock_ocall(oe_host_fd_t fd, int operation)
{
    return flock((int)fd, operation);
}

CM_REPLACEABLE int oe_syscall_fsync_ocall(oe_host_fd_t fd)
{
    return fsync((int)fd);
}

CM_REPLACEABLE int oe_syscall_fdatasync_ocall(oe_host_fd_t fd)
{
    return fdatasync((int)fd);
}

CM_REPLACEABLE oe_host_fd_t oe_syscall_dup_ocall(oe_host_fd_t oldfd)
{
    return dup((int)oldfd);
}

static DIR *as_dir(uint64_t handle)
{
    return (DIR *)(uintptr_t)handle; /* NOLINT(performance-no-int-to-ptr): the EDL's type */
}

CM_REPLACEABLE uint64_t oe_syscall_opendir_ocall(const char *name)
{
    if (name == NULL) {
        errno = EFAULT;
        return 0;
    }
    return (uint64_t)(uintptr_t)opendir(name);
}

CM_REPLACEABLE int oe_syscall_readdir_ocall(uint64_t dirp, oe_dirent *entry)
{
    struct dirent *found;

    if (dirp == 0 || entry == NULL) {
        errno = EBADF;
        return -1;
    }
    memset(entry, 0, sizeof(*entry));
    errno = 0;
    found = readdir(as_dir(dirp)); /* NOLINT(concurrency-mt-unsafe): one stream, one reader */
    if (found == NULL) {
        return errno == 0 ? 1 : -1;
    }
    entry->d_ino = found->d_ino;
    entry->d_off = found->d_off;
    entry->d_reclen = sizeof(*entry);
    entry->d_type = found->d_type;
    (void)snprintf(entry->d_name, sizeof(entry->d_name), "%s", found->d_name);
    return 0;
}

CM_REPLACEABLE void oe_syscall_rewinddir_ocall(uint64_t dirp)
{
    if (dirp != 0) {
        rewinddir(as_dir(dirp));
    }
}

CM_REPLACEABLE int oe_syscall_closedir_ocall(uint64_t dirp)
{
    if (dirp == 0) {
        errno = EBADF;
        return -1;
    }
    return closedir(as_dir(dirp));
}

static int give_stat(int result, const struct stat *s, oe_stat_t *out)
{
    if (result != 0 || out == NULL) {
        return -1;
    }
    *out = (oe_stat_t){
        .st_dev = s->st_dev,
        .st_ino = s->st_ino,
        .st_nlink = s->st_nlink,
        .st_mode = s->st_mode,
        .st_uid = s->st_uid,
        .st_gid = s->st_gid,
        .st_rdev = s->st_rdev,
        .st_size = s->st_size,
        .st_blksize = s->st_blksize,
        .st_blocks = s->st_blocks,
        .st_atim = {s->st_atim.tv_sec, s->st_atim.tv_nsec},
        .st_mtim = {s->st_mtim.tv_sec, s->st_mtim.tv_nsec},
        .st_ctim = {s->st_ctim.tv_sec, s->st_ctim.tv_nsec},
    };
    return 0;
}

CM_REPLACEABLE int oe_syscall_stat_ocall(const char *pathname, oe_stat_t *buf)
{
    struct stat s;

    if (pathname == NULL) {
        errno = EFAULT;
        return -1;
    }
    return give_stat(stat(pathname, &s), &s, buf);
}

CM_REPLACEABLE int oe_syscall_fstat_ocall(oe_host_fd_t fd, oe_stat_t *buf)
{
    struct stat s;

    return give_stat(fstat((int)fd, &s), &s, buf);
}

CM_REPLACEABLE int oe_syscall_access_ocall(const char *pathname, int mode)
{
    return access(pathname, mode);
}

CM_REPLACEABLE int oe_syscall_link_ocall(const char *oldpath, const char *newpath)
{
    return link(oldpath, newpath);
}

CM_REPLACEABLE int oe_syscall_unlink_ocall(const char *pathname)
{
    return unlink(pathname);
}

CM_REPLACEABLE int oe_syscall_rename_ocall(const char *oldpath, const char *newpath)
{
    return rename(oldpath, newpath);
}

CM_REPLACEABLE int oe_syscall_truncate_ocall(const char *path, oe_off_t length)
{
    return truncate(path, length);
}

CM_REPLACEABLE int oe_syscall_ftruncate_ocall(oe_host_fd_t fd, oe_off_t length)
{
    return ftruncate((int)fd, length);
}

CM_REPLACEABLE int oe_syscall_mkdir_ocall(const char *pathname, oe_mode_t mode)
{
    return mkdir(pathname, (mode_t)mode);
}

CM_REPLACEABLE int oe_syscall_rmdir_ocall(const char *pathname)
{
    return rmdir(pathname);
}

CM_REPLACEABLE int oe_syscall_fcntl_ocall(oe_host_fd_t fd, int cmd, uint64_t arg, uint64_t argsize,
                                          void *argout)
{
    if (cmd == F_GETLK || cmd == F_SETLK || cmd == F_SETLKW) {
        if (argout == NULL || argsize < sizeof(struct flock)) {
            errno = EINVAL;
            return -1;
        }
        return fcntl((int)fd, cmd, argout);
    }
    return fcntl((int)fd, cmd, (long)arg);
}

CM_REPLACEABLE int oe_syscall_ioctl_ocall(oe_host_fd_t fd, uint64_t request, uint64_t arg,
                                          uint64_t argsize, void *argout)
{
    if (argsize != 0 && argout != NULL) {
        return ioctl((int)fd, request, argout);
    }
    return ioctl((int)fd, request, arg);
}
