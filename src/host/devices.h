/* The SGX devices that the host library knows, and the choice between them. */
#ifndef CM_HOST_DEVICES_H
#define CM_HOST_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include <casemate/sgxemu.h>

#include "arch/sgx_uapi.h"

/**
 * The kernel's device: /dev/sgx_enclave of Linux 5.11 and later, entered through the vDSO.
 * @retval NULL  why says what is missing
 */
const struct cm_sgx_device *cm_kernel_device(struct cm_why *why);

/**
 * The kernel's device, or the emulator when `simulate` or the environment (OE_SIMULATION=1) says
 * so. Never the emulator otherwise.
 */
const struct cm_sgx_device *cm_choose_device(bool simulate, struct cm_why *why);

/**
 * Find a function in an ELF image that is mapped at `base`, as the vDSO is. Trusts the image: it
 * is the kernel's.
 * @retval NULL  not there
 */
const void *cm_vdso_symbol(uintptr_t base, const char *name);

/** The XFRM bits that an enclave on this machine may have: XCR0, within what SGX supports. */
uint64_t cm_platform_xfrm(bool emulated);

#endif
