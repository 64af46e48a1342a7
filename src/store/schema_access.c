/*
 * The tables of accounts, sessions and tokens: see src/access. Of sessions and tokens the SHA-256 is kept,
 * of passwords what argon2id says (its parameters and salt are in it). Times are seconds since 1970.
 */
#include <stddef.h>

#include "store/schema_parts.h"

const char *const cm_schema_access_2[] = {
    /* whoever changes an account locks this row first: there is always an admin left */
    "CREATE TABLE access_guard (one BIGINT PRIMARY KEY CHECK (one = 1), changes BIGINT NOT NULL)",
    "INSERT INTO access_guard (one, changes) VALUES (1, 0)",
    "CREATE TABLE access_account (name TEXT PRIMARY KEY, password TEXT NOT NULL,"
    " roles BIGINT NOT NULL, disabled BIGINT NOT NULL, created BIGINT NOT NULL,"
    " seen BIGINT NOT NULL)",
    "CREATE TABLE access_session (hash %B PRIMARY KEY, account TEXT NOT NULL,"
    " created BIGINT NOT NULL, seen BIGINT NOT NULL)",
    "CREATE INDEX access_session_account ON access_session (account)",
    "CREATE TABLE access_token (hash %B PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE, roles BIGINT NOT NULL, creator TEXT NOT NULL,"
    " created BIGINT NOT NULL, expires BIGINT NOT NULL, seen BIGINT NOT NULL)",
    NULL,
};
