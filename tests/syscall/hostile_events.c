/* The lying host's ocalls on events and identity; see hostile_files.c. */
#include "hostile_lie.h"

#include <sys/epoll.h>

#include "syscall_u.h"

/* the number that the enclave gave its newest watch */
static uint64_t newest;

oe_host_fd_t oe_syscall_epoll_create1_ocall(int flags)
{
    (void)flags;
    return lie_now("epoll_create1") ? lie.value : 1003;
}

int oe_syscall_epoll_ctl_ocall(int64_t epfd, int op, int64_t fd, oe_epoll_event *event)
{
    (void)epfd;
    (void)fd;
    if (op == EPOLL_CTL_ADD) {
        newest = event->data.u64;
    }
    return lie_now("epoll_ctl") ? (int)lie.value : 0;
}

int oe_syscall_epoll_close_ocall(oe_host_fd_t epfd)
{
    (void)epfd;
    return 0;
}

/*
 * An honest answer is one EPOLLIN for the newest watch. 1: the number is changed by value, 2: the
 * events are value, 3: the same one twice; 0: only the count is value.
 */
int oe_syscall_epoll_wait_ocall(int64_t epfd, oe_epoll_event *events, unsigned int maxevents,
                                int timeout)
{
    bool lies = lie_now("epoll_wait");
    unsigned int i;

    (void)epfd;
    (void)timeout;
    for (i = 0; i < maxevents; i++) {
        events[i].events = EPOLLIN;
        events[i].data.u64 = newest;
    }
    if (!lies) {
        return 1;
    }
    if (lie.member == 1) {
        events[0].data.u64 = newest ^ (uint64_t)lie.value;
    } else if (lie.member == 2) {
        events[0].events = (uint32_t)lie.value;
    }
    return lie.member == 0 ? (int)lie.value : lie.member == 3 ? 2 : 1;
}

/* 1: each of them got the events value; 0: only the count is value */
int oe_syscall_poll_ocall(oe_host_pollfd *host_fds, oe_nfds_t nfds, int timeout)
{
    oe_nfds_t i;

    (void)timeout;
    (void)lie_now("poll");
    for (i = 0; i < nfds; i++) {
        host_fds[i].revents = (short)(lie.member == 1 ? lie.value : 0);
        host_fds[i].fd = -1;
        host_fds[i].events = -1;
    }
    return lie.member == 0 ? (int)lie.value : (int)nfds;
}

int oe_syscall_getpid_ocall(void)
{
    return lie_now("getpid") ? (int)lie.value : 5;
}

int oe_syscall_getppid_ocall(void)
{
    return lie_now("getppid") ? (int)lie.value : 4;
}

int oe_syscall_getgroups_ocall(size_t size, unsigned int *list)
{
    memset(list, 0x5a, size * sizeof(*list));
    return lie_now("getgroups") ? (int)lie.value : (int)size;
}

int oe_syscall_uname_ocall(oe_utsname *buf)
{
    (void)lie_now("uname");
    memset(buf, 0, sizeof(*buf));
    memset((char *)buf + lie.value * 65, 'a', 65); /* one of the six has no end */
    return 0;
}
