/* Keys and secrets in the store; see vault_item.h. */
#include "vault/vault_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

#define COLUMNS                                                                                  \
    "SELECT v.kind, v.name, o.shown, v.number, v.version, v.enabled, v.exportable, v.immutable," \
    " v.nbf, v.expires, v.created, v.updated, o.deleted, o.purge, v.detail, v.tags, v.policy,"   \
    " v.policy_type, v.blob FROM vault_version v JOIN vault_object o"                            \
    " ON o.kind = v.kind AND o.name = v.name"
#define COLUMN_COUNT 19

void cm_vault_item_clear(struct cm_vault_item *item)
{
    json_decref(item->detail);
    json_decref(item->tags);
    free(item->policy);
    free(item->policy_type);
    free(item->blob);
    memset(item, 0, sizeof(*item));
}

/* A small letter or another allowed character; '\0': none. */
static char plain(char c)
{
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';

    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    if (!good) {
        return '\0';
    }
    return c;
}

bool cm_vault_name(const char *text, char out[CM_VAULT_NAME_MAX + 1])
{
    size_t n = 0;

    for (; n < CM_VAULT_NAME_MAX && text[n] != '\0'; n++) {
        out[n] = plain(text[n]);
        if (out[n] == '\0') {
            return false;
        }
    }
    out[n] = '\0';
    return n != 0 && text[n] == '\0';
}

bool cm_vault_version(const char *text, char out[CM_VAULT_VERSION_LEN + 1])
{
    size_t n = 0;

    for (; n < CM_VAULT_VERSION_LEN && text[n] != '\0'; n++) {
        out[n] = plain(text[n]);
        if (out[n] == '\0' || out[n] == '-' || out[n] > 'f') {
            return false;
        }
    }
    out[n] = '\0';
    return n == CM_VAULT_VERSION_LEN && text[n] == '\0';
}

void cm_vault_blob_name(const struct cm_vault_item *item, char out[CM_VAULT_BLOB_NAME_CAP])
{
    (void)snprintf(out, CM_VAULT_BLOB_NAME_CAP, "vault/%s/%s/%s",
                   item->kind == CM_VAULT_KEY ? "key" : "secret", item->name, item->version);
}

/* ------------------------------------------------------------------ reading */

static char *copy_text(const struct cm_db_value *v)
{
    return strndup(v->bytes.ptr == NULL ? "" : (const char *)v->bytes.ptr, v->bytes.len);
}

static json_t *object_of(const struct cm_db_value *v)
{
    json_t *out = v->bytes.len == 0 ? json_object()
                                    : json_loadb((const char *)v->bytes.ptr, v->bytes.len,
                                                 JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(out)) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

static void short_text(const struct cm_db_value *v, char *out, size_t cap)
{
    size_t n = v->bytes.len < cap ? v->bytes.len : cap - 1;

    if (n != 0) {
        memcpy(out, v->bytes.ptr, n);
    }
    out[n] = '\0';
}

/* @retval CM_ERR_NOMEM  or the row is damaged: nothing is half read */
static enum cm_status read_row(const struct cm_db_value *c, size_t count, struct cm_vault_item *out)
{
    memset(out, 0, sizeof(*out));
    if (count != COLUMN_COUNT) {
        return CM_ERR_FORMAT;
    }
    out->kind = c[0].number == 0 ? CM_VAULT_KEY : CM_VAULT_SECRET;
    short_text(&c[1], out->name, sizeof(out->name));
    short_text(&c[2], out->shown, sizeof(out->shown));
    out->number = c[3].number;
    short_text(&c[4], out->version, sizeof(out->version));
    out->enabled = c[5].number != 0;
    out->exportable = c[6].number != 0;
    out->immutable = c[7].number != 0;
    out->nbf = c[8].number;
    out->expires = c[9].number;
    out->created = c[10].number;
    out->updated = c[11].number;
    out->deleted = c[12].number;
    out->purge = c[13].number;
    out->detail = object_of(&c[14]);
    out->tags = object_of(&c[15]);
    out->policy = c[16].bytes.len == 0 ? NULL : copy_text(&c[16]);
    out->policy_type = copy_text(&c[17]);
    out->blob = malloc(c[18].bytes.len == 0 ? 1 : c[18].bytes.len);
    if (out->detail == NULL || out->tags == NULL || out->policy_type == NULL || out->blob == NULL ||
        (out->policy == NULL && c[16].bytes.len != 0)) {
        cm_vault_item_clear(out);
        return CM_ERR_NOMEM;
    }
    out->blob_len = c[18].bytes.len;
    if (out->blob_len != 0) {
        memcpy(out->blob, c[18].bytes.ptr, out->blob_len);
    }
    return CM_OK;
}

struct rows {
    cm_vault_each *each;
    void *arg;
    enum cm_status st;
};

static bool take_row(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct rows *rows = arg;
    struct cm_vault_item item = {.number = 0};
    bool more = false;

    rows->st = read_row(columns, count, &item);
    if (rows->st == CM_OK) {
        more = rows->each(rows->arg, &item);
        cm_vault_item_clear(&item);
    }
    return more;
}

/* @param sql  a constant */
static enum cm_status run_rows(struct cm_db *db, const char *sql, struct cm_db_values values,
                               struct rows *rows, struct cm_why *why)
{
    enum cm_status st = cm_db_run(db, sql, values, cm_db_into(take_row, rows), why);

    return st == CM_OK ? rows->st : st;
}

static bool take_one(void *arg, struct cm_vault_item *item)
{
    *(struct cm_vault_item *)arg = *item;
    memset(item, 0, sizeof(*item));
    return false;
}

enum cm_status cm_vault_load(struct cm_db *db, enum cm_vault_kind kind, const char *name,
                             const char *version, struct cm_vault_item *out, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_int(kind), cm_db_text(name), cm_db_text(version)};
    struct rows rows = {take_one, out, CM_OK};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    st = version[0] == '\0'
             ? run_rows(db,
                        COLUMNS " WHERE v.kind = ? AND v.name = ? ORDER BY v.number DESC LIMIT 1",
                        cm_db_with(values, 2), &rows, why)
             : run_rows(db, COLUMNS " WHERE v.kind = ? AND v.name = ? AND v.version = ?",
                        cm_db_with(values, 3), &rows, why);
    if (st == CM_OK && out->detail == NULL) {
        cm_why_set(why, "there is no %s %s%s%s", kind == CM_VAULT_KEY ? "key" : "secret", name,
                   version[0] == '\0' ? "" : " of version ", version);
        st = CM_ERR_NOTFOUND;
    }
    return st;
}

enum cm_status cm_vault_hold(struct cm_db *db, enum cm_vault_kind kind, const char *name,
                             const char *version, struct cm_vault_item *out, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_int(kind), cm_db_text(name), cm_db_text(version)};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    /* PostgreSQL's rows are locked by what writes them, and read anew by the statement behind that */
    CM_TRY(cm_db_run(db, "UPDATE vault_object SET deleted = deleted WHERE kind = ? AND name = ?",
                     cm_db_with(values, 2), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db,
                     "UPDATE vault_version SET enabled = enabled"
                     " WHERE kind = ? AND name = ? AND version = ?",
                     cm_db_with(values, 3), cm_db_nowhere(), why));
    CM_TRY(cm_vault_load(db, kind, name, version, out, why));
out:
    return st;
}

#define CURRENT                                                                        \
    " AND v.number = (SELECT MAX(w.number) FROM vault_version w WHERE w.kind = v.kind" \
    " AND w.name = v.name) ORDER BY v.name LIMIT ?"

enum cm_status cm_vault_list(struct cm_db *db, const struct cm_vault_range *range,
                             enum cm_vault_which which, cm_vault_each *each, void *arg,
                             struct cm_why *why)
{
    static const char *const sql[] = {
        [CM_VAULT_LIVE] = COLUMNS " WHERE v.kind = ? AND v.name > ? AND o.deleted = 0" CURRENT,
        [CM_VAULT_DELETED] = COLUMNS " WHERE v.kind = ? AND v.name > ? AND o.deleted <> 0" CURRENT,
        [CM_VAULT_ALL] = COLUMNS " WHERE v.kind = ? AND v.name > ?" CURRENT,
    };
    const struct cm_db_value values[] = {cm_db_int(range->kind), cm_db_text(range->name),
                                         cm_db_int(range->limit)};
    struct rows rows = {each, arg, CM_OK};

    return run_rows(db, sql[which], cm_db_with(values, 3), &rows, why);
}

enum cm_status cm_vault_versions(struct cm_db *db, const struct cm_vault_range *range,
                                 cm_vault_each *each, void *arg, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_int(range->kind), cm_db_text(range->name),
                                         cm_db_int(range->number), cm_db_int(range->limit)};
    struct rows rows = {each, arg, CM_OK};

    return run_rows(db,
                    COLUMNS " WHERE v.kind = ? AND v.name = ? AND v.number > ?"
                            " ORDER BY v.number LIMIT ?",
                    cm_db_with(values, 4), &rows, why);
}

/* ------------------------------------------------------------------ writing */

struct numbers {
    int64_t deleted;
    int64_t highest;
    bool found;
};

static bool take_numbers(void *arg, const struct cm_db_value *c, size_t count)
{
    struct numbers *out = arg;

    out->found = count == 2;
    out->deleted = count == 2 ? c[0].number : 0;
    out->highest = count == 2 && c[1].type == CM_DB_INT ? c[1].number : 0;
    return false;
}

/* The texts of an item's JSON. */
struct texts {
    char *detail;
    char *tags;
};

static enum cm_status texts_of(const struct cm_vault_item *item, struct texts *out)
{
    out->detail = json_dumps(item->detail, JSON_COMPACT | JSON_SORT_KEYS);
    out->tags = json_dumps(item->tags, JSON_COMPACT);
    return out->detail == NULL || out->tags == NULL ? CM_ERR_NOMEM : CM_OK;
}

static void texts_free(struct texts *t)
{
    free(t->detail);
    free(t->tags);
}

static enum cm_status insert_version(struct cm_db *db, const struct cm_vault_item *item,
                                     const struct texts *texts, struct cm_why *why)
{
    const struct cm_db_value values[] = {
        cm_db_int(item->kind),
        cm_db_text(item->name),
        cm_db_int(item->number),
        cm_db_text(item->version),
        cm_db_int(item->enabled),
        cm_db_int(item->exportable),
        cm_db_int(item->immutable),
        cm_db_int(item->nbf),
        cm_db_int(item->expires),
        cm_db_int(item->created),
        cm_db_int(item->updated),
        cm_db_text(texts->detail),
        cm_db_text(texts->tags),
        cm_db_text(item->policy == NULL ? "" : item->policy),
        cm_db_text(item->policy_type == NULL ? "" : item->policy_type),
        cm_db_blob(cm_span_make(item->blob, item->blob_len)),
    };

    return cm_db_run(db,
                     "INSERT INTO vault_version (kind, name, number, version, enabled, exportable,"
                     " immutable, nbf, expires, created, updated, detail, tags, policy,"
                     " policy_type, blob) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     cm_db_with(values, sizeof(values) / sizeof(values[0])), cm_db_nowhere(), why);
}

enum cm_status cm_vault_insert(struct cm_db *db, struct cm_vault_item *item, struct cm_why *why)
{
    const struct cm_db_value object[] = {cm_db_int(item->kind), cm_db_text(item->name),
                                         cm_db_text(item->shown)};
    struct numbers n = {0, 0, false};
    struct texts texts = {NULL, NULL};
    enum cm_status st = CM_OK;

    CM_TRY(texts_of(item, &texts));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO vault_object (kind, name, shown, deleted, purge)"
                     " VALUES (?, ?, ?, 0, 0) ON CONFLICT (kind, name) DO NOTHING",
                     cm_db_with(object, 3), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db,
                     "SELECT o.deleted, (SELECT MAX(v.number) FROM vault_version v"
                     " WHERE v.kind = o.kind AND v.name = o.name) FROM vault_object o"
                     " WHERE o.kind = ? AND o.name = ?",
                     cm_db_with(object, 2), cm_db_into(take_numbers, &n), why));
    if (!n.found || n.deleted != 0) {
        cm_why_set(why, "%s is deleted and can be recovered: recover or purge it first",
                   item->shown);
        st = CM_ERR_EXISTS;
        goto out;
    }
    item->number = n.highest + 1;
    CM_TRY(insert_version(db, item, &texts, why));
out:
    texts_free(&texts);
    return st;
}

enum cm_status cm_vault_update(struct cm_db *db, const struct cm_vault_item *item,
                               struct cm_why *why)
{
    struct texts texts = {NULL, NULL};
    enum cm_status st = texts_of(item, &texts);

    if (st == CM_OK) {
        const struct cm_db_value values[] = {
            cm_db_int(item->enabled),
            cm_db_int(item->immutable),
            cm_db_int(item->nbf),
            cm_db_int(item->expires),
            cm_db_int(item->updated),
            cm_db_text(texts.detail),
            cm_db_text(texts.tags),
            cm_db_text(item->policy == NULL ? "" : item->policy),
            cm_db_text(item->policy_type == NULL ? "" : item->policy_type),
            cm_db_int(item->kind),
            cm_db_text(item->name),
            cm_db_int(item->number),
        };

        st =
            cm_db_run(db,
                      "UPDATE vault_version SET enabled = ?, immutable = ?, nbf = ?, expires = ?,"
                      " updated = ?, detail = ?, tags = ?, policy = ?, policy_type = ?"
                      " WHERE kind = ? AND name = ? AND number = ?",
                      cm_db_with(values, sizeof(values) / sizeof(values[0])), cm_db_nowhere(), why);
    }
    texts_free(&texts);
    return st;
}

enum cm_status cm_vault_mark(struct cm_db *db, const struct cm_vault_item *item, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_int(item->deleted), cm_db_int(item->purge),
                                         cm_db_int(item->kind), cm_db_text(item->name)};

    return cm_db_run(db,
                     "UPDATE vault_object SET deleted = ?, purge = ? WHERE kind = ? AND name = ?",
                     cm_db_with(values, 4), cm_db_nowhere(), why);
}

enum cm_status cm_vault_purge(struct cm_db *db, enum cm_vault_kind kind, const char *name,
                              struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_int(kind), cm_db_text(name)};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM vault_version WHERE kind = ? AND name = ?",
                     cm_db_with(values, 2), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db, "DELETE FROM vault_object WHERE kind = ? AND name = ?",
                     cm_db_with(values, 2), cm_db_nowhere(), why));
out:
    return st;
}

enum cm_status cm_vault_purge_due(struct cm_db *db, int64_t now, struct cm_why *why)
{
    const struct cm_db_value value = cm_db_int(now);
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "DELETE FROM vault_version WHERE EXISTS (SELECT 1 FROM vault_object o"
                     " WHERE o.kind = vault_version.kind AND o.name = vault_version.name"
                     " AND o.deleted <> 0 AND o.purge <= ?)",
                     cm_db_with(&value, 1), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db, "DELETE FROM vault_object WHERE deleted <> 0 AND purge <= ?",
                     cm_db_with(&value, 1), cm_db_nowhere(), why));
out:
    return st;
}
