/* Work on events and identity; see syscall_work.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "syscall_work.h"

static void note_event(int ep, struct work_log *log)
{
    struct epoll_event got[4] = {0};
    int n = epoll_wait(ep, got, 4, 0);

    work_note(log, "epoll_wait", n);
    if (n > 0) {
        work_note(log, "events", got[0].events);
        work_note(log, "data", (long)got[0].data.u64);
    }
}

static void with_epoll(const int pair[2], struct work_log *log)
{
    struct epoll_event e = {EPOLLIN, {.u64 = 0x123456789abcdef0}};
    struct epoll_event many[2];
    char byte;
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int again;

    work_note(log, "epoll_create1", ep > pair[1]);
    work_note(log, "F_GETFD", fcntl(ep, F_GETFD));
    work_note(log, "epoll_create1 wrong", epoll_create1(1));
    work_note(log, "add", epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &e));
    work_note(log, "add again", epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &e));
    work_note(log, "add itself", epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
    work_note(log, "add closed", epoll_ctl(ep, EPOLL_CTL_ADD, 999, &e));
    work_note(log, "no such deed", epoll_ctl(ep, 77, pair[0], &e));
    work_note(log, "not an epoll", epoll_ctl(pair[0], EPOLL_CTL_ADD, pair[1], &e));
    note_event(ep, log);
    work_note(log, "write", write(pair[1], "ab", 2));
    note_event(ep, log);
    e.events = EPOLLIN | EPOLLOUT | EPOLLONESHOT;
    e.data.u64 = 7;
    work_note(log, "mod", epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &e));
    note_event(ep, log);
    note_event(ep, log);
    e.events = EPOLLIN | EPOLLET;
    work_note(log, "mod", epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &e));
    note_event(ep, log);
    note_event(ep, log);
    work_note(log, "read", read(pair[0], &byte, 1));
    work_note(log, "delete", epoll_ctl(ep, EPOLL_CTL_DEL, pair[0], NULL));
    work_note(log, "delete again", epoll_ctl(ep, EPOLL_CTL_DEL, pair[0], NULL));
    work_note(log, "mod of none", epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &e));
    note_event(ep, log);
    e.events = EPOLLOUT;
    again = dup(pair[1]);
    work_note(log, "add the copy", epoll_ctl(ep, EPOLL_CTL_ADD, again, &e));
    work_note(log, "add the other", epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &e));
    work_note(log, "two", epoll_wait(ep, many, 2, 100));
    work_note(log, "one of two", epoll_wait(ep, many, 1, 100));
    work_note(log, "room for none", epoll_wait(ep, many, 0, 0));
    work_note(log, "close the copy", close(again));
    work_note(log, "close", close(ep));
    work_note(log, "wait on closed", epoll_wait(ep, many, 2, 0));
}

static void with_poll(const int pair[2], struct work_log *log)
{
    struct pollfd p[4] = {
        {pair[0], POLLIN, 0}, {pair[1], POLLIN | POLLOUT, 0}, {-5, POLLIN, 9}, {999, POLLIN, 0}};
    struct timespec t = {0, 1000000};

    work_note(log, "poll", poll(p, 3, 0));
    work_note(log, "first", p[0].revents);
    work_note(log, "second", p[1].revents);
    work_note(log, "third", p[2].revents);
    work_note(log, "poll with a closed one", poll(p, 4, -1));
    work_note(log, "fourth", p[3].revents);
    work_note(log, "poll for nothing", poll(p, 0, 1));
    p[0].events = POLLPRI;
    work_note(log, "ppoll", ppoll(p, 1, &t, NULL));
    t.tv_nsec = -1;
    work_note(log, "ppoll wrong", ppoll(p, 1, &t, NULL));
}

static void with_select(const int pair[2], struct work_log *log)
{
    struct timeval zero = {0, 0};
    struct timespec short_time = {0, 1000};
    int most = (pair[0] > pair[1] ? pair[0] : pair[1]) + 1;
    const unsigned short first = (unsigned short)pair[0]; /* both libraries take it */
    const unsigned short second = (unsigned short)pair[1];
    fd_set in;
    fd_set out;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(first, &in);
    FD_SET(second, &in);
    FD_SET(second, &out);
    work_note(log, "select", select(most, &in, &out, NULL, &zero));
    work_note(log, "first in", FD_ISSET(first, &in) != 0);
    work_note(log, "second in", FD_ISSET(second, &in) != 0);
    work_note(log, "second out", FD_ISSET(second, &out) != 0);
    FD_ZERO(&in);
    FD_SET(second, &in);
    work_note(log, "pselect", pselect(most, &in, NULL, NULL, &short_time, NULL));
    work_note(log, "second in", FD_ISSET(second, &in) != 0);
    FD_SET(999, &in);
    work_note(log, "select of closed", select(1000, &in, NULL, NULL, &zero));
    work_note(log, "select of too few", select(-1, &in, NULL, NULL, &zero));
}

void work_events(const char *folder, struct work_log *log)
{
    int pair[2] = {-1, -1};

    (void)folder;
    work_note(log, "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    with_epoll(pair, log);
    with_poll(pair, log);
    with_select(pair, log);
    (void)close(pair[1]);
    with_poll(pair, log);
    (void)close(pair[0]);
}

void work_identity(const char *folder, struct work_log *log)
{
    struct utsname name = {0};
    cpu_set_t set;
    gid_t groups[64];
    struct rlimit limit;
    char host[65] = "";

    (void)folder;
    work_note(log, "getpid", getpid());
    work_note(log, "getppid", getppid());
    work_note(log, "getpgrp", getpgrp());
    work_note(log, "getpgid", getpgid(0));
    work_note(log, "getpgid of none", getpgid(0x7ffffff0));
    work_note(log, "getuid", getuid());
    work_note(log, "geteuid", geteuid());
    work_note(log, "getgid", getgid());
    work_note(log, "getegid", getegid());
    work_note(log, "getgroups", getgroups(0, NULL));
    work_note(log, "getgroups", getgroups(64, groups));
    work_note(log, "kill 0", kill(getpid(), 0));
    work_note(log, "kill of none", kill(0x7ffffff0, 0));
    work_note(log, "uname", uname(&name));
    work_text(log, "sysname", name.sysname);
    work_text(log, "nodename", name.nodename);
    work_text(log, "release", name.release);
    work_text(log, "machine", name.machine);
    work_note(log, "gethostname", gethostname(host, sizeof(host)));
    work_text(log, "host", host);
    work_note(log, "affinity", sched_getaffinity(0, sizeof(set), &set) >= 0);
    work_note(log, "limit of no kind", getrlimit(99, &limit));
}
