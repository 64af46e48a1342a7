/* The query of a request's URI. Private to cli_pccs*.c. */
#ifndef CM_CLI_PCCS_QUERY_H
#define CM_CLI_PCCS_QUERY_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_PCCS_MAX_PARAMS 16u
#define CM_PCCS_MAX_VALUE  2048u

struct cm_pccs_param {
    struct cm_span name;
    char value[CM_PCCS_MAX_VALUE + 1]; /* decoded, printable ASCII */
};

struct cm_pccs_query {
    struct cm_pccs_param param[CM_PCCS_MAX_PARAMS];
    size_t count;
};

/**
 * Split and decode.
 * @param text  UNTRUSTED: what stands behind the question mark; must outlive out.
 * @retval CM_ERR_FORMAT  a bad escape, a character that is not printable ASCII, a name twice, a
 *                        value that is too long, too many
 */
CM_MUST_USE enum cm_status cm_pccs_query_parse(struct cm_span text, struct cm_pccs_query *out);

/** A parameter's value, or NULL. */
const char *cm_pccs_query_get(const struct cm_pccs_query *q, const char *name);

/** Whether a value is exactly 2 * n hexadecimal digits; the bytes into out. */
bool cm_pccs_query_hex(const char *value, uint8_t *out, size_t n);

/** All but letters, digits, '-', '.', '_' and '~' as %XX, for headers. malloced; NULL: no memory. */
char *cm_pccs_escape(struct cm_span text);

#endif
