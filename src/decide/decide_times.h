/* How long decisions took, since the start and minute by minute of the last day. Not thread-safe. Private. */
#ifndef CM_DECIDE_DECIDE_TIMES_H
#define CM_DECIDE_DECIDE_TIMES_H

#include "decide/decide_stats.h"

struct cm_times;

/** NULL: out of memory. */
struct cm_times *cm_times_new(void);
/** Accepts NULL. */
void cm_times_free(struct cm_times *t);
void cm_times_note(struct cm_times *t, int64_t minute, uint64_t ns);
struct cm_latency cm_times_all(const struct cm_times *t);
struct cm_latency cm_times_at(const struct cm_times *t, int64_t first, int64_t count);

#endif
