/*
 * Mutexes (pthread and C11) on the waiting room of inside_lock.c. Our own layout inside musl's and
 * glibc's 40-byte pthread_mutex_t: OpenSSL's archive was compiled with glibc's headers, both have
 * all-zero initialisers and the same size.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <threads.h>

#include "libc/inside_lock.h"
#include "libc/inside_musl.h"

struct mutex {
    int type; /* PTHREAD_MUTEX_* */
    int lock; /* as in cm_lock: 0 free, 1 taken, 2 taken and somebody may wait */
    int owner;
    int depth; /* of a recursive mutex: locks beyond the first */
};

_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "fits pthread_mutex_t");
_Static_assert(sizeof(struct mutex) <= sizeof(mtx_t), "fits mtx_t");

static struct mutex *as_mutex(void *m)
{
    return m;
}

static int own_tid(void)
{
    int tid;

    memcpy(&tid, (char *)__builtin_thread_pointer() + CM_MUSL_PTHREAD_TID, sizeof(tid));
    return tid;
}

int pthread_mutex_init(pthread_mutex_t *restrict m, const pthread_mutexattr_t *restrict attr)
{
    unsigned bits = 0;

    if (attr != NULL) {
        memcpy(&bits, attr, sizeof(bits));
    }
    memset(m, 0, sizeof(*m));
    as_mutex(m)->type = (int)(bits & 3);
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *m)
{
    return __atomic_load_n(&as_mutex(m)->lock, __ATOMIC_RELAXED) == 0 ? 0 : EBUSY;
}

/* Takes a free mutex at once. */
static bool try_take(struct mutex *m)
{
    int seen = 0;

    if (!__atomic_compare_exchange_n(&m->lock, &seen, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return false;
    }
    __atomic_store_n(&m->owner, own_tid(), __ATOMIC_RELAXED);
    return true;
}

/* 0, or what locking again by the owner means; -1 when the caller is not the owner. */
static int lock_again(struct mutex *m, int error_when_checked)
{
    if (m->type == PTHREAD_MUTEX_NORMAL ||
        __atomic_load_n(&m->owner, __ATOMIC_RELAXED) != own_tid()) {
        return -1;
    }
    if (m->type == PTHREAD_MUTEX_ERRORCHECK) {
        return error_when_checked;
    }
    if (m->depth == __INT_MAX__) {
        return EAGAIN;
    }
    m->depth++;
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    struct mutex *m = as_mutex(mutex);
    int again;

    if (try_take(m)) {
        return 0;
    }
    again = lock_again(m, EBUSY);
    return again >= 0 ? again : EBUSY;
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict deadline)
{
    struct mutex *m = as_mutex(mutex);
    unsigned spins;
    int again;

    if (try_take(m)) {
        return 0;
    }
    again = lock_again(m, EDEADLK);
    if (again >= 0) {
        return again;
    }
    for (spins = 0; spins < 100; spins++) {
        if (__atomic_load_n(&m->lock, __ATOMIC_RELAXED) == 0 && try_take(m)) {
            return 0;
        }
        __builtin_ia32_pause();
    }
    while (__atomic_exchange_n(&m->lock, 2, __ATOMIC_ACQUIRE) != 0) {
        int err = cm_futex_wait(&m->lock, 2, CLOCK_REALTIME, deadline);

        if (err == ETIMEDOUT || err == EINVAL) {
            return err;
        }
    }
    __atomic_store_n(&m->owner, own_tid(), __ATOMIC_RELAXED);
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return pthread_mutex_timedlock(mutex, NULL);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    struct mutex *m = as_mutex(mutex);

    if (m->type != PTHREAD_MUTEX_NORMAL) {
        if (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != own_tid()) {
            return EPERM;
        }
        if (m->depth > 0) {
            m->depth--;
            return 0;
        }
    }
    __atomic_store_n(&m->owner, 0, __ATOMIC_RELAXED);
    cm_unlock(&m->lock);
    return 0;
}

/* nothing of a robust or priority-aware mutex can be kept against the host's scheduler */
int pthread_mutex_consistent(pthread_mutex_t *m)
{
    (void)m;
    return EINVAL;
}

int pthread_mutex_getprioceiling(const pthread_mutex_t *restrict m, int *restrict ceiling)
{
    (void)m;
    (void)ceiling;
    return EINVAL;
}

int pthread_mutex_setprioceiling(pthread_mutex_t *restrict m, int ceiling, int *restrict old)
{
    (void)m;
    (void)ceiling;
    (void)old;
    return EINVAL;
}

int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int protocol)
{
    (void)attr;
    return protocol == PTHREAD_PRIO_NONE ? 0 : ENOTSUP;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust)
{
    (void)attr;
    return robust == PTHREAD_MUTEX_STALLED ? 0 : ENOTSUP;
}

static int to_thrd(int err)
{
    switch (err) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

int mtx_init(mtx_t *m, int type)
{
    memset(m, 0, sizeof(*m));
    as_mutex(m)->type = (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : 0;
    return thrd_success;
}

void mtx_destroy(mtx_t *m)
{
    (void)m;
}

int mtx_lock(mtx_t *m)
{
    return to_thrd(pthread_mutex_lock((pthread_mutex_t *)(void *)m));
}

int mtx_trylock(mtx_t *m)
{
    return to_thrd(pthread_mutex_trylock((pthread_mutex_t *)(void *)m));
}

int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict deadline)
{
    return to_thrd(pthread_mutex_timedlock((pthread_mutex_t *)(void *)m, deadline));
}

int mtx_unlock(mtx_t *m)
{
    return to_thrd(pthread_mutex_unlock((pthread_mutex_t *)(void *)m));
}
