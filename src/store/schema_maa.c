/* The tables of the attestation API: see src/maa. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_maa_4[] = {
    /* challenges to TPMs that have got their report: none gets a second one */
    "CREATE TABLE tpm_challenge (hash TEXT PRIMARY KEY, expires BIGINT NOT NULL)",
    NULL,
};
