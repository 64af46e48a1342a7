/*
 * What the emulator's conformance tests share: an enclave built by hand over the kernel's interface,
 * with its own measurement and signature. Works on any struct of functions that looks like the
 * system calls, so that the same tests run linked and preloaded.
 */
#ifndef CM_TESTS_EMU_KIT_H
#define CM_TESTS_EMU_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/sgx.h"
#include "arch/sgx_uapi.h"

#define KIT_PAGE 4096ul
#define KIT_R    (SGX_SECINFO_R | SGX_SECINFO_TYPE(SGX_PT_REG))
#define KIT_RW   (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_TYPE(SGX_PT_REG))
#define KIT_RX   (SGX_SECINFO_R | SGX_SECINFO_X | SGX_SECINFO_TYPE(SGX_PT_REG))
#define KIT_RWX  (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X | SGX_SECINFO_TYPE(SGX_PT_REG))
#define KIT_TCS  SGX_SECINFO_TYPE(SGX_PT_TCS)

/* the system calls, either the emulator's functions or the C library's */
struct kit_sys {
    int (*open_enclave)(void);
    int (*open_provision)(void);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *arg);
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
    int (*mprotect)(void *addr, size_t len, int prot);
    int (*munmap)(void *addr, size_t len);
    sgx_enter_enclave_t (*enter)(void);
};
extern const struct kit_sys kit;

struct kit_enclave {
    int fd;
    uint8_t *base;
    uint64_t size;
    struct sgx_secs secs;
    void *log; /* our own MRENCLAVE */
};

/* A SECS that ECREATE takes: DEBUG, 64 bit, XFRM 3, one page of SSA frame. */
struct sgx_secs kit_secs(uint64_t base, uint64_t size);

/* Aligned address space (PROT_NONE, anonymous). NULL on failure. */
uint8_t *kit_reserve(uint64_t size);

/* open, reserve, CREATE. `tweak` may change SECS before. Prints and returns false on failure. */
bool kit_create(struct kit_enclave *e, uint64_t size, void (*tweak)(struct sgx_secs *));

/* ADD_PAGES, measured by the kernel and by us. 0 or errno. */
int kit_add(struct kit_enclave *e, uint64_t off, const void *src, uint64_t len, uint64_t secinfo,
            bool measure);

/* The same without our own measurement: for calls that must fail. 0 or errno. */
int kit_add_raw(int fd, struct sgx_enclave_add_pages *arg);

/* A SIGSTRUCT for the enclave as measured so far, signed; `tweak` may change it before signing. */
bool kit_sign(struct kit_enclave *e, struct sgx_sigstruct *out,
              void (*tweak)(struct sgx_sigstruct *));
/* Sign again after a change of signed fields. which: one of two signers, 0 or 1. */
bool kit_resign(struct sgx_sigstruct *sig, int which);

/* INIT. 0 or errno. */
int kit_init(struct kit_enclave *e, const struct sgx_sigstruct *sig);

/* A plain small enclave: one RX page at 0, RW at 1, TCS at 2, SSA at 3-4, RW at 5-7. Initialised,
 * and mapped as the pages say. */
bool kit_small(struct kit_enclave *e, uint64_t size);

void kit_destroy(struct kit_enclave *e);

/* ioctl that returns 0 or errno */
int kit_ioctl(int fd, unsigned long request, void *arg);

#endif
