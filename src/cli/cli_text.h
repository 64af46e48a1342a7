/* Small helpers for printing, shared by the commands. */
#ifndef CM_CLI_TEXT_H
#define CM_CLI_TEXT_H

#include <stdio.h>

#include "token/json.h"

/** Print a text under a lead, broken at blanks so that lines fit 80 columns. */
void cm_cli_wrap(FILE *out, const char *lead, const char *text);

/** 2 * n lower-case digits and a zero into out. */
void cm_cli_hex(const uint8_t *p, size_t n, char *out);

/** "name": value */
void cm_cli_json_str(struct cm_json_wr *w, const char *name, const char *value);
void cm_cli_json_u64(struct cm_json_wr *w, const char *name, uint64_t value);
void cm_cli_json_bool(struct cm_json_wr *w, const char *name, bool value);

#endif
