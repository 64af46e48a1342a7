/*
 * The file system type "oe_host_file_system": the host's files below the folder that was mounted.
 * The host sees and can change all of it; docs/syscalls.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/bits/fs.h>
#include <openenclave/bits/module.h>

#include "syscall/hostfs_file.h"
#include "syscall/sys_core.h"
#include "syscall/sys_mounts.h"

CM_HOST_MAY(oe_syscall_open_ocall);
CM_HOST_MAY(oe_syscall_fstat_ocall);
CM_HOST_MAY(oe_syscall_stat_ocall);
CM_HOST_MAY(oe_syscall_access_ocall);
CM_HOST_MAY(oe_syscall_link_ocall);
CM_HOST_MAY(oe_syscall_unlink_ocall);
CM_HOST_MAY(oe_syscall_rename_ocall);
CM_HOST_MAY(oe_syscall_truncate_ocall);
CM_HOST_MAY(oe_syscall_mkdir_ocall);
CM_HOST_MAY(oe_syscall_rmdir_ocall);

/* fs: the source of the mount, without slashes at its end */
static long hostfs_mount(const char *source, const void *data, void **fs)
{
    size_t n = strlen(source);
    char *copy;

    (void)data;
    if (n == 0 || n >= CM_PATH_MAX) {
        return n == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    while (n != 0 && source[n - 1] == '/') {
        n--;
    }
    copy = calloc(1, n + 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, source, n);
    *fs = copy;
    return 0;
}

static void hostfs_unmount(void *fs)
{
    free(fs);
}

long cm_host_path(const char *source, const char *path, char **out)
{
    const size_t n = strlen(source);
    const size_t m = strlen(path);

    if (n + m >= CM_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    *out = malloc(n + m + 1);
    if (*out == NULL) {
        return -ENOMEM;
    }
    memcpy(*out, source, n);
    memcpy(*out + n, path, m + 1);
    return 0;
}

static long host_open(const char *path, int flags, mode_t mode, int64_t *host)
{
    oe_host_fd_t got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_open_ocall, &got, path, flags, mode);
    long r = cm_host_number(call, got, CM_HOST_FD_MAX);

    if (r < 0) {
        return r;
    }
    *host = r;
    return 0;
}

/* Only what is opened for reading alone can be a directory. */
static long is_directory(int64_t host, int flags, bool *yes)
{
    struct stat s;
    long r;

    *yes = (flags & O_DIRECTORY) != 0;
    if (*yes || (flags & (O_ACCMODE | O_CREAT)) != O_RDONLY || oe_syscall_fstat_ocall == NULL) {
        return 0;
    }
    r = cm_host_fstat(host, &s);
    *yes = r == 0 && S_ISDIR(s.st_mode);
    return r;
}

static long hostfs_open(void *fs, const char *path, int flags, mode_t mode, struct cm_file **out)
{
    bool directory = false;
    int64_t host = -1;
    char *name = NULL;
    long r = (flags & O_TMPFILE) == O_TMPFILE ? -EOPNOTSUPP : cm_host_path(fs, path, &name);

    if (r == 0) {
        r = host_open(name, flags | O_CLOEXEC, mode, &host);
    }
    if (r == 0) {
        r = is_directory(host, flags, &directory);
    }
    if (r == 0) {
        r = directory ? cm_host_dir_make(host, name, flags, out)
                      : cm_host_file_make(host, flags, out);
    }
    if (r != 0 && host >= 0) {
        (void)cm_host_close(host);
    }
    free(name);
    return r;
}

/* The EDL has no lstat: a descriptor of the link itself tells the same. */
static long stat_of_link(const char *name, struct stat *out)
{
    int64_t host = -1;
    long r = host_open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, &host);

    if (r == 0) {
        r = cm_host_fstat(host, out);
        (void)cm_host_close(host);
    }
    return r;
}

static long stat_of(const char *name, struct stat *out)
{
    oe_stat_t told;
    int got = -1;
    oe_result_t call;
    long r;

    memset(&told, 0, sizeof(told));
    call = CM_HOST_ASK("fcntl", oe_syscall_stat_ocall, &got, name, &told);
    r = cm_host_done(call, got);
    return r == 0 ? cm_host_stat_check(&told, out) : r;
}

static long hostfs_stat(void *fs, const char *path, bool follow, struct stat *out)
{
    char *name = NULL;
    long r = cm_host_path(fs, path, &name);

    if (r == 0) {
        r = follow ? stat_of(name, out) : stat_of_link(name, out);
    }
    free(name);
    return r;
}

/* Calls with one path and at most one more argument. */
enum deed { ACCESS, TRUNCATE, MKDIR, RMDIR, UNLINK };

static long act(enum deed deed, void *fs, const char *path, long arg)
{
    oe_result_t call = OE_UNEXPECTED;
    char *name = NULL;
    int got = -1;
    long r = cm_host_path(fs, path, &name);

    if (r != 0) {
        return r;
    }
    switch (deed) {
    case ACCESS:
        call = CM_HOST_ASK("fcntl", oe_syscall_access_ocall, &got, name, (int)arg);
        break;
    case TRUNCATE:
        call = CM_HOST_ASK("fcntl", oe_syscall_truncate_ocall, &got, name, arg);
        break;
    case MKDIR:
        call = CM_HOST_ASK("fcntl", oe_syscall_mkdir_ocall, &got, name, (oe_mode_t)arg);
        break;
    case RMDIR:
        call = CM_HOST_ASK("fcntl", oe_syscall_rmdir_ocall, &got, name);
        break;
    case UNLINK:
        call = CM_HOST_ASK("fcntl", oe_syscall_unlink_ocall, &got, name);
        break;
    }
    free(name);
    return cm_host_done(call, got);
}

static long hostfs_access(void *fs, const char *path, int mode)
{
    return act(ACCESS, fs, path, mode);
}

static long hostfs_truncate(void *fs, const char *path, off_t len)
{
    return act(TRUNCATE, fs, path, len);
}

static long hostfs_mkdir(void *fs, const char *path, mode_t mode)
{
    return act(MKDIR, fs, path, (long)mode);
}

static long hostfs_rmdir(void *fs, const char *path)
{
    return act(RMDIR, fs, path, 0);
}

static long hostfs_unlink(void *fs, const char *path)
{
    return act(UNLINK, fs, path, 0);
}

static long act_on_two(bool link, void *fs, const char *from, const char *to)
{
    oe_result_t call = OE_UNEXPECTED;
    char *first = NULL;
    char *second = NULL;
    int got = -1;
    long r = cm_host_path(fs, from, &first);

    if (r == 0) {
        r = cm_host_path(fs, to, &second);
    }
    if (r == 0) {
        call = link ? CM_HOST_ASK("fcntl", oe_syscall_link_ocall, &got, first, second)
                    : CM_HOST_ASK("fcntl", oe_syscall_rename_ocall, &got, first, second);
        r = cm_host_done(call, got);
    }
    free(first);
    free(second);
    return r;
}

static long hostfs_rename(void *fs, const char *from, const char *to)
{
    return act_on_two(false, fs, from, to);
}

static long hostfs_link(void *fs, const char *from, const char *to)
{
    return act_on_two(true, fs, from, to);
}

const struct cm_fs_kind cm_host_fs = {
    .type = OE_HOST_FILE_SYSTEM,
    .mount = hostfs_mount,
    .unmount = hostfs_unmount,
    .open = hostfs_open,
    .stat = hostfs_stat,
    .access = hostfs_access,
    .truncate = hostfs_truncate,
    .mkdir = hostfs_mkdir,
    .rmdir = hostfs_rmdir,
    .unlink = hostfs_unlink,
    .rename = hostfs_rename,
    .link = hostfs_link,
    .symlink = cm_host_symlink,
    .readlink = cm_host_readlink,
    .change = cm_host_change,
    .statfs = cm_host_statfs,
};

oe_result_t oe_load_module_host_file_system(void)
{
    cm_sys_link();
    return cm_fs_register(&cm_host_fs) == 0 ? OE_OK : OE_OUT_OF_MEMORY;
}
