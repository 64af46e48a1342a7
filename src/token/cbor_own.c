/* CBOR with nodes on the heap; see cbor_own.h. */
#include "token/cbor_own.h"

#include <stdlib.h>
#include <string.h>

enum cm_status cm_cbor_own_parse(struct cm_span input, struct cm_cbor_limits limits,
                                 struct cm_cbor_own *out, struct cm_why *why)
{
    /* every item takes a byte */
    const size_t max = input.len < limits.nodes ? input.len : limits.nodes;

    memset(out, 0, sizeof(*out));
    if (input.len == 0) {
        cm_why_set(why, "CBOR: nothing is there");
        return CM_ERR_FORMAT;
    }
    if (input.len > limits.bytes || max > SIZE_MAX / sizeof(*out->nodes)) {
        cm_why_set(why, "CBOR: more than %zu bytes", limits.bytes);
        return CM_ERR_LIMIT;
    }
    out->nodes =
        malloc(max * sizeof(*out->nodes)); /* within the limits; the parser sets what it uses */
    if (out->nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    return cm_cbor_parse(input, out->nodes, max, 0, &out->doc, why);
}

void cm_cbor_own_free(struct cm_cbor_own *own)
{
    free(own->nodes);
    own->nodes = NULL;
}
