/* A parsed CBOR input with nodes on the heap, as many as it needs and no more than the caller allows. */
#ifndef CM_TOKEN_CBOR_OWN_H
#define CM_TOKEN_CBOR_OWN_H

#include "token/cbor.h"

struct cm_cbor_own {
    struct cm_cbor_node *nodes;
    struct cm_cbor doc;
};

/** What a format allows an input to be. */
struct cm_cbor_limits {
    size_t bytes;
    size_t nodes; /* some 40 bytes of memory each */
};

/**
 * Parse a whole input, as cm_cbor_parse().
 * @param out  not movable; the caller frees it with cm_cbor_own_free(), also after a failure.
 * @retval CM_ERR_FORMAT also: nothing at all   @retval CM_ERR_LIMIT beyond the limits
 * @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_cbor_own_parse(struct cm_span input, struct cm_cbor_limits limits,
                                             struct cm_cbor_own *out, struct cm_why *why);

/** Accepts what was zeroed or freed before. */
void cm_cbor_own_free(struct cm_cbor_own *own);

#endif
