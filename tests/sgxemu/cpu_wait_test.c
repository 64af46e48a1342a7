/*
 * Functions that wait with a mask, wait for signals, or bring a mask back: the host gets what it asked
 * for, and an enclave's fault arrives whatever the host has blocked.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <ucontext.h>
#include <unistd.h>

#include "cpu_host.h"
#include "harness.h"

static sigset_t only(int a, int b)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, a);
    if (b != 0) {
        (void)sigaddset(&set, b);
    }
    return set;
}

static sigset_t all_but(int a)
{
    sigset_t set;

    (void)sigfillset(&set);
    if (a != 0) {
        (void)sigdelset(&set, a);
    }
    return set;
}

static bool blocked(int sig)
{
    sigset_t now;

    return pthread_sigmask(SIG_SETMASK, NULL, &now) == 0 && sigismember(&now, sig) == 1;
}

static int a_pipe[2] = {-1, -1};

/* every function that waits with a mask; each waits 20 ms */
static int w_ppoll(const sigset_t *mask)
{
    struct pollfd p = {a_pipe[0], POLLIN, 0};
    struct timespec t = {0, 20000000};

    return ppoll(&p, 1, &t, mask);
}

int checked_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                  const sigset_t *mask, size_t room) __asm__("__ppoll_chk");

static int w_ppoll_chk(const sigset_t *mask)
{
    struct pollfd p = {a_pipe[0], POLLIN, 0};
    struct timespec t = {0, 20000000};

    return checked_ppoll(&p, 1, &t, mask, sizeof(p));
}

static int w_pselect(const sigset_t *mask)
{
    struct timespec t = {0, 20000000};
    fd_set r;

    FD_ZERO(&r);
    FD_SET(a_pipe[0], &r);
    return pselect(a_pipe[0] + 1, &r, NULL, NULL, &t, mask);
}

static int w_epoll_pwait(const sigset_t *mask)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN};
    int ret = epoll_ctl(fd, EPOLL_CTL_ADD, a_pipe[0], &ev);
    int err = 0;

    ret = ret == 0 ? epoll_pwait(fd, &ev, 1, 20, mask) : -1;
    err = errno;
    (void)close(fd);
    errno = err;
    return ret;
}

int newer_epoll_pwait(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                      const sigset_t *mask) __asm__("epoll_pwait2");

static int w_epoll_pwait2(const sigset_t *mask)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN};
    struct timespec t = {0, 20000000};
    int ret = epoll_ctl(fd, EPOLL_CTL_ADD, a_pipe[0], &ev);
    int err = 0;

    ret = ret == 0 ? newer_epoll_pwait(fd, &ev, 1, &t, mask) : -1;
    err = errno;
    (void)close(fd);
    errno = err;
    return ret;
}

static int (*const waits[])(const sigset_t *) = {w_ppoll, w_ppoll_chk, w_pselect, w_epoll_pwait,
                                                 w_epoll_pwait2};

/* does this C library or kernel lack it? (epoll_pwait2: glibc 2.35, Linux 5.11) */
static bool missing(int (*wait_with)(const sigset_t *))
{
    errno = 0;
    return wait_with(NULL) < 0 && errno == ENOSYS;
}

/* A fault inside after a wait: it must arrive as ever, whatever the wait has blocked. */
static void still_faults(void)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;

    CHECK_EQ(cpu_call(&enc, 0, OP_UD2, 0, 0, &run), 0);
    CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    CHECK(cpu_ok(cpu_call(&enc, 0, 0, 2, 0, &fix), &fix));
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
}

static volatile bool fault_in_handler;
static volatile bool handler_saw_blocked;

static void on_wait(int sig, siginfo_t *si, void *ctx)
{
    ucontext_t *uc = ctx;

    (void)si;
    signals_seen++;
    handler_saw_blocked = sigismember(&uc->uc_sigmask, sig) == 1;
    if (fault_in_handler) {
        still_faults();
    }
}

static void set_info(int sig)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_sigaction = on_wait;
    sa.sa_flags = SA_SIGINFO;
    (void)sigaction(sig, &sa, NULL);
}

/* The use of these functions: blocked outside, let in during the wait and only then. */
static void lets_in(int (*wait_with)(const sigset_t *), int sig)
{
    sigset_t block = only(SIGUSR1, SIGSEGV);
    sigset_t full = all_but(0);
    sigset_t but = all_but(sig);

    reset();
    set_info(sig);
    REQUIRE(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
    (void)raise(sig);
    CHECK_EQ(signals_seen, 0);
    CHECK_EQ(wait_with(&full), 0); /* blocked in the wait, too: it runs to its end */
    CHECK_EQ(signals_seen, 0);
    errno = 0;
    fault_in_handler = true;
    CHECK(wait_with(&but) == -1 && errno == EINTR);
    fault_in_handler = false;
    CHECK_EQ(signals_seen, 1);
    CHECK(handler_saw_blocked);
    CHECK(blocked(SIGUSR1) && blocked(SIGSEGV));
    CHECK_EQ(wait_with(&but), 0); /* it was one signal */
    still_faults();
    CHECK(blocked(SIGUSR1) && blocked(SIGSEGV));
    REQUIRE(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0);
    CHECK_EQ(signals_seen, 1);
    (void)signal(sig, SIG_DFL);
}

TEST(waits_let_in_what_their_mask_says)
{
    REQUIRE(ready());
    REQUIRE(pipe(a_pipe) == 0);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        if (!missing(waits[i])) {
            lets_in(waits[i], SIGUSR1);
            lets_in(waits[i], SIGSEGV);
        }
    }
}

/* a signal that comes during the wait and is blocked in it and outside: later, once */
static void *send_segv(void *arg)
{
    (void)usleep(5000);
    (void)pthread_kill(*(pthread_t *)arg, SIGSEGV);
    return NULL;
}

TEST(waits_keep_out_what_their_mask_blocks)
{
    sigset_t full = all_but(0);
    sigset_t one = only(SIGSEGV, 0);
    pthread_t self = pthread_self();
    pthread_t other;

    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        if (missing(waits[i])) {
            continue;
        }
        reset();
        set(SIGSEGV, on_signal, 0);
        REQUIRE(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
        REQUIRE(pthread_create(&other, NULL, send_segv, &self) == 0);
        CHECK_EQ(waits[i](&full), 0);
        (void)pthread_join(other, NULL);
        CHECK_EQ(signals_seen, 0);
        REQUIRE(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
        CHECK_EQ(signals_seen, 1);
    }
    (void)signal(SIGSEGV, SIG_DFL);
}

int bsd_sigpause(int mask) __asm__("sigpause");
int old_sigpause(int sig_or_mask, int is_sig) __asm__("__sigpause");
int xpg_sigpause(int sig) __asm__("__xpg_sigpause");

TEST(sigsuspend_and_sigpause)
{
    sigset_t block = only(SIGSEGV, SIGUSR1);
    sigset_t but = all_but(SIGSEGV);

    REQUIRE(ready());
    set_info(SIGSEGV);
    for (int i = 0; i < 4; i++) {
        reset();
        REQUIRE(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
        (void)raise(SIGSEGV);
        CHECK_EQ(signals_seen, 0);
        errno = 0;
        CHECK_EQ(i == 0   ? sigsuspend(&but)
                 : i == 1 ? bsd_sigpause(~(1 << (SIGSEGV - 1)))
                 : i == 2 ? old_sigpause(SIGSEGV, 1)
                          : xpg_sigpause(SIGSEGV),
                 -1);
        CHECK_EQ(errno, EINTR);
        CHECK_EQ(signals_seen, 1);
        CHECK(blocked(SIGSEGV) && blocked(SIGUSR1));
        still_faults();
        REQUIRE(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0);
    }
    (void)signal(SIGSEGV, SIG_DFL);
}

TEST(signals_can_be_waited_for)
{
    sigset_t block = only(SIGSEGV, SIGUSR1);
    sigset_t one = only(SIGSEGV, 0);
    struct timespec soon = {0, 20000000};
    pthread_t self = pthread_self();
    pthread_t other;
    siginfo_t info;
    int sig = 0;

    REQUIRE(ready());
    reset();
    set(SIGSEGV, on_signal, 0);
    REQUIRE(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
    (void)raise(SIGSEGV); /* before the wait */
    CHECK_EQ(sigwait(&one, &sig), 0);
    CHECK_EQ(sig, SIGSEGV);
    REQUIRE(sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 12}) == 0);
    CHECK_EQ(sigwaitinfo(&block, &info), SIGSEGV);
    CHECK(info.si_code == SI_QUEUE && info.si_value.sival_int == 12);
    REQUIRE(pthread_create(&other, NULL, send_segv, &self) == 0); /* during it */
    CHECK_EQ(sigtimedwait(&one, &info, &(struct timespec){5, 0}), SIGSEGV);
    (void)pthread_join(other, NULL);
    errno = 0;
    CHECK(sigtimedwait(&block, NULL, &soon) == -1 && errno == EAGAIN); /* none is left */
    (void)raise(SIGUSR1);
    CHECK_EQ(sigwaitinfo(&block, NULL), SIGUSR1);
    CHECK_EQ(signals_seen, 0);
    still_faults();
    CHECK(blocked(SIGSEGV));
    REQUIRE(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0);
    CHECK_EQ(signals_seen, 0);
    (void)signal(SIGSEGV, SIG_DFL);
}

/* a thread that is cancelled while it waits leaves nothing blocked */
static void after_cancel(void *arg)
{
    *(bool *)arg = true;
    still_faults();
}

static void *wait_for_ever(void *arg)
{
    sigset_t full = all_but(0);

    pthread_cleanup_push(after_cancel, arg);
    (void)ppoll(NULL, 0, NULL, &full);
    pthread_cleanup_pop(0);
    return NULL;
}

TEST(cancelled_in_a_wait)
{
    bool cleaned = false;
    pthread_t t;

    REQUIRE(ready());
    REQUIRE(pthread_create(&t, NULL, wait_for_ever, &cleaned) == 0);
    (void)usleep(10000);
    REQUIRE(pthread_cancel(t) == 0);
    REQUIRE(pthread_join(t, NULL) == 0);
    CHECK(cleaned);
}

static void *fault_in_thread(void *arg)
{
    (void)arg;
    still_faults();
    return NULL;
}

TEST(mask_of_a_new_thread)
{
    sigset_t full = all_but(0);
    pthread_attr_t attr;
    pthread_t t;

    REQUIRE(ready());
    REQUIRE(pthread_attr_init(&attr) == 0);
    REQUIRE(pthread_attr_setsigmask_np(&attr, &full) == 0);
    REQUIRE(pthread_create(&t, &attr, fault_in_thread, NULL) == 0);
    REQUIRE(pthread_join(t, NULL) == 0);
    CHECK_EQ(pthread_attr_setsigmask_np(&attr, NULL), 0);
    (void)pthread_attr_destroy(&attr);
}

/* ------------------------------------------------------------------ jumps */

static sigjmp_buf back;

static void on_jump(int sig)
{
    sigset_t full = all_but(0);

    (void)sig;
    (void)sigprocmask(SIG_SETMASK, &full, NULL); /* a handler that blocks all, then leaves */
    siglongjmp(back, 1);
}

TEST(jumps_bring_the_mask_back)
{
    sigset_t one = only(SIGFPE, 0);
    volatile char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(ready() && closed != MAP_FAILED);
    set(SIGSEGV, on_jump, 0);
    if (sigsetjmp(back, 1) == 0) {
        (void)raise(SIGSEGV);
        TEST_FAIL("the handler came back");
    }
    CHECK(!blocked(SIGSEGV) && !blocked(SIGUSR1));
    if (sigsetjmp(back, 1) == 0) { /* were it blocked, this one would end the process */
        *closed = 1;
        TEST_FAIL("no fault");
    }
    REQUIRE(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
    if (sigsetjmp(back, 1) == 0) {
        REQUIRE(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
        siglongjmp(back, 1);
    }
    CHECK(blocked(SIGFPE));
    if (sigsetjmp(back, 0) == 0) {
        REQUIRE(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
        siglongjmp(back, 1);
    }
    CHECK(!blocked(SIGFPE)); /* without a mask, none comes back */
    still_faults();
    (void)signal(SIGSEGV, SIG_DFL);
}

static ucontext_t here;
static ucontext_t there;
static char other_stack[65536] __attribute__((aligned(16)));
static volatile int steps;

static void in_context(void)
{
    sigset_t one = only(SIGFPE, 0);

    steps += blocked(SIGSEGV) ? 1 : 100; /* as the context says */
    still_faults();                      /* and yet */
    (void)sigprocmask(SIG_BLOCK, &one, NULL);
    (void)swapcontext(&there, &here);
    steps += blocked(SIGFPE) ? 10 : 1000;
    (void)setcontext(&here);
}

TEST(contexts_bring_their_masks)
{
    sigset_t full = all_but(0);

    REQUIRE(ready());
    steps = 0;
    REQUIRE(sigprocmask(SIG_BLOCK, NULL, &here.uc_sigmask) == 0);
    REQUIRE(getcontext(&there) == 0);
    there.uc_stack.ss_sp = other_stack;
    there.uc_stack.ss_size = sizeof(other_stack);
    there.uc_link = NULL;
    there.uc_sigmask = full;
    makecontext(&there, in_context, 0);
    REQUIRE(swapcontext(&here, &there) == 0);
    CHECK_EQ(steps, 1);
    CHECK(!blocked(SIGFPE) && !blocked(SIGSEGV) && !blocked(SIGUSR1));
    REQUIRE(swapcontext(&here, &there) == 0);
    CHECK_EQ(steps, 11);
    CHECK(!blocked(SIGFPE) && !blocked(SIGSEGV) && !blocked(SIGUSR1));
    still_faults();
}

TEST_MAIN
