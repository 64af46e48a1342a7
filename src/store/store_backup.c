/* See store_backup.h. One side is always an SQLite file, which says what tables and columns there are. */
#include "store/store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/try.h"
#include "store/db_private.h"
#include "store/schema.h"

#define MAX_TABLES 64
#define NAME_CAP   64
#define SQL_MAX    2048
#define FETCH      "FETCH FORWARD 500 FROM copied"

/* Statements keep their addresses as long as connections remember them by these. */
struct table {
    char name[NAME_CAP];
    char columns[SQL_MAX / 2];
    size_t column_count;
    char list[SQL_MAX];
    char select[SQL_MAX];
    char cursor[SQL_MAX];
    char insert[SQL_MAX];
    char empty[NAME_CAP + 32];
};

struct copy {
    struct cm_db *from;
    struct cm_db *to;
    struct table *tables;
    size_t table_count;
    const struct table *at;
    int64_t rows;
    int64_t fetched;
    enum cm_status st;
    struct cm_why *why;
};

/* -------------------------------------------------------------------- tables */

/* Names go into SQL, and a backup is a file that somebody else may have made. */
static bool plain_name(const struct cm_db_value *v)
{
    bool good = v->type == CM_DB_TEXT && v->bytes.len != 0 && v->bytes.len < NAME_CAP;

    for (size_t i = 0; good && i < v->bytes.len; i++) {
        const uint8_t c = v->bytes.ptr[i];

        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    return good;
}

static bool take_table(void *arg, const struct cm_db_value *c, size_t count)
{
    struct copy *copy = arg;

    if (count != 1 || !plain_name(&c[0]) || copy->table_count == MAX_TABLES) {
        cm_why_set(copy->why, "the tables are not as this program knows them");
        copy->st = CM_ERR_FORMAT;
        return false;
    }
    (void)snprintf(copy->tables[copy->table_count++].name, NAME_CAP, "%s",
                   (const char *)c[0].bytes.ptr);
    return true;
}

struct columns {
    struct table *table;
    bool good;
};

static bool take_column(void *arg, const struct cm_db_value *c, size_t count)
{
    struct columns *a = arg;
    struct table *t = a->table;
    const size_t used = strlen(t->columns);
    int n = 0;

    a->good = count == 1 && plain_name(&c[0]) && t->column_count < DB_MAX_COLUMNS;
    if (a->good) {
        n = snprintf(t->columns + used, sizeof(t->columns) - used, "%s%s", used == 0 ? "" : ", ",
                     (const char *)c[0].bytes.ptr);
        a->good = n > 0 && (size_t)n < sizeof(t->columns) - used;
        t->column_count++;
    }
    return a->good;
}

static enum cm_status describe(struct cm_db *sqlite, struct table *t, struct cm_why *why)
{
    struct columns a = {t, false};
    char marks[3 * DB_MAX_COLUMNS + 1] = "?";
    enum cm_status st = CM_OK;

    (void)snprintf(t->list, sizeof(t->list), "SELECT name FROM pragma_table_info('%s')", t->name);
    CM_TRY(cm_db_run(sqlite, t->list, cm_db_none(), cm_db_into(take_column, &a), why));
    if (!a.good) {
        cm_why_set(why, "the table %s is not as this program knows it", t->name);
        return CM_ERR_FORMAT;
    }
    for (size_t i = 1; i < t->column_count; i++) {
        (void)snprintf(marks + 3 * i - 2, 4, ", ?");
    }
    (void)snprintf(t->select, sizeof(t->select), "SELECT %s FROM %s", t->columns, t->name);
    (void)snprintf(t->cursor, sizeof(t->cursor), "DECLARE copied NO SCROLL CURSOR FOR %.1500s",
                   t->select);
    (void)snprintf(t->insert, sizeof(t->insert), "INSERT INTO %s (%s) VALUES (%s)", t->name,
                   t->columns, marks);
    (void)snprintf(t->empty, sizeof(t->empty), "DELETE FROM %s", t->name);
out:
    return st;
}

/* In the order of their making: what is referred to comes first. The version belongs to each side. */
static enum cm_status find_tables(struct copy *c, struct cm_db *sqlite)
{
    enum cm_status st = CM_OK;

    c->tables = calloc(MAX_TABLES, sizeof(*c->tables));
    if (c->tables == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_db_run(sqlite,
                     "SELECT name FROM sqlite_master WHERE type = 'table' AND name <>"
                     " 'schema_version' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                     cm_db_none(), cm_db_into(take_table, c), c->why));
    CM_TRY(c->st);
    for (size_t i = 0; i < c->table_count; i++) {
        CM_TRY(describe(sqlite, &c->tables[i], c->why));
    }
out:
    return st;
}

/* ---------------------------------------------------------------------- rows */

static bool copy_row(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct copy *c = arg;

    c->st =
        count != c->at->column_count
            ? CM_ERR_FORMAT
            : cm_db_run(c->to, c->at->insert, cm_db_with(columns, count), cm_db_nowhere(), c->why);
    c->rows++;
    c->fetched++;
    return c->st == CM_OK;
}

/* PostgreSQL's results come as a whole: by a cursor they come in parts. */
static enum cm_status copy_table(struct copy *c)
{
    const bool parts = cm_db_shared(c->from);
    enum cm_status st = CM_OK;

    c->st = CM_OK;
    if (!parts) {
        CM_TRY(cm_db_run(c->from, c->at->select, cm_db_none(), cm_db_into(copy_row, c), c->why));
        return c->st;
    }
    CM_TRY(cm_db_run(c->from, c->at->cursor, cm_db_none(), cm_db_nowhere(), c->why));
    do {
        c->fetched = 0;
        CM_TRY(cm_db_run(c->from, FETCH, cm_db_none(), cm_db_into(copy_row, c), c->why));
        CM_TRY(c->st);
    } while (c->fetched != 0);
    CM_TRY(cm_db_run(c->from, "CLOSE copied", cm_db_none(), cm_db_nowhere(), c->why));
out:
    return st;
}

static enum cm_status copy_all(struct copy *c)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_begin_reading(c->from, c->why));
    CM_TRY(cm_db_begin(c->to, c->why));
    for (size_t i = c->table_count; i > 0; i--) { /* what a new store begins with */
        CM_TRY(cm_db_run(c->to, c->tables[i - 1].empty, cm_db_none(), cm_db_nowhere(), c->why));
    }
    for (size_t i = 0; i < c->table_count; i++) {
        c->at = &c->tables[i];
        CM_TRY(copy_table(c));
    }
    CM_TRY(cm_db_commit(c->to, c->why));
out:
    cm_db_rollback(c->to);
    cm_db_rollback(c->from);
    return st;
}

/* ------------------------------------------------------------------- versions */

static bool take_number(void *arg, const struct cm_db_value *c, size_t count)
{
    *(int64_t *)arg = count == 1 && c[0].type == CM_DB_INT ? c[0].number : -1;
    return false;
}

static enum cm_status need_version(struct cm_db *db, struct cm_why *why)
{
    int64_t version = -1;
    enum cm_status st = cm_db_run(db, "SELECT version FROM schema_version", cm_db_none(),
                                  cm_db_into(take_number, &version), NULL);

    if (st == CM_ERR_BUSY) {
        return st;
    }
    if (st != CM_OK) {
        cm_why_set(why, "there is no store");
        return CM_ERR_NOTFOUND;
    }
    if (version != cm_schema_version()) {
        cm_why_set(why, "the store is of version %" PRId64 ", this program's is %" PRId64, version,
                   cm_schema_version());
        return CM_ERR_UNSUPPORTED;
    }
    return CM_OK;
}

/* Whatever matters is in the audit log: a store without a record is as good as new. */
static enum cm_status need_unused(struct cm_db *db, struct cm_why *why)
{
    int64_t records = -1;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "SELECT seq FROM audit_head", cm_db_none(),
                     cm_db_into(take_number, &records), why));
    if (records != 0) {
        cm_why_set(why, "there is a store already, with %" PRId64 " records in its audit log",
                   records);
        st = CM_ERR_EXISTS;
    }
out:
    return st;
}

/* --------------------------------------------------------------------- files */

static void remove_parts(const char *file)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char path[4096] = "";

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", file, ends[i]);
        (void)unlink(path);
    }
}

static enum cm_status failed(const char *path, struct cm_why *why)
{
    const int error = errno;

    cm_why_set(why, "%.150s: %s", path, strerror(error));
    return error == ENOENT   ? CM_ERR_NOTFOUND
           : error == EEXIST ? CM_ERR_EXISTS
           : error == EACCES ? CM_ERR_DENIED
                             : CM_ERR_IO;
}

static enum cm_status part_of(const char *file, char out[4096], struct cm_why *why)
{
    const int n = snprintf(out, 4096, "sqlite:%s.part", file);

    if (n < 0 || (size_t)n + 16 >= 4096) {
        cm_why_set(why, "the path is too long");
        return CM_ERR_LIMIT;
    }
    return CM_OK;
}

static enum cm_status is_there(const char *file, struct cm_why *why)
{
    cm_why_set(why, "%.150s is there, and no backup replaces a file", file);
    return CM_ERR_EXISTS;
}

/* In one step, where the file system can. */
static int rename_to_new(const char *from, const char *to)
{
    int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
        rc = link(from, to) == 0 ? unlink(from) : -1;
    }
    return rc;
}

/* The file is whole: its name, and the folder's entry for it, reach the disk. */
static enum cm_status publish(const char *part, const char *file, struct cm_why *why)
{
    char folder[4096] = "";
    int fd = -1;
    enum cm_status st = CM_OK;

    (void)snprintf(folder, sizeof(folder), "%s", file);
    fd = open(part, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || rename_to_new(part, file) != 0) {
        st = errno == EEXIST ? is_there(file, why) : failed(file, why);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    fd = st == CM_OK ? open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    return st;
}

/* A copy of the backup, which is brought to this program's version. */
static enum cm_status copy_file(const char *from, const char *to, struct cm_why *why)
{
    static const char magic[16] = "SQLite format 3";
    char *buffer = malloc(1 << 16);
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = -1;
    ssize_t n = 0;
    bool first = true;
    enum cm_status st = CM_OK;

    if (in < 0) {
        st = failed(from, why);
        goto out;
    }
    out = buffer == NULL ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        st = buffer == NULL ? CM_ERR_NOMEM : failed(to, why);
        goto out;
    }
    while (st == CM_OK && (n = read(in, buffer, 1 << 16)) > 0) {
        if (first && (n < 100 || memcmp(buffer, magic, sizeof(magic)) != 0)) {
            cm_why_set(why, "%.150s is no backup", from);
            st = CM_ERR_FORMAT;
        } else if (write(out, buffer, (size_t)n) != n) {
            st = failed(to, why);
        }
        first = false;
    }
    if (st == CM_OK && (n < 0 || first)) {
        cm_why_set(why, "%.150s is no backup", from);
        st = n < 0 ? CM_ERR_IO : CM_ERR_FORMAT;
    }
out:
    if (in >= 0) {
        (void)close(in);
    }
    if (out >= 0) {
        (void)close(out);
    }
    free(buffer);
    return st;
}

/* ---------------------------------------------------------- backup and restore */

enum cm_status cm_store_backup(const char *where, const char *file, struct cm_backup *out,
                               struct cm_why *why)
{
    char part[4096] = "";
    struct copy c = {.why = why};
    enum cm_status verdict = CM_OK;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(part_of(file, part, why));
    if (strncmp(where, "sqlite:", 7) == 0 && access(where + 7, F_OK) != 0) { /* opening makes it */
        return failed(where + 7, why);
    }
    if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0) { /* before the work */
        return is_there(file, why);
    }
    remove_parts(part + 7);
    CM_TRY(cm_db_open(where, &c.from, why));
    CM_TRY(need_version(c.from, why));
    CM_TRY(cm_db_open(part, &c.to, why));
    CM_TRY(cm_schema_apply(c.to, why));
    CM_TRY(find_tables(&c, c.to));
    CM_TRY(copy_all(&c));
    verdict = cm_audit_verify(c.to, NULL, &out->audit, why);
    cm_db_close(c.to); /* its log goes into the file with that */
    c.to = NULL;
    CM_TRY(publish(part + 7, file, why));
    out->rows = c.rows;
    st = verdict;
out:
    cm_db_close(c.to);
    cm_db_close(c.from);
    remove_parts(part + 7);
    free(c.tables);
    return st;
}

static enum cm_status note_restore(struct cm_db *db, const char *file, int64_t now,
                                   const struct cm_audit_verdict *audit, struct cm_why *why)
{
    char last[2 * CM_AUDIT_HASH + 1] = "";
    char detail[256] = "";
    struct cm_audit_record record = {
        .time = now, .actor = "operator", .action = "store.restore", .detail = detail};
    const char *slash = strrchr(file, '/');
    enum cm_status st = CM_OK;

    record.object = slash == NULL ? file : slash + 1;
    cm_hex_encode(cm_span_make(audit->last, CM_AUDIT_HASH), CM_HEX_LOWER, last);
    (void)snprintf(detail, sizeof(detail), "{\"records\":%" PRId64 ",\"last\":\"%s\"}",
                   audit->records, last);
    CM_TRY(cm_db_begin(db, why));
    CM_TRY(cm_audit_append(db, &record, why));
    CM_TRY(cm_db_commit(db, why));
out:
    cm_db_rollback(db);
    return st;
}

static enum cm_status restore_into(struct copy *c, const char *from, const char *to,
                                   struct cm_backup *out)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_open(from, &c->from, c->why));
    CM_TRY(cm_schema_apply(c->from, c->why));
    CM_TRY(cm_audit_verify(c->from, NULL, &out->audit, c->why));
    CM_TRY(find_tables(c, c->from));
    CM_TRY(cm_db_open(to, &c->to, c->why));
    CM_TRY(cm_schema_apply(c->to, c->why));
    CM_TRY(need_unused(c->to, c->why));
    CM_TRY(copy_all(c));
    out->rows = c->rows;
out:
    return st;
}

enum cm_status cm_store_restore(const char *file, const char *where, int64_t now,
                                struct cm_backup *out, struct cm_why *why)
{
    const bool sqlite = strncmp(where, "sqlite:", 7) == 0;
    char copy[] = "sqlite:/tmp/cm-restore.XXXXXX/backup.db";
    char *const folder_end = strrchr(copy, '/');
    char part[4096] = "";
    struct copy c = {.why = why};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    *folder_end = '\0';
    if (mkdtemp(copy + 7) == NULL) {
        return failed(copy + 7, why);
    }
    *folder_end = '/';
    if (sqlite) {
        if (access(where + 7, F_OK) == 0) {
            cm_why_set(why, "%.150s: there is a store already", where + 7);
            st = CM_ERR_EXISTS;
            goto out;
        }
        CM_TRY(part_of(where + 7, part, why));
        remove_parts(part + 7);
    }
    CM_TRY(copy_file(file, copy + 7, why));
    CM_TRY(restore_into(&c, copy, sqlite ? part : where, out));
    CM_TRY(note_restore(c.to, file, now, &out->audit, why));
    cm_db_close(c.to);
    c.to = NULL;
    if (sqlite) {
        CM_TRY(publish(part + 7, where + 7, why));
    }
out:
    cm_db_close(c.to);
    cm_db_close(c.from);
    if (part[0] != '\0') {
        remove_parts(part + 7);
    }
    remove_parts(copy + 7);
    *folder_end = '\0';
    (void)rmdir(copy + 7);
    free(c.tables);
    return st;
}
