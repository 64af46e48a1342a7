/* Reasons for people, and wiping what held a secret. */
#ifndef BANK_TEXT_H
#define BANK_TEXT_H

#include "bank_types.h"

/** Set the reason, printf style; the first one is kept. why may be NULL. Returns st. */
enum bank_status bank_fail(struct bank_why *why, enum bank_status st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** One sentence for a status, for when no reason was given. */
const char *bank_status_text(enum bank_status st);

/** Zero n bytes so that no compiler drops it. */
void bank_wipe(void *p, size_t n);

/** Wipe and free; NULL is fine. */
void bank_wipe_free(void *p, size_t n);

#endif
