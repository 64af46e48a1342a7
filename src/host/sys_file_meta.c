/*
 * The host's side of casemate/edl/files.edl: links, modes, owners, times and space of this process's
 * files. A host that wants less than all of them reached defines the functions itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "cm_syscall_u.h"
#include "host/sys_ocalls.h"

CM_REPLACEABLE ssize_t cm_syscall_readlink_ocall(const char *pathname, char *text, size_t size)
{
    return readlink(pathname, text, size);
}

CM_REPLACEABLE int cm_syscall_symlink_ocall(const char *target, const char *pathname)
{
    return symlink(target, pathname);
}

CM_REPLACEABLE int cm_syscall_chmod_ocall(const char *pathname, oe_mode_t mode)
{
    return chmod(pathname, (mode_t)mode);
}

CM_REPLACEABLE int cm_syscall_fchmod_ocall(oe_host_fd_t fd, oe_mode_t mode)
{
    return fchmod((int)fd, (mode_t)mode);
}

CM_REPLACEABLE int cm_syscall_chown_ocall(const char *pathname, oe_uid_t owner, oe_gid_t group,
                                          int follow)
{
    return fchownat(AT_FDCWD, pathname, owner, group, follow != 0 ? 0 : AT_SYMLINK_NOFOLLOW);
}

CM_REPLACEABLE int cm_syscall_fchown_ocall(oe_host_fd_t fd, oe_uid_t owner, oe_gid_t group)
{
    return fchown((int)fd, owner, group);
}

/* Both times as Linux has them; false: there are none. */
static bool times_of(const oe_timespec *from, struct timespec to[2])
{
    if (from == NULL) {
        errno = EFAULT;
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        to[i] = (struct timespec){.tv_sec = from[i].tv_sec, .tv_nsec = from[i].tv_nsec};
    }
    return true;
}

CM_REPLACEABLE int cm_syscall_utimens_ocall(const char *pathname, const oe_timespec *times,
                                            int follow)
{
    struct timespec t[2];

    return times_of(times, t)
               ? utimensat(AT_FDCWD, pathname, t, follow != 0 ? 0 : AT_SYMLINK_NOFOLLOW)
               : -1;
}

CM_REPLACEABLE int cm_syscall_futimens_ocall(oe_host_fd_t fd, const oe_timespec *times)
{
    struct timespec t[2];

    return times_of(times, t) ? futimens((int)fd, t) : -1;
}

CM_REPLACEABLE int cm_syscall_statfs_ocall(const char *pathname, uint64_t *numbers)
{
    struct statfs s;

    if (numbers == NULL) {
        errno = EFAULT;
        return -1;
    }
    if (statfs(pathname, &s) != 0) {
        return -1;
    }
    numbers[0] = (uint64_t)s.f_type;
    numbers[1] = (uint64_t)s.f_bsize;
    numbers[2] = s.f_blocks;
    numbers[3] = s.f_bfree;
    numbers[4] = s.f_bavail;
    numbers[5] = s.f_files;
    numbers[6] = s.f_ffree;
    numbers[7] = (uint64_t)s.f_namelen;
    return 0;
}
