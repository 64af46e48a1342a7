/* EENTER, EEXIT, exceptions and ERESUME: one thread, no signals from outside. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu_kit.h"
#include "harness.h"

static struct kit_enclave enc;

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

TEST(null_call)
{
    struct sgx_enclave_run run;

    REQUIRE(ready());
    for (int i = 0; i < 1000; i++) {
        REQUIRE(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    }
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_RAW, 0, 0, &run), &run));
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

TEST(count_in_two_tcs)
{
    struct sgx_enclave_run run;
    uint64_t a = 0;
    uint64_t b = 0;

    REQUIRE(ready());
    for (uint64_t i = 1; i <= 100; i++) {
        REQUIRE(cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&a, &run), &run));
        REQUIRE(cpu_ok(cpu_call(&enc, 1, OP_COUNT, 0, (uint64_t)&b, &run), &run));
        REQUIRE(a == i && b == i);
    }
}

/* ------------------------------------------------------------------ the vDSO's contract */

TEST(contract_reserved_bytes_must_be_zero)
{
    struct sgx_enclave_run run;

    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(run.reserved); i++) {
        memset(&run, 0, sizeof(run));
        run.tcs = cpu_tcs(&enc, 0);
        run.function = 77;
        run.reserved[i] = 1;
        REQUIRE(cpu_enter(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run) == -EINVAL);
        REQUIRE(run.function == 77); /* no other effect */
    }
}

TEST(contract_only_eenter_and_eresume)
{
    struct sgx_enclave_run run;
    static const unsigned bad[] = {0, 1, 4, 5, 6, 7, 0x80000002u, 0xffffffffu};

    REQUIRE(ready());
    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(cpu_enter(OP_NULL, 0, 0, bad[i], 0, 0, &run), -EINVAL);
    }
}

static int handler_calls;
static int handler_returns;
static uint64_t handler_regs[6];
static uint64_t handler_rsp_off;
static struct sgx_enclave_run *handler_run;

static int user_handler(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
                        struct sgx_enclave_run *run)
{
    uint64_t regs[6] = {(uint64_t)rdi, (uint64_t)rsi, (uint64_t)rdx,
                        (uint64_t)rsp, (uint64_t)r8,  (uint64_t)r9};

    memcpy(handler_regs, regs, sizeof(regs));
    handler_rsp_off = (uint64_t)__builtin_frame_address(0) % 16;
    handler_run = run;
    handler_calls++;
    return handler_returns;
}

TEST(contract_user_handler)
{
    struct sgx_enclave_run run;
    int calls = 0;

    REQUIRE(ready());
    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    run.user_handler = (uint64_t)(uintptr_t)user_handler;
    run.user_data = 0x1234;
    handler_calls = 0;
    handler_returns = 0;
    CHECK_EQ(cpu_enter(OP_NULL, 0x22, 0x33, SGX_EENTER, 0x44, 0x55, &run), 0);
    CHECK_EQ(handler_calls, 1);
    CHECK_EQ(handler_regs[0], OP_NULL);
    CHECK_EQ(handler_regs[1], 0x22);
    CHECK_EQ(handler_regs[2], 0x33);
    CHECK_EQ(handler_regs[4], 0x44);
    CHECK_EQ(handler_regs[5], 0x55);
    CHECK_EQ(handler_rsp_off, 0);
    CHECK(handler_run == &run);
    CHECK_EQ(run.function, SGX_EEXIT);

    /* negative: handed through; positive: that ENCLU function again, then the handler again */
    handler_calls = 0;
    handler_returns = -5;
    CHECK_EQ(cpu_enter(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run), -5);
    run.user_handler = (uint64_t)(uintptr_t)cpu_handler_twice;
    run.user_data = (uint64_t)(uintptr_t)&calls;
    CHECK_EQ(cpu_enter(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run), -7);
    CHECK_EQ(calls, 2);
    run.user_handler = (uint64_t)(uintptr_t)user_handler;
    handler_calls = 0;
    handler_returns = 9; /* no such function */
    CHECK_EQ(cpu_enter(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run), -EINVAL);
    CHECK_EQ(handler_calls, 1);
}

TEST(contract_user_handler_sees_exceptions)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;

    REQUIRE(ready());
    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    run.user_handler = (uint64_t)(uintptr_t)user_handler;
    handler_calls = 0;
    handler_returns = 0;
    CHECK_EQ(cpu_enter(OP_UD2, 0, 0, SGX_EENTER, 0, 0, &run), 0);
    CHECK_EQ(handler_calls, 1);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    CHECK(cpu_ok(cpu_call(&enc, 0, 0, 2, 0, &fix), &fix));
    CHECK(cpu_ok(cpu_resume(&enc, 0, &fix), &fix));
}

/* ------------------------------------------------------------------ exceptions */

static const struct fault_case {
    const char *name;
    enum cpu_op op;
    unsigned vector;
    uint64_t skip; /* bytes to step over */
    uint32_t exitinfo;
    uint64_t maddr; /* where EXINFO counts */
    uint32_t errcd;
} fault_cases[] = {
    {"ud2", OP_UD2, SGX_VEC_UD, 2, 0x80000306, 0, 0},
    {"div", OP_DIV, SGX_VEC_DE, 2, 0x80000300, 0, 0},
    {"int3 opt-out", OP_INT3, SGX_VEC_UD, 1, 0x80000306, 0, 0},
    {"page fault on a host address", OP_HOST_FAULT, SGX_VEC_PF, 8, 0x8000030e, 0x123, 6},
    {"syscall", OP_SYSCALL, SGX_VEC_UD, 2, 0x80000306, 0, 0},
    {"int 0x80", OP_INT80, SGX_VEC_UD, 2, 0x80000306, 0, 0},
    {"hlt", OP_HLT, SGX_VEC_GP, 1, 0x8000030d, 0, 0},
    {"alignment", OP_AC, SGX_VEC_AC, 5, 0x80000311, 0, 0},
    {"ud2 with AC set", OP_AC_UD2, SGX_VEC_UD, 2, 0x80000306, 0, 0},
    {"x87", OP_MF, SGX_VEC_MF, 1, 0x80000310, 0, 0},
    {"SSE", OP_XM, SGX_VEC_XM, 4, 0x80000313, 0, 0},
};

static void one_fault(const struct kit_enclave *e, const struct fault_case *c, bool exinfo)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    struct cpu_ssa ssa = {0};
    bool memory = c->vector == SGX_VEC_PF || c->vector == SGX_VEC_GP;

    CHECK_EQ(cpu_call(e, 0, c->op, 0, 0, &run), 0);
    if (run.function != SGX_ERESUME || run.exception_vector != c->vector) {
        TEST_FAIL("%s: function %u vector %u", c->name, run.function, run.exception_vector);
    }
    CHECK_EQ(run.exception_addr, 0); /* page bits only */
    CHECK_EQ(run.exception_error_code, c->errcd);
    REQUIRE(cpu_ok(cpu_call(e, 0, 0, c->skip, (uint64_t)&ssa, &fix), &fix));
    if (memory && !exinfo) {
        CHECK_EQ(ssa.exitinfo, 0);
    } else {
        CHECK_EQ(ssa.exitinfo, c->exitinfo);
    }
    if (memory && exinfo) {
        CHECK_EQ(ssa.maddr, c->maddr);
        CHECK_EQ(ssa.errcd, c->errcd);
    }
    CHECK(ssa.rip - (uint64_t)e->base < KIT_PAGE);
    REQUIRE(cpu_ok(cpu_resume(e, 0, &run), &run));
}

TEST(faults_with_exinfo)
{
    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        one_fault(&enc, &fault_cases[i], true);
    }
}

TEST(faults_without_exinfo)
{
    struct kit_enclave e;
    struct cpu_options o = {.no_exinfo = true, .xfrm = 3, .production = true};

    REQUIRE(cpu_build(&e, &o));
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        one_fault(&e, &fault_cases[i], false);
    }
    kit_destroy(&e);
}

TEST(fault_of_the_epcm)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    struct cpu_ssa ssa = {0};
    uint64_t page = (uint64_t)enc.base + CPU_READONLY * KIT_PAGE;

    REQUIRE(ready());
    page = (uint64_t)enc.base + CPU_READONLY * KIT_PAGE;
    CHECK_EQ(cpu_call(&enc, 0, OP_READONLY, 0, 0, &run), 0);
    CHECK_EQ(run.exception_vector, SGX_VEC_PF);
    CHECK_EQ(run.exception_addr, page);
    CHECK_EQ(run.exception_error_code & 6, 6);
    REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 7, (uint64_t)&ssa, &fix), &fix));
    CHECK_EQ(ssa.maddr, page + 0x123);
    REQUIRE(cpu_ok(cpu_resume(&enc, 0, &run), &run));
}

/* ------------------------------------------------------------------ TCS and SSA */

static unsigned entry_vector(uint64_t tcs, unsigned function, struct sgx_enclave_run *run)
{
    memset(run, 0, sizeof(*run));
    run->tcs = tcs;
    if (cpu_enter(OP_NULL, 0, 0, function, 0, 0, run) != 0 || run->function != function) {
        return 0;
    }
    return run->exception_vector;
}

TEST(entry_refuses_what_is_no_tcs)
{
    struct sgx_enclave_run run;
    uint64_t base;

    REQUIRE(ready());
    base = (uint64_t)enc.base;
    CHECK_EQ(entry_vector(base + 1, SGX_EENTER, &run), SGX_VEC_GP);
    CHECK_EQ(entry_vector(base + CPU_TCS * KIT_PAGE + 8, SGX_EENTER, &run), SGX_VEC_GP);
    CHECK_EQ(entry_vector(base, SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(run.exception_addr, base);
    CHECK_EQ(entry_vector(base + CPU_DATA * KIT_PAGE, SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(entry_vector(0, SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(entry_vector(0x1000, SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(entry_vector((uint64_t)&run & ~0xfffull, SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_ERESUME, &run), SGX_VEC_GP); /* CSSA 0 */
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_EENTER, &run), 0);           /* lives on */
}

TEST(cssa_limit)
{
    struct sgx_enclave_run run;
    struct cpu_ssa ssa;

    REQUIRE(ready());
    for (unsigned depth = 0; depth < CPU_NSSA; depth++) {
        CHECK_EQ(cpu_call(&enc, 0, OP_ANY_CSSA + OP_UD2, 0, 0, &run), 0);
        CHECK_EQ(run.function, SGX_ERESUME);
        CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    }
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_EENTER, &run), SGX_VEC_GP);
    /* the last frame cannot be mended from inside any more; from outside the SSA page says RIP */
    for (unsigned depth = CPU_NSSA; depth > 0; depth--) {
        if (depth < CPU_NSSA) {
            REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 2, (uint64_t)&ssa, &run), &run));
            CHECK_EQ(ssa.exitinfo, 0x80000306);
        } else {
            struct sgx_ssa_gpr *g =
                (void *)(enc.base + (CPU_SSA + CPU_NSSA) * KIT_PAGE - sizeof(*g));

            g->rip += 2; /* an emulated enclave is not protected from its host */
        }
        REQUIRE(cpu_ok(cpu_resume(&enc, 0, &run), &run));
    }
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

TEST(entry_checks_the_ssa_pages)
{
    struct sgx_enclave_run run;
    uint64_t ssa;

    REQUIRE(ready());
    ssa = (uint64_t)enc.base + CPU_SSA * KIT_PAGE;
    REQUIRE(kit.mprotect((void *)ssa, KIT_PAGE, PROT_READ) == 0);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(run.exception_addr, ssa);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 1), SGX_EENTER, &run), 0);
    REQUIRE(kit.mprotect((void *)ssa, KIT_PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_EENTER, &run), 0);

    /* the next frame is bad: entry at CSSA 0 works, at CSSA 1 it does not */
    REQUIRE(kit.munmap((void *)(ssa + KIT_PAGE), KIT_PAGE) == 0);
    CHECK_EQ(cpu_call(&enc, 0, OP_UD2, 0, 0, &run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_EENTER, &run), SGX_VEC_PF);
    CHECK_EQ(run.exception_addr, ssa + KIT_PAGE);
    REQUIRE(kit.mmap((void *)(ssa + KIT_PAGE), KIT_PAGE, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, enc.fd, 0) != MAP_FAILED);
    REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 2, 0, &run), &run));
    /* ERESUME checks the frame that it loads */
    REQUIRE(kit.mprotect((void *)ssa, KIT_PAGE, PROT_NONE) == 0);
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_ERESUME, &run), SGX_VEC_PF);
    REQUIRE(kit.mprotect((void *)ssa, KIT_PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
}

/* ERESUME loads what the SSA holds, and faults with nothing changed when it cannot be loaded. */
TEST(eresume_refuses_a_bad_frame)
{
    struct sgx_enclave_run run;
    struct sgx_ssa_gpr *g;
    struct sgx_ssa_gpr good;
    uint8_t *xsave;
    uint64_t bad = 1ull << 62;

    REQUIRE(ready());
    CHECK_EQ(cpu_call(&enc, 0, OP_UD2, 0, 0, &run), 0);
    xsave = enc.base + CPU_SSA * KIT_PAGE;
    g = (void *)(xsave + KIT_PAGE - sizeof(*g));
    good = *g;
    good.rip += 2;
    memcpy(xsave + 512, &bad, 8); /* XSTATE_BV beyond XFRM */
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_ERESUME, &run), SGX_VEC_GP);
    memset(xsave + 512, 0, 8);
    g->rip = 0x8000000000000000ull;
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_ERESUME, &run), SGX_VEC_GP);
    *g = good;
    g->fsbase = 0x8000000000000000ull;
    CHECK_EQ(entry_vector(cpu_tcs(&enc, 0), SGX_ERESUME, &run), SGX_VEC_GP);
    *g = good;
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
}

/* ------------------------------------------------------------------ rows of boundary-security.md */

/* A1, A2: DF and AC of the host reach the enclave, which must clear them itself */
TEST(a1_a2_flags_pass_into_the_enclave)
{
    struct sgx_enclave_run run;
    uint64_t flags = 0;

    REQUIRE(ready());
    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    /* both at once, just around the call */
    __asm__ volatile("pushfq; orl $0x40400, (%%rsp); popfq" ::: "memory", "cc");
    (void)cpu_enter(OP_FLAGS, 0, (uint64_t)&flags, SGX_EENTER, 0, 0, &run);
    CHECK_EQ(run.function, SGX_EEXIT);
    CHECK_EQ(flags & 0x40400, 0x40400);
}

/* A7: no exit into the enclave, and no AEP inside it */
static volatile sig_atomic_t seen_signal;
static volatile uint64_t seen_rip;
static uint64_t go_on_at;
static uint64_t go_on_rsp;

static void note_and_leave(int sig, siginfo_t *si, void *ctx)
{
    ucontext_t *uc = ctx;

    (void)si;
    seen_signal = sig;
    seen_rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)go_on_at;
    if (go_on_rsp != 0) {
        uc->uc_mcontext.gregs[REG_RSP] = (greg_t)go_on_rsp;
    }
}

/* the enclave hands out RCX of its entry: where a normal exit goes */
static uint64_t handler_exit_address(void)
{
    uint64_t rcx = 0;
    struct sgx_enclave_run run;

    (void)cpu_call(&enc, 0, OP_EXIT_ADDRESS, 0, (uint64_t)&rcx, &run);
    return rcx;
}

TEST(a7_exit_target_inside_faults)
{
    struct sgx_enclave_run run;
    struct sigaction sa = {.sa_flags = SA_SIGINFO};

    REQUIRE(ready());
    sa.sa_sigaction = note_and_leave;
    REQUIRE(sigaction(SIGSEGV, &sa, NULL) == 0);
    for (uint64_t raw = 0; raw < 2; raw++) {
        uint64_t target = (uint64_t)enc.base + 0x800;

        /* the handler continues after the vDSO's AEP, as a normal exit would */
        memset(&run, 0, sizeof(run));
        run.tcs = cpu_tcs(&enc, 0);
        seen_signal = 0;
        go_on_rsp = 0;
        REQUIRE(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
        go_on_at = handler_exit_address();
        CHECK_EQ(cpu_call(&enc, 0, OP_EXIT_TO, target, raw, &run), 0);
        CHECK_EQ(seen_signal, SIGSEGV);
        CHECK_EQ(seen_rip, target);
    }
    (void)signal(SIGSEGV, SIG_DFL);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
}

TEST(a7_aep_inside_faults)
{
    struct sigaction sa = {.sa_flags = SA_SIGINFO};

    REQUIRE(ready());
    sa.sa_sigaction = note_and_leave;
    REQUIRE(sigaction(SIGSEGV, &sa, NULL) == 0);
    seen_signal = 0;
    go_on_at = (uint64_t)cpu_raw_end;
    go_on_rsp = 0;
    cpu_raw_with_aep(OP_NULL, 0, 0, SGX_EENTER, cpu_tcs(&enc, 0), (uint64_t)enc.base + 0x10);
    CHECK_EQ(seen_signal, SIGSEGV);
    (void)signal(SIGSEGV, SIG_DFL);
}

/* A8: FS and GS come from the TCS, whatever the host had, and the host's come back */
TEST(a8_segment_bases)
{
    struct sgx_enclave_run run;
    uint64_t kept = 0;
    uint64_t now = 0;
    uint64_t res = 9;

    REQUIRE(ready());
    __asm__ volatile("rdgsbase %0" : "=r"(kept));
    __asm__ volatile("wrgsbase %0" ::"r"((uint64_t)enc.base + CPU_DATA * KIT_PAGE));
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_REGISTERS, 10, (uint64_t)&res, &run), &run));
    __asm__ volatile("rdgsbase %0" : "=r"(now));
    __asm__ volatile("wrgsbase %0" ::"r"(kept));
    CHECK_EQ(res, 0);
    CHECK_EQ(now, (uint64_t)enc.base + CPU_DATA * KIT_PAGE);
}

TEST_MAIN
