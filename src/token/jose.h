/* Private to src/token: what signed and encrypted tokens (JWS, JWE) have in common. */
#ifndef CM_TOKEN_JOSE_H
#define CM_TOKEN_JOSE_H

#include "token/json.h"

/** The part before the next '.', or all that is left; *dot says which. */
struct cm_span cm_jose_part(struct cm_span *rest, bool *dot);

/** A protected header: where its bytes and nodes go, and the name for messages. */
struct cm_jose_header {
    uint8_t *bytes;
    size_t cap;
    struct cm_json_node *nodes;
    size_t node_count;
    const char *what; /* "JWS" */
};

/**
 * Decode and parse a protected header. Extensions that change how a token is to be read (crit, b64,
 * zip) are refused: none is understood, and zip is how plaintext leaks by length.
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_UNSUPPORTED
 */
CM_MUST_USE enum cm_status cm_jose_parse_header(const struct cm_jose_header *h, struct cm_span text,
                                                struct cm_json *out, struct cm_why *why);

/** A member that is base64url into buf. @retval CM_ERR_FORMAT absent, not base64url, too long */
CM_MUST_USE enum cm_status cm_jose_octets(struct cm_json_value object, const char *name,
                                          uint8_t *buf, size_t cap, struct cm_span *out);

/** Append base64url of data. */
CM_MUST_USE enum cm_status cm_jose_append(struct cm_wr *w, struct cm_span data);

/** JSON names of curves, such as "P-256". */
const char *cm_jose_curve_name(unsigned curve);

#endif
