/* Signals from outside: storms, nested calls, masks, stacks, fork, jumps out. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cpu_kit.h"
#include "harness.h"

#define ROUNDS 20000000ul

static struct kit_enclave enc;
static __thread volatile uint64_t tls_count;
static volatile uint64_t signals_seen;
static volatile uint64_t nested_ok;
static volatile uint64_t nested_bad;
static volatile bool nest;

static void touch(uint64_t addr)
{
    __asm__ volatile("movl $1, (%0)" ::"r"(addr) : "memory");
}

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

static void reset(void)
{
    signals_seen = 0;
    nested_ok = 0;
    nested_bad = 0;
    nest = false;
}

static void set(int sig, void (*handler)(int), int flags)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sa.sa_flags = flags;
    (void)sigaction(sig, &sa, NULL);
}

/* signals for this thread alone, every us microseconds */
static timer_t start_timer(int sig, long us)
{
    struct sigevent ev;
    struct itimerspec spec = {{0, us * 1000}, {0, us * 1000}};
    timer_t timer;

    memset(&ev, 0, sizeof(ev));
    ev.sigev_notify = SIGEV_THREAD_ID;
    ev.sigev_signo = sig;
    ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    (void)timer_create(CLOCK_MONOTONIC, &ev, &timer);
    (void)timer_settime(timer, 0, &spec, NULL);
    return timer;
}

/* TLS, stack protector, errno, AC: all must be the host's */
__attribute__((optimize("stack-protector-all"))) static void on_signal(int sig)
{
    char buf[64];
    uint64_t flags;
    int saved = errno;

    memset(buf, sig, sizeof(buf));
    __asm__ volatile("" ::"r"(buf) : "memory");
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    if ((flags & 0x40400) != 0) {
        nested_bad++;
    }
    tls_count++;
    signals_seen++;
    if (nest) {
        struct sgx_enclave_run run;
        uint64_t v;

        if (cpu_call(&enc, 1, OP_COUNT, 0, (uint64_t)&v, &run) == 0 && run.function == SGX_EEXIT) {
            nested_ok++;
        } else {
            nested_bad++;
        }
    }
    errno = saved;
}

TEST(storm_registers)
{
    static const enum cpu_op ops[] = {OP_REGISTERS, OP_REGS512};

    for (size_t i = 0; i < 2; i++) {
        struct kit_enclave e;
        struct cpu_options o = {.xfrm = i == 0 ? 7 : 0xe7};
        struct sgx_enclave_run run;
        uint64_t differ = 99;
        timer_t t;

        if (i == 1 && !__builtin_cpu_supports("avx512f")) {
            SKIP("no AVX-512");
        }
        REQUIRE(cpu_build(&e, &o));
        reset();
        set(SIGALRM, on_signal, 0);
        t = start_timer(SIGALRM, 50);
        CHECK(cpu_ok(cpu_call(&e, 0, ops[i], ROUNDS, (uint64_t)&differ, &run), &run));
        (void)timer_delete(t);
        CHECK_EQ(differ, 0);
        CHECK(signals_seen > 50);
        CHECK_EQ(nested_bad, 0);
        (void)printf("  %llu signals\n", (unsigned long long)signals_seen);
        kit_destroy(&e);
    }
}

TEST(storm_fsbase_changed_inside)
{
    struct sgx_enclave_run run;
    uint64_t same = 0;
    timer_t t;

    REQUIRE(ready());
    reset();
    set(SIGALRM, on_signal, 0);
    t = start_timer(SIGALRM, 50);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_FSBASE, ROUNDS, (uint64_t)&same, &run), &run));
    (void)timer_delete(t);
    CHECK_EQ(same, 1);
    CHECK(signals_seen > 50);
}

TEST(storm_nested_calls)
{
    struct sgx_enclave_run run;
    uint64_t differ = 99;
    timer_t t;

    REQUIRE(ready());
    reset();
    nest = true;
    set(SIGALRM, on_signal, 0);
    t = start_timer(SIGALRM, 50);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_REGISTERS, ROUNDS, (uint64_t)&differ, &run), &run));
    (void)timer_delete(t);
    CHECK_EQ(differ, 0);
    CHECK_EQ(nested_bad, 0);
    CHECK(nested_ok > 50);
}

static volatile bool stop;

static void *flood(void *arg)
{
    pid_t tid = *(pid_t *)arg;

    while (!stop) {
        (void)syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
        for (volatile int i = 0; i < 50; i++) {
        }
    }
    return NULL;
}

/* signals at any instruction of short calls, each with a nested call of its own */
static void short_calls(bool by_leaf)
{
    struct sgx_enclave_run run;
    pid_t tid = (pid_t)syscall(SYS_gettid);
    pthread_t other;
    uint64_t first = 0;
    uint64_t v = 0;
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;

    reset();
    nest = true;
    stop = false;
    set(SIGUSR1, on_signal, 0);
    memset((void *)data, 0, KIT_PAGE);
    REQUIRE(pthread_create(&other, NULL, flood, &tid) == 0);
    for (uint64_t i = 0; i < 20000000u && nested_ok < (by_leaf ? 5000u : 50000u); i++) {
        if (by_leaf) {
            struct cpu_leaf leaf = {
                .rax = 0, .rbx = data, .rcx = data + 0x200, .rdx = data + 0x400};

            if (!cpu_ok(cpu_call(&enc, 0, OP_LEAF, (uint64_t)&leaf, 0, &run), &run) ||
                leaf.r12 != 0x5151 || leaf.rbx != data || leaf.rax != 0) {
                TEST_FAIL("call %llu failed", (unsigned long long)i);
                break;
            }
            continue;
        }
        if (!cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&v, &run), &run)) {
            TEST_FAIL("call %llu failed", (unsigned long long)i);
            break;
        }
        first = i == 0 ? v : first;
        if (v != first + i) {
            TEST_FAIL("lost a count at call %llu", (unsigned long long)i);
            break;
        }
    }
    stop = true;
    (void)pthread_join(other, NULL);
    CHECK_EQ(nested_bad, 0);
    CHECK(nested_ok > 100);
    (void)printf("  %llu signals\n", (unsigned long long)signals_seen);
}

TEST(flood_of_short_calls)
{
    REQUIRE(ready());
    short_calls(false);
}

TEST(flood_of_leaves_in_c)
{
    REQUIRE(ready());
    short_calls(true);
}

/* ------------------------------------------------------------------ stacks */

static void on_fault_in_nested_call(int sig)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    char pad[512];

    memset(pad, sig, sizeof(pad));
    __asm__ volatile("" ::"r"(pad) : "memory");
    if (cpu_call(&enc, 1, OP_UD2, 0, 0, &run) == 0 && run.exception_vector == SGX_VEC_UD &&
        cpu_call(&enc, 1, 0, 2, 0, &fix) == 0 && fix.function == SGX_EEXIT &&
        cpu_resume(&enc, 1, &run) == 0 && run.function == SGX_EEXIT && pad[9] == sig) {
        nested_ok++;
    } else {
        nested_bad++;
    }
}

static void faults_in_nested_calls(int flags)
{
    struct sgx_enclave_run run;
    uint64_t differ = 99;
    timer_t t;

    reset();
    set(SIGALRM, on_fault_in_nested_call, flags);
    t = start_timer(SIGALRM, 200);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_REGISTERS, ROUNDS, (uint64_t)&differ, &run), &run));
    (void)timer_delete(t);
    CHECK_EQ(differ, 0);
    CHECK_EQ(nested_bad, 0);
    CHECK(nested_ok > 10);
}

TEST(faults_in_nested_calls_plain)
{
    REQUIRE(ready());
    faults_in_nested_calls(0);
}

static char alt[65536];

TEST(faults_in_nested_calls_onstack)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
    stack_t off = {.ss_flags = SS_DISABLE};

    REQUIRE(ready());
    faults_in_nested_calls(SA_ONSTACK); /* none set */
    REQUIRE(sigaltstack(&ss, NULL) == 0);
    faults_in_nested_calls(SA_ONSTACK);
    REQUIRE(sigaltstack(&off, NULL) == 0);
}

static volatile uint64_t handler_sp;
static volatile int handler_flags;
static volatile int change_while_on;

static void on_where(int sig)
{
    stack_t now;
    stack_t try = {.ss_sp = alt, .ss_size = sizeof(alt)};

    (void)sig;
    handler_sp = (uint64_t)__builtin_frame_address(0);
    (void)sigaltstack(NULL, &now);
    handler_flags = now.ss_flags;
    change_while_on = sigaltstack(&try, NULL) == 0 ? 0 : errno;
}

static bool on_alt(void)
{
    return handler_sp - (uint64_t)alt < sizeof(alt);
}

/* from outside and from inside (spin until the handler ran) */
static volatile uint32_t released;

static void on_release(int sig)
{
    on_where(sig);
    released = 1;
}

TEST(host_sigaltstack_is_honoured)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
    stack_t off = {.ss_flags = SS_DISABLE};
    stack_t old;
    struct sgx_enclave_run run;
    uint64_t spins = 0;
    timer_t t;

    REQUIRE(ready());
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    REQUIRE(sigaltstack(&ss, NULL) == 0);
    REQUIRE(sigaltstack(NULL, &old) == 0);
    CHECK(old.ss_sp == alt && old.ss_size == sizeof(alt) && old.ss_flags == 0);
    set(SIGUSR1, on_where, SA_ONSTACK);
    (void)raise(SIGUSR1);
    CHECK(on_alt());
    CHECK_EQ(handler_flags, SS_ONSTACK);
    CHECK_EQ(change_while_on, EPERM);
    set(SIGUSR1, on_where, 0);
    (void)raise(SIGUSR1);
    CHECK(!on_alt());
    set(SIGALRM, on_release, SA_ONSTACK);
    handler_sp = 0;
    released = 0;
    t = start_timer(SIGALRM, 2000);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_SPIN, (uint64_t)&released, (uint64_t)&spins, &run), &run));
    (void)timer_delete(t);
    CHECK(on_alt());
    CHECK_EQ(handler_flags, SS_ONSTACK);
    REQUIRE(sigaltstack(&off, &old) == 0);
    CHECK(old.ss_sp == alt);
    REQUIRE(sigaltstack(NULL, &old) == 0);
    CHECK_EQ(old.ss_flags, SS_DISABLE);
}

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

static void *poke(void *arg)
{
    (void)usleep(30000);
    (void)pthread_kill(*(pthread_t *)arg, SIGUSR1);
    (void)usleep(30000);
    (void)!write(stop ? 1 : *(int *)((pthread_t *)arg + 1), "x", 1);
    return NULL;
}

TEST(restart_flag)
{
    struct {
        pthread_t self;
        int fd;
    } a = {pthread_self(), -1};
    int fds[2];
    char c;
    pthread_t other;

    REQUIRE(ready());
    REQUIRE(pipe(fds) == 0);
    a.fd = fds[1];
    stop = false;
    set(SIGUSR1, on_signal, SA_RESTART);
    REQUIRE(pthread_create(&other, NULL, poke, &a) == 0);
    CHECK_EQ(read(fds[0], &c, 1), 1);
    (void)pthread_join(other, NULL);
    set(SIGUSR1, on_signal, 0);
    REQUIRE(pthread_create(&other, NULL, poke, &a) == 0);
    errno = 0;
    CHECK_EQ(read(fds[0], &c, 1), -1);
    CHECK_EQ(errno, EINTR);
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

/* ------------------------------------------------------------------ leaving, fork, faults of the host */

static sigjmp_buf jump;

static void on_jump(int sig)
{
    siglongjmp(jump, sig);
}

TEST(siglongjmp_out_of_the_enclave)
{
    struct sgx_enclave_run run;
    static volatile uint32_t never;
    static uint64_t spins;
    static timer_t t;

    REQUIRE(ready());
    for (volatile int i = 0; i < 2; i++) {
        set(SIGALRM, on_jump, i == 0 ? 0 : SA_ONSTACK);
        if (sigsetjmp(jump, 1) == 0) {
            t = start_timer(SIGALRM, 5000);
            (void)cpu_call(&enc, 0, OP_ANY_CSSA + OP_SPIN, (uint64_t)&never, (uint64_t)&spins,
                           &run);
            TEST_FAIL("came back");
        }
        (void)timer_delete(t);
    }
    /* two frames are in use; there is room for more, and the rest of the thread is sound */
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_ANY_CSSA + OP_NULL, 0, 0, &run), &run));
    CHECK(cpu_ok(cpu_call(&enc, 1, OP_NULL, 0, 0, &run), &run));
    never = 1;
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
    never = 0;
    CHECK_EQ(syscall(SYS_gettid), getpid());
}

TEST(host_faults_reach_the_host)
{
    REQUIRE(ready());
    for (volatile int i = 0; i < 3; i++) {
        set(SIGSEGV, on_jump, i == 1 ? SA_ONSTACK : 0);
        if (sigsetjmp(jump, 1) == 0) {
            touch(i == 2 ? cpu_tcs(&enc, 0) : 16);
            TEST_FAIL("no fault");
        }
    }
    (void)signal(SIGSEGV, SIG_DFL);
}

static int child_status(void (*child)(void))
{
    pid_t pid;
    int status = -1;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        child();
        _exit(0);
    }
    (void)waitpid(pid, &status, 0);
    return status;
}

static void child_calls(void)
{
    struct sgx_enclave_run run;
    uint64_t differ = 9;
    timer_t t;
    int bad = 0;

    bad |= cpu_call(&enc, 1, OP_NULL, 0, 0, &run) != 0 || run.function != SGX_EEXIT;
    bad |= cpu_call(&enc, 1, OP_SYSCALL, 0, 0, &run) != 0 || run.exception_vector != SGX_VEC_UD;
    reset();
    set(SIGALRM, on_signal, 0);
    t = start_timer(SIGALRM, 100);
    bad |= cpu_call(&enc, 0, OP_REGISTERS, ROUNDS / 10, (uint64_t)&differ, &run) != 0 ||
           differ != 0 || signals_seen == 0;
    (void)timer_delete(t);
    _exit(bad);
}

TEST(fork_child_enters)
{
    REQUIRE(ready());
    CHECK_EQ(child_status(child_calls), 0);
}

static void child_dies_default(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    touch(16);
}

static void child_dies_blocked(void)
{
    sigset_t full;

    set(SIGSEGV, on_signal, 0);
    (void)sigfillset(&full);
    (void)sigprocmask(SIG_SETMASK, &full, NULL);
    touch(16); /* the kernel kills, though there is a handler */
}

static void child_aborts(void)
{
    (void)raise(SIGTRAP);
}

static void child_dies_ignored(void)
{
    (void)signal(SIGFPE, SIG_IGN);
    (void)raise(SIGFPE); /* ignored */
    (void)signal(SIGILL, SIG_IGN);
    __builtin_trap(); /* not ignored */
}

TEST(default_actions)
{
    REQUIRE(ready());
    CHECK_EQ(WTERMSIG(child_status(child_dies_default)), SIGSEGV);
    CHECK_EQ(WTERMSIG(child_status(child_dies_blocked)), SIGSEGV);
    CHECK_EQ(WTERMSIG(child_status(child_aborts)), SIGTRAP);
    CHECK_EQ(WTERMSIG(child_status(child_dies_ignored)), SIGILL);
}

TEST_MAIN
