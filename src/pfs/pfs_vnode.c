/*
 * The files that are open, one struct for each however often it is open: two views of one file
 * would undo each other's commits. Against other processes stands an advisory lock of the host's file,
 * which keeps honest ones apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "libc/inside_lock.h"
#include "pfs/pfs_mount.h"

static char *copy_of(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = malloc(n);

    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

long cm_pfs_name_of(const struct cm_pfs_fs *fs, const char *path, uint8_t out[CM_PFS_NAME])
{
    uint8_t text[CM_PFS_LABEL_MAX + CM_PATH_MAX];
    struct cm_wr w = cm_wr_init(text, sizeof(text));

    _Static_assert(CM_PFS_NAME == CM_SHA256_SIZE, "a name is a digest");
    cm_wr_bytes(&w, fs->label, strlen(fs->label) + 1);
    cm_wr_bytes(&w, path, strlen(path));
    if (cm_wr_finish(&w) != CM_OK) {
        return -ENAMETOOLONG;
    }
    return cm_sha256_of(cm_span_make(text, w.used), out) == CM_OK ? 0 : -ENOMEM;
}

struct cm_pfs_vnode *cm_pfs_vnode_find(struct cm_pfs_fs *fs, const char *path)
{
    struct cm_pfs_vnode *v = fs->vnodes;

    while (v != NULL && (v->gone || strcmp(v->path, path) != 0)) {
        v = v->next;
    }
    return v;
}

static struct cm_pfs_ground ground_of(struct cm_pfs_fs *fs, struct cm_file *host)
{
    return (struct cm_pfs_ground){&cm_pfs_host_file, host, &cm_pfs_enclave_keys, &fs->source};
}

/* Keeps other processes away; honest ones. */
static long lock_host(struct cm_file *host, bool write)
{
    long r = host->ops->flock(host, (write ? LOCK_EX : LOCK_SH) | LOCK_NB);

    return r == -EWOULDBLOCK ? -EBUSY : r;
}

/* For writing where the host allows it: who reads now may write later. */
static long open_host(struct cm_pfs_vnode *v, bool write)
{
    long r = cm_host_fs.open(v->fs->host, v->path, O_RDWR, 0, &v->host);

    v->host_writable = r == 0;
    if (!write && (r == -EACCES || r == -EROFS || r == -EPERM)) {
        r = cm_host_fs.open(v->fs->host, v->path, O_RDONLY, 0, &v->host);
    }
    if (r == 0 && (v->host->ops->pread == NULL || v->host->ops->truncate == NULL)) {
        r = -EOPNOTSUPP; /* no file */
    }
    return r == 0 ? lock_host(v->host, write) : r;
}

static void forget(struct cm_pfs_vnode *v)
{
    struct cm_pfs_vnode **at = &v->fs->vnodes;

    while (*at != NULL && *at != v) {
        at = &(*at)->next;
    }
    if (*at == v) {
        *at = v->next;
    }
    (void)cm_file_put(v->host);
    free(v->path);
    free(v);
}

static long make_vnode(struct cm_pfs_fs *fs, const char *path, bool write,
                       struct cm_pfs_vnode **out)
{
    struct cm_pfs_vnode *v = calloc(1, sizeof(*v));
    uint8_t name[CM_PFS_NAME];
    struct cm_pfs_ground ground;
    long r = cm_pfs_name_of(fs, path, name);

    if (v == NULL) {
        return -ENOMEM;
    }
    v->fs = fs;
    v->path = copy_of(path);
    v->writable = write;
    if (r == 0) {
        r = v->path == NULL ? -ENOMEM : open_host(v, write);
    }
    if (r == 0) {
        ground = ground_of(fs, v->host);
        r = cm_pfs_open(&ground, name, fs->flags | (write ? CM_PFS_OPEN_WRITE : 0), &v->file);
    }
    if (r != 0) {
        forget(v);
        return r;
    }
    v->next = fs->vnodes;
    fs->vnodes = v;
    *out = v;
    return 0;
}

long cm_pfs_vnode_get(struct cm_pfs_fs *fs, const char *path, bool write, struct cm_pfs_vnode **out)
{
    struct cm_pfs_vnode *v = cm_pfs_vnode_find(fs, path);
    long r = 0;

    if (v == NULL) {
        r = make_vnode(fs, path, write, &v);
    } else if (write && !v->writable) {
        r = v->host_writable ? lock_host(v->host, true) : -EACCES;
        if (r == 0) {
            cm_lock(&v->lock);
            v->writable = true;
            cm_pfs_may_write(v->file);
            cm_unlock(&v->lock);
        }
    }
    if (r == 0) {
        v->users++;
        *out = v;
    }
    return r;
}

long cm_pfs_vnode_put(struct cm_pfs_vnode *v)
{
    long r;

    if (--v->users != 0) {
        return 0;
    }
    r = cm_pfs_close(v->file);
    forget(v);
    return r;
}

/* A name beside path that nobody has. */
static long fresh_name(const char *path, char *out, size_t size)
{
    const int folder = (int)(strrchr(path, '/') - path);
    uint64_t number = 0;
    long r = cm_pfs_random(&number, sizeof(number));

    if (r == 0 && snprintf(out, size, "%.*s/" CM_PFS_FRESH "%016llx", folder, path,
                           (unsigned long long)number) >= (int)size) {
        r = -ENAMETOOLONG;
    }
    return r;
}

long cm_pfs_vnode_make(struct cm_pfs_fs *fs, const char *path, mode_t mode)
{
    uint8_t name[CM_PFS_NAME];
    struct cm_pfs_ground ground;
    struct cm_file *host = NULL;
    char *fresh = malloc(CM_PATH_MAX);
    long r = fresh == NULL ? -ENOMEM : fresh_name(path, fresh, CM_PATH_MAX);

    if (r == 0) {
        r = cm_pfs_name_of(fs, path, name);
    }
    if (r == 0) {
        r = cm_host_fs.open(fs->host, fresh, O_RDWR | O_CREAT | O_EXCL, mode, &host);
    }
    if (r == 0) {
        ground = ground_of(fs, host);
        r = cm_pfs_create(&ground, name);
        (void)cm_file_put(host);
        if (r == 0) {
            r = cm_host_fs.rename(fs->host, fresh, path);
        }
        if (r != 0) {
            (void)cm_host_fs.unlink(fs->host, fresh);
        }
    }
    free(fresh);
    return r;
}

long cm_pfs_vnode_move(struct cm_pfs_vnode *v, const char *to)
{
    struct cm_pfs_vnode *there = cm_pfs_vnode_find(v->fs, to);
    uint8_t name[CM_PFS_NAME];
    uint8_t before[CM_PFS_NAME];
    char *path = copy_of(to);
    long r = path == NULL ? -ENOMEM : cm_pfs_name_of(v->fs, to, name);

    if (r == 0) {
        r = cm_pfs_name_of(v->fs, v->path, before);
    }
    if (r != 0) {
        free(path);
        return r;
    }
    cm_lock(&v->lock);
    r = cm_pfs_move_begin(v->file, name);
    if (r == 0) {
        r = cm_host_fs.rename(v->fs->host, v->path, to);
        if (r != 0) {
            (void)cm_pfs_move_end(v->file, before);
        }
    }
    if (r == 0) {
        if (there != NULL) {
            there->gone = true;
        }
        free(v->path);
        v->path = path;
        path = NULL;
        r = cm_pfs_move_end(v->file, name);
    }
    cm_unlock(&v->lock);
    free(path);
    return r;
}
