/*
 * The host's handles, their slots and the names of ecalls, by many threads at a time: for
 * ThreadSanitizer, and for what must not be lost (a slot, a wake, a name).
 */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>

#include "host/handle.h"
#include "host/names.h"

enum { ENCLAVES = 4, TCS = 3, THREADS = 8, ROUNDS = 3000 };

static oe_enclave_t *enclaves[ENCLAVES];
static atomic_uint inside[ENCLAVES];
static atomic_uint too_many;

static bool open_all(void)
{
    for (uint64_t i = 0; i < ENCLAVES; i++) {
        oe_enclave_t *e = cm_handle_get(TCS);

        if (e == NULL) {
            return false;
        }
        e->tcs_first = 0x1000;
        e->tcs_stride = 0x1000;
        for (uint64_t k = 0; k < TCS; k++) {
            e->slots[k].tcs = 0x1000 * (k + 1);
        }
        enclaves[i] = e;
        atomic_store(&e->state, CM_ENCLAVE_RUNNING);
    }
    return true;
}

static void close_all(void)
{
    for (int i = 0; i < ENCLAVES; i++) {
        CHECK(!cm_handle_in_use(enclaves[i]));
        cm_handle_put(enclaves[i]);
    }
}

/* an ecall, and within it one of another enclave */
static void visit(unsigned which, unsigned depth)
{
    oe_enclave_t *e = enclaves[which];
    struct cm_frame frame;
    const oe_result_t r = cm_bind(e, CM_ENCLAVE_RUNNING, &frame);

    if (r != OE_OK) {
        if (r != OE_OUT_OF_THREADS) {
            (void)atomic_fetch_add(&too_many, 1);
        }
        return;
    }
    if (atomic_fetch_add(&inside[which], 1) >= TCS) {
        (void)atomic_fetch_add(&too_many, 1);
    }
    if (depth != 0) {
        visit((which + 1) % ENCLAVES, depth - 1);
    }
    (void)atomic_fetch_sub(&inside[which], 1);
    cm_unbind(&frame);
}

static void *visitor(void *arg)
{
    const unsigned self = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        visit((self + i) % ENCLAVES, i % 3);
    }
    return NULL;
}

static void together(void *(*what)(void *))
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, what, (void *)i) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

TEST(D3_slots_are_shared_and_none_is_lost)
{
    REQUIRE(open_all());
    together(visitor);
    CHECK_EQ(atomic_load(&too_many), 0);
    close_all();
}

static void *opener(void *arg)
{
    const uint32_t self = (uint32_t)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        oe_enclave_t *e = cm_handle_get(1 + (self + i) % TCS);
        struct cm_frame frame;

        if (e == NULL) {
            return NULL;
        }
        atomic_store(&e->state, CM_ENCLAVE_RUNNING);
        if (cm_bind(e, CM_ENCLAVE_RUNNING, &frame) != OE_OK) {
            (void)atomic_fetch_add(&too_many, 1);
        } else {
            cm_unbind(&frame);
        }
        atomic_store(&e->state, CM_ENCLAVE_STOPPING);
        cm_handle_put(e);
    }
    return NULL;
}

TEST(D3_handles_come_and_go)
{
    together(opener);
    CHECK_EQ(atomic_load(&too_many), 0);
}

static uint64_t handed; /* plain: ordered by the wakes alone */

static void *waiter(void *arg)
{
    uint64_t wrong = 0;

    (void)arg;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        (void)cm_slot_wait(enclaves[0], 0x1000);
        wrong += handed != i;
        (void)cm_slot_wake(enclaves[0], 0x2000);
    }
    return (void *)(uintptr_t)wrong;
}

TEST(D5_wakes_order_what_was_written_before)
{
    pthread_t other;
    void *wrong = NULL;

    REQUIRE(open_all());
    REQUIRE(pthread_create(&other, NULL, waiter, NULL) == 0);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        handed = i;
        (void)cm_slot_wake(enclaves[0], 0x1000);
        (void)cm_slot_wait(enclaves[0], 0x2000);
    }
    (void)pthread_join(other, &wrong);
    CHECK(wrong == NULL);
    close_all();
}

static void *namer(void *arg)
{
    char name[32];
    uint64_t wrong = 0;

    (void)arg;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t id = 0;

        (void)snprintf(name, sizeof(name), "function_%u", i);
        wrong +=
            cm_name_add(name, &id) != CM_OK || cm_name_find(name) != id || id >= cm_name_count();
    }
    if (wrong != 0) {
        (void)atomic_fetch_add(&too_many, 1);
    }
    return NULL;
}

TEST(D3_names_have_one_number)
{
    together(namer);
    CHECK_EQ(atomic_load(&too_many), 0);
    CHECK_EQ(cm_name_count(), 200);
}

TEST_MAIN
