/* base64url (RFC 4648, section 5) without padding: how keys and reports stand in JSON. */
#ifndef BANK_BASE64_H
#define BANK_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Characters for n bytes, with the terminating zero. */
#define BANK_BASE64_SIZE(n) (((n) + 2U) / 3U * 4U + 1U)

/** out has BANK_BASE64_SIZE(len) bytes. */
void bank_base64(const uint8_t *in, size_t len, char *out);

/** UNTRUSTED text. False: not base64url, or more than cap bytes. */
bool bank_base64_decode(const char *in, size_t len, uint8_t *out, size_t cap, size_t *out_len);

#endif
