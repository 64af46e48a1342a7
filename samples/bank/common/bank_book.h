/* The inside of struct bank_book, for bank_core.c and bank_circles.c only. */
#ifndef BANK_BOOK_H
#define BANK_BOOK_H

#include <stdbool.h>

#include "bank_accounts.h"
#include "bank_core.h"
#include "bank_csv.h"

struct bank_row {
    uint32_t from;
    uint32_t to;
    int64_t time;
    uint64_t amount;
    uint32_t currency;
    uint32_t bank;
};

struct bank_found {
    uint32_t length;
    uint32_t account[BANK_MAX_LENGTH];
    uint64_t times;
};

struct bank_found_set {
    struct bank_found *list;
    uint32_t count;
    uint32_t cap;
    uint32_t *slots; /* number + 1, or 0 */
    uint32_t slot_count;
};

struct bank_book {
    struct bank_agreement agreement;
    struct bank_csv csv[BANK_MAX_BANKS];
    struct bank_accounts accounts;
    struct bank_row *rows; /* after the join: by sender, then time */
    uint32_t row_count;
    uint32_t row_cap;
    uint32_t *first; /* rows of account i are first[i] up to first[i + 1] */
    uint32_t first_count;
    uint32_t feeding; /* the bank whose rows are being taken */
    uint32_t next;    /* the row to search from next */
    uint64_t steps;
    struct bank_found_set found;
    struct bank_summary sum;
    bool joined;
    bool failed;
};

/** Find the circles that begin with row i. */
enum bank_status bank_circles_from(struct bank_book *b, uint32_t i, struct bank_why *why);

/** Put the found circles into their final order and count them. */
void bank_circles_finish(struct bank_book *b);

#endif
