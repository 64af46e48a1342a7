/*
 * The C library's functions that wait with a mask, wait for signals, or set the mask on their way
 * elsewhere (jumps, contexts, new threads): these definitions take their place, as those of
 * emu_interpose.c do.
 *
 * The kernel must never block one of the six while code of an enclave may run (a fault would kill
 * the process), and the host must see the mask that it has set. A wait is the one place where both
 * can be had: no enclave runs in it, so what the host wants blocked is blocked in the kernel.
 */
/* the checked variants are inline functions of the same names, which could not be defined here */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "emu_cpu.h"

/*
 * The C library's headers give parameters reserved names; its cleanup macros, and lists of parameters
 * in ours, are what the other two checks see.
 */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
/* NOLINTBEGIN(readability-function-size,bugprone-macro-parentheses) */
#define EXPORT __attribute__((visibility("default")))

void cm_emu_interpose_waits(void)
{
}

/* The C library's own function; `same` is anything of its type. Found once, then kept. */
static void *next_of(void **kept, const char *name)
{
    void *found = __atomic_load_n(kept, __ATOMIC_ACQUIRE);

    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        __atomic_store_n(kept, found, __ATOMIC_RELEASE);
    }
    return found;
}

#define DEFINE_NEXT(type, name, params)                               \
    static type(*next_##name(void)) params                            \
    {                                                                 \
        static void *kept;                                            \
        void *found = next_of(&kept, #name);                          \
        type(*next) params;                                           \
                                                                      \
        memcpy(&next, &found, sizeof(next)); /* C has no such cast */ \
        return next;                                                  \
    }

/* ------------------------------------------------------------------ waiting with a mask */

static void wait_over(void *w)
{
    cm_emu_wait_end(w);
}

/*
 * Run `call` as the library would with `mask`. With all signals blocked until the kernel itself sets
 * the mask: nothing comes in between. The functions are cancellation points.
 */
#define WITH_MASK(ret, mask, call)                      \
    do {                                                \
        struct emu_wait w_;                             \
                                                        \
        cm_emu_wait_begin(&w_, cm_emu_mask_word(mask)); \
        pthread_cleanup_push(wait_over, &w_);           \
        (ret) = call;                                   \
        pthread_cleanup_pop(1);                         \
    } while (0)

static bool plain(const sigset_t *mask)
{
    return mask == NULL || !cm_emu_started();
}

DEFINE_NEXT(int, sigsuspend, (const sigset_t *))
EXPORT int sigsuspend(const sigset_t *mask)
{
    int ret = 0;

    if (plain(mask)) {
        return next_sigsuspend()(mask);
    }
    WITH_MASK(ret, mask, next_sigsuspend()(mask));
    return ret;
}

DEFINE_NEXT(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))
EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    int ret = 0;

    if (plain(mask)) {
        return next_ppoll()(fds, n, timeout, mask);
    }
    WITH_MASK(ret, mask, next_ppoll()(fds, n, timeout, mask));
    return ret;
}

/* what _FORTIFY_SOURCE makes of ppoll */
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t room);
DEFINE_NEXT(int, __ppoll_chk,
            (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t))
EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                       const sigset_t *mask, size_t room)
{
    int ret = 0;

    if (plain(mask)) {
        return next___ppoll_chk()(fds, n, timeout, mask, room);
    }
    WITH_MASK(ret, mask, next___ppoll_chk()(fds, n, timeout, mask, room));
    return ret;
}

DEFINE_NEXT(int, pselect,
            (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *))
EXPORT int pselect(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e,
                   const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
    int ret = 0;

    if (plain(mask)) {
        return next_pselect()(n, r, w, e, timeout, mask);
    }
    WITH_MASK(ret, mask, next_pselect()(n, r, w, e, timeout, mask));
    return ret;
}

DEFINE_NEXT(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))
EXPORT int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout,
                       const sigset_t *mask)
{
    int ret = 0;

    if (plain(mask)) {
        return next_epoll_pwait()(fd, events, max, timeout, mask);
    }
    WITH_MASK(ret, mask, next_epoll_pwait()(fd, events, max, timeout, mask));
    return ret;
}

/* glibc 2.35; before it nobody has the name, and nobody is told otherwise */
DEFINE_NEXT(int, epoll_pwait2,
            (int, struct epoll_event *, int, const struct timespec *, const sigset_t *))
EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                        const sigset_t *mask)
{
    int ret = 0;

    if (next_epoll_pwait2() == NULL) {
        errno = ENOSYS;
        return -1;
    }
    if (plain(mask)) {
        return next_epoll_pwait2()(fd, events, max, timeout, mask);
    }
    WITH_MASK(ret, mask, next_epoll_pwait2()(fd, events, max, timeout, mask));
    return ret;
}

/* ------------------------------------------------------------------ sigpause, of three standards */

int __sigpause(int sig_or_mask, int is_sig);
int __xpg_sigpause(int sig);
int cm_emu_bsd_sigpause(int mask) __asm__("sigpause");

/* BSD: wait with the first 32 signals as a word. X/Open: wait with one signal less. */
EXPORT int __sigpause(int sig_or_mask, int is_sig)
{
    sigset_t set;

    (void)sigemptyset(&set);
    if (is_sig != 0) {
        if (sigprocmask(SIG_BLOCK, NULL, &set) != 0 || sigdelset(&set, sig_or_mask) != 0) {
            return -1;
        }
    } else {
        uint64_t word = (uint32_t)sig_or_mask;

        memcpy(&set, &word, sizeof(word));
    }
    return sigsuspend(&set);
}

EXPORT int __xpg_sigpause(int sig)
{
    return __sigpause(sig, 1);
}

EXPORT int cm_emu_bsd_sigpause(int mask)
{
    return __sigpause(mask, 0);
}

/* ------------------------------------------------------------------ waiting for signals */

DEFINE_NEXT(int, sigtimedwait, (const sigset_t *, siginfo_t *, const struct timespec *))

static void take_over(void *w)
{
    cm_emu_take_end(w);
}

/* Those of the six that came while the host had them blocked wait with us; the kernel gets them. */
EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                        const struct timespec *restrict timeout)
{
    struct emu_wait w;
    int ret = 0;

    if (plain(set) || (cm_emu_mask_word(set) & EMU_SYNC_SIGNALS) == 0) {
        return next_sigtimedwait()(set, info, timeout);
    }
    cm_emu_take_begin(&w, cm_emu_mask_word(set));
    pthread_cleanup_push(take_over, &w);
    ret = next_sigtimedwait()(set, info, timeout);
    pthread_cleanup_pop(1);
    return ret;
}

EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    return sigtimedwait(set, info, NULL);
}

EXPORT int sigwait(const sigset_t *restrict set, int *restrict sig)
{
    int before = errno;
    int ret = 0;

    do {
        ret = sigtimedwait(set, NULL, NULL);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        ret = errno;
        errno = before;
        return ret;
    }
    *sig = ret;
    return 0;
}

/* ------------------------------------------------------------------ new threads */

/* The library sets this mask by itself in the new thread. */
DEFINE_NEXT(int, pthread_attr_setsigmask_np, (pthread_attr_t *, const sigset_t *))
EXPORT int pthread_attr_setsigmask_np(pthread_attr_t *attr, const sigset_t *set)
{
    sigset_t room;
    uint64_t word = 0;

    if (set != NULL) {
        room = *set;
        word = cm_emu_mask_word(set) & ~EMU_SYNC_SIGNALS;
        memcpy(&room, &word, sizeof(word));
        set = &room;
    }
    return next_pthread_attr_setsigmask_np()(attr, set);
}

/* ------------------------------------------------------------------ jumps and contexts */

/*
 * sigsetjmp and getcontext save the kernel's mask, which lacks what the host believes of the six.
 * The kernel's mask has 64 signals and the library's set has room for 1024: that room holds it.
 */
#define NOTE_MAGIC UINT64_C(0x434d5349474d534b)

struct note {
    uint64_t mask;
    uint64_t believed;
    uint64_t magic;
};
_Static_assert(sizeof(struct note) <= sizeof(sigset_t), "room for a note");

static void note_write(sigset_t *set)
{
    struct note n = {.believed = cm_emu_believed(), .magic = NOTE_MAGIC};

    memcpy(set, &n, sizeof(n));
}

/* The kernel's mask without the six; the host's belief as it was. */
static void note_take(sigset_t *set)
{
    struct note n;

    if (!cm_emu_started()) {
        return;
    }
    memcpy(&n, set, sizeof(n));
    cm_emu_believe_mask(n.magic == NOTE_MAGIC ? n.believed : n.mask);
    n.mask &= ~EMU_SYNC_SIGNALS;
    memcpy(set, &n.mask, sizeof(n.mask));
}

void *cm_emu_next_sigsetjmp;
void *cm_emu_next_getcontext;

/* Without a mask the buffer may be a shorter one, of a cleanup handler. */
void cm_emu_note_jump(struct __jmp_buf_tag *env, int save_mask)
{
    (void)next_of(&cm_emu_next_sigsetjmp, "__sigsetjmp");
    if (save_mask != 0) {
        note_write(&env->__saved_mask);
    }
}

void cm_emu_note_context(ucontext_t *uc)
{
    (void)next_of(&cm_emu_next_getcontext, "getcontext");
    note_write(&uc->uc_sigmask);
}

#define DEFINE_JUMP(name)                                              \
    __attribute__((noreturn)) void name(struct __jmp_buf_tag[1], int); \
    DEFINE_NEXT(void, name, (struct __jmp_buf_tag *, int))             \
    EXPORT void name(struct __jmp_buf_tag env[1], int value)           \
    {                                                                  \
        if (env->__mask_was_saved != 0) {                              \
            note_take(&env->__saved_mask);                             \
        }                                                              \
        next_##name()(env, value);                                     \
        __builtin_unreachable();                                       \
    }
DEFINE_JUMP(longjmp)
DEFINE_JUMP(_longjmp)
DEFINE_JUMP(siglongjmp)
DEFINE_JUMP(__longjmp_chk)

DEFINE_NEXT(int, setcontext, (const ucontext_t *))
EXPORT int setcontext(const ucontext_t *uc)
{
    ucontext_t copy = *uc;

    note_take(&copy.uc_sigmask);
    return next_setcontext()(&copy);
}

/* Comes back when somebody goes to `from`: then what was believed here counts again. */
DEFINE_NEXT(int, swapcontext, (ucontext_t *, const ucontext_t *))
EXPORT int swapcontext(ucontext_t *restrict from, const ucontext_t *restrict to)
{
    ucontext_t copy = *to;
    uint64_t believed = cm_emu_believed();
    int ret = 0;

    note_take(&copy.uc_sigmask);
    ret = next_swapcontext()(from, &copy);
    if (cm_emu_started()) {
        cm_emu_believe_mask(believed);
    }
    return ret;
}
/* NOLINTEND(readability-function-size,bugprone-macro-parentheses) */
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
