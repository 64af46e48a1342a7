/*
 * Evidence as text: tools print binary evidence in hexadecimal, base64 or an armour like PEM's. What is
 * inside is as UNTRUSTED as the text; nothing is guessed: one form, as a whole, or none.
 */
#ifndef CM_VERIFY_UNWRAP_H
#define CM_VERIFY_UNWRAP_H

#include <casemate/status.h>

#include "common/span.h"

#define CM_UNWRAP_MAX (16u << 20) /* of text */

/** How bytes may be written as text, in the order in which they are tried. */
enum cm_wrapping {
    CM_WRAPPING_NONE = 0,
    CM_WRAPPING_HEX, /* digits of either case, "0x" once before them; lines of one, even length */
    CM_WRAPPING_BASE64,    /* padded; lines of one length, a multiple of four */
    CM_WRAPPING_BASE64URL, /* one line without padding */
    CM_WRAPPING_ARMOUR,    /* one block of BEGIN and END with one label, base64 inside */
};

/**
 * Text without the byte order mark of UTF-8 that some editors and shells put in front of it. A mark before
 * anything but ASCII stays: what is no text has none.
 */
struct cm_span cm_unmarked(struct cm_span text);

/**
 * Decode text of one form. White space may only end the text, and lines end with LF or CRLF.
 * @param out  set only on CM_OK; the caller frees it.
 * @retval CM_ERR_FORMAT  not text of this form   @retval CM_ERR_LIMIT too long   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_unwrap(struct cm_span text, enum cm_wrapping form, uint8_t **out,
                                     size_t *len);

#endif
