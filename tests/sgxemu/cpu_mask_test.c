/* What the host sees of signal masks, flags and older interfaces. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cpu_host.h"
#include "harness.h"
#include "patience.h"

/* ------------------------------------------------------------------ masks and flags */

TEST(all_signals_blocked)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    sigset_t full;
    sigset_t old;
    sigset_t now;

    REQUIRE(ready());
    (void)sigfillset(&full);
    REQUIRE(sigprocmask(SIG_SETMASK, &full, &old) == 0);
    CHECK_EQ(cpu_call(&enc, 0, OP_UD2, 0, 0, &run), 0);
    CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    REQUIRE(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
    for (int sig = 1; sig < 32; sig++) {
        if (sig != SIGKILL && sig != SIGSTOP && sigismember(&now, sig) != 1) {
            TEST_FAIL("signal %d does not look blocked", sig);
        }
    }
    CHECK(cpu_ok(cpu_call(&enc, 0, 0, 2, 0, &fix), &fix));
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
    REQUIRE(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

/* One of the six, sent by a process while the host has it blocked: it waits. */
TEST(blocked_sync_signals_wait)
{
    sigset_t one;
    sigset_t pending;

    REQUIRE(ready());
    reset();
    set(SIGSEGV, on_signal, 0);
    (void)sigemptyset(&one);
    (void)sigaddset(&one, SIGSEGV);
    REQUIRE(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
    (void)raise(SIGSEGV);
    CHECK_EQ(signals_seen, 0);
    REQUIRE(sigpending(&pending) == 0);
    CHECK_EQ(sigismember(&pending, SIGSEGV), 1);
    REQUIRE(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
    CHECK_EQ(signals_seen, 1);
    (void)signal(SIGSEGV, SIG_DFL);
}

static sigset_t mask_in_handler;
static volatile int depth;
static volatile int max_depth;
static volatile bool raised;

static void on_mask(int sig)
{
    depth++;
    max_depth = depth > max_depth ? depth : max_depth;
    (void)sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
    if (!raised) {
        raised = true;
        (void)raise(sig);
    }
    depth--;
}

TEST(handler_masks_and_flags)
{
    struct sigaction sa;
    struct sigaction old;
    struct sgx_enclave_run run;

    REQUIRE(ready());
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_mask;
    (void)sigaddset(&sa.sa_mask, SIGUSR2);
    REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
    max_depth = 0;
    raised = false;
    (void)raise(SIGUSR1);
    CHECK_EQ(max_depth, 1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGUSR1), 1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGUSR2), 1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGHUP), 0);

    sa.sa_flags = SA_NODEFER;
    REQUIRE(sigaction(SIGUSR1, &sa, &old) == 0);
    CHECK(old.sa_handler == on_mask && old.sa_flags == 0);
    CHECK_EQ(sigismember(&old.sa_mask, SIGUSR2), 1);
    max_depth = 0;
    raised = false;
    (void)raise(SIGUSR1);
    CHECK_EQ(max_depth, 2);

    sa.sa_handler = on_signal;
    sa.sa_flags = (int)SA_RESETHAND;
    reset();
    REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
    (void)raise(SIGUSR1);
    CHECK_EQ(signals_seen, 1);
    REQUIRE(sigaction(SIGUSR1, NULL, &old) == 0);
    CHECK(old.sa_handler == SIG_DFL);
    (void)sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
    CHECK_EQ(sigismember(&mask_in_handler, SIGUSR1), 0);
}

struct poker {
    pthread_t who;
    int fd;
    int signals; /* so many, then a byte into fd; 0: until it is over */
    atomic_bool over;
};

static void *poke(void *arg)
{
    struct poker *p = arg;
    struct patience limit = {0};

    for (int i = 0; p->signals == 0 ? !atomic_load(&p->over) && patient(&limit) : i < p->signals;
         i++) {
        (void)usleep(2000);
        (void)pthread_kill(p->who, SIGUSR1);
    }
    if (!atomic_load(&p->over)) {
        (void)!write(p->fd, "x", 1);
    }
    return NULL;
}

/* Signals come again and again: whether one comes before the thread waits in read() is not known. */
TEST(restart_flag)
{
    struct poker p = {.who = pthread_self(), .signals = 20};
    int fds[2];
    char c;
    pthread_t other;

    REQUIRE(ready());
    REQUIRE(pipe(fds) == 0);
    p.fd = fds[1];
    set(SIGUSR1, on_signal, SA_RESTART);
    REQUIRE(pthread_create(&other, NULL, poke, &p) == 0);
    CHECK_EQ(read(fds[0], &c, 1), 1);
    (void)pthread_join(other, NULL);
    set(SIGUSR1, on_signal, 0);
    p.signals = 0;
    REQUIRE(pthread_create(&other, NULL, poke, &p) == 0);
    errno = 0;
    CHECK_EQ(read(fds[0], &c, 1), -1);
    CHECK_EQ(errno, EINTR);
    atomic_store(&p.over, true);
    (void)pthread_join(other, NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void on_value(int sig, siginfo_t *si, void *ctx)
{
    ucontext_t *uc = ctx;

    signals_seen =
        sig == SIGRTMIN && si->si_code == SI_QUEUE ? (uint64_t)si->si_value.sival_int : 0;
    (void)sigaddset(&uc->uc_sigmask, SIGUSR2); /* taken over at the return */
}

TEST(siginfo_and_mask_of_the_context)
{
    struct sigaction sa;
    sigset_t now;
    sigset_t one;

    REQUIRE(ready());
    memset(&sa, 0, sizeof(sa));
    sa.sa_sigaction = on_value;
    sa.sa_flags = SA_SIGINFO;
    REQUIRE(sigaction(SIGRTMIN, &sa, NULL) == 0);
    reset();
    REQUIRE(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 4711}) == 0);
    CHECK_EQ(signals_seen, 4711);
    (void)sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK_EQ(sigismember(&now, SIGUSR2), 1);
    (void)sigemptyset(&one);
    (void)sigaddset(&one, SIGUSR2);
    (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
    (void)signal(SIGRTMIN, SIG_DFL);
}

TEST(older_interfaces)
{
    REQUIRE(ready());
    reset();
    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    (void)raise(SIGUSR1);
    CHECK_EQ(signals_seen, 1);
    CHECK(signal(SIGUSR1, SIG_IGN) == on_signal);
    (void)raise(SIGUSR1);
    CHECK_EQ(signals_seen, 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    CHECK(sigset(SIGUSR1, on_signal) == SIG_IGN);
    CHECK_EQ(sighold(SIGUSR1), 0);
    (void)raise(SIGUSR1);
    CHECK_EQ(signals_seen, 1);
    CHECK_EQ(sigrelse(SIGUSR1), 0);
    CHECK_EQ(signals_seen, 2);
    CHECK_EQ(sigignore(SIGUSR1), 0);
    CHECK_EQ(siginterrupt(SIGUSR1, 1), 0);
    CHECK_EQ(sigblock(0), 0);
#pragma GCC diagnostic pop
    CHECK(sysv_signal(SIGUSR1, on_signal) == SIG_IGN);
    (void)raise(SIGUSR1);
    CHECK_EQ(signals_seen, 3);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
    errno = 0;
    CHECK(signal(SIGKILL, on_signal) == SIG_ERR && errno == EINVAL);
    CHECK(signal(99, on_signal) == SIG_ERR && errno == EINVAL);
}

TEST_MAIN
