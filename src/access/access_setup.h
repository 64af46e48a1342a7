/* The text of a set-up code. */
#ifndef CM_ACCESS_ACCESS_SETUP_H
#define CM_ACCESS_ACCESS_SETUP_H

#include <casemate/status.h>
#include <stdint.h>

#define CM_SETUP_BYTES 16
#define CM_SETUP_CAP   48 /* eight groups of four digits, and NUL */

void cm_setup_text(const uint8_t code[CM_SETUP_BYTES], char out[CM_SETUP_CAP]);

/**
 * What a person typed: either case, with blanks and '-' wherever he likes.
 * @retval CM_ERR_FORMAT it is no code
 */
CM_MUST_USE enum cm_status cm_setup_parse(const char *text, uint8_t out[CM_SETUP_BYTES]);

#endif
