/*
 * PostgreSQL through libpq, for several instances of a service. A lost connection is noticed at the next
 * statement: that one says CM_ERR_BUSY, and the one after it finds a new connection.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/try.h"
#include "store/db_private.h"

#define MAX_PREPARED 128
#define OID_INT8     20u
#define OID_TEXT     25u
#define OID_BYTEA    17u

struct postgres_db {
    struct cm_db base; /* first */
    PGconn *conn;
    const char *prepared[MAX_PREPARED];
    size_t prepared_count;
    size_t victim; /* the next to make room */
    bool lost;     /* the connection, whatever libpq says of it */
};

static struct postgres_db *of(struct cm_db *db)
{
    return (struct postgres_db *)(void *)db;
}

static void postgres_close(struct cm_db *db)
{
    struct postgres_db *p = of(db);

    PQfinish(p->conn);
    free(p);
}

/* By the classes of SQLSTATE. */
static enum cm_status status_of(struct postgres_db *p, const PGresult *r, struct cm_why *why)
{
    static const struct {
        const char *prefix;
        enum cm_status st;
    } classes[] = {
        {"08P01", CM_ERR_PARAM},  {"23", CM_ERR_EXISTS}, {"40", CM_ERR_BUSY},
        {"55P03", CM_ERR_BUSY},   {"57", CM_ERR_BUSY},   {"08", CM_ERR_BUSY},
        {"25006", CM_ERR_DENIED}, {"28", CM_ERR_DENIED}, {"42501", CM_ERR_DENIED},
        {"53100", CM_ERR_IO},     {"53", CM_ERR_BUSY},   {"58", CM_ERR_IO},
        {"XX", CM_ERR_FORMAT},
    };
    const ExecStatusType kind = PQresultStatus(r);
    const char *state = r == NULL ? NULL : PQresultErrorField(r, PG_DIAG_SQLSTATE);
    char text[200] = "";

    if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK) {
        return CM_OK;
    }
    (void)snprintf(text, sizeof(text), "%s", PQerrorMessage(p->conn));
    text[strcspn(text, "\n")] = '\0';
    cm_why_set(why, "store: %s", text);
    if (PQstatus(p->conn) != CONNECTION_OK ||
        state == NULL) { /* libpq's own word, not the server's */
        p->lost = true;
        return CM_ERR_BUSY;
    }
    for (size_t i = 0; state != NULL && i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0) {
            return classes[i].st;
        }
    }
    return CM_ERR_PARAM;
}

/* A place for one more; when all are taken, that of the one whose turn it is. */
static enum cm_status make_room(struct postgres_db *p, size_t *at, struct cm_why *why)
{
    PGresult *r = NULL;
    char text[32] = "";
    enum cm_status st = CM_OK;

    if (p->prepared_count < MAX_PREPARED) {
        *at = p->prepared_count;
        return CM_OK;
    }
    p->victim = (p->victim + 1) % MAX_PREPARED;
    *at = p->victim;
    p->prepared[*at] = NULL;
    (void)snprintf(text, sizeof(text), "DEALLOCATE s%zu", *at);
    r = PQexec(p->conn, text);
    st = status_of(p, r, why);
    PQclear(r);
    return st;
}

static enum cm_status prepare(struct postgres_db *p, const char *sql, char name[16],
                              struct cm_why *why)
{
    size_t at = 0;
    PGresult *r = NULL;
    char *text = NULL;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < p->prepared_count; i++) {
        if (p->prepared[i] == sql) {
            (void)snprintf(name, 16, "s%zu", i);
            return CM_OK;
        }
    }
    CM_TRY(make_room(p, &at, why));
    (void)snprintf(name, 16, "s%zu", at);
    text = cm_db_own_words(sql, "BYTEA", true);
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    r = PQprepare(p->conn, name, text, 0, NULL);
    free(text);
    st = status_of(p, r, why);
    PQclear(r);
    if (st == CM_OK) {
        p->prepared[at] = sql;
        p->prepared_count += at == p->prepared_count ? 1 : 0;
    }
out:
    return st;
}

/* Values on their way to the server, as libpq wants them. */
struct given {
    const char *values[DB_MAX_VALUES];
    int lengths[DB_MAX_VALUES];
    int formats[DB_MAX_VALUES];
    char numbers[DB_MAX_VALUES][24];
    char *texts[DB_MAX_VALUES]; /* owned */
};

static void given_free(struct given *g)
{
    for (size_t i = 0; i < DB_MAX_VALUES; i++) {
        free(g->texts[i]);
    }
}

static enum cm_status given_make(struct given *g, struct cm_db_values values)
{
    memset(g, 0, sizeof(*g));
    for (size_t i = 0; i < values.count; i++) {
        const struct cm_db_value *v = &values.v[i];

        if (v->bytes.len > INT32_MAX / 2) {
            return CM_ERR_LIMIT;
        }
        if (v->type == CM_DB_INT) {
            (void)snprintf(g->numbers[i], sizeof(g->numbers[i]), "%" PRId64, v->number);
            g->values[i] = g->numbers[i];
        } else if (v->type == CM_DB_TEXT) {
            g->texts[i] = malloc(v->bytes.len + 1);
            if (g->texts[i] == NULL) {
                return CM_ERR_NOMEM;
            }
            if (v->bytes.len != 0) {
                memcpy(g->texts[i], v->bytes.ptr, v->bytes.len);
            }
            g->texts[i][v->bytes.len] = '\0';
            g->values[i] = g->texts[i];
        } else if (v->type == CM_DB_BLOB) {
            g->values[i] = v->bytes.len == 0 ? "" : (const char *)v->bytes.ptr;
            g->lengths[i] = (int)v->bytes.len;
            g->formats[i] = 1;
        }
    }
    return CM_OK;
}

/* Results come in binary: integers most significant byte first. */
static struct cm_db_value column(const PGresult *r, int row, int at)
{
    struct cm_db_value out = {.type = CM_DB_NULL};
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(r, row, at);
    const size_t len = (size_t)PQgetlength(r, row, at);

    if (PQgetisnull(r, row, at) != 0) {
        return out;
    }
    if (PQftype(r, at) == OID_INT8 && len == 8) {
        uint64_t number = 0;

        for (size_t i = 0; i < 8; i++) {
            number = number << 8 | bytes[i];
        }
        return cm_db_int((int64_t)number);
    }
    out.type = PQftype(r, at) == OID_BYTEA ? CM_DB_BLOB : CM_DB_TEXT;
    out.bytes = cm_span_make(bytes, len);
    return out;
}

static void give(const PGresult *r, struct cm_db_sink sink)
{
    struct cm_db_value columns[DB_MAX_COLUMNS];
    const int count = PQnfields(r) < DB_MAX_COLUMNS ? PQnfields(r) : DB_MAX_COLUMNS;
    bool more = sink.row != NULL;

    for (int i = 0; more && i < PQntuples(r); i++) {
        for (int k = 0; k < count; k++) {
            columns[k] = column(r, i, k);
        }
        more = sink.row(sink.arg, columns, (size_t)count);
    }
}

static void find_again(struct postgres_db *p)
{
    if (p->lost && !p->base.in_transaction) {
        PQreset(p->conn);
        p->prepared_count = 0;
        p->lost = false;
    }
}

static enum cm_status postgres_run(struct cm_db *db, const char *sql, struct cm_db_values values,
                                   struct cm_db_sink sink, struct cm_why *why)
{
    struct postgres_db *p = of(db);
    struct given given;
    PGresult *r = NULL;
    char name[16] = "";
    enum cm_status st = CM_OK;

    find_again(p);
    CM_TRY(prepare(p, sql, name, why));
    st = given_make(&given, values);
    if (st == CM_OK) {
        r = PQexecPrepared(p->conn, name, (int)values.count, given.values, given.lengths,
                           given.formats, 1);
        st = status_of(p, r, why);
    }
    if (st == CM_OK) {
        db->changed = strtoull(PQcmdTuples(r), NULL, 10);
        give(r, sink);
    }
    given_free(&given);
    PQclear(r);
out:
    return st;
}

static const struct db_kind postgres_kind = {postgres_close, postgres_run, "BEGIN",
                                             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};

static void quiet(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

enum cm_status cm_db_postgres_open(const char *uri, struct cm_db **out, struct cm_why *why)
{
    /* what the address says of the same counts more */
    static const char *const names[] = {"connect_timeout", "tcp_user_timeout", "dbname", NULL};
    const char *const values[] = {"5", "10000", uri, NULL};
    struct postgres_db *p = calloc(1, sizeof(*p));
    char text[200] = "";

    if (p == NULL) {
        return CM_ERR_NOMEM;
    }
    p->base.kind = &postgres_kind;
    p->base.shared = true;
    p->conn = PQconnectdbParams(names, values, 1);
    if (p->conn == NULL || PQstatus(p->conn) != CONNECTION_OK) {
        /* libpq's text names host and user, not the password */
        (void)snprintf(text, sizeof(text), "%s",
                       p->conn == NULL ? "memory" : PQerrorMessage(p->conn));
        text[strcspn(text, "\n")] = '\0';
        cm_why_set(why, "store: %s", text);
        postgres_close(&p->base);
        return CM_ERR_BUSY;
    }
    (void)PQsetNoticeReceiver(p->conn, quiet, NULL);
    (void)PQsetErrorVerbosity(p->conn, PQERRORS_TERSE);
    *out = &p->base;
    return CM_OK;
}
