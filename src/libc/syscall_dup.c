/*
 * Wrappers of the C library that need a table of descriptors, though there may be no module for files
 * or sockets: they link it (src/syscall).
 */
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

/* src/syscall/sys_core.c */
long cm_sys_core(long number, const long args[6]);

int __dup3(int from, int to, int flags) __attribute__((alias("dup3")));

/* as cm_syscall, which finds the table only when somebody links it */
static long call(long number, const long args[6])
{
    long r = cm_syscall_own(number, args);

    return cm_sys_ret(r != -ENOSYS ? r : cm_sys_core(number, args));
}

#define CALL(number, ...) call((number), (const long[6]){__VA_ARGS__})

int dup(int fd)
{
    return (int)CALL(SYS_dup, fd);
}

int dup2(int from, int to)
{
    return (int)CALL(SYS_dup2, from, to);
}

int dup3(int from, int to, int flags)
{
    return (int)CALL(SYS_dup3, from, to, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return (int)CALL(SYS_poll, CM_P(fds), (long)count, timeout);
}

/* signal sets mean nothing: an enclave gets no signals */
int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *set)
{
    (void)set;
    return (int)CALL(SYS_ppoll, CM_P(fds), (long)count, CM_P(timeout));
}

int select(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
           struct timeval *restrict timeout)
{
    return (int)CALL(SYS_select, n, CM_P(in), CM_P(out), CM_P(except), CM_P(timeout));
}

int pselect(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
            const struct timespec *restrict timeout, const sigset_t *restrict set)
{
    (void)set;
    return (int)CALL(SYS_pselect6, n, CM_P(in), CM_P(out), CM_P(except), CM_P(timeout));
}
