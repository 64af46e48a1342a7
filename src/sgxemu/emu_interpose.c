/*
 * The C library's signal functions, as far as they set dispositions, masks or alternate stacks:
 * these definitions take their place in the program, linked or preloaded (waits: emu_wait.c). Before cm_emu_start they
 * do what the library's do; afterwards the emulator stands between (emu_frame.c).
 *
 * What a program does by its own system calls, or what the C library does inside itself, is not
 * seen here; docs/emulator.md says what follows from that.
 */
/* the checked variants are inline functions of the same names, which could not be defined here */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <string.h>

#include "emu_cpu.h"

/* the C library's headers give parameters reserved names */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#define EXPORT       __attribute__((visibility("default")))
#define KSA_RESTORER UINT64_C(0x04000000)

static void mask_to(sigset_t *set, uint64_t mask)
{
    memset(set, 0, sizeof(*set));
    memcpy(set, &mask, sizeof(mask));
}

void cm_emu_interpose(void)
{
}

static int result(int r)
{
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return r;
}

/* ------------------------------------------------------------------ dispositions */

static int set_action(int sig, const struct sigaction *set, struct sigaction *old)
{
    struct emu_ksigaction k = {0};
    struct emu_ksigaction was = {0};
    int r;

    if (sig == 32 || sig == 33) {
        return result(-EINVAL);
    }
    if (set != NULL) {
        k.handler = (uint64_t)set->sa_handler;
        k.flags = (uint64_t)(uint32_t)set->sa_flags;
        k.mask = cm_emu_mask_word(&set->sa_mask);
    }
    r = cm_emu_sigaction(sig, set != NULL ? &k : NULL, &was);
    if (r == 0 && old != NULL) {
        memset(old, 0, sizeof(*old));
        memcpy(&old->sa_handler, &was.handler, sizeof(old->sa_handler));
        old->sa_flags = (int)(was.flags & ~KSA_RESTORER);
        mask_to(&old->sa_mask, was.mask);
    }
    return result(r);
}

static sighandler_t set_handler(int sig, sighandler_t handler, int flags)
{
    struct sigaction set = {.sa_flags = flags};
    struct sigaction old;

    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    set.sa_handler = handler;
    return set_action(sig, &set, &old) != 0 ? SIG_ERR : old.sa_handler;
}

EXPORT int sigaction(int sig, const struct sigaction *restrict set, struct sigaction *restrict old)
{
    return set_action(sig, set, old);
}

EXPORT int __sigaction(int sig, const struct sigaction *set, struct sigaction *old);
EXPORT int __sigaction(int sig, const struct sigaction *set, struct sigaction *old)
{
    return set_action(sig, set, old);
}

EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
    return set_handler(sig, handler, SA_RESTART);
}

EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler);
EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler)
{
    return set_handler(sig, handler, SA_RESTART);
}

EXPORT sighandler_t ssignal(int sig, sighandler_t handler);
EXPORT sighandler_t ssignal(int sig, sighandler_t handler)
{
    return set_handler(sig, handler, SA_RESTART);
}

EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler);
EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
    return set_handler(sig, handler, (int)(SA_RESETHAND | SA_NODEFER));
}

EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler);
EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
    return set_handler(sig, handler, (int)(SA_RESETHAND | SA_NODEFER));
}

EXPORT int siginterrupt(int sig, int interrupt)
{
    struct sigaction a;

    if (set_action(sig, NULL, &a) != 0) {
        return -1;
    }
    a.sa_flags = interrupt != 0 ? a.sa_flags & ~SA_RESTART : a.sa_flags | SA_RESTART;
    return set_action(sig, &a, NULL);
}

/* ------------------------------------------------------------------ masks */

static int set_mask(int how, const sigset_t *set, sigset_t *old)
{
    uint64_t now = 0;
    uint64_t was = 0;
    int r;

    if (set != NULL) {
        now = cm_emu_mask_word(set) & ~EMU_LIBC_SIGNALS;
    }
    r = cm_emu_sigprocmask(how, set != NULL ? &now : NULL, &was);
    if (r == 0 && old != NULL) {
        mask_to(old, was);
    }
    return r;
}

EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return result(set_mask(how, set, old));
}

EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return -set_mask(how, set, old);
}

EXPORT int sigpending(sigset_t *set)
{
    uint64_t mask = 0;
    long r = emu_syscall4(127, (uint64_t)&mask, sizeof(mask), 0, 0);

    if (r == 0) {
        mask_to(set, mask | cm_emu_pending_sync());
    }
    return result((int)r);
}

static int mask_one(int how, int sig)
{
    sigset_t set;

    (void)sigemptyset(&set);
    return sigaddset(&set, sig) != 0 ? -1 : result(set_mask(how, &set, NULL));
}

EXPORT int sighold(int sig)
{
    return mask_one(SIG_BLOCK, sig);
}

EXPORT int sigrelse(int sig)
{
    return mask_one(SIG_UNBLOCK, sig);
}

EXPORT int sigignore(int sig)
{
    return set_handler(sig, SIG_IGN, 0) == SIG_ERR ? -1 : 0;
}

EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
    sigset_t one;
    sigset_t old;
    struct sigaction was;
    bool held;

    (void)sigemptyset(&one);
    if (sigaddset(&one, sig) != 0) {
        return SIG_ERR;
    }
    if (handler == SIG_HOLD) {
        if (set_mask(SIG_BLOCK, &one, &old) != 0 || set_action(sig, NULL, &was) != 0) {
            return SIG_ERR;
        }
        return sigismember(&old, sig) != 0 ? SIG_HOLD : was.sa_handler;
    }
    was.sa_handler = set_handler(sig, handler, 0);
    if (was.sa_handler == SIG_ERR || set_mask(SIG_UNBLOCK, &one, &old) != 0) {
        return SIG_ERR;
    }
    held = sigismember(&old, sig) != 0;
    return held ? SIG_HOLD : was.sa_handler;
}

/* BSD: the first 32 signals as a word */
EXPORT int sigblock(int mask)
{
    uint64_t bits = (uint32_t)mask;
    uint64_t was = 0;

    return cm_emu_sigprocmask(SIG_BLOCK, &bits, &was) != 0 ? -1 : (int)(uint32_t)was;
}

EXPORT int sigsetmask(int mask)
{
    uint64_t bits = (uint32_t)mask;
    uint64_t was = 0;

    return cm_emu_sigprocmask(SIG_SETMASK, &bits, &was) != 0 ? -1 : (int)(uint32_t)was;
}

EXPORT int siggetmask(void)
{
    uint64_t was = 0;

    return cm_emu_sigprocmask(SIG_BLOCK, NULL, &was) != 0 ? -1 : (int)(uint32_t)was;
}

EXPORT int sigaltstack(const stack_t *restrict set, stack_t *restrict old)
{
    return result(cm_emu_sigaltstack(set, old));
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
