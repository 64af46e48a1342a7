/*
 * System calls that an application answers itself. For each of the names below it may define
 *     long oe_SYS_<name>_impl(long a, long b, ...);
 * with as many arguments as the call has; -1 and errno when it failed, or -errno. It is asked before
 * anything else. cm_syscall_extension() is one function for all numbers, and is asked even before.
 */
#include <stddef.h>

#include "libc/syscall_inside.h"

__attribute__((weak)) long cm_syscall_extension(long number, const long args[6])
{
    (void)number;
    (void)args;
    return -ENOSYS;
}

typedef long (*impl)(long a, long b, long c, long d, long e, long f);

/* the names that may be defined: number and function */
/* clang-format off */
#define CM_SYS_NAMES(X) \
    X(accept) X(access) X(bind) X(chdir) X(clock_gettime) X(clock_nanosleep) X(close) \
    X(connect) X(creat) X(dup) X(dup2) X(dup3) X(epoll_create) X(epoll_create1) X(epoll_ctl) \
    X(epoll_pwait) X(epoll_wait) X(faccessat) X(fcntl) X(fdatasync) X(flock) X(fstat) X(fsync) \
    X(ftruncate) X(getcwd) X(getdents) X(getdents64) X(getegid) X(geteuid) X(getgid) \
    X(getgroups) X(getpeername) X(getpgid) X(getpgrp) X(getpid) X(getppid) X(getrandom) \
    X(getrlimit) X(getsockname) X(getsockopt) X(gettimeofday) X(getuid) X(ioctl) X(link) \
    X(linkat) X(listen) X(lseek) X(lstat) X(mkdir) X(mkdirat) X(mmap) X(mount) X(munmap) \
    X(nanosleep) X(newfstatat) X(open) X(openat) X(poll) X(ppoll) X(pread64) X(prlimit64) \
    X(pselect6) X(pwrite64) X(read) X(readv) X(recvfrom) X(recvmsg) X(rename) X(renameat) \
    X(rmdir) X(sched_getaffinity) X(select) X(sendmsg) X(sendto) X(setsockopt) X(shutdown) \
    X(socket) X(socketpair) X(stat) X(statx) X(sysinfo) X(truncate) X(umount2) X(uname) \
    X(unlink) X(unlinkat) X(write) X(writev)
/* clang-format on */

#define DECLARE(name) \
    extern long oe_SYS_##name##_impl(long, long, long, long, long, long) __attribute__((weak));
CM_SYS_NAMES(DECLARE)

#define ROW(name) {SYS_##name, oe_SYS_##name##_impl},
static const struct {
    long number;
    impl answer;
} own[] = {CM_SYS_NAMES(ROW)};

long cm_syscall_own(long number, const long args[6])
{
    long r = cm_syscall_extension(number, args);
    size_t i;

    for (i = 0; i < sizeof(own) / sizeof(own[0]) && r == -ENOSYS; i++) {
        if (own[i].number == number && own[i].answer != NULL) {
            r = own[i].answer(args[0], args[1], args[2], args[3], args[4], args[5]);
            return r == -1 ? -errno : r;
        }
    }
    return r;
}
