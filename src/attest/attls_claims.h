/* Looking a claim up by name. */
#ifndef CM_ATTEST_ATTLS_CLAIMS_H
#define CM_ATTEST_ATTLS_CLAIMS_H

#include <openenclave/bits/evidence.h>
#include <string.h>

#include "common/span.h"

/** The value of the one claim with this name; {NULL, 0} when there is none, or more than one. */
static inline struct cm_span cm_attls_claim(const oe_claim_t *claims, size_t count,
                                            const char *name)
{
    struct cm_span found = {NULL, 0};
    size_t hits = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, name) == 0) {
            found = cm_span_make(claims[i].value, claims[i].value_size);
            hits++;
        }
    }
    return hits == 1 ? found : cm_span_make(NULL, 0);
}

#endif
