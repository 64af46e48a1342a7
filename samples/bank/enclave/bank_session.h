/*
 * One run of the agreement inside the enclave: the key pair, the files being opened, the book. No
 * SGX in it, so that the tests run the very same code outside as well. Not thread-safe.
 */
#ifndef BANK_SESSION_H
#define BANK_SESSION_H

#include "../common/bank_core.h"
#include "../common/bank_seal.h"

struct bank_session;

/** @param a  UNTRUSTED; checked, copied. */
enum bank_status bank_session_new(const struct bank_agreement *a, struct bank_session **out,
                                  struct bank_why *why);

/** The public half of a key pair made for this session alone: BANK_KEY_SIZE bytes. */
const uint8_t *bank_session_key(const struct bank_session *s);

/**
 * What the attestation of this session binds: the JSON {"keys":[JWK]} of an RSA key that is made at the first
 * call. A key release service encrypts to it.
 * @param out  belongs to the session
 */
enum bank_status bank_session_runtime(struct bank_session *s, const char **out,
                                      struct bank_why *why);

/** A bank's key as the service released it: RSA-OAEP (SHA-256) of a key, and AES key wrap under that. UNTRUSTED. */
enum bank_status bank_session_released(struct bank_session *s, uint32_t bank,
                                       const uint8_t *wrapped, size_t len, struct bank_why *why);

const struct bank_agreement *bank_session_agreement(const struct bank_session *s);

/** Wipes keys and rows. NULL is fine. */
void bank_session_free(struct bank_session *s);

/** A bank's file: begin, then its chunks in order, then end. UNTRUSTED bytes. */
enum bank_status bank_session_begin(struct bank_session *s, uint32_t bank,
                                    const uint8_t header[BANK_HEADER_SIZE], struct bank_why *why);
enum bank_status bank_session_chunk(struct bank_session *s, uint32_t bank, const uint8_t *sealed,
                                    size_t len, struct bank_why *why);
enum bank_status bank_session_end(struct bank_session *s, uint32_t bank, struct bank_why *why);

/** The book, for joining, searching and reading the result. */
struct bank_book *bank_session_book(struct bank_session *s);

#endif
