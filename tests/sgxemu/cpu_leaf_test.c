/* ENCLU that the host executes itself, the other leaves, big enclaves, single steps. */
#include <signal.h>
#include <ucontext.h>

#include "cpu_kit.h"
#include "harness.h"

static struct kit_enclave enc;

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

/* ------------------------------------------------------------------ raw ENCLU by the host */

TEST(raw_enclu_enters_and_exits)
{
    struct sgx_enclave_run run;
    uint64_t before = 0;
    uint64_t after = 0;

    REQUIRE(ready());
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&before, &run), &run));
    cpu_raw(OP_COUNT, 0, (uint64_t)&after, SGX_EENTER, cpu_tcs(&enc, 0));
    CHECK_EQ(after, before + 1);
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_COUNT, 0, (uint64_t)&after, &run), &run));
    CHECK_EQ(after, before + 2);
}

static volatile int mended;

static void mend(int sig, siginfo_t *si, void *ctx)
{
    struct sgx_enclave_run run;
    ucontext_t *uc = ctx;

    (void)si;
    /* at the AEP: RAX ERESUME, RBX TCS; returning executes the raw ENCLU there */
    mended = sig == SIGILL && uc->uc_mcontext.gregs[REG_RIP] == (greg_t)cpu_raw_aep &&
             uc->uc_mcontext.gregs[REG_RAX] == SGX_ERESUME &&
             uc->uc_mcontext.gregs[REG_RBX] == (greg_t)cpu_tcs(&enc, 0) &&
             cpu_call(&enc, 0, 0, 2, 0, &run) == 0 && run.function == SGX_EEXIT;
}

TEST(raw_aep_gets_a_signal_and_resumes)
{
    struct sigaction sa = {.sa_flags = SA_SIGINFO};

    REQUIRE(ready());
    sa.sa_sigaction = mend;
    REQUIRE(sigaction(SIGILL, &sa, NULL) == 0);
    mended = 0;
    cpu_raw(OP_UD2, 0, 0, SGX_EENTER, cpu_tcs(&enc, 0));
    CHECK_EQ(mended, 1);
    (void)signal(SIGILL, SIG_DFL);
}

/* ------------------------------------------------------------------ the other leaves */

static void leaf_both_ways(enum cpu_op op)
{
    struct sgx_enclave_run run;
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;
    struct cpu_leaf leaf = {.rax = SGX_EGETKEY, .rbx = data, .rcx = data + 0x200};
    struct sgx_keyrequest req;
    uint64_t zero[2] = {0, 0};

    memset(&req, 0, sizeof(req));
    req.keyname = SGX_KEY_SEAL;
    req.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
    memcpy((void *)data, &req, sizeof(req));
    memset((void *)(data + 0x200), 0, 16);
    REQUIRE(cpu_ok(cpu_call(&enc, 0, op, (uint64_t)&leaf, 0, &run), &run));
    CHECK_EQ(leaf.rax, 0);
    CHECK_EQ(leaf.rflags & 0x40, 0);
    CHECK_EQ(leaf.rbx, data);
    CHECK_EQ(leaf.r12, 0x5151);
    CHECK(leaf.xmm9 == ~0ull);
    CHECK_EQ(leaf.fsbase, (uint64_t)enc.base + CPU_FS * KIT_PAGE);
    CHECK(memcmp((void *)(data + 0x200), zero, 16) != 0);

    leaf = (struct cpu_leaf){.rax = SGX_EGETKEY, .rbx = data, .rcx = data + 0x200};
    req.keyname = 9;
    memcpy((void *)data, &req, sizeof(req));
    REQUIRE(cpu_ok(cpu_call(&enc, 0, op, (uint64_t)&leaf, 0, &run), &run));
    CHECK_EQ(leaf.rax, SGX_INVALID_KEYNAME);
    CHECK_EQ(leaf.rflags & 0x40, 0x40);

    /* EREPORT: rax keeps its number */
    memset((void *)data, 0, KIT_PAGE);
    leaf = (struct cpu_leaf){
        .rax = SGX_EREPORT, .rbx = data, .rcx = data + 0x200, .rdx = data + 0x400};
    memcpy((void *)(data + 0x200), "hello", 5);
    REQUIRE(cpu_ok(cpu_call(&enc, 0, op, (uint64_t)&leaf, 0, &run), &run));
    CHECK_EQ(leaf.rax, SGX_EREPORT);
    CHECK_MEM((void *)(data + 0x400 + 320), "hello", 5);

    /* misaligned: #GP at the instruction, then stepped over */
    leaf = (struct cpu_leaf){.rax = SGX_EREPORT, .rbx = data + 1, .rcx = data, .rdx = data};
    CHECK_EQ(cpu_call(&enc, 0, op, (uint64_t)&leaf, 0, &run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(run.exception_vector, SGX_VEC_GP);
    if (op == OP_LEAF) {
        /* the site is 16 bytes with its RET at 3 (as an ENCLU) or 6 (patched) */
        struct cpu_ssa ssa = {0};
        struct sgx_enclave_run fix;

        REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 0, (uint64_t)&ssa, &fix), &fix));
        CHECK_EQ(ssa.exitinfo, 0x8000030d);
        CHECK(ssa.rip - (uint64_t)enc.base < KIT_PAGE);
        CHECK_EQ(ssa.rip % 16, 0);
        REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, *(uint8_t *)ssa.rip == 0xff ? 6 : 3, 0, &fix), &fix));
    } else {
        struct sgx_enclave_run fix;

        REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 3, 0, &fix), &fix));
    }
    CHECK(cpu_ok(cpu_resume(&enc, 0, &run), &run));
}

TEST(leaves_by_the_site)
{
    REQUIRE(ready());
    leaf_both_ways(OP_LEAF);
}

TEST(leaves_by_raw_enclu)
{
    REQUIRE(ready());
    leaf_both_ways(OP_LEAF_RAW);
}

TEST(leaves_that_do_not_exist_are_gp)
{
    struct sgx_enclave_run run;
    struct sgx_enclave_run fix;
    static const uint64_t numbers[] = {2, 3, 8, 9, 0x100};

    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct cpu_leaf leaf = {.rax = numbers[i]};

        CHECK_EQ(cpu_call(&enc, 0, OP_LEAF_RAW, (uint64_t)&leaf, 0, &run), 0);
        CHECK_EQ(run.exception_vector, SGX_VEC_GP);
        REQUIRE(cpu_ok(cpu_call(&enc, 0, 0, 3, 0, &fix), &fix));
        REQUIRE(cpu_ok(cpu_resume(&enc, 0, &run), &run));
    }
}

/* ------------------------------------------------------------------ sizes and debugging */

/* A site 3 GiB above the base reaches the emulator, too. */
TEST(big_enclave)
{
    struct kit_enclave e;
    struct sgx_enclave_run run;
    struct cpu_options o = {.size = 4ull << 30, .code2 = 3ull << 30};

    REQUIRE(cpu_build(&e, &o));
    for (int i = 0; i < 10; i++) {
        CHECK(cpu_ok(cpu_call(&e, 0, OP_NULL, 0, 0, &run), &run));
        CHECK(cpu_ok(cpu_call(&e, 0, OP_FAR, o.code2, 0, &run), &run));
    }
    kit_destroy(&e);
}

/* TF of the host: the stay inside is one instruction (SDM 43.2.3) */
static volatile int steps;
static volatile int steps_inside;

static void on_step(int sig, siginfo_t *si, void *ctx)
{
    ucontext_t *uc = ctx;
    uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    (void)sig;
    (void)si;
    steps++;
    steps_inside += rip - (uint64_t)enc.base < enc.size;
}

TEST(single_step_of_the_host_does_not_see_inside)
{
    struct sgx_enclave_run run;
    struct sigaction sa = {.sa_flags = SA_SIGINFO};
    uint64_t count = 0;

    REQUIRE(ready());
    sa.sa_sigaction = on_step;
    REQUIRE(sigaction(SIGTRAP, &sa, NULL) == 0);
    /* the first entry after a change looks the TCS up, and drops TF there */
    CHECK(cpu_ok(cpu_call(&enc, 0, OP_NULL, 0, 0, &run), &run));
    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    steps = 0;
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
    (void)cpu_enter(OP_COUNT, 0, (uint64_t)&count, SGX_EENTER, 0, 0, &run);
    __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    (void)signal(SIGTRAP, SIG_DFL);
    CHECK_EQ(run.function, SGX_EEXIT);
    CHECK(steps > 20);
    CHECK_EQ(steps_inside, 0);
}

TEST_MAIN
