/*
 * The ioctls of /dev/sgx_enclave: dispatch, CREATE (ECREATE), INIT's driver half, PROVISION. Order
 * of checks and errno values are the Linux driver's; what the processor would refuse is EIO (a
 * fault) or EPERM (an error code), as the driver reports it.
 */
#include <errno.h>
#include <string.h>

#include "sgxemu/emu_front.h"
#include "sgxemu/emu_kernel.h"
#include "sgxemu/emu_sigstruct.h"

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

bool cm_emu_range_ok(const struct emu_encl_kernel *k, uint64_t offset, uint64_t length)
{
    uint64_t mask = EMU_PAGE - 1;

    return (offset & mask) == 0 && length != 0 && (length & mask) == 0 &&
           offset + length >= offset && offset + length - EMU_PAGE < k->e->size;
}

/* ------------------------------------------------------------------ CREATE */

static bool xfrm_ok(uint64_t xfrm)
{
    uint64_t avx512 = xfrm & SGX_XFRM_ZMM;

    if ((xfrm & SGX_XFRM_LEGACY) != SGX_XFRM_LEGACY ||
        (xfrm & ~(EMU_XFRM_OFFERED & cm_emu_xcr0())) != 0) {
        return false;
    }
    /* XSETBV's rules: AVX-512 comes whole and needs AVX */
    return avx512 == 0 || (avx512 == SGX_XFRM_ZMM && (xfrm & SGX_XFRM_YMM) != 0);
}

static bool ssa_ok(const struct sgx_secs *s)
{
    uint64_t need = cm_emu_xsave_size(s->attributes.xfrm) + sizeof(struct sgx_ssa_gpr);

    need += (s->miscselect & SGX_MISC_EXINFO) != 0 ? sizeof(struct sgx_exinfo) : 0;
    return s->ssaframesize != 0 && (uint64_t)s->ssaframesize * EMU_PAGE >= need &&
           (uint64_t)s->ssaframesize * EMU_PAGE <= s->size;
}

/* What ECREATE faults on (SDM, ECREATE). 32-bit enclaves are not offered by the emulator. */
static bool secs_ok(const struct sgx_secs *s)
{
    bool kss = (s->attributes.flags & SGX_ATTR_KSS) != 0;

    if (s->size < 2ull * EMU_PAGE || s->size > 1ull << EMU_SIZE_LOG2_MAX ||
        (s->base & (s->size - 1)) != 0 || s->base + s->size > 0x7ffffffff000ull) {
        return false;
    }
    if ((s->attributes.flags & ~EMU_ATTR_OFFERED) != 0 ||
        (s->attributes.flags & SGX_ATTR_MODE64) == 0 || !xfrm_ok(s->attributes.xfrm) ||
        (s->miscselect & ~EMU_MISC_OFFERED) != 0 || !ssa_ok(s)) {
        return false;
    }
    if (!kss && (!all_zero(s->configid, sizeof(s->configid)) || s->configsvn != 0)) {
        return false;
    }
    return all_zero(s->reserved1, sizeof(s->reserved1)) &&
           all_zero(s->reserved2, sizeof(s->reserved2)) &&
           all_zero(s->reserved3, sizeof(s->reserved3)) &&
           all_zero(s->reserved4, sizeof(s->reserved4));
}

/* No two living enclaves may share addresses: the kernel cannot map them so either. */
static bool overlaps(const struct emu_encl_kernel *self, uint64_t base, uint64_t size)
{
    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        if (k != self && k->live && k->created && base < k->e->base + k->e->size &&
            k->e->base < base + size) {
            return true;
        }
    }
    return false;
}

static int ecreate(struct emu_encl_kernel *k, const struct sgx_secs *s)
{
    struct emu_encl *e = k->e;
    int ret = 0;

    e->base = s->base;
    e->size = s->size;
    ret = cm_emu_pages_create(k);
    if (ret == 0) {
        ret = cm_emu_measure_start(k, s->ssaframesize);
    }
    if (ret != 0) {
        cm_emu_pages_free(k);
        e->size = 0;
        return ret;
    }
    e->ssa_frame = (uint64_t)s->ssaframesize * EMU_PAGE;
    e->xfrm = s->attributes.xfrm;
    e->attributes = s->attributes.flags;
    e->misc = s->miscselect;
    k->id.attributes = s->attributes;
    k->id.misc = s->miscselect;
    memcpy(k->id.configid, s->configid, sizeof(s->configid));
    k->id.configsvn = s->configsvn;
    k->created = true;
    ret = cm_emu_vma_attach(k);
    if (ret != 0) {
        k->created = false;
        cm_emu_measure_free(k);
        cm_emu_pages_free(k);
        e->size = 0;
        return ret;
    }
    cm_emu_hull_add(e->base, e->base + e->size);
    return 0;
}

int cm_emu_ioc_create(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_create create;
    struct sgx_secs secs;

    if (k->created) {
        return -EINVAL;
    }
    if (!cm_emu_copy_in(&create, arg, sizeof(create)) ||
        !cm_emu_copy_in(&secs, create.src, sizeof(secs))) {
        return -EFAULT;
    }
    if (secs.size == 0 || (secs.size & (secs.size - 1)) != 0) {
        return -EINVAL;
    }
    if (!secs_ok(&secs)) {
        cm_emu_log("ECREATE: the processor would refuse this SECS");
        return -EIO;
    }
    if (overlaps(k, secs.base, secs.size)) {
        cm_emu_log("ECREATE: another enclave is at 0x%llx", (unsigned long long)secs.base);
        return -EIO;
    }
    return ecreate(k, &secs);
}

/* ------------------------------------------------------------------ INIT */

int cm_emu_ioc_init(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_init init;
    struct sgx_sigstruct sig;
    int ret = 0;

    if (!k->created || k->e->initialised) {
        return -EINVAL;
    }
    if (!cm_emu_copy_in(&init, arg, sizeof(init)) ||
        !cm_emu_copy_in(&sig, init.sigstruct, sizeof(sig))) {
        return -EFAULT;
    }
    if (sig.vendor != 0 && sig.vendor != 0x8086) {
        return -EINVAL;
    }
    if ((k->id.attributes.flags & ~k->attr_allowed) != 0) {
        cm_emu_log("INIT: attribute without the right to it (PROVISION)");
        return -EACCES;
    }
    if ((sig.attributes.flags & sig.attributemask.flags & ~EMU_ATTR_OFFERED) != 0 ||
        (sig.miscselect & sig.miscmask & ~EMU_MISC_OFFERED) != 0 ||
        (sig.attributes.xfrm & sig.attributemask.xfrm & ~(EMU_XFRM_OFFERED & cm_emu_xcr0())) != 0) {
        cm_emu_log("INIT: the signature asks for a feature that is not offered");
        return -EINVAL;
    }
    ret = cm_emu_einit(k, &sig);
    if (ret == CM_EMU_LEAF_FAIL) {
        return -ENOMEM;
    }
    if (ret != SGX_SUCCESS) {
        cm_emu_log("EINIT: SGX error %d", ret);
        return -EPERM;
    }
    return 0;
}

/* ------------------------------------------------------------------ PROVISION */

static int ioc_provision(struct emu_encl_kernel *k, uint64_t arg)
{
    struct sgx_enclave_provision p;

    if (!cm_emu_copy_in(&p, arg, sizeof(p))) {
        return -EFAULT;
    }
    if (!cm_emu_is_provision_fd((int)(uint32_t)p.fd)) {
        return -EINVAL;
    }
    k->attr_allowed |= SGX_ATTR_PROVISIONKEY;
    return 0;
}

/* ------------------------------------------------------------------ dispatch */

static int dispatch(struct emu_encl_kernel *k, unsigned long request, uint64_t arg,
                    struct emu_lock_state *lock)
{
    switch (request) {
    case SGX_IOC_CREATE:
        return cm_emu_ioc_create(k, arg);
    case SGX_IOC_ADD_PAGES:
        return cm_emu_ioc_add(k, arg, lock);
    case SGX_IOC_INIT:
        return cm_emu_ioc_init(k, arg);
    case SGX_IOC_PROVISION:
        return ioc_provision(k, arg);
    case SGX_IOC_RESTRICT_PERMS:
        return cm_emu_ioc_restrict(k, arg);
    case SGX_IOC_MODIFY_TYPES:
        return cm_emu_ioc_modify(k, arg);
    case SGX_IOC_REMOVE_PAGES:
        return cm_emu_ioc_remove(k, arg);
    default:
        return -ENOTTY;
    }
}

int cm_emu_ioctl(int fd, unsigned long request, void *arg)
{
    struct emu_lock_state lock;
    struct emu_encl_kernel *k = NULL;
    int ret = -ENOTTY;

    k = cm_emu_encl_of_fd(fd);
    if (k != NULL && atomic_load(&k->ioctl_busy)) {
        errno = EBUSY; /* at once: the other call may hold the lock for long */
        return -1;
    }
    cm_emu_lock(&lock);
    k = cm_emu_encl_of_fd(fd);
    if (k != NULL && atomic_exchange(&k->ioctl_busy, true)) {
        ret = -EBUSY;
    } else if (k != NULL) {
        k->ioctls++;
        /* the kernel looks at the lower 32 bits only */
        ret = dispatch(k, (uint32_t)request, (uint64_t)(uintptr_t)arg, &lock);
        k->ioctls--;
        atomic_store(&k->ioctl_busy, false);
        cm_emu_release_unused();
    }
    cm_emu_unlock(&lock);
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return 0;
}
