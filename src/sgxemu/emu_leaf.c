/*
 * The ENCLU leaves that an enclave runs inside, except the transitions: EREPORT, EGETKEY, EACCEPT,
 * EMODPE, EACCEPTCOPY (SDM Vol. 3D 40.4). UNTRUSTED: all registers and what they point to, seen from
 * the enclave's peers; operands are copied before they are checked. In signals.
 */
#include <string.h>

#include "common/wipe.h"
#include "sgxemu/emu_kernel.h"

#define FLAG_CF   0x001u
#define FLAG_PF   0x004u
#define FLAG_AF   0x010u
#define FLAG_ZF   0x040u
#define FLAG_SF   0x080u
#define FLAG_OF   0x800u

#define PERMS     (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X)
#define RW_ACCESS (SGX_SECINFO_R | SGX_SECINFO_W)

static bool gp(struct emu_fault *f)
{
    f->vector = SGX_VEC_GP;
    f->errcode = 0;
    f->addr = 0;
    return false;
}

static bool pf(struct emu_fault *f, uint64_t addr, uint32_t errcode)
{
    f->vector = SGX_VEC_PF;
    f->errcode = errcode;
    f->addr = addr;
    return false;
}

static bool in_elrange(const struct emu_encl *e, uint64_t addr, uint64_t align)
{
    return (addr & (align - 1)) == 0 && addr - e->base < e->size;
}

/*
 * A memory operand: aligned, in ELRANGE (else #GP), and accessible (else #PF; an absent page is
 * added first, as the kernel would). Alignment keeps every operand in one page.
 */
static uint8_t *operand(struct emu_encl *e, uint64_t addr, uint64_t align, unsigned need,
                        struct emu_fault *f)
{
    uint32_t code = 0x4u | ((need & SGX_SECINFO_W) != 0 ? 0x2u : 0);

    if (!in_elrange(e, addr, align)) {
        (void)gp(f);
        return NULL;
    }
    if (cm_emu_access(pg_get(e->k, (addr - e->base) / EMU_PAGE), need) != EMU_ALLOW &&
        !cm_emu_page_fault(e, addr, &code)) {
        (void)pf(f, addr, code);
        return NULL;
    }
    return e->epc + (addr - e->base);
}

/* A leaf that returns an SGX error code in RAX. */
static bool returns(struct emu_leaf_regs *r, int error)
{
    r->rflags &= ~(uint64_t)(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF);
    r->rflags |= error != SGX_SUCCESS ? FLAG_ZF : 0;
    r->rax = (uint64_t)error;
    return true;
}

/* ------------------------------------------------------------------ EREPORT, EGETKEY */

static bool ereport(struct emu_encl *e, const struct emu_leaf_regs *r, struct emu_fault *f)
{
    const struct cm_emu_platform *platform = NULL;
    struct sgx_targetinfo target;
    struct sgx_report report;
    uint8_t data[64];
    uint8_t *in = NULL;
    uint8_t *in_data = NULL;
    uint8_t *out = NULL;

    if (!in_elrange(e, r->rbx, 512) || !in_elrange(e, r->rcx, 128) || !in_elrange(e, r->rdx, 512)) {
        return gp(f);
    }
    in = operand(e, r->rbx, 512, SGX_SECINFO_R, f);
    in_data = in != NULL ? operand(e, r->rcx, 128, SGX_SECINFO_R, f) : NULL;
    out = in_data != NULL ? operand(e, r->rdx, 512, RW_ACCESS, f) : NULL;
    if (out == NULL) {
        return false;
    }
    memcpy(&target, in, sizeof(target));
    memcpy(data, in_data, sizeof(data));
    if (cm_emu_platform_get(&platform, NULL) != CM_OK ||
        cm_emu_report_make(platform, &e->k->id, &target, data, &report) != SGX_SUCCESS) {
        return gp(f);
    }
    memcpy(out, &report, sizeof(report));
    return true;
}

static bool egetkey(struct emu_encl *e, struct emu_leaf_regs *r, struct emu_fault *f)
{
    const struct cm_emu_platform *platform = NULL;
    struct sgx_keyrequest request;
    uint8_t key[CM_EMU_KEY_SIZE] = {0};
    uint8_t *in = NULL;
    uint8_t *out = NULL;
    int ret = 0;

    if (!in_elrange(e, r->rbx, 512) || !in_elrange(e, r->rcx, 16)) {
        return gp(f);
    }
    in = operand(e, r->rbx, 512, SGX_SECINFO_R, f);
    out = in != NULL ? operand(e, r->rcx, 16, RW_ACCESS, f) : NULL;
    if (out == NULL) {
        return false;
    }
    memcpy(&request, in, sizeof(request));
    if (cm_emu_platform_get(&platform, NULL) != CM_OK) {
        return gp(f);
    }
    ret = cm_emu_key_get(platform, &e->k->id, &request, key);
    if (ret < 0) {
        return gp(f);
    }
    if (ret == SGX_SUCCESS) {
        memcpy(out, key, sizeof(key));
    }
    cm_wipe(key, sizeof(key));
    return returns(r, ret);
}

/* ------------------------------------------------------------------ EACCEPT, EMODPE, EACCEPTCOPY */

static bool read_secinfo(struct emu_encl *e, uint64_t addr, struct sgx_secinfo *out,
                         struct emu_fault *f)
{
    const uint8_t *p = operand(e, addr, 64, SGX_SECINFO_R, f);
    uint8_t any = 0;

    if (p == NULL) {
        return false;
    }
    memcpy(out, p, sizeof(*out));
    for (size_t i = 0; i < sizeof(out->reserved); i++) {
        any |= out->reserved[i];
    }
    return any == 0 || gp(f);
}

/*
 * The page that a leaf changes: mapped by the host with any access at all, and there (added when it
 * is not). The lock is held; f is filled on false.
 */
static bool target_page(struct emu_encl *e, uint64_t addr, struct emu_fault *f)
{
    uint64_t i = (addr - e->base) / EMU_PAGE;
    uint32_t w = pg_get(e->k, i);
    bool mapped = (w & PG_MAPPED) != 0 && PG_VMA(w) != 0 &&
                  ((w & PG_VALID) == 0 || (PG_VMA(w) & ~PG_MAX(w)) == 0);

    if (!mapped || ((w & PG_VALID) == 0 && !cm_emu_eaug(e->k, i))) {
        return pf(f, addr, 0x6);
    }
    return true;
}

/* SDM: the combinations of type, PENDING, MODIFIED and PR that an EACCEPT may name */
static bool accept_legal(uint64_t flags)
{
    uint64_t type = (flags >> 8) & 0xff;
    bool pending = (flags & SGX_SECINFO_PENDING) != 0;
    bool modified = (flags & SGX_SECINFO_MODIFIED) != 0;
    bool pr = (flags & SGX_SECINFO_PR) != 0;

    if ((flags & ~0xff3full) != 0) {
        return false;
    }
    if (type == SGX_PT_REG) {
        return (pr || pending) && !modified;
    }
    return (type == SGX_PT_TCS || type == SGX_PT_TRIM) && !pr && !pending && modified;
}

/* Lock held. 0, an SGX error, or CM_EMU_LEAF_GP. */
static int accept_page(struct emu_encl *e, uint64_t offset, uint64_t flags)
{
    uint64_t i = offset / EMU_PAGE;
    uint32_t w = pg_get(e->k, i);
    struct sgx_tcs tcs;

    if (((uint64_t)w & 0xff3f) != flags) {
        return SGX_PAGE_ATTRIBUTES_MISMATCH;
    }
    if (PG_TYPE(w) == SGX_PT_TCS) {
        memcpy(&tcs, e->epc + offset, sizeof(tcs));
        if ((tcs.flags & SGX_TCS_DBGOPTIN) != 0 || tcs.cssa >= tcs.nssa || tcs.aep != 0 ||
            tcs.state != 0 || !cm_emu_tcs_valid(&tcs, e->size) || !cm_emu_tcs_add(e, offset)) {
            return CM_EMU_LEAF_GP;
        }
    }
    cm_emu_pg_epcm(e->k, i, w & ~(PG_PENDING | PG_MODIFIED | PG_PR));
    return cm_emu_apply(e->k, i, 1) == 0 ? SGX_SUCCESS : CM_EMU_LEAF_GP;
}

static bool eaccept(struct emu_encl *e, struct emu_leaf_regs *r, struct emu_fault *f)
{
    struct emu_lock_state lock;
    struct sgx_secinfo secinfo;
    bool there = false;
    int ret = 0;

    if (!in_elrange(e, r->rbx, 64) || !in_elrange(e, r->rcx, EMU_PAGE)) {
        return gp(f);
    }
    if (!read_secinfo(e, r->rbx, &secinfo, f)) {
        return false;
    }
    if (!accept_legal(secinfo.flags)) {
        return gp(f);
    }
    cm_emu_lock(&lock);
    there = target_page(e, r->rcx, f);
    ret = there ? accept_page(e, r->rcx - e->base, secinfo.flags) : 0;
    cm_emu_unlock(&lock);
    if (!there) {
        return false;
    }
    return ret < 0 ? gp(f) : returns(r, ret);
}

static bool emodpe(struct emu_encl *e, const struct emu_leaf_regs *r, struct emu_fault *f)
{
    struct emu_lock_state lock;
    struct sgx_secinfo secinfo;
    uint32_t w = 0;
    bool ok = false;

    if (!in_elrange(e, r->rbx, 64) || !in_elrange(e, r->rcx, EMU_PAGE)) {
        return gp(f);
    }
    if (!read_secinfo(e, r->rbx, &secinfo, f)) {
        return false;
    }
    cm_emu_lock(&lock);
    ok = target_page(e, r->rcx, f);
    w = pg_get(e->k, (r->rcx - e->base) / EMU_PAGE);
    if (ok && (PG_TYPE(w) != SGX_PT_REG || (w & (PG_PENDING | PG_MODIFIED)) != 0)) {
        ok = pf(f, r->rcx, 0x8007);
    }
    if (ok && (secinfo.flags & SGX_SECINFO_W) != 0 && ((secinfo.flags | w) & SGX_SECINFO_R) == 0) {
        ok = gp(f); /* writable but not readable is no permission */
    }
    if (ok) {
        uint64_t i = (r->rcx - e->base) / EMU_PAGE;

        cm_emu_pg_epcm(e->k, i, w | ((uint32_t)secinfo.flags & (uint32_t)PERMS));
        ok = cm_emu_apply(e->k, i, 1) == 0 || gp(f);
    }
    cm_emu_unlock(&lock);
    return ok;
}

static bool eacceptcopy(struct emu_encl *e, struct emu_leaf_regs *r, struct emu_fault *f)
{
    struct emu_lock_state lock;
    struct sgx_secinfo secinfo;
    const uint8_t *source = NULL;
    bool there = false;
    int ret = SGX_SUCCESS;

    if (!in_elrange(e, r->rbx, 64) || !in_elrange(e, r->rcx, EMU_PAGE) ||
        !in_elrange(e, r->rdx, EMU_PAGE)) {
        return gp(f);
    }
    if (!read_secinfo(e, r->rbx, &secinfo, f)) {
        return false;
    }
    if (((secinfo.flags >> 8) & 0xff) != SGX_PT_REG || (secinfo.flags & ~0xff3full) != 0 ||
        ((secinfo.flags & SGX_SECINFO_W) != 0 && (secinfo.flags & SGX_SECINFO_R) == 0)) {
        return gp(f);
    }
    source = operand(e, r->rdx, EMU_PAGE, SGX_SECINFO_R, f);
    if (source == NULL) {
        return false;
    }
    cm_emu_lock(&lock);
    there = target_page(e, r->rcx, f);
    if (there) {
        uint64_t i = (r->rcx - e->base) / EMU_PAGE;
        uint32_t w = pg_get(e->k, i);

        if (PG_TYPE(w) != SGX_PT_REG || (w & (PG_PENDING | PG_MODIFIED)) != PG_PENDING) {
            ret = SGX_PAGE_ATTRIBUTES_MISMATCH;
        } else {
            memcpy(e->epc + i * EMU_PAGE, source, EMU_PAGE);
            cm_emu_pg_epcm(e->k, i,
                           pg_make(SGX_PT_REG, (unsigned)(secinfo.flags & PERMS), PG_MAX(w)));
            ret = cm_emu_apply(e->k, i, 1) == 0 ? SGX_SUCCESS : CM_EMU_LEAF_GP;
        }
    }
    cm_emu_unlock(&lock);
    if (!there) {
        return false;
    }
    return ret < 0 ? gp(f) : returns(r, ret);
}

bool cm_emu_leaf(struct emu_encl *e, struct emu_leaf_regs *r, struct emu_fault *f)
{
    switch ((uint32_t)r->rax) {
    case SGX_EREPORT:
        return ereport(e, r, f);
    case SGX_EGETKEY:
        return egetkey(e, r, f);
    case SGX_EACCEPT:
        return eaccept(e, r, f);
    case SGX_EMODPE:
        return emodpe(e, r, f);
    case SGX_EACCEPTCOPY:
        return eacceptcopy(e, r, f);
    default:
        return gp(f);
    }
}
