/* Strict base64 (RFC 4648): canonical only, no white space; with padding, or base64url without. */
#ifndef CM_TOKEN_BASE64_H
#define CM_TOKEN_BASE64_H

#include <casemate/status.h>

#include "common/span.h"
#include "common/writer.h"

/** Characters that len bytes encode to at the most, without a NUL. */
#define CM_BASE64_ENCODED(len) (((len) + 2) / 3 * 4)

/**
 * Decode base64url without padding.
 * @retval CM_ERR_FORMAT a character outside the alphabet, an impossible length, bits that are not 0
 * @retval CM_ERR_SPACE cap is too small
 */
CM_MUST_USE enum cm_status cm_base64url_decode(struct cm_span text, uint8_t *out, size_t cap,
                                               size_t *len);

/** Decode ordinary base64, padding required. Results as above. */
CM_MUST_USE enum cm_status cm_base64_decode(struct cm_span text, uint8_t *out, size_t cap,
                                            size_t *len);

/** Encode; no NUL is added. @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_base64url_encode(struct cm_span data, char *out, size_t cap,
                                               size_t *len);
CM_MUST_USE enum cm_status cm_base64_encode(struct cm_span data, char *out, size_t cap,
                                            size_t *len);

/** Characters that cm_pem_write() makes of so many bytes at the most, beside its label (twice). */
#define CM_PEM_ENCODED(size) (CM_BASE64_ENCODED(size) + (size) / 48 + 40)

/** Data as a block of PEM (RFC 7468) with lines of 64 characters; no NUL is added. */
void cm_pem_write(struct cm_wr *wr, const char *label, struct cm_span data);

#endif
