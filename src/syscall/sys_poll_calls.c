/*
 * poll and select: the host waits on its own descriptors, and says what happened. Which of the
 * enclave's descriptors that concerns, and how many there are, is found out here; what was not asked
 * for is left out (C2).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/checked.h"
#include "libc/inside_lock.h"
#include "syscall/sys_core.h"
#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_poll_ocall);

enum { MOST = 1024 }; /* descriptors there can be */

static const short always = POLLERR | POLLHUP | POLLNVAL;

/* One round: what the host has of the entries goes there in one call. */
struct round {
    struct pollfd *entries;
    size_t count;
    oe_host_pollfd *host;
    size_t *of; /* host entry -> entry */
    size_t hosts;
    int ready; /* entries that need no host: closed descriptors, files without one */
};

static void enlist(struct round *r, size_t i)
{
    struct pollfd *e = &r->entries[i];
    struct cm_file *f = NULL;
    int64_t host = -1;

    e->revents = 0;
    if (e->fd < 0) {
        return;
    }
    f = cm_fd_get(e->fd);
    if (f == NULL) {
        e->revents = POLLNVAL;
        r->ready++;
    } else if (f->ops->host == NULL || f->ops->host(f, &host) != 0) {
        /* never waits: like a file */
        e->revents = (short)(e->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
        r->ready += e->revents != 0;
    } else {
        r->host[r->hosts] = (oe_host_pollfd){host, e->events, 0};
        r->of[r->hosts++] = i;
    }
    (void)cm_file_put(f);
}

static long ask(struct round *r, int timeout)
{
    int got = -1;
    oe_result_t call = CM_HOST_ASK("poll", oe_syscall_poll_ocall, &got, r->host, r->hosts, timeout);
    long n = cm_host_number(call, got, (int64_t)r->hosts);
    long seen = 0;
    size_t i;

    if (n < 0) {
        return n;
    }
    for (i = 0; i < r->hosts; i++) {
        struct pollfd *e = &r->entries[r->of[i]];

        e->revents = (short)(r->host[i].revents & (e->events | always));
        seen += e->revents != 0;
    }
    return seen;
}

/* timeout in milliseconds, below 0 for none */
static long poll_all(struct pollfd *entries, size_t count, int timeout)
{
    struct round r = {entries, count, NULL, NULL, 0, 0};
    long n = 0;
    size_t i;

    if (count > MOST) {
        return -EINVAL;
    }
    r.host = calloc(count + 1, sizeof(*r.host));
    r.of = calloc(count + 1, sizeof(*r.of));
    if (r.host == NULL || r.of == NULL) {
        n = -ENOMEM;
    }
    for (i = 0; i < count && n == 0; i++) {
        enlist(&r, i);
    }
    if (n == 0 && (r.hosts != 0 || r.ready == 0)) {
        n = ask(&r, r.ready != 0 ? 0 : timeout);
    }
    free(r.host);
    free(r.of);
    return n < 0 ? n : n + r.ready;
}

/* Rounded up, so that no wait is shorter than asked for; NULL: for ever. */
static long milliseconds(const struct timespec *t, int *out)
{
    *out = -1;
    if (t == NULL) {
        return 0;
    }
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= 1000000000) {
        return -EINVAL;
    }
    *out = t->tv_sec > INT32_MAX / 1000 - 1
               ? INT32_MAX
               : (int)(t->tv_sec * 1000 + (t->tv_nsec + 999999) / 1000000);
    return 0;
}

static short events_of(size_t fd, const fd_set *in, const fd_set *out, const fd_set *except)
{
    int events = 0;

    events |= in != NULL && FD_ISSET(fd, in) ? POLLIN : 0;
    events |= out != NULL && FD_ISSET(fd, out) ? POLLOUT : 0;
    events |= except != NULL && FD_ISSET(fd, except) ? POLLPRI : 0;
    return (short)events;
}

/* Leaves fd in the set when one of the events came; whether it did. */
static bool keep(size_t fd, fd_set *set, const struct pollfd *e, int events)
{
    if (set == NULL || !FD_ISSET(fd, set)) {
        return false;
    }
    if ((e->revents & events) == 0) {
        FD_CLR(fd, set);
        return false;
    }
    return true;
}

static long answer(struct pollfd *entries, size_t count, fd_set *in, fd_set *out, fd_set *except)
{
    long total = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if ((entries[i].revents & POLLNVAL) != 0) {
            return -EBADF;
        }
    }
    for (i = 0; i < count; i++) {
        const size_t fd = (size_t)(entries[i].fd < 0 ? 0 : entries[i].fd);

        if (entries[i].fd < 0) {
            continue;
        }
        total += keep(fd, in, &entries[i], POLLIN | POLLHUP | POLLERR);
        total += keep(fd, out, &entries[i], POLLOUT | POLLERR);
        total += keep(fd, except, &entries[i], POLLPRI);
    }
    return total;
}

static long select_all(long n, fd_set *in, fd_set *out, fd_set *except, const struct timespec *t)
{
    struct pollfd *entries = NULL;
    int timeout = -1;
    long r = n < 0 || n > FD_SETSIZE ? -EINVAL : milliseconds(t, &timeout);
    long fd;

    if (r != 0) {
        return r;
    }
    entries = calloc((size_t)n + 1, sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    for (fd = 0; fd < n; fd++) {
        short events = events_of((size_t)fd, in, out, except);

        entries[fd] = (struct pollfd){events != 0 ? (int)fd : -1, events, 0};
    }
    r = poll_all(entries, (size_t)n, timeout);
    if (r >= 0) {
        r = answer(entries, (size_t)n, in, out, except);
    }
    free(entries);
    return r;
}

static long do_poll(long entries, long count, const struct timespec *t)
{
    int timeout = -1;
    long r = count < 0 ? -EINVAL : milliseconds(t, &timeout);

    return r != 0 ? r : poll_all(cm_sys_ptr(entries), (size_t)count, timeout);
}

static long do_select(const long a[6])
{
    const struct timeval *given = cm_sys_ptr(a[4]);
    struct timespec t = {0};

    if (given != NULL) {
        if (given->tv_usec < 0 || given->tv_usec >= 1000000) {
            return -EINVAL;
        }
        t.tv_sec = given->tv_sec;
        t.tv_nsec = given->tv_usec * 1000;
    }
    return select_all(a[0], cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), cm_sys_ptr(a[3]),
                      given == NULL ? NULL : &t);
}

/* The signal sets of ppoll and pselect mean nothing: an enclave gets no signals. */
long cm_sys_poll_call(long number, const long a[6])
{
    switch (number) {
    case SYS_poll:
        return a[1] < 0 ? -EINVAL : poll_all(cm_sys_ptr(a[0]), (size_t)a[1], (int)a[2]);
    case SYS_ppoll:
        return do_poll(a[0], a[1], cm_sys_ptr(a[2]));
    case SYS_select:
        return do_select(a);
    case SYS_pselect6:
        return select_all(a[0], cm_sys_ptr(a[1]), cm_sys_ptr(a[2]), cm_sys_ptr(a[3]),
                          cm_sys_ptr(a[4]));
    default:
        return -ENOSYS;
    }
}
