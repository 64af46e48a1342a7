/* What oeutil and oeverify share: formats by name, files, and printing claims. */
#ifndef CM_TOOLS_OE_SHOW_H
#define CM_TOOLS_OE_SHOW_H

#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

#define OE_SHOW_FILE_MAX (1u << 20)

/** A format by its name, in any case. False when there is none of that name. */
bool oe_show_format(const char *name, oe_uuid_t *out);

/** A whole file, malloced; NULL after a message. */
uint8_t *oe_show_read(const char *tool, const char *path, size_t *size);

/** False after a message. */
bool oe_show_write(const char *tool, const char *path, const uint8_t *data, size_t size);

/** Every claim by name, its first bytes in hexadecimal; custom claims one by one. UNTRUSTED. */
void oe_show_claims(const oe_claim_t *claims, size_t count);

/** The quote in evidence or a report, with or without a header; {NULL, 0} when there is none. */
struct cm_span oe_show_quote(struct cm_span evidence);

/** Print the FMSPC of evidence; an exit status. */
int oe_show_fmspc(const char *tool, struct cm_span evidence);

#endif
