/* Rows A1 to A9: what the host can do with registers, words and stacks at the entry itself. */
#include "harness.h"

#include "enclave/td.h"
#include "hostile_host.h"
#include "hostile_ids.h"

#define POISON 0x5ec2e7c0ffee5ec2ull

static struct hh e;

static bool ready(void)
{
    return e.base != 0 || (hh_load(&e, 0xa5) && hh_init(&e) == OE_OK);
}

static struct cm_td *td_of(unsigned n)
{
    uint64_t out[4] = {0, 0, 0, 0};

    CHECK_EQ(hh_call(&e, n, HE_TD, NULL, 0, out, sizeof(out)), OE_OK);
    return (struct cm_td *)out[0];
}

/* Call arguments for raw entries: function, one buffer for input, one for output. */
static struct cm_call_args *args_for(uint64_t id, const void *in, size_t in_len, size_t out_len)
{
    static struct cm_call_args args __attribute__((aligned(64)));
    static uint8_t input[256] __attribute__((aligned(64)));
    static uint8_t output[256] __attribute__((aligned(64)));

    memset(output, 0, sizeof(output));
    memset(&args, 0, sizeof(args));
    if (in_len != 0) {
        memcpy(input, in, in_len);
    }
    args.function_id = id;
    args.input_buffer = (uint64_t)input;
    args.input_buffer_size = (in_len + 15) / 16 * 16;
    args.output_buffer = (uint64_t)output;
    args.output_buffer_size = (out_len + 15) / 16 * 16;
    args.arena = (uint64_t)hh_arena(0);
    args.arena_size = HH_ARENA;
    return &args;
}

/* Every register full of poison, flags as given. */
static void poison(struct hh_regs *r, uint64_t flags)
{
    memset(r, 0, sizeof(*r));
    for (uint64_t *p = &r->rdx; p <= &r->r15; p++) {
        *p = POISON;
    }
    for (size_t i = 0; i < sizeof(r->zmm) / 8; i++) {
        memcpy(&r->zmm[0][0] + i * 8, &(uint64_t){POISON}, 8);
    }
    for (size_t i = 0; i < 8; i++) {
        r->k[i] = POISON;
    }
    r->rflags = flags | 2;
    r->mxcsr = 0x1f80;
    r->fcw = 0x37f;
    r->poison = 1;
}

static bool enter_with(struct hh_regs *r, uint64_t word, uint64_t arg)
{
    struct sgx_enclave_run run;

    memset(&run, 0, sizeof(run));
    run.tcs = hh_tcs(&e, 0);
    r->rdi = word;
    r->rsi = arg;
    return hh_enter_raw(r, SGX_EENTER, &run) == 0 && run.function == SGX_EEXIT;
}

#define ECALL(func) CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0)

static struct hostile_state state_with(uint64_t flags, uint32_t mxcsr, uint16_t fcw)
{
    struct hostile_state s;
    struct hh_regs r;
    struct cm_call_args *a = args_for(HE_STATE, NULL, 0, sizeof(s));

    memset(&s, 0xee, sizeof(s));
    poison(&r, flags);
    r.mxcsr = mxcsr;
    r.fcw = fcw;
    CHECK(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
    CHECK_EQ(CM_CALL_CODE(r.rdi), CM_CODE_ERET);
    CHECK_EQ(a->result, OE_OK);
    memcpy(&s, (const void *)a->output_buffer, sizeof(s));
    return s;
}

TEST(A1_direction_flag_is_clear_inside)
{
    REQUIRE(ready());
    CHECK_EQ(state_with(0x400, 0x1f80, 0x37f).rflags & 0x400, 0);
}

TEST(A2_alignment_check_is_clear_inside)
{
    REQUIRE(ready());
    /* an #AC anywhere would have ended the process or the call */
    CHECK_EQ(state_with(0x40000, 0x1f80, 0x37f).rflags & 0x40000, 0);
    CHECK_EQ(state_with(0x40400 | 0x8d5, 0x1f80, 0x37f).rflags & 0x40400, 0);
}

TEST(A2_alignment_check_at_ocall_return)
{
    struct hh_regs r;
    const uint64_t one = 1;
    struct cm_call_args *a;
    struct cm_call_args *o;

    REQUIRE(ready());
    a = args_for(HE_OCALL, &one, 8, 32);
    poison(&r, 0x40400);
    REQUIRE(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
    REQUIRE(CM_CALL_CODE(r.rdi) == CM_CODE_OCALL);
    o = (struct cm_call_args *)r.rsi;
    o->result = OE_OK;
    o->output_bytes_written = 0;
    poison(&r, 0x40400);
    REQUIRE(enter_with(&r, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), 0));
    CHECK_EQ(CM_CALL_CODE(r.rdi), CM_CODE_ERET);
    CHECK_EQ(a->result, OE_OK);
}

TEST(A3_floating_point_state_is_fixed_inside)
{
    static const uint32_t roundings[] = {0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x0000, 0x9fc0};
    static const uint16_t words[] = {0x37f, 0x07f, 0x27f, 0xf7f, 0x340, 0x000};

    REQUIRE(ready());
    for (size_t i = 0; i < sizeof(roundings) / sizeof(roundings[0]); i++) {
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            const struct hostile_state s = state_with(0, roundings[i], words[j]);

            CHECK_EQ(s.mxcsr, 0x1fbf);
            CHECK_EQ(s.fcw, 0x37f);
            CHECK_EQ(s.ftw, 0xffff);
            CHECK(s.third == 1.0 / 3);
            CHECK(s.x87 == (double)(1.0L / 3));
        }
    }
}

TEST(A3_own_floating_point_modes_survive_an_ocall)
{
    uint64_t out[4] = {0, 0, 0, 0};

    REQUIRE(ready());
    CHECK_EQ(hh_call(&e, 0, HE_FLAGS, NULL, 0, out, sizeof(out)), OE_OK);
    CHECK_EQ(out[1] & 0x7fc0, out[0] & 0x7fc0);
    CHECK_EQ(out[3], out[2]);
}

/* AVX-512 registers exist only where the processor has them. */
static void no_upper_poison(struct hh_regs *r)
{
    extern uint32_t hh_have_avx512;

    if (hh_have_avx512 == 0) {
        memset(r->k, 0, sizeof(r->k));
        for (size_t i = 0; i < 32; i++) {
            memset(&r->zmm[i][i < 16 ? 32 : 0], 0, i < 16 ? 32 : 64);
        }
    }
}

/* Nothing in the registers after an exit but the word, its argument and what EEXIT itself sets. */
static void check_scrubbed(struct hh_regs *r, const char *when)
{
    static const uint8_t zeros[64];
    const uint64_t *first = &r->rdx;
    int bad = 0;

    no_upper_poison(r);
    for (const uint64_t *p = first; p <= &r->r15; p++) {
        bad += *p != 0;
    }
    bad += r->rcx >= e.base && r->rcx - e.base < e.size;
    bad += (r->rflags & 0x40cd5 & ~0x44ull) != 0; /* ZF and PF are fixed: the last result was 0 */
    bad += r->mxcsr != 0x1fbf;
    bad += r->fcw != 0x37f;
    for (size_t i = 0; i < 32; i++) {
        bad += memcmp(r->zmm[i], zeros, 64) != 0 && (i < 16 || r->k[0] == 0);
    }
    for (size_t i = 0; i < 8; i++) {
        bad += r->k[i] != 0;
        bad += memcmp(r->fx + 32 + i * 16, zeros, 8) != 0; /* x87 and MMX */
        bad += memcmp(r->fx + 160 + i * 16, zeros, 16) != 0;
    }
    bad += r->fx[2] != 0 || r->fx[3] != 0 || r->fx[4] != 0; /* FSW, FTW */
    bad += memcmp(r->fx + 8, zeros, 16) != 0;               /* last x87 addresses */
    if (bad != 0) {
        TEST_FAIL("%s: %d registers hold something", when, bad);
    }
}

TEST(A4_no_register_leaves_with_an_ecall)
{
    const uint64_t canary = POISON;
    struct hh_regs r;
    struct cm_call_args *a;

    REQUIRE(ready());
    for (int round = 0; round < 3; round++) {
        a = args_for(HE_POISON, &canary, 8, 16);
        poison(&r, round == 2 ? 0x40400 : 0);
        REQUIRE(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
        CHECK_EQ(r.rdi, CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_OK));
        CHECK_EQ(r.rsi, 0);
        check_scrubbed(&r, "ERET");
    }
}

TEST(A4_no_register_leaves_with_an_ocall_or_a_refusal)
{
    const uint64_t one = 1;
    struct hh_regs r;
    struct cm_call_args *a;
    struct cm_call_args *o;

    REQUIRE(ready());
    a = args_for(HE_OCALL, &one, 8, 32);
    poison(&r, 0);
    REQUIRE(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
    REQUIRE(CM_CALL_CODE(r.rdi) == CM_CODE_OCALL);
    CHECK(r.rsi - (uint64_t)hh_arena(0) < HH_ARENA);
    check_scrubbed(&r, "OCALL");
    o = (struct cm_call_args *)r.rsi;
    o->result = OE_OK;
    o->output_bytes_written = 0;

    poison(&r, 0); /* a nested ecall is refused by the entry path itself */
    REQUIRE(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
    CHECK_EQ(CM_CALL_RESULT(r.rdi), OE_REENTRANT_ECALL);
    check_scrubbed(&r, "refusal");

    poison(&r, 0);
    REQUIRE(enter_with(&r, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), POISON));
    CHECK_EQ(CM_CALL_CODE(r.rdi), CM_CODE_ERET);
    check_scrubbed(&r, "ERET after an ocall");
}

TEST(A5_stack_comes_from_the_TCS)
{
    REQUIRE(ready());
    for (unsigned n = 0; n < 3; n++) {
        struct hostile_state s;
        const uint64_t top = hh_tcs(&e, n) - CM_GUARD_SIZE;

        CHECK_EQ(hh_call(&e, n, HE_STATE, NULL, 0, &s, sizeof(s)), OE_OK);
        CHECK(s.rsp < top && s.rsp > top - 32 * CM_PAGE_SIZE);
    }
}

TEST(A5_A7_host_stack_is_neither_used_nor_kept_in_host_memory)
{
    const uint64_t one = 1;
    struct hh_regs r;
    struct cm_call_args *a;

    REQUIRE(ready());
    /* every word of host memory that the enclave can reach is flipped during the ocall; had it kept
     * its way back there, it would jump astray */
    a = args_for(HE_OCALL, &one, 8, 32);
    poison(&r, 0);
    REQUIRE(enter_with(&r, ECALL(CM_ECALL_CALL_FUNCTION), (uint64_t)a));
    REQUIRE(CM_CALL_CODE(r.rdi) == CM_CODE_OCALL);
    memset(hh_arena(0), 0xff, HH_ARENA);
    memset(a, 0xff, sizeof(*a));
    poison(&r, 0);
    REQUIRE(enter_with(&r, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), 0));
    CHECK_EQ(CM_CALL_CODE(r.rdi), CM_CODE_ERET);
}

/* ----------------------------------------------------------------------------- A6 */

struct cell {
    uint32_t state;
    uint64_t word;
};

static bool is_begin(uint64_t word)
{
    return word == ECALL(CM_ECALL_DESTRUCTOR) || word == ECALL(CM_ECALL_INIT) ||
           word == ECALL(CM_ECALL_CALL_FUNCTION);
}

typedef void (*visit)(struct cm_td *td, struct cell c);

static void each_cell(struct cm_td *td, visit look)
{
    static const uint32_t codes[] = {0, 1, 2, 3, 4, 5, 6, 0x8001, 0xffff};
    static const uint32_t funcs[] = {0,      1,      2,      3,      4,      0x7fff, 0x8000, 0x8001,
                                     0x8002, 0x8003, 0x8004, 0x8005, 0x8006, 0x8007, 0xffff};
    static const uint32_t lows[] = {0, 1, 0x14, 0xffff, 0x10000, 0xffff0000};
    static const uint32_t states[] = {0, 1, 2, 3, 4, 5, 6, 0x80000000u, 0xffffffffu};

    for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
        for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
            for (size_t f = 0; f < sizeof(funcs) / sizeof(funcs[0]); f++) {
                for (size_t l = 0; l < sizeof(lows) / sizeof(lows[0]); l++) {
                    const struct cell cell = {states[s],
                                              CM_CALL_WORD(codes[c], funcs[f], 0, 0) | lows[l]};

                    look(td, cell);
                }
            }
        }
    }
}

static unsigned refused;
static unsigned progressed;

static uint64_t answer_to(struct cell c)
{
    struct sgx_enclave_run run;
    uint64_t arg = 0;

    return hh_enter(&e, 0, c.word, &arg, &run);
}

/* CSSA 0 without a live call site: only an ecall on an idle TCS progresses. */
static void look_idle(struct cm_td *td, struct cell c)
{
    uint64_t word;

    if (c.state == CM_TD_IDLE && c.word == ECALL(CM_ECALL_DESTRUCTOR)) {
        return; /* legal; it would end the enclave: D1, D2 */
    }
    td->state = c.state;
    word = answer_to(c);
    if (CM_CALL_CODE(word) != CM_CODE_ERET) {
        TEST_FAIL("state %u word %llx: answer %llx", c.state, (long long)c.word, (long long)word);
    } else if (c.state == CM_TD_IDLE && is_begin(c.word)) {
        CHECK_EQ(CM_CALL_RESULT(word), CM_CALL_FUNC(c.word) == CM_ECALL_INIT
                                           ? OE_ALREADY_INITIALIZED
                                           : OE_INVALID_PARAMETER);
        CHECK_EQ(td->state, CM_TD_IDLE);
        progressed++;
    } else {
        CHECK_EQ(CM_CALL_RESULT(word), c.state == CM_TD_IN_OCALL && is_begin(c.word)
                                           ? OE_REENTRANT_ECALL
                                           : OE_UNEXPECTED);
        CHECK_EQ(td->state, c.state);
        refused++;
    }
    td->state = CM_TD_IDLE;
}

TEST(A6_every_word_in_every_state_at_cssa_0)
{
    struct cm_td *td;

    REQUIRE(ready());
    td = td_of(0);
    refused = 0;
    progressed = 0;
    each_cell(td, look_idle);
    CHECK_EQ(progressed, 2);
    CHECK_EQ(refused, 9 * 15 * 6 * 9 - 3);
    CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_OK);
}

/* In an ocall: only ORET for that very ocall, with a live call site, progresses. */
static void look_in_ocall(struct cm_td *td, struct cell c)
{
    const bool oret = CM_CALL_CODE(c.word) == CM_CODE_ORET &&
                      CM_CALL_FUNC(c.word) == CM_OCALL_CALL_FUNCTION && CM_CALL_FLAGS(c.word) == 0;
    uint64_t word;

    if (c.state == CM_TD_IN_OCALL && oret) {
        return; /* the one legal cell: taken at the end */
    }
    if (c.state == CM_TD_IDLE && is_begin(c.word)) {
        return; /* legal too; the state here is a lie of the test's */
    }
    td->state = c.state;
    word = answer_to(c);
    if (CM_CALL_CODE(word) != CM_CODE_ERET || CM_CALL_RESULT(word) == OE_OK) {
        TEST_FAIL("state %u word %llx: answer %llx", c.state, (long long)c.word, (long long)word);
    }
    CHECK_EQ(td->state, c.state);
    refused++;
    td->state = CM_TD_IN_OCALL;
}

TEST(A6_every_word_in_every_state_in_an_ocall)
{
    const uint64_t one = 1;
    struct cm_call_args *a;
    struct cm_call_args *o;
    struct sgx_enclave_run run;
    struct cm_callsite *site;
    struct cm_td *td;
    uint64_t arg;
    uint64_t word;

    REQUIRE(ready());
    td = td_of(0);
    a = args_for(HE_OCALL, &one, 8, 32);
    arg = (uint64_t)a;
    word = hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run);
    REQUIRE(CM_CALL_CODE(word) == CM_CODE_OCALL);
    o = (struct cm_call_args *)arg;
    o->result = OE_OK;
    o->output_bytes_written = 0;
    refused = 0;
    each_cell(td, look_in_ocall);
    CHECK(refused > 7000);

    /* a call site that is not marked, or none, is no call site */
    site = (struct cm_callsite *)td->callsite;
    site->mark ^= 1;
    arg = 0;
    word = hh_enter(&e, 0, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), &arg, &run);
    CHECK_EQ(CM_CALL_RESULT(word), OE_UNEXPECTED);
    site->mark ^= 1;
    td->callsite = 0;
    word = hh_enter(&e, 0, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), &arg, &run);
    CHECK_EQ(CM_CALL_RESULT(word), OE_UNEXPECTED);
    td->callsite = (uint64_t)site;

    word = hh_enter(&e, 0, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), &arg, &run);
    CHECK_EQ(word, CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_OK));
    CHECK_EQ(a->result, OE_OK);
    /* and it served once */
    word = hh_enter(&e, 0, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), &arg, &run);
    CHECK_EQ(CM_CALL_RESULT(word), OE_UNEXPECTED);
}

/* CSSA 1: only the exception word, and only while an ecall runs. */
static void look_interrupted(struct cm_td *td, struct cell c)
{
    const bool legal = c.word == ECALL(CM_ECALL_VIRTUAL_EXCEPTION) &&
                       (c.state == CM_TD_RUNNING || c.state == CM_TD_SECOND_LEVEL);
    uint64_t word;

    td->state = c.state;
    word = answer_to(c);
    CHECK_EQ(CM_CALL_CODE(word), CM_CODE_ERET);
    if (legal) {
        /* the test has taken the exception out of the SSA: nothing happened, go on */
        CHECK_EQ(CM_CALL_RESULT(word), OE_OK);
        progressed++;
    } else {
        CHECK_EQ(CM_CALL_RESULT(word), OE_UNEXPECTED);
        refused++;
    }
    CHECK_EQ(td->state, c.state);
}

TEST(A6_every_word_in_every_state_at_cssa_1)
{
    const uint64_t kind = HF_UD2;
    struct sgx_ssa_gpr *gpr;
    struct sgx_enclave_run run;
    struct hh fresh;
    struct cm_td *td;
    uint64_t arg;

    hh_unload(&e); /* this one is left behind interrupted */
    memset(&e, 0, sizeof(e));
    REQUIRE(ready());
    td = td_of(0);
    arg = (uint64_t)args_for(HE_FAULT, &kind, 8, sizeof(struct hostile_fault));
    CHECK_EQ(hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run), 0);
    CHECK_EQ(run.function, SGX_ERESUME);
    CHECK_EQ(run.exception_vector, SGX_VEC_UD);
    gpr = (struct sgx_ssa_gpr *)(td->tcs + CM_TCS_TO_GPR(0));
    CHECK((gpr->exitinfo & SGX_EXITINFO_VALID) != 0);
    gpr->exitinfo = 0;
    refused = 0;
    progressed = 0;
    each_cell(td, look_interrupted);
    CHECK_EQ(progressed, 2);
    CHECK_EQ(refused, 9 * 15 * 6 * 9 - 2);
    fresh = e;
    memset(&e, 0, sizeof(e));
    hh_unload(&fresh);
}

TEST(A6_before_initialisation)
{
    struct hh h;

    REQUIRE(hh_load(&h, 0xa5));
    CHECK_EQ(hh_ecall(&h, 0, CM_ECALL_CALL_FUNCTION, 0, NULL), OE_UNEXPECTED);
    CHECK_EQ(hh_ecall(&h, 1, CM_ECALL_DESTRUCTOR, 0, NULL), OE_UNEXPECTED);
    CHECK_EQ(hh_call(&h, 0, HE_NULL, NULL, 0, NULL, 0), OE_UNEXPECTED);
    CHECK_EQ(hh_init(&h), OE_OK);
    CHECK_EQ(hh_call(&h, 1, HE_NULL, NULL, 0, NULL, 0), OE_OK);
    hh_unload(&h);
}

TEST(A7_way_out_is_the_way_in)
{
    const uint64_t one = 1;
    struct cm_call_args *a;
    struct cm_td *td;
    struct sgx_enclave_run run;
    uint64_t arg;
    uint64_t first;
    uint64_t word;

    REQUIRE(ready());
    td = td_of(0);
    a = args_for(HE_OCALL, &one, 8, 32);
    arg = (uint64_t)a;
    word = hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run);
    REQUIRE(CM_CALL_CODE(word) == CM_CODE_OCALL);
    /* the enclave keeps it inside, and takes it anew at each entry: a stale one is not used */
    first = td->host_return[0];
    CHECK(first < e.base || first >= e.base + e.size);
    td->host_return[0] = e.base;
    ((struct cm_call_args *)arg)->result = OE_OK;
    word = hh_enter(&e, 0, CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0), &arg, &run);
    CHECK_EQ(CM_CALL_CODE(word), CM_CODE_ERET);
    CHECK_EQ(td->host_return[0], first);
}

TEST(A8_segment_bases_are_the_threads_own)
{
    REQUIRE(ready());
    for (unsigned n = 0; n < 3; n++) {
        struct hostile_state s;
        const struct cm_td *td = td_of(n);

        CHECK_EQ(hh_call(&e, n, HE_STATE, NULL, 0, &s, sizeof(s)), OE_OK);
        CHECK_EQ(s.fs0, (uint64_t)td);
        CHECK_EQ(s.gs_self, (uint64_t)td);
        CHECK(s.fs0 > hh_tcs(&e, n) && s.fs0 < hh_tcs(&e, n) + e.stride);
    }
}

/* A host whose own FS and GS point into the enclave, at another thread's data. */
TEST(A8_host_segment_bases_do_not_matter)
{
    uint64_t host_gs;
    struct hostile_state s;
    struct cm_td *other;

    REQUIRE(ready());
    other = td_of(1);
    __asm__ volatile("rdgsbase %0" : "=r"(host_gs));
    __asm__ volatile("wrgsbase %0" : : "r"((uint64_t)other));
    CHECK_EQ(hh_call(&e, 0, HE_STATE, NULL, 0, &s, sizeof(s)), OE_OK);
    __asm__ volatile("wrgsbase %0" : : "r"(host_gs));
    CHECK_EQ(s.gs_self, (uint64_t)td_of(0));
}

TEST(A4_A9_nothing_runs_after_an_abort_and_nothing_leaves)
{
    for (uint64_t how = 0; how < 4; how++) {
        struct hh h;
        struct hh_regs r;
        struct sgx_enclave_run run = {0};
        uint64_t word = 0;

        REQUIRE(hh_load(&h, 0xa5) && hh_init(&h) == OE_OK);
        CHECK_EQ(hh_call(&h, 1, HE_NULL, NULL, 0, NULL, 0), OE_OK);
        poison(&r, 0x40400);
        run.tcs = hh_tcs(&h, 0);
        r.rdi = ECALL(CM_ECALL_CALL_FUNCTION);
        r.rsi = (uint64_t)args_for(HE_ABORT, &how, 8, 16);
        do { /* what it tells the host of it are ocalls */
            REQUIRE(hh_enter_raw(&r, SGX_EENTER, &run) == 0 && run.function == SGX_EEXIT);
            check_scrubbed(&r, "abort");
            word = r.rdi;
            poison(&r, 0x40400);
            r.rdi = CM_CALL_WORD(CM_CODE_ORET, CM_CALL_FUNC(word), 0, OE_OK);
        } while (CM_CALL_CODE(word) == CM_CODE_OCALL);
        CHECK_EQ(CM_CALL_RESULT(word), OE_ENCLAVE_ABORTING);
        for (unsigned n = 0; n < 4; n++) {
            for (uint32_t func = 0; func < 4; func++) {
                poison(&r, 0x40400);
                memset(&run, 0, sizeof(run));
                run.tcs = hh_tcs(&h, n);
                r.rdi = ECALL(func);
                REQUIRE(hh_enter_raw(&r, SGX_EENTER, &run) == 0 && run.function == SGX_EEXIT);
                CHECK_EQ(r.rdi, CM_CALL_WORD(CM_CODE_ERET, func, 0, OE_ENCLAVE_ABORTING));
                r.rflags &= ~0x40400ull; /* the host's own: no code of the enclave's ran */
                check_scrubbed(&r, "aborted");
            }
        }
        hh_unload(&h);
    }
}

TEST_MAIN
