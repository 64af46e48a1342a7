/*
 * One connection to a database, SQLite or PostgreSQL, behind the few calls that a store needs. SQL is
 * the common part of both: values only as parameters ("?"), types BIGINT, TEXT and BLOB.
 *
 * Not thread-safe: every thread has a connection of its own. Host side only.
 */
#ifndef CM_STORE_DB_H
#define CM_STORE_DB_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

enum cm_db_type { CM_DB_NULL, CM_DB_INT, CM_DB_TEXT, CM_DB_BLOB };

struct cm_db_value {
    enum cm_db_type type;
    int64_t number;       /* INT */
    struct cm_span bytes; /* TEXT (UTF-8, no NUL counted), BLOB */
};

struct cm_db_value cm_db_int(int64_t number);
/** NULL becomes SQL's NULL. */
struct cm_db_value cm_db_text(const char *text);
struct cm_db_value cm_db_blob(struct cm_span bytes);

/**
 * One row of a result. Values live until it returns; texts are NUL-terminated.
 * @return false: enough, the rest is not wanted
 */
typedef bool cm_db_row(void *arg, const struct cm_db_value *columns, size_t count);

struct cm_db;

/** What a person is told of a store that cannot be written: whole reasons, which say nothing of what is in it. */
#define CM_DB_FULL   "the store's disk is full"
#define CM_DB_LOCKED "another program has locked the store"

/**
 * @param where  "sqlite:FILE", made with mode 0600 when it is not there, or a PostgreSQL URI
 *               ("postgresql://...").
 * @retval CM_ERR_PARAM   neither        @retval CM_ERR_FORMAT  a file that is no database
 * @retval CM_ERR_DENIED  not allowed    @retval CM_ERR_BUSY    the server cannot be reached
 */
CM_MUST_USE enum cm_status cm_db_open(const char *where, struct cm_db **out, struct cm_why *why);

/** Accepts NULL. What is not committed is rolled back. */
void cm_db_close(struct cm_db *db);

/** The values of a statement, and where its result goes. */
struct cm_db_values {
    const struct cm_db_value *v;
    size_t count;
};
struct cm_db_sink {
    cm_db_row *row; /* called for each row; NULL: no result is wanted */
    void *arg;
};

static inline struct cm_db_values cm_db_with(const struct cm_db_value *v, size_t count)
{
    return (struct cm_db_values){v, count};
}

static inline struct cm_db_values cm_db_none(void)
{
    return (struct cm_db_values){NULL, 0};
}

static inline struct cm_db_sink cm_db_into(cm_db_row *row, void *arg)
{
    return (struct cm_db_sink){row, arg};
}

static inline struct cm_db_sink cm_db_nowhere(void)
{
    return (struct cm_db_sink){NULL, NULL};
}

/**
 * Run one statement.
 *
 * @param sql   a string constant: prepared once a connection and found again by its address. "%B"
 *              stands for the type of bytes.
 *
 * @retval CM_ERR_EXISTS  a constraint (UNIQUE, CHECK, a foreign key) forbids it
 * @retval CM_ERR_BUSY    locked, a conflict with another transaction, or the server has gone: try again
 * @retval CM_ERR_IO      the disk is full or failed   @retval CM_ERR_FORMAT  the file is damaged
 * @retval CM_ERR_PARAM   wrong SQL or values          @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_db_run(struct cm_db *db, const char *sql, struct cm_db_values values,
                                     struct cm_db_sink sink, struct cm_why *why);

/** How many rows the last INSERT, UPDATE or DELETE changed. */
uint64_t cm_db_changed(const struct cm_db *db);

/**
 * A transaction; SQLite's takes the write lock at once. After a failed commit nothing of it happened,
 * unless the connection was lost in the midst of it (CM_ERR_BUSY): then nobody knows.
 */
CM_MUST_USE enum cm_status cm_db_begin(struct cm_db *db, struct cm_why *why);
/** One that only reads: all of it sees one state, and nobody who writes waits for it. */
CM_MUST_USE enum cm_status cm_db_begin_reading(struct cm_db *db, struct cm_why *why);
CM_MUST_USE enum cm_status cm_db_commit(struct cm_db *db, struct cm_why *why);
void cm_db_rollback(struct cm_db *db);

/** Within a transaction: a part that can be undone alone. Parts do not nest. */
CM_MUST_USE enum cm_status cm_db_part(struct cm_db *db, struct cm_why *why);
CM_MUST_USE enum cm_status cm_db_part_keep(struct cm_db *db, struct cm_why *why);
CM_MUST_USE enum cm_status cm_db_part_undo(struct cm_db *db, struct cm_why *why);

/** Whether this is PostgreSQL, which several programs may use at once. */
bool cm_db_shared(const struct cm_db *db);

#endif
