/* See sys_file_table.h. The table is fixed: nothing about it can fail half way. */
#include "syscall/sys_file_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "libc/inside_lock.h"
#include "syscall/sys_mounts.h"

enum { FDS = 1024 }; /* what sysconf(_SC_OPEN_MAX) says */

struct slot {
    struct cm_file *file;
    bool cloexec;
};

static int lock;
static uint64_t serials = 16; /* the console's come first */
static struct slot slots[FDS] = {
    {&cm_console_files[0], false},
    {&cm_console_files[1], false},
    {&cm_console_files[2], false},
};

void cm_file_init(struct cm_file *f, const struct cm_file_ops *ops, int flags)
{
    f->ops = ops;
    f->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
    f->refs = 1;
    f->flags = flags;
    f->home = NULL;
    f->path = NULL;
}

static bool is_open(long fd)
{
    return fd >= 0 && fd < FDS && slots[fd].file != NULL;
}

long cm_fd_install(struct cm_file *f, long lowest, bool cloexec)
{
    long fd;

    if (lowest < 0 || lowest >= FDS) {
        return -EINVAL;
    }
    cm_lock(&lock);
    for (fd = lowest; fd < FDS && slots[fd].file != NULL; fd++) {
    }
    if (fd < FDS) {
        slots[fd] = (struct slot){f, cloexec};
    }
    cm_unlock(&lock);
    return fd < FDS ? fd : -EMFILE;
}

struct cm_file *cm_fd_get(long fd)
{
    struct cm_file *f = NULL;

    cm_lock(&lock);
    if (is_open(fd)) {
        f = slots[fd].file;
        f->refs++;
    }
    cm_unlock(&lock);
    return f;
}

long cm_file_put(struct cm_file *f)
{
    struct cm_mount *home;
    char *path;
    bool last;
    long r;

    if (f == NULL) {
        return 0;
    }
    cm_lock(&lock);
    f->refs--;
    last = f->refs == 0;
    cm_unlock(&lock);
    if (!last) {
        return 0;
    }
    home = f->home;
    path = f->path;
    r = f->ops->close(f);
    free(path);
    cm_mount_done(home);
    return r;
}

long cm_fd_close(long fd)
{
    struct cm_file *f = NULL;

    cm_lock(&lock);
    if (is_open(fd)) {
        f = slots[fd].file;
        slots[fd] = (struct slot){NULL, false};
    }
    cm_unlock(&lock);
    return f == NULL ? -EBADF : cm_file_put(f);
}

long cm_fd_dup_to(long from, long to, bool cloexec)
{
    struct cm_file *before;

    if (to < 0 || to >= FDS) {
        return -EBADF;
    }
    cm_lock(&lock);
    if (!is_open(from)) {
        cm_unlock(&lock);
        return -EBADF;
    }
    if (from == to) {
        cm_unlock(&lock);
        return to;
    }
    before = slots[to].file;
    slots[from].file->refs++;
    slots[to] = (struct slot){slots[from].file, cloexec};
    cm_unlock(&lock);
    (void)cm_file_put(before); /* like Linux, what closing it says is lost */
    return to;
}

long cm_fd_get_cloexec(long fd)
{
    long r = -EBADF;

    cm_lock(&lock);
    if (is_open(fd)) {
        r = slots[fd].cloexec ? FD_CLOEXEC : 0;
    }
    cm_unlock(&lock);
    return r;
}

long cm_fd_set_cloexec(long fd, bool on)
{
    long r = -EBADF;

    cm_lock(&lock);
    if (is_open(fd)) {
        slots[fd].cloexec = on;
        r = 0;
    }
    cm_unlock(&lock);
    return r;
}
