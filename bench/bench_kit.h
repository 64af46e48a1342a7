/* What the benches share: medians of batches, and lines that all look the same. */
#ifndef CM_BENCH_KIT_H
#define CM_BENCH_KIT_H

#include <stdint.h>

/** Nanoseconds that this thread has run: what else the machine does counts little. */
uint64_t bench_now(void);

/** Nanoseconds of the wall clock: for what several threads share. */
uint64_t bench_wall(void);

/** The median over `batches` of the time of run(arg, count), per one of count, in ns. */
double bench_median(void (*run)(void *arg, uint64_t count), void *arg, unsigned batches,
                    uint64_t count);

/** name: value and what it is compared with; ratio = value / base, printed as given. */
void bench_line(const char *name, double value, const char *unit, const char *base_name,
                double base);

#endif
