/*
 * What a signal means: classification, after emu_enter.S has found the thread and loaded the
 * host's FS and GS. Everything here runs with all signals blocked, on the thread's signal stack.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu_cpu.h"

#define FLAG_TF      0x100
#define STATUS_FLAGS 0x8d5u
#define ENCLU_SIZE   3
#define SUD_SIGSYS   2 /* si_code: Syscall User Dispatch, not seccomp */
#define SYSCALL_SIZE 2

/* one signal on its way */
struct arrival {
    int sig;
    siginfo_t *si;
    ucontext_t *uc;
    greg_t *r;
    struct emu_thread *t; /* NULL: a thread that never entered an enclave */
    struct emu_ctx *c;
    int host_errno;
};

static bool in_text(uint64_t ip)
{
    return ip >= (uint64_t)cm_emu_text_start && ip < (uint64_t)cm_emu_text_end;
}

/* Raised by this thread's own instruction, by the processor. */
static bool synchronous(const struct arrival *a)
{
    return a->si->si_code > 0 && (EMU_SYNC_SIGNALS & EMU_BIT(a->sig)) != 0;
}

static bool single_step(const struct arrival *a)
{
    return a->sig == SIGTRAP && a->si->si_code == TRAP_TRACE;
}

static void to_host(const struct arrival *a)
{
    cm_emu_to_host(a->sig, a->si, a->uc, a->t, a->host_errno);
}

/* ------------------------------------------------------------------ exceptions for the host */

/* The signal by which the kernel tells of an exception that the vDSO does not take. */
static void describe(struct arrival *a, const struct emu_event *ev)
{
    static const struct {
        int vector;
        int sig;
        int code;
    } table[] = {
        {SGX_VEC_DE, SIGFPE, FPE_INTDIV},   {SGX_VEC_DB, SIGTRAP, TRAP_TRACE},
        {SGX_VEC_BP, SIGTRAP, SI_KERNEL},   {SGX_VEC_BR, SIGSEGV, SI_KERNEL},
        {SGX_VEC_UD, SIGILL, ILL_ILLOPN},   {SGX_VEC_MF, SIGFPE, FPE_FLTINV},
        {SGX_VEC_AC, SIGBUS, BUS_ADRALN},   {SGX_VEC_XM, SIGFPE, FPE_FLTINV},
        {SGX_VEC_PF, SIGSEGV, SEGV_ACCERR}, {SGX_VEC_GP, SIGSEGV, SI_KERNEL},
    };
    siginfo_t *si = a->si;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].vector != ev->vector) {
            continue;
        }
        if (a->sig != table[i].sig || ev->vector == SGX_VEC_PF) {
            bool unmapped = a->sig == SIGSEGV && si->si_code == SEGV_MAPERR;

            memset(si, 0, sizeof(*si));
            a->sig = table[i].sig;
            si->si_signo = a->sig;
            si->si_code = ev->vector == SGX_VEC_PF && unmapped ? SEGV_MAPERR : table[i].code;
        }
    }
    if (ev->vector == SGX_VEC_PF) {
        si->si_addr = emu_ptr(ev->addr & ~UINT64_C(0xfff));
        a->r[REG_CR2] = (greg_t)(ev->addr & ~UINT64_C(0xfff));
    } else if (ev->vector != SGX_VEC_GP && ev->vector != SGX_VEC_BP) {
        si->si_addr = emu_ptr((uint64_t)a->r[REG_RIP]);
    }
    a->r[REG_TRAPNO] = ev->vector;
    a->r[REG_ERR] = (greg_t)ev->errcode;
}

/* ENCLU outside the enclave faults where it stands. */
static void fault_outside(struct arrival *a, const struct emu_fault *f)
{
    struct emu_event ev = {.vector = (int)f->vector, .errcode = f->errcode, .addr = f->addr};

    describe(a, &ev);
    if (f->vector == SGX_VEC_PF) {
        a->si->si_addr = emu_ptr(f->addr); /* not inside: the whole address */
        a->r[REG_CR2] = (greg_t)f->addr;
    }
    to_host(a);
}

/* AEX for an exception, then the vDSO's fixup; or a signal where the kernel does no fixup. */
static void exception_inside(struct arrival *a, const struct emu_event *ev)
{
    cm_emu_aex(a->t, a->uc, a->c, ev);
    if (a->r[REG_RIP] == (greg_t)cm_emu_aep && ev->vector != SGX_VEC_DB &&
        ev->vector != SGX_VEC_BP) {
        a->r[REG_RIP] = (greg_t)cm_emu_exception;
        a->r[REG_RDI] = ev->vector;
        a->r[REG_RSI] = (greg_t)ev->errcode;
        a->r[REG_RDX] = ev->vector == SGX_VEC_PF ? (greg_t)(ev->addr & ~UINT64_C(0xfff)) : 0;
        return;
    }
    describe(a, ev);
    to_host(a);
}

/* ------------------------------------------------------------------ ENCLU by SIGILL */

static bool is_enclu(const struct arrival *a)
{
    const volatile uint8_t *p = emu_ptr((uint64_t)a->r[REG_RIP]);
    const struct emu_tcs *x = a->t != NULL ? a->t->inside : NULL;
    uint64_t off = 0;

    if (x != NULL) {
        off = (uint64_t)a->r[REG_RIP] - x->base;
        if (x->encl->site_ret != 0 && (uint64_t)a->r[REG_RIP] == x->encl->site_ret - EMU_SITE_RET) {
            return true; /* settled: the site was an ENCLU */
        }
        if (off < x->size) {
            p = x->encl->epc + off;
        }
    }
    return p[0] == 0x0f && p[1] == 0x01 && p[2] == 0xd7;
}

static void step_over_enclu(const struct arrival *a)
{
    const struct emu_encl *e = a->t->inside->encl;

    if (e->site_ret != 0 && (uint64_t)a->r[REG_RIP] == e->site_ret - EMU_SITE_RET) {
        a->r[REG_RIP] = (greg_t)e->site_ret;
    } else {
        a->r[REG_RIP] += ENCLU_SIZE;
    }
}

static void leaf_by_sigill(struct arrival *a)
{
    struct emu_leaf_regs regs = {.rax = (uint64_t)a->r[REG_RAX] & UINT32_MAX,
                                 .rbx = (uint64_t)a->r[REG_RBX],
                                 .rcx = (uint64_t)a->r[REG_RCX],
                                 .rdx = (uint64_t)a->r[REG_RDX],
                                 .r8 = (uint64_t)a->r[REG_R8],
                                 .rflags = (uint64_t)a->r[REG_EFL]};
    struct emu_fault f = {0};

    if (cm_emu_leaf(a->t->inside->encl, &regs, &f)) {
        a->r[REG_RAX] = (greg_t)regs.rax;
        a->r[REG_RBX] = (greg_t)regs.rbx;
        a->r[REG_RCX] = (greg_t)regs.rcx;
        a->r[REG_RDX] = (greg_t)regs.rdx;
        a->r[REG_EFL] =
            (a->r[REG_EFL] & ~(greg_t)STATUS_FLAGS) | (greg_t)(regs.rflags & STATUS_FLAGS);
        step_over_enclu(a);
    } else {
        struct emu_event ev = {.vector = (int)f.vector, .errcode = f.errcode, .addr = f.addr};

        exception_inside(a, &ev);
    }
}

static bool canonical(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static void exit_by_sigill(struct arrival *a)
{
    const struct emu_tcs *x = a->t->inside;
    uint64_t target = (uint64_t)a->r[REG_RBX];

    if (!canonical(target)) {
        struct emu_event gp = {.vector = SGX_VEC_GP};

        exception_inside(a, &gp);
        return;
    }
    if (target - x->base < x->size) {
        /* A7: outside, the host cannot fetch from the EPC */
        struct emu_fault f = {.vector = SGX_VEC_PF, .errcode = 0x15, .addr = target};

        cm_emu_raw_exit(a->t, a->uc, a->c);
        fault_outside(a, &f);
        return;
    }
    cm_emu_raw_exit(a->t, a->uc, a->c);
}

static void enclu_inside(struct arrival *a)
{
    uint32_t leaf = (uint32_t)a->r[REG_RAX];
    struct emu_event gp = {.vector = SGX_VEC_GP};

    if (leaf == SGX_EEXIT) {
        exit_by_sigill(a);
    } else if (leaf == SGX_EENTER || leaf == SGX_ERESUME) {
        exception_inside(a, &gp);
    } else {
        leaf_by_sigill(a);
    }
}

static void enclu_outside(struct arrival *a)
{
    uint32_t leaf = (uint32_t)a->r[REG_RAX];
    struct emu_fault f = {.vector = SGX_VEC_GP};
    bool ok = false;

    if (leaf == SGX_EENTER || leaf == SGX_ERESUME) {
        if (a->t == NULL) {
            a->t = cm_emu_register();
        }
        if (a->t != NULL && leaf == SGX_EENTER) {
            ok = cm_emu_raw_enter(a->t, a->uc, a->c, &f);
        } else if (a->t != NULL) {
            ok = cm_emu_raw_resume(a->t, a->uc, a->c, &f);
        }
    }
    if (!ok) {
        fault_outside(a, &f);
    }
}

/* ------------------------------------------------------------------ leaves in C, fast way */

/* Called by emu_enter.S on the signal stack; async signals wait meanwhile. */
void cm_emu_leaf_fast(struct emu_thread *t)
{
    struct emu_leaf_regs regs = {.rax = t->leaf[0],
                                 .rcx = t->leaf[1],
                                 .rdx = t->leaf[2],
                                 .rbx = t->leaf[3],
                                 .r8 = t->leaf[8],
                                 .rflags = t->leaf_flags};
    struct emu_fault f = {0};

    if (!cm_emu_leaf(t->inside->encl, &regs, &f)) {
        t->deferred |= EMU_DEFER_FAULT; /* done again, slowly, from the handler: faults are rare */
        return;
    }
    t->leaf[0] = regs.rax;
    t->leaf[1] = regs.rcx;
    t->leaf[2] = regs.rdx;
    t->leaf[3] = regs.rbx;
    t->leaf_flags = (t->leaf_flags & ~(uint64_t)STATUS_FLAGS) | (regs.rflags & STATUS_FLAGS);
}

/* Queue the signal again, and let nothing but the final UD2 through until the leaf is done. */
static void defer(const struct arrival *a)
{
    struct emu_thread *t = a->t;

    if ((t->deferred & EMU_DEFER_SIGNAL) == 0) {
        t->deferred |= EMU_DEFER_SIGNAL;
        t->deferred_mask = cm_emu_uc_mask(a->uc);
    }
    cm_emu_uc_set_mask(a->uc, ~EMU_BIT(SIGILL));
    (void)emu_syscall4(SYS_rt_tgsigqueueinfo, (uint64_t)getpid(), t->tid, (uint64_t)a->sig,
                       (uint64_t)a->si);
}

/* The UD2 at the end of a leaf: let waiting signals in, or run the leaf again for its fault. */
static void leaf_ends(struct arrival *a)
{
    struct emu_thread *t = a->t;
    unsigned why = t->deferred;

    t->deferred = 0;
    a->r[REG_RAX] = (greg_t)t->leaf[0];
    a->r[REG_RCX] = (greg_t)t->leaf[1];
    if ((why & EMU_DEFER_SIGNAL) != 0) {
        cm_emu_uc_set_mask(a->uc, t->deferred_mask);
    }
    if ((why & EMU_DEFER_FAULT) != 0) {
        a->r[REG_RIP] = (greg_t)(t->inside->encl->site_ret - EMU_SITE_RET);
        enclu_inside(a);
    } else {
        a->r[REG_RIP] = (greg_t)t->inside->encl->site_ret;
    }
}

/* ------------------------------------------------------------------ exceptions inside */

/* True: the instruction can simply run again. */
static bool page_fault_inside(const struct arrival *a, struct emu_event *ev)
{
    struct emu_encl *e = a->t->inside->encl;

    ev->addr = (uint64_t)a->r[REG_CR2];
    if (ev->addr - e->base >= e->size) {
        return false;
    }
    return cm_emu_page_fault(e, ev->addr, &ev->errcode);
}

static void trap_inside(struct arrival *a, struct emu_event *ev)
{
    bool optin = cm_emu_tcs_optin(a->t->inside);

    if (ev->vector == SGX_VEC_BP) {
        /* a fault inside: RIP stays on the INT3. Without opt-in it is #UD (SDM 43.4.1) */
        a->r[REG_RIP] -= 1;
        ev->software = optin;
        ev->vector = optin ? SGX_VEC_BP : SGX_VEC_UD;
    } else if (ev->vector == SGX_VEC_DB && single_step(a) && !optin) {
        /* the whole stay inside is one instruction: trap again after the exit (SDM 43.2.3) */
        a->t->tf = 1;
        a->r[REG_EFL] &= ~(greg_t)FLAG_TF;
        return;
    }
    exception_inside(a, ev);
}

static void fault_inside(struct arrival *a)
{
    struct emu_event ev = {.vector = (int)a->r[REG_TRAPNO], .errcode = (uint32_t)a->r[REG_ERR]};

    switch (a->sig) {
    case SIGSYS:
        if (a->si->si_code != SUD_SIGSYS) {
            ev.vector = -1; /* seccomp's: for the host */
            cm_emu_aex(a->t, a->uc, a->c, &ev);
            to_host(a);
            return;
        }
        /* RCX and R11 are lost: the SYSCALL instruction has overwritten them */
        a->r[REG_RIP] -= SYSCALL_SIZE;
        ev.vector = SGX_VEC_UD;
        ev.errcode = 0;
        break;
    case SIGTRAP:
        trap_inside(a, &ev);
        return;
    default:
        if (ev.vector == SGX_VEC_PF && page_fault_inside(a, &ev)) {
            return;
        }
        break;
    }
    exception_inside(a, &ev);
}

/* ------------------------------------------------------------------ the entry */

/* Signals that hit the emulator's own text. True: dealt with. */
static bool in_transition(struct arrival *a)
{
    uint64_t ip = (uint64_t)a->r[REG_RIP];
    bool sync = synchronous(a);

    if (sync && single_step(a)) {
        return true; /* a transition is one instruction */
    }
    if (sync && a->sig == SIGILL && ip == (uint64_t)cm_emu_leaf_fix && a->t->inside != NULL) {
        leaf_ends(a);
        return true;
    }
    if (sync && ip >= (uint64_t)cm_emu_seq_res_6 && ip < (uint64_t)cm_emu_seq_res_end &&
        a->t->inside != NULL) {
        /* the SSA frame holds what cannot be loaded */
        cm_emu_settle(a->t, a->uc, a->c);
        a->r[REG_RIP] = (greg_t)cm_emu_exception;
        a->r[REG_RAX] = SGX_ERESUME;
        a->r[REG_RDI] = SGX_VEC_GP;
        a->r[REG_RSI] = 0;
        a->r[REG_RDX] = 0;
        return true;
    }
    cm_emu_settle(a->t, a->uc, a->c);
    return false;
}

/* Leaves in C: signals wait; a fault there is a defect of the emulator. True: dealt with. */
static bool in_leaf(const struct arrival *a)
{
    static const char text[] = "casemate sgxemu: a fault inside the emulator itself\n";

    if (single_step(a)) {
        return true;
    }
    if (!synchronous(a)) {
        defer(a);
        return true;
    }
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    cm_emu_die(a->sig);
    return true;
}

static void dispatch(struct arrival *a)
{
    bool sync = synchronous(a);

    if (a->t != NULL && a->t->in_leaf != 0) {
        if (in_leaf(a)) {
            return;
        }
    } else if (a->t != NULL && in_text((uint64_t)a->r[REG_RIP]) && in_transition(a)) {
        return;
    }
    if (sync && a->sig == SIGILL && is_enclu(a)) {
        if (a->t != NULL && a->t->inside != NULL) {
            enclu_inside(a);
        } else {
            enclu_outside(a);
        }
        return;
    }
    if (a->t == NULL || a->t->inside == NULL) {
        if (!(sync && a->sig == SIGILL && cm_emu_cpuid_here(a->r))) {
            to_host(a);
        }
        return;
    }
    if (sync) {
        fault_inside(a);
    } else {
        struct emu_event interrupt = {.vector = -1};

        cm_emu_aex(a->t, a->uc, a->c, &interrupt);
        to_host(a);
    }
}

void cm_emu_signal(int sig, siginfo_t *si, ucontext_t *uc, struct emu_thread *t, struct emu_ctx *c)
{
    struct arrival a = {sig, si, uc, uc->uc_mcontext.gregs, t, c, errno};

    dispatch(&a);
    if (a.t != NULL) {
        /* sigreturn loads the alternate stack from here, and the host may have changed since */
        cm_emu_own_stack(a.t, &uc->uc_stack);
        a.t->selector = 0;
        if (t == NULL) {
            a.t->selector = (uint8_t)c->selector; /* registered here: emu_enter.S does not know */
        }
    }
    errno = a.host_errno;
}
