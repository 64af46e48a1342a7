/* The lie that the hostile host tells next. */
#ifndef CM_TESTS_HOSTILE_LIE_H
#define CM_TESTS_HOSTILE_LIE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct lie {
    const char *name; /* of the ocall that lies; NULL: none */
    int64_t value;    /* what it returns, or forges */
    int error;        /* the errno with it */
    int member;       /* which part of the answer is forged */
    const char *text; /* a name in it; NULL: one without an end */
    unsigned told;    /* how often */
};

extern struct lie lie;

/* Whether this ocall lies now; sets errno as the lie wants. */
bool lie_now(const char *name);

#endif
