/* Row D7: a host that calls in whatever order it likes, again, at the same time, and in between. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>

#include <casemate/state.h>

#include "vault_u.h"

enum { NEW, UNLOCKED, LOCKED };
enum { UNLOCK, USE, CHANGE, LOCK, LOOK, CALLS };

static oe_enclave_t *e;
static void (*meanwhile)(void);

void host_meanwhile(void)
{
    if (meanwhile != NULL) {
        meanwhile();
    }
}

static bool ready(void)
{
    static const oe_enclave_setting_context_switchless_t workers = {0, 1};
    const oe_enclave_setting_t setting = {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&workers}};

    meanwhile = NULL;
    return (e != NULL || oe_create_vault_enclave(VAULT_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                                                 &setting, 1, &e) == OE_OK) &&
           vault_reset(e) == OE_OK;
}

static oe_result_t call(int which, uint64_t *key)
{
    oe_result_t said = OE_FAILURE;
    oe_result_t r = OE_FAILURE;

    switch (which) {
    case UNLOCK:
        r = vault_unlock(e, &said, *key);
        break;
    case USE:
        r = vault_use(e, &said, key);
        break;
    case CHANGE:
        r = vault_change(e, &said, *key);
        break;
    case LOCK:
        r = vault_lock(e, &said);
        break;
    default:
        r = vault_look(e, &said);
    }
    return r == OE_OK ? said : r;
}

/* What each call does to the state of a model, and whether it is in order. */
static bool model(int which, int *state, uint64_t *secret, uint64_t key)
{
    static const int needs[CALLS][3] = {
        [UNLOCK] = {1, 0, 0}, [USE] = {0, 1, 0},  [CHANGE] = {0, 1, 0},
        [LOCK] = {1, 1, 0},   [LOOK] = {1, 0, 1},
    };

    if (!needs[which][*state]) {
        return false;
    }
    if (which == UNLOCK || which == CHANGE) {
        *secret = key;
        *state = UNLOCKED;
    } else if (which == LOCK) {
        *secret = 0;
        *state = LOCKED;
    }
    return true;
}

/* every sequence of five calls: 3,125 */
TEST(D7_every_order_of_calls_is_judged_as_the_machine_says)
{
    REQUIRE(ready());
    for (unsigned sequence = 0; sequence < 3125; sequence++) {
        int state = NEW;
        uint64_t secret = 0;
        unsigned rest = sequence;

        CHECK_EQ(vault_reset(e), OE_OK);
        for (unsigned i = 0; i < 5; i++, rest /= CALLS) {
            const int which = (int)(rest % CALLS);
            uint64_t key = 100 + i;
            const bool due = model(which, &state, &secret, key);

            CHECK_EQ(call(which, &key), due ? OE_OK : OE_CONSTRAINT_FAILED);
            CHECK(!due || which != USE || key == secret);
        }
    }
}

static pthread_barrier_t together;
static atomic_uint winners;
static atomic_uint odd;

static void *race(void *arg)
{
    uint64_t key = (uint64_t)(uintptr_t)arg;
    oe_result_t r = OE_OUT_OF_THREADS;

    (void)pthread_barrier_wait(&together);
    while (r == OE_OUT_OF_THREADS) {
        r = call(UNLOCK, &key);
    }
    if (r == OE_OK) {
        (void)atomic_fetch_add(&winners, 1);
    } else if (r != OE_CONSTRAINT_FAILED && r != OE_BUSY) {
        (void)atomic_fetch_add(&odd, 1);
    }
    return NULL;
}

TEST(D7_a_step_is_taken_once_among_threads)
{
    enum { THREADS = 6 };

    REQUIRE(ready());
    (void)pthread_barrier_init(&together, NULL, THREADS);
    for (int round = 0; round < 100; round++) {
        pthread_t threads[THREADS];
        uint64_t times = 0;

        CHECK_EQ(vault_reset(e), OE_OK);
        atomic_store(&winners, 0);
        for (uintptr_t i = 0; i < THREADS; i++) {
            REQUIRE(pthread_create(&threads[i], NULL, race, (void *)(i + 1)) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        CHECK_EQ(atomic_load(&winners), 1);
        CHECK_EQ(vault_unlocked(e, &times), OE_OK);
        CHECK_EQ(times, 1);
    }
    CHECK_EQ(atomic_load(&odd), 0);
    (void)pthread_barrier_destroy(&together);
}

static oe_result_t seen[CALLS];

static void *try_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < CALLS; i++) {
        uint64_t key = 9;

        seen[i] = call(i, &key);
    }
    return NULL;
}

static void on_another_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, try_all, NULL) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

TEST(D7_nothing_runs_in_the_middle_of_a_step)
{
    uint64_t key = 5;

    REQUIRE(ready());
    CHECK_EQ(call(UNLOCK, &key), OE_OK);
    meanwhile = on_another_thread;
    CHECK_EQ(call(CHANGE, &key), OE_OK);
    for (int i = 0; i < CALLS; i++) {
        CHECK_EQ(seen[i], OE_BUSY);
    }
    meanwhile = NULL;
    CHECK_EQ(call(USE, &key), OE_OK);
    CHECK_EQ(key, 5);
}

TEST(D7_nobody_changes_a_state_that_is_in_use)
{
    uint64_t key = 5;
    oe_result_t said = OE_FAILURE;

    REQUIRE(ready());
    CHECK_EQ(call(UNLOCK, &key), OE_OK);
    meanwhile = on_another_thread;
    CHECK_EQ(vault_use_long(e, &said), OE_OK);
    CHECK_EQ(said, OE_OK);
    CHECK_EQ(seen[UNLOCK], OE_CONSTRAINT_FAILED);
    CHECK_EQ(seen[USE], OE_OK); /* together with others */
    CHECK_EQ(seen[CHANGE], OE_BUSY);
    CHECK_EQ(seen[LOCK], OE_BUSY);
    CHECK_EQ(seen[LOOK], OE_CONSTRAINT_FAILED);
    CHECK_EQ(call(LOCK, &key), OE_OK);
}

static void nested(void)
{
    (void)try_all(NULL);
}

TEST(D7_calls_from_within_the_ocall_of_a_step)
{
    uint64_t key = 5;

    REQUIRE(ready());
    CHECK_EQ(call(UNLOCK, &key), OE_OK);
    meanwhile = nested;
    CHECK_EQ(call(CHANGE, &key), OE_OK);
    CHECK_EQ(seen[CHANGE], OE_REENTRANT_ECALL);
    CHECK_EQ(seen[LOCK], OE_REENTRANT_ECALL);
    CHECK(seen[USE] != OE_OK && seen[UNLOCK] != OE_OK);
}

TEST(D7_a_call_cannot_be_replayed)
{
    uint64_t key = 5;

    REQUIRE(ready());
    CHECK_EQ(call(UNLOCK, &key), OE_OK);
    CHECK_EQ(call(UNLOCK, &key), OE_CONSTRAINT_FAILED);
    CHECK_EQ(call(LOCK, &key), OE_OK);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(call(UNLOCK, &key), OE_CONSTRAINT_FAILED);
        CHECK_EQ(call(USE, &key), OE_CONSTRAINT_FAILED);
        CHECK_EQ(call(LOCK, &key), OE_CONSTRAINT_FAILED);
    }
}

TEST(D7_a_machine_of_the_hosts_is_none)
{
    oe_state_t mine = OE_STATE_INIT(0);
    oe_result_t said = OE_OK;

    REQUIRE(ready());
    for (uint32_t what = 0; what < 5; what++) {
        CHECK_EQ(vault_of_the_host(e, &said, &mine, what), OE_OK);
        CHECK_EQ(said, OE_INVALID_PARAMETER);
        CHECK_EQ(vault_of_the_host(e, &said, NULL, what), OE_OK);
        CHECK_EQ(said, OE_INVALID_PARAMETER);
    }
    CHECK_EQ(mine.word, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    e = NULL;
}

TEST_MAIN
