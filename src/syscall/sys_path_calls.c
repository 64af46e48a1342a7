/* System calls on paths: each finds the file system and asks it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "syscall/sys_core.h"
#include "syscall/sys_mounts.h"
#include "syscall/sys_place.h"

static long do_open(long dir, long path, int flags, mode_t mode)
{
    struct cm_file *f = NULL;
    struct cm_place p;
    long r;

    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0) {
        r = cm_place_to_change(dir, path, &p);
    } else {
        r = cm_place_find(dir, path, &p);
    }
    if (r != 0) {
        return r;
    }
    r = p.mount->kind->open(p.mount->fs, p.rest, flags, mode, &f);
    if (r == 0) {
        cm_mount_use(p.mount);
        f->home = p.mount;
        if (f->ops->list != NULL) {
            f->path = p.path;
            p.path = NULL;
        }
        r = cm_fd_install(f, 0, (flags & O_CLOEXEC) != 0);
        if (r < 0) {
            (void)cm_file_put(f);
        }
    }
    cm_place_leave(&p);
    return r;
}

long cm_sys_stat_at(long dir, long path, struct stat *out, long flags)
{
    const char *text = cm_sys_ptr(path);
    struct cm_place p;
    long r;

    if ((flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) != 0) {
        return -EINVAL;
    }
    if (out == NULL) {
        return -EFAULT;
    }
    if ((flags & AT_EMPTY_PATH) != 0 && text != NULL && text[0] == '\0' && dir != AT_FDCWD) {
        struct cm_file *f = cm_fd_get(dir);

        r = f == NULL ? -EBADF : cm_sys_fstat(f, out);
        (void)cm_file_put(f);
        return r;
    }
    r = cm_place_find(dir, path, &p);
    if (r == 0) {
        r = p.mount->kind->stat(p.mount->fs, p.rest, (flags & AT_SYMLINK_NOFOLLOW) == 0, out);
        cm_place_leave(&p);
    }
    return r;
}

static long do_access(long dir, long path, long mode)
{
    struct cm_place p;
    long r;

    if ((mode & ~(long)(R_OK | W_OK | X_OK)) != 0) {
        return -EINVAL;
    }
    r = cm_place_find(dir, path, &p);
    if (r == 0) {
        r = p.mount->readonly && (mode & W_OK) != 0
                ? -EROFS
                : p.mount->kind->access(p.mount->fs, p.rest, (int)mode);
        cm_place_leave(&p);
    }
    return r;
}

static bool is_mount_point(const struct cm_place *p)
{
    return strcmp(p->rest, "/") == 0;
}

static long do_mkdir(long dir, long path, long mode)
{
    struct cm_place p;
    long r = cm_place_to_change(dir, path, &p);

    if (r == 0) {
        r = is_mount_point(&p) ? -EEXIST
            : p.mount->kind->mkdir == NULL
                ? -EROFS
                : p.mount->kind->mkdir(p.mount->fs, p.rest, (mode_t)mode);
        cm_place_leave(&p);
    }
    return r;
}

static long do_unlink(long dir, long path, bool directory)
{
    struct cm_place p;
    long r = cm_place_to_change(dir, path, &p);

    if (r == 0) {
        long (*act)(void *, const char *) =
            directory ? p.mount->kind->rmdir : p.mount->kind->unlink;

        r = is_mount_point(&p) ? -EBUSY : act == NULL ? -EROFS : act(p.mount->fs, p.rest);
        cm_place_leave(&p);
    }
    return r;
}

static long do_two(long from_dir, long from, long to_dir, long to, bool link)
{
    struct cm_place a;
    struct cm_place b;
    long r = cm_place_to_change(from_dir, from, &a);

    if (r != 0) {
        return r;
    }
    r = cm_place_to_change(to_dir, to, &b);
    if (r == 0) {
        long (*act)(void *, const char *, const char *) =
            link ? a.mount->kind->link : a.mount->kind->rename;

        if (a.mount != b.mount) {
            r = -EXDEV;
        } else if (is_mount_point(&a) || is_mount_point(&b)) {
            r = -EBUSY;
        } else {
            r = act == NULL ? -EROFS : act(a.mount->fs, a.rest, b.rest);
        }
        cm_place_leave(&b);
    }
    cm_place_leave(&a);
    return r;
}

static long do_truncate(long path, long len)
{
    struct cm_place p;
    long r = len < 0 ? -EINVAL : cm_place_to_change(AT_FDCWD, path, &p);

    if (r == 0) {
        r = p.mount->kind->truncate == NULL ? -EROFS
                                            : p.mount->kind->truncate(p.mount->fs, p.rest, len);
        cm_place_leave(&p);
    }
    return r;
}

static long do_chdir(long path)
{
    struct stat s;
    char *plain = NULL;
    long r = cm_path_absolute(AT_FDCWD, cm_sys_ptr(path), &plain);

    if (r == 0 && strcmp(plain, "/") != 0) { /* the root is there before anything is mounted */
        r = cm_sys_stat_at(AT_FDCWD, CM_SYS_ARG(plain), &s, 0);
        if (r == 0 && !S_ISDIR(s.st_mode)) {
            r = -ENOTDIR;
        }
    }
    if (r != 0) {
        free(plain);
        return r;
    }
    return cm_cwd_set(plain);
}

static long do_fchdir(long fd)
{
    char *plain = NULL;
    long r = cm_path_absolute(fd, ".", &plain);

    return r != 0 ? r : cm_cwd_set(plain);
}

static long do_getcwd(long buf, long size)
{
    return buf == 0 || size < 0 ? -EFAULT : cm_cwd_get(cm_sys_ptr(buf), (size_t)size);
}

/* The calls that name a directory to start from. */
static long at_call(long number, const long a[6])
{
    switch (number) {
    case SYS_openat:
        return do_open(a[0], a[1], (int)a[2], (mode_t)a[3]);
    case SYS_newfstatat:
        return cm_sys_stat_at(a[0], a[1], cm_sys_ptr(a[2]), a[3]);
    case SYS_faccessat:
        return do_access(a[0], a[1], a[2]);
    case SYS_mkdirat:
        return do_mkdir(a[0], a[1], a[2]);
    case SYS_unlinkat:
        return (a[2] & ~(long)AT_REMOVEDIR) != 0 ? -EINVAL : do_unlink(a[0], a[1], a[2] != 0);
    case SYS_renameat:
        return do_two(a[0], a[1], a[2], a[3], false);
    case SYS_renameat2:
        return a[4] != 0 ? -EINVAL : do_two(a[0], a[1], a[2], a[3], false);
    case SYS_linkat:
        return a[4] != 0 ? -EINVAL : do_two(a[0], a[1], a[2], a[3], true);
    default:
        return -ENOSYS;
    }
}

long cm_sys_path_call(long number, const long a[6])
{
    switch (number) {
    case SYS_open:
        return do_open(AT_FDCWD, a[0], (int)a[1], (mode_t)a[2]);
    case SYS_creat:
        return do_open(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
    case SYS_stat:
        return cm_sys_stat_at(AT_FDCWD, a[0], cm_sys_ptr(a[1]), 0);
    case SYS_lstat:
        return cm_sys_stat_at(AT_FDCWD, a[0], cm_sys_ptr(a[1]), AT_SYMLINK_NOFOLLOW);
    case SYS_access:
        return do_access(AT_FDCWD, a[0], a[1]);
    case SYS_mkdir:
        return do_mkdir(AT_FDCWD, a[0], a[1]);
    case SYS_rmdir:
        return do_unlink(AT_FDCWD, a[0], true);
    case SYS_unlink:
        return do_unlink(AT_FDCWD, a[0], false);
    case SYS_rename:
        return do_two(AT_FDCWD, a[0], AT_FDCWD, a[1], false);
    case SYS_link:
        return do_two(AT_FDCWD, a[0], AT_FDCWD, a[1], true);
    case SYS_truncate:
        return do_truncate(a[0], a[1]);
    case SYS_chdir:
        return do_chdir(a[0]);
    case SYS_fchdir:
        return do_fchdir(a[0]);
    case SYS_getcwd:
        return do_getcwd(a[0], a[1]);
    case SYS_mount:
        return cm_mount_add(cm_sys_ptr(a[0]), cm_sys_ptr(a[1]), cm_sys_ptr(a[2]),
                            (unsigned long)a[3], cm_sys_ptr(a[4]));
    case SYS_umount2:
        return a[1] != 0 ? -EINVAL : cm_mount_remove(cm_sys_ptr(a[0]));
    default:
        return at_call(number, a);
    }
}
