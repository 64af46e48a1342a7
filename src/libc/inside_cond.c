/*
 * Condition variables (pthread and C11) and barriers on the waiting room of inside_lock.c. A
 * condition variable is a sequence number: a waiter sleeps as long as it is the number it saw while
 * it still held the mutex. A waiter that was woken does not touch it again, since POSIX lets the
 * waker free it then.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <threads.h>

#include "libc/inside_lock.h"

struct cond {
    int sequence;
    clockid_t clock;
};

struct barrier {
    int lock;
    int round;
    unsigned arrived;
    unsigned limit;
};

_Static_assert(sizeof(struct cond) <= sizeof(pthread_cond_t), "fits pthread_cond_t");
_Static_assert(sizeof(struct cond) <= sizeof(cnd_t), "fits cnd_t");
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "fits pthread_barrier_t");

static struct cond *as_cond(void *c)
{
    return c;
}

int pthread_cond_init(pthread_cond_t *restrict c, const pthread_condattr_t *restrict attr)
{
    unsigned bits = 0;

    if (attr != NULL) {
        memcpy(&bits, attr, sizeof(bits));
    }
    memset(c, 0, sizeof(*c));
    as_cond(c)->clock = (clockid_t)(bits & 0x7fffffff);
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *c)
{
    (void)c;
    return 0;
}

static int wait_until(struct cond *c, pthread_mutex_t *m, clockid_t clock,
                      const struct timespec *deadline)
{
    int seen = __atomic_load_n(&c->sequence, __ATOMIC_ACQUIRE);
    int err;
    int locked;

    err = pthread_mutex_unlock(m);
    if (err != 0) {
        return err;
    }
    err = cm_futex_wait(&c->sequence, seen, clock, deadline);
    locked = pthread_mutex_lock(m);
    if (locked != 0) {
        return locked;
    }
    return err == EAGAIN ? 0 : err;
}

int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                           const struct timespec *restrict deadline)
{
    return wait_until(as_cond(c), m, as_cond(c)->clock, deadline);
}

int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
    return wait_until(as_cond(c), m, CLOCK_REALTIME, NULL);
}

static int signal_some(struct cond *c, int count)
{
    __atomic_add_fetch(&c->sequence, 1, __ATOMIC_SEQ_CST);
    cm_futex_wake(&c->sequence, count);
    return 0;
}

int pthread_cond_signal(pthread_cond_t *c)
{
    return signal_some(as_cond(c), 1);
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
    return signal_some(as_cond(c), __INT_MAX__);
}

int cnd_init(cnd_t *c)
{
    memset(c, 0, sizeof(*c));
    return thrd_success;
}

void cnd_destroy(cnd_t *c)
{
    (void)c;
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    int err = wait_until(as_cond(c), (pthread_mutex_t *)(void *)m, CLOCK_REALTIME, NULL);

    return err == 0 ? thrd_success : thrd_error;
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict deadline)
{
    int err = wait_until(as_cond(c), (pthread_mutex_t *)(void *)m, CLOCK_REALTIME, deadline);

    if (err == ETIMEDOUT) {
        return thrd_timedout;
    }
    return err == 0 ? thrd_success : thrd_error;
}

int cnd_signal(cnd_t *c)
{
    return signal_some(as_cond(c), 1) == 0 ? thrd_success : thrd_error;
}

int cnd_broadcast(cnd_t *c)
{
    return signal_some(as_cond(c), __INT_MAX__) == 0 ? thrd_success : thrd_error;
}

static struct barrier *as_barrier(void *b)
{
    return b;
}

int pthread_barrier_init(pthread_barrier_t *restrict b, const pthread_barrierattr_t *restrict attr,
                         unsigned count)
{
    (void)attr;
    if (count == 0 || count > __INT_MAX__) {
        return EINVAL;
    }
    memset(b, 0, sizeof(*b));
    as_barrier(b)->limit = count;
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *b)
{
    (void)b;
    return 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    struct barrier *b = as_barrier(barrier);
    bool last;
    int round;

    cm_lock(&b->lock);
    round = b->round;
    b->arrived++;
    last = b->arrived == b->limit;
    if (last) {
        b->arrived = 0;
        __atomic_store_n(&b->round, round + 1, __ATOMIC_RELEASE);
    }
    cm_unlock(&b->lock);
    if (last) {
        cm_futex_wake(&b->round, __INT_MAX__);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (__atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round) {
        (void)cm_futex_wait(&b->round, round, CLOCK_REALTIME, NULL);
    }
    return 0;
}
