/*
 * What the files of the processor half share, and nothing else of the tree sees. The offsets that
 * emu_enter.S needs are generated from here by emu_offsets.c at build time.
 *
 * The state of a thread is changed only by that thread: in the sequences of emu_enter.S, or by its
 * own signal entry, which first rolls a sequence that it interrupted back or forward. So no half
 * state is ever seen, without a lock and without a syscall.
 */
#ifndef CM_SGXEMU_EMU_CPU_H
#define CM_SGXEMU_EMU_CPU_H

#include <signal.h>
#include <ucontext.h>

#include "emu.h"

/* One TCS. Type-stable memory, found by address without a lock. */
struct emu_tcs {
    uint32_t busy; /* 1 = a thread is inside, or is entering */
    uint32_t cssa;
    uint32_t frames_ok; /* SSA frames, from number 0 on, that passed EENTER's page checks */
    uint32_t nssa;
    uint64_t entry; /* addresses, not offsets */
    uint64_t fsbase;
    uint64_t gsbase;
    uint64_t aep;            /* of the last entry */
    struct sgx_ssa_gpr *gpr; /* of frame number cssa, through the alias */
    uint64_t addr;           /* 0 = not in use */
    struct emu_thread *thread;
    uint64_t base; /* copies of the enclave's */
    uint64_t size;
    uint64_t ssa_frame;
    uint64_t xfrm;
    struct emu_encl *encl;
    uint64_t ossa; /* address */
    struct emu_tcs *next;
};

/*
 * One host thread that has entered an enclave. 512 bytes: emu_enter.S finds it in the table by
 * shifting the LDT selector that ES holds.
 */
struct emu_thread {
    uint64_t host_fs; /* valid while inside */
    uint64_t host_gs;
    struct emu_tcs *inside; /* NULL = outside */
    /* what the last entry found out, valid while gen equals cm_emu_gen */
    uint64_t last;
    struct emu_tcs *last_tcs;
    uint64_t gen;
    volatile uint8_t selector; /* Syscall User Dispatch: 1 = a syscall is #UD */
    uint8_t in_leaf;           /* in C for EREPORT, EGETKEY, EACCEPT */
    uint8_t tf;                /* the host had TF set: give it back at the exit */
    uint8_t deferred;          /* EMU_DEFER_*: what in_leaf has put off */
    uint32_t tid;
    uint64_t host_rsp; /* at ERESUME, to roll it back */
    uint64_t host_rbp;
    uint64_t saved[11]; /* at ERESUME: rdx rsi rdi r8-r15 */
    /* while in_leaf: the enclave's registers, in the order of struct sgx_ssa_gpr, FS and GS */
    uint64_t leaf[16];
    uint64_t leaf_fs;
    uint64_t leaf_gs;
    uint64_t leaf_flags;
    uint8_t *leaf_stack; /* top of the signal stack: leaves in C run there */
    uint64_t deferred_mask;
    uint8_t *stack;     /* the signal stack, guard page first */
    stack_t host_stack; /* what the host believes its sigaltstack to be */
    uint32_t index;
    uint32_t used;
    uint32_t no_ldt; /* ES is 0; found through cm_emu_tids */
} __attribute__((aligned(512)));
_Static_assert(sizeof(struct emu_thread) == 512, "emu_enter.S shifts by 9");

#define EMU_DEFER_SIGNAL 1u /* a signal came; all are blocked meanwhile */
#define EMU_DEFER_FAULT  2u /* the leaf faults: do it again at the site, the slow way */

/* slots 0 .. EMU_LDT_SLOTS-1 have an LDT entry of the same number */
#define EMU_SLOTS     32768u
#define EMU_LDT_SLOTS 8192u

/* where a patched ENCLU site has its RET; see emu_patch.c */
#define EMU_SITE_RET 6u

/* 128 KiB: leaves in C and, below them, signal frames with AMX state */
#define EMU_STACK_SIZE 0x20000u

extern struct emu_thread cm_emu_threads[EMU_SLOTS];
extern uint64_t cm_emu_slots;           /* what emu_enter.S adds to (ES << 6) to find the thread */
extern uint32_t cm_emu_tids[EMU_SLOTS]; /* for threads without an LDT entry */
extern uint32_t cm_emu_tids_used;       /* entries to look at */
extern uint32_t cm_emu_without_ldt;     /* threads that have none */
extern uint64_t cm_emu_gen;
extern uint64_t cm_emu_xsave_mask;
extern __thread struct emu_thread *cm_emu_self __attribute__((tls_model("initial-exec")));

/* segment bases and selector of the interrupted context; emu_enter.S loads them back */
struct emu_ctx {
    uint64_t fs;
    uint64_t gs;
    uint64_t selector;
};

/* registers that the slow way of an entry saves and may set (emu_enter.S pushes them) */
struct emu_entry_regs {
    uint64_t function;
    uint64_t r11, r10, r9, r8;
    uint64_t rdx, rsi, rdi;
    uint64_t rflags;
};

/* ------------------------------------------------------------------ emu_enter.S */
/* the linker's names for the beginning and the end of section cm_emu_text */
extern char __start_cm_emu_text[] __attribute__((visibility("hidden")));
extern char __stop_cm_emu_text[] __attribute__((visibility("hidden")));
#define cm_emu_text_start __start_cm_emu_text
#define cm_emu_text_end   __stop_cm_emu_text

extern char cm_emu_again[], cm_emu_aep[], cm_emu_exception[];
extern char cm_emu_seq_enter_0[], cm_emu_seq_enter_1[], cm_emu_seq_enter_2[];
extern char cm_emu_seq_enter_last[], cm_emu_seq_enter_end[];
extern char cm_emu_seq_res_0[], cm_emu_seq_res_1[], cm_emu_seq_res_2[], cm_emu_seq_res_3[];
extern char cm_emu_seq_res_4[], cm_emu_seq_res_5[], cm_emu_seq_res_6[], cm_emu_seq_res_end[];
extern char cm_emu_leaf_entry[], cm_emu_seq_exit_a[], cm_emu_seq_exit_c[];
extern char cm_emu_seq_exit_0[], cm_emu_seq_exit_last[];
extern char cm_emu_seq_exit_end[], cm_emu_enclu[];
extern char cm_emu_leaf_0[], cm_emu_leaf_1[], cm_emu_leaf_5[], cm_emu_leaf_save[];
extern char cm_emu_leaf_in[], cm_emu_leaf_out[], cm_emu_leaf_fix[], cm_emu_leaf_end[];
extern char cm_emu_signal_entry[], cm_emu_restorer[], cm_emu_host_restorer[];

/* Run a host handler on a frame copied to `frame`, with the signal mask *mask. Never returns. */
_Noreturn void cm_emu_call_handler(void *frame, int sig, void *info, void *uc, void *handler,
                                   const uint64_t *mask);
/* sigaltstack(set, old) with RSP on `stack`, so that it works on the old alternate stack, too. */
long cm_emu_sigaltstack_on(const stack_t *set, stack_t *old, void *stack);

/* ------------------------------------------------------------------ called by emu_enter.S */
/* 0: try the entry again. 1: regs say which exception it runs into. */
int cm_emu_entry_slow(struct emu_entry_regs *regs, uint64_t tcs);
void cm_emu_signal(int sig, siginfo_t *si, ucontext_t *uc, struct emu_thread *t, struct emu_ctx *c);
void cm_emu_leaf_fast(struct emu_thread *t);
void cm_emu_before_sigreturn(ucontext_t *uc);

/* ------------------------------------------------------------------ emu_thread.c */
/* This thread's slot; registers it. NULL when no slot or no stack is left (said on stderr). */
struct emu_thread *cm_emu_register(void);
/* Has cm_emu_start succeeded? */
bool cm_emu_started(void);

/* ------------------------------------------------------------------ emu_tcs.c */
struct emu_tcs *cm_emu_tcs_find(uint64_t addr);
/* SDM's checks of EENTER (2) or ERESUME (3) up to the busy bit; sets frames_ok. False: f. */
bool cm_emu_tcs_check(struct emu_tcs *x, unsigned function, struct emu_fault *f);
/* Find and check, and remember the result for this thread. NULL: f. */
struct emu_tcs *cm_emu_tcs_lookup(struct emu_thread *t, uint64_t addr, unsigned function,
                                  struct emu_fault *f);
/* Does a debugger see INT3 and TF of this entry (TCS.FLAGS.DBGOPTIN, or option dbgoptin)? */
bool cm_emu_tcs_optin(const struct emu_tcs *x);

/* ------------------------------------------------------------------ emu_aex.c */
struct emu_event {
    int vector; /* -1 = no exception: an interrupt */
    bool software;
    uint32_t errcode;
    uint64_t addr; /* #PF */
};
/* Leave the enclave: state into the SSA, synthetic state into uc and c. */
void cm_emu_aex(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c,
                const struct emu_event *ev);
/* EENTER, ERESUME, EEXIT by a raw ENCLU at uc's RIP. False: f. */
bool cm_emu_raw_enter(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c, struct emu_fault *f);
bool cm_emu_raw_resume(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c,
                       struct emu_fault *f);
void cm_emu_raw_exit(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c);
/* Roll an interrupted sequence back or forward; afterwards t is inside or outside for good. */
void cm_emu_settle(struct emu_thread *t, ucontext_t *uc, struct emu_ctx *c);
void cm_emu_xsave_init(void);

/* ------------------------------------------------------------------ emu_frame.c */
/* The six signals that the processor itself raises: never really blocked. */
#define EMU_BIT(sig) (UINT64_C(1) << ((sig)-1))
#define EMU_SYNC_SIGNALS                                                                         \
    (EMU_BIT(SIGSEGV) | EMU_BIT(SIGILL) | EMU_BIT(SIGFPE) | EMU_BIT(SIGTRAP) | EMU_BIT(SIGBUS) | \
     EMU_BIT(SIGSYS))
/* the C library's own two signals: never blocked, never changed by programs */
#define EMU_LIBC_SIGNALS (EMU_BIT(32) | EMU_BIT(33))

/* struct sigaction as the kernel has it */
struct emu_ksigaction {
    uint64_t handler; /* 0 SIG_DFL, 1 SIG_IGN */
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
void cm_emu_signals_start(void);
void cm_emu_signals_forked(void);
/*
 * Give the signal to the host as the kernel would: returns when nothing is to be run, does not
 * return when a handler is (it continues in the copied frame). errno is restored here.
 */
void cm_emu_to_host(int sig, siginfo_t *si, ucontext_t *uc, struct emu_thread *t, int host_errno);
/* rt_sigaction with the emulator in between. 0 or -errno. */
int cm_emu_sigaction(int sig, const struct emu_ksigaction *set, struct emu_ksigaction *old);
/* rt_sigprocmask, likewise. */
int cm_emu_sigprocmask(int how, const uint64_t *set, uint64_t *old);
int cm_emu_sigaltstack(const stack_t *set, stack_t *old);
void cm_emu_own_stack(const struct emu_thread *t, stack_t *s);
/* Of this thread: which of the six the host has blocked. */
void cm_emu_believe_mask(uint64_t mask);
uint64_t cm_emu_believed(void);

/* A wait under way: the kernel's mask before it, and the host's view of the six. */
struct emu_wait {
    uint64_t real;
    uint64_t believed;
};
/* The host's mask is `mask` from here on; all signals are blocked until a call sets it, too. */
void cm_emu_wait_begin(struct emu_wait *w, uint64_t mask);
void cm_emu_wait_end(const struct emu_wait *w);
/* The kernel holds those of the six that the host has blocked, with what of `set` came before. */
void cm_emu_take_begin(struct emu_wait *w, uint64_t set);
void cm_emu_take_end(const struct emu_wait *w);
/* The default action of a signal. */
void cm_emu_die(int sig);

/* ------------------------------------------------------------------ emu_patch.c */
/* CPUID that was replaced: answer it and step over. False: not one of those. */
bool cm_emu_cpuid_here(greg_t *r);
/* One more of them; false when the table is full. */
bool cm_emu_cpuid_add(uint64_t addr);
uint64_t cm_emu_pending_sync(void);

/* emu_interpose.c, emu_wait.c: called so that a linker takes the files out of the archive */
void cm_emu_interpose(void);
void cm_emu_interpose_waits(void);

/* emu_wait.c, for emu_jump.S */
struct __jmp_buf_tag;
void cm_emu_note_jump(struct __jmp_buf_tag *env, int save_mask);
void cm_emu_note_context(ucontext_t *uc);
extern void *cm_emu_next_sigsetjmp;
extern void *cm_emu_next_getcontext;

/* The signals that the kernel knows of a set. */
static inline uint64_t cm_emu_mask_word(const sigset_t *set)
{
    uint64_t mask;

    __builtin_memcpy(&mask, set, sizeof(mask));
    return mask;
}

/* the kernel's part of a context's mask */
static inline uint64_t cm_emu_uc_mask(const ucontext_t *uc)
{
    return cm_emu_mask_word(&uc->uc_sigmask);
}

static inline void cm_emu_uc_set_mask(ucontext_t *uc, uint64_t mask)
{
    __builtin_memcpy(&uc->uc_sigmask, &mask, sizeof(mask));
}

/* an address out of a register */
static inline void *emu_ptr(uint64_t addr)
{
    return (void *)addr; /* NOLINT(performance-no-int-to-ptr): registers hold numbers */
}

/* ------------------------------------------------------------------ syscalls without errno */
static inline long emu_syscall4(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    long ret;
    register uint64_t r10 __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

#endif
