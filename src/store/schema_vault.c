/* The tables of keys and secrets: see src/vault. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_vault_2[] = {
    NULL,
};
