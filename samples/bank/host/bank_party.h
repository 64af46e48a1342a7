/*
 * One bank: its file, its signing key, and what it does with them. In real life this runs at the
 * bank; only sealed bytes leave it.
 */
#ifndef BANK_PARTY_H
#define BANK_PARTY_H

#include "../common/bank_seal.h"

struct bank_party {
    char name[BANK_NAME_SIZE];
    char *path; /* owned */
    uint64_t size;
    struct bank_signer *signer;
    uint8_t signer_key[BANK_SIGNER_SIZE];
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

/**
 * Seal the file for one enclave key and send it. Holds one chunk of the file at a time.
 * Whether the key is an enclave's is NOT VERIFIED here.
 */
enum bank_status bank_party_send(const struct bank_party *p, const struct bank_agreement *a,
                                 uint32_t place, const uint8_t enclave_key[BANK_KEY_SIZE],
                                 const struct bank_sink *sink, struct bank_why *why);

#endif
