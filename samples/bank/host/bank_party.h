/*
 * One bank: its file, its signing key, and what it does with them. In real life this runs at the
 * bank. Two things leave it: a nonce, and sealed bytes once the answer to the nonce is verified.
 */
#ifndef BANK_PARTY_H
#define BANK_PARTY_H

#include "bank_verify.h"

struct bank_party {
    char name[BANK_NAME_SIZE];
    char *path; /* owned */
    uint64_t size;
    struct bank_signer *signer;
    uint8_t signer_key[BANK_SIGNER_SIZE];
    bool asked; /* and not answered yet */
    uint64_t asked_at;
    uint8_t nonce[BANK_NONCE_SIZE];
    bool verified; /* only then is there a key to encrypt to */
    struct bank_verdict verdict;
    bool deposited; /* its key is with a service, which releases it to the right enclave only */
    uint8_t released_key[BANK_RELEASED_SIZE];
};

/** Where the sealed bytes go: the header first, then the chunks. */
struct bank_sink {
    enum bank_status (*header)(void *ctx, const uint8_t header[BANK_HEADER_SIZE],
                               struct bank_why *why);
    enum bank_status (*chunk)(void *ctx, const uint8_t *sealed, size_t len, struct bank_why *why);
    void *ctx;
};

/** @param path  NAME.csv; NAME is the bank's name in the agreement. */
enum bank_status bank_party_new(const char *path, struct bank_party *out, struct bank_why *why);
void bank_party_free(struct bank_party *p);

/** A fresh nonce for the enclave; forgets what was verified before. */
enum bank_status bank_party_ask(struct bank_party *p, struct bank_why *why);

/**
 * The answer to the last question, once: verified, or no answer to it will ever be.
 * @param evidence  UNTRUSTED
 */
enum bank_status bank_party_answer(struct bank_party *p, const struct bank_policy *policy,
                                   const uint8_t *evidence, size_t size, struct bank_why *why);

/**
 * Seal the file for the key that was verified, or with the key that is with the service, and send it. Holds one chunk of the file at a time.
 * @retval BANK_REFUSED  nothing was verified: nothing is sent
 */
enum bank_status bank_party_send(const struct bank_party *p, const struct bank_agreement *a,
                                 uint32_t place, const struct bank_sink *sink,
                                 struct bank_why *why);

#endif
