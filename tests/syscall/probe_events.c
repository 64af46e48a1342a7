/* Calls on events and identity on a host that lies; see syscall_probe.c. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "syscall_probe.h"

enum { MARK = 0x51 };

/* What is watched, and by which; the host's are numbers that nothing stands behind. */
static int watched = -1;
static int watcher = -1;

static bool watch(void)
{
    struct epoll_event e = {EPOLLIN, {.u64 = MARK}};

    watched = socket(AF_INET, SOCK_DGRAM, 0);
    watcher = epoll_create1(0);
    return watched >= 0 && watcher >= 0 && epoll_ctl(watcher, EPOLL_CTL_ADD, watched, &e) == 0;
}

static void unwatch(void)
{
    (void)close(watcher);
    (void)close(watched);
}

/* The events of the one that is marked; -1 when an event came that is not; count * 1000 more each */
static int64_t wait_for(struct probe_room *room, int timeout)
{
    struct epoll_event *got = (struct epoll_event *)(void *)room->room;
    int n = epoll_wait(watcher, got, 4, timeout);
    int64_t r = n;
    int i;

    for (i = 0; i < n; i++) {
        r = got[i].data.u64 == MARK ? (int64_t)got[i].events + (n - 1) * 1000 : -99;
    }
    return r;
}

/* arg 1: the descriptor is closed, and its number used again, before the host tells of it */
static int64_t probe_epoll(struct probe_room *room, int64_t arg)
{
    int64_t r = -98;

    if (watch()) {
        if (arg == 1) {
            (void)close(watched);
            watched = socket(AF_INET, SOCK_DGRAM, 0);
        }
        r = wait_for(room, arg == 2 ? -1 : 0);
    }
    unwatch();
    return r;
}

static int64_t probe_poll(struct probe_room *room)
{
    struct pollfd *p = (struct pollfd *)(void *)room->room;
    int64_t r;

    p[0] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    p[1] = (struct pollfd){STDOUT_FILENO, POLLOUT, 0};
    r = poll(p, 2, 0);
    if (p[0].fd != STDIN_FILENO || p[0].events != POLLIN) {
        return -99; /* not the host's to change */
    }
    return r < 0 ? r : r * 1000000 + p[0].revents * 1000 + p[1].revents;
}

static int64_t probe_select(void)
{
    struct timeval zero = {0, 0};
    fd_set in;
    int r;

    FD_ZERO(&in);
    FD_SET(STDIN_FILENO, &in);
    r = select(3, &in, NULL, NULL, &zero);
    return r < 0 ? r : r * 10 + (FD_ISSET(STDIN_FILENO, &in) != 0);
}

int64_t probe_events(const char *name, struct probe_room *room, int64_t arg)
{
    struct utsname u;

    if (strcmp(name, "epoll_create1") == 0) {
        return epoll_create1(0);
    }
    if (strcmp(name, "epoll_ctl") == 0) {
        bool stands = watch();

        unwatch();
        return stands ? 0 : -1;
    }
    if (strcmp(name, "epoll_wait") == 0) {
        return probe_epoll(room, arg);
    }
    if (strcmp(name, "poll") == 0) {
        return probe_poll(room);
    }
    if (strcmp(name, "select") == 0) {
        return probe_select();
    }
    if (strcmp(name, "getpid") == 0) {
        return getpid();
    }
    if (strcmp(name, "getppid") == 0) {
        return getppid();
    }
    if (strcmp(name, "getgroups") == 0) {
        return getgroups((int)arg, (gid_t *)(void *)room->room);
    }
    if (strcmp(name, "uname") == 0) {
        return uname(&u);
    }
    errno = ENOTSUP;
    return -2;
}
