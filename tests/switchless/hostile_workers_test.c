/* Row D6: a host that lies in the memory that it shares with the enclave's workers. */
#include "harness.h"

#include "hostile_swl_kit.h"

struct worker {
    pthread_t thread;
    struct cm_line *line;
    unsigned tcs;
    oe_result_t result;
    atomic_bool stay; /* go in again when it comes out */
};

static void *work(void *arg)
{
    struct worker *w = arg;
    const uint64_t at = (uint64_t)w->line;

    do {
        w->result = hh_call(&e, w->tcs, HS_WORKER, &at, sizeof(at), NULL, 0);
    } while (atomic_load(&w->stay) && w->result == OE_OK);
    return NULL;
}

static void start_worker(struct worker *w, unsigned tcs)
{
    w->line = &line[tcs];
    w->tcs = tcs;
    atomic_store(&w->stay, true);
    CHECK_EQ(pthread_create(&w->thread, NULL, work, w), 0);
}

static void end_worker(struct worker *w)
{
    atomic_store(&w->stay, false);
    (void)pthread_join(w->thread, NULL);
}

static void post(struct cm_line *l, uint64_t word)
{
    uint64_t seen = peek(l);

    while (!cm_line_is_idle(seen) ||
           !__atomic_compare_exchange_n(&l->word, &seen, word, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
        seen = peek(l);
    }
}

static uint64_t answer(struct cm_line *l)
{
    while (!cm_line_is_answer(peek(l))) {
        __builtin_ia32_pause();
    }
    return peek(l);
}

static oe_result_t verdict(uint64_t word)
{
    post(&line[1], word);
    return (oe_result_t)CM_LINE_RESULT(answer(&line[1]));
}

static void counts(uint64_t out[3])
{
    CHECK_EQ(hh_call(&e, 0, HS_COUNTS, NULL, 0, out, 24), OE_OK);
}

TEST(D6_workers_run_marked_functions_only)
{
    static const uint32_t refused[] = {HS_LINES,  HS_WORKER,  HS_UNMARKED, HS_CALL,
                                       HS_COUNTS, HS_EMPTY,   HS_COUNT,    HS_COUNT + 1,
                                       0x10000,   0x7fffffff, 0xffffffff};
    struct worker w;
    uint64_t seen[3];

    REQUIRE(fresh());
    start_worker(&w, 1);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK_EQ(verdict(CM_LINE_POST(refused[i], true, 1, 1)), OE_NOT_FOUND);
        CHECK_EQ(CM_LINE_WRITTEN(answer(&line[1])), 0);
    }
    line[1].data[0] = 1234;
    CHECK_EQ(verdict(CM_LINE_POST(HS_ECHO, true, 1, 1)), OE_OK);
    CHECK_EQ(CM_LINE_WRITTEN(answer(&line[1])), 16);
    CHECK_EQ(line[1].data[0], 1234);
    end_worker(&w);
    counts(seen);
    CHECK_EQ(seen[0], 1);
    CHECK_EQ(seen[1], 0);
}

TEST(D6_sizes_in_the_word_are_bounded)
{
    struct worker w;
    uint64_t seen[3];

    REQUIRE(fresh());
    start_worker(&w, 1);
    for (uint32_t steps = 0; steps < 256; steps++) {
        const oe_result_t due =
            steps * CM_LINE_STEP <= CM_LINE_DATA_MAX ? OE_OK : OE_INVALID_PARAMETER;

        CHECK_EQ(verdict(CM_LINE_POST(HS_ECHO, true, steps, 1)), due);
        CHECK_EQ(verdict(CM_LINE_POST(HS_ECHO, true, 1, steps)), due);
    }
    end_worker(&w);
    counts(seen);
    CHECK_EQ(seen[0], 8);
    CHECK_EQ(line[2].word, 0); /* nothing behind the line was written */
}

static uint8_t in_buf[4096] __attribute__((aligned(64)));
static uint8_t out_buf[4096] __attribute__((aligned(64)));

static void put_far(uint64_t in, uint64_t in_size, uint64_t out, uint64_t out_size)
{
    const struct cm_line_far far = {in, in_size, out, out_size};

    memcpy(line[1].data, &far, sizeof(far));
}

TEST(D6_ranges_of_larger_data_are_checked)
{
    const uint64_t in = (uint64_t)in_buf;
    const uint64_t out = (uint64_t)out_buf;
    const uint64_t word = CM_LINE_POST(HS_ECHO, false, 0, 0);
    struct worker w;
    uint64_t seen[3];

    REQUIRE(fresh());
    const uint64_t bad[][2] = {
        {e.base, 64},
        {e.base - 16, 64},
        {e.base + e.size - 16, 64},
        {e.base - 64, e.size},
        {e.heap, 64},
        {hh_tcs(&e, 0), 4096},
        {in + 1, 64},
        {in + 4, 64},
        {in, 63},
        {in, 72},
        {UINT64_MAX - 15, 64},
        {16, UINT64_MAX - 31},
        {0, 64},
    };

    start_worker(&w, 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_far(bad[i][0], bad[i][1], out, 64);
        CHECK_EQ(verdict(word), OE_INVALID_PARAMETER);
        put_far(in, 64, bad[i][0], bad[i][1]);
        CHECK_EQ(verdict(word), OE_INVALID_PARAMETER);
    }
    put_far(in, 64, out, (uint64_t)1 << 32); /* more than an answer can say */
    CHECK_EQ(verdict(word), OE_INVALID_PARAMETER);
    memset(in_buf, 7, sizeof(in_buf));
    put_far(in, sizeof(in_buf), out, sizeof(out_buf));
    CHECK_EQ(verdict(word), OE_OK);
    CHECK_MEM(in_buf, out_buf, sizeof(in_buf));
    end_worker(&w);
    counts(seen);
    CHECK_EQ(seen[0], 1);
}

static uint64_t secret_at;

/* The host changes the descriptor all the time: outside, inside, outside... */
static void *flip_far(void *arg)
{
    (void)arg;
    while (!atomic_load(&over)) {
        __atomic_store_n(&line[1].data[0], secret_at, __ATOMIC_SEQ_CST);
        __atomic_store_n(&line[1].data[2], secret_at, __ATOMIC_SEQ_CST);
        __atomic_store_n(&line[1].data[0], (uint64_t)in_buf, __ATOMIC_SEQ_CST);
        __atomic_store_n(&line[1].data[2], (uint64_t)out_buf, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(D6_a_descriptor_is_fetched_once)
{
    struct worker w;
    pthread_t flipper;
    uint64_t seen[3];
    uint64_t ok = 0;
    uint64_t refused = 0;

    REQUIRE(fresh());
    counts(seen);
    secret_at = seen[2];
    memset(in_buf, 7, sizeof(in_buf));
    memset(out_buf, 0, sizeof(out_buf));
    put_far((uint64_t)in_buf, 4096, (uint64_t)out_buf, 4096);
    atomic_store(&over, false);
    start_worker(&w, 1);
    CHECK_EQ(pthread_create(&flipper, NULL, flip_far, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        const oe_result_t r = verdict(CM_LINE_POST(HS_ECHO, false, 0, 0));

        ok += r == OE_OK;
        refused += r == OE_INVALID_PARAMETER;
        for (size_t k = 0; k < sizeof(out_buf); k += 512) {
            uint64_t v;

            memcpy(&v, out_buf + k, sizeof(v));
            CHECK(v != HS_SECRET);
        }
    }
    atomic_store(&over, true);
    (void)pthread_join(flipper, NULL);
    CHECK_EQ(ok + refused, 20000); /* as it was when it was read, and nothing else */
    put_far((uint64_t)in_buf, 4096, (uint64_t)out_buf, 4096);
    CHECK_EQ(verdict(CM_LINE_POST(HS_ECHO, false, 0, 0)), OE_OK);
    end_worker(&w);
    hh_unload(&e);
    REQUIRE(fresh());
}

TEST(D6_a_worker_takes_no_line_inside_the_enclave)
{
    uint64_t seen[3];
    uint64_t bad[6];

    REQUIRE(fresh());
    counts(seen);
    bad[0] = (seen[2] + 127) & ~(uint64_t)127; /* its own data */
    bad[1] = e.base;
    bad[2] = e.base + e.size - 128;
    bad[3] = (uint64_t)&line[1] + 8;
    bad[4] = (uint64_t)&line[1] + 64;
    bad[5] = 0;
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(hh_call(&e, 1, HS_WORKER, &bad[i], 8, NULL, 0), OE_OK);
    }
    counts(seen);
    CHECK_EQ(line[1].word, 0); /* none of them was opened */
}

/* Whatever stands in a line, the worker comes out by itself, and believes no word that it does not know. */
TEST(D6_a_worker_waits_for_nobody)
{
    uint64_t at = (uint64_t)&line[1];

    REQUIRE(fresh());
    for (uint64_t state = 0; state < 256; state++) {
        poke(&line[1], state | 0x1122334455667700);
        CHECK_EQ(hh_call(&e, 1, HS_WORKER, &at, sizeof(at), NULL, 0), OE_OK);
        if (state != CM_LINE_ASLEEP && state != CM_LINE_KEPT) {
            CHECK_EQ(peek(&line[1]), state | 0x1122334455667700); /* not opened */
        }
    }
    poke(&line[1], CM_LINE_ASLEEP);
    CHECK_EQ(hh_call(&e, 1, HS_WORKER, &at, sizeof(at), NULL, 0), OE_OK);
    CHECK_EQ(peek(&line[1]), CM_LINE_ASLEEP); /* it looked for calls, and went to sleep */
}

static void *toggle(void *arg)
{
    static const uint64_t states[] = {CM_LINE_READY, CM_LINE_POSTED, CM_LINE_TAKEN, CM_LINE_AWAITED,
                                      CM_LINE_DONE,  CM_LINE_LEAVE,  CM_LINE_KEPT,  CM_LINE_ASLEEP};

    (void)arg;
    for (size_t i = 0; !atomic_load(&over); i++) {
        poke(&line[1],
             (CM_LINE_POST(i % 12, (i & 1) != 0, i % 7, i % 5) & ~(uint64_t)0xff) | states[i % 8]);
    }
    return NULL;
}

/* the mutator on the line: every state at any time, with every function and size */
TEST(D6_a_line_that_changes_all_the_time)
{
    struct worker w;
    pthread_t toggler;
    uint64_t seen[3] = {0, 0, 0};

    REQUIRE(fresh());
    atomic_store(&over, false);
    put_far((uint64_t)in_buf, 64, (uint64_t)out_buf, 64);
    CHECK_EQ(pthread_create(&toggler, NULL, toggle, NULL), 0);
    start_worker(&w, 1);
    for (int i = 0; i < 300; i++) {
        if (hh_call(&e, 0, HS_COUNTS, NULL, 0, seen, 24) != OE_OK) {
            break; /* HS_ABORT is among the functions */
        }
        CHECK_EQ(seen[1], 0);
    }
    atomic_store(&over, true);
    (void)pthread_join(toggler, NULL);
    end_worker(&w);
    CHECK(w.result == OE_OK || w.result == OE_ENCLAVE_ABORTING);
}

TEST(D6_a_worker_whose_function_aborts)
{
    struct worker w;
    struct worker other;
    uint64_t seen[3];

    REQUIRE(fresh());
    start_worker(&w, 1);
    start_worker(&other, 2);
    post(&line[2], CM_LINE_POST(HS_ECHO, true, 1, 1));
    CHECK_EQ(CM_LINE_RESULT(answer(&line[2])), OE_OK);
    post(&line[1], CM_LINE_POST(HS_ABORT, true, 0, 0));
    (void)pthread_join(w.thread, NULL);
    CHECK_EQ(w.result, OE_ENCLAVE_ABORTING);
    (void)pthread_join(other.thread,
                       NULL); /* the other one leaves, too: at the latest when it enters */
    CHECK_EQ(other.result, OE_ENCLAVE_ABORTING);
    CHECK_EQ(hh_call(&e, 0, HS_COUNTS, NULL, 0, seen, 24), OE_ENCLAVE_ABORTING);
}

TEST_MAIN
