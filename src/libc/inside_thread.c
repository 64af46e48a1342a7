/*
 * The rest of the thread interface. A thread of an enclave is a host thread that came in by an
 * ecall: the enclave cannot make, join, signal or schedule one, so those calls fail and say so.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <threads.h>

#include "libc/inside_runtime.h"

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                   void *(*start)(void *), void *restrict arg)
{
    (void)thread;
    (void)attr;
    (void)start;
    (void)arg;
    return ENOSYS;
}

int pthread_join(pthread_t thread, void **value)
{
    (void)thread;
    (void)value;
    return ENOSYS;
}

int pthread_detach(pthread_t thread)
{
    (void)thread;
    return ENOSYS;
}

int pthread_cancel(pthread_t thread)
{
    (void)thread;
    return ENOSYS;
}

int pthread_kill(pthread_t thread, int sig)
{
    (void)thread;
    (void)sig;
    return ENOSYS;
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    (void)how;
    (void)set;
    if (old != NULL) {
        (void)sigemptyset(old);
    }
    return 0;
}

/* an ecall has to return through its wrapper; leaving it in the middle is not possible */
_Noreturn void pthread_exit(void *value)
{
    (void)value;
    oe_abort();
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
    (void)thread;
    (void)start;
    (void)arg;
    return thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
    (void)thread;
    (void)result;
    return thrd_error;
}

int thrd_detach(thrd_t thread)
{
    (void)thread;
    return thrd_error;
}

_Noreturn void thrd_exit(int result)
{
    (void)result;
    oe_abort();
}

void thrd_yield(void)
{
    __builtin_ia32_pause();
}

int sched_yield(void)
{
    __builtin_ia32_pause();
    return 0;
}
