/*
 * Memory of the calling program at addresses that it gave: what copy_from_user and copy_to_user are
 * to the kernel. A bad address is an error, never a signal.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sgxemu/emu_kernel.h"

/* process_vm_readv on ourselves; a sandbox that forbids it leaves the direct copy. */
static bool transfer(long number, void *local, uint64_t remote, size_t n, bool *forbidden)
{
    struct iovec here = {local, n};
    struct iovec there = {(void *)(uintptr_t)remote, n}; /* NOLINT(performance-no-int-to-ptr) */
    long got = syscall(number, syscall(SYS_getpid), &here, 1ul, &there, 1ul, 0ul);

    *forbidden = got < 0 && (errno == ENOSYS || errno == EPERM);
    return got == (long)n;
}

bool cm_emu_copy_in(void *dst, uint64_t src, size_t n)
{
    bool forbidden = false;

    if (transfer(SYS_process_vm_readv, dst, src, n, &forbidden)) {
        return true;
    }
    if (forbidden) {
        memcpy(dst, (const void *)(uintptr_t)src, n); /* NOLINT(performance-no-int-to-ptr) */
    }
    return forbidden;
}

bool cm_emu_copy_out(uint64_t dst, const void *src, size_t n)
{
    uint8_t buf[128];
    bool forbidden = false;

    if (n > sizeof(buf)) {
        return false; /* no argument structure is larger */
    }
    memcpy(buf, src, n);
    if (transfer(SYS_process_vm_writev, buf, dst, n, &forbidden)) {
        return true;
    }
    if (forbidden) {
        memcpy((void *)(uintptr_t)dst, buf, n); /* NOLINT(performance-no-int-to-ptr) */
    }
    return forbidden;
}
