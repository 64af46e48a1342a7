/* Rows B1, C4, D1, D2, D4, D5, A9 and G1: beginnings, ends, threads and hostile memory. */
#include "harness.h"

#include <pthread.h>
#include <time.h>

#include "enclave/td.h"
#include "hostile_host.h"
#include "hostile_ids.h"
#include "patience.h"

#define CANARY 0x5afe5eed0badf00dull

static struct hh e;

static bool start(int fill)
{
    hh_unload(&e);
    return hh_load(&e, fill) && hh_init(&e) == OE_OK;
}

static void nap(void)
{
    const struct timespec t = {0, 1000000};

    (void)nanosleep(&t, NULL);
}

/* ------------------------------------------------------------------------------- D2 */

static pthread_barrier_t barrier;
static unsigned init_ok;
static unsigned init_refused;
static unsigned init_other; /* the last answer that is neither */

static void *race_init(void *arg)
{
    struct cm_init_args args;
    oe_result_t r;

    memset(&args, 0, sizeof(args));
    (void)pthread_barrier_wait(&barrier);
    r = hh_ecall(&e, (unsigned)(uintptr_t)arg, CM_ECALL_INIT, (uint64_t)&args, NULL);
    if (r == OE_OK) {
        (void)__atomic_add_fetch(&init_ok, 1, __ATOMIC_SEQ_CST);
    } else if (r == OE_BUSY || r == OE_ALREADY_INITIALIZED) {
        (void)__atomic_add_fetch(&init_refused, 1, __ATOMIC_SEQ_CST);
    } else {
        __atomic_store_n(&init_other, (unsigned)r, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(D2_initialisation_race)
{
    for (int round = 0; round < 10; round++) {
        pthread_t t[4];

        hh_unload(&e);
        REQUIRE(hh_load(&e, 0xa5));
        init_ok = 0;
        init_refused = 0;
        CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
        for (uintptr_t i = 0; i < 4; i++) {
            CHECK_EQ(pthread_create(&t[i], NULL, race_init, (void *)i), 0);
        }
        for (int i = 0; i < 4; i++) {
            CHECK_EQ(pthread_join(t[i], NULL), 0);
        }
        CHECK_EQ(init_ok, 1);
        CHECK_EQ(init_refused, 3);
        CHECK_EQ(init_other, 0);
        CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_OK);
    }
}

TEST(D2_initialisation_with_bad_arguments_is_final)
{
    static struct cm_init_args args __attribute__((aligned(8)));
    static const uint64_t huge[] = {UINT64_MAX, 1ull << 40, (1 << 20) + 1};
    static const char names[16] = "null\0echo\0x";
    static uint64_t ids[4] __attribute__((aligned(16)));

    for (int i = 0; i < 14; i++) {
        hh_unload(&e);
        REQUIRE(hh_load(&e, 0xa5));
        memset(&args, 0, sizeof(args));
        args.names = (uint64_t)names;
        args.names_size = 12;
        args.name_count = 3;
        args.ids = (uint64_t)ids;
        if (i < 3) {
            args.names_size = huge[i];
        } else if (i == 3) {
            args.names = e.base;
        } else if (i == 4) {
            args.ids = e.base;
        } else if (i == 5) {
            args.name_count = UINT64_MAX / 8 + 2;
        } else if (i == 6) {
            args.name_count = 4; /* more than there are */
        } else if (i == 7) {
            args.names_size = 11; /* no terminator */
        } else if (i == 8) {
            args.ids += 4;
        } else if (i == 9) { /* the product wraps to 16 bytes, and the third name's is inside */
            args.name_count = (1ull << 61) + 2;
            args.ids = e.base - 16;
        } else if (i == 10) {
            args.arena = e.base + 4096; /* where ocalls of constructors would write */
            args.arena_size = 4096;
        } else if (i == 11) {
            args.arena = e.base - 4096;
            args.arena_size = 4112; /* its end lies inside */
        } else if (i == 12) {
            args.arena = (uint64_t)ids + 8;
            args.arena_size = 16;
        } else {
            args.cpuid_count = UINT64_MAX;
        }
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_INIT, (uint64_t)&args, NULL), OE_INVALID_PARAMETER);
        CHECK_EQ(hh_call(&e, 0, HE_NULL, NULL, 0, NULL, 0), OE_UNEXPECTED);
        CHECK_EQ(hh_init(&e), OE_UNEXPECTED);
    }
}

TEST(D2_names_are_resolved)
{
    static struct cm_init_args args __attribute__((aligned(8)));
    static const char names[18] = "echo\0nothing\0null";
    static uint64_t ids[3];

    hh_unload(&e);
    REQUIRE(hh_load(&e, 0xa5));
    memset(&args, 0, sizeof(args));
    args.names = (uint64_t)names;
    args.names_size = sizeof(names);
    args.name_count = 3;
    args.ids = (uint64_t)ids;
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_INIT, (uint64_t)&args, NULL), OE_OK);
    CHECK_EQ(ids[0], HE_ECHO);
    CHECK_EQ(ids[1], -1);
    CHECK_EQ(ids[2], HE_NULL);
}

/* The table of CPUID, the names, the constructors: what the runtime needs ends the start. */
TEST(D2_memory_that_runs_out_during_the_start)
{
    static const char names[18] = "echo\0nothing\0null";
    static struct cm_init_args args __attribute__((aligned(8)));
    static struct cm_cpuid_entry cpuid __attribute__((aligned(8)));
    static uint64_t ids[3];
    static const oe_result_t expected[] = {OE_OUT_OF_MEMORY, OE_OUT_OF_MEMORY, OE_OK, OE_OK};

    for (uint64_t k = 1; k <= 4; k++) {
        const uint64_t nothing = 0;
        uint64_t out[4] = {0, 0, 0, 0};

        hh_unload(&e);
        REQUIRE(hh_load(&e, 0xa5));
        memset(&args, 0, sizeof(args));
        args.enclave = k; /* see hostile_enclave.c */
        args.names = (uint64_t)names;
        args.names_size = sizeof(names);
        args.name_count = 3;
        args.ids = (uint64_t)ids;
        args.cpuid_table = (uint64_t)&cpuid;
        args.cpuid_count = 1;
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_INIT, (uint64_t)&args, NULL), expected[k - 1]);
        CHECK_EQ(hh_init(&e), k <= 2 ? OE_UNEXPECTED : OE_ALREADY_INITIALIZED);
        CHECK_EQ(hh_call(&e, 0, HE_FIND, &nothing, 8, out, sizeof(out)),
                 k <= 2 ? OE_UNEXPECTED : OE_OK);
        CHECK_EQ(out[2], k <= 2 ? 0 : k == 3 ? 78 : 77); /* what the constructor made of it */
    }
}

TEST(D2_destruction_is_final)
{
    REQUIRE(start(0xa5));
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL), OE_OK);
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL), OE_UNEXPECTED);
    CHECK_EQ(hh_call(&e, 1, HE_NULL, NULL, 0, NULL, 0), OE_UNEXPECTED);
    CHECK_EQ(hh_init(&e), OE_UNEXPECTED);
}

/* ------------------------------------------------------------- calls that take long */

struct long_call {
    unsigned n;
    uint64_t id;
    uint64_t in[2];
    hh_ocall serve;
    oe_result_t result;
    uint64_t out[4];
    pthread_t thread;
};

static void *run_long(void *arg)
{
    struct long_call *c = arg;

    c->result =
        hh_call_served(&e, c->n, c->id, c->in, sizeof(c->in), c->out, sizeof(c->out), c->serve);
    return NULL;
}

static uint64_t set_go(uint64_t value)
{
    uint64_t out[2] = {0, 0};

    CHECK_EQ(hh_call(&e, 0, HE_GO, &value, 8, out, 16), OE_OK);
    return out[0];
}

static void begin_long(struct long_call *c, unsigned n, uint64_t id, hh_ocall serve, uint64_t in)
{
    memset(c, 0, sizeof(*c));
    c->n = n;
    c->id = id;
    c->in[0] = in;
    c->serve = serve;
    CHECK_EQ(pthread_create(&c->thread, NULL, run_long, c), 0);
}

static void wait_inside(uint64_t count)
{
    struct patience p = {0};

    while (set_go(0) != count && patient(&p)) {
        nap();
    }
}

TEST(D1_destructor_is_refused_while_a_thread_is_inside)
{
    struct long_call c;

    REQUIRE(start(0xa5));
    begin_long(&c, 1, HE_SPIN, NULL, 0);
    wait_inside(1);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL), OE_BUSY);
    }
    (void)set_go(1);
    CHECK_EQ(pthread_join(c.thread, NULL), 0);
    CHECK_EQ(c.result, OE_OK);
    CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL), OE_OK);
}

/* A destructor that keeps trying against threads that keep calling: never both. */
static int stop_calls;
static unsigned wrong_results;
static unsigned calls_done;

static void *call_until_stopped(void *arg)
{
    while (__atomic_load_n(&stop_calls, __ATOMIC_SEQ_CST) == 0) {
        const oe_result_t r = hh_call(&e, (unsigned)(uintptr_t)arg, HE_NULL, NULL, 0, NULL, 0);

        if (r == OE_OK) {
            (void)__atomic_add_fetch(&calls_done, 1, __ATOMIC_SEQ_CST);
        } else if (r != OE_BUSY && r != OE_UNEXPECTED) {
            (void)__atomic_add_fetch(&wrong_results, 1, __ATOMIC_SEQ_CST);
        }
        if (r == OE_UNEXPECTED) {
            break;
        }
    }
    return NULL;
}

TEST(D1_D2_destructor_races_calls)
{
    pthread_t t[2];
    oe_result_t r;

    REQUIRE(start(0xa5));
    stop_calls = 0;
    wrong_results = 0;
    for (uintptr_t i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, call_until_stopped, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 100000; i++) {
        r = hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL);
        if (r != OE_BUSY) {
            break;
        }
    }
    __atomic_store_n(&stop_calls, 1, __ATOMIC_SEQ_CST);
    CHECK(r == OE_OK || r == OE_BUSY);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_join(t[i], NULL), 0);
    }
    CHECK_EQ(wrong_results, 0);
}

static unsigned ocalls_served;

static uint64_t counted(struct hh *h, unsigned n, uint32_t func, uint64_t arg)
{
    (void)__atomic_add_fetch(&ocalls_served, 1, __ATOMIC_SEQ_CST);
    return func == CM_OCALL_THREAD_WAIT ? 0 : hh_honest(h, n, func, arg);
}

/* One that computes ends by itself, and gets nothing out before; one that waits cannot. */
TEST(A9_abort_reaches_the_other_threads)
{
    struct long_call c;
    struct long_call waiters[2];
    const uint64_t how = 0;
    uint64_t out[4];

    REQUIRE(start(0xa5));
    begin_long(&c, 1, HE_SPIN, counted, 1);
    begin_long(&waiters[0], 2, HE_WAIT, counted, 0);
    begin_long(&waiters[1], 3, HE_WAIT, counted, 1);
    wait_inside(3);
    CHECK_EQ(hh_call(&e, 0, HE_TD, NULL, 0, out, sizeof(out)), OE_OK);
    CHECK_EQ(hh_call(&e, 0, HE_ABORT, &how, 8, NULL, 0), OE_ENCLAVE_ABORTING);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_join(waiters[i].thread, NULL), 0);
        CHECK_EQ(waiters[i].result, OE_ENCLAVE_ABORTING);
    }
    ocalls_served = 0;
    /* no ecall can release the spinning thread any more: the test writes into its memory */
    __atomic_store_n((uint64_t *)out[3], 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(c.thread, NULL), 0);
    CHECK_EQ(c.result, OE_OK);
    CHECK_EQ(c.out[0], OE_ENCLAVE_ABORTING);
    CHECK_EQ(ocalls_served, 0);
}

/* ------------------------------------------------------------------------------- D4 */

TEST(D4_one_TCS_serves_one_thread_at_a_time)
{
    struct long_call c;
    struct sgx_enclave_run run;
    uint64_t arg = 0;

    REQUIRE(start(0xa5));
    begin_long(&c, 1, HE_SPIN, NULL, 0);
    wait_inside(1);
    for (uint32_t func = 0; func < 4; func++) {
        CHECK_EQ(hh_enter(&e, 1, CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0), &arg, &run), 0);
        CHECK_EQ(run.function, SGX_EENTER);
        CHECK_EQ(run.exception_vector, SGX_VEC_GP);
    }
    (void)set_go(1);
    CHECK_EQ(pthread_join(c.thread, NULL), 0);
    CHECK_EQ(c.result, OE_OK);
}

static unsigned found_in(uint64_t from, uint64_t to)
{
    unsigned found = 0;

    for (uint64_t p = from; p < to; p += 8) {
        found += memcmp((const void *)p, &(uint64_t){CANARY}, 8) == 0;
    }
    return found;
}

static unsigned found_in_stack(unsigned n)
{
    const uint64_t top = hh_tcs(&e, n) - CM_GUARD_SIZE;

    return found_in(top - 32 * CM_PAGE_SIZE, top);
}

TEST(D4_next_tenant_finds_nothing)
{
    uint64_t where[4] = {0, 0, 0, 0};
    uint64_t found[3] = {1, 1, 0};
    const uint64_t canary = CANARY;
    const uint64_t other = 0x77;
    uint64_t top;

    REQUIRE(start(0xa5));
    top = hh_tcs(&e, 2) - CM_GUARD_SIZE;
    for (int round = 0; round < 3; round++) {
        CHECK_EQ(hh_call(&e, 2, HE_LEAVE, &canary, 8, where, sizeof(where)), OE_OK);
        CHECK(where[0] > top - 32 * CM_PAGE_SIZE && where[0] < top - 40 * 1024);
        /* nothing lies about ... */
        CHECK_EQ(found_in_stack(2), 0);
        CHECK_EQ(found_in(where[1], where[1] + 32 * 8), 0);
        CHECK_EQ(found_in(where[2], where[2] + 1024), 0);
        /* ... and the next ecall sees its own TLS as the image made it */
        CHECK_EQ(hh_call(&e, 2, HE_FIND, &canary, 8, found, sizeof(found)), OE_OK);
        CHECK_EQ(found[0], 0);
        CHECK_EQ(found[1], 0);
        CHECK_EQ(found[2], 77); /* the constructor ran */
    }
    /* the search itself works: within one ecall, what was left is found */
    CHECK_EQ(hh_call(&e, 2, HE_FIND, &other, 8, found, sizeof(found)), OE_OK);
    CHECK_EQ(found[1], 0);
}

/* What the whole stack of thread 2 holds after an ecall that reaches 60 KiB down, or does not. */
static unsigned left_by_deep(bool deep)
{
    const uint64_t in[2] = {CANARY, deep};

    CHECK_EQ(hh_call(&e, 2, HE_DEEP, in, sizeof(in), NULL, 0), OE_OK);
    return found_in_stack(2);
}

TEST(D4_nothing_stays_below_a_hole_in_the_stack)
{
    REQUIRE(start(0xa5));
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(left_by_deep(true), 0);
        CHECK_EQ(hh_call(&e, 2, HE_NULL, NULL, 0, NULL, 0), OE_OK);
    }
}

/* A function that was never deep before: found by the looks at a slice of the stack for each call. */
TEST(D4_a_function_that_becomes_deep_is_found_out)
{
    int calls = 0;

    REQUIRE(start(0xa5));
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(left_by_deep(false), 0);
        CHECK_EQ(hh_call(&e, 2, HE_NULL, NULL, 0, NULL, 0), OE_OK);
    }
    CHECK_EQ(left_by_deep(true), 1); /* or this test would show nothing */
    while (found_in_stack(2) != 0 && calls < 32 * 4096 / 128) {
        CHECK_EQ(hh_call(&e, 2, HE_NULL, NULL, 0, NULL, 0), OE_OK);
        calls++;
    }
    CHECK_EQ(found_in_stack(2), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(left_by_deep(true), 0); /* and from then on it is known */
    }
}

/* ------------------------------------------------------------------------------- D5 */

static unsigned wait_calls;
static int wait_mode; /* 0 returns at once, 1 naps */

static uint64_t unreliable(struct hh *h, unsigned n, uint32_t func, uint64_t arg)
{
    if (func == CM_OCALL_THREAD_WAIT) {
        CHECK_EQ(arg, hh_tcs(h, n));
        (void)__atomic_add_fetch(&wait_calls, 1, __ATOMIC_SEQ_CST);
        if (wait_mode == 1) {
            nap();
        }
        return 0;
    }
    return hh_honest(h, n, func, arg);
}

TEST(D5_wake_ups_mean_nothing)
{
    for (wait_mode = 0; wait_mode < 2; wait_mode++) {
        struct long_call c;
        struct patience p = {0};

        REQUIRE(start(0xa5));
        wait_calls = 0;
        begin_long(&c, 1, HE_WAIT, unreliable, 0);
        wait_inside(1);
        while (__atomic_load_n(&wait_calls, __ATOMIC_SEQ_CST) < 10 && patient(&p)) {
            nap();
        }
        /* it was "woken" many times and is still inside */
        CHECK_EQ(set_go(0), 1);
        CHECK(wait_calls >= 10);
        (void)set_go(1);
        CHECK_EQ(pthread_join(c.thread, NULL), 0);
        CHECK_EQ(c.result, OE_OK);
        CHECK(c.out[0] >= 10);
    }
}

/* -------------------------------------------------------------------------- B1, C4 */

TEST(B1_ocalls_take_no_enclave_memory)
{
    uint64_t out[2];

    REQUIRE(start(0xa5));
    for (uint64_t which = 1; which <= 2; which++) {
        CHECK_EQ(hh_call(&e, 0, HE_RESULT, &which, 8, out, 16), OE_OK);
        CHECK_EQ(out[0], OE_INVALID_PARAMETER);
    }
}

TEST(C4_cpuid_table_is_held_to_what_the_processor_allows)
{
    struct cm_cpuid_entry lies[2] __attribute__((aligned(8))) = {
        {7, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff}, {0xd, 0, 0xffffffff, 1 << 30, 1 << 30, 0}};
    struct cm_init_args args;
    struct hh h;
    uint64_t out[6];
    uint64_t leaf = 0xd;

    REQUIRE(hh_load(&h, 0));
    memset(&args, 0, sizeof(args));
    args.cpuid_table = (uint64_t)lies;
    args.cpuid_count = 2;
    CHECK_EQ(hh_ecall(&h, 0, CM_ECALL_INIT, (uint64_t)&args, NULL), OE_OK);
    CHECK_EQ(hh_call(&h, 0, HE_CPUID, &leaf, 8, out, sizeof(out)), OE_OK);
    CHECK_EQ(out[0], 1);
    CHECK_EQ(out[1], out[5]); /* XFRM */
    CHECK(out[2] <= 4096 && out[3] <= 4096);
    leaf = 7;
    CHECK_EQ(hh_call(&h, 0, HE_CPUID, &leaf, 8, out, sizeof(out)), OE_OK);
    CHECK_EQ(out[4] >> 24 & 3, 0); /* AMX needs states that no enclave of ours has */
    CHECK((out[5] & 0xe0) != 0 || (out[2] >> 16 & 1) == 0);
    leaf = 1;
    CHECK_EQ(hh_call(&h, 0, HE_CPUID, &leaf, 8, out, sizeof(out)), OE_OK);
    CHECK_EQ(out[0], 0);
    hh_unload(&h);
}

/* ------------------------------------------------------------------------------- G1 */

TEST(G1_unmeasured_pages_may_hold_anything)
{
    static const int fills[] = {0x00, 0xa5, 0xff, -1};
    uint64_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t out[8];
    uint64_t blocks[4] = {0, 0, 0, 0};

    for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
        uint8_t *big = malloc(100000);
        uint64_t td[4];

        REQUIRE(big != NULL && start(fills[i]));
        memset(big, 0x3c, 100000);
        CHECK_EQ(hh_call(&e, 0, HE_ECHO, in, sizeof(in), out, sizeof(out)), OE_OK);
        CHECK_MEM(in, out, sizeof(in));
        CHECK_EQ(hh_call(&e, 1, HE_ECHO, big, 100000, big, 100000), OE_OK);
        CHECK(big[0] == 0x3c && big[99999] == 0x3c);
        CHECK_EQ(hh_call(&e, 0, HE_TD, NULL, 0, td, sizeof(td)), OE_OK);
        blocks[i] = td[2] - e.base;
        CHECK_EQ(blocks[i], blocks[0]); /* the same calls, the same addresses */
        CHECK_EQ(hh_ecall(&e, 0, CM_ECALL_DESTRUCTOR, 0, NULL), OE_OK);
        free(big);
    }
}

/* ------------------------------------------------------------------- many at a time */

static void *hammer(void *arg)
{
    const unsigned n = (unsigned)(uintptr_t)arg;
    uintptr_t bad = 0;

    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t in[4] = {i, n, ~i, i * n};
        uint64_t out[4] = {0, 0, 0, 0};

        bad += hh_call(&e, n, HE_ECHO, in, 32, out, 32) != OE_OK || memcmp(in, out, 32) != 0;
    }
    return (void *)bad;
}

TEST(D3_threads_do_not_disturb_each_other)
{
    pthread_t t[4];

    REQUIRE(start(-1));
    for (uintptr_t i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, hammer, (void *)i), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;

        CHECK_EQ(pthread_join(t[i], &bad), 0);
        CHECK(bad == NULL);
    }
    hh_unload(&e);
}

TEST_MAIN
