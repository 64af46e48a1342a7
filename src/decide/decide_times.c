/* See decide_times.h: counts by magnitude, four places in each power of two, from a microsecond on. */
#include "decide/decide_times.h"

#include <stdlib.h>
#include <string.h>

#define STEPS   ((size_t)4)
#define PLACES  (26 * STEPS) /* up to a minute */
#define MINUTES 1440

struct cm_times {
    uint64_t all[PLACES];
    struct {
        int64_t minute;
        uint32_t count[PLACES];
    } minutes[MINUTES];
};

struct cm_times *cm_times_new(void)
{
    return calloc(1, sizeof(struct cm_times));
}

void cm_times_free(struct cm_times *t)
{
    free(t);
}

/* The power of two, and the two bits behind it. */
static size_t place_of(uint64_t ns)
{
    const uint64_t us = ns / 1000 < STEPS ? STEPS : ns / 1000;
    const unsigned top = 63u - (unsigned)__builtin_clzll(us);
    const size_t place = (size_t)(top - 2) * STEPS + (us >> (top - 2)) % STEPS;

    return place < PLACES ? place : PLACES - 1;
}

/* The middle of a place, in seconds. */
static double time_of(size_t place)
{
    const double power = (double)(UINT64_C(1) << (place / STEPS + 2));

    return power * (1 + ((double)(place % STEPS) + 0.5) / STEPS) / 1e6;
}

void cm_times_note(struct cm_times *t, int64_t minute, uint64_t ns)
{
    const size_t at = (size_t)((uint64_t)minute % MINUTES);
    const size_t place = place_of(ns);

    if (t->minutes[at].minute != minute) { /* of the day before */
        memset(&t->minutes[at], 0, sizeof(t->minutes[at]));
        t->minutes[at].minute = minute;
    }
    t->minutes[at].count[place]++;
    t->all[place]++;
}

static double quantile(const uint64_t counts[PLACES], uint64_t rank)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < PLACES; i++) {
        seen += counts[i];
        if (seen >= rank) {
            return time_of(i);
        }
    }
    return 0;
}

static struct cm_latency latency(const uint64_t counts[PLACES])
{
    struct cm_latency out = {0, 0, 0};

    for (size_t i = 0; i < PLACES; i++) {
        out.count += counts[i];
    }
    if (out.count != 0) {
        out.p50 = quantile(counts, (out.count + 1) / 2);
        out.p99 = quantile(counts, out.count - out.count / 100);
    }
    return out;
}

struct cm_latency cm_times_all(const struct cm_times *t)
{
    return latency(t->all);
}

struct cm_latency cm_times_at(const struct cm_times *t, int64_t first, int64_t count)
{
    uint64_t sum[PLACES] = {0};

    for (int64_t m = first; m < first + count; m++) {
        const size_t at = (size_t)((uint64_t)m % MINUTES);

        for (size_t i = 0; t->minutes[at].minute == m && i < PLACES; i++) {
            sum[i] += t->minutes[at].count[i];
        }
    }
    return latency(sum);
}
