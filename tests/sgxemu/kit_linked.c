/* The tests' system calls, linked: straight into the emulator's device. */
#include <casemate/sgxemu.h>
#include <stdio.h>
#include <stdlib.h>

#include "emu_kit.h"

static const struct cm_sgx_device *dev(void)
{
    struct cm_why why = {{0}};
    const struct cm_sgx_device *d = cm_sgxemu_device(&why);

    if (d == NULL) {
        (void)printf("the emulator does not run here: %s\n", why.text);
        exit(77);
    }
    return d;
}

static int k_open(void)
{
    return dev()->open();
}

static int k_provision(void)
{
    return dev()->open_provision();
}

static int k_close(int fd)
{
    return dev()->close(fd);
}

static int k_ioctl(int fd, unsigned long request, void *arg)
{
    return dev()->ioctl(fd, request, arg);
}

static void *k_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    return dev()->mmap(addr, len, prot, flags, fd, offset);
}

static int k_mprotect(void *addr, size_t len, int prot)
{
    return dev()->mprotect(addr, len, prot);
}

static int k_munmap(void *addr, size_t len)
{
    return dev()->munmap(addr, len);
}

static sgx_enter_enclave_t k_enter(void)
{
    return dev()->enter;
}

const struct kit_sys kit = {k_open, k_provision, k_close,  k_ioctl,
                            k_mmap, k_mprotect,  k_munmap, k_enter};
