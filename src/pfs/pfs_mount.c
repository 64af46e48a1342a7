/* The file system type CM_PROTECTED_FILE_SYSTEM: its folders are the host's, its files are not. */
#include "pfs/pfs_mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <casemate/pfs.h>

#include "common/wipe.h"
#include "libc/inside_lock.h"
#include "syscall/sys_core.h"

static void pfs_unmount(void *p)
{
    struct cm_pfs_fs *fs = p;

    if (fs->host != NULL) {
        cm_host_fs.unmount(fs->host);
    }
    cm_wipe(fs, sizeof(*fs));
    free(fs);
}

static long pfs_mount(const char *source, const void *data, void **out)
{
    struct cm_pfs_options options = {.size = 0};
    struct cm_pfs_fs *fs;
    long r;

    if (data != NULL) {
        memcpy(&options, data, sizeof(options));
    }
    if ((options.size != 0 && options.size != sizeof(options)) ||
        (options.flags & ~(uint32_t)CM_PFS_RECOVER) != 0 ||
        (options.label != NULL && strnlen(options.label, CM_PFS_LABEL_MAX) == CM_PFS_LABEL_MAX)) {
        return -EINVAL;
    }
    fs = calloc(1, sizeof(*fs));
    if (fs == NULL) {
        return -ENOMEM;
    }
    fs->flags = (options.flags & CM_PFS_RECOVER) != 0 ? CM_PFS_OPEN_RECOVER : 0;
    if (options.label != NULL) {
        memcpy(fs->label, options.label, strlen(options.label));
    }
    r = cm_pfs_source_make(&options, &fs->source);
    if (r == 0) {
        r = cm_host_fs.mount(source, NULL, &fs->host);
    }
    if (r != 0) {
        pfs_unmount(fs);
        return r;
    }
    *out = fs;
    return 0;
}

/* Names that are kept for files that are being made. */
static bool is_reserved(const char *path)
{
    const char *last = strrchr(path, '/');

    return last != NULL && strncmp(last + 1, CM_PFS_FRESH, strlen(CM_PFS_FRESH)) == 0;
}

static long open_folder(struct cm_pfs_fs *fs, const char *path, int flags, struct cm_file **out)
{
    struct cm_file *host = NULL;
    long r = cm_host_fs.open(fs->host, path, flags | O_DIRECTORY, 0, &host);

    if (r == 0) {
        r = cm_pfs_folder_make(host, flags, out);
        if (r != 0) {
            (void)cm_file_put(host);
        }
    }
    return r;
}

static long open_vnode(struct cm_pfs_fs *fs, const char *path, int flags, struct cm_file **out)
{
    const bool write = (flags & O_ACCMODE) != O_RDONLY;
    struct cm_pfs_vnode *v = NULL;
    long r = cm_pfs_vnode_get(fs, path, write, &v);

    if (r != 0) {
        return r;
    }
    if ((flags & O_TRUNC) != 0) {
        cm_lock(&v->lock);
        r = cm_pfs_resize(v->file, 0);
        cm_unlock(&v->lock);
    }
    if (r == 0) {
        r = cm_pfs_open_make(v, flags, out);
    }
    if (r != 0) {
        (void)cm_pfs_vnode_put(v);
    }
    return r;
}

/* What stands at the path, or has to be made there. fs->lock is held. */
static long open_locked(struct cm_pfs_fs *fs, const char *path, int flags, mode_t mode,
                        struct cm_file **out)
{
    struct stat s;
    long r = cm_host_fs.stat(fs->host, path, false, &s);

    if (r == -ENOENT && (flags & O_CREAT) != 0) {
        r = cm_pfs_vnode_make(fs, path, mode);
        flags &= ~(O_EXCL | O_TRUNC);
        s.st_mode = S_IFREG;
    }
    if (r != 0) {
        return r;
    }
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return -EEXIST;
    }
    if (S_ISDIR(s.st_mode)) {
        return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0
                   ? -EISDIR
                   : open_folder(fs, path, flags, out);
    }
    if (!S_ISREG(s.st_mode)) {
        return S_ISLNK(s.st_mode) ? -ELOOP : -EOPNOTSUPP;
    }
    return (flags & O_DIRECTORY) != 0 ? -ENOTDIR : open_vnode(fs, path, flags, out);
}

static long pfs_open(void *p, const char *path, int flags, mode_t mode, struct cm_file **out)
{
    struct cm_pfs_fs *fs = p;
    long r;

    if ((flags & O_TMPFILE) == O_TMPFILE || (flags & O_PATH) != 0) {
        return -EOPNOTSUPP;
    }
    if ((flags & O_TRUNC) != 0 && (flags & O_ACCMODE) == O_RDONLY) {
        return -EINVAL;
    }
    if (is_reserved(path)) {
        return -EPERM;
    }
    cm_lock(&fs->lock);
    r = open_locked(fs, path, flags, mode, out);
    cm_unlock(&fs->lock);
    return r;
}

/* The size of a file is in it; what a link leads to is none of this file system's. */
static long pfs_stat(void *p, const char *path, bool follow, struct stat *out)
{
    struct cm_pfs_fs *fs = p;
    struct cm_pfs_vnode *v = NULL;
    long r = is_reserved(path) ? -ENOENT : cm_host_fs.stat(fs->host, path, false, out);

    if (r != 0 || S_ISDIR(out->st_mode)) {
        return r;
    }
    if (!S_ISREG(out->st_mode)) {
        return !follow ? 0 : S_ISLNK(out->st_mode) ? -ELOOP : -EOPNOTSUPP;
    }
    cm_lock(&fs->lock);
    r = cm_pfs_vnode_get(fs, path, false, &v);
    if (r == 0) {
        r = cm_pfs_vnode_stat(v, out);
        (void)cm_pfs_vnode_put(v);
    }
    cm_unlock(&fs->lock);
    return r;
}

static long pfs_access(void *p, const char *path, int mode)
{
    struct cm_pfs_fs *fs = p;

    return is_reserved(path) ? -ENOENT : cm_host_fs.access(fs->host, path, mode);
}

static long pfs_truncate(void *p, const char *path, off_t len)
{
    struct cm_pfs_fs *fs = p;
    struct cm_pfs_vnode *v = NULL;
    long done = 0;
    long r;

    cm_lock(&fs->lock);
    r = cm_pfs_vnode_get(fs, path, true, &v);
    if (r == 0) {
        cm_lock(&v->lock);
        r = cm_pfs_resize(v->file, (uint64_t)len);
        cm_unlock(&v->lock);
        done = cm_pfs_vnode_put(v);
    }
    cm_unlock(&fs->lock);
    return r != 0 ? r : done;
}

static long pfs_mkdir(void *p, const char *path, mode_t mode)
{
    struct cm_pfs_fs *fs = p;

    return is_reserved(path) ? -EPERM : cm_host_fs.mkdir(fs->host, path, mode);
}

/* Takes one entry of a folder away, when it was left by a maker that was cut off. */
static long sweep_one(struct cm_pfs_fs *fs, const char *folder, const char *name)
{
    char path[CM_PATH_MAX];

    if (strncmp(name, CM_PFS_FRESH, strlen(CM_PFS_FRESH)) != 0) {
        return 0;
    }
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    return cm_host_fs.unlink(fs->host, path);
}

static long sweep(struct cm_pfs_fs *fs, const char *folder)
{
    struct cm_file *host = NULL;
    long long room[256]; /* aligned for records */
    long r = cm_host_fs.open(fs->host, folder, O_RDONLY | O_DIRECTORY, 0, &host);
    long n = 0;

    while (r == 0 && (n = host->ops->list(host, room, sizeof(room))) > 0) {
        const unsigned char *bytes = (const unsigned char *)room;
        struct dirent head;

        for (long at = 0; at < n && r == 0; at += head.d_reclen) {
            memcpy(&head, bytes + at, offsetof(struct dirent, d_name));
            r = sweep_one(fs, folder, (const char *)bytes + at + offsetof(struct dirent, d_name));
        }
    }
    (void)cm_file_put(host);
    return r != 0 ? r : n;
}

static long pfs_rmdir(void *p, const char *path)
{
    struct cm_pfs_fs *fs = p;
    long r;

    cm_lock(&fs->lock);
    r = cm_host_fs.rmdir(fs->host, path);
    if (r == -ENOTEMPTY && sweep(fs, path) == 0) {
        r = cm_host_fs.rmdir(fs->host, path);
    }
    cm_unlock(&fs->lock);
    return r;
}

static long pfs_unlink(void *p, const char *path)
{
    struct cm_pfs_fs *fs = p;
    struct cm_pfs_vnode *v;
    long r;

    if (is_reserved(path)) {
        return -ENOENT;
    }
    cm_lock(&fs->lock);
    r = cm_host_fs.unlink(fs->host, path);
    v = r == 0 ? cm_pfs_vnode_find(fs, path) : NULL;
    if (v != NULL) {
        v->gone = true; /* who has it open still has it */
    }
    cm_unlock(&fs->lock);
    return r;
}

static long move_locked(struct cm_pfs_fs *fs, const char *from, const char *to)
{
    struct cm_pfs_vnode *v = NULL;
    struct stat s;
    long done = 0;
    long r = cm_host_fs.stat(fs->host, from, false, &s);

    if (r != 0 || strcmp(from, to) == 0) {
        return r;
    }
    if (!S_ISREG(s.st_mode)) {
        return -EXDEV; /* files know their paths: a folder is moved by moving what is in it */
    }
    r = cm_host_fs.stat(fs->host, to, false, &s);
    if (r == 0 && !S_ISREG(s.st_mode)) {
        return S_ISDIR(s.st_mode) ? -EISDIR : -EEXIST;
    }
    if (r != 0 && r != -ENOENT) {
        return r;
    }
    r = cm_pfs_vnode_get(fs, from, true, &v);
    if (r == 0) {
        r = cm_pfs_vnode_move(v, to);
        done = cm_pfs_vnode_put(v);
    }
    return r != 0 ? r : done;
}

static long pfs_rename(void *p, const char *from, const char *to)
{
    struct cm_pfs_fs *fs = p;
    long r;

    if (is_reserved(from) || is_reserved(to)) {
        return is_reserved(from) ? -ENOENT : -EPERM;
    }
    cm_lock(&fs->lock);
    r = move_locked(fs, from, to);
    cm_unlock(&fs->lock);
    return r;
}

/* a file knows its one path */
static long pfs_link(void *p, const char *from, const char *to)
{
    (void)p;
    (void)from;
    (void)to;
    return -EPERM;
}

/* modes, owners and times are the host's, of protected files as of others */
static long pfs_change(void *p, const char *path, const struct cm_change *change)
{
    struct cm_pfs_fs *fs = p;

    return is_reserved(path) ? -ENOENT : cm_host_fs.change(fs->host, path, change);
}

static long pfs_statfs(void *p, const char *path, struct statfs *out)
{
    struct cm_pfs_fs *fs = p;

    return cm_host_fs.statfs(fs->host, path, out);
}

oe_result_t cm_load_module_protected_file_system(void)
{
    static const struct cm_fs_kind kind = {
        .type = CM_PROTECTED_FILE_SYSTEM,
        .mount = pfs_mount,
        .unmount = pfs_unmount,
        .open = pfs_open,
        .stat = pfs_stat,
        .access = pfs_access,
        .truncate = pfs_truncate,
        .mkdir = pfs_mkdir,
        .rmdir = pfs_rmdir,
        .unlink = pfs_unlink,
        .rename = pfs_rename,
        .link = pfs_link,
        .change = pfs_change,
        .statfs = pfs_statfs,
    };

    cm_sys_link();
    return cm_fs_register(&kind) == 0 ? OE_OK : OE_OUT_OF_MEMORY;
}
