/*
 * The ioctls that change a running enclave: RESTRICT_PERMISSIONS (EMODPR), MODIFY_TYPES (EMODT) and
 * REMOVE_PAGES (EREMOVE), with ETRACK implied: the host's page tables change before they return.
 */
#include <errno.h>

#include "sgxemu/emu_kernel.h"

#define STATE (PG_PENDING | PG_MODIFIED)

static int ready(const struct emu_encl_kernel *k)
{
    return k->e->initialised ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------ EMODPR */

static int restrict_page(struct emu_encl_kernel *k, uint64_t i,
                         struct sgx_enclave_restrict_permissions *arg)
{
    uint32_t w = pg_get(k, i);

    if ((w & PG_VALID) == 0) {
        return -EFAULT;
    }
    if (PG_TYPE(w) != SGX_PT_REG) {
        return -EINVAL;
    }
    if ((w & STATE) != 0) {
        arg->result = SGX_PAGE_NOT_MODIFIABLE;
        return -EFAULT;
    }
    cm_emu_pg_epcm(k, i, (w & ~(PG_PERM & ~(uint32_t)arg->permissions)) | PG_PR);
    return 0;
}

int cm_emu_ioc_restrict(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_restrict_permissions a;
    uint64_t c = 0;
    int ret = ready(k);
    int shown = 0;

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_copy_in(&a, arg, sizeof(a))) {
        return -EFAULT;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || (a.permissions & ~(uint64_t)PG_PERM) != 0 ||
        ((a.permissions & SGX_SECINFO_W) != 0 && (a.permissions & SGX_SECINFO_R) == 0) ||
        a.result != 0 || a.count != 0) {
        return -EINVAL;
    }
    while (ret == 0 && c < a.length) {
        ret = restrict_page(k, (a.offset + c) / EMU_PAGE, &a);
        c += ret == 0 ? EMU_PAGE : 0;
    }
    shown = cm_emu_apply(k, a.offset / EMU_PAGE, c / EMU_PAGE);
    a.count = c;
    ret = ret != 0 ? ret : shown;
    return cm_emu_copy_out(arg, &a, sizeof(a)) ? ret : -EFAULT;
}

/* ------------------------------------------------------------------ EMODT */

static int modify_page(struct emu_encl_kernel *k, uint64_t i, struct sgx_enclave_modify_types *arg)
{
    uint32_t w = pg_get(k, i);
    unsigned type = PG_TYPE(w);
    unsigned to = (unsigned)arg->page_type;
    unsigned max = PG_MAX(w);

    if ((w & PG_VALID) == 0) {
        return -EFAULT;
    }
    if (type != SGX_PT_REG && !(type == SGX_PT_TCS && to == SGX_PT_TRIM)) {
        return -EINVAL;
    }
    if (to == SGX_PT_TCS) {
        if ((~max & (SGX_SECINFO_R | SGX_SECINFO_W)) != 0) {
            return -EPERM;
        }
        max = SGX_SECINFO_R | SGX_SECINFO_W;
    }
    if ((w & STATE) != 0) {
        arg->result = SGX_PAGE_NOT_MODIFIABLE;
        return -EFAULT;
    }
    if (type == SGX_PT_TCS && !cm_emu_tcs_remove(k->e, i * EMU_PAGE)) {
        arg->result = SGX_EPC_PAGE_CONFLICT; /* a thread is inside */
        return -EFAULT;
    }
    cm_emu_pg_epcm(k, i, pg_make(to, 0, max) | PG_MODIFIED);
    return 0;
}

int cm_emu_ioc_modify(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_modify_types a;
    uint64_t c = 0;
    int ret = ready(k);
    int shown = 0;

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_copy_in(&a, arg, sizeof(a))) {
        return -EFAULT;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || (a.page_type & ~0xffull) != 0 || a.result != 0 ||
        a.count != 0) {
        return -EINVAL;
    }
    if (a.page_type != SGX_PT_TCS && a.page_type != SGX_PT_TRIM) {
        ret = -EINVAL;
    }
    while (ret == 0 && c < a.length) {
        ret = modify_page(k, (a.offset + c) / EMU_PAGE, &a);
        c += ret == 0 ? EMU_PAGE : 0;
    }
    shown = cm_emu_apply(k, a.offset / EMU_PAGE, c / EMU_PAGE);
    a.count = c;
    ret = ret != 0 ? ret : shown;
    return cm_emu_copy_out(arg, &a, sizeof(a)) ? ret : -EFAULT;
}

/* ------------------------------------------------------------------ EREMOVE */

int cm_emu_ioc_remove(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_remove_pages a;
    uint64_t c = 0;
    int ret = ready(k);
    int shown = 0;

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_copy_in(&a, arg, sizeof(a))) {
        return -EFAULT;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || a.count != 0) {
        return -EINVAL;
    }
    while (ret == 0 && c < a.length) {
        uint64_t i = (a.offset + c) / EMU_PAGE;
        uint32_t w = pg_get(k, i);

        if ((w & PG_VALID) == 0) {
            ret = -EFAULT;
        } else if (PG_TYPE(w) != SGX_PT_TRIM || (w & PG_MODIFIED) != 0) {
            ret = -EPERM; /* the enclave has not agreed (EACCEPT) */
        } else {
            cm_emu_pg_epcm(k, i, 0);
            c += EMU_PAGE;
        }
    }
    cm_emu_pages_drop(k, a.offset / EMU_PAGE, c / EMU_PAGE);
    shown = cm_emu_apply(k, a.offset / EMU_PAGE, c / EMU_PAGE);
    a.count = c;
    ret = ret != 0 ? ret : shown;
    return cm_emu_copy_out(arg, &a, sizeof(a)) ? ret : -EFAULT;
}
