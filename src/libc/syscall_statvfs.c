/*
 * Calls on mounted file systems and on modes that std::filesystem needs beside syscall_file.c; like all
 * of them they end in cm_syscall(). What the host answers is for the module that serves files to check.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "libc/syscall_inside.h"

int fchmodat(int dir, const char *path, mode_t mode, int flags)
{
    if (flags != 0) {
        errno = (flags & ~AT_SYMLINK_NOFOLLOW) != 0 ? EINVAL : EOPNOTSUPP;
        return -1;
    }
    return (int)CM_SYS(SYS_fchmodat, dir, CM_P(path), (long)mode);
}

static int convert(long result, const struct statfs *from, struct statvfs *to)
{
    if (result < 0) {
        return -1;
    }
    memset(to, 0, sizeof(*to));
    to->f_bsize = from->f_bsize;
    to->f_frsize = from->f_frsize != 0 ? from->f_frsize : from->f_bsize;
    to->f_blocks = from->f_blocks;
    to->f_bfree = from->f_bfree;
    to->f_bavail = from->f_bavail;
    to->f_files = from->f_files;
    to->f_ffree = from->f_ffree;
    to->f_favail = from->f_ffree;
    to->f_fsid = (unsigned long)from->f_fsid.__val[0];
    to->f_namemax = from->f_namelen;
    to->f_flag = from->f_flags;
    return 0;
}

int statfs(const char *path, struct statfs *out)
{
    return (int)CM_SYS(SYS_statfs, CM_P(path), CM_P(out));
}

int fstatfs(int fd, struct statfs *out)
{
    return (int)CM_SYS(SYS_fstatfs, fd, CM_P(out));
}

int statvfs(const char *restrict path, struct statvfs *restrict out)
{
    struct statfs s = {0};

    return convert(CM_SYS(SYS_statfs, CM_P(path), CM_P(&s)), &s, out);
}

int fstatvfs(int fd, struct statvfs *out)
{
    struct statfs s = {0};

    return convert(CM_SYS(SYS_fstatfs, fd, CM_P(&s)), &s, out);
}
