/* The account numbers that occur, each stored once and known by a small number from then on. */
#ifndef BANK_ACCOUNTS_H
#define BANK_ACCOUNTS_H

#include "bank_types.h"

#define BANK_NO_BANK 0xffU

struct bank_account {
    uint32_t text;  /* where its text begins */
    uint8_t length; /* of the text */
    uint8_t bank;   /* whose customer it is; BANK_NO_BANK while nobody has said */
    uint8_t in_circle;
};

struct bank_accounts {
    uint64_t secret; /* keys the hash, so that no bank can choose colliding accounts */
    struct bank_account *list;
    uint32_t count;
    uint32_t cap;
    char *text;
    uint32_t text_used;
    uint32_t text_cap;
    uint32_t *slots; /* number + 1, or 0 */
    uint32_t slot_count;
};

void bank_accounts_init(struct bank_accounts *a, uint64_t secret);

/** Wipes. */
void bank_accounts_free(struct bank_accounts *a);

/** The number of an account, new or known. BANK_LIMIT and BANK_NO_MEMORY leave all as it was. */
enum bank_status bank_accounts_number(struct bank_accounts *a, const char *text, size_t len,
                                      uint32_t *out);

/** The text of a known account, with its terminating zero. */
void bank_accounts_text(const struct bank_accounts *a, uint32_t number,
                        char out[BANK_ACCOUNT_SIZE]);

/** Order of two known accounts by text, as memcmp and then length. */
int bank_accounts_compare(const struct bank_accounts *a, uint32_t left, uint32_t right);

#endif
