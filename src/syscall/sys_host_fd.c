/* See sys_host_fd.h. */
#include "syscall/sys_host_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>

#include "syscall/sys_host.h"

CM_HOST_MAY(oe_syscall_fcntl_ocall);
CM_HOST_MAY(oe_syscall_ioctl_ocall);

static long control_lock(int64_t host, int cmd, struct flock *lock)
{
    struct flock copy;
    int got = -1;
    oe_result_t call;
    long r;

    if (lock == NULL) {
        return -EFAULT;
    }
    copy = *lock;
    call = CM_HOST_ASK("fcntl", oe_syscall_fcntl_ocall, &got, host, cmd, 0, sizeof(copy), &copy);
    r = cm_host_done(call, got);
    if (r == 0 && cmd == F_GETLK) {
        if (copy.l_type != F_RDLCK && copy.l_type != F_WRLCK && copy.l_type != F_UNLCK) {
            return -EIO;
        }
        *lock = copy;
    }
    return r;
}

long cm_host_control(int64_t host, int cmd, long arg)
{
    int got = -1;
    oe_result_t call;

    switch (cmd) {
    case F_SETFL:
        call =
            CM_HOST_ASK("fcntl", oe_syscall_fcntl_ocall, &got, host, cmd, (uint64_t)arg, 0, NULL);
        return cm_host_done(call, got);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return control_lock(host, cmd, (struct flock *)arg); /* NOLINT: the caller's pointer */
    default:
        return -EINVAL;
    }
}

long cm_host_ioctl(int64_t host, unsigned long request, long arg)
{
    int *value = (int *)arg; /* NOLINT(performance-no-int-to-ptr): the caller's pointer */
    int copy;
    int got = -1;
    oe_result_t call;
    long r;

    if (request != FIONREAD && request != FIONBIO) {
        return -ENOTTY;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    copy = *value;
    call =
        CM_HOST_ASK("ioctl", oe_syscall_ioctl_ocall, &got, host, request, 0, sizeof(copy), &copy);
    r = cm_host_done(call, got);
    if (r == 0 && request == FIONREAD) {
        if (copy < 0) {
            return -EIO;
        }
        *value = copy;
    }
    return r;
}
