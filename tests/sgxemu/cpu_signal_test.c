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

#define ROUNDS 10000000ul

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
static void on_signal(int sig)
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
    uint64_t want = !cpu_fast() ? 1000 : by_leaf ? 5000 : 20000;

    reset();
    nest = true;
    stop = false;
    set(SIGUSR1, on_signal, 0);
    memset((void *)data, 0, KIT_PAGE);
    REQUIRE(pthread_create(&other, NULL, flood, &tid) == 0);
    for (uint64_t i = 0; i < 20000000u && nested_ok < want; i++) {
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
