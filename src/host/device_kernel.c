/* The kernel's SGX device; see devices.h. Each function is one system call. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/devices.h"

static int kernel_open(void)
{
    return open(SGX_DEV_ENCLAVE, O_RDWR | O_CLOEXEC);
}

static int kernel_open_provision(void)
{
    return open(SGX_DEV_PROVISION, O_RDONLY | O_CLOEXEC);
}

static int kernel_close(int fd)
{
    return close(fd);
}

static int kernel_ioctl(int fd, unsigned long request, void *arg)
{
    return ioctl(fd, request, arg);
}

static void *kernel_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    return mmap(addr, len, prot, flags, fd, offset);
}

static int kernel_mprotect(void *addr, size_t len, int prot)
{
    return mprotect(addr, len, prot);
}

static int kernel_munmap(void *addr, size_t len)
{
    return munmap(addr, len);
}

static struct cm_sgx_device device = {
    .name = "kernel",
    .emulated = 0,
    .open = kernel_open,
    .close = kernel_close,
    .ioctl = kernel_ioctl,
    .mmap = kernel_mmap,
    .mprotect = kernel_mprotect,
    .munmap = kernel_munmap,
    .enter = NULL, /* in the vDSO */
    .open_provision = kernel_open_provision,
};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_enter(void)
{
    const void *symbol = cm_vdso_symbol(getauxval(AT_SYSINFO_EHDR), "__vdso_sgx_enter_enclave");

    /* an object pointer is no function pointer in ISO C; on this platform the bytes are the same */
    memcpy(&device.enter, &symbol, sizeof(symbol));
}

const struct cm_sgx_device *cm_kernel_device(struct cm_why *why)
{
    (void)pthread_once(&once, find_enter);
    if (access(SGX_DEV_ENCLAVE, F_OK) != 0) {
        cm_why_set(why, "no SGX: %s: %s", SGX_DEV_ENCLAVE, strerror(errno));
        return NULL;
    }
    if (access(SGX_DEV_ENCLAVE, R_OK | W_OK) != 0) {
        cm_why_set(why, "%s: %s (is this user in the group that owns it?)", SGX_DEV_ENCLAVE,
                   strerror(errno));
        return NULL;
    }
    if (device.enter == NULL) {
        cm_why_set(why, "the kernel's vDSO has no __vdso_sgx_enter_enclave (Linux 5.11 needed)");
        return NULL;
    }
    return &device;
}
