/* Opt-in entries (CASEMATE_SGXEMU=dbgoptin): what a debugger's TCS.FLAGS.DBGOPTIN changes. */
#include <signal.h>
#include <ucontext.h>

#include "cpu_kit.h"
#include "harness.h"

static struct kit_enclave *now;
static volatile int traps;
static volatile int at_aep;
static struct cpu_ssa ssa;
static uint64_t skip;

static bool opted_in(void)
{
    const char *words = getenv("CASEMATE_SGXEMU");

    return words != NULL && strstr(words, "dbgoptin") != NULL;
}

/* #BP and #DB are no business of the vDSO: the host gets a signal at the AEP, then ERESUME */
static void on_trap(int sig, siginfo_t *si, void *ctx)
{
    struct sgx_enclave_run run;
    ucontext_t *uc = ctx;

    (void)si;
    uc->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
    traps += sig == SIGTRAP;
    at_aep += uc->uc_mcontext.gregs[REG_RAX] == SGX_ERESUME &&
              uc->uc_mcontext.gregs[REG_RBX] == (greg_t)cpu_tcs(now, 0) &&
              uc->uc_mcontext.gregs[REG_RIP] == uc->uc_mcontext.gregs[REG_RCX];
    (void)cpu_call(now, 0, 0, skip, (uint64_t)&ssa, &run);
}

static void listen(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_sigaction = on_trap;
    sa.sa_flags = SA_SIGINFO;
    (void)sigaction(SIGTRAP, &sa, NULL);
    traps = 0;
    at_aep = 0;
}

TEST(int3_of_a_debug_enclave)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;

    if (!opted_in()) {
        SKIP("needs CASEMATE_SGXEMU=dbgoptin");
    }
    REQUIRE(cpu_build(&e, NULL));
    now = &e;
    skip = 1;
    listen();
    CHECK(cpu_ok(cpu_call(&e, 0, OP_INT3, 0, 0, &run), &run));
    CHECK_EQ(traps, 1);
    CHECK_EQ(at_aep, 1);
    CHECK_EQ(ssa.exitinfo, 0x80000603);
    CHECK(*(uint8_t *)ssa.rip == 0xcc); /* a fault: RIP stays on the INT3 */
    kit_destroy(&e);
}

TEST(production_enclaves_stay_opt_out)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;
    struct cpu_options o = {.production = true};

    REQUIRE(cpu_build(&e, &o));
    now = &e;
    listen();
    CHECK_EQ(cpu_call(&e, 0, OP_INT3, 0, 0, &run), 0);
    CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    CHECK_EQ(traps, 0);
    CHECK(cpu_ok(cpu_call(&e, 0, 0, 1, 0, &run), &run));
    CHECK(cpu_ok(cpu_resume(&e, 0, &run), &run));
    kit_destroy(&e);
}

/* POPF inside that sets TF: traps after the next instruction, with TF clear in the SSA */
TEST(single_step_inside)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;

    if (!opted_in()) {
        SKIP("needs CASEMATE_SGXEMU=dbgoptin");
    }
    REQUIRE(cpu_build(&e, NULL));
    now = &e;
    skip = 0;
    listen();
    CHECK(cpu_ok(cpu_call(&e, 0, OP_TF, 0, 0, &run), &run));
    CHECK_EQ(traps, 1);
    CHECK_EQ(at_aep, 1);
    CHECK_EQ(ssa.exitinfo, 0x80000301);
    CHECK_EQ(ssa.rflags & 0x100, 0);
    kit_destroy(&e);
}

TEST_MAIN
