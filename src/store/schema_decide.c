/* The tables of attestations, inventory and collateral: see src/decide. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_decide_2[] = {
    NULL,
};
