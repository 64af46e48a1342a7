/* The host's side of openenclave/edl/{epoll,poll}.edl. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cm_syscall_u.h"
#include "host/sys_ocalls.h"

_Static_assert(sizeof(oe_epoll_event) == sizeof(struct epoll_event), "layout of events");

/* Written to by a wake; made when the first wait or wake comes, and kept as long as the process. */
static int waker(void)
{
    static int fd = -1;
    int seen = __atomic_load_n(&fd, __ATOMIC_ACQUIRE);
    int own;

    if (seen >= 0) {
        return seen;
    }
    own = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (own >= 0 &&
        !__atomic_compare_exchange_n(&fd, &seen, own, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)close(own);
        return seen;
    }
    return own;
}

CM_REPLACEABLE oe_host_fd_t oe_syscall_epoll_create1_ocall(int flags)
{
    return epoll_create1(flags);
}

CM_REPLACEABLE int oe_syscall_epoll_wait_ocall(int64_t epfd, oe_epoll_event *events,
                                               unsigned int maxevents, int timeout)
{
    struct pollfd both[2] = {{(int)epfd, POLLIN, 0}, {waker(), POLLIN, 0}};
    uint64_t wakes = 0;
    int n = poll(both, 2, timeout);

    if (n <= 0) {
        return n;
    }
    if ((both[1].revents & POLLIN) != 0) {
        (void)!read(both[1].fd, &wakes, sizeof(wakes)); /* whoever comes first has been woken */
    }
    return epoll_wait((int)epfd, (struct epoll_event *)(void *)events,
                      maxevents > INT_MAX ? INT_MAX : (int)maxevents, 0);
}

CM_REPLACEABLE int oe_syscall_epoll_wake_ocall(void)
{
    const uint64_t one = 1;

    return write(waker(), &one, sizeof(one)) == (ssize_t)sizeof(one) ? 0 : -1;
}

CM_REPLACEABLE int oe_syscall_epoll_ctl_ocall(int64_t epfd, int op, int64_t fd,
                                              oe_epoll_event *event)
{
    return epoll_ctl((int)epfd, op, (int)fd, (struct epoll_event *)(void *)event);
}

CM_REPLACEABLE int oe_syscall_epoll_close_ocall(oe_host_fd_t epfd)
{
    return close((int)epfd);
}

CM_REPLACEABLE int oe_syscall_poll_ocall(oe_host_pollfd *host_fds, oe_nfds_t nfds, int timeout)
{
    struct pollfd *fds = NULL;
    oe_nfds_t i;
    int n;

    if (nfds > INT_MAX || (nfds != 0 && host_fds == NULL)) {
        errno = EINVAL;
        return -1;
    }
    fds = calloc(nfds == 0 ? 1 : nfds, sizeof(*fds));
    if (fds == NULL) {
        return -1;
    }
    for (i = 0; i < nfds; i++) {
        fds[i] = (struct pollfd){(int)host_fds[i].fd, host_fds[i].events, 0};
    }
    n = poll(fds, nfds, timeout);
    for (i = 0; i < nfds && n >= 0; i++) {
        host_fds[i].revents = fds[i].revents;
    }
    free(fds);
    return n;
}
