/* See bank_text.h. */
#include "bank_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum bank_status bank_fail(struct bank_why *why, enum bank_status st, const char *fmt, ...)
{
    va_list ap;

    if (why == NULL || why->text[0] != '\0') {
        return st;
    }
    va_start(ap, fmt);
    (void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return st;
}

const char *bank_status_text(enum bank_status st)
{
    switch (st) {
    case BANK_OK:
        return "fine";
    case BANK_SYNTAX:
        return "the input breaks a rule";
    case BANK_LIMIT:
        return "more than this sample handles";
    case BANK_REFUSED:
        return "refused: not genuine";
    case BANK_STATE:
        return "a step is missing or was done already";
    case BANK_NO_MEMORY:
        return "out of memory";
    case BANK_CRYPTO:
        return "the cryptographic library failed";
    case BANK_IO:
        return "a file could not be read or written";
    }
    return "unknown status";
}

void bank_wipe(void *p, size_t n)
{
    if (n != 0) {
        memset(p, 0, n);
        __asm__ volatile("" : : "r"(p) : "memory"); /* the bytes count as read from here on */
    }
}

void bank_wipe_free(void *p, size_t n)
{
    if (p != NULL) {
        bank_wipe(p, n);
        free(p);
    }
}
