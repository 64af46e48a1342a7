/*
 * SQLite: one file in WAL mode, every commit on the disk before it is acknowledged (synchronous FULL).
 * Statements are prepared once and found by the address of their text.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/try.h"
#include "store/db_private.h"

#define MAX_PREPARED 128
#define BUSY_MS      5000

struct sqlite_db {
    struct cm_db base; /* first */
    sqlite3 *db;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } prepared[MAX_PREPARED];
    size_t prepared_count;
    size_t victim; /* the next to make room */
};

static struct sqlite_db *of(struct cm_db *db)
{
    return (struct sqlite_db *)(void *)db;
}

/*
 * A quota and a limit of files are a full disk, too. Of a commit SQLite keeps no error of the system's
 * (sqlite3_system_errno): it is the last one, before which sqlite_run() has cleared it.
 */
static bool is_full(int code, int error)
{
    return code == SQLITE_FULL ||
           (code == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT || error == EFBIG));
}

static enum cm_status status_of(sqlite3 *db, int code, struct cm_why *why)
{
    const int error = errno;
    enum cm_status st = CM_ERR_PARAM;

    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return CM_OK;
    case SQLITE_NOMEM:
        return CM_ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        st = CM_ERR_BUSY;
        break;
    case SQLITE_CONSTRAINT:
        st = CM_ERR_EXISTS;
        break;
    case SQLITE_FULL:
    case SQLITE_IOERR:
        st = CM_ERR_IO;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        st = CM_ERR_FORMAT;
        break;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        st = CM_ERR_DENIED;
        break;
    default:
        break;
    }
    if (is_full(code & 0xff, error)) {
        cm_why_set(why, CM_DB_FULL);
    } else if ((code & 0xff) == SQLITE_BUSY) {
        cm_why_set(why, CM_DB_LOCKED);
    } else {
        cm_why_set(why, "store: %.200s", db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(db));
    }
    return st;
}

static void sqlite_close(struct cm_db *db)
{
    struct sqlite_db *s = of(db);

    for (size_t i = 0; i < s->prepared_count; i++) {
        (void)sqlite3_finalize(s->prepared[i].statement);
    }
    (void)sqlite3_close(s->db);
    free(s);
}

/* A place for one more; when all are taken, that of a statement that nobody is in the midst of. */
static enum cm_status make_room(struct sqlite_db *s, size_t *at)
{
    if (s->prepared_count < MAX_PREPARED) {
        *at = s->prepared_count++;
        return CM_OK;
    }
    for (size_t i = 0; i < MAX_PREPARED; i++) {
        s->victim = (s->victim + 1) % MAX_PREPARED;
        if (sqlite3_stmt_busy(s->prepared[s->victim].statement) == 0) {
            (void)sqlite3_finalize(s->prepared[s->victim].statement);
            *at = s->victim;
            return CM_OK;
        }
    }
    return CM_ERR_LIMIT;
}

static enum cm_status prepare(struct sqlite_db *s, const char *sql, sqlite3_stmt **out,
                              struct cm_why *why)
{
    char *text = NULL;
    size_t at = 0;
    int code = SQLITE_OK;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < s->prepared_count; i++) {
        if (s->prepared[i].sql == sql) {
            *out = s->prepared[i].statement;
            return CM_OK;
        }
    }
    text = cm_db_own_words(sql, "BLOB", false);
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    code = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    free(text);
    CM_TRY(status_of(s->db, code, why));
    st = make_room(s, &at);
    if (st != CM_OK) {
        (void)sqlite3_finalize(*out);
        goto out;
    }
    s->prepared[at].sql = sql;
    s->prepared[at].statement = *out;
out:
    return st;
}

static int bind(sqlite3_stmt *st, int at, const struct cm_db_value *v)
{
    switch (v->type) {
    case CM_DB_INT:
        return sqlite3_bind_int64(st, at, v->number);
    case CM_DB_TEXT:
        return sqlite3_bind_text64(st, at, v->bytes.len == 0 ? "" : (const char *)v->bytes.ptr,
                                   v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case CM_DB_BLOB:
        return v->bytes.len == 0
                   ? sqlite3_bind_zeroblob(st, at, 0)
                   : sqlite3_bind_blob64(st, at, v->bytes.ptr, v->bytes.len, SQLITE_STATIC);
    case CM_DB_NULL:
        break;
    }
    return sqlite3_bind_null(st, at);
}

static struct cm_db_value column(sqlite3_stmt *st, int at)
{
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_INTEGER:
        return cm_db_int(sqlite3_column_int64(st, at));
    case SQLITE_TEXT: {
        struct cm_db_value out = {.type = CM_DB_TEXT};

        out.bytes.ptr = sqlite3_column_text(st, at);
        out.bytes.len = (size_t)sqlite3_column_bytes(st, at);
        return out;
    }
    case SQLITE_BLOB:
        return cm_db_blob(
            cm_span_make(sqlite3_column_blob(st, at), (size_t)sqlite3_column_bytes(st, at)));
    default:
        break;
    }
    return (struct cm_db_value){.type = CM_DB_NULL};
}

static bool give(sqlite3_stmt *st, struct cm_db_sink sink)
{
    struct cm_db_value columns[DB_MAX_COLUMNS];
    const int count = sqlite3_column_count(st);

    for (int i = 0; i < count && i < DB_MAX_COLUMNS; i++) {
        columns[i] = column(st, i);
    }
    return sink.row == NULL ||
           sink.row(sink.arg, columns, (size_t)(count < DB_MAX_COLUMNS ? count : DB_MAX_COLUMNS));
}

static enum cm_status sqlite_run(struct cm_db *db, const char *sql, struct cm_db_values values,
                                 struct cm_db_sink sink, struct cm_why *why)
{
    struct sqlite_db *s = of(db);
    sqlite3_stmt *statement = NULL;
    enum cm_status st = CM_OK;
    int code = SQLITE_OK;

    CM_TRY(prepare(s, sql, &statement, why));
    if ((size_t)sqlite3_bind_parameter_count(statement) != values.count) {
        return CM_ERR_PARAM;
    }
    for (size_t i = 0; i < values.count && code == SQLITE_OK; i++) {
        code = bind(statement, (int)i + 1, &values.v[i]);
    }
    errno = 0;
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW && !give(statement, sink)) {
            code = SQLITE_DONE;
        }
    }
    st = status_of(s->db, code, why);
    db->changed = (uint64_t)sqlite3_changes64(s->db);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
out:
    return st;
}

static const struct db_kind sqlite_kind = {sqlite_close, sqlite_run, "BEGIN IMMEDIATE", "BEGIN"};

/*
 * The file exists from its first moment for its owner alone. It is never opened here: closing a descriptor
 * of it would take away the locks of all this process's connections (POSIX), and another process that
 * closes the store would take itself for the last one and delete the log that ours write to.
 */
static enum cm_status make_file(const char *path, struct cm_why *why)
{
    struct stat s;
    int error = mknod(path, S_IFREG | 0600, 0) == 0 || errno == EEXIST ? 0 : errno;

    if (error == 0) {
        error = lstat(path, &s) != 0             ? errno
                : S_ISLNK(s.st_mode)             ? ELOOP
                : access(path, R_OK | W_OK) != 0 ? errno
                                                 : 0;
    }
    if (error != 0) {
        cm_why_set(why, "store: %.150s: %s", path, strerror(error));
        return error == EACCES || error == EPERM || error == EROFS || error == ELOOP ? CM_ERR_DENIED
                                                                                     : CM_ERR_IO;
    }
    return CM_OK;
}

enum cm_status cm_db_sqlite_open(const char *path, struct cm_db **out, struct cm_why *why)
{
    static const char settings[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON;";
    struct sqlite_db *s = calloc(1, sizeof(*s));
    enum cm_status st = CM_OK;

    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    s->base.kind = &sqlite_kind;
    CM_TRY(make_file(path, why));
    CM_TRY(status_of(NULL,
                     sqlite3_open_v2(path, &s->db,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                         SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                                     NULL),
                     why));
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    CM_TRY(status_of(s->db, sqlite3_exec(s->db, settings, NULL, NULL, NULL), why));
    *out = &s->base;
    s = NULL;
out:
    if (s != NULL) {
        sqlite_close(&s->base);
    }
    return st;
}
