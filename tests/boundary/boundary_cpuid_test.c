/*
 * Row E6: CPUID inside. The instruction is #UD in an enclave; the runtime answers it from the table
 * that the host gave at the start, RDTSC from a counter, and emulates nothing else. The emulator runs the instruction (a
 * processor without CPUID faulting gives it no choice), so the exit is made here: a real #UD whose
 * SSA frame then says what hardware's would.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "enclave/td.h"
#include "hostile_host.h"
#include "hostile_ids.h"

#define ECALL(func) CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0)
#define HARDWARE_UD (SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VEC_UD)
#define HARDWARE_GP (SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VEC_GP)

static struct hh e;
static struct cm_cpuid_entry table[2] __attribute__((aligned(8)));
static struct cm_call_args args __attribute__((aligned(64)));
static uint64_t in_buf[8] __attribute__((aligned(64)));
static struct hostile_fault fault __attribute__((aligned(64)));
static uint64_t cpuid_at; /* a CPUID instruction of the image */

static struct sgx_ssa_gpr *ssa(void)
{
    return (struct sgx_ssa_gpr *)(hh_tcs(&e, 0) + CM_TCS_TO_GPR(0));
}

/* The first such instruction below the thread data; pages without access are passed over. */
static uint64_t find_code(const char *bytes, size_t count)
{
    uint8_t page[4097];

    for (uint64_t at = e.base; at < e.tcs0; at += 4096) {
        struct iovec to = {page, 4096};
        struct iovec from = {(void *)at, 4096};

        if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != 4096) {
            continue;
        }
        for (size_t i = 0; i + count <= 4096; i++) {
            if (memcmp(page + i, bytes, count) == 0) {
                return at + i;
            }
        }
    }
    return 0;
}

/* An enclave whose start got `table`, interrupted by its own UD2. */
static bool interrupted(void)
{
    static const struct cm_cpuid_entry honest[2] = {{0, 0, 11, 12, 13, 14}, {4, 1, 21, 22, 23, 24}};
    struct sgx_enclave_run run;
    struct cm_init_args init;
    uint64_t arg = (uint64_t)&args;

    memcpy(table, honest, sizeof(table));
    memset(&init, 0, sizeof(init));
    init.enclave = 0x1234;
    init.cpuid_table = (uint64_t)table;
    init.cpuid_count = 2;
    hh_unload(&e);
    if (!hh_load(&e, 0xa5) || hh_ecall(&e, 0, CM_ECALL_INIT, (uint64_t)&init, NULL) != OE_OK) {
        return false;
    }
    memset(&args, 0, sizeof(args));
    in_buf[0] = HF_UD2;
    args.function_id = HE_FAULT;
    args.input_buffer = (uint64_t)in_buf;
    args.input_buffer_size = 16;
    args.output_buffer = (uint64_t)&fault;
    args.output_buffer_size = sizeof(fault);
    args.arena = (uint64_t)hh_arena(0);
    args.arena_size = HH_ARENA;
    if (hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run) != 0 ||
        run.function != SGX_ERESUME || ssa()->exitinfo != HARDWARE_UD) {
        return false;
    }
    cpuid_at = find_code("\x0f\xa2", 2);
    return cpuid_at != 0;
}

/* What the runtime makes of an exit at rip with this EXITINFO and these registers. */
static oe_result_t judge(uint64_t rip, uint32_t info, uint32_t leaf, uint32_t subleaf)
{
    struct sgx_enclave_run run;
    uint64_t arg = 0;

    ssa()->rip = rip;
    ssa()->exitinfo = info;
    ssa()->rax = leaf;
    ssa()->rcx = subleaf;
    return (oe_result_t)CM_CALL_RESULT(
        hh_enter(&e, 0, ECALL(CM_ECALL_VIRTUAL_EXCEPTION), &arg, &run));
}

TEST(E6_cpuid_is_answered_from_the_table_of_the_start)
{
    REQUIRE(interrupted());
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(judge(cpuid_at, HARDWARE_UD, 4, 1), OE_OK);
        CHECK_EQ(ssa()->rip, cpuid_at + 2);
        CHECK_EQ(ssa()->rax, 21);
        CHECK_EQ(ssa()->rbx, 22);
        CHECK_EQ(ssa()->rcx, 23);
        CHECK_EQ(ssa()->rdx, 24);
        CHECK_EQ(ssa()->exitinfo & SGX_EXITINFO_VALID, 0); /* not to be used again */
        CHECK_EQ(judge(cpuid_at, HARDWARE_UD, 0, 0), OE_OK);
        CHECK_EQ(ssa()->rbx, 12);
        /* a host that changes its answers afterwards changes nothing */
        memset(table, 0xff, sizeof(table));
    }
    /* what is not in the table is no answer of the host's either: without a handler, the end */
    CHECK_EQ(judge(cpuid_at, HARDWARE_UD, 4, 2), OE_ENCLAVE_ABORTING);
    CHECK_EQ(ssa()->rip, cpuid_at);
}

static void not_emulated(uint64_t rip, uint32_t info)
{
    CHECK_EQ(judge(rip, info, 4, 1), OE_ENCLAVE_ABORTING);
    CHECK_EQ(ssa()->rip, rip);
    CHECK_EQ(ssa()->rax, 4);
}

TEST(E6_no_other_instruction_is_emulated)
{
    REQUIRE(interrupted());
    not_emulated(ssa()->rip, HARDWARE_UD); /* UD2 */
    REQUIRE(interrupted());
    not_emulated(cpuid_at + 1, HARDWARE_UD);
    REQUIRE(interrupted());
    not_emulated(cpuid_at, HARDWARE_GP); /* and not for another exception */
    REQUIRE(interrupted());
    /* nor for one that there was not: the host has called without an exception (E2) */
    CHECK_EQ(judge(cpuid_at, HARDWARE_UD & ~SGX_EXITINFO_VALID, 4, 1), OE_OK);
    CHECK_EQ(ssa()->rip, cpuid_at);
    CHECK_EQ(ssa()->rax, 4);
}

TEST(E6_cpuid_outside_the_image_is_not_emulated)
{
    uint8_t *host = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(host != MAP_FAILED);
    host[0] = 0x0f;
    host[1] = 0xa2;
    REQUIRE(interrupted());
    not_emulated((uint64_t)host, HARDWARE_UD);
    REQUIRE(interrupted()); /* data of the enclave */
    memcpy((void *)(e.heap + 4096), host, 2);
    not_emulated(e.heap + 4096, HARDWARE_UD);
    REQUIRE(interrupted()); /* at the very end, and across it */
    not_emulated(e.base + e.size - 1, HARDWARE_UD);
    REQUIRE(interrupted());
    not_emulated(e.base + e.size, HARDWARE_UD);
    REQUIRE(interrupted());
    not_emulated(UINT64_MAX, HARDWARE_UD);
    REQUIRE(interrupted());
    not_emulated(e.base - 1, HARDWARE_UD);
    (void)munmap(host, 4096);
}

TEST(E6_time_stamps_only_ever_grow)
{
    uint64_t tsc;
    uint64_t tscp;
    uint64_t last = 0;

    REQUIRE(interrupted());
    tsc = find_code("\x0f\x31", 2);
    tscp = find_code("\x0f\x01\xf9", 3);
    REQUIRE(tsc != 0 && tscp != 0);
    for (int i = 0; i < 10; i++) {
        const uint64_t at = i % 2 == 0 ? tsc : tscp;
        uint64_t now;

        CHECK_EQ(judge(at, HARDWARE_UD, 4, 1), OE_OK);
        CHECK_EQ(ssa()->rip, at + (i % 2 == 0 ? 2 : 3));
        CHECK_EQ(ssa()->rcx, i % 2 == 0 ? 1 : 0);
        CHECK((ssa()->rax | ssa()->rdx) >> 32 == 0);
        now = ssa()->rdx << 32 | ssa()->rax;
        CHECK(now > last);
        last = now;
    }
    CHECK_EQ(judge(tscp, HARDWARE_GP, 4, 1), OE_ENCLAVE_ABORTING);
}

TEST_MAIN
