/* The tables of resources of the key broker: see src/kbs. */
#include <stddef.h>

#include "store/schema_parts.h"

/* Sessions are of attested guests only: a challenge needs no row. */
const char *const cm_schema_kbs_2[] = {
    "CREATE TABLE kbs_secret (one BIGINT PRIMARY KEY CHECK (one = 1), wrapped %B NOT NULL)",
    "CREATE TABLE kbs_session (id TEXT PRIMARY KEY, token TEXT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX kbs_session_expires ON kbs_session (expires)",
    "CREATE TABLE kbs_resource (path TEXT PRIMARY KEY, wrapped %B NOT NULL, size BIGINT NOT NULL,"
    " author TEXT NOT NULL, time BIGINT NOT NULL)",
    "CREATE TABLE kbs_reference (name TEXT PRIMARY KEY, accepted TEXT NOT NULL,"
    " author TEXT NOT NULL, time BIGINT NOT NULL)",
    NULL,
};
