/* What every parser is held to: a part that it hands out lies inside what it was given. */
#ifndef CM_FUZZ_INSIDE_H
#define CM_FUZZ_INSIDE_H

#include <stdlib.h>

#include "common/span.h"

static inline void inside(struct cm_span whole, struct cm_span part)
{
    if (part.len != 0 && (part.ptr < whole.ptr || part.len > whole.len ||
                          part.ptr + part.len > whole.ptr + whole.len)) {
        abort();
    }
}

#endif
