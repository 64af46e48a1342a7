/*
 * Locks and thread-specific values with several threads at once, as concurrent ecalls use them. The
 * same cases run with a host that wakes sleepers for no reason (D5): they must come out the same.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "inside_case.h"

#define ROUNDS 3000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spin;
static sem_t sem;
static pthread_barrier_t barrier;
static atomic_uint arrived;

/* not atomic: only a lock that works keeps them right */
static unsigned long guarded;
static unsigned long guarded_recursive;
static unsigned long guarded_spin;
static unsigned long shared_a;
static unsigned long shared_b;
static unsigned turn;
static unsigned once_runs;

static void init_once(void)
{
    pthread_mutexattr_t attr;
    volatile unsigned i;

    for (i = 0; i < 100000; i++) { /* long enough for the other threads to arrive */
    }
    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&recursive, &attr);
    (void)pthread_spin_init(&spin, 0);
    (void)sem_init(&sem, 0, 1);
    once_runs++;
}

/* All threads leave together: nothing of the case runs alone. */
static void meet(unsigned threads)
{
    static atomic_uint made;

    if (atomic_fetch_add(&arrived, 1) == 0) {
        (void)pthread_barrier_init(&barrier, NULL, threads);
        atomic_store(&made, 1);
    }
    while (atomic_load(&made) == 0) {
        thrd_yield();
    }
    (void)pthread_barrier_wait(&barrier);
}

static int check_mutex(void)
{
    int failed = 0;
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        CASE_CHECK(failed, pthread_mutex_lock(&mutex) == 0);
        guarded++;
        CASE_CHECK(failed, pthread_mutex_unlock(&mutex) == 0);
        CASE_CHECK(failed, pthread_mutex_lock(&recursive) == 0);
        CASE_CHECK(failed, pthread_mutex_trylock(&recursive) == 0);
        guarded_recursive++;
        CASE_CHECK(failed, pthread_mutex_unlock(&recursive) == 0);
        CASE_CHECK(failed, pthread_mutex_unlock(&recursive) == 0);
        (void)sem_wait(&sem);
        (void)pthread_spin_lock(&spin);
        guarded_spin++;
        (void)pthread_spin_unlock(&spin);
        (void)sem_post(&sem);
    }
    CASE_CHECK(failed, pthread_mutex_unlock(&recursive) == EPERM);
    return failed;
}

/* Writers change two words that readers must never see apart. */
static int check_rwlock(unsigned thread)
{
    int failed = 0;
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        if ((i + thread) % 8 == 0) {
            CASE_CHECK(failed, pthread_rwlock_wrlock(&rwlock) == 0);
            shared_a++;
            shared_b++;
        } else {
            CASE_CHECK(failed, pthread_rwlock_rdlock(&rwlock) == 0);
            CASE_CHECK(failed, shared_a == shared_b);
        }
        CASE_CHECK(failed, pthread_rwlock_unlock(&rwlock) == 0);
    }
    return failed;
}

/* The threads take turns: each waits on the condition until it is its own. */
static int check_cond(unsigned thread, unsigned threads)
{
    int failed = 0;
    unsigned i;

    for (i = 0; i < 300; i++) {
        CASE_CHECK(failed, pthread_mutex_lock(&mutex) == 0);
        while (turn % threads != thread) {
            CASE_CHECK(failed, pthread_cond_wait(&cond, &mutex) == 0);
        }
        turn++;
        CASE_CHECK(failed, pthread_cond_broadcast(&cond) == 0);
        CASE_CHECK(failed, pthread_mutex_unlock(&mutex) == 0);
    }
    return failed;
}

static int check_timeouts(void)
{
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    pthread_mutexattr_t attr;
    pthread_mutex_t checked;
    struct timespec until;
    int failed = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    CASE_CHECK(failed, pthread_mutex_lock(&own) == 0);
    CASE_CHECK(failed, pthread_cond_timedwait(&never, &own, &until) == ETIMEDOUT);
    CASE_CHECK(failed, pthread_mutex_timedlock(&own, &until) == ETIMEDOUT);
    until.tv_nsec = -1;
    CASE_CHECK(failed, pthread_mutex_timedlock(&own, &until) == EINVAL);
    CASE_CHECK(failed, pthread_mutex_trylock(&own) == EBUSY);
    CASE_CHECK(failed, pthread_mutex_unlock(&own) == 0);
    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    (void)pthread_mutex_init(&checked, &attr);
    CASE_CHECK(failed, pthread_mutex_unlock(&checked) == EPERM);
    CASE_CHECK(failed, pthread_mutex_lock(&checked) == 0);
    CASE_CHECK(failed, pthread_mutex_lock(&checked) == EDEADLK);
    CASE_CHECK(failed, pthread_mutex_destroy(&checked) == EBUSY);
    CASE_CHECK(failed, pthread_mutex_unlock(&checked) == 0);
    CASE_CHECK(failed, pthread_create(NULL, NULL, NULL, NULL) == ENOSYS);
    return failed;
}

int cm_case_locks(unsigned thread, unsigned threads)
{
    int failed = 0;

    meet(threads);
    CASE_CHECK(failed, pthread_once(&once, init_once) == 0);
    CASE_CHECK(failed, once_runs == 1);
    failed += check_mutex();
    failed += check_rwlock(thread);
    failed += check_cond(thread, threads);
    (void)pthread_barrier_wait(&barrier);
    if (thread == 0) {
        failed += check_timeouts();
        CASE_CHECK(failed, guarded == (unsigned long)threads * ROUNDS);
        CASE_CHECK(failed, guarded_recursive == (unsigned long)threads * ROUNDS);
        CASE_CHECK(failed, guarded_spin == (unsigned long)threads * ROUNDS);
        CASE_CHECK(failed, shared_a == (unsigned long)threads * ROUNDS / 8);
        CASE_CHECK(failed, turn == threads * 300);
    }
    (void)pthread_barrier_wait(&barrier);
    return failed;
}

static atomic_uint destroyed;

static void count_destroyed(void *value)
{
    free(value);
    atomic_fetch_add(&destroyed, 1);
}

static void report_destroyed(void)
{
    (void)printf("  %u values destroyed\n", atomic_load(&destroyed));
    if (atomic_load(&destroyed) == 0) {
        abort();
    }
}

/* The destructors run after this function, when the thread ends; atexit checks that they did. */
int cm_case_keys(unsigned thread, unsigned threads)
{
    static pthread_key_t keys[8];
    int failed = 0;
    unsigned i;

    meet(threads);
    if (thread == 0) {
        for (i = 0; i < 8; i++) {
            CASE_CHECK(failed, pthread_key_create(&keys[i], count_destroyed) == 0);
        }
        CASE_CHECK(failed, atexit(report_destroyed) == 0);
    }
    (void)pthread_barrier_wait(&barrier);
    for (i = 0; i < 8; i++) {
        CASE_CHECK(failed, pthread_getspecific(keys[i]) == NULL);
        CASE_CHECK(failed, pthread_setspecific(keys[i], malloc(16 + i)) == 0);
        CASE_CHECK(failed, pthread_getspecific(keys[i]) != NULL);
    }
    (void)pthread_barrier_wait(&barrier);
    if (thread == 0) {
        pthread_key_t again;

        CASE_CHECK(failed, pthread_key_delete(keys[7]) == 0);
        CASE_CHECK(failed, pthread_key_create(&again, NULL) == 0);
        CASE_CHECK(failed, pthread_getspecific(again) == NULL); /* not the old key's value */
        CASE_CHECK(failed, pthread_key_delete(again) == 0);
        CASE_CHECK(failed, pthread_setspecific(again, &again) == EINVAL);
    }
    CASE_CHECK(failed, pthread_getspecific(1000) == NULL);
    return failed;
}

/* Whole lines of several threads must not be mixed: stdout has to be locked. */
int cm_case_streams(unsigned thread, unsigned threads)
{
    static FILE *shared;
    static char *text;
    static size_t len;
    int failed = 0;
    unsigned i;

    meet(threads);
    if (thread == 0) {
        shared = open_memstream(&text, &len);
    }
    (void)pthread_barrier_wait(&barrier);
    for (i = 0; i < 500; i++) {
        (void)fprintf(shared, "%c%c%c%c%c%c%c\n", 'a' + (int)thread, 'a' + (int)thread,
                      'a' + (int)thread, 'a' + (int)thread, 'a' + (int)thread, 'a' + (int)thread,
                      'a' + (int)thread);
    }
    (void)pthread_barrier_wait(&barrier);
    if (thread == 0) {
        CASE_CHECK(failed, fclose(shared) == 0 && len == (size_t)threads * 500 * 8);
        for (i = 0; i + 8 <= len; i += 8) {
            CASE_CHECK(failed, text[i] == text[i + 6] && text[i + 7] == '\n');
        }
        free(text);
    }
    return failed;
}
