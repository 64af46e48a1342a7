/*
 * The two system calls that libc++ makes by number: its calls of syscall() come here
 * (cmake/inside_cxx.cmake renames them). Its static-object guards ask who runs, to find recursion; its
 * atomic waits sleep and wake. Waiters queue in enclave memory; what the host does to a sleeping thread
 * is a hint (D5).
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libc/inside_lock.h"

/* the kernel's; musl has no header for them */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

long cm_cxx_syscall(long number, ...);

static long fail(int error)
{
    errno = error;
    return -1;
}

static long do_futex(const int *word, int op, int value)
{
    int error;

    switch (op) {
    case FUTEX_WAIT_PRIVATE:
        /* The caller's time limit is left out: it loops, and what changes the word wakes it. With
         * one, the thread would poll the host's clock instead of sleeping. */
        error = cm_futex_wait(word, value, CLOCK_REALTIME, NULL);
        return error == 0 ? 0 : fail(error);
    case FUTEX_WAKE_PRIVATE:
        cm_futex_wake(word, value);
        return 0;
    default:
        return fail(ENOSYS);
    }
}

long cm_cxx_syscall(long number, ...)
{
    long result;
    va_list ap;

    if (number == SYS_gettid) {
        return gettid();
    }
    if (number != SYS_futex) {
        return fail(ENOSYS);
    }
    va_start(ap, number);
    const int *word = va_arg(ap, const int *);
    int op = va_arg(ap, int);

    result = do_futex(word, op, va_arg(ap, int));
    va_end(ap);
    return result;
}
