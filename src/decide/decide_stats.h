/*
 * What is counted of decisions: for metrics since the start, and for the overview and the inventory, which
 * the store has. Sums are written every few seconds: what a killed process had not written is missing from
 * them, never from the log. Private to src/decide. Thread-safe.
 */
#ifndef CM_DECIDE_DECIDE_STATS_H
#define CM_DECIDE_DECIDE_STATS_H

#include <stdio.h>

#include "decide/decide_record.h"

struct cm_stats;
struct cm_deltas; /* sums that are not in the store yet */

CM_MUST_USE enum cm_status cm_stats_create(struct cm_stats **out);
/** Accepts NULL. */
void cm_stats_free(struct cm_stats *s);

/** Count a recorded decision. @return whether it is time to write (cm_stats_take()) */
bool cm_stats_note(struct cm_stats *s, const struct cm_facts *f);
/** The sums so far, which begin anew; NULL: there are none. */
struct cm_deltas *cm_stats_take(struct cm_stats *s, uint64_t now);
/** They could not be written: they are added again. */
void cm_stats_give_back(struct cm_stats *s, struct cm_deltas *d);
/** Accepts NULL. */
void cm_deltas_free(struct cm_deltas *d);
/** Within a transaction. */
CM_MUST_USE enum cm_status cm_deltas_write(struct cm_db *db, const struct cm_deltas *d,
                                           struct cm_why *why);

/** Of the decisions of this process: seconds within which half and 99% of them were made. */
struct cm_latency {
    uint64_t count;
    double p50;
    double p99;
};
/** Since the start. */
struct cm_latency cm_stats_latency(struct cm_stats *s);
/** Of `count` minutes from minute `first` on (seconds / 60); of the last day only. */
struct cm_latency cm_stats_latency_at(struct cm_stats *s, int64_t first, int64_t count);
/** Prometheus text. */
void cm_stats_metrics(struct cm_stats *s, FILE *out);

#endif
