/*
 * Counting in bounded memory: requests of a peer (a token bucket), and failed tries of a peer or at an
 * account (a delay that doubles). A full table forgets who was seen longest ago in his row; which row
 * that is, is a secret of the process, so that nobody is pushed out on purpose. Thread-safe.
 *
 * NOT promised: that instances of a service count together; each has its own table.
 */
#ifndef CM_ACCESS_ACCESS_LIMIT_H
#define CM_ACCESS_ACCESS_LIMIT_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

struct cm_limit;

/** @param rows  a power of two; each holds 8 entries */
CM_MUST_USE enum cm_status cm_limit_create(size_t rows, struct cm_limit **out);
/** Accepts NULL. */
void cm_limit_free(struct cm_limit *l);

/**
 * Take one token from a bucket.
 * @param now_ms  of a clock that does not jump
 * @param rate    tokens a second; 0: everything may pass   @param burst  of a full bucket, at least 1
 * @return whether there was one
 */
bool cm_limit_take(struct cm_limit *l, const char *key, uint64_t now_ms, unsigned rate,
                   unsigned burst);

struct cm_limit_delay {
    unsigned free;    /* failures before there is a delay */
    unsigned longest; /* seconds: 1, 2, 4, ... at the most */
    unsigned forget;  /* seconds without a try after which all is forgotten */
};

/** Seconds to wait before the next try; 0: now. */
unsigned cm_limit_wait(struct cm_limit *l, const char *key, uint64_t now_ms,
                       const struct cm_limit_delay *d);
/** Count a try that failed, or may yet fail: before it is made, so that tries at once count, too. */
void cm_limit_failed(struct cm_limit *l, const char *key, uint64_t now_ms,
                     const struct cm_limit_delay *d);
/** One of them was none. */
void cm_limit_forgive(struct cm_limit *l, const char *key);
/** Forget the failures. */
void cm_limit_reset(struct cm_limit *l, const char *key);

/** Remember a key; whether it is remembered (the tables above are others: prefix the key). */
void cm_limit_remember(struct cm_limit *l, const char *key, uint64_t now_ms);
bool cm_limit_remembers(struct cm_limit *l, const char *key);

#define CM_LIMIT_PEER 48

/** What of an address is one peer: an IPv4 address, the first 64 bits of an IPv6 address. */
void cm_limit_peer(const char *address, char out[CM_LIMIT_PEER]);

#endif
