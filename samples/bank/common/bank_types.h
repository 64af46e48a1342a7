/*
 * What the banks, the host and the enclave of this sample share: the agreement, the result and the
 * status codes. The structs cross the enclave's boundary as bytes of a checked size, so they hold
 * no pointers and are the same on both sides of one build.
 */
#ifndef BANK_TYPES_H
#define BANK_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define BANK_MIN_BANKS      2U
#define BANK_MAX_BANKS      16U
#define BANK_NAME_SIZE      32U /* with the terminating zero; [a-z0-9_-] */
#define BANK_ACCOUNT_SIZE   36U /* with the terminating zero; at most 34 of [A-Z0-9], as an IBAN */
#define BANK_ACCOUNT_MAX    34U
#define BANK_MIN_LENGTH     2U
#define BANK_MAX_LENGTH     8U
#define BANK_MAX_WINDOW     (366U * 86400U)
#define BANK_MAX_AMOUNT     UINT64_C(1000000000000) /* minor units; 2 million rows still fit 64 bits */
#define BANK_MAX_ROWS       2000000U
#define BANK_MAX_ACCOUNTS   1000000U
#define BANK_MAX_CIRCLES    100000U
#define BANK_MAX_CURRENCIES 32U
#define BANK_MAX_STEPS      UINT64_C(2000000000) /* transfers looked at by one search */

enum bank_status {
    BANK_OK = 0,
    BANK_SYNTAX,    /* the CSV text or the agreement breaks a rule; the reason names the place */
    BANK_LIMIT,     /* more than the sample handles (the limits above) */
    BANK_REFUSED,   /* not genuine: tampered, truncated, reordered, or not for this enclave */
    BANK_STATE,     /* not now: a step is missing or was done already */
    BANK_NO_MEMORY, /* out of memory */
    BANK_CRYPTO,    /* the cryptographic library failed */
    BANK_IO,        /* host only: a file could not be read or written */
};

/* Why something failed, for a person. Names files, lines and rules; never what a row says. */
struct bank_why {
    char text[232];
};

/* What the banks have agreed on. Its text (bank_agreement_text) is what they sign up to; its hash
 * is bound into every key that they release. */
struct bank_agreement {
    uint32_t bank_count;
    uint32_t min_length; /* accounts in a circle */
    uint32_t max_length;
    uint32_t window_seconds; /* from the first to the last transfer of a circle */
    uint32_t keep_percent;   /* each transfer passes on at least this part of the one before */
    char names[BANK_MAX_BANKS][BANK_NAME_SIZE];
    uint8_t signers[BANK_MAX_BANKS][32]; /* Ed25519 public keys: only these banks may take part */
};

struct bank_currency_total {
    char code[4];
    uint64_t rows;
    uint64_t amount; /* minor units */
};

/* All that leaves the enclave beside the circles. */
struct bank_summary {
    uint64_t rows;
    uint64_t accounts;
    uint64_t rows_between_banks;
    uint64_t bank_rows[BANK_MAX_BANKS];
    uint64_t circles; /* distinct ones */
    uint64_t accounts_in_circles;
    uint64_t circles_by_length[BANK_MAX_LENGTH + 1];
    uint64_t steps; /* transfers looked at: how much work the search was */
    uint32_t currency_count;
    struct bank_currency_total currencies[BANK_MAX_CURRENCIES];
};

/* One circle: money went from each account to the next and from the last to the first. */
struct bank_circle {
    uint32_t length;
    uint64_t times;
    char accounts[BANK_MAX_LENGTH][BANK_ACCOUNT_SIZE];
    uint32_t banks[BANK_MAX_LENGTH]; /* index into the agreement's names */
};

/* A result as it is kept: what was agreed on, and what came out. */
struct bank_result {
    struct bank_agreement agreement;
    struct bank_summary summary;
};

#endif
