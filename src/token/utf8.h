/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
#ifndef CM_TOKEN_UTF8_H
#define CM_TOKEN_UTF8_H

#include <stdbool.h>

#include "common/span.h"

/**
 * Decode the code point at the start of s.
 * @return its length in bytes, 1 to 4; 0 when s is empty or not well formed there.
 */
size_t cm_utf8_decode(struct cm_span s, uint32_t *code_point);

/** Encode a code point (a valid one) into out. @return the bytes used, 1 to 4. */
size_t cm_utf8_encode(uint32_t code_point, uint8_t out[4]);

/** Whether the whole span is well-formed UTF-8. */
bool cm_utf8_valid(struct cm_span s);

/**
 * Text of others for a record: cut at a character's end; what is not well formed there, or a control
 * character, becomes a question mark. The result is well-formed whatever the text was.
 *
 * @param cap  of out, at least 1; there is always a NUL
 */
void cm_utf8_plain(char *out, size_t cap, const char *text);

#endif
