/* The tables of accounts, sessions and tokens: see src/access. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_access_2[] = {
    NULL,
};
