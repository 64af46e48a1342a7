/* Row D6: a host that lies in the memory that its workers share with callers in the enclave. */
#include "harness.h"

#include <sched.h>

#include "hostile_swl_kit.h"
#include "patience.h"

static oe_result_t set_lines(uint64_t at, uint64_t count)
{
    const uint64_t in[2] = {at, count};
    uint64_t out[2] = {OE_FAILURE, 0};

    CHECK_EQ(hh_call(&e, 0, HS_LINES, in, sizeof(in), out, sizeof(out)), OE_OK);
    return (oe_result_t)out[0];
}

TEST(D6_lines_are_checked_and_told_once)
{
    const uint64_t at = (uint64_t)line;

    REQUIRE(fresh());
    CHECK_EQ(set_lines(at, 0), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at, 1025), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at, UINT64_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at, ((uint64_t)1 << 57) + 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at + 8, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at + 64, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(e.base, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(e.base - 128, 2), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(e.base + e.size - 128, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(0, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(UINT64_MAX - 127, 2), OE_INVALID_PARAMETER);
    CHECK_EQ(set_lines(at, 2), OE_OK);
    CHECK_EQ(set_lines(at, 2), OE_ALREADY_INITIALIZED);
    CHECK_EQ(set_lines((uint64_t)&line[2], 1), OE_ALREADY_INITIALIZED);
}

static atomic_uint ordinary;
static atomic_uint waits;
static atomic_bool hold; /* waits last until it is false */
static unsigned waits_until_answer;
static uint64_t late_answer;

static uint64_t serve(struct hh *h, unsigned n, uint32_t func, uint64_t arg)
{
    if (func == CM_OCALL_CALL_FUNCTION_WAKE) {
        struct cm_call_args *a = (struct cm_call_args *)arg;

        (void)atomic_fetch_add(&ordinary, 1);
        *(uint64_t *)a->output_buffer = 99;
        a->output_bytes_written = a->output_buffer_size;
        a->result = OE_OK;
        return 0;
    }
    if (func == CM_OCALL_LINE_WAIT) {
        while (atomic_load(&hold)) {
            (void)sched_yield();
        }
        if (atomic_fetch_add(&waits, 1) + 1 == waits_until_answer) {
            line[0].data[0] = 55;
            poke(&line[0], late_answer);
        }
        return 0;
    }
    return hh_honest(h, n, func, arg);
}

static oe_result_t call_out(uint64_t bytes, uint64_t out[3])
{
    memset(out, 0, 24);
    CHECK_EQ(hh_call_served(&e, 0, HS_CALL, &bytes, sizeof(bytes), out, 24, serve), OE_OK);
    return (oe_result_t)out[0];
}

/* A worker of the host's, on one line: it answers every call with one word, or does something else. */
struct liar {
    pthread_t thread;
    uint64_t answer;
    void (*instead)(void);
};
static void *lie(void *arg)
{
    const struct liar *l = arg;

    while (!atomic_load(&over)) {
        uint64_t seen = peek(&line[0]);

        if (CM_LINE_STATE(seen) == CM_LINE_POSTED &&
            __atomic_compare_exchange_n(&line[0].word, &seen, CM_LINE_TAKEN, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            if (l->instead != NULL) {
                l->instead();
            } else {
                line[0].data[0] = 44;
                poke(&line[0], l->answer);
            }
        }
    }
    return NULL;
}

static void with_liar(struct liar *l, uint64_t answer, void (*instead)(void))
{
    l->answer = answer;
    l->instead = instead;
    atomic_store(&over, false);
    atomic_store(&ordinary, 0);
    atomic_store(&waits, 0);
    poke(&line[0], CM_LINE_READY);
    CHECK_EQ(pthread_create(&l->thread, NULL, lie, l), 0);
}

static void end_liar(struct liar *l)
{
    atomic_store(&over, true);
    (void)pthread_join(l->thread, NULL);
}

/* Until the worker has taken a call: the thread may not have the processor yet. */
static oe_result_t call_taken(uint64_t bytes, uint64_t out[3])
{
    oe_result_t r = OE_OK;
    struct patience p = {0};

    while (patient(&p)) {
        const unsigned before = atomic_load(&ordinary);

        r = call_out(bytes, out);
        if (atomic_load(&ordinary) == before) {
            return r;
        }
        CHECK_EQ(r, OE_OK);
        CHECK_EQ(out[2], 99);
    }
    CHECK(false);
    return r;
}

TEST(D6_answers_are_held_to_their_range)
{
    const uint64_t sizes[] = {32, 4096}; /* in the line, and by address */

    for (size_t k = 0; k < 2; k++) {
        const struct {
            uint64_t answer;
            oe_result_t due;
        } cases[] = {
            {CM_LINE_ANSWER(OE_OK, 16), OE_OK},
            {CM_LINE_ANSWER(OE_OK, sizes[k]), OE_OK},
            {CM_LINE_ANSWER(OE_OK, sizes[k] + 1), OE_UNEXPECTED},
            {CM_LINE_ANSWER(OE_OK, 0xffffffff), OE_UNEXPECTED},
            {CM_LINE_ANSWER(OE_FAILURE, 16), OE_FAILURE},
            {CM_LINE_ANSWER(OE_SGX_QUOTE_LIBRARY_ERROR + 1, 16), OE_UNEXPECTED},
            {CM_LINE_ANSWER(0xffff, 16), OE_UNEXPECTED},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct liar l;
            uint64_t out[3];

            REQUIRE(fresh());
            CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
            with_liar(&l, cases[i].answer, NULL);
            CHECK_EQ(call_taken(sizes[k], out), cases[i].due);
            end_liar(&l);
            if (cases[i].due == OE_OK) {
                CHECK_EQ(out[1], CM_LINE_WRITTEN(cases[i].answer));
                CHECK(sizes[k] != 32 || out[2] == 44);
            } else {
                CHECK_EQ(out[1], 0x77); /* untouched */
            }
        }
    }
}

TEST(D6_a_call_that_nobody_takes_is_an_ordinary_one)
{
    uint64_t out[3];

    REQUIRE(fresh());
    atomic_store(&ordinary, 0);
    CHECK_EQ(call_out(32, out), OE_OK); /* no lines yet */
    CHECK_EQ(set_lines((uint64_t)line, 2), OE_OK);
    CHECK_EQ(call_out(32, out), OE_OK); /* both asleep */
    poke(&line[0], CM_LINE_READY);      /* and what looks like workers, but none takes anything */
    poke(&line[1], CM_LINE_READY);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(call_out(32, out), OE_OK);
        CHECK_EQ(out[2], 99);
    }
    CHECK_EQ(atomic_load(&ordinary), 12);
    CHECK_EQ(peek(&line[0]), CM_LINE_READY); /* taken back */
}

static void nothing(void)
{
}

/* The worker dies with the call: its caller sleeps, believes no wake, and takes the answer when there is one. */
TEST(D6_wakes_without_an_answer_mean_nothing)
{
    struct liar l;
    uint64_t out[3];

    REQUIRE(fresh());
    CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
    waits_until_answer = 100;
    late_answer = CM_LINE_ANSWER(OE_OK, 32);
    with_liar(&l, 0, nothing);
    CHECK_EQ(call_taken(32, out), OE_OK);
    CHECK_EQ(atomic_load(&waits), 100);
    CHECK_EQ(out[2], 55);
    end_liar(&l);
}

static void garbage(void)
{
    poke(&line[0], 0xfedcba98765432aa);
}

TEST(D6_a_line_with_garbage_is_never_used_again)
{
    struct liar l;
    uint64_t out[3];

    REQUIRE(fresh());
    CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
    with_liar(&l, 0, garbage);
    CHECK_EQ(call_taken(32, out), OE_UNEXPECTED);
    end_liar(&l);
    atomic_store(&ordinary, 0);
    poke(&line[0], CM_LINE_READY);
    line[0].data[0] = 77;
    CHECK_EQ(call_out(32, out), OE_OK);
    CHECK_EQ(atomic_load(&ordinary), 1);
    CHECK_EQ(line[0].data[0], 77); /* nobody put a call there */
}

static void flip_answers(void)
{
    for (int i = 0; i < 200; i++) {
        poke(&line[0], CM_LINE_ANSWER(OE_OK, 16));
        poke(&line[0], CM_LINE_ANSWER(OE_OK, 0xffff0000));
    }
    poke(&line[0], CM_LINE_READY);
}

TEST(D6_an_answer_is_fetched_once)
{
    struct liar l;

    REQUIRE(fresh());
    CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
    with_liar(&l, 0, flip_answers);
    for (int i = 0; i < 5000; i++) {
        uint64_t out[3];
        const oe_result_t r = call_out(32, out);

        CHECK(r == OE_UNEXPECTED || (r == OE_OK && out[1] <= 32));
    }
    end_liar(&l);
}

static void *call_other(void *arg)
{
    uint64_t *out = arg;
    uint64_t said[3] = {OE_FAILURE, 0, 0};
    const uint64_t bytes = 32;

    (void)hh_call_served(&e, 1, HS_CALL, &bytes, sizeof(bytes), said, 24, serve);
    out[1] = said[1];
    out[2] = said[2];
    __atomic_store_n(&out[0], said[0] + 1000, __ATOMIC_SEQ_CST); /* not 0: it has ended */
    return NULL;
}

/* one line, taken: the host cannot make a second thread of the enclave use it by saying READY */
TEST(D6_a_line_has_one_caller)
{
    struct liar l;
    pthread_t other;
    uint64_t out[3];
    uint64_t second[3] = {0, 0, 0};
    struct patience p = {0};

    REQUIRE(fresh());
    CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
    waits_until_answer = 0; /* never by itself */
    with_liar(&l, 0, nothing);
    while (CM_LINE_STATE(peek(&line[0])) != CM_LINE_AWAITED && patient(&p)) {
        atomic_store(&hold, true);
        CHECK_EQ(pthread_create(&other, NULL, call_other, second), 0);
        while (CM_LINE_STATE(peek(&line[0])) != CM_LINE_AWAITED &&
               __atomic_load_n(&second[0], __ATOMIC_SEQ_CST) == 0) {
            (void)sched_yield();
        }
        if (CM_LINE_STATE(peek(&line[0])) != CM_LINE_AWAITED) {
            (void)pthread_join(other, NULL); /* it was an ordinary call: again */
            second[0] = 0;
        }
    }
    end_liar(&l);
    REQUIRE(CM_LINE_STATE(peek(&line[0])) == CM_LINE_AWAITED);
    poke(&line[0], CM_LINE_READY);
    line[0].data[0] = 77;
    CHECK_EQ(call_out(32, out), OE_OK);
    CHECK_EQ(out[2], 99);
    CHECK_EQ(line[0].data[0], 77); /* it did not touch the other one's line */
    poke(&line[0], CM_LINE_ANSWER(OE_OK, 32));
    atomic_store(&hold, false);
    (void)pthread_join(other, NULL);
    CHECK_EQ(second[0], OE_OK + 1000);
    CHECK_EQ(second[2], 77);
}

/* an enclave that aborts lets go of calls that wait for the host */
TEST(D6_an_abort_ends_the_waiting)
{
    const uint64_t bytes = 32;
    struct liar l;
    pthread_t other;
    uint64_t second[3] = {0, 0, 0};

    REQUIRE(fresh());
    CHECK_EQ(set_lines((uint64_t)line, 1), OE_OK);
    waits_until_answer = 0;
    with_liar(&l, 0, nothing);
    CHECK_EQ(pthread_create(&other, NULL, call_other, second), 0);
    while (atomic_load(&waits) < 10 && atomic_load(&ordinary) == 0) {
    }
    CHECK_EQ(hh_call(&e, 2, HS_ABORT, NULL, 0, NULL, 0), OE_ENCLAVE_ABORTING);
    (void)pthread_join(other, NULL);
    CHECK_EQ(hh_call(&e, 0, HS_CALL, &bytes, sizeof(bytes), NULL, 0), OE_ENCLAVE_ABORTING);
    end_liar(&l);
}

TEST_MAIN
