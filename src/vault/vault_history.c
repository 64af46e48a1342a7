/* What was given out, and withheld; see vault.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "vault/vault.h"

static const char *const kinds[] = {"key", "secret", "resource"};

enum cm_status cm_vault_release_note(struct cm_db *db, const struct cm_vault_release *r,
                                     struct cm_why *why)
{
    const struct cm_db_value values[] = {
        cm_db_text(r->id),     cm_db_int(r->time),         cm_db_int(r->kind),
        cm_db_text(r->name),   cm_db_text(r->version),     cm_db_int(r->released ? 1 : 0),
        cm_db_text(r->client), cm_db_text(r->api),         cm_db_text(r->wrap),
        cm_db_text(r->issuer), cm_db_text(r->attestation), cm_db_text(r->reason),
    };

    return cm_db_run(db,
                     "INSERT INTO vault_release (id, time, kind, name, version, released, client,"
                     " api, wrap, issuer, attestation, reason)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     cm_db_with(values, sizeof(values) / sizeof(values[0])), cm_db_nowhere(), why);
}

/* ------------------------------------------------------------------ retention */

#define AT_ONCE 2000

struct place {
    int64_t time;
    char id[80];
    bool found;
};

static bool take_place(void *arg, const struct cm_db_value *c, size_t count)
{
    struct place *p = arg;

    p->found = count == 2;
    if (p->found) {
        p->time = c[0].number;
        (void)snprintf(p->id, sizeof(p->id), "%s",
                       c[1].bytes.len == 0 ? "" : (const char *)c[1].bytes.ptr);
    }
    return false;
}

enum cm_status cm_vault_releases_retire(struct cm_db *db, int64_t before, int64_t withheld,
                                        bool *more, struct cm_why *why)
{
    const struct cm_db_value age[] = {cm_db_int(before), cm_db_int(AT_ONCE)};
    const struct cm_db_value beyond = cm_db_int(withheld);
    struct place p = {0};
    enum cm_status st = CM_OK;

    *more = false;
    CM_TRY(cm_db_run(db,
                     "DELETE FROM vault_release WHERE id IN (SELECT id FROM vault_release"
                     " WHERE time < ? ORDER BY time, id LIMIT ?)",
                     cm_db_with(age, 2), cm_db_nowhere(), why));
    *more = cm_db_changed(db) >= AT_ONCE;
    CM_TRY(cm_db_run(db,
                     "SELECT time, id FROM vault_release WHERE released = 0"
                     " ORDER BY time DESC, id DESC LIMIT 1 OFFSET ?",
                     cm_db_with(&beyond, 1), cm_db_into(take_place, &p), why));
    if (p.found) {
        const struct cm_db_value v[] = {cm_db_int(p.time), cm_db_int(p.time), cm_db_text(p.id),
                                        cm_db_int(AT_ONCE)};

        CM_TRY(cm_db_run(db,
                         "DELETE FROM vault_release WHERE id IN (SELECT id FROM vault_release"
                         " WHERE released = 0 AND (time < ? OR (time = ? AND id <= ?))"
                         " ORDER BY time, id LIMIT ?)",
                         cm_db_with(v, 4), cm_db_nowhere(), why));
        *more = *more || cm_db_changed(db) >= AT_ONCE;
    }
out:
    return st;
}

/* ---------------------------------------------------------------------- read */

struct page {
    json_t *items;
    int64_t limit;
    int64_t count;
    bool more;
    bool bad;
    int64_t last_time;
    char last_id[80];
};

static const char *text_of(const struct cm_db_value *v)
{
    return v->bytes.len == 0 ? "" : (const char *)v->bytes.ptr;
}

static bool take_release(void *arg, const struct cm_db_value *c, size_t count)
{
    struct page *p = arg;
    json_t *o = NULL;

    if (p->count == p->limit) {
        p->more = true;
        return false;
    }
    if (count == 12 && c[2].number >= 0 && c[2].number < 3) {
        o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?}", "id",
                      text_of(&c[0]), "time", (json_int_t)c[1].number, "kind", kinds[c[2].number],
                      "name", text_of(&c[3]), "version", text_of(&c[4]), "result",
                      c[5].number != 0 ? "released" : "withheld", "client", text_of(&c[6]), "api",
                      text_of(&c[7]), "wrap", text_of(&c[8]), "issuer", text_of(&c[9]), "reason",
                      text_of(&c[11]), "attestation",
                      c[10].bytes.len == 0 ? NULL : text_of(&c[10]));
    }
    p->bad = json_array_append_new(p->items, o) != 0;
    p->count++;
    p->last_time = c[1].number;
    (void)snprintf(p->last_id, sizeof(p->last_id), "%s", text_of(&c[0]));
    return !p->bad;
}

/* "TIME-ID" of the last one that was seen */
static bool read_cursor(const char *cursor, int64_t *time, const char **id)
{
    char *end = NULL;

    *time = INT64_MAX;
    *id = "";
    if (cursor == NULL || cursor[0] == '\0') {
        return true;
    }
    if (cursor[0] < '0' || cursor[0] > '9') {
        return false;
    }
    *time = strtoll(cursor, &end, 10);
    *id = end + 1;
    return *end == '-' && strlen(*id) < 80;
}

static bool one_of(const char *text, const char *const *names, size_t count, int64_t *out)
{
    *out = -1;
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (int64_t)i;
            return true;
        }
    }
    return false;
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static enum cm_status read_page(struct cm_db *db, const struct cm_vault_releases *which,
                                struct page *p, struct cm_why *why)
{
    static const char *const results[] = {"withheld", "released"};
    const char *before_id = NULL;
    int64_t before = 0;
    int64_t kind = 0;
    int64_t result = 0;

    if (!read_cursor(which->cursor, &before, &before_id) || !one_of(which->kind, kinds, 3, &kind) ||
        !one_of(which->result, results, 2, &result)) {
        cm_why_set(why,
                   "kind is key, secret or resource; result is released or withheld; cursor is "
                   "from an answer");
        return CM_ERR_PARAM;
    }
    const struct cm_db_value values[] = {
        cm_db_int(kind),
        cm_db_int(kind),
        cm_db_text(or_empty(which->name)),
        cm_db_text(or_empty(which->name)),
        cm_db_int(result),
        cm_db_int(result),
        cm_db_text(or_empty(which->client)),
        cm_db_text(or_empty(which->client)),
        cm_db_int(which->from),
        cm_db_int(which->to == 0 ? INT64_MAX : which->to),
        cm_db_int(before),
        cm_db_int(before),
        cm_db_text(before_id),
        cm_db_int(p->limit + 1),
    };
    return cm_db_run(db,
                     "SELECT id, time, kind, name, version, released, client, api, wrap, issuer,"
                     " attestation, reason FROM vault_release WHERE (? < 0 OR kind = ?)"
                     " AND (? = '' OR name = ?) AND (? < 0 OR released = ?)"
                     " AND (? = '' OR client = ?) AND time >= ? AND time <= ?"
                     " AND (time < ? OR (time = ? AND id < ?)) ORDER BY time DESC, id DESC LIMIT ?",
                     cm_db_with(values, sizeof(values) / sizeof(values[0])),
                     cm_db_into(take_release, p), why);
}

enum cm_status cm_vault_releases_show(struct cm_db *db, const struct cm_vault_releases *which,
                                      json_t **out, struct cm_why *why)
{
    struct page p = {.items = json_array(), .limit = which->limit};
    char next[112] = "";
    enum cm_status st = CM_OK;

    *out = NULL;
    if (p.limit < 1 || p.limit > 200) {
        p.limit = 50;
    }
    CM_TRY(p.items == NULL ? CM_ERR_NOMEM : read_page(db, which, &p, why));
    if (!p.bad) {
        (void)snprintf(next, sizeof(next), "%" PRId64 "-%s", p.last_time, p.last_id);
        *out = json_pack("{s:O, s:s?}", "items", p.items, "next", p.more ? next : NULL);
    }
    if (*out == NULL) {
        st = CM_ERR_NOMEM;
    }
out:
    json_decref(p.items);
    return st;
}
