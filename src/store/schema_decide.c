/* The tables of attestations, inventory and collateral: see src/decide. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_decide_2[] = {
    /* what many explanations have in common: decide_items.h */
    "CREATE TABLE attestation_base (hash TEXT PRIMARY KEY, time BIGINT NOT NULL, items %B NOT "
    "NULL, refused BIGINT NOT NULL)",
    "CREATE INDEX attestation_base_age ON attestation_base (refused, time)",
    "CREATE TABLE attestation (id BIGINT PRIMARY KEY, time BIGINT NOT NULL, token TEXT NOT NULL,"
    " api TEXT NOT NULL, tee TEXT NOT NULL, ok BIGINT NOT NULL, status BIGINT NOT NULL,"
    " stage TEXT NOT NULL, reason TEXT NOT NULL, client TEXT NOT NULL, measurement TEXT NOT NULL,"
    " label TEXT NOT NULL, signer TEXT NOT NULL, platform TEXT NOT NULL, tcb TEXT NOT NULL,"
    " emulated BIGINT NOT NULL, took_us BIGINT NOT NULL, policy_type TEXT NOT NULL,"
    " policy_version BIGINT NOT NULL, policy_hash TEXT NOT NULL, base TEXT NOT NULL,"
    " delta %B NOT NULL)",
    "CREATE INDEX attestation_token ON attestation (token)",
    "CREATE INDEX attestation_measurement ON attestation (measurement, id)",
    "CREATE INDEX attestation_refused ON attestation (id) WHERE ok = 0",
    /* retention: what anybody can have written, and what only genuine evidence can */
    "CREATE INDEX attestation_junk ON attestation (id) WHERE stage = 'evidence'",
    "CREATE INDEX attestation_genuine ON attestation (id) WHERE stage <> 'evidence'",
    "CREATE TABLE attestation_minute (minute BIGINT NOT NULL, tee TEXT NOT NULL, ok BIGINT NOT "
    "NULL,"
    " count BIGINT NOT NULL, PRIMARY KEY (minute, tee, ok))",
    "CREATE TABLE attestation_denial (minute BIGINT NOT NULL, cause TEXT NOT NULL,"
    " stage TEXT NOT NULL, count BIGINT NOT NULL, last_token TEXT NOT NULL,"
    " last_seen BIGINT NOT NULL, PRIMARY KEY (minute, cause))",
    "CREATE TABLE inventory (kind TEXT NOT NULL, value TEXT NOT NULL, signer TEXT NOT NULL,"
    " tee TEXT NOT NULL, first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL,"
    " permitted BIGINT NOT NULL, refused BIGINT NOT NULL, tcb TEXT NOT NULL, ok BIGINT NOT NULL,"
    " reason TEXT NOT NULL, emulated BIGINT NOT NULL, label TEXT NOT NULL, product BIGINT NOT NULL,"
    " svn BIGINT NOT NULL, debug BIGINT NOT NULL, advisories TEXT NOT NULL,"
    " PRIMARY KEY (kind, value, signer))",
    "CREATE INDEX inventory_last ON inventory (kind, last_seen)",
    "CREATE TABLE collateral (name TEXT PRIMARY KEY, bytes %B NOT NULL, fetched BIGINT NOT NULL,"
    " not_after BIGINT NOT NULL, used BIGINT NOT NULL)",
    "CREATE TABLE enrolled (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
    " kind TEXT NOT NULL, content %B NOT NULL, sha256 TEXT NOT NULL, added_at BIGINT NOT NULL,"
    " author TEXT NOT NULL)",
    "CREATE TABLE collateral_floor (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    NULL,
};

/* 3: retention apart for what a policy permitted and what it refused */
const char *const cm_schema_decide_3[] = {
    "DROP INDEX attestation_genuine",
    "CREATE INDEX attestation_denied ON attestation (id) WHERE stage <> 'evidence' AND ok = 0",
    "CREATE INDEX attestation_permitted ON attestation (id) WHERE stage <> 'evidence' AND ok = 1",
    NULL,
};
