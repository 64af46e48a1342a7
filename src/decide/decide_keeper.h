/*
 * Keeps collateral: in memory for decisions, in the store for all instances and for the next start, and
 * fresh by asking its source before it expires. What the source answers takes the place of what is there
 * only if it is well formed, of the right platform, and not older. Private to src/decide.
 *
 * A source that fails is asked again after a while that doubles, up to an hour; what is there stays. What
 * nobody vouches for (a chip that only a report names) anybody can invent: only some of it is asked for in a
 * minute, less for one client, one at a time, and nobody waits for another's, so that at most one thread does.
 */
#ifndef CM_DECIDE_DECIDE_KEEPER_H
#define CM_DECIDE_DECIDE_KEEPER_H

#include <stdio.h>

#include "decide/decide_kept.h"

struct cm_keeper;

/** What a keeper stands on. All of them may wait; none is called on a loop. */
struct cm_keeper_ops {
    /**
     * Ask the source, and verify as far as that goes without a quote: what is wrong must not take the
     * place of what is right.
     * @param issuers  a PCK chain under which such collateral counts, as of struct cm_keeper_ask
     * @retval CM_ERR_NOTFOUND it does not know it, or there is no source
     */
    enum cm_status (*fetch)(void *arg, uint64_t now, const struct cm_want *want,
                            struct cm_span issuers, struct cm_kept **out, struct cm_why *why);
    /** From the store, by name. @retval CM_ERR_NOTFOUND */
    enum cm_status (*load)(void *arg, const char *name, struct cm_kept **out, struct cm_why *why);
    /** Into the store; failing is no failure of the caller's. */
    enum cm_status (*save)(void *arg, const struct cm_kept *kept, struct cm_why *why);
    /** Something a person should know: one line. */
    void (*tell)(void *arg, const char *name, const char *what);
    void *arg;
    unsigned waiters;     /* threads that may fetch, or wait for who does, at once; 0: no bound.
                             Beyond that cm_keeper_get() is busy. Not counted: cm_keeper_tick() */
    unsigned patience_ms; /* others wait for a fetch under way until it has lasted so long */
};

#define CM_KEEPER_MAX 4096u /* kept at once; least recently used go first */
#define CM_KEEPER_UNUSED \
    (30 * UINT64_C(86400))             /* seconds after which what nobody uses is forgotten */
#define CM_KEEPER_UNVOUCHED        30u /* fetches a minute of what nobody vouches for */
#define CM_KEEPER_UNVOUCHED_CLIENT 6u  /* of them, of one client */

CM_MUST_USE enum cm_status cm_keeper_create(const struct cm_keeper_ops *ops,
                                            struct cm_keeper **out);
/** Accepts NULL. Nobody may be in it. */
void cm_keeper_free(struct cm_keeper *k);

/** How a caller asks. */
struct cm_keeper_ask {
    uint64_t now;
    bool may_wait;
    bool vouched;           /* a chain to a trusted root stands behind it: */
    struct cm_span issuers; /* this one, of a quote; {NULL, 0} when there is none */
    const char *client;     /* name or address of who asks, whose budget counts; NULL: as "" */
};

/**
 * What is wanted, if it can be had. Thread-safe.
 *
 * @param out  set on CM_OK: one reference for the caller. It MAY BE STALE, when the source cannot be had;
 *             then why says what is wrong with the source. Whoever verifies it judges its age.
 * @retval CM_ERR_BUSY      it must be fetched, and may_wait is false, or as many as may wait for sources
 *                          already; or nobody vouches for it, and too much
 *                          of such is being asked for: it says nothing about what is wanted
 * @retval others           the source's, now or when it was last asked
 */
CM_MUST_USE enum cm_status cm_keeper_get(struct cm_keeper *k, const struct cm_want *want,
                                         const struct cm_keeper_ask *ask, struct cm_kept **out,
                                         struct cm_why *why);

/** What is there under a name, whatever its age; NULL: nothing. The caller drops it. */
struct cm_kept *cm_keeper_peek(struct cm_keeper *k, const char *name);

/** Put in what came another way (import, the store at start, another instance).
 * @param used  when it was last asked for
 * @retval CM_ERR_POLICY  it is older than what is there */
CM_MUST_USE enum cm_status cm_keeper_put(struct cm_keeper *k, struct cm_kept *kept, uint64_t used,
                                         struct cm_why *why);

/** Renew what grows old, and let go of what nobody used for a long time. On a worker. */
void cm_keeper_tick(struct cm_keeper *k, uint64_t now);

/** Ask sources again at once, whatever failed before: after a change of them. */
void cm_keeper_retry(struct cm_keeper *k);

/** One thing that is kept, or was asked for in vain, for people and metrics. */
struct cm_keeper_state {
    const struct cm_kept *kept; /* NULL: there is none; borrowed for the call */
    const char *name;
    uint64_t used;     /* when it was last asked for */
    uint64_t failures; /* of its source, since the last success */
    const char *error; /* of the last one; "" */
};
typedef void cm_keeper_each_fn(void *arg, const struct cm_keeper_state *state);
/** Each of them, under a lock: fn must not call the keeper, nor wait. */
void cm_keeper_each(struct cm_keeper *k, cm_keeper_each_fn *fn, void *arg);

/**
 * Whether nothing that was used lately is stale. @return false: why names the first.
 */
bool cm_keeper_fresh(struct cm_keeper *k, uint64_t now, uint64_t grace, struct cm_why *why);

/** Counters since the start. */
struct cm_keeper_counts {
    uint64_t fetched;
    uint64_t failed;
    uint64_t rolled_back;
};
struct cm_keeper_counts cm_keeper_counts(struct cm_keeper *k);

#endif
