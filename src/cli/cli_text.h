/* Small helpers for printing, shared by the commands. */
#ifndef CM_CLI_TEXT_H
#define CM_CLI_TEXT_H

#include <stdio.h>

#include "token/json.h"

/** A name and a text, which may be anybody's: everything but printable ASCII becomes "?". */
void cm_cli_field(FILE *out, const char *name, const char *text);

/** A name and bytes in hexadecimal, 24 a line. */
void cm_cli_field_bytes(FILE *out, const char *name, const uint8_t *p, size_t n);

/** 2 * n lower-case digits and a zero into out. */
void cm_cli_hex(const uint8_t *p, size_t n, char *out);

/** "name": value */
void cm_cli_json_str(struct cm_json_wr *w, const char *name, const char *value);
void cm_cli_json_u64(struct cm_json_wr *w, const char *name, uint64_t value);
void cm_cli_json_bool(struct cm_json_wr *w, const char *name, bool value);

/**
 * Print one JSON object and a new line. members writes what is in it, from subject.
 *
 * @param cap  room for the text, in bytes
 * @retval CM_ERR_SPACE  the text is longer   @retval CM_ERR_IO  out did not take it
 */
CM_MUST_USE enum cm_status cm_cli_json_print(void (*members)(struct cm_json_wr *, const void *),
                                             const void *subject, size_t cap, FILE *out);

#endif
