/*
 * The work itself: take the banks' transfers, join them, find money that moves in circles. Plain C
 * without I/O and without cryptography, so that it runs inside the enclave and in ordinary tests
 * alike.
 *
 * A bank's file lists the transfers that its own customers sent, so the account in `from` is a
 * customer of that bank, and two files that claim the same sender contradict each other.
 *
 * Memory: 32 bytes a transfer (64 while the files are joined), at most about 100 bytes an account, 48
 * bytes a circle. Time: at most BANK_MAX_STEPS transfers looked at. The result depends on the rows
 * and the agreement only, not on the order in which files or pieces arrive.
 */
#ifndef BANK_CORE_H
#define BANK_CORE_H

#include "bank_types.h"

struct bank_book;

/**
 * @param a       Checked; copied.
 * @param secret  Random; keys a hash table against chosen collisions. Does not change the result.
 * @param out     Set only on BANK_OK. Free with bank_book_free.
 */
enum bank_status bank_book_new(const struct bank_agreement *a, uint64_t secret,
                               struct bank_book **out);

/** Wipes every row. NULL is fine. */
void bank_book_free(struct bank_book *b);

/** The next piece of one bank's file, UNTRUSTED, of any size. After a failure only free is left. */
enum bank_status bank_book_feed(struct bank_book *b, uint32_t bank, const void *data, size_t len,
                                struct bank_why *why);

/** The bank's file is complete. */
enum bank_status bank_book_end_file(struct bank_book *b, uint32_t bank, struct bank_why *why);

/** All files are complete: join them. BANK_STATE names the bank whose file is missing. */
enum bank_status bank_book_join(struct bank_book *b, struct bank_why *why);

/**
 * Search from up to `count` more transfers. Call until *done == *total; in pieces, so that a caller
 * can show progress and no call runs for long.
 */
enum bank_status bank_book_search(struct bank_book *b, uint64_t count, uint64_t *done,
                                  uint64_t *total, struct bank_why *why);

/** The totals, once the search is complete. */
enum bank_status bank_book_summary(const struct bank_book *b, struct bank_summary *out,
                                   struct bank_why *why);

/** Circle number `index`, ordered by length and then by accounts. It begins with the account that
 * comes first in the alphabet. */
enum bank_status bank_book_circle(const struct bank_book *b, uint64_t index,
                                  struct bank_circle *out, struct bank_why *why);

#endif
