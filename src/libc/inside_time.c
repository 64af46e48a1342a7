/*
 * Clocks. An enclave has no clock of its own: all of them tell the host's time, which is UNTRUSTED.
 * The one thing that is kept against the host is that CLOCK_MONOTONIC never runs backwards.
 */
#include <errno.h>
#include <time.h>

#include "libc/inside_lock.h"
#include "libc/inside_runtime.h"
#include "libc/syscall_inside.h"

#define NS_PER_S 1000000000ull

int __clock_gettime(clockid_t clock, struct timespec *t);

/* The latest time that any thread was told as CLOCK_MONOTONIC. */
static uint64_t latest;

static uint64_t monotonic(uint64_t now)
{
    uint64_t seen = __atomic_load_n(&latest, __ATOMIC_RELAXED);

    while (seen < now && !__atomic_compare_exchange_n(&latest, &seen, now, 1, __ATOMIC_RELAXED,
                                                      __ATOMIC_RELAXED)) {
    }
    return seen < now ? now : seen;
}

int __clock_gettime(clockid_t clock, struct timespec *t)
{
    uint64_t now;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        now = cm_host_time_ns();
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        now = monotonic(cm_host_time_ns());
        break;
    default:
        errno = EINVAL;
        return -1;
    }
    t->tv_sec = (time_t)(now / NS_PER_S);
    t->tv_nsec = (long)(now % NS_PER_S);
    return 0;
}

/* req + now, or the end of time */
static struct timespec later(const struct timespec *now, const struct timespec *req)
{
    struct timespec t = {0, now->tv_nsec + req->tv_nsec};
    const time_t carry = t.tv_nsec >= (long)NS_PER_S;

    t.tv_nsec -= carry * (long)NS_PER_S;
    if (__builtin_add_overflow(now->tv_sec, req->tv_sec, &t.tv_sec) ||
        __builtin_add_overflow(t.tv_sec, carry, &t.tv_sec)) {
        t.tv_sec = INT64_MAX;
    }
    return t;
}

/* No signal reaches an enclave's thread, so there is never a rest of the time to tell. */
long cm_sleep(clockid_t clock, int flags, const struct timespec *req)
{
    struct timespec until;
    uint64_t left;

    if (req->tv_nsec < 0 || req->tv_nsec >= (long)NS_PER_S || req->tv_sec < 0 ||
        (flags & ~TIMER_ABSTIME) != 0 || __clock_gettime(clock, &until) != 0) {
        return -EINVAL;
    }
    until = (flags & TIMER_ABSTIME) != 0 ? *req : later(&until, req);
    while ((left = cm_time_left(clock, &until)) != 0) {
        cm_thread_wait_for(left);
    }
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    return __clock_gettime(clock, t);
}

/* what the ocall's unit promises; the host's clock may well be coarser */
int clock_getres(clockid_t clock, struct timespec *t)
{
    struct timespec now;

    if (__clock_gettime(clock, &now) != 0) {
        return -1;
    }
    if (t != NULL) {
        t->tv_sec = 0;
        t->tv_nsec = 1;
    }
    return 0;
}
