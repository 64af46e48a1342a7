/*
 * Made-up transfers for the demo: the same seed gives the same files, byte for byte. Circles are
 * planted among them, and decoys that look like circles but break one rule of the agreement each.
 */
#ifndef BANK_GENERATE_H
#define BANK_GENERATE_H

#include "../common/bank_types.h"
#include "bank_progress.h"

struct bank_plan {
    uint64_t seed;
    uint32_t banks; /* BANK_MIN_BANKS to BANK_MAX_BANKS */
    uint64_t rows;  /* in all files together, at most BANK_MAX_ROWS; at least 1000 */
    /* the rules that the planted circles keep */
    uint32_t min_length;
    uint32_t max_length;
    uint32_t window_seconds;
    uint32_t keep_percent;
    uint32_t planted; /* set by the generator: circles that a search must find */
};

/** Write NAME.csv for every bank into dir, which must exist. Files that are there are an error. */
enum bank_status bank_generate(const char *dir, struct bank_plan *plan,
                               struct bank_progress *progress, struct bank_why *why);

#endif
