/*
 * Wrappers of the C library that ask about the process and the machine, and signals. An enclave is
 * no process and gets no signals (faults reach it as exceptions): what cannot mean anything fails,
 * what programs only ask out of habit gets a harmless answer.
 */
#include <signal.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "libc/syscall_inside.h"

int __sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
    __attribute__((alias("sigaction")));
int __libc_sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
    __attribute__((alias("sigaction")));
int __sigsetjmp_tail(void *env, int ret);
void __block_all_sigs(void *set);
void __block_app_sigs(void *set);
void __restore_sigs(void *set);

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
