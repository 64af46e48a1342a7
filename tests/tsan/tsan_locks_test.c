/*
 * What threads inside an enclave wait with, as host code: the waiting room and the locks of src/libc, over
 * a host that wakes as it should and, now and then, for nothing. Plain memory is ordered by them alone.
 * inside_names.h, which the compiler includes first, makes pthread_mutex_lock and its like mean those.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "libc/inside_lock.h"
#include "libc/inside_runtime.h"

enum { THREADS = 6, ROUNDS = 3000 };

/* ---------------------------------------------------------- what the runtime would be */

static _Thread_local struct {
    atomic_uint wakes;
    unsigned waits;
} room;

void *cm_td_self(void)
{
    return &room;
}

void cm_thread_wait(void)
{
    if (++room.waits % 5 == 0) {
        return; /* each fifth wait ends for nothing */
    }
    while (atomic_exchange(&room.wakes, 0) == 0) {
        (void)sched_yield();
    }
}

void cm_thread_wait_for(uint64_t nanoseconds)
{
    (void)nanoseconds;
    (void)sched_yield();
}

/* the thread is alive: it waits until the test is over */
void cm_thread_wake(void *td)
{
    atomic_store((atomic_uint *)td, 1);
}

_Noreturn void oe_abort(void)
{
    abort();
}

/* ------------------------------------------------------------------------- threads */

static atomic_uint ended;

struct work {
    void (*what)(unsigned self);
    unsigned self;
};

static void *work(void *arg)
{
    const struct work *w = arg;

    w->what(w->self);
    (void)atomic_fetch_add(&ended, 1);
    while (atomic_load(&ended) % THREADS != 0) { /* wakes that are under way find their thread */
        (void)sched_yield();
    }
    return NULL;
}

static void together(void (*what)(unsigned self))
{
    pthread_t threads[THREADS];
    struct work each[THREADS];

    atomic_store(&ended, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        each[i] = (struct work){what, i};
        REQUIRE(pthread_create(&threads[i], NULL, work, &each[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static int plain_lock;
static uint64_t counted; /* plain */

static void with_lock(unsigned self)
{
    (void)self;
    for (int i = 0; i < ROUNDS; i++) {
        cm_lock(&plain_lock);
        counted++;
        cm_unlock(&plain_lock);
    }
}

TEST(D5_the_runtimes_lock)
{
    counted = 0;
    together(with_lock);
    CHECK_EQ(counted, THREADS * ROUNDS);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void with_mutex(unsigned self)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (self % 3 != 0 || pthread_mutex_trylock(&mutex) != 0) {
            (void)pthread_mutex_lock(&mutex);
        }
        counted++;
        (void)pthread_mutex_unlock(&mutex);
    }
}

TEST(D5_a_mutex)
{
    counted = 0;
    together(with_mutex);
    CHECK_EQ(counted, THREADS * ROUNDS);
}

static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static bool full;
static uint64_t parcel;
static uint64_t taken;

/* half of the threads hand parcels to the other half through one place */
static void hand_over(unsigned self)
{
    const bool gives = self % 2 == 0;

    for (uint64_t i = 1; i <= ROUNDS / 10; i++) {
        (void)pthread_mutex_lock(&mutex);
        while (full == gives) {
            (void)pthread_cond_wait(gives ? &emptied : &filled, &mutex);
        }
        if (gives) {
            parcel = i;
        } else {
            taken += parcel;
        }
        full = gives;
        (void)pthread_cond_signal(gives ? &filled : &emptied);
        (void)pthread_mutex_unlock(&mutex);
    }
}

TEST(D5_conditions)
{
    const uint64_t n = ROUNDS / 10;

    taken = 0;
    full = false;
    together(hand_over);
    CHECK_EQ(taken, THREADS / 2 * n * (n + 1) / 2);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t pair[2]; /* plain, equal whenever nobody writes */
static atomic_uint torn;

static void read_and_write(unsigned self)
{
    for (int i = 0; i < ROUNDS / 3; i++) {
        if (((unsigned)i + self) % 8 == 0) {
            (void)pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            pair[1]++;
        } else {
            (void)pthread_rwlock_rdlock(&rwlock);
            if (pair[0] != pair[1]) {
                (void)atomic_fetch_add(&torn, 1);
            }
        }
        (void)pthread_rwlock_unlock(&rwlock);
    }
}

TEST(D5_readers_and_writers)
{
    together(read_and_write);
    CHECK_EQ(atomic_load(&torn), 0);
    CHECK_EQ(pair[0], pair[1]);
    CHECK(pair[0] != 0);
}

TEST_MAIN
