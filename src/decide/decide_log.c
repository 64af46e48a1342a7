/* The log for people: search and explain; see decide_log.h. Untrusted: queries, and what the store has. */
#include "decide/decide_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_json.h"
#include "decide/decide_record.h"

#define LIMIT_MAX  200u
#define LIMIT      50u
#define SCAN_TEES  32u
#define TEXT_MAX   128u
#define PARAMS_MAX 16u

/* ------------------------------------------------------------------ search */

/* All filters are one statement: those that are not asked for are switched off by their first value. */
static const char search_sql[] =
    "SELECT " CM_LOG_COLUMNS " FROM attestation WHERE id < ? AND id >= ?"
    " AND (? = '' OR tee = ?) AND (? < 0 OR ok = ?) AND (? = '' OR api = ?)"
    " AND (? = '' OR policy_type = ?) AND (? = '' OR client = ?)"
    " AND (? = '' OR reason LIKE ? ESCAPE '\\' OR client LIKE ? ESCAPE '\\'"
    " OR token LIKE ? ESCAPE '\\') ORDER BY id DESC LIMIT ?";

/* By index: rows of one measurement, and those that were refused. */
static const char by_measurement_sql[] =
    "SELECT " CM_LOG_COLUMNS " FROM attestation WHERE id < ? AND id >= ?"
    " AND (? = '' OR tee = ?) AND (? < 0 OR ok = ?) AND (? = '' OR api = ?)"
    " AND (? = '' OR policy_type = ?) AND (? = '' OR client = ?)"
    " AND (? = '' OR reason LIKE ? ESCAPE '\\' OR client LIKE ? ESCAPE '\\'"
    " OR token LIKE ? ESCAPE '\\') AND measurement >= ? AND measurement < ?"
    " ORDER BY id DESC LIMIT ?";

static const char refused_sql[] =
    "SELECT " CM_LOG_COLUMNS " FROM attestation WHERE ok = 0 AND id < ? AND id >= ?"
    " AND (? = '' OR tee = ?) AND (? < 0 OR ok = ?) AND (? = '' OR api = ?)"
    " AND (? = '' OR policy_type = ?) AND (? = '' OR client = ?)"
    " AND (? = '' OR reason LIKE ? ESCAPE '\\' OR client LIKE ? ESCAPE '\\'"
    " OR token LIKE ? ESCAPE '\\') ORDER BY id DESC LIMIT ?";

/* Text as a pattern: what means something there is taken as it is. */
static void pattern(const char *text, bool anywhere, char out[2 * TEXT_MAX + 3])
{
    size_t n = 0;

    if (anywhere) {
        out[n++] = '%';
    }
    for (size_t i = 0; i < TEXT_MAX && text[i] != '\0'; i++) {
        if (text[i] == '%' || text[i] == '_' || text[i] == '\\') {
            out[n++] = '\\';
        }
        out[n++] = text[i];
    }
    out[n++] = '%';
    out[n] = '\0';
}

/* A parameter as text of the store; NULL: "" */
static enum cm_status text_param(const char *text, const char *name, const char **out,
                                 struct cm_why *why)
{
    *out = text == NULL ? "" : text;
    if (strlen(*out) > TEXT_MAX || !cm_json_is_text(*out)) {
        cm_why_set(why, "%s is not a text of at most %u characters", name, TEXT_MAX);
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

enum cm_status cm_log_cursor(const char *text, int64_t *out, struct cm_why *why)
{
    char *end = NULL;

    if (text == NULL || text[0] == '\0') {
        return CM_OK;
    }
    *out = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || strlen(text) > 19) {
        cm_why_set(why, "cursor is none that was given out");
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

unsigned cm_log_limit(unsigned limit)
{
    return limit == 0 ? LIMIT : limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

struct rows {
    json_t *items;
    int64_t last;
    unsigned left; /* how many are still wanted */
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
    r->last = c[0].number;
    item = cm_log_item(c, count);
    r->failed = r->failed || item == NULL || json_array_append_new(r->items, item) != 0;
    return !r->failed;
}

static bool take_tee(void *arg, const struct cm_db_value *c, size_t count)
{
    return count == 1 && json_array_append_new(arg, json_string((const char *)c[0].bytes.ptr)) == 0;
}

static int result_of(const char *result)
{
    return result == NULL || result[0] == '\0' ? -1 : strcmp(result, "accepted") == 0 ? 1 : 0;
}

/* A measurement's beginning: it and everything up to the next that begins otherwise. */
static enum cm_status measurement_range(const char *text, char upto[160], struct cm_why *why)
{
    const size_t len = strlen(text);

    if (len < 4 || len > 128 || strspn(text, "0123456789abcdef") != len) {
        cm_why_set(why, "measurement is 4 to 128 small hexadecimal digits");
        return CM_ERR_PARAM;
    }
    (void)snprintf(upto, 160, "%sg", text); /* behind every digit */
    return CM_OK;
}

enum cm_status cm_decide_log(struct cm_db *db, const struct cm_log_query *q, json_t **out,
                             struct cm_why *why)
{
    struct rows rows = {json_array(), 0, cm_log_limit(q->limit), false, false};
    json_t *tees = json_array();
    struct cm_db_value v[PARAMS_MAX + 6];
    int64_t before = q->to == 0 || q->to > UINT32_MAX ? INT64_MAX : cm_record_first_id(q->to + 1);
    int64_t cursor = INT64_MAX;
    const char *texts[5] = {""};
    const char *measurement = NULL;
    char anywhere[2 * TEXT_MAX + 3] = "";
    char begins[2 * TEXT_MAX + 3] = "";
    char upto[160] = "";
    size_t n = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(rows.items == NULL || tees == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_log_cursor(q->cursor, &cursor, why));
    CM_TRY(text_param(q->tee, "tee", &texts[0], why));
    CM_TRY(text_param(q->api, "api", &texts[1], why));
    CM_TRY(text_param(q->policy_type, "policy_type", &texts[2], why));
    CM_TRY(text_param(q->client, "client", &texts[3], why));
    CM_TRY(text_param(q->text, "q", &texts[4], why));
    measurement = q->measurement == NULL || q->measurement[0] == '\0' ? NULL : q->measurement;
    if (measurement != NULL) {
        CM_TRY(measurement_range(measurement, upto, why));
    }
    pattern(texts[4], true, anywhere);
    pattern(texts[4], false, begins);
    v[n++] = cm_db_int(cursor < before ? cursor : before);
    v[n++] = cm_db_int(q->from > UINT32_MAX ? INT64_MAX : cm_record_first_id(q->from));
    for (size_t i = 0; i < 4; i++) {
        v[n++] = cm_db_text(texts[i]);
        v[n++] = cm_db_text(texts[i]);
        if (i == 0) {
            v[n++] = cm_db_int(result_of(q->result));
            v[n++] = cm_db_int(result_of(q->result));
        }
    }
    v[n++] = cm_db_text(texts[4]);
    v[n++] = cm_db_text(anywhere);
    v[n++] = cm_db_text(anywhere);
    v[n++] = cm_db_text(begins);
    if (measurement != NULL) {
        v[n++] = cm_db_text(measurement);
        v[n++] = cm_db_text(upto);
    }
    v[n++] = cm_db_int((int64_t)rows.left + 1);
    CM_TRY(cm_db_run(db,
                     measurement != NULL         ? by_measurement_sql
                     : result_of(q->result) == 0 ? refused_sql
                                                 : search_sql,
                     cm_db_with(v, n), cm_db_into(take_row, &rows), why));
    CM_TRY(cm_db_run(db, "SELECT DISTINCT tee FROM attestation_minute ORDER BY tee", cm_db_none(),
                     cm_db_into(take_tee, tees), why));
    CM_TRY(rows.failed ? CM_ERR_NOMEM : CM_OK);
    *out = cm_log_page(json_incref(rows.items), rows.more ? rows.last : 0);
    CM_TRY(*out == NULL || json_object_set(*out, "tees", tees) != 0 ? CM_ERR_NOMEM : CM_OK);
out:
    if (st != CM_OK) {
        json_decref(*out);
        *out = NULL;
    }
    json_decref(rows.items);
    json_decref(tees);
    return st;
}

/* ----------------------------------------------------------------- explain */

struct one {
    json_t *item;
    json_t *explanation;
    int64_t version;
    char type[CM_RULES_TYPE_MAX];
    char hash[CM_POLICY_HASH_CAP];
    enum cm_status st;
};

/* The row's columns, policy hash, delta, and the base's text (absent when it is gone). */
json_t *cm_log_explanation(const struct cm_db_value *delta, const struct cm_db_value *base)
{
    struct cm_items items = {NULL, 0, NULL, 0};
    char *text = NULL;
    size_t len = 0;
    json_t *out = NULL;

    if (base->type == CM_DB_BLOB && cm_items_read(base->bytes, &items) == CM_OK &&
        cm_items_patch(&items, delta->bytes, &text, &len) == CM_OK) {
        out = json_loadb(text, len, 0, NULL);
    }
    free(text);
    cm_items_free(&items);
    return out;
}

static bool take_one(void *arg, const struct cm_db_value *c, size_t count)
{
    struct one *o = arg;

    o->item = cm_log_item(c, count);
    o->st = o->item == NULL ? CM_ERR_NOMEM : CM_OK;
    o->explanation = cm_log_explanation(&c[CM_LOG_COLUMN_COUNT + 1], &c[CM_LOG_COLUMN_COUNT + 2]);
    (void)snprintf(o->hash, sizeof(o->hash), "%s", (const char *)c[CM_LOG_COLUMN_COUNT].bytes.ptr);
    return false;
}

static enum cm_status load_one(struct cm_db *db, const char *id, struct one *o, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_text(id);
    enum cm_status st = CM_OK;

    memset(o, 0, sizeof(*o));
    o->st = CM_ERR_NOTFOUND;
    if (strlen(id) != 64 || strspn(id, "0123456789abcdef") != 64) {
        cm_why_set(why, "an attestation's id is 64 small hexadecimal digits");
        return CM_ERR_NOTFOUND;
    }
    CM_TRY(cm_db_run(db,
                     "SELECT " CM_LOG_COLUMNS ", policy_hash, delta,"
                     " (SELECT items FROM attestation_base WHERE hash = base)"
                     " FROM attestation WHERE token = ?",
                     cm_db_with(&v, 1), cm_db_into(take_one, o), why));
    st = o->st;
    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "there is no attestation with this id");
    }
out:
    return st;
}

/* The members of an explanation that people see, into the entry; absent ones are null. */
static bool add_explanation(json_t *item, const json_t *e)
{
    static const char *const as_is[] = {"evidence", "outcome", "format", "evidence_size",
                                        "materials"};
    bool good = true;

    for (size_t i = 0; i < sizeof(as_is) / sizeof(as_is[0]); i++) {
        json_t *v = json_object_get(e, as_is[i]);

        good = good && (v == NULL ? json_object_set_new(item, as_is[i], json_null())
                                  : json_object_set(item, as_is[i], v)) == 0;
    }
    good = good &&
           json_object_set(item, "claims",
                           json_is_object(json_object_get(e, "token")) ? json_object_get(e, "token")
                                                                       : json_null()) == 0;
    return good &&
           json_object_set_new(item, "replayable",
                               json_boolean(json_is_array(json_object_get(e, "incoming")))) == 0;
}

enum cm_status cm_decide_explain(struct cm_db *db, const char *id, json_t **out, struct cm_why *why)
{
    struct one o;
    json_t *policy = NULL;
    bool asked = false;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(load_one(db, id, &o, why));
    asked = json_is_object(json_object_get(o.explanation, "outcome"));
    policy = asked ? json_pack("{s:O, s:O, s:s, s:n}", "type",
                               json_object_get(o.item, "policy_type"), "version",
                               json_object_get(o.item, "policy_version"), "hash", o.hash, "text")
                   : json_null();
    CM_TRY(policy == NULL || json_object_set_new(o.item, "policy", policy) != 0 ||
                   !add_explanation(o.item, o.explanation)
               ? CM_ERR_NOMEM
               : CM_OK);
    *out = json_incref(o.item);
out:
    json_decref(o.item);
    json_decref(o.explanation);
    return st;
}

/* ------------------------------------------------------------------ replay */

enum cm_status cm_log_judge(const json_t *explanation, const struct cm_decide_try *with,
                            struct cm_policy_outcome **out, struct cm_policy_claims **claims)
{
    enum cm_status st = CM_OK;

    *out = NULL;
    *claims = NULL;
    if (explanation == NULL) {
        return CM_ERR_STATE;
    }
    st = cm_items_claims(explanation, claims);
    if (st == CM_ERR_NOTFOUND || st == CM_ERR_FORMAT) {
        return CM_ERR_STATE;
    }
    CM_TRY(st);
    (void)!cm_policy_evaluate(with->policy, *claims,
                              with->accept_emulated ? CM_POLICY_ALLOW_EMULATED : 0, out);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK; /* what was decided is in the outcome */
out:
    return st;
}

enum cm_status cm_decide_replay(struct cm_db *db, const char *id, const struct cm_decide_try *with,
                                json_t **out, struct cm_why *why)
{
    struct cm_policy_outcome *outcome = NULL;
    struct cm_policy_claims *claims = NULL;
    json_t *text = NULL;
    struct one o;
    const char *before = NULL;
    const char *now = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(load_one(db, id, &o, why));
    st = cm_log_judge(o.explanation, with, &outcome, &claims);
    if (st == CM_ERR_STATE) {
        cm_why_set(why, "what this attestation claimed was not kept: it was not genuine, or too "
                        "large");
    }
    CM_TRY(st);
    before = json_string_value(json_object_get(o.item, "result"));
    now = cm_policy_outcome_status(outcome) == CM_OK ? "accepted" : "refused";
    text = cm_json_of_outcome(outcome);
    *out = json_pack("{s:s, s:b, s:s, s:o*}", "result", now, "changed", strcmp(before, now) != 0,
                     "reason", cm_policy_outcome_reason(outcome), "outcome", text);
    if (text == NULL) {
        json_decref(*out);
        *out = NULL;
    }
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    cm_policy_outcome_free(outcome);
    cm_policy_claims_free(claims);
    json_decref(o.item);
    json_decref(o.explanation);
    return st;
}
