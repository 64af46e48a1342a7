/*
 * The tests' system calls as an ordinary program makes them: /dev/sgx_enclave, ioctl, mmap and the
 * vDSO. Knows nothing of the emulator; runs under LD_PRELOAD or on real hardware.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emu_kit.h"

static int k_open(void)
{
    return open(SGX_DEV_ENCLAVE, O_RDWR | O_CLOEXEC);
}

static int k_provision(void)
{
    return open(SGX_DEV_PROVISION, O_RDONLY | O_CLOEXEC);
}

static int k_ioctl(int fd, unsigned long request, void *arg)
{
    return ioctl(fd, request, arg);
}

/* Find a function of the vDSO through its hash table's symbol count, as hosts do. */
static sgx_enter_enclave_t k_enter(void)
{
    const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)(const void *)image;
    const Elf64_Phdr *phdr = NULL;
    const Elf64_Dyn *dyn = NULL;
    const Elf64_Sym *sym = NULL;
    const char *str = NULL;
    const uint32_t *hash = NULL;

    if (image == NULL) {
        return NULL;
    }
    phdr = (const Elf64_Phdr *)(const void *)(image + ehdr->e_phoff);
    for (int i = 0; i < ehdr->e_phnum; i++) {
        if (phdr[i].p_type == PT_DYNAMIC) {
            dyn = (const Elf64_Dyn *)(const void *)(image + phdr[i].p_offset);
        }
    }
    for (; dyn != NULL && dyn->d_tag != DT_NULL; dyn++) {
        const uint8_t *at = image + dyn->d_un.d_ptr;

        sym = dyn->d_tag == DT_SYMTAB ? (const Elf64_Sym *)(const void *)at : sym;
        str = dyn->d_tag == DT_STRTAB ? (const char *)at : str;
        hash = dyn->d_tag == DT_HASH ? (const uint32_t *)(const void *)at : hash;
    }
    for (uint32_t i = 0; sym != NULL && str != NULL && hash != NULL && i < hash[1]; i++) {
        if (strcmp(str + sym[i].st_name, "__vdso_sgx_enter_enclave") == 0) {
            uintptr_t at = (uintptr_t)image + sym[i].st_value;

            return (sgx_enter_enclave_t)at;
        }
    }
    return NULL;
}

const struct kit_sys kit = {k_open, k_provision, close, k_ioctl, mmap, mprotect, munmap, k_enter};
