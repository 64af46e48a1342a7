/* Bearer tokens of programs: made once, kept as their hash, gone when revoked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_private.h"
#include "common/try.h"
#include "common/wipe.h"
#include "store/audit.h"

#define MAX_TOKENS 4096
#define MAX_DAYS   3650
#define DAY        86400U
#define SERVICE    "the service" /* which no account can be called */

_Static_assert(sizeof(ACCESS_TOKEN_LEAD) + ACCESS_SECRET_B64 <= CM_ACCESS_TOKEN_CAP,
               "a token fits what callers have for it");

struct token_new {
    struct cm_service *service;
    char token[CM_ACCESS_TOKEN_CAP];
    uint8_t hash[CM_SHA256_SIZE];
    char id[ACCESS_ID];
    char name[CM_ACCESS_NAME_MAX + 1];
    const char *creator;
    unsigned roles;
    uint64_t now;
    uint64_t expires;
};

static bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

static enum cm_status insert_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct token_new *n = arg;
    const struct cm_db_value values[] = {
        cm_db_blob(cm_span_make(n->hash, sizeof(n->hash))),
        cm_db_text(n->id),
        cm_db_text(n->name),
        cm_db_int((int64_t)n->roles),
        cm_db_text(n->creator),
        cm_db_int((int64_t)n->now),
        cm_db_int((int64_t)n->expires),
    };
    const struct cm_db_value old[] = {cm_db_text(n->name), cm_db_int((int64_t)n->now)};
    int64_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "SELECT COUNT(*) FROM access_token", cm_db_none(),
                     cm_db_into(take_number, &count), why));
    if (count >= MAX_TOKENS) {
        cm_why_set(why, "there are %d tokens: revoke some first", MAX_TOKENS);
        st = CM_ERR_LIMIT;
        goto out;
    }
    CM_TRY(cm_db_run(db, "DELETE FROM access_token WHERE name = ? AND expires <= ?",
                     cm_db_with(old, 2), cm_db_nowhere(), why));
    st = cm_db_run(db,
                   "INSERT INTO access_token (hash, id, name, roles, creator, created, expires,"
                   " seen) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                   cm_db_with(values, 7), cm_db_nowhere(), why);
    if (st == CM_ERR_EXISTS) {
        if (why != NULL) {
            why->text[0] = '\0';
        }
        cm_why_set(why, "there is a token with this name");
        goto out;
    }
    CM_TRY(st);
    CM_TRY(cm_service_touch(n->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

static enum cm_status make(struct cm_service *s, const char *name, unsigned roles, uint64_t seconds,
                           struct token_new *n, struct cm_why *why)
{
    char random[ACCESS_SECRET_B64 + 1] = "";
    enum cm_status st = CM_OK;

    memset(n, 0, sizeof(*n));
    if (!cm_access_name_good(name)) {
        cm_why_set(why, "a name has 1 to %d of a-z 0-9 . _ - @", CM_ACCESS_NAME_MAX);
        return CM_ERR_PARAM;
    }
    if (roles == 0 || (roles & ~CM_ACCESS_ROLES_ALL) != 0) {
        cm_why_set(why, "roles are an array of admin, author, approver, auditor, client");
        return CM_ERR_PARAM;
    }
    n->service = s;
    n->roles = roles;
    n->now = cm_service_now(s);
    n->expires = n->now + seconds;
    cm_access_name_fold(name, n->name);
    CM_TRY(cm_access_random(random));
    CM_TRY(cm_access_random_id(n->id));
    (void)snprintf(n->token, sizeof(n->token), ACCESS_TOKEN_LEAD "%s", random);
    CM_TRY(cm_access_hash_text(n->token, n->hash));
out:
    cm_wipe(random, sizeof(random));
    return st;
}

/* ------------------------------------------------------------------- the API */

static json_t *token_json(const struct access_token *e)
{
    const uint64_t seen = atomic_load(&e->seen);
    json_t *last = seen == 0 ? json_null() : json_integer((json_int_t)seen);

    return json_pack("{ss ss so sI ss sI so}", "id", e->id, "name", e->name, "roles",
                     cm_access_roles_json(e->roles), "created_at", (json_int_t)e->created, "author",
                     e->creator, "expires_at", (json_int_t)e->expires, "last_used", last);
}

/* newest first; the id decides between those of one second */
static int compare(const void *x, const void *y)
{
    const struct access_token *a = *(const struct access_token *const *)x;
    const struct access_token *b = *(const struct access_token *const *)y;

    if (a->created != b->created) {
        return a->created > b->created ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

/* the cursor is the place of the last one of the page before: "TIME.ID" */
static bool behind(const struct access_token *e, const char *cursor)
{
    char *end = NULL;
    const uint64_t created = strtoull(cursor, &end, 10);

    if (e->created != created) {
        return e->created < created;
    }
    return *end == '.' && strcmp(e->id, end + 1) > 0;
}

static json_t *page(const struct access_view *v, const char *cursor, unsigned limit)
{
    const struct access_token **all = calloc(v->token_count + 1, sizeof(const void *));
    json_t *items = json_array();
    json_t *next = json_null();
    char place[64] = "";
    unsigned n = 0;

    for (size_t i = 0; all != NULL && i < v->token_count; i++) {
        all[i] = &v->tokens[i];
    }
    if (all == NULL) {
        json_decref(items);
        return NULL;
    }
    qsort(all, v->token_count, sizeof(const void *), compare);
    for (size_t i = 0; i < v->token_count; i++) {
        if (cursor != NULL && !behind(all[i], cursor)) {
            continue;
        }
        if (n == limit) {
            next = json_string(place);
            break;
        }
        (void)json_array_append_new(items, token_json(all[i]));
        (void)snprintf(place, sizeof(place), "%llu.%s", (unsigned long long)all[i]->created,
                       all[i]->id);
        n++;
    }
    free(all);
    return json_pack("{so so}", "items", items, "next", next);
}

void cm_access_get_tokens(struct cm_call *call, void *state)
{
    struct access_view *v = NULL;
    json_t *out = NULL;
    unsigned limit = 0;

    if (!cm_access_limit(call, &limit)) {
        return;
    }
    v = cm_access_view(state);
    out = page(v, cm_web_query(call->req, "cursor"), limit);
    cm_access_view_put(v);
    cm_call_answer_json(call, 200, out);
}

void cm_access_post_tokens(struct cm_call *call, void *state)
{
    static const char *const names[] = {"name", "roles", "days", NULL};
    struct access *a = state;
    json_t *body = cm_access_body(call, names);
    const char *name = cm_access_text(body, "name");
    const json_t *days = json_object_get(body, "days");
    struct token_new n;
    struct cm_why why = {""};
    char detail[160] = "";
    char text[80] = "";
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return;
    }
    if (name == NULL || !json_is_integer(days) || json_integer_value(days) < 1 ||
        json_integer_value(days) > MAX_DAYS) {
        cm_call_fail(call, 400, "InvalidParameter", "a token has a name, roles, and 1 to %d days",
                     MAX_DAYS);
        return;
    }
    st = make(a->service, name, cm_access_roles_from(json_object_get(body, "roles")),
              (uint64_t)json_integer_value(days) * DAY, &n, &why);
    n.creator = call->who.name;
    if (st == CM_OK) {
        cm_access_roles_text(n.roles, text, sizeof(text));
        (void)snprintf(detail, sizeof(detail), "{\"name\":\"%s\",\"roles\":\"%s\",\"days\":%d}",
                       n.name, text, (int)json_integer_value(days));
        st = cm_call_write(call, insert_run, &n, "token.create", n.id, detail, &why);
    }
    if (st == CM_OK) {
        cm_call_answer_json(call, 200,
                            json_pack("{ss ss so sI ss sI sn ss}", "id", n.id, "name", n.name,
                                      "roles", cm_access_roles_json(n.roles), "created_at",
                                      (json_int_t)n.now, "author", n.creator, "expires_at",
                                      (json_int_t)n.expires, "last_used", "token", n.token));
    } else {
        cm_call_fail_status(call, st, &why);
    }
    cm_wipe(&n, sizeof(n));
}

struct revoking {
    struct cm_service *service;
    const char *id;
};

static enum cm_status revoke_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct revoking *r = arg;
    const struct cm_db_value id = cm_db_text(r->id);
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM access_token WHERE id = ?", cm_db_with(&id, 1),
                     cm_db_nowhere(), why));
    if (cm_db_changed(db) == 0) {
        cm_why_set(why, "there is no such token");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(cm_service_touch(r->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

void cm_access_delete_token(struct cm_call *call, void *state)
{
    struct access *a = state;
    struct revoking r = {a->service, cm_call_param(call, "id")};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    st = cm_call_write(call, revoke_run, &r, "token.revoke", r.id, NULL, &why);
    if (st == CM_OK) {
        cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

/* -------------------------------------------------------------- for programs */

static enum cm_status make_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct token_new *n = arg;
    struct cm_audit_record record = {.time = (int64_t)n->now,
                                     .actor = n->creator,
                                     .action = "token.create",
                                     .object = n->id,
                                     .detail = ""};
    enum cm_status st = CM_OK;

    CM_TRY(insert_run(db, arg, why));
    CM_TRY(cm_audit_append(db, &record, why));
out:
    return st;
}

enum cm_status cm_access_token_make(struct cm_service *s, const char *name, unsigned roles,
                                    uint64_t seconds, char out[CM_ACCESS_TOKEN_CAP],
                                    struct cm_why *why)
{
    struct token_new n;
    enum cm_status st = CM_OK;

    out[0] = '\0';
    CM_TRY(make(s, name, roles, seconds, &n, why));
    n.creator = SERVICE;
    CM_TRY(cm_service_write(s, make_run, &n, why));
    memcpy(out, n.token, sizeof(n.token));
out:
    cm_wipe(&n, sizeof(n));
    return st;
}

struct ending {
    struct cm_service *service;
    size_t count;
    char id[ACCESS_ID]; /* of one more; "": there is none */
};

static bool take_id(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct ending *e = arg;

    if (count == 1 && columns[0].bytes.len < sizeof(e->id)) {
        (void)snprintf(e->id, sizeof(e->id), "%.*s", (int)columns[0].bytes.len,
                       (const char *)columns[0].bytes.ptr);
    }
    return false;
}

static enum cm_status end_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct cm_db_value creator = cm_db_text(SERVICE);
    struct ending *e = arg;
    struct revoking r = {e->service, e->id};
    struct cm_audit_record record = {.time = (int64_t)cm_service_now(e->service),
                                     .actor = SERVICE,
                                     .action = "token.revoke",
                                     .object = e->id,
                                     .detail = ""};
    enum cm_status st = CM_OK;

    e->count = 0; /* it may run again */
    for (;;) {
        e->id[0] = '\0';
        CM_TRY(cm_db_run(db, "SELECT id FROM access_token WHERE creator = ? LIMIT 1",
                         cm_db_with(&creator, 1), cm_db_into(take_id, e), why));
        if (e->id[0] == '\0') {
            break;
        }
        CM_TRY(revoke_run(db, &r, why));
        CM_TRY(cm_audit_append(db, &record, why));
        e->count++;
    }
out:
    return st;
}

enum cm_status cm_access_tokens_end(struct cm_service *s, size_t *count, struct cm_why *why)
{
    struct ending e = {.service = s};
    enum cm_status st = cm_service_write(s, end_run, &e, why);

    *count = st == CM_OK ? e.count : 0;
    return st;
}
