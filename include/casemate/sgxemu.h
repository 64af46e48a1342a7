/*
 * The device seam: what a host needs of SGX, as the Linux kernel offers it, and the user-space
 * emulator behind the same functions.
 *
 * The emulator runs the same signed images with the same measurements, keys and faults. It gives NO
 * confidentiality and NO integrity against the process it runs in: everything is EMULATED.
 */
#ifndef CASEMATE_SGXEMU_H
#define CASEMATE_SGXEMU_H

#include <casemate/status.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sgx_enclave_run; /* the kernel's, 256 bytes */

/**
 * The functions of one SGX device. Semantics, errno values and return values are those of the
 * system calls on /dev/sgx_enclave and of __vdso_sgx_enter_enclave (which clobbers every
 * callee-saved register but RBX, RBP and RSP when the enclave does). Thread-safe as the kernel is.
 */
struct cm_sgx_device {
    const char *name; /* "kernel" or "EMULATED" */
    int emulated;     /* evidence from it must never be taken for hardware's */
    int (*open)(void);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *arg);
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
    int (*mprotect)(void *addr, size_t len, int prot);
    int (*munmap)(void *addr, size_t len);
    int (*enter)(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                 unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);
    int (*open_provision)(void); /* /dev/sgx_provision: for SGX_IOC_PROVISION; closed with close */
};

/**
 * The emulated device. Initialises the emulator on first use.
 *
 * @retval NULL why names the reason: the processor or kernel has no FSGSBASE instructions (Linux 5.9);
 *              the kernel has no Syscall User Dispatch (Linux 5.11), unless CASEMATE_SGXEMU holds the
 *              word `unchecked`; no memory, or no thread key. A later call tries again.
 *              (No modify_ldt: not a reason, only slower.)
 */
const struct cm_sgx_device *cm_sgxemu_device(struct cm_why *why);

#ifdef __cplusplus
}
#endif
#endif
