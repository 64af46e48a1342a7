/*
 * The waiting room of the enclave: threads that wait for a word queue up in enclave memory, and the
 * host is only asked to let a thread sleep or to wake it. A host that wakes at random, too often or
 * never can delay threads but cannot let one pass: only a flag in enclave memory does.
 */
#include "libc/inside_lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "libc/inside_runtime.h"

#define BUCKETS  64u
#define NS_PER_S 1000000000

/* Stands on the waiting thread's stack; linked while it waits and owned by the bucket's lock. */
struct waiter {
    struct waiter *next;
    const int *word;
    void *td;
    int woken;
};

struct bucket {
    int lock;
    struct waiter *first;
    struct waiter *last;
} __attribute__((aligned(64)));

static struct bucket buckets[BUCKETS];

static struct bucket *bucket_of(const int *word)
{
    uintptr_t x = (uintptr_t)word >> 2;

    return &buckets[(x ^ (x >> 6) ^ (x >> 12)) % BUCKETS];
}

/* Sections under this lock are a few loads and stores without a call out, so spinning is right. */
static void bucket_lock(struct bucket *b)
{
    while (__atomic_exchange_n(&b->lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&b->lock, __ATOMIC_RELAXED) != 0) {
            __builtin_ia32_pause();
        }
    }
}

static void bucket_unlock(struct bucket *b)
{
    __atomic_store_n(&b->lock, 0, __ATOMIC_RELEASE);
}

static void append(struct bucket *b, struct waiter *w)
{
    w->next = NULL;
    if (b->last == NULL) {
        b->first = w;
    } else {
        b->last->next = w;
    }
    b->last = w;
}

/* Unlinks and returns the first waiter that is `only`, or that waits for word when only is NULL. */
static struct waiter *unlink_waiter(struct bucket *b, const struct waiter *only, const int *word)
{
    struct waiter *before = NULL;
    struct waiter *w;

    for (w = b->first; w != NULL; w = w->next) {
        if (only != NULL ? w == only : w->word == word) {
            if (before == NULL) {
                b->first = w->next;
            } else {
                before->next = w->next;
            }
            if (b->last == w) {
                b->last = before;
            }
            return w;
        }
        before = w;
    }
    return NULL;
}

/* At most a second, which is when the clock is looked at again. */
uint64_t cm_time_left(clockid_t clock, const struct timespec *deadline)
{
    struct timespec now;
    time_t seconds;
    long nanoseconds;

    if (clock_gettime(clock, &now) != 0 || now.tv_sec > deadline->tv_sec) {
        return 0;
    }
    if (__builtin_sub_overflow(deadline->tv_sec, now.tv_sec, &seconds) || seconds > 1) {
        return NS_PER_S;
    }
    nanoseconds = (long)seconds * NS_PER_S + deadline->tv_nsec - now.tv_nsec;
    return nanoseconds <= 0 ? 0 : nanoseconds > NS_PER_S ? NS_PER_S : (uint64_t)nanoseconds;
}

int cm_futex_wait(const int *word, int expected, clockid_t clock, const struct timespec *deadline)
{
    struct bucket *b = bucket_of(word);
    struct waiter me = {NULL, word, cm_td_self(), 0};

    if (deadline != NULL && (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000)) {
        return EINVAL;
    }
    bucket_lock(b);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) {
        bucket_unlock(b);
        return EAGAIN;
    }
    append(b, &me);
    bucket_unlock(b);
    while (__atomic_load_n(&me.woken, __ATOMIC_ACQUIRE) == 0) {
        uint64_t left = deadline == NULL ? 0 : cm_time_left(clock, deadline);

        if (deadline == NULL) {
            cm_thread_wait();
        } else if (left != 0) {
            cm_thread_wait_for(left);
        } else {
            bool still_waiting;

            bucket_lock(b);
            still_waiting = unlink_waiter(b, &me, NULL) != NULL;
            bucket_unlock(b);
            if (still_waiting) {
                return ETIMEDOUT;
            }
            /* a waker has taken this thread off the list and is about to set the flag */
            __builtin_ia32_pause();
        }
    }
    return 0;
}

void cm_futex_wake(const int *word, int count)
{
    struct bucket *b = bucket_of(word);

    while (count-- > 0) {
        struct waiter *w;
        void *td;

        bucket_lock(b);
        w = unlink_waiter(b, NULL, word);
        bucket_unlock(b);
        if (w == NULL) {
            return;
        }
        td = w->td;
        __atomic_store_n(&w->woken, 1, __ATOMIC_RELEASE); /* from here on *w may be gone */
        cm_thread_wake(td);
    }
}

/* 0 free, 1 taken, 2 taken and somebody may wait */
void cm_lock(int *lock)
{
    unsigned spins;
    int seen = 0;

    for (spins = 0; spins < 100; spins++) {
        seen = 0;
        if (__atomic_compare_exchange_n(lock, &seen, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return;
        }
        if (seen == 2) {
            break;
        }
        __builtin_ia32_pause();
    }
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) != 0) {
        (void)cm_futex_wait(lock, 2, CLOCK_REALTIME, NULL);
    }
}

void cm_unlock(int *lock)
{
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2) {
        cm_futex_wake(lock, 1);
    }
}
