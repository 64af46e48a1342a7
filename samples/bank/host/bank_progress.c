/* See bank_progress.h. */
#include "bank_progress.h"

#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 40

static double now(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bank_progress_init(struct bank_progress *p, FILE *to)
{
    p->to = to;
    p->terminal = isatty(fileno(to)) == 1;
    p->phase = "";
    p->shown = -1;
    p->began = now();
}

void bank_progress_begin(struct bank_progress *p, const char *phase)
{
    p->phase = phase;
    p->shown = -1;
    p->began = now();
    bank_progress_at(p, 0, 1);
}

void bank_progress_at(struct bank_progress *p, uint64_t done, uint64_t total)
{
    int mille = total == 0 ? 1000 : (int)((double)done * 1000.0 / (double)total);
    int bars = mille * BAR_WIDTH / 1000;
    char bar[BAR_WIDTH + 1];

    if (!p->terminal || mille == p->shown) {
        return;
    }
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < bars ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(p->to, "\r%-12.12s [%s] %3d %%", p->phase, bar, mille / 10);
    (void)fflush(p->to);
    p->shown = mille;
}

void bank_progress_drop(struct bank_progress *p)
{
    if (p->terminal && p->shown >= 0) {
        (void)fprintf(p->to, "\r%*s\r", 12 + BAR_WIDTH + 10, "");
        (void)fflush(p->to);
    }
    p->shown = -1;
}

void bank_progress_end(struct bank_progress *p, const char *what)
{
    bank_progress_drop(p);
    (void)fprintf(p->to, "%-12.12s %-52.52s %8.2f s\n", p->phase, what, now() - p->began);
    (void)fflush(p->to);
}
