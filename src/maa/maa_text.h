/* Private to src/maa: what clients send as text, in all the ways in which they do. Untrusted: all of it. */
#ifndef CM_MAA_MAA_TEXT_H
#define CM_MAA_MAA_TEXT_H

#include <casemate/status.h>
#include <jansson.h>

#include "common/span.h"

/** Bytes that were made of a text; freed with free(). */
struct cm_maa_bytes {
    uint8_t *ptr;
    size_t len;
};

static inline struct cm_span cm_maa_span(const struct cm_maa_bytes *b)
{
    return cm_span_make(b->ptr, b->len);
}

/**
 * Base64 of either alphabet or of both, with padding or without: clients differ. Nothing but its characters, and no
 * bits behind the last byte.
 * @retval CM_ERR_FORMAT   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_maa_base64(struct cm_span text, struct cm_maa_bytes *out);
/** The same of a JSON string. @retval CM_ERR_MISMATCH it is none */
CM_MUST_USE enum cm_status cm_maa_base64_of(const json_t *value, struct cm_maa_bytes *out);

/**
 * A JSON text, strictly: no name twice, depth 32, UTF-8, integers of 64 bits. For what comes inside a
 * request: the request itself is cm_call_json()'s.
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_maa_json(struct cm_span text, json_t **out, struct cm_why *why);

/**
 * A member of an object, whatever the case of its name: clients differ. NULL: absent, or there in two
 * spellings, of which nobody can say which one counts (*twice is set then).
 */
json_t *cm_maa_member(const json_t *object, const char *name, bool *twice);

/** Small hexadecimal digits as a JSON string; NULL: no memory. */
json_t *cm_maa_hex(struct cm_span bytes);

#endif
