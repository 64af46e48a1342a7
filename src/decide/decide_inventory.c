/* What attested, and on what. Untrusted: queries; values of evidence are genuine, but text of others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_inventory.h"
#include "decide/decide_module.h"

#define COLUMNS                                                                                  \
    "i.value, i.signer, i.tee, i.first_seen, i.last_seen, i.permitted, i.refused, i.tcb,"        \
    " i.emulated, i.label, i.product, i.svn, i.debug, i.advisories,"                             \
    " CASE WHEN EXISTS (SELECT 1 FROM inventory o WHERE o.kind = i.kind AND o.signer = i.signer" \
    " AND o.signer <> '' AND o.product = i.product AND o.tee = i.tee AND (o.svn > i.svn"         \
    " OR (o.svn = i.svn AND o.first_seen > i.first_seen))) THEN 0 ELSE 1 END"
#define COLUMN_COUNT 15u

/* "MEASUREMENT.SIGNER", and back. */
static void id_of(const char *value, const char *signer, char out[CM_INVENTORY_ID])
{
    (void)snprintf(out, CM_INVENTORY_ID, "%s.%s", value, signer);
}

static bool split_id(const char *id, char value[129], char signer[129])
{
    const char *dot = strchr(id, '.');
    const size_t n = dot == NULL ? 0 : (size_t)(dot - id);

    if (n == 0 || n > 128 || strlen(dot + 1) > 128 || strspn(id, "0123456789abcdef") != n ||
        strspn(dot + 1, "0123456789abcdef") != strlen(dot + 1)) {
        return false;
    }
    (void)snprintf(value, 129, "%.*s", (int)n, id);
    (void)snprintf(signer, 129, "%s", dot + 1);
    return true;
}

static json_t *number_or_null(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}

static json_t *advisories_of(const struct cm_db_value *c)
{
    json_t *list = json_loads(cm_json_text(c), 0, NULL);

    return json_is_array(list) ? list : json_array();
}

/* Lines of policies in force that name a value: whoever reads them sees why it is permitted, or is not. */
static json_t *named_by(struct cm_service *s, const char *value)
{
    json_t *list = json_array();
    const char *type = NULL;

    for (size_t i = 0; list != NULL && (type = cm_rules_type_at(i)) != NULL; i++) {
        const struct cm_rule_version *v = NULL;
        const char *at = NULL;
        json_int_t line = 1;

        if (cm_rules_active(s, type, &v) != CM_OK) {
            continue;
        }
        at = strstr(v->text, value);
        for (const char *p = v->text; at != NULL && p < at; p++) {
            line += *p == '\n' ? 1 : 0;
        }
        if (at != NULL) {
            (void)json_array_append_new(list, json_pack("{s:s, s:I}", "type", type, "line", line));
        }
        cm_rules_release(v);
    }
    return list;
}

static json_t *item_of(struct cm_service *s, const struct cm_db_value *c)
{
    char id[CM_INVENTORY_ID] = "";

    id_of(cm_json_text(&c[0]), cm_json_text(&c[1]), id);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:o}",
        "id", id, "tee", cm_json_text(&c[2]), "measurement", cm_json_text(&c[0]), "label",
        cm_json_text_or_null(&c[9]), "signer", cm_json_text_or_null(&c[1]), "product_id",
        number_or_null(c[10].number), "svn", number_or_null(c[11].number), "debug",
        c[12].number != 0, "emulated", c[8].number != 0, "first_seen", (json_int_t)c[3].number,
        "last_seen", (json_int_t)c[4].number, "accepted", (json_int_t)c[5].number, "refused",
        (json_int_t)c[6].number, "tcb_status", cm_json_text_or_null(&c[7]), "advisories",
        advisories_of(&c[13]), "newest", c[14].number != 0, "trusted_by",
        named_by(s, cm_json_text(&c[0])));
}

struct rows {
    struct cm_service *service;
    json_t *items;
    unsigned left;
    int64_t skip; /* rows of the pages before */
    bool more;
    bool failed;
};

static bool take_row(void *arg, const struct cm_db_value *c, size_t count)
{
    struct rows *r = arg;
    json_t *item = NULL;

    if (r->left == 0) {
        r->more = true;
        return false;
    }
    r->left--;
    item = count >= COLUMN_COUNT ? item_of(r->service, c) : NULL;
    r->failed = item == NULL || json_array_append_new(r->items, item) != 0;
    return !r->failed;
}

enum cm_status cm_decide_inventory(struct cm_service *s, struct cm_db *db,
                                   const struct cm_inventory_query *q, json_t **out,
                                   struct cm_why *why)
{
    struct rows r = {.service = s, .items = json_array(), .left = cm_log_limit(q->limit)};
    const char *tee = q->tee == NULL ? "" : q->tee;
    const char *text = q->text == NULL ? "" : q->text;
    const unsigned limit = r.left;
    char upto[160] = "";
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(r.items == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_log_cursor(q->cursor, &r.skip, why));
    if (strlen(text) > 128 || strspn(text, "0123456789abcdef") != strlen(text) ||
        strlen(tee) > 32 || !cm_json_is_text(tee)) {
        cm_why_set(why, "q is the beginning of a measurement or signer: small hexadecimal digits");
        st = CM_ERR_PARAM;
        goto out;
    }
    (void)snprintf(upto, sizeof(upto), "%sg", text);
    {
        const struct cm_db_value v[] = {cm_db_text(tee),
                                        cm_db_text(tee),
                                        cm_db_text(text),
                                        cm_db_text(upto),
                                        cm_db_text(text),
                                        cm_db_text(upto),
                                        cm_db_int((int64_t)limit + 1),
                                        cm_db_int(r.skip)};

        CM_TRY(cm_db_run(db,
                         "SELECT " COLUMNS " FROM inventory i WHERE i.kind = 'measurement'"
                         " AND (? = '' OR i.tee = ?) AND ((i.value >= ? AND i.value < ?)"
                         " OR (i.signer >= ? AND i.signer < ?))"
                         " ORDER BY i.last_seen DESC, i.value, i.signer LIMIT ? OFFSET ?",
                         cm_db_with(v, 8), cm_db_into(take_row, &r), why));
    }
    CM_TRY(r.failed ? CM_ERR_NOMEM : CM_OK);
    *out = cm_log_page(json_incref(r.items), r.more ? r.skip + limit : 0);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(r.items);
    return st;
}

/* ------------------------------------------------------------------- one */

static enum cm_status run_into(struct cm_db *db, const char *sql, struct cm_db_values v,
                               struct rows *r, struct cm_why *why)
{
    enum cm_status st = cm_db_run(db, sql, v, cm_db_into(take_row, r), why);

    return st == CM_OK && r->failed ? CM_ERR_NOMEM : st;
}

enum cm_status cm_inventory_find(struct cm_service *s, struct cm_db *db, const char *id,
                                 json_t **out, struct cm_why *why)
{
    struct rows r = {.service = s, .items = json_array(), .left = 1};
    char value[129] = "";
    char signer[129] = "";
    enum cm_status st = CM_ERR_NOTFOUND;

    *out = NULL;
    CM_TRY(r.items == NULL ? CM_ERR_NOMEM : CM_OK);
    if (split_id(id, value, signer)) {
        const struct cm_db_value v[] = {cm_db_text(value), cm_db_text(signer)};

        CM_TRY(run_into(db,
                        "SELECT " COLUMNS " FROM inventory i WHERE i.kind = 'measurement'"
                        " AND i.value = ? AND i.signer = ?",
                        cm_db_with(v, 2), &r, why));
    }
    *out = json_incref(json_array_get(r.items, 0));
    st = *out == NULL ? CM_ERR_NOTFOUND : CM_OK;
    if (*out == NULL) {
        cm_why_set(why, "nothing of this id has attested");
    }
out:
    json_decref(r.items);
    return st;
}

static enum cm_status add_siblings(struct cm_service *s, struct cm_db *db, json_t *item,
                                   struct cm_why *why)
{
    struct rows r = {.service = s, .items = json_array(), .left = 50};
    const char *signer = json_string_value(json_object_get(item, "signer"));
    const json_t *product = json_object_get(item, "product_id");
    const struct cm_db_value v[] = {
        cm_db_text(signer == NULL ? "" : signer),
        cm_db_int(json_is_integer(product) ? json_integer_value(product) : -1),
        cm_db_text(json_string_value(json_object_get(item, "measurement"))),
        cm_db_text(json_string_value(json_object_get(item, "tee")))};
    enum cm_status st = CM_OK;

    CM_TRY(r.items == NULL ? CM_ERR_NOMEM : CM_OK);
    if (signer != NULL) {
        CM_TRY(run_into(db,
                        "SELECT " COLUMNS " FROM inventory i WHERE i.kind = 'measurement'"
                        " AND i.signer = ? AND i.product = ? AND i.value <> ? AND i.tee = ?"
                        " ORDER BY i.svn DESC, i.first_seen DESC LIMIT 50",
                        cm_db_with(v, 4), &r, why));
    }
    st = json_object_set(item, "siblings", r.items) == 0 ? CM_OK : CM_ERR_NOMEM;
out:
    json_decref(r.items);
    return st;
}

static enum cm_status add_recent(struct cm_db *db, json_t *item, struct cm_why *why)
{
    const struct cm_log_query q = {
        .measurement = json_string_value(json_object_get(item, "measurement")), .limit = 10};
    json_t *page = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_decide_log(db, &q, &page, why));
    st =
        json_object_set(item, "recent", json_object_get(page, "items")) == 0 ? CM_OK : CM_ERR_NOMEM;
out:
    json_decref(page);
    return st;
}

enum cm_status cm_decide_inventory_one(struct cm_service *s, struct cm_db *db, const char *id,
                                       json_t **out, struct cm_why *why)
{
    json_t *item = NULL;
    json_t *platforms = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_inventory_find(s, db, id, &item, why));
    CM_TRY(add_siblings(s, db, item, why));
    CM_TRY(add_recent(db, item, why));
    CM_TRY(cm_inventory_platforms(db, json_string_value(json_object_get(item, "measurement")),
                                  &platforms, why));
    CM_TRY(json_object_set(item, "platforms", platforms) == 0 ? CM_OK : CM_ERR_NOMEM);
    *out = json_incref(item);
out:
    json_decref(item);
    json_decref(platforms);
    return st;
}
