/*
 * System calls of code inside the enclave. No instruction of the enclave calls the kernel: every
 * wrapper of the C library ends in cm_syscall(). The application's own answer comes first, then the
 * descriptors and paths of src/syscall, if they are linked, then what needs no host. The rest is
 * ENOSYS.
 */
#ifndef CM_LIBC_SYSCALL_INSIDE_H
#define CM_LIBC_SYSCALL_INSIDE_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

/* Linux numbers and conventions: the result, or -errno. */
long cm_syscall(long number, const long args[6]);

/*
 * What the application answers itself: cm_syscall_extension(), or oe_SYS_<name>_impl() with the call's
 * arguments (syscall_own.c). -ENOSYS when it does not.
 */
long cm_syscall_own(long number, const long args[6]);

/* Weak; an application may define it. -ENOSYS for what it does not know. */
long cm_syscall_extension(long number, const long args[6]);

/* inside_time.c: sleeps by the host's clock. 0 or -EINVAL. */
long cm_sleep(clockid_t clock, int flags, const struct timespec *req);

/* errno convention: -1 and errno instead of -errno. */
static inline long cm_sys_ret(long result)
{
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* arguments are integers or pointers; both are one register wide */
#define CM_SYS(number, ...) cm_sys_ret(cm_syscall((number), (const long[6]){__VA_ARGS__}))
#define CM_P(pointer)       ((long)(uintptr_t)(pointer))

#endif
