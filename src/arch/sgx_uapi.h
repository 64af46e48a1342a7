/* The Linux kernel's user interface for SGX: ioctls of /dev/sgx_enclave and the vDSO entry. */
#ifndef CM_ARCH_SGX_UAPI_H
#define CM_ARCH_SGX_UAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define SGX_DEV_ENCLAVE   "/dev/sgx_enclave"
#define SGX_DEV_PROVISION "/dev/sgx_provision"

struct sgx_enclave_create {
    uint64_t src;
};

#define SGX_PAGE_MEASURE 1ull

struct sgx_enclave_add_pages {
    uint64_t src;
    uint64_t offset;
    uint64_t length;
    uint64_t secinfo;
    uint64_t flags;
    uint64_t count;
};

struct sgx_enclave_init {
    uint64_t sigstruct;
};

struct sgx_enclave_provision {
    uint64_t fd;
};

struct sgx_enclave_restrict_permissions {
    uint64_t offset;
    uint64_t length;
    uint64_t permissions;
    uint64_t result;
    uint64_t count;
};

struct sgx_enclave_modify_types {
    uint64_t offset;
    uint64_t length;
    uint64_t page_type;
    uint64_t result;
    uint64_t count;
};

struct sgx_enclave_remove_pages {
    uint64_t offset;
    uint64_t length;
    uint64_t count;
};

#define SGX_IOC_MAGIC           0xA4
#define SGX_IOC_CREATE          _IOW(SGX_IOC_MAGIC, 0x00, struct sgx_enclave_create)
#define SGX_IOC_ADD_PAGES       _IOWR(SGX_IOC_MAGIC, 0x01, struct sgx_enclave_add_pages)
#define SGX_IOC_INIT            _IOW(SGX_IOC_MAGIC, 0x02, struct sgx_enclave_init)
#define SGX_IOC_PROVISION       _IOW(SGX_IOC_MAGIC, 0x03, struct sgx_enclave_provision)
#define SGX_IOC_VEPC_REMOVE_ALL _IO(SGX_IOC_MAGIC, 0x04)
#define SGX_IOC_RESTRICT_PERMS  _IOWR(SGX_IOC_MAGIC, 0x05, struct sgx_enclave_restrict_permissions)
#define SGX_IOC_MODIFY_TYPES    _IOWR(SGX_IOC_MAGIC, 0x06, struct sgx_enclave_modify_types)
#define SGX_IOC_REMOVE_PAGES    _IOWR(SGX_IOC_MAGIC, 0x07, struct sgx_enclave_remove_pages)

struct sgx_enclave_run {
    uint64_t tcs;
    uint32_t
        function; /* in: none; out: the leaf that ended the call (EEXIT 4, EENTER 2, ERESUME 3) */
    uint16_t exception_vector;
    uint16_t exception_error_code;
    uint64_t exception_addr;
    uint64_t user_handler;
    uint64_t user_data;
    uint8_t reserved[216];
};
_Static_assert(sizeof(struct sgx_enclave_run) == 256, "struct sgx_enclave_run");

/* int __vdso_sgx_enter_enclave(rdi, rsi, rdx, function, r8, r9, run) */
typedef int (*sgx_enter_enclave_t)(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                                   unsigned int function, unsigned long r8, unsigned long r9,
                                   struct sgx_enclave_run *run);

#endif
