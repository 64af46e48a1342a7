/*
 * The ioctls that change a running enclave: RESTRICT_PERMISSIONS (EMODPR), MODIFY_TYPES (EMODT) and
 * REMOVE_PAGES (EREMOVE), with ETRACK implied: the host's page tables change before they return.
 */
#include <errno.h>

#include "sgxemu/emu_kernel.h"

#define STATE (PG_PENDING | PG_MODIFIED)

/*
 * One page after the other, until one is refused; then the host's page tables for what has changed.
 * arg is the caller's, written back with what page() has put into it and *count, whatever happens.
 */
struct walk {
    uint64_t offset;
    uint64_t length;
    int (*page)(struct emu_encl_kernel *k, uint64_t i, void *arg);
    bool drop; /* the pages are gone: give their memory back */
    void *arg;
    size_t size;
    uint64_t *count; /* in arg */
};

static int walk(struct emu_encl_kernel *k, uint64_t user_arg, const struct walk *w)
{
    uint64_t first = w->offset / EMU_PAGE;
    uint64_t n = 0;
    int ret = 0;
    int shown = 0;

    while (ret == 0 && n < w->length / EMU_PAGE) {
        ret = w->page(k, first + n, w->arg);
        n += ret == 0 ? 1 : 0;
    }
    if (w->drop) {
        cm_emu_pages_drop(k, first, n);
    }
    shown = cm_emu_apply(k, first, n);
    *w->count = n * EMU_PAGE;
    ret = ret != 0 ? ret : shown;
    return cm_emu_copy_out(user_arg, w->arg, w->size) ? ret : -EFAULT;
}

static int copy_arg(const struct emu_encl_kernel *k, void *to, uint64_t user_arg, size_t size)
{
    if (!k->e->initialised) {
        return -EINVAL;
    }
    return cm_emu_copy_in(to, user_arg, size) ? 0 : -EFAULT;
}

/* ------------------------------------------------------------------ EMODPR */

static int restrict_page(struct emu_encl_kernel *k, uint64_t i, void *p)
{
    struct sgx_enclave_restrict_permissions *arg = p;
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
    int ret = copy_arg(k, &a, arg, sizeof(a));

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || (a.permissions & ~(uint64_t)PG_PERM) != 0 ||
        ((a.permissions & SGX_SECINFO_W) != 0 && (a.permissions & SGX_SECINFO_R) == 0) ||
        a.result != 0 || a.count != 0) {
        return -EINVAL;
    }
    return walk(k, arg,
                &(struct walk){a.offset, a.length, restrict_page, false, &a, sizeof(a), &a.count});
}

/* ------------------------------------------------------------------ EMODT */

static int modify_page(struct emu_encl_kernel *k, uint64_t i, void *p)
{
    struct sgx_enclave_modify_types *arg = p;
    uint32_t w = pg_get(k, i);
    unsigned type = PG_TYPE(w);
    unsigned to = (unsigned)arg->page_type;
    unsigned max = PG_MAX(w);

    if (to != SGX_PT_TCS && to != SGX_PT_TRIM) {
        return -EINVAL;
    }
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
    int ret = copy_arg(k, &a, arg, sizeof(a));

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || (a.page_type & ~0xffull) != 0 || a.result != 0 ||
        a.count != 0) {
        return -EINVAL;
    }
    return walk(k, arg,
                &(struct walk){a.offset, a.length, modify_page, false, &a, sizeof(a), &a.count});
}

/* ------------------------------------------------------------------ EREMOVE */

static int remove_page(struct emu_encl_kernel *k, uint64_t i, void *arg)
{
    uint32_t w = pg_get(k, i);

    (void)arg;
    if ((w & PG_VALID) == 0) {
        return -EFAULT;
    }
    if (PG_TYPE(w) != SGX_PT_TRIM || (w & PG_MODIFIED) != 0) {
        return -EPERM; /* the enclave has not agreed (EACCEPT) */
    }
    cm_emu_pg_epcm(k, i, 0);
    return 0;
}

int cm_emu_ioc_remove(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_remove_pages a;
    int ret = copy_arg(k, &a, arg, sizeof(a));

    if (ret != 0) {
        return ret;
    }
    if (!cm_emu_range_ok(k, a.offset, a.length) || a.count != 0) {
        return -EINVAL;
    }
    return walk(k, arg,
                &(struct walk){a.offset, a.length, remove_page, true, &a, sizeof(a), &a.count});
}
