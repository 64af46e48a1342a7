/*
 * Progress for people: a bar that redraws itself on a terminal; elsewhere (a file, a pipe, CI) one
 * line when a phase is done and nothing in between.
 */
#ifndef BANK_PROGRESS_H
#define BANK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct bank_progress {
    FILE *to;
    bool terminal;
    const char *phase;
    int shown; /* per mille on the screen; -1 nothing yet */
    double began;
};

void bank_progress_init(struct bank_progress *p, FILE *to);
void bank_progress_begin(struct bank_progress *p, const char *phase);
void bank_progress_at(struct bank_progress *p, uint64_t done, uint64_t total);

/** End the phase with a line of its own: the phase, `what`, and how long it took. */
void bank_progress_end(struct bank_progress *p, const char *what);

/** End it without one, before an error is printed. */
void bank_progress_drop(struct bank_progress *p);

#endif
