/*
 * What the processor does at an asynchronous exit, at ENCLU instructions that were not replaced,
 * and, in place of "an instruction is atomic", the settling of interrupted sequences of
 * emu_enter.S. All of it works on the context of a signal. SDM Vol. 3D, chapters 38 to 40.
 */
#include <cpuid.h>
#include <string.h>

#include "emu_cpu.h"

#define MAX_COMPONENTS 32u
#define LEGACY_SIZE    512u
#define LEGACY_STATE   464u /* the rest of the legacy region is the kernel's */
#define XSAVE_HEADER   64u
#define MXCSR_OFFSET   24u
#define MXCSR_INIT     0x1f80u
#define MXCSR_VALID    0xffffu

#define FLAG_TF        0x100u
/* CF PF AF ZF SF OF RF: cleared by an AEX; DF and AC too, kinder than hardware */
#define FLAGS_AEX     0x10cd5u
#define FLAG_AC       0x40000u
#define FLAGS_RESUMED 0x250cd5u

struct component {
    uint32_t offset;
    uint32_t size;
};

static struct component components[MAX_COMPONENTS];
static uint64_t host_xcr0;
uint64_t cm_emu_xsave_mask;

/* ------------------------------------------------------------------ XSAVE areas */

uint64_t cm_emu_xcr0(void)
{
    uint32_t lo;
    uint32_t hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

void cm_emu_xsave_init(void)
{
    host_xcr0 = cm_emu_xcr0();
    for (uint32_t i = 2; i < MAX_COMPONENTS; i++) {
        uint32_t c;
        uint32_t d;

        __cpuid_count(0xd, i, components[i].size, components[i].offset, c, d);
    }
    /* what C code may clobber; the areas in emu_enter.S have room for it */
    cm_emu_xsave_mask = host_xcr0 & (SGX_XFRM_LEGACY | SGX_XFRM_YMM | SGX_XFRM_ZMM);
}

uint32_t cm_emu_xsave_size(uint64_t xfrm)
{
    uint32_t size = LEGACY_SIZE + XSAVE_HEADER;

    for (uint32_t i = 2; i < MAX_COMPONENTS; i++) {
        uint32_t a = 0;
        uint32_t b = 0;
        uint32_t c;
        uint32_t d;

        if ((xfrm >> i & 1) == 0) {
            continue;
        }
        __cpuid_count(0xd, i, a, b, c, d);
        if (a + b > size) {
            size = a + b;
        }
    }
    return size;
}

static uint64_t load64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void store64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

static void store32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static uint8_t *frame_state(ucontext_t *uc)
{
    return (uint8_t *)uc->uc_mcontext.fpregs;
}

static uint8_t *ssa_state(const struct emu_tcs *x, struct sgx_ssa_gpr *g)
{
    return (uint8_t *)g + sizeof(*g) - x->ssa_frame;
}

static void copy_components(uint8_t *to, const uint8_t *from, uint64_t which, bool zero_others,
                            uint64_t others)
{
    for (uint32_t i = 2; i < MAX_COMPONENTS; i++) {
        if ((which >> i & 1) != 0) {
            memcpy(to + components[i].offset, from + components[i].offset, components[i].size);
        } else if (zero_others && (others >> i & 1) != 0) {
            memset(to + components[i].offset, 0, components[i].size);
        }
    }
}

/* signal frame -> SSA, then the init state into the frame */
static void state_to_ssa(const struct emu_tcs *x, uint8_t *ssa, uint8_t *frame)
{
    uint64_t present = load64(frame + LEGACY_SIZE);
    uint64_t saved = present & x->xfrm;

    memcpy(ssa, frame, LEGACY_STATE);
    memset(ssa + LEGACY_STATE, 0, LEGACY_SIZE + XSAVE_HEADER - LEGACY_STATE);
    store64(ssa + LEGACY_SIZE, saved);
    copy_components(ssa, frame, saved, true, x->xfrm);
    store64(frame + LEGACY_SIZE, present & ~x->xfrm);
    store32(frame + MXCSR_OFFSET, MXCSR_INIT);
}

/* SSA -> signal frame. False: XRSTOR would fault. */
static bool state_from_ssa(const struct emu_tcs *x, const uint8_t *ssa, uint8_t *frame)
{
    uint64_t saved = load64(ssa + LEGACY_SIZE);
    uint32_t mxcsr;

    memcpy(&mxcsr, ssa + MXCSR_OFFSET, sizeof(mxcsr));
    if ((saved & ~x->xfrm) != 0 || (mxcsr & ~MXCSR_VALID) != 0) {
        return false;
    }
    for (uint32_t i = 8; i < 24; i += 8) { /* XCOMP_BV and the reserved bytes that are checked */
        if (load64(ssa + LEGACY_SIZE + i) != 0) {
            return false;
        }
    }
    memcpy(frame, ssa, LEGACY_STATE);
    copy_components(frame, ssa, saved, false, 0);
    store64(frame + LEGACY_SIZE, (load64(frame + LEGACY_SIZE) & ~x->xfrm) | saved);
    return true;
}

/* ------------------------------------------------------------------ AEX */

/* registers in the order of struct sgx_ssa_gpr */
static const int greg_order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                   REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15};

static uint64_t *gpr_array(struct sgx_ssa_gpr *g)
{
    return &g->rax;
}

/* Vectors that EXITINFO reports; #GP and #PF only with EXINFO. */
static bool reported(const struct emu_encl *e, int vector)
{
    switch (vector) {
    case SGX_VEC_DE:
    case SGX_VEC_DB:
    case SGX_VEC_BP:
    case SGX_VEC_BR:
    case SGX_VEC_UD:
    case SGX_VEC_MF:
    case SGX_VEC_AC:
    case SGX_VEC_XM:
        return true;
    case SGX_VEC_GP:
    case SGX_VEC_PF:
        return (e->misc & SGX_MISC_EXINFO) != 0;
    default:
        return false;
    }
}

static void exit_info(const struct emu_encl *e, struct sgx_ssa_gpr *g, const struct emu_event *ev)
{
    g->exitinfo = 0;
    if (ev->vector < 0 || !reported(e, ev->vector)) {
        return;
    }
    g->exitinfo = SGX_EXITINFO_VALID | (uint32_t)ev->vector |
                  (ev->software ? SGX_EXIT_SOFTWARE : SGX_EXIT_HARDWARE) << 8;
    if (ev->vector == SGX_VEC_PF || ev->vector == SGX_VEC_GP) {
        struct sgx_exinfo info = {.maddr = ev->vector == SGX_VEC_PF ? ev->addr : 0,
                                  .errcd = ev->errcode};

        memcpy((uint8_t *)g - sizeof(info), &info, sizeof(info));
    }
}

/* The thread is outside from here on; c and t agree. */
static void leave(struct emu_thread *t, struct emu_ctx *c, struct emu_tcs *x)
{
    t->inside = NULL;
    c->fs = t->host_fs;
    c->gs = t->host_gs;
    c->selector = 0;
    __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
}

void cm_emu_aex(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c, const struct emu_event *ev)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct emu_tcs *x = t->inside;
    struct sgx_ssa_gpr *g = x->gpr;
    uint64_t host_flags = (uint64_t)r[REG_EFL] & ~(uint64_t)(FLAGS_AEX | FLAG_AC);

    for (size_t i = 0; i < 16; i++) {
        gpr_array(g)[i] = (uint64_t)r[greg_order[i]];
        r[greg_order[i]] = 0;
    }
    g->rip = (uint64_t)r[REG_RIP];
    g->rflags = (uint64_t)r[REG_EFL] & ~(uint64_t)FLAG_TF;
    if (!cm_emu_tcs_optin(x)) {
        host_flags &= ~(uint64_t)FLAG_TF;
        host_flags |= t->tf != 0 ? FLAG_TF : 0;
    }
    t->tf = 0;
    g->fsbase = c->fs;
    g->gsbase = c->gs;
    exit_info(x->encl, g, ev);
    state_to_ssa(x, ssa_state(x, g), frame_state(uc));

    r[REG_RAX] = SGX_ERESUME;
    r[REG_RBX] = (greg_t)x->addr;
    r[REG_RCX] = (greg_t)x->aep;
    r[REG_RIP] = (greg_t)x->aep;
    r[REG_RSP] = (greg_t)g->ursp;
    r[REG_RBP] = (greg_t)g->urbp;
    r[REG_EFL] = (greg_t)host_flags;
    x->cssa++;
    x->gpr = (struct sgx_ssa_gpr *)(void *)((uint8_t *)g + x->ssa_frame);
    leave(t, c, x);
}

/* ------------------------------------------------------------------ raw ENCLU */

static bool canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

static bool general_protection(struct emu_fault *f)
{
    f->vector = SGX_VEC_GP;
    f->errcode = 0;
    f->addr = 0;
    return false;
}

/* What EENTER and ERESUME have in common; the TCS is then busy. NULL: f. */
static struct emu_tcs *raw_begin(struct emu_thread *t, const ucontext_t *uc, unsigned function,
                                 struct emu_fault *f)
{
    const greg_t *r = uc->uc_mcontext.gregs;
    uint64_t aep = (uint64_t)r[REG_RCX];
    struct emu_tcs *x;

    if (!canonical(aep)) {
        (void)general_protection(f);
        return NULL;
    }
    x = cm_emu_tcs_lookup(t, (uint64_t)r[REG_RBX], function, f);
    if (x == NULL) {
        return NULL;
    }
    if (aep - x->base < x->size || __atomic_exchange_n(&x->busy, 1, __ATOMIC_ACQUIRE) != 0) {
        (void)general_protection(f); /* A7: the AEP is inside; or the TCS is in use */
        return NULL;
    }
    return x;
}

static void raw_enter_host(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c,
                           struct emu_tcs *x, struct sgx_ssa_gpr *g)
{
    greg_t *r = uc->uc_mcontext.gregs;

    g->ursp = (uint64_t)r[REG_RSP];
    g->urbp = (uint64_t)r[REG_RBP];
    x->aep = (uint64_t)r[REG_RCX];
    x->thread = t;
    t->host_fs = c->fs;
    t->host_gs = c->gs;
    t->tf = 0;
    if ((r[REG_EFL] & FLAG_TF) != 0 && !cm_emu_tcs_optin(x)) {
        t->tf = 1;
        r[REG_EFL] &= ~(greg_t)FLAG_TF;
    }
    t->inside = x;
    c->selector = 1;
}

bool cm_emu_raw_enter(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c, struct emu_fault *f)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct emu_tcs *x = raw_begin(t, uc, SGX_EENTER, f);

    if (x == NULL) {
        return false;
    }
    raw_enter_host(t, uc, c, x, x->gpr);
    c->fs = x->fsbase;
    c->gs = x->gsbase;
    r[REG_RAX] = (greg_t)x->cssa;
    r[REG_RCX] = r[REG_RIP] + 3;
    r[REG_RIP] = (greg_t)x->entry;
    return true;
}

bool cm_emu_raw_resume(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c, struct emu_fault *f)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct emu_tcs *x = raw_begin(t, uc, SGX_ERESUME, f);
    struct sgx_ssa_gpr *g;

    if (x == NULL) {
        return false;
    }
    g = (struct sgx_ssa_gpr *)(void *)((uint8_t *)x->gpr - x->ssa_frame);
    if (!canonical(g->rip) || !canonical(g->fsbase) || !canonical(g->gsbase) ||
        !state_from_ssa(x, ssa_state(x, g), frame_state(uc))) {
        __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
        return general_protection(f);
    }
    raw_enter_host(t, uc, c, x, g);
    x->cssa--;
    x->gpr = g;
    for (size_t i = 0; i < 16; i++) {
        r[greg_order[i]] = (greg_t)gpr_array(g)[i];
    }
    r[REG_RIP] = (greg_t)g->rip;
    r[REG_EFL] =
        (greg_t)(((uint64_t)r[REG_EFL] & ~(uint64_t)FLAGS_RESUMED) | (g->rflags & FLAGS_RESUMED));
    c->fs = g->fsbase;
    c->gs = g->gsbase;
    return true;
}

void cm_emu_raw_exit(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct emu_tcs *x = t->inside;

    r[REG_RCX] = (greg_t)x->aep;
    r[REG_RIP] = r[REG_RBX];
    if (!cm_emu_tcs_optin(x)) {
        r[REG_EFL] &= ~(greg_t)FLAG_TF;
        r[REG_EFL] |= t->tf != 0 ? FLAG_TF : 0;
    }
    t->tf = 0;
    leave(t, c, x);
}

/* ------------------------------------------------------------------ settling */

static bool between(uint64_t ip, const char *first, const char *end)
{
    return ip >= (uint64_t)first && ip < (uint64_t)end;
}

static void again(greg_t *r, unsigned function)
{
    r[REG_RIP] = (greg_t)cm_emu_again;
    r[REG_RAX] = (greg_t)function;
}

static void undo_enter(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c)
{
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t ip = (uint64_t)r[REG_RIP];
    bool inside = t->inside != NULL;
    struct emu_tcs *x = inside ? t->inside : emu_ptr((uint64_t)r[REG_RCX]);
    bool ours = ip >= (uint64_t)cm_emu_seq_enter_2 ||
                (ip >= (uint64_t)cm_emu_seq_enter_1 && r[REG_RAX] == 0);

    if (inside) {
        leave(t, c, x);
    } else if (ours) {
        __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
    }
    again(r, SGX_EENTER);
}

static void undo_resume(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c)
{
    static const int order[11] = {REG_RDX, REG_RSI, REG_RDI, REG_R8,  REG_R9, REG_R10,
                                  REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t ip = (uint64_t)r[REG_RIP];
    bool inside = t->inside != NULL;
    struct emu_tcs *x = inside ? t->inside : emu_ptr((uint64_t)r[REG_RCX]);
    bool ours =
        ip >= (uint64_t)cm_emu_seq_res_2 || (ip >= (uint64_t)cm_emu_seq_res_1 && r[REG_RAX] == 0);

    if (inside || between(ip, cm_emu_seq_res_3, cm_emu_seq_res_end)) {
        /* but not at the release behind the sequence, where nothing has been saved */
        if (inside || ip < (uint64_t)cm_emu_seq_res_4) {
            for (size_t i = 0; i < 11; i++) {
                r[order[i]] = (greg_t)t->saved[i];
            }
            r[REG_RSP] = (greg_t)t->host_rsp;
            r[REG_RBP] = (greg_t)t->host_rbp;
        }
    }
    if (inside) {
        if (ip >= (uint64_t)cm_emu_seq_res_5) {
            x->cssa++;
        }
        if (ip >= (uint64_t)cm_emu_seq_res_6) {
            x->gpr = (struct sgx_ssa_gpr *)(void *)((uint8_t *)x->gpr + x->ssa_frame);
        }
        r[REG_EFL] &= ~(greg_t)FLAG_TF;
        r[REG_EFL] |= t->tf != 0 ? FLAG_TF : 0;
        t->tf = 0;
        leave(t, c, x);
    } else if (ours) {
        __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
    }
    again(r, SGX_ERESUME);
}

static void finish_exit(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c)
{
    greg_t *r = uc->uc_mcontext.gregs;
    struct emu_tcs *x = t->inside;

    if (x == NULL && (uint64_t)r[REG_RIP] < (uint64_t)cm_emu_seq_exit_last) {
        x = emu_ptr((uint64_t)r[REG_RAX]);
    }
    if (x != NULL) {
        r[REG_RCX] = (greg_t)x->aep;
        leave(t, c, x);
    }
    r[REG_RAX] = SGX_EEXIT;
    r[REG_RIP] = r[REG_RBX];
}

/* Between a patched site and the point of no return: back to the site, which is an ENCLU again. */
static void back_to_site(const struct emu_thread *t, greg_t *r)
{
    uint64_t ip = (uint64_t)r[REG_RIP];

    if (between(ip, cm_emu_seq_exit_a, cm_emu_seq_exit_0) ||
        between(ip, cm_emu_seq_exit_end, cm_emu_seq_exit_c)) {
        r[REG_RAX] = SGX_EEXIT;
    } else if (between(ip, cm_emu_leaf_0, cm_emu_leaf_1)) {
        r[REG_RAX] = SGX_EREPORT;
    } else if (between(ip, cm_emu_leaf_1, cm_emu_leaf_5)) {
        r[REG_RAX] = SGX_EGETKEY;
    } else if (between(ip, cm_emu_leaf_5, cm_emu_leaf_in)) {
        r[REG_RAX] = ip < (uint64_t)cm_emu_leaf_save ? SGX_EACCEPT : (greg_t)t->leaf[0];
    }
    r[REG_RIP] = (greg_t)(t->inside->encl->site_ret - EMU_SITE_RET);
}

void cm_emu_settle(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c)
{
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t ip = (uint64_t)r[REG_RIP];

    if (between(ip, cm_emu_seq_enter_0, cm_emu_seq_enter_end)) {
        undo_enter(t, uc, c);
    } else if (between(ip, cm_emu_seq_res_0, cm_emu_seq_res_end)) {
        undo_resume(t, uc, c);
    } else if (between(ip, cm_emu_seq_exit_0, cm_emu_seq_exit_end)) {
        finish_exit(t, uc, c);
    } else if (t->inside == NULL) {
        return; /* the host's side of the entry: a place like any other */
    } else if (between(ip, cm_emu_leaf_out, cm_emu_leaf_end)) {
        r[REG_RAX] = (greg_t)t->leaf[0];
        r[REG_RCX] = (greg_t)t->leaf[1];
        r[REG_RIP] = (greg_t)t->inside->encl->site_ret;
        if ((t->deferred & EMU_DEFER_FAULT) != 0) { /* not done: the site comes again */
            r[REG_RIP] -= EMU_SITE_RET;
        }
        if ((t->deferred & EMU_DEFER_SIGNAL) != 0) {
            memcpy(&uc->uc_sigmask, &t->deferred_mask, sizeof(t->deferred_mask));
        }
        t->deferred = 0;
    } else if (between(ip, cm_emu_leaf_entry, cm_emu_leaf_in)) {
        back_to_site(t, r);
    }
}
