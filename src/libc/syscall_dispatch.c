/*
 * The one place where system calls of the enclave's C library arrive. What is served here needs
 * nothing that an EDL import would have to bring: console output, random bytes, clocks and sleep. Called
 * by enclave code only; nothing of the host is believed except the time, which is documented so.
 */
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "libc/inside_console.h"
#include "libc/inside_runtime.h"
#include "libc/syscall_inside.h"

long __syscall_cp(long n, long a, long b, long c, long d, long e, long f);
long __syscall_cp_c(long n, long a, long b, long c, long d, long e, long f);

/* src/syscall: descriptors and paths; linked when something needs them */
extern long cm_sys_core(long number, const long args[6]) __attribute__((weak));

/* syscall_memory.c: mappings and sysinfo; linked by who calls them by name */
extern long cm_sys_memory(long number, const long args[6]) __attribute__((weak));

static const void *in_pointer(long arg)
{
    return (const void *)(uintptr_t)arg;
}

static void *out_pointer(long arg)
{
    return (void *)(uintptr_t)arg;
}

static bool is_console(long fd)
{
    return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

static long do_write(const long args[6])
{
    const struct iovec v = {out_pointer(args[1]), (size_t)args[2]};

    return args[2] < 0 ? -EINVAL : cm_console_write((int)args[0], &v, 1);
}

static long do_writev(const long args[6])
{
    if (args[2] < 0 || args[2] > IOV_MAX) {
        return -EINVAL;
    }
    return cm_console_write((int)args[0], in_pointer(args[1]), (size_t)args[2]);
}

static long do_getrandom(const long args[6])
{
    if (args[1] < 0) {
        return -EINVAL;
    }
    return cm_libc_random(out_pointer(args[0]), (size_t)args[1]) == 0 ? args[1] : -EIO;
}

static long do_clock_gettime(const long args[6])
{
    return clock_gettime((clockid_t)args[0], out_pointer(args[1])) == 0 ? 0 : -EINVAL;
}

long cm_syscall(long number, const long args[6])
{
    long result = cm_syscall_own(number, args);

    if (result == -ENOSYS && cm_sys_core != NULL) {
        result = cm_sys_core(number, args);
    }
    if (result == -ENOSYS && cm_sys_memory != NULL) {
        result = cm_sys_memory(number, args);
    }
    if (result != -ENOSYS) {
        return result;
    }
    switch (number) {
    case SYS_write:
        return is_console(args[0]) ? do_write(args) : -EBADF;
    case SYS_writev:
        return is_console(args[0]) ? do_writev(args) : -EBADF;
    case SYS_getrandom:
        return do_getrandom(args);
    case SYS_clock_gettime:
        return do_clock_gettime(args);
    case SYS_nanosleep:
        return cm_sleep(CLOCK_MONOTONIC, 0, in_pointer(args[0]));
    case SYS_clock_nanosleep:
        return cm_sleep((clockid_t)args[0], (int)args[1], in_pointer(args[2]));
    case SYS_getpid:
        return 1; /* an enclave is alone; OpenSSL asks only to notice a fork */
    default:
        return -ENOSYS;
    }
}

long syscall(long number, ...)
{
    long args[6];
    va_list ap;
    unsigned i;

    va_start(ap, number);
    for (i = 0; i < 6; i++) {
        args[i] = va_arg(ap, long);
    }
    va_end(ap);
    return cm_sys_ret(cm_syscall(number, args));
}

/* what musl's cancellation points call */
long __syscall_cp(long n, long a, long b, long c, long d, long e, long f)
{
    return cm_syscall(n, (const long[6]){a, b, c, d, e, f});
}

long __syscall_cp_c(long n, long a, long b, long c, long d, long e, long f)
{
    return cm_syscall(n, (const long[6]){a, b, c, d, e, f});
}
