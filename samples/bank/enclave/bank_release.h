/*
 * The enclave's end of a key release: an RSA key pair whose public half the attestation binds, and what the
 * service encrypted to it. The wrapping is Key Vault's RSA_AES_KEY_WRAP_256: RSA-OAEP with SHA-256 of an
 * AES-256 key, and behind that the bank's key wrapped with it (RFC 5649).
 */
#ifndef BANK_RELEASE_H
#define BANK_RELEASE_H

#include "../common/bank_seal.h"

struct bank_release;

enum bank_status bank_release_new(struct bank_release **out, struct bank_why *why);

/** {"keys":[JWK]}, zero terminated; belongs to it. */
const char *bank_release_runtime(const struct bank_release *r);

/**
 * @param wrapped  UNTRUSTED
 * @retval BANK_REFUSED  not for this key pair, changed, or no key of BANK_RELEASED_SIZE bytes
 */
enum bank_status bank_release_unwrap(const struct bank_release *r, const uint8_t *wrapped,
                                     size_t len, uint8_t key[BANK_RELEASED_SIZE],
                                     struct bank_why *why);

/** Wipes. NULL is fine. */
void bank_release_free(struct bank_release *r);

#endif
