/* The tables of the CA and the keys that sign: see src/identity. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_identity_2[] = {
    NULL,
};
