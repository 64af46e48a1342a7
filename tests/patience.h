/*
 * How long a test waits for another thread or process: until it has happened, and a minute at most. On a busy
 * machine a thread may not get a processor for seconds, so no count of attempts and no short pause will do.
 */
#ifndef CM_TESTS_PATIENCE_H
#define CM_TESTS_PATIENCE_H

#include <stdbool.h>
#include <time.h>

/* while (!happened() && patient(&p)) { ... }, with p zeroed: the minute begins with the first question */
struct patience {
    time_t end;
};

static inline bool patient(struct patience *p)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (p->end == 0) {
        p->end = now.tv_sec + 60;
    }
    return now.tv_sec < p->end;
}

#endif
