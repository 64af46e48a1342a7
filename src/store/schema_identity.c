/* The tables of the CA and the keys that sign: see src/identity. */
#include <stddef.h>

#include "store/schema_parts.h"

/* A signer has one key that is not retired; kid and signer are bound to what wraps the private key. */
const char *const cm_schema_identity_2[] = {
    "CREATE TABLE identity_ca (one BIGINT PRIMARY KEY CHECK (one = 1), cert TEXT NOT NULL,"
    " wrapped %B NOT NULL)",
    "CREATE TABLE identity_key (kid TEXT PRIMARY KEY, signer TEXT NOT NULL, name TEXT NOT NULL,"
    " cert TEXT NOT NULL, wrapped %B NOT NULL, made BIGINT NOT NULL, retired BIGINT)",
    "CREATE UNIQUE INDEX identity_key_current ON identity_key (signer) WHERE retired IS NULL",
    NULL,
};
