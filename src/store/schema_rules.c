/* The tables of policies and their history: see src/rules. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_rules_2[] = {
    NULL,
};
