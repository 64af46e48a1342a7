/* Many threads, many enclaves, signals, memory that runs out. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "e2e.h"
#include "host/handle.h"

#define TCS     4
#define THREADS 16

static oe_enclave_t *shared;

struct work {
    uint64_t done;
    uint64_t refused;
    uint64_t wrong;
};

static void *work(void *arg)
{
    struct work *w = arg;

    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t sum = 0;
        oe_result_t r = enc_add(shared, &sum, i, 1);

        if (r == OE_OUT_OF_THREADS) {
            w->refused++;
        } else if (r != OE_OK || sum != i + 1) {
            w->wrong++;
        } else {
            w->done++;
        }
    }
    return NULL;
}

TEST(more_threads_than_tcs)
{
    pthread_t threads[THREADS];
    struct work works[THREADS];
    uint64_t done = 0;

    memset(works, 0, sizeof(works));
    shared = e2e_create();
    REQUIRE(shared != NULL);
    CHECK_EQ(shared->slot_count, TCS);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, work, &works[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(works[i].wrong, 0);
        done += works[i].done;
    }
    CHECK(done > 0);
    CHECK_EQ(enc_null(shared), OE_OK); /* every TCS came back */
    CHECK(!cm_handle_in_use(shared));
    CHECK_EQ(oe_terminate_enclave(shared), OE_OK);
}

static void *locked(void *arg)
{
    uint64_t *last = arg;

    if (enc_locked(shared, last, 20000) != OE_OK) {
        *last = 0;
    }
    return NULL;
}

TEST(D5_a_mutex_inside_holds_among_threads)
{
    pthread_t threads[TCS];
    uint64_t last[TCS] = {0};
    uint64_t most = 0;

    shared = e2e_create();
    REQUIRE(shared != NULL);
    for (int i = 0; i < TCS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, locked, &last[i]), 0);
    }
    for (int i = 0; i < TCS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK(last[i] != 0);
        most = last[i] > most ? last[i] : most;
    }
    CHECK_EQ(most, TCS * 20000);
    CHECK_EQ(oe_terminate_enclave(shared), OE_OK);
}

TEST(D4_each_ecall_has_fresh_thread_locals)
{
    uint64_t n = 0;

    shared = e2e_create();
    REQUIRE(shared != NULL);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(enc_thread_count(shared, &n), OE_OK);
        CHECK_EQ(n, 1);
    }
    CHECK_EQ(oe_terminate_enclave(shared), OE_OK);
}

TEST(sixty_four_enclaves)
{
    static oe_enclave_t *all[64];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < 64; i++) {
        all[i] = e2e_create();
        REQUIRE(all[i] != NULL);
    }
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 64; i++) {
            CHECK_EQ(enc_add(all[i], &sum, i, round), OE_OK);
            CHECK_EQ(sum, i + round);
        }
    }
    for (uint64_t i = 0; i < 64; i++) {
        CHECK_EQ(oe_terminate_enclave(all[i]), OE_OK);
    }
}

static void *churn(void *arg)
{
    int *bad = arg;

    for (int i = 0; i < 5; i++) {
        oe_enclave_t *e = e2e_create();
        uint64_t sum = 0;

        *bad += e == NULL || enc_add(e, &sum, 1, 2) != OE_OK || sum != 3 ||
                oe_terminate_enclave(e) != OE_OK;
    }
    return NULL;
}

TEST(D2_creation_from_many_threads_at_once)
{
    pthread_t threads[8];
    int bad[8] = {0};

    for (int i = 0; i < 8; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, &bad[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(bad[i], 0);
    }
}

/* ecalls and a termination that compete: one of the two is refused, nothing breaks */
static void *until_refused(void *arg)
{
    uint64_t *wrong = arg;
    oe_result_t r = OE_OK;

    while (r == OE_OK || r == OE_OUT_OF_THREADS) {
        r = enc_null(shared);
    }
    *wrong = r != OE_INVALID_PARAMETER;
    return NULL;
}

TEST(D2_terminate_during_ecalls)
{
    pthread_t threads[3];
    uint64_t wrong[3] = {0};
    oe_result_t r = OE_BUSY;

    shared = e2e_create();
    REQUIRE(shared != NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, until_refused, &wrong[i]), 0);
    }
    while (r == OE_BUSY) {
        r = oe_terminate_enclave(shared);
    }
    CHECK_EQ(r, OE_OK);
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(wrong[i], 0);
    }
}

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    ticks++;
}

TEST(host_signals_while_inside)
{
    struct sigaction action;
    struct itimerval every = {{0, 200}, {0, 200}};
    struct itimerval never = {{0, 0}, {0, 0}};
    uint64_t sum = 0;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_tick;
    shared = e2e_create();
    REQUIRE(shared != NULL);
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    for (uint64_t i = 0; ticks < 500 && i < 5000000; i++) {
        if (enc_add(shared, &sum, i, 5) != OE_OK || sum != i + 5) {
            TEST_FAIL("call %llu", (unsigned long long)i);
            break;
        }
    }
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK(ticks >= 500);
    CHECK_EQ(oe_terminate_enclave(shared), OE_OK);
}

TEST(out_of_memory_at_every_allocation_of_the_host)
{
    oe_enclave_t *e = NULL;
    long k = 0;

    for (k = 1; k < 1000; k++) {
        oe_result_t r = OE_OK;
        bool hit = false;

        e = NULL;
        fail_alloc_at(k);
        r = oe_create_e2e_enclave(E2E_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                  OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (r == OE_OK) {
            CHECK_EQ(enc_null(e), OE_OK);
            CHECK_EQ(oe_terminate_enclave(e), OE_OK);
        } else {
            CHECK(r == OE_OUT_OF_MEMORY || r == OE_PLATFORM_ERROR || r == OE_CRYPTO_ERROR);
            CHECK(e == NULL);
        }
        if (!hit) {
            break;
        }
    }
    CHECK(k > 5 && k < 1000);
    e = e2e_create();
    REQUIRE(e != NULL);
    fail_alloc_at(1);
    CHECK_EQ(enc_null(e), OE_OUT_OF_MEMORY); /* the generated wrapper's one allocation */
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(the_enclaves_own_memory_runs_out)
{
    uint64_t sum = 0;

    shared = e2e_create();
    REQUIRE(shared != NULL);
    CHECK_EQ(enc_heap(shared, &sum, 1 << 20), OE_OK);
    CHECK_EQ(sum, 256);
    CHECK_EQ(enc_heap(shared, &sum, 1 << 30), OE_OK);
    CHECK_EQ(sum, UINT64_MAX);
    CHECK_EQ(enc_heap(shared, &sum, 1 << 20), OE_OK);
    CHECK_EQ(sum, 256);
    CHECK_EQ(oe_terminate_enclave(shared), OE_OK);
}

TEST_MAIN
