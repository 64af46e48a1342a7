/*
 * Reading a bank's file: strict, streaming, and silent about what the rows say. The schema is in
 * README.md. UNTRUSTED input: a bank may send anything.
 */
#ifndef BANK_CSV_H
#define BANK_CSV_H

#include <stdbool.h>

#include "bank_types.h"

#define BANK_CSV_HEADER   "time,from,to,amount,currency"
#define BANK_CSV_MAX_LINE 112U /* the longest legal line is 108 characters */

/* One transfer, as the line says it; the texts point into the line. */
struct bank_transfer {
    int64_t time; /* seconds since 1970 */
    const char *from;
    size_t from_len;
    const char *to;
    size_t to_len;
    uint64_t amount;
    uint32_t currency; /* three letters, first one in the highest byte */
};

/* Takes one transfer; what it returns ends the reading unless it is BANK_OK. */
typedef enum bank_status bank_transfer_fn(void *ctx, const struct bank_transfer *t,
                                          struct bank_why *why);

struct bank_csv {
    const char *name; /* borrowed; reasons begin with NAME.csv:LINE */
    uint64_t line;    /* lines finished */
    size_t held;      /* bytes of an unfinished line */
    bool ended;
    char hold[BANK_CSV_MAX_LINE + 2];
};

void bank_csv_init(struct bank_csv *c, const char *name);

/** The next piece of the file, of any size. After a failure the state must not be used again. */
enum bank_status bank_csv_feed(struct bank_csv *c, const void *data, size_t len,
                               bank_transfer_fn *fn, void *ctx, struct bank_why *why);

/** The end of the file: a last line without newline counts; a file without header does not. */
enum bank_status bank_csv_end(struct bank_csv *c, bank_transfer_fn *fn, void *ctx,
                              struct bank_why *why);

#endif
