/* The host's side of openenclave/edl/{signal,time,unistd,utsname}.edl: this process and its system. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cm_syscall_u.h"
#include "host/sys_ocalls.h"

_Static_assert(sizeof(struct utsname) == sizeof(oe_utsname), "layout of utsname");

CM_REPLACEABLE int oe_syscall_kill_ocall(int pid, int signum)
{
    return kill(pid, signum);
}

CM_REPLACEABLE int oe_syscall_clock_gettime_ocall(oe_clockid_t clockid, oe_timespec *tp)
{
    struct timespec t;

    if (tp == NULL || clock_gettime(clockid, &t) != 0) {
        return -1;
    }
    *tp = (oe_timespec){t.tv_sec, t.tv_nsec};
    return 0;
}

CM_REPLACEABLE int oe_syscall_nanosleep_ocall(oe_timespec *req, oe_timespec *rem)
{
    return oe_syscall_clock_nanosleep_ocall(CLOCK_REALTIME, 0, req, rem);
}

CM_REPLACEABLE int oe_syscall_clock_nanosleep_ocall(oe_clockid_t clockid, int flag,
                                                    oe_timespec *req, oe_timespec *rem)
{
    struct timespec left = {0, 0};
    struct timespec want;
    int r;

    if (req == NULL) {
        errno = EFAULT;
        return -1;
    }
    want = (struct timespec){req->tv_sec, req->tv_nsec};
    r = clock_nanosleep(clockid, flag, &want, &left);
    if (r == EINTR && rem != NULL && (flag & TIMER_ABSTIME) == 0) {
        *rem = (oe_timespec){left.tv_sec, left.tv_nsec};
    }
    errno = r;
    return r == 0 ? 0 : -1;
}

CM_REPLACEABLE int oe_syscall_getpid_ocall(void)
{
    return getpid();
}

CM_REPLACEABLE int oe_syscall_getppid_ocall(void)
{
    return getppid();
}

CM_REPLACEABLE int oe_syscall_getpgrp_ocall(void)
{
    return getpgrp();
}

CM_REPLACEABLE unsigned int oe_syscall_getuid_ocall(void)
{
    return getuid();
}

CM_REPLACEABLE unsigned int oe_syscall_geteuid_ocall(void)
{
    return geteuid();
}

CM_REPLACEABLE unsigned int oe_syscall_getgid_ocall(void)
{
    return getgid();
}

CM_REPLACEABLE unsigned int oe_syscall_getegid_ocall(void)
{
    return getegid();
}

CM_REPLACEABLE int oe_syscall_getpgid_ocall(int pid)
{
    return getpgid(pid);
}

CM_REPLACEABLE int oe_syscall_getgroups_ocall(size_t size, unsigned int *list)
{
    if (size > INT_MAX) {
        errno = EINVAL;
        return -1;
    }
    return getgroups((int)size, list);
}

CM_REPLACEABLE int oe_syscall_uname_ocall(oe_utsname *buf)
{
    struct utsname name;

    if (buf == NULL || uname(&name) != 0) {
        return -1;
    }
    memcpy(buf, &name, sizeof(*buf));
    return 0;
}
