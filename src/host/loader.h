/*
 * From an image file to an initialised enclave on a device: what the kernel's SGX interface is
 * asked for, the same for hardware and for the emulator. Nothing inside the enclave runs yet.
 */
#ifndef CM_HOST_LOADER_H
#define CM_HOST_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include <casemate/sgxemu.h>
#include <casemate/status.h>

struct cm_load_request {
    const char *path;
    const struct cm_sgx_device *device;
    bool debug;      /* DEBUG is asked for */
    bool debug_auto; /* DEBUG if the image allows it */
    bool config;     /* set CONFIGID and CONFIGSVN; needs KSS */
    bool config_optional;
    uint8_t config_id[64];
    uint16_t config_svn;
    size_t host_workers; /* of switchless calls: for create.c, not for the loader */
    size_t enclave_workers;
};

#define CM_MODULE_NAME_SIZE 129 /* at most 128 characters: image/elf_image.h */

struct cm_loaded {
    int fd;
    uint64_t base;     /* of ELRANGE */
    uint64_t size;     /* of ELRANGE: a power of two */
    uint64_t reserved; /* where its address space begins: base, or more with a base of 0 */
    uint64_t tcs_first;
    uint64_t tcs_stride;
    uint64_t tcs_count;
    bool debug;
    bool told_faults;      /* MISCSELECT.EXINFO */
    uint8_t mrenclave[32]; /* as EINIT has checked it */
    uint64_t module_base;  /* from the image's address 0; of the shared library beside it */
    uint64_t module_size;  /* 0: there is none */
    char module_name[CM_MODULE_NAME_SIZE];
};

/**
 * @param out  Set only on CM_OK. End with cm_unload.
 * @param why  Names the cause.
 *
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_UNSUPPORTED  the image
 * @retval CM_ERR_SIGNATURE  not signed although it must be, or the signature is wrong
 * @retval CM_ERR_MISMATCH   not the image that was signed
 * @retval CM_ERR_POLICY     DEBUG was asked for and the image does not allow it
 * @retval CM_ERR_STATE      config data without KSS
 * @retval CM_ERR_NOMEM      memory or address space ran out
 * @retval CM_ERR_PLATFORM   the device refused
 */
CM_MUST_USE enum cm_status cm_load(const struct cm_load_request *request, struct cm_loaded *out,
                                   struct cm_why *why);

/** Release the enclave and its address space. */
void cm_unload(const struct cm_sgx_device *device, const struct cm_loaded *loaded);

/**
 * Sign with this user's debug key (debugsigner.c), which is made at first use. For images that were
 * built and not signed; whoever can read the key can sign likewise, so it says nothing to others.
 */
CM_MUST_USE enum cm_status cm_debug_sign(uint8_t *sigstruct, struct cm_why *why);

#endif
