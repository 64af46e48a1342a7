/* What both kinds of database have in common. */
#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "store/db_private.h"

struct cm_db_value cm_db_int(int64_t number)
{
    return (struct cm_db_value){.type = CM_DB_INT, .number = number};
}

struct cm_db_value cm_db_text(const char *text)
{
    struct cm_db_value out = {.type = CM_DB_NULL};

    if (text != NULL) {
        out.type = CM_DB_TEXT;
        out.bytes = cm_span_make(text, strlen(text));
    }
    return out;
}

struct cm_db_value cm_db_blob(struct cm_span bytes)
{
    return (struct cm_db_value){.type = CM_DB_BLOB, .bytes = bytes};
}

char *cm_db_own_words(const char *sql, const char *bytes, bool numbered)
{
    const size_t len = strlen(sql);
    const size_t size = 5 * len + 1; /* no word grows by more */
    char *out = malloc(size);
    unsigned parameter = 0;
    size_t n = 0;

    for (size_t i = 0; out != NULL && i <= len; i++) {
        if (numbered && sql[i] == '?') {
            n += (size_t)snprintf(out + n, size - n, "$%u", ++parameter);
        } else if (sql[i] == '%' && sql[i + 1] == 'B') {
            n += (size_t)snprintf(out + n, size - n, "%s", bytes);
            i++;
        } else {
            out[n++] = sql[i];
        }
    }
    return out;
}

enum cm_status cm_db_open(const char *where, struct cm_db **out, struct cm_why *why)
{
    *out = NULL;
    if (strncmp(where, "sqlite:", 7) == 0 && where[7] != '\0') {
        return cm_db_sqlite_open(where + 7, out, why);
    }
    if (strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0) {
        return cm_db_postgres_open(where, out, why);
    }
    cm_why_set(why, "the store is sqlite:FILE or postgresql://...");
    return CM_ERR_PARAM;
}

void cm_db_close(struct cm_db *db)
{
    if (db != NULL) {
        cm_db_rollback(db);
        db->kind->close(db);
    }
}

enum cm_status cm_db_run(struct cm_db *db, const char *sql, struct cm_db_values values,
                         struct cm_db_sink sink, struct cm_why *why)
{
    if (values.count > DB_MAX_VALUES) {
        return CM_ERR_PARAM;
    }
    return db->kind->run(db, sql, values, sink, why);
}

uint64_t cm_db_changed(const struct cm_db *db)
{
    return db->changed;
}

bool cm_db_shared(const struct cm_db *db)
{
    return db->shared;
}

static enum cm_status begin(struct cm_db *db, const char *sql, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (db->in_transaction) {
        return CM_ERR_STATE;
    }
    CM_TRY(cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), why));
    db->in_transaction = true;
out:
    return st;
}

enum cm_status cm_db_begin(struct cm_db *db, struct cm_why *why)
{
    return begin(db, db->kind->begin, why);
}

enum cm_status cm_db_begin_reading(struct cm_db *db, struct cm_why *why)
{
    return begin(db, db->kind->begin_reading, why);
}

enum cm_status cm_db_commit(struct cm_db *db, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!db->in_transaction) {
        return CM_ERR_STATE;
    }
    CM_TRY(cm_db_run(db, "COMMIT", cm_db_none(), cm_db_nowhere(), why));
    db->in_transaction = false;
out:
    if (st != CM_OK) {
        cm_db_rollback(db);
    }
    return st;
}

void cm_db_rollback(struct cm_db *db)
{
    if (db->in_transaction) {
        db->in_transaction = false;
        /* it fails only when the database has rolled back by itself, or is gone */
        (void)!cm_db_run(db, "ROLLBACK", cm_db_none(), cm_db_nowhere(), NULL);
    }
}

enum cm_status cm_db_part(struct cm_db *db, struct cm_why *why)
{
    return cm_db_run(db, "SAVEPOINT part", cm_db_none(), cm_db_nowhere(), why);
}

enum cm_status cm_db_part_keep(struct cm_db *db, struct cm_why *why)
{
    return cm_db_run(db, "RELEASE SAVEPOINT part", cm_db_none(), cm_db_nowhere(), why);
}

enum cm_status cm_db_part_undo(struct cm_db *db, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "ROLLBACK TO SAVEPOINT part", cm_db_none(), cm_db_nowhere(), why));
    CM_TRY(cm_db_part_keep(db, why));
out:
    return st;
}
