/* Strict base64 (RFC 4648): no white space, no bits behind the last byte, no padding out of place. */
#ifndef CM_TOKEN_BASE64_H
#define CM_TOKEN_BASE64_H

#include <casemate/status.h>
#include <stdbool.h>

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

/**
 * Decode base64 of either alphabet, with its padding or without: what senders who differ write. One
 * text is of one alphabet, as every encoder writes it, unless mixed. Bytes have up to four texts
 * (more if mixed): whoever compares, compares what was decoded.
 * @param out  may be where the text is; its bytes are undefined after an error
 * @param mixed  take characters of both alphabets in one text, too
 * @retval CM_ERR_FORMAT, CM_ERR_SPACE  as above; padding that does not fill the last four characters
 */
CM_MUST_USE enum cm_status cm_base64_any_decode(struct cm_span text, bool mixed, uint8_t *out,
                                                size_t cap, size_t *len);

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
