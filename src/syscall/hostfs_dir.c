/*
 * Open directories of the host. It may name any entries, but an entry's name is one component: with
 * a slash in it a program that walks a tree would leave it (C2). Positions are ours: entry numbers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/inside_lock.h"
#include "syscall/hostfs_file.h"

CM_HOST_MAY(oe_syscall_opendir_ocall);
CM_HOST_MAY(oe_syscall_readdir_ocall);
CM_HOST_MAY(oe_syscall_rewinddir_ocall);
CM_HOST_MAY(oe_syscall_closedir_ocall);

struct host_dir {
    struct cm_host_file base;
    int lock; /* all that follows */
    uint64_t handle;
    long next;  /* number of the entry that comes next */
    bool waits; /* it has been fetched: waiting */
    oe_dirent waiting;
};

enum { NAME_AT = offsetof(struct dirent, d_name), DONE = 1 };

static struct host_dir *as_dir(struct cm_file *f)
{
    return (struct host_dir *)(void *)f;
}

/* 0: d->waiting is the next entry; DONE: there is none */
static long fetch(struct host_dir *d)
{
    oe_dirent e;
    int got = -1;
    oe_result_t call;
    long r;

    if (d->waits) {
        return 0;
    }
    memset(&e, 0, sizeof(e));
    call = CM_HOST_ASK("fcntl", oe_syscall_readdir_ocall, &got, d->handle, &e);
    r = cm_host_number(call, got, DONE);
    if (r != 0) {
        return r;
    }
    if (e.d_name[0] == '\0' || memchr(e.d_name, '\0', sizeof(e.d_name)) == NULL ||
        strchr(e.d_name, '/') != NULL) {
        return -EIO;
    }
    d->waiting = e;
    d->waits = true;
    return 0;
}

static void put_entry(const struct host_dir *d, unsigned char *at, size_t size)
{
    struct dirent head = {0};

    head.d_ino = d->waiting.d_ino;
    head.d_off = d->next + 1;
    head.d_reclen = (unsigned short)size;
    head.d_type = d->waiting.d_type <= DT_WHT ? d->waiting.d_type : DT_UNKNOWN;
    memset(at, 0, size);
    memcpy(at, &head, NAME_AT);
    memcpy(at + NAME_AT, d->waiting.d_name, strlen(d->waiting.d_name));
}

static long dir_list(struct cm_file *f, void *buf, size_t n)
{
    struct host_dir *d = as_dir(f);
    unsigned char *out = buf;
    size_t used = 0;
    long r = 0;

    cm_lock(&d->lock);
    for (;;) {
        size_t size;

        r = fetch(d);
        if (r != 0) {
            break;
        }
        size = (NAME_AT + strlen(d->waiting.d_name) + 1 + 7) & ~(size_t)7;
        if (size > n - used) {
            r = -EINVAL; /* no room, not even for one */
            break;
        }
        put_entry(d, out + used, size);
        used += size;
        d->waits = false;
        d->next++;
    }
    cm_unlock(&d->lock);
    return used != 0 || r == DONE ? (long)used : r;
}

/* There and no further: the host can only begin anew. */
static long go_to(struct host_dir *d, long position)
{
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_rewinddir_ocall, d->handle);
    long r = cm_host_done(call, 0);

    d->waits = false;
    for (d->next = 0; r == 0 && d->next < position; d->next++) {
        r = fetch(d);
        if (r == DONE) {
            return 0;
        }
        d->waits = false;
    }
    return r;
}

static long dir_seek(struct cm_file *f, off_t off, int whence)
{
    struct host_dir *d = as_dir(f);
    long r = -EINVAL;

    cm_lock(&d->lock);
    if (whence == SEEK_CUR && off == 0) {
        r = d->next;
    } else if (whence == SEEK_SET && off >= 0) {
        r = off == d->next ? 0 : go_to(d, off);
        r = r == 0 ? off : r;
    }
    cm_unlock(&d->lock);
    return r;
}

static long close_handle(uint64_t handle)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("fcntl", oe_syscall_closedir_ocall, &got, handle);

    return cm_host_done(call, got);
}

static long dir_close(struct cm_file *f)
{
    struct host_dir *d = as_dir(f);
    long handle = close_handle(d->handle);
    long host = cm_host_close(d->base.host);

    free(d);
    return handle != 0 ? handle : host;
}

long cm_host_dir_make(int64_t host, const char *host_path, int flags, struct cm_file **out)
{
    static const struct cm_file_ops ops = {
        .seek = dir_seek,
        .stat = cm_host_file_stat,
        .list = dir_list,
        .sync = cm_host_file_sync,
        .flock = cm_host_file_flock,
        .control = cm_host_file_control,
        .change = cm_host_file_change,
        .host = cm_host_file_number,
        .close = dir_close,
    };
    struct host_dir *d = calloc(1, sizeof(*d));
    uint64_t handle = 0;
    oe_result_t call;
    long r;

    if (d == NULL) {
        return -ENOMEM;
    }
    call = CM_HOST_ASK("fcntl", oe_syscall_opendir_ocall, &handle, host_path);
    r = cm_host_done(call, handle == 0 ? -1 : 0);
    if (r != 0) {
        free(d);
        return r;
    }
    cm_file_init(&d->base.file, &ops, flags);
    d->base.host = host;
    d->handle = handle;
    *out = &d->base.file;
    return 0;
}
