/* The tables of policies, their history and who may sign them: see src/rules. */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_rules_2[] = {
    /* every version that was ever set; text "" is a return to the default */
    "CREATE TABLE policy (type TEXT NOT NULL, version BIGINT NOT NULL, state TEXT NOT NULL"
    " CHECK (state IN ('active', 'waiting', 'rejected', 'replaced')), author TEXT NOT NULL,"
    " time BIGINT NOT NULL, approver TEXT, decided BIGINT, comment TEXT NOT NULL,"
    " text TEXT NOT NULL, jws TEXT NOT NULL, signer TEXT, hash TEXT NOT NULL,"
    " PRIMARY KEY (type, version))",
    "CREATE UNIQUE INDEX policy_active ON policy (type) WHERE state = 'active'",
    "CREATE TABLE policy_certificate (thumbprint TEXT PRIMARY KEY, der %B NOT NULL,"
    " author TEXT NOT NULL, time BIGINT NOT NULL)",
    /* tokens that added or removed a certificate: none does so a second time */
    "CREATE TABLE policy_certificate_token (hash TEXT PRIMARY KEY, time BIGINT NOT NULL)",
    /* its row is written by every change first: so instances change policies one after the other */
    "CREATE TABLE policy_guard (one BIGINT PRIMARY KEY CHECK (one = 1), changes BIGINT NOT NULL)",
    "INSERT INTO policy_guard (one, changes) VALUES (1, 0)",
    NULL,
};
