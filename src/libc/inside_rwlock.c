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

/*
 * state: number of readers, or WRITER, and AWAITED when somebody may sleep until it becomes free. One
 * word, so that who unlocks learns all in the one access that gives the lock away: the next owner may
 * free the memory.
 */
#define AWAITED 0x80000000u
#define WRITER  0x7fffffffu
#define READERS 0x7ffffffeu

struct rwlock {
    unsigned state;
};

struct semaphore {
    int value;
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

/* Both return 0, EBUSY or EAGAIN, and in *seen the state that decided. */
static int try_read(struct rwlock *l, unsigned *seen)
{
    *seen = __atomic_load_n(&l->state, __ATOMIC_RELAXED);
    do {
        if ((*seen & ~AWAITED) == WRITER) {
            return EBUSY;
        }
        if ((*seen & ~AWAITED) == READERS) {
            return EAGAIN;
        }
    } while (!__atomic_compare_exchange_n(&l->state, seen, *seen + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return 0;
}

static int try_write(struct rwlock *l, unsigned *seen)
{
    *seen = __atomic_load_n(&l->state, __ATOMIC_RELAXED);
    do {
        if ((*seen & ~AWAITED) != 0) {
            return EBUSY;
        }
    } while (!__atomic_compare_exchange_n(&l->state, seen, *seen | WRITER, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return 0;
}

/* Repeats attempt until it gives something else than EBUSY or the deadline has passed. */
static int take(struct rwlock *l, int (*attempt)(struct rwlock *, unsigned *),
                const struct timespec *deadline)
{
    unsigned spins = 0;
    unsigned seen;
    int err;

    while ((err = attempt(l, &seen)) == EBUSY) {
        if (spins < 100) {
            spins++;
            __builtin_ia32_pause();
            continue;
        }
        if ((seen & AWAITED) == 0 &&
            !__atomic_compare_exchange_n(&l->state, &seen, seen | AWAITED, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED)) {
            continue;
        }
        err = cm_futex_wait((const int *)(const void *)&l->state, (int)(seen | AWAITED),
                            CLOCK_REALTIME, deadline);
        if (err == ETIMEDOUT || err == EINVAL) {
            break;
        }
    }
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
    unsigned seen;

    return try_read(as_rwlock(l), &seen);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    unsigned seen;

    return try_write(as_rwlock(l), &seen);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    struct rwlock *l = as_rwlock(lock);
    unsigned state = __atomic_load_n(&l->state, __ATOMIC_RELAXED);
    unsigned next;

    do {
        unsigned held = state & ~AWAITED;

        if (held == 0) {
            return EPERM;
        }
        next = held == WRITER || held == 1 ? 0 : state - 1;
    } while (!__atomic_compare_exchange_n(&l->state, &state, next, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    if (next == 0 && (state & AWAITED) != 0) {
        cm_futex_wake((const int *)(const void *)&l->state, __INT_MAX__);
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
        err = cm_futex_wait(&as_sem(s)->value, 0, CLOCK_REALTIME, deadline);
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
    cm_futex_wake(&as_sem(s)->value, 1); /* by address: the semaphore may be gone already */
    return 0;
}
