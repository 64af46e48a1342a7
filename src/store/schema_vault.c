/* The tables of keys and secrets: see src/vault. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_vault_2[] = {
    /* kind: 0 a key, 1 a secret. name in small letters, shown as it was given. deleted, purge: seconds
     * since 1970, or 0 */
    "CREATE TABLE vault_object (kind BIGINT NOT NULL, name TEXT NOT NULL, shown TEXT NOT NULL,"
    " deleted BIGINT NOT NULL, purge BIGINT NOT NULL, PRIMARY KEY (kind, name))",
    /* number: 1 and up, the highest is the current one. nbf, expires: 0 for none. detail, tags: JSON.
     * policy: the release policy's text, or ''. blob: what is secret of it, wrapped */
    "CREATE TABLE vault_version (kind BIGINT NOT NULL, name TEXT NOT NULL, number BIGINT NOT NULL,"
    " version TEXT NOT NULL, enabled BIGINT NOT NULL, exportable BIGINT NOT NULL,"
    " immutable BIGINT NOT NULL, nbf BIGINT NOT NULL, expires BIGINT NOT NULL,"
    " created BIGINT NOT NULL, updated BIGINT NOT NULL, detail TEXT NOT NULL, tags TEXT NOT NULL,"
    " policy TEXT NOT NULL, policy_type TEXT NOT NULL, blob %B NOT NULL,"
    " PRIMARY KEY (kind, name, number), UNIQUE (kind, name, version))",
    /* what was given out, or withheld; kind 2: a resource of the key broker */
    "CREATE TABLE vault_release (id TEXT PRIMARY KEY, time BIGINT NOT NULL, kind BIGINT NOT NULL,"
    " name TEXT NOT NULL, version TEXT NOT NULL, released BIGINT NOT NULL, client TEXT NOT NULL,"
    " api TEXT NOT NULL, wrap TEXT NOT NULL, issuer TEXT NOT NULL, attestation TEXT NOT NULL,"
    " reason TEXT NOT NULL)",
    "CREATE INDEX vault_release_time ON vault_release (time, id)",
    "CREATE INDEX vault_release_name ON vault_release (kind, name, time)",
    /* whose tokens count beside our own; jwks: pinned keys, or '' when they are fetched */
    "CREATE TABLE vault_issuer (issuer TEXT PRIMARY KEY, jwks TEXT NOT NULL, ca_file TEXT NOT NULL,"
    " added BIGINT NOT NULL)",
    NULL,
};

/* 3: retention */
const char *const cm_schema_vault_3[] = {
    "CREATE INDEX vault_release_withheld ON vault_release (time, id) WHERE released = 0",
    NULL,
};
