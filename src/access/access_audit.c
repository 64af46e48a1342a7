/* The API over the audit log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_export.h"
#include "access/access_private.h"
#include "common/hex.h"
#include "common/try.h"
#include "store/audit.h"

#define EXPORT_MAX ((size_t)64 * 1024 * 1024)

/* ---------------------------------------------------------------------- list */

struct listing {
    json_t *items;
    unsigned limit;
    unsigned count;
    int64_t last;
    bool more;
    bool failed;
};

static bool on_record(void *arg, const struct cm_db_value *c, size_t count)
{
    struct listing *l = arg;
    struct cm_audit_record r = {0};

    if (l->count == l->limit) {
        l->more = true;
        return false;
    }
    l->failed = count != 7 || c[0].type != CM_DB_INT || c[2].type != CM_DB_TEXT ||
                c[3].type != CM_DB_TEXT || c[4].type != CM_DB_TEXT || c[5].type != CM_DB_TEXT ||
                c[6].bytes.len != CM_AUDIT_HASH;
    if (!l->failed) {
        r = (struct cm_audit_record){.seq = c[0].number,
                                     .time = c[1].number,
                                     .actor = (const char *)c[2].bytes.ptr,
                                     .action = (const char *)c[3].bytes.ptr,
                                     .object = (const char *)c[4].bytes.ptr,
                                     .detail = (const char *)c[5].bytes.ptr};
        memcpy(r.hash, c[6].bytes.ptr, CM_AUDIT_HASH);
        l->failed = json_array_append_new(l->items, cm_audit_json(&r)) != 0;
        l->last = r.seq;
        l->count++;
    }
    return !l->failed;
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* An action is asked for whole, or by its beginning up to a dot. */
static enum cm_status read_list(struct cm_call *call, struct listing *l, uint64_t from, uint64_t to,
                                uint64_t before, struct cm_why *why)
{
    const char *actor = or_empty(cm_web_query(call->req, "actor"));
    const char *action = or_empty(cm_web_query(call->req, "action"));
    const char *object = or_empty(cm_web_query(call->req, "object"));
    char first[200] = "";
    struct cm_db_value values[12];

    if (snprintf(first, sizeof(first), "%s.", action) >= (int)sizeof(first)) {
        return CM_OK; /* no action is that long */
    }
    values[0] = cm_db_int((int64_t)before);
    values[1] = cm_db_int((int64_t)from);
    values[2] = cm_db_int((int64_t)to);
    values[3] = values[4] = cm_db_text(actor);
    values[5] = values[6] = cm_db_text(action);
    values[7] = cm_db_int((int64_t)strlen(first));
    values[8] = cm_db_text(first);
    values[9] = values[10] = cm_db_text(object);
    values[11] = cm_db_int((int64_t)l->limit + 1);
    return cm_db_run(call->db,
                     "SELECT seq, time, actor, action, object, detail, hash FROM audit"
                     " WHERE seq < ? AND time >= ? AND time <= ? AND (? = '' OR actor = ?)"
                     " AND (? = '' OR action = ? OR substr(action, 1, ?) = ?)"
                     " AND (? = '' OR object = ?) ORDER BY seq DESC LIMIT ?",
                     cm_db_with(values, sizeof(values) / sizeof(values[0])),
                     cm_db_into(on_record, l), why);
}

void cm_access_get_audit(struct cm_call *call, void *state)
{
    struct listing l = {0};
    struct cm_why why = {""};
    char next[24] = "";
    uint64_t from = 0;
    uint64_t to = INT64_MAX;
    uint64_t before = INT64_MAX;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &l.limit) || !cm_access_number(call, "from", &from) ||
        !cm_access_number(call, "to", &to) || !cm_access_number(call, "cursor", &before)) {
        return;
    }
    l.items = json_array();
    st = read_list(call, &l, from, to, before, &why);
    if (st == CM_OK && l.failed) {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        json_decref(l.items);
        cm_call_fail_status(call, st, &why);
        return;
    }
    (void)snprintf(next, sizeof(next), "%" PRId64, l.last);
    cm_call_answer_json(call, 200,
                        json_pack("{so ss?}", "items", l.items, "next", l.more ? next : NULL));
}

/* -------------------------------------------------------------------- verify */

void cm_access_post_audit_verify(struct cm_call *call, void *state)
{
    static const char *const names[] = {"known", NULL};
    json_t *body = cm_access_body(call, names);
    const json_t *given = json_object_get(body, "known");
    const char *text = cm_access_text(body, "known");
    uint8_t known[CM_AUDIT_HASH];
    char last[2 * CM_AUDIT_HASH + 1] = "";
    struct cm_audit_verdict verdict;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;
    const bool asked = text != NULL;

    (void)state;
    if (body == NULL) {
        return;
    }
    if ((given != NULL && !json_is_null(given) && !asked) ||
        (asked && !cm_hex_decode(cm_span_make(text, strlen(text)), known, sizeof(known)))) {
        cm_call_fail(call, 400, "InvalidParameter", "known is a hash of %d hexadecimal digits",
                     2 * CM_AUDIT_HASH);
        return;
    }
    st = cm_audit_verify(call->db, asked ? known : NULL, &verdict, &why);
    if (st != CM_OK && st != CM_ERR_SIGNATURE && st != CM_ERR_MISMATCH) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    cm_hex_encode(cm_span_make(verdict.last, CM_AUDIT_HASH), CM_HEX_LOWER, last);
    cm_call_answer_json(
        call, 200,
        json_pack("{sb sI sI ss so so ss sI}", "ok", st == CM_OK, "records",
                  (json_int_t)verdict.records, "cut", (json_int_t)verdict.cut, "last", last,
                  "found", asked ? json_boolean(verdict.found) : json_null(), "broken_at",
                  st == CM_ERR_SIGNATURE ? json_integer((json_int_t)verdict.records + 1)
                                         : json_null(),
                  "message", st == CM_OK ? "every record is where it was written" : why.text,
                  "time", (json_int_t)cm_service_now(call->service)));
}

/* ----------------------------------------------------------------------- cut */

#define CUT_EVERY 86400

struct cutting {
    int64_t now;
    int64_t before;
    int64_t cut;
};

static enum cm_status cut_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cutting *c = arg;

    return cm_audit_cut(db, c->now, c->before, &c->cut, why);
}

void cm_access_audit_tick(struct access *a, uint64_t now)
{
    const int64_t days = (int64_t)cm_service_config(a->service)->audit_days;
    struct cutting c = {(int64_t)now, (int64_t)now - days * 86400, 1};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (days == 0 || (now >= a->cut && now - a->cut < CUT_EVERY)) {
        return;
    }
    a->cut = now;
    while (st == CM_OK && c.cut != 0) { /* some thousands in a transaction */
        st = cm_service_write(a->service, cut_run, &c, &why);
    }
    if (st != CM_OK) {
        cm_service_log(a->service, CM_LOG_ERROR, "audit.cut",
                       (const char *const[]){"why", why.text}, 1);
    }
}

/* -------------------------------------------------------------------- export */

void cm_access_get_audit_export(struct cm_call *call, void *state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = NULL;
    struct cm_why why = {""};
    uint64_t after = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_number(call, "after", &after)) {
        return;
    }
    to = open_memstream(&text, &len);
    st =
        to == NULL ? CM_ERR_NOMEM : cm_audit_export(call->db, (int64_t)after, EXPORT_MAX, to, &why);
    if (to != NULL && fclose(to) != 0 && st == CM_OK) {
        st = CM_ERR_NOMEM;
    }
    if (st == CM_OK) {
        cm_web_add_header(call->req, "Content-Disposition",
                          "attachment; filename=\"casemate-audit.jsonl\"");
        cm_call_answer(call, 200, "application/x-ndjson", cm_span_make(text, len));
    } else {
        cm_call_fail_status(call, st, &why);
    }
    free(text);
}
