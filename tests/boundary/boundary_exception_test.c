/* Rows A1 and E1 to E5: exceptions, real and invented, and what handlers may do. */
#include "harness.h"

#include <sys/mman.h>

#include <casemate/sgxemu.h>

#include "enclave/td.h"
#include "hostile_host.h"
#include "hostile_ids.h"

#define ECALL(func) CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0)

static struct hh e;
static uint64_t td0; /* thread data of thread 0 */
static struct cm_call_args args __attribute__((aligned(64)));
static uint64_t in_buf[8] __attribute__((aligned(64)));
static struct hostile_fault fault __attribute__((aligned(64)));

static bool start(bool with_handler)
{
    uint64_t out[2] = {9, 9};
    uint64_t one = 1;

    hh_unload(&e);
    return hh_load(&e, 0xa5) && hh_init(&e) == OE_OK &&
           (!with_handler ||
            (hh_call(&e, 0, HE_HANDLER, &one, 8, out, 16) == OE_OK && out[0] == OE_OK));
}

static struct sgx_ssa_gpr *ssa(unsigned frame)
{
    return (struct sgx_ssa_gpr *)(hh_tcs(&e, 0) + CM_TCS_TO_GPR(frame));
}

/* Begins the fault ecall; true when the enclave left by an asynchronous exit. */
static bool begin(uint64_t kind, struct sgx_enclave_run *run)
{
    uint64_t arg = (uint64_t)&args;

    memset(&args, 0, sizeof(args));
    memset(&fault, 0, sizeof(fault));
    in_buf[0] = kind;
    args.function_id = HE_FAULT;
    args.input_buffer = (uint64_t)in_buf;
    args.input_buffer_size = 16;
    args.output_buffer = (uint64_t)&fault;
    args.output_buffer_size = sizeof(fault);
    args.arena = (uint64_t)hh_arena(0);
    args.arena_size = HH_ARENA;
    args.result = OE_FAILURE;
    return hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, run) == 0 &&
           run->function == SGX_ERESUME;
}

/* The enclave's opinion of the exception. */
static oe_result_t judge(void)
{
    struct sgx_enclave_run run;
    uint64_t arg = 0;
    const uint64_t word = hh_enter(&e, 0, ECALL(CM_ECALL_VIRTUAL_EXCEPTION), &arg, &run);

    CHECK_EQ(CM_CALL_CODE(word), CM_CODE_ERET);
    CHECK_EQ(CM_CALL_FUNC(word), CM_ECALL_VIRTUAL_EXCEPTION);
    return (oe_result_t)CM_CALL_RESULT(word);
}

/* ERESUME; the word when the enclave then left by EEXIT, or 0. */
static uint64_t resume(struct sgx_enclave_run *run)
{
    struct hh_regs r;

    memset(&r, 0, offsetof(struct hh_regs, zmm));
    r.rflags = 2;
    r.mxcsr = 0x1f80;
    r.fcw = 0x37f;
    memset(run, 0, sizeof(*run));
    run->tcs = hh_tcs(&e, 0);
    return hh_enter_raw(&r, SGX_ERESUME, run) == 0 && run->function == SGX_EEXIT ? r.rdi : 0;
}

TEST(E1_no_handler_aborts)
{
    struct sgx_enclave_run run;

    REQUIRE(start(false));
    REQUIRE(begin(HF_UD2, &run));
    CHECK_EQ(judge(), OE_ENCLAVE_ABORTING);
    CHECK_EQ(judge(), OE_ENCLAVE_ABORTING);
    CHECK_EQ(hh_call(&e, 1, HE_NULL, NULL, 0, NULL, 0), OE_ENCLAVE_ABORTING);
}

static void whole(uint64_t kind)
{
    struct sgx_enclave_run run;

    REQUIRE(begin(kind, &run));
    REQUIRE(judge() == OE_OK);
    CHECK_EQ(resume(&run), CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_OK));
    CHECK_EQ(args.result, OE_OK);
    CHECK_EQ(fault.calls, 1);
    CHECK_EQ(fault.flags, 1); /* hardware */
    CHECK_EQ(fault.handler_rflags & 0x40400, 0);
    CHECK_EQ(fault.handler_mxcsr, 0x1fbf);
    CHECK(fault.address - e.base < e.size);
    CHECK_EQ(fault.kept, 0);
}

TEST(E1_handlers_run_and_the_code_goes_on)
{
    REQUIRE(start(true));
    for (int i = 0; i < 100; i++) {
        whole(HF_UD2);
        CHECK_EQ(fault.code, 3);
        whole(HF_VECTORS); /* registers live across it */
        CHECK_EQ(fault.code, 3);
        whole(HF_DIV);
        CHECK_EQ(fault.code, 0);
        whole(HF_NULL_READ);
        CHECK_EQ(fault.code, 5);
        CHECK_EQ(fault.faulting_address, 0);
        CHECK_EQ(fault.error_code & 2, 0);
    }
    CHECK_EQ(hh_call(&e, 1, HE_NULL, NULL, 0, NULL, 0), OE_OK);
}

TEST(A1_A2_flags_of_the_interrupted_code_do_not_reach_the_handler)
{
    REQUIRE(start(true));
    whole(HF_STD_UD2);
}

TEST(E2_exceptions_that_the_host_invents)
{
    struct sgx_enclave_run run;

    REQUIRE(start(true));
    REQUIRE(begin(HF_UD2, &run));
    ssa(0)->exitinfo = 0; /* an interrupt instead */
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(judge(), OE_OK);
    }
    /* nobody was asked: the thread is where it was, and faults again for real */
    CHECK_EQ(resume(&run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(judge(), OE_OK);
    /* a second judgement of the same exception finds none: the first has used it up */
    CHECK_EQ(judge(), OE_OK);
    CHECK_EQ(resume(&run), CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_OK));
    CHECK_EQ(fault.calls, 1);
}

/* The thread's stack pointer as an interruption of the entry or exit path would leave it. */
TEST(E1_interrupted_context_that_is_not_on_its_own_stack)
{
    for (int i = 0; i < 8; i++) {
        struct sgx_enclave_run run;
        struct sgx_ssa_gpr *g;

        REQUIRE(start(true));
        REQUIRE(begin(HF_UD2, &run));
        g = ssa(0);
        const uint64_t top = hh_tcs(&e, 0) - CM_GUARD_SIZE;
        const uint64_t rsp[] = {g->ursp,          0,
                                top + 8,          hh_tcs(&e, 1) - 8192,
                                (uint64_t)&fault, top - 32 * CM_PAGE_SIZE,
                                g->rsp,           g->rsp};

        g->rsp = rsp[i];
        if (i == 6) {
            g->ursp = g->rsp - 4096; /* the host's stack pointer inside the enclave */
        } else if (i == 7) {
            g->rip = 0x1000;
        }
        CHECK_EQ(judge(), OE_ENCLAVE_ABORTING);
    }
}

TEST(E4_exceptions_in_handlers_end)
{
    struct sgx_enclave_run run;
    int depth = 0;

    REQUIRE(start(true));
    REQUIRE(begin(HF_NESTED, &run));
    while (judge() == OE_OK && depth < 100) {
        depth++;
        CHECK_EQ(resume(&run), 0);
        REQUIRE(run.function == SGX_ERESUME);
    }
    CHECK_EQ(depth, 4);
    CHECK_EQ(hh_call(&e, 1, HE_NULL, NULL, 0, NULL, 0), OE_ENCLAVE_ABORTING);
}

TEST(E5_handlers_cannot_resume_outside)
{
    static const uint64_t kinds[] = {HF_BAD_RIP, HF_BAD_RSP};

    for (size_t i = 0; i < 2; i++) {
        struct sgx_enclave_run run;

        REQUIRE(start(true));
        REQUIRE(begin(kinds[i], &run));
        CHECK_EQ(judge(), OE_OK);
        CHECK_EQ(CM_CALL_RESULT(resume(&run)), OE_ENCLAVE_ABORTING);
        CHECK_EQ(hh_call(&e, 1, HE_NULL, NULL, 0, NULL, 0), OE_ENCLAVE_ABORTING);
    }
}

/* XRSTOR would fault on reserved bits: in the runtime, with the application's handlers around it. */
TEST(E5_handlers_cannot_set_bits_that_mxcsr_does_not_have)
{
    REQUIRE(start(true));
    whole(HF_BAD_MXCSR);
    CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_OK);
}

TEST(E5_handlers_cannot_set_flags_that_code_cannot)
{
    REQUIRE(start(true));
    whole(HF_BAD_FLAGS);
    CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_OK);
}

/* The exception stack has held the interrupted registers; they must not stay until the next one. */
TEST(D4_nothing_stays_on_the_exception_stack)
{
    struct sgx_enclave_run run;
    uint64_t out[4] = {0, 0, 0, 0};
    const uint64_t *stack;
    uint64_t left = 0;

    REQUIRE(start(true));
    REQUIRE(hh_call(&e, 0, HE_TD, NULL, 0, out, sizeof(out)) == OE_OK);
    stack = (const uint64_t *)(out[0] + CM_TD_SIZE - CM_TD_EXCEPTION_STACK);
    for (int i = 0; i < 2; i++) {
        REQUIRE(begin(i == 0 ? HF_UD2 : HF_NULL_READ, &run));
        REQUIRE(judge() == OE_OK);
        for (size_t k = 0; k < CM_TD_EXCEPTION_STACK / sizeof(uint64_t); k++) {
            left += stack[k] != 0;
        }
        CHECK_EQ(left, 0);
        CHECK_EQ(resume(&run), CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_OK));
    }
}

/*
 * The host takes the stack away, so that the very first ecall of a thread faults before the thread
 * has an exception stack. There is nothing to judge the exception on: zero is not a stack.
 */
static void first_ecall_faults(unsigned n, uint32_t func, uint64_t arg)
{
    const uint64_t word = ECALL(CM_ECALL_VIRTUAL_EXCEPTION);
    void *stack = (void *)(hh_tcs(&e, n) - CM_GUARD_SIZE - CM_PAGE_SIZE);
    const struct cm_td *td = (const struct cm_td *)(td0 + n * e.stride);
    struct sgx_enclave_run run;

    CHECK_EQ(td->self, 0);
    REQUIRE(e.device->mprotect(stack, CM_PAGE_SIZE, PROT_NONE) == 0);
    CHECK_EQ(hh_enter(&e, n, ECALL(func), &arg, &run), 0);
    REQUIRE(run.function == SGX_ERESUME && run.exception_vector == SGX_VEC_PF);
    CHECK_EQ(td->self, 0);
    CHECK_EQ(td->state, CM_TD_RUNNING);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(hh_enter(&e, n, word, &arg, &run),
                 CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_VIRTUAL_EXCEPTION, 0, OE_UNEXPECTED));
        REQUIRE(run.function == SGX_EEXIT);
        CHECK_EQ(td->state, CM_TD_RUNNING);
    }
    CHECK_EQ(e.device->mprotect(stack, CM_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
}

TEST(E1_exception_before_a_thread_has_an_exception_stack)
{
    uint64_t out[4] = {0, 0, 0, 0};

    REQUIRE(start(true));
    REQUIRE(hh_call(&e, 0, HE_TD, NULL, 0, out, sizeof(out)) == OE_OK);
    td0 = out[0];
    first_ecall_faults(1, CM_ECALL_CALL_FUNCTION, (uint64_t)&args);
    /* the rest of the enclave is as it was */
    CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_OK);
    /* and so where not even the enclave has begun */
    td0 -= e.base;
    hh_unload(&e);
    REQUIRE(hh_load(&e, 0xa5));
    td0 += e.base;
    first_ecall_faults(0, CM_ECALL_INIT, 0);
}

/* Below the first thread's stack and its guard is the heap, which still holds what the host put there. */
TEST(E4_large_frames_do_not_jump_over_the_guard)
{
    struct sgx_enclave_run run;
    uint64_t arg = (uint64_t)&args;
    uint64_t changed = 0;

    REQUIRE(start(false));
    memset(&args, 0, sizeof(args));
    in_buf[0] = 0;
    args.function_id = HE_JUMP;
    args.input_buffer = (uint64_t)in_buf;
    args.input_buffer_size = 16;
    CHECK_EQ(hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run), 0);
    CHECK_EQ(run.exception_vector, SGX_VEC_PF);
    CHECK_EQ(run.exception_addr & ~4095ull, hh_tcs(&e, 0) - 34 * CM_PAGE_SIZE);
    for (uint64_t p = e.heap + e.heap_len - 16 * CM_PAGE_SIZE; p < e.heap + e.heap_len; p++) {
        changed += *(const uint8_t *)p != 0xa5;
    }
    CHECK_EQ(changed, 0);
    CHECK_EQ(judge(), OE_ENCLAVE_ABORTING);
}

TEST(E5_removed_handlers_are_not_asked)
{
    struct sgx_enclave_run run;
    uint64_t out[2];
    uint64_t zero = 0;

    REQUIRE(start(true));
    CHECK_EQ(hh_call(&e, 0, HE_HANDLER, &zero, 8, out, 16), OE_OK);
    CHECK_EQ(out[0], OE_OK);
    CHECK_EQ(hh_call(&e, 0, HE_HANDLER, &zero, 8, out, 16), OE_OK);
    CHECK_EQ(out[0], OE_INVALID_PARAMETER);
    REQUIRE(begin(HF_UD2, &run));
    CHECK_EQ(judge(), OE_ENCLAVE_ABORTING);
}

TEST(A4_no_register_leaves_with_an_exception)
{
    struct sgx_enclave_run run;
    struct hh_regs r;
    uint64_t left = 0;

    REQUIRE(start(true));
    REQUIRE(begin(HF_UD2, &run));
    memset(&r, 0, sizeof(r));
    r.rdi = ECALL(CM_ECALL_VIRTUAL_EXCEPTION);
    r.rflags = 0x40402;
    r.mxcsr = 0x1f80;
    r.fcw = 0x37f;
    memset(&run, 0, sizeof(run));
    run.tcs = hh_tcs(&e, 0);
    REQUIRE(hh_enter_raw(&r, SGX_EENTER, &run) == 0 && run.function == SGX_EEXIT);
    for (const uint64_t *p = &r.rdx; p <= &r.r15; p++) {
        left |= *p;
    }
    CHECK_EQ(left, 0);
    CHECK_EQ(r.rsi, 0);
    CHECK_EQ(r.rflags & 0x40400, 0);
    hh_unload(&e);
}

TEST_MAIN
