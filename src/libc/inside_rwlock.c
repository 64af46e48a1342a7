/*
 * Read-write locks, run-once blocks and semaphores on the waiting room of inside_lock.c. Our own
 * layouts inside musl's and glibc's types (same sizes, all-zero initialisers): OpenSSL's archive was
 * compiled with glibc's headers.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <threads.h>

#include "libc/inside_lock.h"

#define WRITER  0x7fffffff
#define READERS 0x7ffffffe

/* state: number of readers, or WRITER. changed counts the moments at which it became 0. */
struct rwlock {
    int state;
    int changed;
    int waiters;
};

struct semaphore {
    int value;
    int waiters;
};

_Static_assert(sizeof(struct rwlock) <= sizeof(pthread_rwlock_t), "fits pthread_rwlock_t");
_Static_assert(sizeof(struct semaphore) <= sizeof(sem_t), "fits sem_t");

static struct rwlock *as_rwlock(void *l)
{
    return l;
}

int pthread_rwlock_init(pthread_rwlock_t *restrict l, const pthread_rwlockattr_t *restrict attr)
{
    (void)attr;
    memset(l, 0, sizeof(*l));
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    return __atomic_load_n(&as_rwlock(l)->state, __ATOMIC_RELAXED) == 0 ? 0 : EBUSY;
}

static int try_read(struct rwlock *l)
{
    int state = __atomic_load_n(&l->state, __ATOMIC_RELAXED);

    for (;;) {
        if (state == WRITER) {
            return EBUSY;
        }
        if (state == READERS) {
            return EAGAIN;
        }
        if (__atomic_compare_exchange_n(&l->state, &state, state + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return 0;
        }
    }
}

static int try_write(struct rwlock *l)
{
    int free_state = 0;

    return __atomic_compare_exchange_n(&l->state, &free_state, WRITER, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED)
               ? 0
               : EBUSY;
}

/* Repeats attempt until it gives something else than EBUSY or the deadline has passed. */
static int take(struct rwlock *l, int (*attempt)(struct rwlock *), const struct timespec *deadline)
{
    unsigned spins;
    int err = EBUSY;

    for (spins = 0; spins < 100 && err == EBUSY; spins++) {
        err = attempt(l);
        if (err == EBUSY) {
            __builtin_ia32_pause();
        }
    }
    if (err != EBUSY) {
        return err;
    }
    __atomic_add_fetch(&l->waiters, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        int seen = __atomic_load_n(&l->changed, __ATOMIC_SEQ_CST);
        int wait;

        err = attempt(l);
        if (err != EBUSY) {
            break;
        }
        wait = cm_futex_wait(&l->changed, seen, CLOCK_REALTIME, deadline);
        if (wait == ETIMEDOUT || wait == EINVAL) {
            err = wait;
            break;
        }
    }
    __atomic_sub_fetch(&l->waiters, 1, __ATOMIC_SEQ_CST);
    return err;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return take(as_rwlock(l), try_read, NULL);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return take(as_rwlock(l), try_write, NULL);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict l, const struct timespec *restrict t)
{
    return take(as_rwlock(l), try_read, t);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict l, const struct timespec *restrict t)
{
    return take(as_rwlock(l), try_write, t);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    return try_read(as_rwlock(l));
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    return try_write(as_rwlock(l));
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    struct rwlock *l = as_rwlock(lock);
    int state = __atomic_load_n(&l->state, __ATOMIC_RELAXED);
    int next;

    do {
        if (state == 0) {
            return EPERM;
        }
        next = state == WRITER ? 0 : state - 1;
    } while (!__atomic_compare_exchange_n(&l->state, &state, next, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    if (next == 0) {
        __atomic_add_fetch(&l->changed, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&l->waiters, __ATOMIC_SEQ_CST) != 0) {
            cm_futex_wake(&l->changed, __INT_MAX__);
        }
    }
    return 0;
}

/* states of a run-once block */
#define ONCE_NEW     0
#define ONCE_RUNNING 1
#define ONCE_DONE    2
#define ONCE_AWAITED 3 /* running, and somebody waits */

/* True when this call moved *once from one state to the other. */
static bool once_move(int *once, int from, int to)
{
    return __atomic_compare_exchange_n(once, &from, to, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
}

static void run_once(int *once, void (*init)(void))
{
    while (__atomic_load_n(once, __ATOMIC_ACQUIRE) != ONCE_DONE) {
        if (once_move(once, ONCE_NEW, ONCE_RUNNING)) {
            init();
            if (__atomic_exchange_n(once, ONCE_DONE, __ATOMIC_ACQ_REL) == ONCE_AWAITED) {
                cm_futex_wake(once, __INT_MAX__);
            }
            return;
        }
        (void)once_move(once, ONCE_RUNNING, ONCE_AWAITED);
        (void)cm_futex_wait(once, ONCE_AWAITED, CLOCK_REALTIME, NULL);
    }
}

int pthread_once(pthread_once_t *once, void (*init)(void))
{
    run_once(once, init);
    return 0;
}

void call_once(once_flag *once, void (*init)(void))
{
    run_once(once, init);
}

static struct semaphore *as_sem(void *s)
{
    return s;
}

int sem_init(sem_t *s, int pshared, unsigned value)
{
    (void)pshared;
    if (value > SEM_VALUE_MAX) {
        errno = EINVAL;
        return -1;
    }
    memset(s, 0, sizeof(*s));
    as_sem(s)->value = (int)value;
    return 0;
}

int sem_destroy(sem_t *s)
{
    (void)s;
    return 0;
}

int sem_getvalue(sem_t *restrict s, int *restrict value)
{
    *value = __atomic_load_n(&as_sem(s)->value, __ATOMIC_SEQ_CST);
    return 0;
}

int sem_trywait(sem_t *s)
{
    int value = __atomic_load_n(&as_sem(s)->value, __ATOMIC_RELAXED);

    while (value > 0) {
        if (__atomic_compare_exchange_n(&as_sem(s)->value, &value, value - 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            return 0;
        }
    }
    errno = EAGAIN;
    return -1;
}

int sem_timedwait(sem_t *restrict s, const struct timespec *restrict deadline)
{
    int err = 0;

    while (sem_trywait(s) != 0) {
        __atomic_add_fetch(&as_sem(s)->waiters, 1, __ATOMIC_SEQ_CST);
        err = cm_futex_wait(&as_sem(s)->value, 0, CLOCK_REALTIME, deadline);
        __atomic_sub_fetch(&as_sem(s)->waiters, 1, __ATOMIC_SEQ_CST);
        if (err == ETIMEDOUT || err == EINVAL) {
            errno = err;
            return -1;
        }
    }
    return 0;
}

int sem_wait(sem_t *s)
{
    return sem_timedwait(s, NULL);
}

int sem_post(sem_t *s)
{
    int value = __atomic_load_n(&as_sem(s)->value, __ATOMIC_RELAXED);

    do {
        if (value == SEM_VALUE_MAX) {
            errno = EOVERFLOW;
            return -1;
        }
    } while (!__atomic_compare_exchange_n(&as_sem(s)->value, &value, value + 1, true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    if (__atomic_load_n(&as_sem(s)->waiters, __ATOMIC_SEQ_CST) != 0) {
        cm_futex_wake(&as_sem(s)->value, 1);
    }
    return 0;
}
