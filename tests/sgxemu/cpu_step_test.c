/*
 * Transitions are atomic: a signal at every single instruction of the emulator's text, each time with
 * calls made by its handler, one of them into the very TCS that is on its way in or out.
 *
 * A child runs a scenario between two INT3; its parent steps it (the trap flag, through ptrace) to
 * the k-th instruction that lies in the emulator's text, lets the signal in there, and lets it run
 * on; k = 1, 2, ... until the scenario has no k-th.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_kit.h"
#include "harness.h"

extern char __start_cm_emu_text[] __attribute__((visibility("hidden")));
extern char __stop_cm_emu_text[] __attribute__((visibility("hidden")));

static struct kit_enclave enc;
static volatile uint64_t handler_runs;
static volatile uint64_t handler_bad;

#define MARK() __asm__ volatile("int3" ::: "memory")

/* ------------------------------------------------------------------ the child */

static void on_signal(int sig)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    uint64_t v;

    (void)sig;
    handler_runs++;
    /* the same TCS: before the entry at CSSA 0, after an asynchronous exit at CSSA 1, never busy */
    if (cpu_call(&enc, 0, OP_ANY_CSSA + OP_COUNT, 0, (uint64_t)&v, &run) != 0 ||
        run.function != SGX_EEXIT) {
        handler_bad++;
    }
    /* another TCS, with a fault and its mending inside */
    if (cpu_call(&enc, 1, OP_UD2, 0, 0, &run) != 0 || run.exception_vector != SGX_VEC_UD ||
        cpu_call(&enc, 1, 0, 2, 0, &fix) != 0 || fix.function != SGX_EEXIT ||
        cpu_resume(&enc, 1, &run) != 0 || run.function != SGX_EEXIT) {
        handler_bad++;
    }
}

static bool call_is_whole(bool look_up)
{
    struct sgx_enclave_run run;
    uint64_t before = 0;
    uint64_t v = 0;
    uint64_t runs = handler_runs;

    if (cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&before, &run) != 0) {
        return false;
    }
    if (look_up) {
        /* any change of a page makes the next entry look everything up again */
        void *page = enc.base + CPU_READONLY * KIT_PAGE;

        (void)kit.mprotect(page, KIT_PAGE, PROT_NONE);
        (void)kit.mprotect(page, KIT_PAGE, PROT_READ);
    }
    MARK();
    (void)cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&v, &run);
    MARK();
    /* the handler counts once in the same TCS, before or after */
    return run.function == SGX_EEXIT && v > before && v <= before + 1 + (handler_runs - runs);
}

static bool scenario_call(void)
{
    return call_is_whole(false);
}

static bool scenario_slow_call(void)
{
    return call_is_whole(true);
}

static bool scenario_resume(void)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;

    if (cpu_call(&enc, 0, OP_UD2, 0, 0, &run) != 0 || cpu_call(&enc, 0, 0, 2, 0, &fix) != 0) {
        return false;
    }
    MARK();
    (void)cpu_resume(&enc, 0, &run);
    MARK();
    return run.function == SGX_EEXIT;
}

static bool scenario_leaf(void)
{
    struct sgx_enclave_run run;
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;
    struct cpu_leaf leaf = {
        .rax = SGX_EREPORT, .rbx = data, .rcx = data + 0x200, .rdx = data + 0x400};

    memset((void *)data, 0, KIT_PAGE);
    memcpy((void *)(data + 0x200), "hello", 5);
    MARK();
    (void)cpu_call(&enc, 0, OP_LEAF, (uint64_t)&leaf, 0, &run);
    MARK();
    return run.function == SGX_EEXIT && leaf.rax == SGX_EREPORT && leaf.rbx == data &&
           leaf.rcx == data + 0x200 && leaf.rdx == data + 0x400 && leaf.r12 == 0x5151 &&
           leaf.xmm9 == ~0ull && leaf.fsbase == (uint64_t)enc.base + CPU_FS * KIT_PAGE &&
           memcmp((void *)(data + 0x400 + 320), "hello", 5) == 0;
}

static bool scenario_bad_leaf(void)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    struct cpu_ssa ssa = {0};
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;
    struct cpu_leaf leaf = {.rax = SGX_EREPORT, .rbx = data + 1, .rcx = data, .rdx = data};
    bool ok;

    MARK();
    (void)cpu_call(&enc, 0, OP_LEAF, (uint64_t)&leaf, 0, &run);
    MARK();
    ok = run.function == SGX_ERESUME && run.exception_vector == SGX_VEC_GP;
    return ok && cpu_call(&enc, 0, 0, 0, (uint64_t)&ssa, &fix) == 0 &&
           cpu_call(&enc, 0, 0, *(uint8_t *)ssa.rip == 0xff ? 6 : 3, 0, &fix) == 0 &&
           cpu_resume(&enc, 0, &run) == 0 && run.function == SGX_EEXIT;
}

static void child(bool (*scenario)(void))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_signal;
    (void)sigaction(SIGUSR1, &sa, NULL);
    (void)scenario; /* warm: registers the thread, resolves symbols */
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    (void)raise(SIGSTOP);
    for (;;) {
        uint64_t runs = handler_runs;
        bool ok = scenario();

        if (!ok || handler_bad != 0) {
            _exit(1);
        }
        if (handler_runs > runs + 1) {
            _exit(2);
        }
    }
}

/* ------------------------------------------------------------------ the parent */

enum stop {
    STOP_MARK,  /* an INT3 of the scenario */
    STOP_STEP,  /* one instruction done */
    STOP_EXIT,  /* gone */
    STOP_ERROR, /* killed */
};

/* Go on until the next stop that means something; other signals are passed on. */
static enum stop go(pid_t pid, int request, int sig)
{
    int status = 0;

    for (;;) {
        siginfo_t si;

        if (ptrace((enum __ptrace_request)request, pid, NULL, (void *)(intptr_t)sig) != 0 ||
            waitpid(pid, &status, 0) != pid) {
            return STOP_ERROR;
        }
        if (WIFEXITED(status)) {
            (void)printf("  child: exit %d\n", WEXITSTATUS(status));
            return STOP_EXIT;
        }
        if (!WIFSTOPPED(status)) {
            (void)printf("  child: signal %d\n", WTERMSIG(status));
            return STOP_ERROR;
        }
        sig = WSTOPSIG(status);
        if (sig == SIGTRAP) {
            (void)ptrace(PTRACE_GETSIGINFO, pid, NULL, &si);
            return si.si_code == SI_KERNEL ? STOP_MARK : STOP_STEP;
        }
    }
}

static uint64_t rip_of(pid_t pid)
{
    struct user_regs_struct regs;

    (void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    return regs.rip;
}

/* Linux takes the trap flag for the program's own in the step after a POPF or IRET. */
static void forget_trap_flag(pid_t pid)
{
    struct user_regs_struct regs;

    (void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    regs.eflags &= ~0x100ull;
    (void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static bool in_text(uint64_t rip)
{
    return rip >= (uint64_t)__start_cm_emu_text && rip < (uint64_t)__stop_cm_emu_text;
}

/*
 * A function in C that the text calls: not stepped, but run to its return. Its signals are those of
 * any C code; what matters is the text around it.
 */
static enum stop run_c(pid_t pid)
{
    struct user_regs_struct regs;
    uint64_t back;
    long word;
    enum stop s;

    (void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    back = (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)regs.rsp, NULL);
    if (!in_text(back)) {
        return go(pid, PTRACE_SINGLESTEP, 0);
    }
    word = ptrace(PTRACE_PEEKTEXT, pid, (void *)back, NULL);
    (void)ptrace(PTRACE_POKETEXT, pid, (void *)back, (void *)((word & ~0xffl) | 0xcc));
    forget_trap_flag(pid);
    s = go(pid, PTRACE_CONT, 0);
    (void)ptrace(PTRACE_POKETEXT, pid, (void *)back, (void *)word);
    (void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    if (s != STOP_MARK || regs.rip != back + 1) {
        return s;
    }
    regs.rip = back;
    (void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
    return STOP_STEP;
}

static uint64_t last_where;

/* One run of the scenario with a signal at the k-th instruction. 1 done, 0 there is no k-th, -1. */
static int run_once(pid_t pid, unsigned k)
{
    unsigned n = 0;
    enum stop s = go(pid, PTRACE_CONT, 0);

    while (s != STOP_ERROR && s != STOP_EXIT) {
        uint64_t where = rip_of(pid);
        bool inside = where - (uint64_t)enc.base < enc.size;

        if (in_text(where) && ++n == k) {
            last_where = where - (uint64_t)__start_cm_emu_text;
            forget_trap_flag(pid);
            s = go(pid, PTRACE_CONT, SIGUSR1);
            if (s != STOP_MARK) {
                return -1;
            }
            return 1;
        }
        s = in_text(where) || inside ? go(pid, PTRACE_SINGLESTEP, 0) : run_c(pid);
        if (s == STOP_MARK) {
            return 0;
        }
    }
    return -1;
}

static void step_through(bool (*scenario)(void), unsigned least)
{
    pid_t pid;
    int status;
    int r = 1;
    unsigned k;

    REQUIRE(enc.base != NULL || cpu_build(&enc, NULL));
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        child(scenario);
    }
    (void)waitpid(pid, &status, 0);
    REQUIRE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    for (k = 1; r == 1; k++) {
        r = run_once(pid, k);
    }
    if (r != 0) {
        TEST_FAIL("after a signal at text + 0x%llx", (unsigned long long)last_where);
    }
    CHECK(k > least);
    (void)printf("  a signal at each of %u instructions\n", k - 2);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
}

TEST(entry_and_exit)
{
    step_through(scenario_call, 80);
}

TEST(entry_that_looks_up)
{
    step_through(scenario_slow_call, 120);
}

TEST(resume)
{
    step_through(scenario_resume, 120);
}

TEST(leaf_in_c)
{
    step_through(scenario_leaf, 80);
}

TEST(leaf_that_faults)
{
    step_through(scenario_bad_leaf, 80);
}

TEST_MAIN
