/*
 * epoll of the host. It knows the enclave's watches by numbers only: what the caller wants back with
 * an event stays inside, so that no lie of the host becomes an address that the caller follows (C2).
 * An event counts when its watch stands, its descriptor is still the one that was added, and the event
 * was asked for; once in each answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <openenclave/bits/module.h>

#include "libc/inside_lock.h"
#include "syscall/sys_core.h"
#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_epoll_create1_ocall);
CM_HOST_MAY(oe_syscall_epoll_wait_ocall);
CM_HOST_MAY(oe_syscall_epoll_ctl_ocall);
CM_HOST_MAY(oe_syscall_epoll_close_ocall);

enum { WATCHES_MAX = 1024, EVENTS_MAX = 1024 };

/* A watch; its number for the host is its place and its generation. */
struct watch {
    bool stands;
    int fd;
    uint64_t serial; /* of the file behind fd, when it was added */
    uint32_t generation;
    uint32_t events;
    uint64_t round; /* the last answer that named it */
    epoll_data_t data;
};

struct host_epoll {
    struct cm_file file;
    int64_t host;
    int lock; /* what follows */
    uint64_t round;
    size_t count;
    struct watch *watches;
};

static struct host_epoll *as_epoll(struct cm_file *f)
{
    return (struct host_epoll *)(void *)f;
}

static long close_host(int64_t host)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("epoll", oe_syscall_epoll_close_ocall, &got, host);

    return cm_host_done(call, got);
}

static long epoll_close(struct cm_file *f)
{
    struct host_epoll *e = as_epoll(f);
    long r = close_host(e->host);

    free(e->watches);
    free(e);
    return r;
}

static long epoll_host(struct cm_file *f, int64_t *host)
{
    *host = as_epoll(f)->host;
    return 0;
}

static const struct cm_file_ops epoll_ops = {.host = epoll_host, .close = epoll_close};

static long do_create(int flags)
{
    struct host_epoll *e = NULL;
    oe_host_fd_t got = -1;
    oe_result_t call;
    long r;

    if ((flags & ~EPOLL_CLOEXEC) != 0) {
        return -EINVAL;
    }
    call = CM_HOST_ASK("epoll", oe_syscall_epoll_create1_ocall, &got, EPOLL_CLOEXEC);
    r = cm_host_number(call, got, CM_HOST_FD_MAX);
    if (r < 0) {
        return r;
    }
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        (void)close_host(r);
        return -ENOMEM;
    }
    cm_file_init(&e->file, &epoll_ops, 0);
    e->host = r;
    r = cm_fd_install(&e->file, 0, (flags & EPOLL_CLOEXEC) != 0);
    if (r < 0) {
        (void)cm_file_put(&e->file);
    }
    return r;
}

/* The watch of the descriptor, or NULL. One whose file is gone is taken away on the way. */
static struct watch *watch_of(struct host_epoll *e, int fd, uint64_t serial)
{
    size_t i;

    for (i = 0; i < e->count; i++) {
        struct watch *w = &e->watches[i];

        if (w->stands && w->fd == fd) {
            if (w->serial == serial) {
                return w;
            }
            w->stands = false;
        }
    }
    return NULL;
}

static struct watch *free_watch(struct host_epoll *e)
{
    struct watch *more;
    size_t i;

    for (i = 0; i < e->count; i++) {
        if (!e->watches[i].stands) {
            return &e->watches[i];
        }
    }
    if (e->count == WATCHES_MAX) {
        return NULL;
    }
    more = realloc(e->watches, (e->count + 1) * sizeof(*more));
    if (more == NULL) {
        return NULL;
    }
    e->watches = more;
    memset(&more[e->count], 0, sizeof(*more));
    return &more[e->count++];
}

static uint64_t number_of(const struct host_epoll *e, const struct watch *w)
{
    return (uint64_t)w->generation << 32 | (uint64_t)(w - e->watches);
}

static long tell_host(const struct host_epoll *e, int op, int64_t fd, const struct watch *w)
{
    oe_epoll_event event = {w->events, {.u64 = number_of(e, w)}};
    int got = -1;
    oe_result_t call =
        CM_HOST_ASK("epoll", oe_syscall_epoll_ctl_ocall, &got, e->host, op, fd, &event);

    return cm_host_done(call, got);
}

static long add(struct host_epoll *e, int fd, const struct cm_file *f, int64_t host,
                const struct epoll_event *event)
{
    struct watch *w = free_watch(e);
    long r;

    if (w == NULL) {
        return e->count == WATCHES_MAX ? -ENOSPC : -ENOMEM;
    }
    w->fd = fd;
    w->serial = f->serial;
    w->generation++;
    w->events = event->events;
    w->data = event->data;
    r = tell_host(e, EPOLL_CTL_ADD, host, w);
    w->stands = r == 0;
    return r;
}

static long change(struct host_epoll *e, struct watch *w, int64_t host, int op,
                   const struct epoll_event *event)
{
    struct watch now = *w;
    long r;

    if (op == EPOLL_CTL_DEL) {
        r = tell_host(e, op, host, w);
        w->stands = r != 0;
        return r;
    }
    w->events = event->events;
    w->data = event->data;
    r = tell_host(e, op, host, w);
    if (r != 0) {
        *w = now;
    }
    return r;
}

static long control(struct host_epoll *e, int op, int fd, struct cm_file *f,
                    const struct epoll_event *event)
{
    struct watch *w;
    int64_t host = -1;
    long r = -EINVAL;

    if (&e->file == f || f->ops->host == NULL || f->ops->host(f, &host) != 0) {
        return &e->file == f ? -EINVAL : -EPERM;
    }
    if (op != EPOLL_CTL_DEL && event == NULL) {
        return -EFAULT;
    }
    cm_lock(&e->lock);
    w = watch_of(e, fd, f->serial);
    if (op == EPOLL_CTL_ADD) {
        r = w != NULL ? -EEXIST : add(e, fd, f, host, event);
    } else if (op == EPOLL_CTL_MOD || op == EPOLL_CTL_DEL) {
        r = w == NULL ? -ENOENT : change(e, w, host, op, event);
    }
    cm_unlock(&e->lock);
    return r;
}

static long do_control(struct cm_file *f, int op, int fd, const struct epoll_event *event)
{
    struct cm_file *watched = cm_fd_get(fd);
    long r = watched == NULL ? -EBADF : control(as_epoll(f), op, fd, watched, event);

    (void)cm_file_put(watched);
    return r;
}

/* The watch that the host's number means, when it may be believed. */
static struct watch *believed(struct host_epoll *e, uint64_t number)
{
    const size_t place = number & UINT32_MAX;
    struct watch *w = place < e->count ? &e->watches[place] : NULL;
    struct cm_file *f;

    if (w == NULL || !w->stands || w->generation != number >> 32 || w->round == e->round) {
        return NULL;
    }
    f = cm_fd_get(w->fd);
    if (f == NULL || f->serial != w->serial) {
        w->stands = false; /* closed meanwhile */
        w = NULL;
    }
    (void)cm_file_put(f);
    return w;
}

/* How many of the host's n events are true; those come first in out. */
static long sift(struct host_epoll *e, const oe_epoll_event *told, long n, struct epoll_event *out)
{
    long kept = 0;
    long i;

    cm_lock(&e->lock);
    e->round++;
    for (i = 0; i < n; i++) {
        struct watch *w = believed(e, told[i].data.u64);
        uint32_t events =
            w == NULL ? 0
                      : told[i].events & (w->events | EPOLLERR | EPOLLHUP) &
                            ~(uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE);

        if (events != 0) {
            w->round = e->round;
            out[kept].events = events;
            out[kept].data = w->data;
            kept++;
        }
    }
    cm_unlock(&e->lock);
    return kept;
}

static long do_wait(struct cm_file *f, struct epoll_event *out, long max, int timeout)
{
    struct host_epoll *e = as_epoll(f);
    const unsigned ask = max < EVENTS_MAX ? (unsigned)max : EVENTS_MAX;
    oe_epoll_event *told = NULL;
    int got = -1;
    oe_result_t call;
    long n;

    if (max <= 0 || out == NULL) {
        return max <= 0 ? -EINVAL : -EFAULT;
    }
    told = calloc(ask, sizeof(*told));
    if (told == NULL) {
        return -ENOMEM;
    }
    call = CM_HOST_ASK("epoll", oe_syscall_epoll_wait_ocall, &got, e->host, told, ask, timeout);
    n = cm_host_number(call, got, ask);
    if (n > 0) {
        n = sift(e, told, n, out);
        if (n == 0 && timeout < 0) {
            n = -EINTR; /* a wait without end may not end with nothing */
        }
    }
    free(told);
    return n;
}

static long on_epoll(long number, struct cm_file *f, const long a[6])
{
    if (number == SYS_epoll_ctl) {
        return do_control(f, (int)a[1], (int)a[2], cm_sys_ptr(a[3]));
    }
    return do_wait(f, cm_sys_ptr(a[1]), (int)a[2], (int)a[3]);
}

static long serve(long number, const long a[6])
{
    struct cm_file *f = NULL;
    long r;

    switch (number) {
    case SYS_epoll_create:
        return a[0] <= 0 ? -EINVAL : do_create(0);
    case SYS_epoll_create1:
        return do_create((int)a[0]);
    case SYS_epoll_ctl:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        break;
    default:
        return -ENOSYS;
    }
    f = cm_fd_get(a[0]);
    if (f == NULL) {
        return -EBADF;
    }
    r = f->ops == &epoll_ops ? on_epoll(number, f, a) : -EINVAL;
    (void)cm_file_put(f);
    return r;
}

oe_result_t oe_load_module_host_epoll(void)
{
    cm_sys_link();
    cm_sys_serve(CM_SYS_EVENTS, serve);
    return OE_OK;
}
