/*
 * Wrappers of the C library that ask about the process and the machine, and signals. An enclave is
 * no process and gets no signals (faults reach it as exceptions): what cannot mean anything fails,
 * what programs only ask out of habit gets a harmless answer.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

#undef getrlimit64
#undef setrlimit64
#undef prlimit64

int __sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
    __attribute__((alias("sigaction")));
int __libc_sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
    __attribute__((alias("sigaction")));
int getrlimit64(int resource, struct rlimit *limit) __attribute__((alias("getrlimit")));
int prlimit64(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old)
    __attribute__((alias("prlimit")));
int setrlimit64(int resource, const struct rlimit *limit) __attribute__((alias("setrlimit")));
int __sigsetjmp_tail(void *env, int ret);
void __block_all_sigs(void *set);
void __block_app_sigs(void *set);
void __restore_sigs(void *set);

pid_t getpid(void)
{
    return (pid_t)CM_SYS(SYS_getpid, 0);
}

pid_t getppid(void)
{
    return (pid_t)CM_SYS(SYS_getppid, 0);
}

pid_t getpgrp(void)
{
    return (pid_t)CM_SYS(SYS_getpgrp, 0);
}

pid_t getpgid(pid_t pid)
{
    return (pid_t)CM_SYS(SYS_getpgid, pid);
}

uid_t getuid(void)
{
    return (uid_t)CM_SYS(SYS_getuid, 0);
}

uid_t geteuid(void)
{
    return (uid_t)CM_SYS(SYS_geteuid, 0);
}

gid_t getgid(void)
{
    return (gid_t)CM_SYS(SYS_getgid, 0);
}

gid_t getegid(void)
{
    return (gid_t)CM_SYS(SYS_getegid, 0);
}

int getgroups(int count, gid_t list[])
{
    return (int)CM_SYS(SYS_getgroups, count, CM_P(list));
}

int uname(struct utsname *name)
{
    return (int)CM_SYS(SYS_uname, CM_P(name));
}

int sysinfo(struct sysinfo *info)
{
    return (int)CM_SYS(SYS_sysinfo, CM_P(info));
}

int getrlimit(int resource, struct rlimit *limit)
{
    return (int)CM_SYS(SYS_prlimit64, 0, resource, 0, CM_P(limit));
}

int setrlimit(int resource, const struct rlimit *limit)
{
    return (int)CM_SYS(SYS_prlimit64, 0, resource, CM_P(limit), 0);
}

int prlimit(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old)
{
    return (int)CM_SYS(SYS_prlimit64, pid, resource, CM_P(set), CM_P(old));
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    return (int)CM_SYS(SYS_sched_getaffinity, pid, (long)size, CM_P(set));
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return 4096;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return 1;
    case _SC_OPEN_MAX:
        return 1024;
    case _SC_CLK_TCK:
        return 100;
    default:
        errno = EINVAL;
        return -1;
    }
}

int kill(pid_t pid, int sig)
{
    return (int)CM_SYS(SYS_kill, pid, sig);
}

int raise(int sig)
{
    (void)sig;
    errno = ENOSYS;
    return -1;
}

/* accepted and without effect: OpenSSL and others set handlers that could never run here */
int sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
    (void)sig;
    (void)act;
    if (old != NULL) {
        memset(old, 0, sizeof(*old));
    }
    return 0;
}

int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
    (void)stack;
    (void)old;
    errno = ENOSYS;
    return -1;
}

/* the second half of sigsetjmp: there is no signal mask to save or restore */
int __sigsetjmp_tail(void *env, int ret)
{
    (void)env;
    return ret;
}

void __block_all_sigs(void *set)
{
    (void)set;
}

void __block_app_sigs(void *set)
{
    (void)set;
}

void __restore_sigs(void *set)
{
    (void)set;
}

/* OpenSSL asks once whether another process has seeded the system's generator already */
int shmget(key_t key, size_t size, int flags)
{
    return (int)CM_SYS(SYS_shmget, key, (long)size, flags);
}

void *shmat(int id, const void *addr, int flags)
{
    return (void *)CM_SYS(SYS_shmat, id, CM_P(addr), flags);
}

int shmdt(const void *addr)
{
    return (int)CM_SYS(SYS_shmdt, CM_P(addr));
}
