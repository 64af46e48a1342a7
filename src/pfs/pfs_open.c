/* Open protected files, and open folders of them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <casemate/pfs.h>

#include "common/wipe.h"
#include "libc/inside_lock.h"
#include "pfs/pfs_mount.h"

/* ------------------------------------------------------------------------------ files */

struct open_file {
    struct cm_file file;
    struct cm_pfs_vnode *v;
    int lock; /* at; taken before the vnode's */
    uint64_t at;
};

static struct open_file *as_open(struct cm_file *f)
{
    return (struct open_file *)(void *)f;
}

static long read_at(struct open_file *o, void *buf, size_t n, uint64_t at)
{
    long r;

    cm_lock(&o->v->lock);
    r = cm_pfs_read(o->v->file, buf, n, at);
    cm_unlock(&o->v->lock);
    return r;
}

/* *at: where; with O_APPEND, where it was. */
static long write_at(struct open_file *o, const void *buf, size_t n, uint64_t *at)
{
    long r;

    cm_lock(&o->v->lock);
    if ((o->file.flags & O_APPEND) != 0) {
        *at = cm_pfs_size(o->v->file);
    }
    r = cm_pfs_write(o->v->file, buf, n, *at);
    cm_unlock(&o->v->lock);
    return r;
}

static long file_read(struct cm_file *f, void *buf, size_t n)
{
    struct open_file *o = as_open(f);
    long r;

    cm_lock(&o->lock);
    r = read_at(o, buf, n, o->at);
    o->at += r > 0 ? (uint64_t)r : 0;
    cm_unlock(&o->lock);
    return r;
}

static long file_write(struct cm_file *f, const void *buf, size_t n)
{
    struct open_file *o = as_open(f);
    uint64_t at;
    long r;

    cm_lock(&o->lock);
    at = o->at;
    r = write_at(o, buf, n, &at);
    if (r > 0) {
        o->at = at + (uint64_t)r;
    }
    cm_unlock(&o->lock);
    return r;
}

static long file_pread(struct cm_file *f, void *buf, size_t n, off_t at)
{
    return read_at(as_open(f), buf, n, (uint64_t)at);
}

static long file_pwrite(struct cm_file *f, const void *buf, size_t n, off_t at)
{
    uint64_t where = (uint64_t)at;

    return write_at(as_open(f), buf, n, &where);
}

static long file_seek(struct cm_file *f, off_t off, int whence)
{
    struct open_file *o = as_open(f);
    int64_t base = 0;
    int64_t at = 0;
    long r = 0;

    cm_lock(&o->lock);
    if (whence == SEEK_CUR) {
        base = (int64_t)o->at;
    } else if (whence == SEEK_END) {
        cm_lock(&o->v->lock);
        base = (int64_t)cm_pfs_size(o->v->file);
        cm_unlock(&o->v->lock);
    } else if (whence != SEEK_SET) {
        r = -EINVAL;
    }
    if (r == 0 && (__builtin_add_overflow(base, off, &at) || at < 0)) {
        r = -EINVAL;
    }
    if (r == 0) {
        o->at = (uint64_t)at;
        r = at;
    }
    cm_unlock(&o->lock);
    return r;
}

long cm_pfs_vnode_stat(struct cm_pfs_vnode *v, struct stat *out)
{
    long r = v->host->ops->stat(v->host, out);

    if (r == 0) {
        cm_lock(&v->lock);
        out->st_size = (off_t)cm_pfs_size(v->file);
        cm_unlock(&v->lock);
    }
    return r;
}

static long file_stat(struct cm_file *f, struct stat *out)
{
    return cm_pfs_vnode_stat(as_open(f)->v, out);
}

static long file_truncate(struct cm_file *f, off_t len)
{
    struct cm_pfs_vnode *v = as_open(f)->v;
    long r;

    cm_lock(&v->lock);
    r = cm_pfs_resize(v->file, (uint64_t)len);
    cm_unlock(&v->lock);
    return r;
}

static long file_sync(struct cm_file *f, bool data_only)
{
    struct cm_pfs_vnode *v = as_open(f)->v;
    long r;

    (void)data_only;
    cm_lock(&v->lock);
    r = cm_pfs_commit(v->file);
    cm_unlock(&v->lock);
    return r;
}

/* F_SETFL is the table's own affair; locks of ranges are on the host's file. */
static long file_control(struct cm_file *f, int cmd, long arg)
{
    struct cm_file *host = as_open(f)->v->host;

    return cmd == F_SETFL ? 0 : host->ops->control(host, cmd, arg);
}

static long file_change(struct cm_file *f, const struct cm_change *change)
{
    struct cm_file *host = as_open(f)->v->host;

    return host->ops->change(host, change);
}

static long file_host(struct cm_file *f, int64_t *number)
{
    struct cm_file *host = as_open(f)->v->host;

    return host->ops->host(host, number);
}

static long file_close(struct cm_file *f)
{
    struct cm_pfs_vnode *v = as_open(f)->v;
    struct cm_pfs_fs *fs = v->fs;
    long r;

    cm_lock(&fs->lock);
    r = cm_pfs_vnode_put(v);
    cm_unlock(&fs->lock);
    free(f);
    return r;
}

static const struct cm_file_ops file_ops = {
    .read = file_read,
    .write = file_write,
    .pread = file_pread,
    .pwrite = file_pwrite,
    .seek = file_seek,
    .stat = file_stat,
    .truncate = file_truncate,
    .sync = file_sync,
    .control = file_control,
    .change = file_change,
    .host = file_host,
    .close = file_close,
};

long cm_pfs_open_make(struct cm_pfs_vnode *v, int flags, struct cm_file **out)
{
    struct open_file *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        return -ENOMEM;
    }
    cm_file_init(&o->file, &file_ops, flags);
    o->v = v;
    *out = &o->file;
    return 0;
}

/* ------------------------------------------------------------------------------ folders */

struct open_folder {
    struct cm_file file;
    struct cm_file *host;
};

static struct cm_file *host_of(struct cm_file *f)
{
    return ((struct open_folder *)(void *)f)->host;
}

/* Leaves out what is being made; bytes of records that are left. */
static size_t without_fresh(unsigned char *bytes, size_t n)
{
    size_t kept = 0;
    size_t at = 0;

    while (at < n) {
        struct dirent head;
        const char *name = (const char *)bytes + at + offsetof(struct dirent, d_name);

        memcpy(&head, bytes + at, offsetof(struct dirent, d_name));
        if (strncmp(name, CM_PFS_FRESH, strlen(CM_PFS_FRESH)) != 0) {
            memmove(bytes + kept, bytes + at, head.d_reclen);
            kept += head.d_reclen;
        }
        at += head.d_reclen;
    }
    return kept;
}

static long folder_list(struct cm_file *f, void *buf, size_t n)
{
    long r;

    do {
        r = host_of(f)->ops->list(host_of(f), buf, n);
        if (r <= 0) {
            return r;
        }
        r = (long)without_fresh(buf, (size_t)r);
    } while (r == 0);
    return r;
}

static long folder_seek(struct cm_file *f, off_t off, int whence)
{
    return host_of(f)->ops->seek(host_of(f), off, whence);
}

static long folder_stat(struct cm_file *f, struct stat *out)
{
    return host_of(f)->ops->stat(host_of(f), out);
}

static long folder_sync(struct cm_file *f, bool data_only)
{
    return host_of(f)->ops->sync(host_of(f), data_only);
}

static long folder_close(struct cm_file *f)
{
    long r = cm_file_put(host_of(f));

    free(f);
    return r;
}

long cm_pfs_folder_make(struct cm_file *host, int flags, struct cm_file **out)
{
    static const struct cm_file_ops ops = {
        .seek = folder_seek,
        .stat = folder_stat,
        .list = folder_list,
        .sync = folder_sync,
        .close = folder_close,
    };
    struct open_folder *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        return -ENOMEM;
    }
    cm_file_init(&o->file, &ops, flags);
    o->host = host;
    *out = &o->file;
    return 0;
}

/* ------------------------------------------------------------------------------ roots */

static long root_of(int fd, struct cm_pfs_root *out)
{
    struct cm_file *f = cm_fd_get(fd);
    struct cm_pfs_state state;
    long r = f == NULL ? -EBADF : f->ops != &file_ops ? -EINVAL : 0;

    if (r == 0) {
        struct cm_pfs_vnode *v = as_open(f)->v;

        cm_lock(&v->lock);
        r = cm_pfs_state_of(v->file, &state);
        cm_unlock(&v->lock);
    }
    (void)cm_file_put(f);
    if (r == 0) {
        out->revision = state.revision;
        memcpy(out->digest, state.digest, sizeof(out->digest));
    }
    return r;
}

static int failed(long r)
{
    errno = (int)-r;
    return -1;
}

int cm_pfs_root(int fd, struct cm_pfs_root *out)
{
    const int before = errno;
    long r = out == NULL ? -EFAULT : root_of(fd, out);

    if (r != 0) {
        return failed(r);
    }
    errno = before;
    return 0;
}

int cm_pfs_open_at_root(const char *path, int flags, const struct cm_pfs_root *root)
{
    struct cm_pfs_root now;
    long r = 0;
    int fd;

    if (path == NULL || root == NULL) {
        return failed(-EFAULT);
    }
    if ((flags & (O_CREAT | O_TRUNC)) != 0) {
        return failed(-EINVAL);
    }
    fd = open(path, flags);
    if (fd < 0) {
        return -1;
    }
    r = root_of(fd, &now);
    if (r == 0 && (now.revision != root->revision ||
                   !cm_ct_equal(now.digest, root->digest, sizeof(now.digest)))) {
        r = -ESTALE;
    }
    if (r != 0) {
        (void)close(fd);
        return failed(r);
    }
    return fd;
}
