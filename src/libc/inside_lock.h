/*
 * Waiting for a word in enclave memory to change, and the smallest lock built on it. Everything
 * that blocks inside an enclave goes through here. No lock state ever stands in host memory, and
 * what the host's sleep and wake do is only a hint (D5).
 */
#ifndef CM_LIBC_INSIDE_LOCK_H
#define CM_LIBC_INSIDE_LOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Blocks while *word is expected, until cm_futex_wake. deadline is on CLOCK_REALTIME or
 * CLOCK_MONOTONIC as clock says, NULL for none. Returns 0 (woken), EAGAIN (*word was different
 * already), ETIMEDOUT or EINVAL. May not return 0 by chance.
 */
int cm_futex_wait(const int *word, int expected, clockid_t clock, const struct timespec *deadline);

/* Wakes at most count threads that wait for word. */
void cm_futex_wake(const int *word, int count);

/*
 * Nanoseconds until the deadline by the host's clock, at most a second; 0 when it has passed. The
 * deadline's tv_nsec must be in range.
 */
uint64_t cm_time_left(clockid_t clock, const struct timespec *deadline);

/* A lock for short sections. *lock is 0 at first. Not recursive. */
void cm_lock(int *lock);
void cm_unlock(int *lock);

#endif
