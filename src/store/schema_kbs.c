/* The tables of resources of the key broker: see src/kbs. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_kbs_2[] = {
    NULL,
};
