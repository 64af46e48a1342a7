/*
 * Questions about the process. The host's answers are its word, good for a line of a log; held to what
 * each may be at all (C2). Limits and processors are the enclave's own affair.
 */
#include "syscall/sys_identity.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "syscall/sys_core.h"
#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_getpid_ocall);
CM_HOST_MAY(oe_syscall_getppid_ocall);
CM_HOST_MAY(oe_syscall_getpgrp_ocall);
CM_HOST_MAY(oe_syscall_getpgid_ocall);
CM_HOST_MAY(oe_syscall_getuid_ocall);
CM_HOST_MAY(oe_syscall_geteuid_ocall);
CM_HOST_MAY(oe_syscall_getgid_ocall);
CM_HOST_MAY(oe_syscall_getegid_ocall);
CM_HOST_MAY(oe_syscall_getgroups_ocall);
CM_HOST_MAY(oe_syscall_kill_ocall);
CM_HOST_MAY(oe_syscall_uname_ocall);

enum { GROUPS_MAX = 65536, FILES_MAX = 1024 };

/* Calls without errno: -1 is no answer either. */
static long id(oe_result_t call, int64_t value, int64_t least, int64_t most)
{
    if (call == OE_OK && (value < least || value > most)) {
        return -EIO;
    }
    return cm_host_number(call, value, most);
}

/*
 * Once told, it stays: OpenSSL asks before each random byte, to notice a fork, and an enclave cannot be
 * forked. Without the import the enclave is process 1, as it is alone.
 */
static long do_getpid(void)
{
    static int known;
    int got = __atomic_load_n(&known, __ATOMIC_RELAXED);
    oe_result_t call;
    long r;

    if (oe_syscall_getpid_ocall == NULL || got != 0) {
        return got != 0 ? got : 1;
    }
    call = oe_syscall_getpid_ocall(&got);
    r = id(call, got, 1, INT_MAX);
    if (r > 0) {
        __atomic_store_n(&known, (int)r, __ATOMIC_RELAXED);
    }
    return r;
}

static long do_process(long number, const long a[6])
{
    int got = -1;
    oe_result_t call;

    switch (number) {
    case SYS_getppid:
        call = CM_HOST_ASK("unistd", oe_syscall_getppid_ocall, &got);
        return id(call, got, 0, INT_MAX);
    case SYS_getpgrp:
        call = CM_HOST_ASK("unistd", oe_syscall_getpgrp_ocall, &got);
        return id(call, got, 0, INT_MAX);
    case SYS_getpgid:
        call = CM_HOST_ASK("unistd", oe_syscall_getpgid_ocall, &got, (int)a[0]);
        return cm_host_number(call, got, INT_MAX);
    default: /* SYS_kill */
        call = CM_HOST_ASK("signal", oe_syscall_kill_ocall, &got, (int)a[0], (int)a[1]);
        return cm_host_done(call, got);
    }
}

static long do_user(long number)
{
    unsigned int got = 0;
    oe_result_t call;

    switch (number) {
    case SYS_getuid:
        call = CM_HOST_ASK("unistd", oe_syscall_getuid_ocall, &got);
        break;
    case SYS_geteuid:
        call = CM_HOST_ASK("unistd", oe_syscall_geteuid_ocall, &got);
        break;
    case SYS_getgid:
        call = CM_HOST_ASK("unistd", oe_syscall_getgid_ocall, &got);
        break;
    default:
        call = CM_HOST_ASK("unistd", oe_syscall_getegid_ocall, &got);
        break;
    }
    return cm_host_number(call, got, UINT32_MAX);
}

static long do_getgroups(long size, gid_t *list)
{
    int got = -1;
    oe_result_t call;

    if (size < 0 || size > GROUPS_MAX || (size != 0 && list == NULL)) {
        return size < 0 || size > GROUPS_MAX ? -EINVAL : -EFAULT;
    }
    call = CM_HOST_ASK("unistd", oe_syscall_getgroups_ocall, &got, (size_t)size,
                       size == 0 ? NULL : list);
    return cm_host_number(call, got, size == 0 ? GROUPS_MAX : size);
}

static bool ends(const char *field, size_t size)
{
    return memchr(field, '\0', size) != NULL;
}

static long do_uname(struct utsname *out)
{
    oe_utsname told;
    int got = -1;
    oe_result_t call;
    long r;

    if (out == NULL) {
        return -EFAULT;
    }
    memset(&told, 0, sizeof(told));
    call = CM_HOST_ASK("utsname", oe_syscall_uname_ocall, &got, &told);
    r = cm_host_done(call, got);
    if (r != 0) {
        return r;
    }
    if (!ends(told.sysname, sizeof(told.sysname)) || !ends(told.nodename, sizeof(told.nodename)) ||
        !ends(told.release, sizeof(told.release)) || !ends(told.version, sizeof(told.version)) ||
        !ends(told.machine, sizeof(told.machine)) ||
        !ends(told.domainname, sizeof(told.domainname))) {
        return -EIO;
    }
    _Static_assert(sizeof(told) == sizeof(*out), "layout of utsname");
    memcpy(out, &told, sizeof(told));
    return 0;
}

/* The enclave's limits were decided when it was built. */
static long do_limits(long resource, const struct rlimit *set, struct rlimit *old)
{
    if (resource < 0 || resource >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    if (set != NULL) {
        return -EPERM;
    }
    if (old != NULL) {
        old->rlim_cur = resource == RLIMIT_NOFILE ? FILES_MAX : RLIM_INFINITY;
        old->rlim_max = old->rlim_cur;
    }
    return 0;
}

/* Which processors there are, the host decides each time it lends a thread: one is always there. */
static long do_affinity(long size, unsigned char *set)
{
    const long least = (long)sizeof(long);

    if (size < least || set == NULL) {
        return -EINVAL;
    }
    memset(set, 0, (size_t)least);
    set[0] = 1;
    return least;
}

static long answer(long number, const long a[6])
{
    switch (number) {
    case SYS_getpid:
        return do_getpid();
    case SYS_getppid:
    case SYS_getpgrp:
    case SYS_getpgid:
    case SYS_kill:
        return do_process(number, a);
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
        return do_user(number);
    case SYS_getgroups:
        return do_getgroups(a[0], cm_sys_ptr(a[1]));
    case SYS_uname:
        return do_uname(cm_sys_ptr(a[0]));
    case SYS_getrlimit:
        return do_limits(a[0], NULL, cm_sys_ptr(a[1]));
    case SYS_prlimit64:
        return do_limits(a[1], cm_sys_ptr(a[2]), cm_sys_ptr(a[3]));
    case SYS_sched_getaffinity:
        return do_affinity(a[1], cm_sys_ptr(a[2]));
    default:
        return -ENOSYS;
    }
}

long cm_sys_identity_call(long number, const long args[6])
{
    const int before = errno; /* ocalls bring the host's, which is not the caller's */
    long r = answer(number, args);

    errno = before;
    return r;
}
