/* Private to src/store: what each kind of database implements; see db.h for what the calls promise. */
#ifndef CM_STORE_DB_PRIVATE_H
#define CM_STORE_DB_PRIVATE_H

#include "store/db.h"

struct db_kind {
    void (*close)(struct cm_db *db);
    enum cm_status (*run)(struct cm_db *db, const char *sql, struct cm_db_values values,
                          struct cm_db_sink sink, struct cm_why *why);
    const char *begin;
    const char *begin_reading;
};

struct cm_db {
    const struct db_kind *kind;
    uint64_t changed;
    bool in_transaction;
    bool shared;
};

#define DB_MAX_COLUMNS 32
#define DB_MAX_VALUES  32

/**
 * The common SQL in a database's own words: what its bytes are called, and whether "?" is "$1", "$2", ...
 * Constants with "?" do not occur. NULL: no memory; the caller frees it.
 */
char *cm_db_own_words(const char *sql, const char *bytes, bool numbered);

CM_MUST_USE enum cm_status cm_db_sqlite_open(const char *path, struct cm_db **out,
                                             struct cm_why *why);
CM_MUST_USE enum cm_status cm_db_postgres_open(const char *uri, struct cm_db **out,
                                               struct cm_why *why);

#endif
