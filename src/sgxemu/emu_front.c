/* The device as our own host links it: cm_sgxemu_device(). See casemate/sgxemu.h. */
#include "sgxemu/emu_front.h"

#include <casemate/sgxemu.h>
#include <fcntl.h>

#include "sgxemu/emu_kernel.h"

static int dev_open(void)
{
    return cm_emu_open(O_RDWR | O_CLOEXEC);
}

static int dev_provision(void)
{
    return cm_emu_open_provision(O_RDONLY | O_CLOEXEC);
}

static const struct cm_sgx_device device = {
    .name = "EMULATED",
    .emulated = 1,
    .open = dev_open,
    .close = cm_emu_close,
    .ioctl = cm_emu_ioctl,
    .mmap = cm_emu_mmap,
    .mprotect = cm_emu_mprotect,
    .munmap = cm_emu_munmap,
    .enter = cm_emu_enter,
    .open_provision = dev_provision,
};

const struct cm_sgx_device *cm_sgxemu_device(struct cm_why *why)
{
    return cm_emu_start(why) == CM_OK ? &device : NULL;
}
