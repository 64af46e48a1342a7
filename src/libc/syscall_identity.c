/*
 * Wrappers of the C library that ask who the process is. They link what answers (src/syscall), which
 * an enclave that asks nothing of the kind does without; an application's own answer comes first.
 */
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

#undef getrlimit64
#undef setrlimit64
#undef prlimit64

/* src/syscall/sys_identity.c */
long cm_sys_identity_call(long number, const long args[6]);

int getrlimit64(int resource, struct rlimit *limit) __attribute__((alias("getrlimit")));
int prlimit64(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old)
    __attribute__((alias("prlimit")));
int setrlimit64(int resource, const struct rlimit *limit) __attribute__((alias("setrlimit")));

static long ask(long number, const long args[6])
{
    long r = cm_syscall_own(number, args);

    return cm_sys_ret(r != -ENOSYS ? r : cm_sys_identity_call(number, args));
}

#define ASK(number, ...) ask((number), (const long[6]){__VA_ARGS__})

pid_t getpid(void)
{
    return (pid_t)ASK(SYS_getpid, 0);
}

pid_t getppid(void)
{
    return (pid_t)ASK(SYS_getppid, 0);
}

pid_t getpgrp(void)
{
    return (pid_t)ASK(SYS_getpgrp, 0);
}

pid_t getpgid(pid_t pid)
{
    return (pid_t)ASK(SYS_getpgid, pid);
}

uid_t getuid(void)
{
    return (uid_t)ASK(SYS_getuid, 0);
}

uid_t geteuid(void)
{
    return (uid_t)ASK(SYS_geteuid, 0);
}

gid_t getgid(void)
{
    return (gid_t)ASK(SYS_getgid, 0);
}

gid_t getegid(void)
{
    return (gid_t)ASK(SYS_getegid, 0);
}

int getgroups(int count, gid_t list[])
{
    return (int)ASK(SYS_getgroups, count, CM_P(list));
}

int uname(struct utsname *name)
{
    return (int)ASK(SYS_uname, CM_P(name));
}

int getrlimit(int resource, struct rlimit *limit)
{
    return (int)ASK(SYS_prlimit64, 0, resource, 0, CM_P(limit));
}

int setrlimit(int resource, const struct rlimit *limit)
{
    return (int)ASK(SYS_prlimit64, 0, resource, CM_P(limit), 0);
}

int prlimit(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old)
{
    return (int)ASK(SYS_prlimit64, pid, resource, CM_P(set), CM_P(old));
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    return (int)ASK(SYS_sched_getaffinity, pid, (long)size, CM_P(set));
}

int kill(pid_t pid, int sig)
{
    return (int)ASK(SYS_kill, pid, sig);
}
