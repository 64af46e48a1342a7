/*
 * The host's signals: dispositions, masks and alternate stacks as the host believes them to be,
 * and its handlers, run on a copy of the signal frame on the stack that the kernel would have used.
 *
 * Why a copy: the emulator's entry runs on its own alternate stack, from whose top the kernel
 * starts again at the next signal that finds the thread elsewhere, such as inside an enclave that
 * the host's handler has entered. A handler that ran there would be overwritten.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu_cpu.h"

#define SIGNALS          64
#define KSA_RESTORER     UINT64_C(0x04000000)
#define KSA_AUTODISARM   INT32_MIN /* bit 31 of an int */
#define XSTATE_MAGIC     0x46505853u
#define SW_MAGIC_OFFSET  464u
#define SW_SIZE_OFFSET   468u
#define LEGACY_SIZE      512u
#define RED_ZONE         128u
#define FRAME_ALIGN      64u
#define KERNEL_MASK_SIZE 8u

static struct emu_ksigaction actions[SIGNALS + 1];
static uint8_t owned[SIGNALS + 1];
static uint8_t actions_busy;
static uint32_t actions_pid;

/* per thread: what of EMU_SYNC_SIGNALS the host has blocked, and what came in meanwhile */
#define EMU_TLS __thread __attribute__((tls_model("initial-exec")))
static EMU_TLS uint64_t believed_mask;
static EMU_TLS uint64_t waiting;
static EMU_TLS siginfo_t waiting_info[6];
/* a wait with a mask of its own is under way: the mask that its end brings back, for the host */
static EMU_TLS uint64_t mask_after_wait;
static EMU_TLS bool in_wait;

static long raw_sigaction(int sig, const struct emu_ksigaction *set, struct emu_ksigaction *old)
{
    return emu_syscall4(SYS_rt_sigaction, (uint64_t)sig, (uint64_t)set, (uint64_t)old,
                        KERNEL_MASK_SIZE);
}

static long raw_mask(int how, const uint64_t *set, uint64_t *old)
{
    return emu_syscall4(SYS_rt_sigprocmask, (uint64_t)how, (uint64_t)set, (uint64_t)old,
                        KERNEL_MASK_SIZE);
}

static bool has_handler(const struct emu_ksigaction *a)
{
    return a->handler != (uint64_t)SIG_DFL && a->handler != (uint64_t)SIG_IGN;
}

static bool is_sync(int sig)
{
    return (EMU_SYNC_SIGNALS & EMU_BIT(sig)) != 0;
}

/* All signals are blocked here, in handlers and out of them, so the holder is another thread. */
static void lock_actions(void)
{
    while (__atomic_exchange_n(&actions_busy, 1, __ATOMIC_ACQUIRE) != 0) {
        (void)sched_yield();
    }
}

static void unlock_actions(void)
{
    __atomic_store_n(&actions_busy, 0, __ATOMIC_RELEASE);
}

/* The kernel's own disposition for a signal whose host disposition is in actions[]. */
static void install(int sig)
{
    const struct emu_ksigaction *a = &actions[sig];
    struct emu_ksigaction k = {(uint64_t)cm_emu_signal_entry,
                               KSA_RESTORER | SA_SIGINFO | SA_ONSTACK |
                                   (a->flags & (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT)),
                               (uint64_t)cm_emu_restorer, ~UINT64_C(0)};

    owned[sig] = is_sync(sig) || has_handler(a);
    if (!owned[sig]) {
        k = *a;
        k.flags |= KSA_RESTORER;
        k.restorer = (uint64_t)cm_emu_restorer;
    }
    (void)raw_sigaction(sig, &k, NULL);
}

void cm_emu_signals_start(void)
{
    uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;

    (void)raw_mask(SIG_SETMASK, &all, &before);
    actions_pid = (uint32_t)getpid();
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct emu_ksigaction now = {0};

        if (raw_sigaction(sig, NULL, &now) != 0) {
            continue;
        }
        actions[sig] = now;
        if (is_sync(sig) || has_handler(&now)) {
            install(sig);
        }
    }
    (void)raw_mask(SIG_SETMASK, &before, NULL);
}

void cm_emu_signals_forked(void)
{
    actions_pid = (uint32_t)getpid();
    waiting = 0;
}

/* ------------------------------------------------------------------ dispositions */

int cm_emu_sigaction(int sig, const struct emu_ksigaction *set, struct emu_ksigaction *old)
{
    uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    struct emu_ksigaction was;

    if (sig < 1 || sig > SIGNALS || (set != NULL && (sig == SIGKILL || sig == SIGSTOP))) {
        return -EINVAL;
    }
    /* a vfork child shares the table but not the kernel's dispositions */
    if (!cm_emu_started() || (uint32_t)getpid() != actions_pid) {
        struct emu_ksigaction k = {0};

        if (set != NULL) {
            k = *set;
            k.flags |= KSA_RESTORER;
            k.restorer = (uint64_t)cm_emu_restorer;
        }
        return (int)raw_sigaction(sig, set != NULL ? &k : NULL, old);
    }
    (void)raw_mask(SIG_SETMASK, &all, &before);
    lock_actions();
    was = actions[sig];
    if (set != NULL) {
        actions[sig] = *set;
        install(sig);
    }
    unlock_actions();
    (void)raw_mask(SIG_SETMASK, &before, NULL);
    if (old != NULL) {
        *old = was;
    }
    return 0;
}

/* ------------------------------------------------------------------ masks */

/* position in waiting_info */
static size_t sync_index(int sig)
{
    static const int order[6] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSYS};
    size_t i = 0;

    while (i < 5 && order[i] != sig) {
        i++;
    }
    return i;
}

/* To the kernel again, with those that wait here and are in `which`. */
static void release(uint64_t which)
{
    uint64_t now = waiting & which;

    for (int sig = 1; now != 0 && sig <= SIGNALS; sig++) {
        if ((now & EMU_BIT(sig)) != 0) {
            now &= ~EMU_BIT(sig);
            waiting &= ~EMU_BIT(sig);
            (void)emu_syscall4(SYS_rt_tgsigqueueinfo, (uint64_t)getpid(),
                               (uint64_t)emu_syscall4(SYS_gettid, 0, 0, 0, 0), (uint64_t)sig,
                               (uint64_t)&waiting_info[sync_index(sig)]);
        }
    }
}

/* Signals that came while the host had them blocked, and that it now has not. */
static void release_waiting(void)
{
    release(~believed_mask);
}

uint64_t cm_emu_believed(void)
{
    return believed_mask;
}

void cm_emu_wait_begin(struct emu_wait *w, uint64_t mask)
{
    uint64_t most = ~EMU_LIBC_SIGNALS;

    (void)raw_mask(SIG_BLOCK, &most, &w->real);
    w->believed = believed_mask;
    believed_mask = mask & EMU_SYNC_SIGNALS;
    mask_after_wait = (w->real & ~EMU_SYNC_SIGNALS) | w->believed;
    in_wait = true;
    release_waiting();
}

void cm_emu_wait_end(const struct emu_wait *w)
{
    uint64_t real = w->real & ~EMU_SYNC_SIGNALS;

    in_wait = false;
    believed_mask = w->believed;
    (void)raw_mask(SIG_SETMASK, &real, NULL);
}

void cm_emu_take_begin(struct emu_wait *w, uint64_t set)
{
    uint64_t held = believed_mask;

    w->believed = held;
    (void)raw_mask(SIG_BLOCK, &held, &w->real);
    release(set & held);
}

void cm_emu_take_end(const struct emu_wait *w)
{
    uint64_t held = w->believed;

    (void)raw_mask(SIG_UNBLOCK, &held, NULL);
}

uint64_t cm_emu_pending_sync(void)
{
    return waiting;
}

void cm_emu_believe_mask(uint64_t mask)
{
    believed_mask = mask & EMU_SYNC_SIGNALS;
}

int cm_emu_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
    uint64_t believed = believed_mask;
    uint64_t real = 0;
    int ret;

    if (!cm_emu_started()) {
        return (int)raw_mask(how, set, old);
    }
    if (set != NULL) {
        real = *set & ~EMU_SYNC_SIGNALS;
    }
    ret = (int)raw_mask(how, set != NULL ? &real : NULL, old);
    if (ret != 0) {
        return ret;
    }
    if (old != NULL) {
        *old |= believed;
    }
    if (set != NULL) {
        uint64_t bits = *set & EMU_SYNC_SIGNALS;

        believed_mask = how == SIG_BLOCK     ? believed | bits
                        : how == SIG_UNBLOCK ? believed & ~bits
                                             : bits;
        if (waiting != 0) {
            release_waiting();
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ alternate stacks */

static bool on_stack(const stack_t *s, uint64_t sp)
{
    return (s->ss_flags & SS_DISABLE) == 0 && sp - (uint64_t)s->ss_sp < s->ss_size;
}

/* The kernel's alternate stack of a thread that has entered enclaves. */
void cm_emu_own_stack(const struct emu_thread *t, stack_t *s)
{
    memset(s, 0, sizeof(*s));
    s->ss_sp = t->stack + SGX_PAGE_SIZE;
    s->ss_size = EMU_STACK_SIZE;
}

int cm_emu_sigaltstack(const stack_t *set, stack_t *old)
{
    struct emu_thread *t = cm_emu_self;
    uint64_t sp = (uint64_t)__builtin_frame_address(0);
    stack_t was;
    bool on;

    if (t == NULL) {
        return (int)emu_syscall4(SYS_sigaltstack, (uint64_t)set, (uint64_t)old, 0, 0);
    }
    was = t->host_stack;
    on = (was.ss_flags & KSA_AUTODISARM) == 0 && on_stack(&was, sp);
    if (set != NULL) {
        int mode = set->ss_flags & ~KSA_AUTODISARM;

        if (on) {
            return -EPERM;
        }
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) {
            return -EINVAL;
        }
        if (mode != SS_DISABLE && set->ss_size < 2048) {
            return -ENOMEM;
        }
        t->host_stack = *set;
        t->host_stack.ss_flags &= ~SS_ONSTACK;
        if (mode == SS_DISABLE) {
            t->host_stack.ss_sp = NULL;
            t->host_stack.ss_size = 0;
        }
    }
    if (old != NULL) {
        *old = was;
        old->ss_flags |= on ? SS_ONSTACK : 0;
    }
    return 0;
}

/* ------------------------------------------------------------------ delivery */

/* The default action of this signal, for good. Comes back only for the six when blocked. */
void cm_emu_die(int sig)
{
    struct emu_ksigaction dfl = {.flags = KSA_RESTORER, .restorer = (uint64_t)cm_emu_restorer};
    uint64_t only = EMU_BIT(sig);

    (void)raw_sigaction(sig, &dfl, NULL);
    (void)emu_syscall4(SYS_tgkill, (uint64_t)getpid(),
                       (uint64_t)emu_syscall4(SYS_gettid, 0, 0, 0, 0), (uint64_t)sig, 0);
    (void)raw_mask(SIG_UNBLOCK, &only, NULL);
}

/* What is to be run, with SA_RESETHAND done. */
static struct emu_ksigaction take_action(int sig)
{
    struct emu_ksigaction a;

    lock_actions();
    a = actions[sig];
    if ((a.flags & (uint64_t)SA_RESETHAND) != 0 && has_handler(&a)) {
        actions[sig].handler = (uint64_t)SIG_DFL;
        install(sig);
    }
    unlock_actions();
    return a;
}

/* No handler, or a synchronous signal that the host has blocked. True: nothing more to do. */
static bool without_handler(int sig, const siginfo_t *si, const struct emu_ksigaction *a)
{
    bool sync = si->si_code > 0 && is_sync(sig);

    if (!sync && (believed_mask & EMU_BIT(sig)) != 0) {
        waiting |= EMU_BIT(sig);
        waiting_info[sync_index(sig)] = *si;
        return true;
    }
    if (sync && (believed_mask & EMU_BIT(sig)) != 0) {
        cm_emu_die(sig); /* as the kernel does */
        return true;
    }
    if (has_handler(a)) {
        return false;
    }
    if (a->handler == (uint64_t)SIG_DFL || sync) {
        cm_emu_die(sig);
    }
    return true;
}

/* Bytes from the frame's return address to the end of its vector state. */
static size_t frame_size(const ucontext_t *uc)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    uint32_t magic;
    uint32_t size = LEGACY_SIZE;

    memcpy(&magic, fp + SW_MAGIC_OFFSET, sizeof(magic));
    if (magic == XSTATE_MAGIC) {
        memcpy(&size, fp + SW_SIZE_OFFSET, sizeof(size));
    }
    return (size_t)(fp + size - ((const uint8_t *)uc - sizeof(uint64_t)));
}

/* Where the kernel would have put the frame for a handler with these flags. */
static uint8_t *frame_place(uint8_t *frame, size_t size, const ucontext_t *uc,
                            const struct emu_thread *t, const struct emu_ksigaction *a)
{
    const stack_t *alt = t != NULL ? &t->host_stack : &uc->uc_stack;
    uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    uint64_t to = sp - RED_ZONE;

    if ((a->flags & (uint64_t)SA_ONSTACK) != 0 && (alt->ss_flags & SS_DISABLE) == 0 &&
        alt->ss_size != 0 && !on_stack(alt, sp)) {
        to = (uint64_t)alt->ss_sp + alt->ss_size;
    }
    if (t == NULL && on_stack(&uc->uc_stack, (uint64_t)frame) == on_stack(&uc->uc_stack, to - 1)) {
        return frame; /* the kernel has put it there */
    }
    to -= size;
    to -= (to - (uint64_t)frame) % FRAME_ALIGN;
    return emu_ptr(to);
}

void cm_emu_to_host(int sig, siginfo_t *si, ucontext_t *uc, struct emu_thread *t, int host_errno)
{
    struct emu_ksigaction a = take_action(sig);
    uint8_t *frame = (uint8_t *)uc - sizeof(uint64_t);
    size_t size = frame_size(uc);
    uint64_t mask = cm_emu_uc_mask(uc) | a.mask | ((a.flags & SA_NODEFER) == 0 ? EMU_BIT(sig) : 0);
    uint64_t restorer = (uint64_t)cm_emu_host_restorer;
    uint8_t *to;
    ucontext_t *copy;

    if (without_handler(sig, si, &a)) {
        return;
    }
    to = frame_place(frame, size, uc, t, &a);
    if (to != frame) {
        memcpy(to, frame, size);
    }
    copy = (ucontext_t *)(void *)(to + sizeof(uint64_t));
    copy->uc_mcontext.fpregs =
        (fpregset_t)(void *)(to + ((uint8_t *)uc->uc_mcontext.fpregs - frame));
    cm_emu_uc_set_mask(copy, in_wait ? mask_after_wait : cm_emu_uc_mask(copy) | believed_mask);
    in_wait = false; /* the first handler ends it */
    if (t != NULL) {
        uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];

        copy->uc_stack = t->host_stack;
        copy->uc_stack.ss_flags |= on_stack(&t->host_stack, sp) ? SS_ONSTACK : 0;
        if ((t->host_stack.ss_flags & KSA_AUTODISARM) != 0) {
            memset(&t->host_stack, 0, sizeof(t->host_stack));
            t->host_stack.ss_flags = SS_DISABLE;
        }
    }
    memcpy(to, &restorer, sizeof(restorer));
    mask &= ~EMU_SYNC_SIGNALS;
    errno = host_errno;
    cm_emu_call_handler(to, sig, to + ((uint8_t *)si - frame), copy, emu_ptr(a.handler), &mask);
}

/* A host handler returns: from the host's view of mask and stack to the kernel's. */
void cm_emu_before_sigreturn(ucontext_t *uc)
{
    struct emu_thread *t = cm_emu_self;
    uint64_t mask = cm_emu_uc_mask(uc);
    int saved = errno;

    believed_mask = mask & EMU_SYNC_SIGNALS;
    cm_emu_uc_set_mask(uc, mask & ~EMU_SYNC_SIGNALS);
    if (t != NULL) {
        t->host_stack = uc->uc_stack;
        t->host_stack.ss_flags &= ~SS_ONSTACK;
        cm_emu_own_stack(t, &uc->uc_stack);
    }
    if (waiting != 0) {
        release_waiting();
    }
    errno = saved;
}
