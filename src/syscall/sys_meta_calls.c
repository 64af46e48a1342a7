/*
 * System calls about files rather than on what is in them: links, modes, owners, times, space, and
 * statx, which is stat in another form.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "syscall/sys_core.h"
#include "syscall/sys_mounts.h"
#include "syscall/sys_place.h"

static long do_readlink(long dir, long path, long text, long size)
{
    struct cm_place p;
    long r;

    if (size <= 0) {
        return -EINVAL;
    }
    if (text == 0) {
        return -EFAULT;
    }
    r = cm_place_find(dir, path, &p);
    if (r == 0) {
        r = p.mount->kind->readlink == NULL
                ? -EINVAL
                : p.mount->kind->readlink(p.mount->fs, p.rest, cm_sys_ptr(text), (size_t)size);
        cm_place_leave(&p);
    }
    return r;
}

static long do_symlink(long target, long dir, long path)
{
    const char *text = cm_sys_ptr(target);
    struct cm_place p;
    long r;

    if (text == NULL) {
        return -EFAULT;
    }
    if (text[0] == '\0' || strnlen(text, CM_PATH_MAX) == CM_PATH_MAX) {
        return text[0] == '\0' ? -ENOENT : -ENAMETOOLONG;
    }
    r = cm_place_to_change(dir, path, &p);
    if (r == 0) {
        r = strcmp(p.rest, "/") == 0         ? -EEXIST
            : p.mount->kind->symlink == NULL ? -EPERM
                                             : p.mount->kind->symlink(p.mount->fs, text, p.rest);
        cm_place_leave(&p);
    }
    return r;
}

static long change_file(long fd, const struct cm_change *change)
{
    struct cm_file *f = cm_fd_get(fd);
    long r = f == NULL || (f->flags & O_PATH) != 0 ? -EBADF : 0;

    if (r == 0) {
        r = f->home != NULL && f->home->readonly ? -EROFS
            : f->ops->change == NULL             ? -EINVAL
                                                 : f->ops->change(f, change);
    }
    (void)cm_file_put(f);
    return r;
}

static long change_path(long dir, long path, const struct cm_change *change)
{
    struct cm_place p;
    long r = cm_place_to_change(dir, path, &p);

    if (r == 0) {
        r = p.mount->kind->change == NULL ? -EPERM
                                          : p.mount->kind->change(p.mount->fs, p.rest, change);
        cm_place_leave(&p);
    }
    return r;
}

static struct cm_change to_mode(long mode)
{
    return (struct cm_change){.what = CM_CHANGE_MODE, .follow = true, .mode = (mode_t)mode & 07777};
}

static struct cm_change to_owner(long owner, long group, bool follow)
{
    return (struct cm_change){
        .what = CM_CHANGE_OWNER, .follow = follow, .owner = (uid_t)owner, .group = (gid_t)group};
}

static long do_fchmodat(long dir, long path, long mode)
{
    const struct cm_change change = to_mode(mode);

    return change_path(dir, path, &change);
}

/* An empty path stands for the descriptor itself, where a flag says so. */
static long do_fchownat(const long a[6])
{
    const char *text = cm_sys_ptr(a[1]);
    const struct cm_change change = to_owner(a[2], a[3], (a[4] & AT_SYMLINK_NOFOLLOW) == 0);

    if ((a[4] & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) {
        return -EINVAL;
    }
    if ((a[4] & AT_EMPTY_PATH) != 0 && text != NULL && text[0] == '\0' && a[0] != AT_FDCWD) {
        return change_file(a[0], &change);
    }
    return change_path(a[0], a[1], &change);
}

static bool is_time(const struct timespec *t)
{
    return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
           (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

static long do_utimensat(const long a[6])
{
    static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    const struct timespec *times = a[2] == 0 ? now : cm_sys_ptr(a[2]);
    struct cm_change change = {.what = CM_CHANGE_TIMES};

    if ((a[3] & ~(long)AT_SYMLINK_NOFOLLOW) != 0) {
        return -EINVAL;
    }
    change.follow = (a[3] & AT_SYMLINK_NOFOLLOW) == 0;
    for (unsigned i = 0; i < 2; i++) {
        change.times[i] = times[i];
        if (!is_time(&change.times[i])) {
            return -EINVAL;
        }
    }
    return a[1] == 0 ? change_file(a[0], &change) : change_path(a[0], a[1], &change);
}

static long do_statfs(long path, long out)
{
    struct cm_place p;
    long r = out == 0 ? -EFAULT : cm_place_find(AT_FDCWD, path, &p);

    if (r == 0) {
        r = p.mount->kind->statfs == NULL
                ? -ENOSYS
                : p.mount->kind->statfs(p.mount->fs, p.rest, cm_sys_ptr(out));
        cm_place_leave(&p);
    }
    return r;
}

/* The file system that the file is on. */
static long do_fstatfs(long fd, long out)
{
    struct cm_file *f = cm_fd_get(fd);
    long r = f == NULL ? -EBADF : out == 0 ? -EFAULT : 0;

    if (r == 0) {
        r = f->home == NULL || f->home->kind->statfs == NULL
                ? -ENOSYS
                : f->home->kind->statfs(f->home->fs, "/", cm_sys_ptr(out));
    }
    (void)cm_file_put(f);
    return r;
}

/* The kernel's struct statx: 256 bytes. */
struct statx_time {
    int64_t sec;
    uint32_t nsec;
    int32_t spare;
};

struct statx_out {
    uint32_t mask;
    uint32_t blksize;
    uint64_t attributes;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint16_t mode;
    uint16_t spare_mode;
    uint64_t ino;
    uint64_t size;
    uint64_t blocks;
    uint64_t attributes_mask;
    struct statx_time atime;
    struct statx_time btime;
    struct statx_time ctime;
    struct statx_time mtime;
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint32_t dev_major;
    uint32_t dev_minor;
    uint64_t spare[14];
};
_Static_assert(sizeof(struct statx_out) == 256, "as the kernel has it");

static struct statx_time time_of(const struct timespec *t)
{
    return (struct statx_time){.sec = t->tv_sec, .nsec = (uint32_t)t->tv_nsec, .spare = 0};
}

static long do_statx(const long a[6])
{
    enum { SYNC = 0x6000, BASIC = 0x7ff, RESERVED = (int)0x80000000u };
    struct statx_out *out = cm_sys_ptr(a[4]);
    struct stat s;
    long r;

    if (out == NULL) {
        return -EFAULT;
    }
    if ((a[2] & SYNC) == SYNC || (a[3] & RESERVED) != 0) {
        return -EINVAL;
    }
    r = cm_sys_stat_at(a[0], a[1], &s, a[2] & ~(long)SYNC);
    if (r != 0) {
        return r;
    }
    memset(out, 0, sizeof(*out));
    out->mask = BASIC; /* whatever was asked for, this is there */
    out->blksize = (uint32_t)s.st_blksize;
    out->nlink = (uint32_t)s.st_nlink;
    out->uid = s.st_uid;
    out->gid = s.st_gid;
    out->mode = (uint16_t)s.st_mode;
    out->ino = s.st_ino;
    out->size = (uint64_t)s.st_size;
    out->blocks = (uint64_t)s.st_blocks;
    out->atime = time_of(&s.st_atim);
    out->ctime = time_of(&s.st_ctim);
    out->mtime = time_of(&s.st_mtim);
    out->rdev_major = major(s.st_rdev);
    out->rdev_minor = minor(s.st_rdev);
    out->dev_major = major(s.st_dev);
    out->dev_minor = minor(s.st_dev);
    return 0;
}

/* Owners, by path or by descriptor. */
static long owner_call(long number, const long a[6])
{
    const struct cm_change change = to_owner(a[1], a[2], number != SYS_lchown);

    return number == SYS_fchown ? change_file(a[0], &change) : change_path(AT_FDCWD, a[0], &change);
}

long cm_sys_meta_call(long number, const long a[6])
{
    const struct cm_change mode = to_mode(a[1]);

    switch (number) {
    case SYS_readlink:
        return do_readlink(AT_FDCWD, a[0], a[1], a[2]);
    case SYS_readlinkat:
        return do_readlink(a[0], a[1], a[2], a[3]);
    case SYS_symlink:
        return do_symlink(a[0], AT_FDCWD, a[1]);
    case SYS_symlinkat:
        return do_symlink(a[0], a[1], a[2]);
    case SYS_chmod:
        return do_fchmodat(AT_FDCWD, a[0], a[1]);
    case SYS_fchmod:
        return change_file(a[0], &mode);
    case SYS_fchmodat:
        return do_fchmodat(a[0], a[1], a[2]);
    case SYS_chown:
    case SYS_lchown:
    case SYS_fchown:
        return owner_call(number, a);
    case SYS_fchownat:
        return do_fchownat(a);
    case SYS_utimensat:
        return do_utimensat(a);
    case SYS_statfs:
        return do_statfs(a[0], a[1]);
    case SYS_fstatfs:
        return do_fstatfs(a[0], a[1]);
    case SYS_statx:
        return do_statx(a);
    default:
        return -ENOSYS;
    }
}
