/* Medians and lines; see bench_kit.h. */
#include "bench_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCHES_MAX 101

static uint64_t read_clock(clockid_t id)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_now(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bench_median(void (*run)(void *arg, uint64_t count), void *arg, unsigned batches,
                    uint64_t count)
{
    double each[BATCHES_MAX];

    batches = batches > BATCHES_MAX ? BATCHES_MAX : batches;
    run(arg, count); /* what is only slow once */
    for (unsigned i = 0; i < batches; i++) {
        uint64_t start = bench_now();

        run(arg, count);
        each[i] = (double)(bench_now() - start) / (double)count;
    }
    qsort(each, batches, sizeof(each[0]), compare);
    return each[batches / 2];
}

void bench_line(const char *name, double value, const char *unit, const char *base_name,
                double base)
{
    (void)printf("%-34s %10.1f %-3s  %6.2f x %s (%.1f %s)\n", name, value, unit, value / base,
                 base_name, base, unit);
    (void)fflush(stdout);
}
