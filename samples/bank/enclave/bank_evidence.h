/* How the enclave proves that its key is its own. */
#ifndef BANK_EVIDENCE_H
#define BANK_EVIDENCE_H

#include "../common/bank_bound.h"

/**
 * A quote of this enclave over key and nonce, in the format SGX_ECDSA.
 *
 * @param nonce  UNTRUSTED; only ever copied into the quote.
 * @param out    capacity bytes; *size of them are set.
 */
enum bank_status bank_evidence_make(const uint8_t key[BANK_KEY_SIZE],
                                    const uint8_t nonce[BANK_NONCE_SIZE], uint8_t *out,
                                    size_t capacity, size_t *size, struct bank_why *why);

/**
 * A report for a verifier elsewhere (Open Enclave's form) whose report data is the SHA-256 of a text.
 * @param size  set to the bytes written to out
 */
enum bank_status bank_evidence_report(const char *text, uint8_t *out, size_t capacity, size_t *size,
                                      struct bank_why *why);

#endif
