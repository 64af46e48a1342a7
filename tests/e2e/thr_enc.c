/* Enclave code that makes threads, joins them, sleeps and waits with a limit. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <openenclave/enclave.h>

#include "thr_t.h"

enum { COUNT_MAX = 8, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static uint64_t guarded;
static atomic_int destroyed;
static atomic_ullong runs;
static atomic_int go;
static _Thread_local int own = 5;

static void destroy(void *value)
{
    (void)value;
    atomic_fetch_add(&destroyed, 1);
}

static void *count(void *arg)
{
    const int wrong = own != 5;

    own = 6;
    atomic_fetch_add(&runs, 1);
    (void)pthread_setspecific(key, arg);
    for (int i = 0; i < ROUNDS; i++) {
        (void)pthread_mutex_lock(&mutex);
        guarded++;
        (void)pthread_mutex_unlock(&mutex);
    }
    return wrong != 0 ? NULL : arg;
}

int thr_make(int n)
{
    pthread_t t[COUNT_MAX];
    int args[COUNT_MAX];
    int bad = pthread_key_create(&key, destroy) != 0;

    guarded = 0;
    atomic_store(&destroyed, 0);
    for (int i = 0; i < n; i++) {
        bad += pthread_create(&t[i], NULL, count, &args[i]) != 0;
    }
    for (int i = 0; i < n && bad == 0; i++) {
        void *value = NULL;

        bad += pthread_equal(t[i], pthread_self()) != 0;
        bad += pthread_join(t[i], &value) != 0 || value != &args[i];
    }
    bad += guarded != (uint64_t)n * ROUNDS || atomic_load(&destroyed) != n;
    bad += pthread_key_delete(key) != 0;
    return bad;
}

static int deep(int n)
{
    volatile int below = n;

    if (n == 0) {
        pthread_exit((void *)(uintptr_t)77);
    }
    below += n > 100 ? 0 : deep(n - 1);
    return below;
}

static void *exit_deep(void *arg)
{
    pthread_t *me = arg;

    *me = pthread_self();
    return deep(20) != 0 ? NULL : arg;
}

static int c11(void *arg)
{
    return *(int *)arg == 3 ? -12 : 1;
}

static int c11_exit(void *arg)
{
    (void)arg;
    thrd_exit(9);
}

int thr_exit(void)
{
    pthread_t t;
    pthread_t seen = NULL;
    thrd_t c;
    void *value = NULL;
    int three = 3;
    int result = 0;
    int bad = pthread_create(&t, NULL, exit_deep, &seen) != 0 || pthread_join(t, &value) != 0;

    bad += value != (void *)(uintptr_t)77 || !pthread_equal(seen, t);
    bad += thrd_create(&c, c11, &three) != thrd_success || thrd_join(c, &result) != thrd_success;
    bad += result != -12;
    bad += thrd_create(&c, c11_exit, NULL) != thrd_success;
    bad += thrd_join(c, &result) != thrd_success || result != 9;
    return bad;
}

static void *add_and_signal(void *arg)
{
    (void)pthread_mutex_lock(&mutex);
    ++*(int *)arg;
    (void)pthread_cond_signal(&cond);
    (void)pthread_mutex_unlock(&mutex);
    return NULL;
}

int thr_detached(int n)
{
    static int done; /* the last of them may end after this function */
    pthread_attr_t attr;
    int bad = 0;

    done = 0;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < n; i++) {
        pthread_t t;
        int err = EAGAIN;

        while (err == EAGAIN) { /* until those before have left */
            err = pthread_create(&t, i % 2 == 0 ? &attr : NULL, add_and_signal, &done);
        }
        bad += err != 0 || (i % 2 != 0 && pthread_detach(t) != 0);
    }
    (void)pthread_mutex_lock(&mutex);
    while (done < n) {
        (void)pthread_cond_wait(&cond, &mutex);
    }
    (void)pthread_mutex_unlock(&mutex);
    return bad;
}

static void *until_go(void *arg)
{
    (void)pthread_mutex_lock(&mutex);
    while (atomic_load(&go) == 0) {
        (void)pthread_cond_wait(&cond, &mutex);
    }
    (void)pthread_mutex_unlock(&mutex);
    return arg;
}

void thr_release(void)
{
    (void)pthread_mutex_lock(&mutex);
    atomic_store(&go, 1);
    (void)pthread_cond_broadcast(&cond);
    (void)pthread_mutex_unlock(&mutex);
}

/* 4 TCS: this thread and three others; then there is none until one has gone */
int thr_too_many(void)
{
    pthread_t t[4];
    int bad = 0;

    atomic_store(&go, 0);
    for (int i = 0; i < 3; i++) {
        bad += pthread_create(&t[i], NULL, until_go, NULL) != 0;
    }
    bad += pthread_create(&t[3], NULL, until_go, NULL) != EAGAIN;
    bad += thrd_create(&t[3], c11, NULL) != thrd_nomem;
    thr_release();
    for (int i = 0; i < 3; i++) {
        bad += pthread_join(t[i], NULL) != 0;
    }
    return bad;
}

static void *join_maker(void *arg)
{
    const pthread_t *maker = arg;

    return pthread_join(*maker, NULL) == ESRCH ? arg : NULL; /* it came in by an ecall */
}

int thr_misuse(void)
{
    pthread_t me = pthread_self();
    pthread_t t;
    void *value = NULL;
    int bad = pthread_join(me, NULL) != EDEADLK;

    bad += pthread_join((pthread_t)(void *)&t, NULL) != ESRCH;
    bad += pthread_detach((pthread_t)(void *)&t) != ESRCH;
    bad += pthread_create(&t, NULL, join_maker, &me) != 0;
    bad += pthread_join(t, &value) != 0 || value != &me;
    bad += pthread_join(t, NULL) != ESRCH; /* twice */
    return bad;
}

int thr_leave_running(void)
{
    pthread_t t;

    atomic_store(&go, 0);
    return pthread_create(&t, NULL, until_go, NULL) != 0 || pthread_detach(t) != 0;
}

/* The host refuses, or says that it has refused: nothing has run, or all is well. */
int thr_host_failed(void)
{
    pthread_t t;
    int err = pthread_create(&t, NULL, count, NULL);

    return err == 0 ? pthread_join(t, NULL) : err;
}

uint64_t thr_run_count(void)
{
    return atomic_load(&runs);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int thr_sleep(uint64_t ms)
{
    const uint64_t before = now_ms();
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};
    struct timespec bad_time = {0, 1000000000};
    int bad = nanosleep(&t, NULL) != 0 || now_ms() - before < ms;

    bad += usleep(1000) != 0;
    bad += clock_gettime(CLOCK_REALTIME, &t) != 0;
    bad += clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) != 0; /* has passed */
    bad += nanosleep(&bad_time, NULL) != -1 || errno != EINVAL;
    bad += clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL) == 0;
    return bad;
}

static void *lock_and_wait(void *arg)
{
    (void)pthread_mutex_lock(arg);
    atomic_store(&go, 1);
    while (atomic_load(&go) == 1) {
        (void)usleep(1000);
    }
    (void)pthread_mutex_unlock(arg);
    return NULL;
}

int thr_timeouts(void)
{
    pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
    pthread_t t;
    struct timespec until;
    int bad;

    atomic_store(&go, 0);
    bad = pthread_create(&t, NULL, lock_and_wait, &held) != 0;
    while (atomic_load(&go) == 0) {
        (void)usleep(100);
    }
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    bad += pthread_mutex_timedlock(&held, &until) != ETIMEDOUT;
    until.tv_sec += 100;
    atomic_store(&go, 2);
    bad += pthread_mutex_timedlock(&held, &until) != 0; /* woken, long before the limit */
    bad += pthread_mutex_unlock(&held) != 0;
    bad += pthread_join(t, NULL) != 0;
    return bad;
}

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, 1, 0, 0, 0, 1024, 64, 4);
