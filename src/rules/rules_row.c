/* The rows of policies' versions; see rules_private.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "rules/rules_private.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum cm_status cm_rules_guard(struct cm_db *db, struct cm_why *why)
{
    return cm_db_run(db, "UPDATE policy_guard SET changes = changes + 1", cm_db_none(),
                     cm_db_nowhere(), why);
}

struct row_reading {
    struct cm_rules_row *row;
    enum cm_status st;
};

static char *copy(struct cm_db_value v)
{
    return v.type == CM_DB_NULL ? NULL : strndup((const char *)v.bytes.ptr, v.bytes.len);
}

static void take(char *out, size_t cap, struct cm_db_value v)
{
    (void)snprintf(out, cap, "%s", v.type == CM_DB_NULL ? "" : (const char *)v.bytes.ptr);
}

/* version, state, author, time, comment, text, jws, signer, hash */
static bool read_row(void *arg, const struct cm_db_value *c, size_t count)
{
    struct row_reading *r = arg;
    struct cm_rules_row *row = r->row;

    if (count != 9) {
        r->st = CM_ERR_FORMAT;
        return false;
    }
    row->version = c[0].number;
    row->time = c[3].number;
    take(row->state, sizeof(row->state), c[1]);
    take(row->author, sizeof(row->author), c[2]);
    take(row->hash, sizeof(row->hash), c[8]);
    row->comment = copy(c[4]);
    row->text = copy(c[5]);
    row->jws = copy(c[6]);
    row->signer = copy(c[7]);
    r->st = row->comment == NULL || row->text == NULL || row->jws == NULL ||
                    (row->signer == NULL && c[7].type != CM_DB_NULL)
                ? CM_ERR_NOMEM
                : CM_OK;
    return false;
}

enum cm_status cm_rules_row_read(struct cm_db *db, const char *type, int64_t version,
                                 struct cm_rules_row *out, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_text(type), cm_db_int(version)};
    struct row_reading r = {out, CM_ERR_NOTFOUND};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_db_run(db,
                     "SELECT version, state, author, time, comment, text, jws, signer, hash"
                     " FROM policy WHERE type = ? AND version = ?",
                     cm_db_with(values, COUNT(values)), cm_db_into(read_row, &r), why));
    st = r.st;
    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "%s has no version %lld", type, (long long)version);
    }
out:
    if (st != CM_OK) {
        cm_rules_row_free(out);
    }
    return st;
}

void cm_rules_row_free(struct cm_rules_row *row)
{
    free(row->comment);
    free(row->text);
    free(row->jws);
    free(row->signer);
    memset(row, 0, sizeof(*row));
}

static bool read_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 && columns[0].type == CM_DB_INT ? columns[0].number : 0;
    return false;
}

enum cm_status cm_rules_row_activate(struct cm_db *db, const char *type, int64_t version,
                                     struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_text(type), cm_db_int(version)};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "UPDATE policy SET state = 'replaced' WHERE type = ? AND (state = 'active'"
                     " OR (state = 'waiting' AND version < ?))",
                     cm_db_with(values, COUNT(values)), cm_db_nowhere(), why));
    st = cm_db_run(db, "UPDATE policy SET state = 'active' WHERE type = ? AND version = ?",
                   cm_db_with(values, COUNT(values)), cm_db_nowhere(), why);
out:
    return st;
}

static enum cm_status insert(struct cm_db *db, const char *type, const struct cm_rules_row *row,
                             struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_text(type),        cm_db_int(row->version),
                                         cm_db_text("waiting"),   cm_db_text(row->author),
                                         cm_db_int(row->time),    cm_db_text(row->comment),
                                         cm_db_text(row->text),   cm_db_text(row->jws),
                                         cm_db_text(row->signer), cm_db_text(row->hash)};

    return cm_db_run(db,
                     "INSERT INTO policy (type, version, state, author, time, comment, text, jws,"
                     " signer, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     cm_db_with(values, COUNT(values)), cm_db_nowhere(), why);
}

enum cm_status cm_rules_row_add(struct cm_db *db, const char *type, struct cm_rules_row *row,
                                bool waits, struct cm_why *why)
{
    const struct cm_db_value of = cm_db_text(type);
    enum cm_status st = CM_OK;

    row->version = 0;
    CM_TRY(cm_db_run(db, "SELECT MAX(version) FROM policy WHERE type = ?", cm_db_with(&of, 1),
                     cm_db_into(read_number, &row->version), why));
    row->version++;
    /* who proposes anew takes the place of what waits */
    CM_TRY(cm_db_run(db,
                     "UPDATE policy SET state = 'replaced' WHERE type = ? AND state = 'waiting'",
                     cm_db_with(&of, 1), cm_db_nowhere(), why));
    CM_TRY(insert(db, type, row, why));
    if (!waits) {
        st = cm_rules_row_activate(db, type, row->version, why);
    }
out:
    return st;
}

enum cm_status cm_rules_row_in_force(struct cm_db *db, const char *type, int64_t *out,
                                     struct cm_why *why)
{
    const struct cm_db_value of = cm_db_text(type);

    *out = 0;
    return cm_db_run(db,
                     "SELECT version FROM policy WHERE type = ? AND state = 'active'"
                     " AND text <> ''",
                     cm_db_with(&of, 1), cm_db_into(read_number, out), why);
}

/* ------------------------------------------------------------------- history */

struct history {
    json_t *list;
    bool bad;
};

static json_t *text_or_null(struct cm_db_value v)
{
    return v.type == CM_DB_NULL ? json_null()
                                : json_stringn((const char *)v.bytes.ptr, v.bytes.len);
}

/* "reset": there is no text, and so the default is in force. */
static json_t *state_of(struct cm_db_value state, struct cm_db_value text)
{
    const bool active = state.bytes.len == 6 && memcmp(state.bytes.ptr, "active", 6) == 0;

    return active && text.bytes.len == 0 ? json_string("reset") : text_or_null(state);
}

/* version, state, author, time, approver, decided, comment, hash, signer, text */
static bool add_version(void *arg, const struct cm_db_value *c, size_t count)
{
    struct history *h = arg;
    json_t *row = NULL;

    if (count == 10) {
        row = json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:o}", "version",
                        (json_int_t)c[0].number, "state", state_of(c[1], c[9]), "author",
                        text_or_null(c[2]), "time", (json_int_t)c[3].number, "approver",
                        text_or_null(c[4]), "decided_at",
                        c[5].type == CM_DB_NULL ? json_null() : json_integer(c[5].number),
                        "comment", text_or_null(c[6]), "hash", text_or_null(c[7]), "signed",
                        c[8].type != CM_DB_NULL, "text", text_or_null(c[9]));
    }
    h->bad = row == NULL || json_array_append_new(h->list, row) != 0;
    return !h->bad;
}

static enum cm_status read_history(struct cm_db *db, const char *type, struct history *h,
                                   struct cm_why *why)
{
    const struct cm_db_value of = cm_db_text(type);

    return cm_db_run(
        db,
        "SELECT version, state, author, time, approver, decided, comment, hash, signer,"
        " text FROM policy WHERE type = ? ORDER BY version DESC",
        cm_db_with(&of, 1), cm_db_into(add_version, h), why);
}

enum cm_status cm_rules_history(struct cm_call *call, const char *type, json_t **out,
                                struct cm_why *why)
{
    const char *known = strcmp(type, CM_RULES_MODE) == 0 ? CM_RULES_MODE : cm_rules_type(type);
    struct history h = {json_array(), false};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (h.list == NULL) {
        return CM_ERR_NOMEM;
    }
    if (known == NULL) {
        cm_why_set(why, "there is no such type of policy");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(read_history(call->db, known, &h, why));
    if (h.bad) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    *out = h.list;
    h.list = NULL;
out:
    json_decref(h.list);
    return st;
}
