/*
 * Keys of the emulated platform: the secrets that hardware burns into fuses, and what EGETKEY and
 * EREPORT derive from them (SDM Vol. 3D, EGETKEY and EREPORT).
 *
 * Called by the leaves (requests come from an enclave: UNTRUSTED) and by EINIT. Every input is a
 * copy that nobody else can change. Thread-safe. cm_emu_key_get and cm_emu_report_make run in
 * signals that may have interrupted anything: they allocate nothing and take no lock.
 */
#ifndef CM_SGXEMU_KEYS_H
#define CM_SGXEMU_KEYS_H

#include <casemate/status.h>
#include <stdint.h>

#include "arch/sgx.h"

#define CM_EMU_KEY_SIZE 16u

/* the file of the platform's secrets, in the state folder */
#define CM_EMU_PLATFORM_FILE "sgx-platform"

/* What SECS holds after EINIT, as far as keys and reports depend on it. */
struct cm_emu_ident {
    struct sgx_attributes attributes;
    uint32_t misc;
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t configid[64];
    uint8_t family_id[16];
    uint8_t ext_prod_id[16];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
};

/* The secrets and versions of one emulated platform. */
struct cm_emu_platform {
    uint8_t prov_root[16];    /* root of the key tree; the "manufacturer" knows it */
    uint8_t seal_fuses[16];   /* known to this platform only; not in PROVISION keys */
    uint8_t owner_epoch[16];  /* not in PROVISION and PROVISION_SEAL keys */
    uint8_t cpusvn[16];       /* compared byte by byte */
    uint8_t report_keyid[32]; /* new in every process, as hardware's is in every boot */
};

/**
 * The platform of this user: read from the state folder, created there when it does not exist.
 * The file (sgx-platform, mode 0600) is created exactly once however many processes race.
 *
 * @param out  Set only on CM_OK. Lives as long as the process.
 * @retval CM_ERR_DENIED  the file belongs to somebody else or is open to others
 * @retval CM_ERR_FORMAT  the file is damaged. Never replaced: sealed data would be lost
 */
CM_MUST_USE enum cm_status cm_emu_platform_get(const struct cm_emu_platform **out,
                                               struct cm_why *why);

/* The same without the cache of this process: for tests of the file. */
CM_MUST_USE enum cm_status cm_emu_platform_load(struct cm_emu_platform *out, struct cm_why *why);

/* What a leaf answers: SGX_SUCCESS, an SGX error code (RAX, ZF), or one of these two. */
#define CM_EMU_LEAF_GP   (-13) /* #GP(0) */
#define CM_EMU_LEAF_FAIL (-1)  /* the emulator itself failed (EINIT: out of memory) */

/**
 * EGETKEY without its memory operands.
 *
 * @param out  Set only when SGX_SUCCESS is returned.
 * @return SGX_SUCCESS, SGX_INVALID_ATTRIBUTE, _CPUSVN, _ISVSVN, _KEYNAME or CM_EMU_LEAF_*
 */
CM_MUST_USE int cm_emu_key_get(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                               const struct sgx_keyrequest *req, uint8_t out[CM_EMU_KEY_SIZE]);

/**
 * EREPORT without its memory operands.
 *
 * @return SGX_SUCCESS or CM_EMU_LEAF_*
 */
CM_MUST_USE int cm_emu_report_make(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                                   const struct sgx_targetinfo *target, const uint8_t data[64],
                                   struct sgx_report *out);

#endif
