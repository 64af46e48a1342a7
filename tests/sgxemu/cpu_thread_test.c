/* Threads: one TCS or two, churn, exit, frames that move between threads, and no system calls. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_kit.h"
#include "harness.h"

static struct kit_enclave enc;

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

static void *million(void *arg)
{
    unsigned n = *(unsigned *)arg;
    struct sgx_enclave_run run;
    uint64_t first = 0;
    uint64_t v = 0;

    uint64_t calls = cpu_fast() ? 1000000 : 20000;

    for (uint64_t i = 0; i < calls; i++) {
        if (cpu_call(&enc, n, OP_COUNT, 0, (uint64_t)&v, &run) != 0 || run.function != SGX_EEXIT ||
            (i != 0 && v != first + i)) {
            return (void *)1;
        }
        first = i == 0 ? v : first;
    }
    return NULL;
}

TEST(two_threads_a_million_calls_each)
{
    unsigned n[2] = {0, 1};
    pthread_t t[2];
    void *bad = NULL;

    REQUIRE(ready());
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&t[i], NULL, million, &n[i]) == 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(t[i], &bad);
        CHECK(bad == NULL);
    }
}

/* D4: a TCS that is in use */
static volatile uint32_t let_go;
static volatile uint64_t spins;

static void *hold(void *arg)
{
    struct sgx_enclave_run run;

    (void)cpu_call(&enc, 0, OP_SPIN, (uint64_t)&let_go, (uint64_t)&spins, &run);
    *(bool *)arg = run.function == SGX_EEXIT;
    return NULL;
}

static void wait_inside(void)
{
    while (spins == 0) {
        (void)usleep(100);
    }
}

TEST(d4_tcs_in_use_is_gp)
{
    struct sgx_enclave_run run;
    pthread_t t;
    bool ok = false;

    REQUIRE(ready());
    let_go = 0;
    spins = 0;
    REQUIRE(pthread_create(&t, NULL, hold, &ok) == 0);
    wait_inside();
    CHECK_EQ(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), 0);
    CHECK_EQ(run.function, SGX_EENTER);
    CHECK_EQ(run.exception_vector, SGX_VEC_GP);
    CHECK_EQ(run.exception_error_code, 0);
    CHECK_EQ(cpu_resume(&enc, 0, &run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(run.exception_vector, SGX_VEC_GP);
    CHECK(cpu_ok(cpu_call(&enc, 1, OP_NULL, 0, 0, &run), &run));
    let_go = 1;
    (void)pthread_join(t, NULL);
    CHECK(ok);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

/* two threads race for one TCS: each entry either works whole or is #GP */
static volatile uint64_t entered;

static void *race(void *arg)
{
    struct sgx_enclave_run run;
    uint64_t v;

    int calls = cpu_fast() ? 200000 : 10000;

    for (int i = 0; i < calls; i++) {
        if (cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&v, &run) != 0) {
            return (void *)1;
        }
        if (run.function == SGX_EEXIT) {
            __atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED);
        } else if (run.function != SGX_EENTER || run.exception_vector != SGX_VEC_GP) {
            return (void *)1;
        }
    }
    return arg;
}

TEST(d4_race_for_one_tcs)
{
    struct sgx_enclave_run run;
    uint64_t before = 0;
    uint64_t after = 0;
    pthread_t t[2];
    void *bad = NULL;

    REQUIRE(ready());
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&before, &run), &run));
    entered = 0;
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&t[i], NULL, race, NULL) == 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(t[i], &bad);
        CHECK(bad == NULL);
    }
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&after, &run), &run));
    CHECK_EQ(after, before + entered + 1);
}

/* ERESUME by another thread than the one that was interrupted */
static void *resume_it(void *arg)
{
    struct sgx_enclave_run run;

    *(bool *)arg = cpu_resume(&enc, 0, &run) == 0 && run.function == SGX_EEXIT;
    return NULL;
}

TEST(resume_by_another_thread)
{
    struct sgx_enclave_run run;
    pthread_t t;
    bool ok = false;

    REQUIRE(ready());
    CHECK_EQ(cpu_call(&enc, 0, OP_UD2, 0, 0, &run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK(cpu_ok(cpu_call(&enc, 0, 0, 2, 0, &run), &run));
    REQUIRE(pthread_create(&t, NULL, resume_it, &ok) == 0);
    (void)pthread_join(t, NULL);
    CHECK(ok);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

/* ------------------------------------------------------------------ churn */

static void *one_call(void *arg)
{
    struct sgx_enclave_run run;

    *(bool *)arg = cpu_call(&enc, 0, OP_NULL, 0, 0, &run) == 0 && run.function == SGX_EEXIT;
    return NULL;
}

static size_t mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    size_t n = 0;
    int c;

    while (f != NULL && (c = fgetc(f)) != EOF) {
        n += c == '\n';
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return n;
}

TEST(ten_thousand_threads)
{
    size_t before = 0;

    REQUIRE(ready());
    for (int i = 0; i < 10000; i++) {
        pthread_t t;
        bool ok = false;

        REQUIRE(pthread_create(&t, NULL, one_call, &ok) == 0);
        (void)pthread_join(t, NULL);
        REQUIRE(ok);
        before = i == 100 ? mappings() : before;
    }
    CHECK(mappings() < before + 10); /* slots, tables and stacks come back */
}

/* Many at once, each with a slot of its own. */
#define CROWD 300

static pthread_barrier_t barrier;

static void *in_crowd(void *arg)
{
    struct sgx_enclave_run run;
    int rc;

    do {
        rc = cpu_call(&enc, 0, OP_NULL, 0, 0, &run);
        (void)sched_yield();
    } while (rc == 0 && run.function == SGX_EENTER && run.exception_vector == SGX_VEC_GP);
    *(bool *)arg = rc == 0 && run.function == SGX_EEXIT;
    (void)pthread_barrier_wait(&barrier);
    return NULL;
}

TEST(a_crowd_of_threads)
{
    static pthread_t t[CROWD];
    static bool ok[CROWD];

    REQUIRE(ready());
    REQUIRE(pthread_barrier_init(&barrier, NULL, CROWD) == 0);
    for (size_t i = 0; i < CROWD; i++) {
        REQUIRE(pthread_create(&t[i], NULL, in_crowd, &ok[i]) == 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        (void)pthread_join(t[i], NULL);
        CHECK(ok[i]);
    }
}

/* More than the LDT has entries: the rest find their slots by thread id, and their sites SIGILL. */
#define LDT_ENTRIES 8192u
#define MULTITUDE   (LDT_ENTRIES + 100)

static volatile uint32_t arrived;
static pthread_mutex_t hold_all = PTHREAD_MUTEX_INITIALIZER;

static void *in_multitude(void *arg)
{
    struct sgx_enclave_run run;
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;
    struct cpu_leaf leaf = {.rbx = data, .rcx = data + 0x200, .rdx = data + 0x400};
    bool ok = true;

    /* the test's gate lets one thread in at a time */
    (void)pthread_mutex_lock(arg);
    ok = cpu_call(&enc, 0, OP_NULL, 0, 0, &run) == 0 && run.function == SGX_EEXIT &&
         cpu_call(&enc, 0, OP_SYSCALL, 0, 0, &run) == 0 && run.exception_vector == SGX_VEC_UD &&
         cpu_call(&enc, 0, 0, 2, 0, &run) == 0 && cpu_resume(&enc, 0, &run) == 0;
    if (arrived >= LDT_ENTRIES) {
        ok = ok && cpu_call(&enc, 0, OP_LEAF, (uint64_t)&leaf, 0, &run) == 0 &&
             run.function == SGX_EEXIT && leaf.r12 == 0x5151;
    }
    arrived++;
    (void)pthread_mutex_unlock(arg);
    (void)pthread_mutex_lock(&hold_all);
    (void)pthread_mutex_unlock(&hold_all);
    return ok ? NULL : arg;
}

TEST(more_threads_than_ldt_entries)
{
    static pthread_t t[MULTITUDE];
    static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t small;
    size_t made = 0;
    size_t bad = 0;

    REQUIRE(ready());
    memset((void *)(enc.base + CPU_DATA * KIT_PAGE), 0, KIT_PAGE);
    arrived = 0;
    (void)pthread_mutex_lock(&hold_all);
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, 65536);
    while (made < MULTITUDE && pthread_create(&t[made], &small, in_multitude, &gate) == 0) {
        made++;
        while (arrived < made) {
            (void)sched_yield();
        }
    }
    (void)pthread_mutex_unlock(&hold_all);
    for (size_t i = 0; i < made; i++) {
        void *result = NULL;

        (void)pthread_join(t[i], &result);
        bad += result != NULL;
    }
    (void)pthread_attr_destroy(&small);
    CHECK_EQ(bad, 0);
    if (made < MULTITUDE) {
        SKIP("the system allows fewer threads");
    }
}

/* A thread that never entered has its creator's ES; its signals and faults are its own. */
static volatile sig_atomic_t seen;

static void on_signal(int sig)
{
    seen = sig;
}

static void *bystander(void *arg)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)raise(SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    *(bool *)arg = seen == SIGUSR1 && sigismember(&set, SIGUSR1) == 0;
    return NULL;
}

TEST(a_thread_that_never_entered)
{
    struct sgx_enclave_run run;
    pthread_t t;
    bool ok = false;

    REQUIRE(ready());
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    (void)signal(SIGUSR1, on_signal);
    REQUIRE(pthread_create(&t, NULL, bystander, &ok) == 0);
    (void)pthread_join(t, NULL);
    CHECK(ok);
    (void)signal(SIGUSR1, SIG_DFL);
}

/* The C library's own signal: cancelling a thread that is inside. */
static void *spin_for_ever(void *arg)
{
    struct sgx_enclave_run run;

    (void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    (void)cpu_call(&enc, 1, OP_ANY_CSSA + OP_SPIN, (uint64_t)&let_go, (uint64_t)&spins, &run);
    return arg;
}

TEST(cancel_a_thread_that_is_inside)
{
    struct sgx_enclave_run run;
    pthread_t t;
    void *result = NULL;

    REQUIRE(ready());
    let_go = 0;
    spins = 0;
    REQUIRE(pthread_create(&t, NULL, spin_for_ever, NULL) == 0);
    wait_inside();
    REQUIRE(pthread_cancel(t) == 0);
    (void)pthread_join(t, &result);
    CHECK(result == PTHREAD_CANCELED);
    /* its frame is still there, and somebody else can finish it */
    let_go = 1;
    CHECK(cpu_ok(cpu_resume(&enc, 1, &run), &run));
}

/* ------------------------------------------------------------------ system calls */

/* the child's system calls between two getppid, counted by ptrace */
TEST(no_system_call_per_transition)
{
    int status = 0;
    long inside = -1;
    pid_t pid;

    if (!cpu_fast()) {
        SKIP("CASEMATE_SGXEMU asks for transitions by signals");
    }
    REQUIRE(ready());
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct sgx_enclave_run run;

        (void)cpu_call(&enc, 0, OP_NULL, 0, 0, &run);
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        (void)syscall(SYS_getppid);
        for (int i = 0; i < 100000; i++) {
            (void)cpu_call(&enc, (unsigned)i & 1, OP_NULL, 0, 0, &run);
        }
        (void)syscall(SYS_getppid);
        _exit(run.function == SGX_EEXIT ? 0 : 1);
    }
    (void)waitpid(pid, &status, 0);
    (void)ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
    for (;;) {
        struct __ptrace_syscall_info info = {0};

        (void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        (void)waitpid(pid, &status, 0);
        if (WIFEXITED(status)) {
            break;
        }
        if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
            ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
            info.op != PTRACE_SYSCALL_INFO_ENTRY) {
            continue;
        }
        if (info.entry.nr == SYS_getppid) {
            if (inside >= 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, &status, 0);
                break;
            }
            inside = 0;
        } else if (inside >= 0) {
            inside++;
        }
    }
    CHECK_EQ(inside, 0);
}

TEST_MAIN
