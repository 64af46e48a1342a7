/* Accounts: in the store, and the API over them. */
#include <stdio.h>
#include <string.h>

#include "access/access_private.h"
#include "common/try.h"
#include "common/wipe.h"
#include "store/audit.h"

#define MAX_ACCOUNTS 1000

enum cm_status cm_access_guard(struct cm_db *db, struct cm_why *why)
{
    return cm_db_run(db, "UPDATE access_guard SET changes = changes + 1", cm_db_none(),
                     cm_db_nowhere(), why);
}

static bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

enum cm_status cm_access_admins(struct cm_db *db, int64_t *out, struct cm_why *why)
{
    *out = 0;
    return cm_db_run(db,
                     "SELECT COUNT(*) FROM access_account"
                     " WHERE disabled = 0 AND (roles & 1) = 1",
                     cm_db_none(), cm_db_into(take_number, out), why);
}

enum cm_status cm_access_insert(struct cm_db *db, const struct access_new *n, struct cm_why *why)
{
    const struct cm_db_value values[] = {
        cm_db_text(n->name),
        cm_db_text(n->hash),
        cm_db_int((int64_t)n->roles),
        cm_db_int((int64_t)n->now),
    };
    int64_t count = 0;
    enum cm_status st = CM_OK;

    _Static_assert(CM_ROLE_ADMIN == 1, "the bit that the SQL above counts");
    CM_TRY(cm_db_run(db, "SELECT COUNT(*) FROM access_account", cm_db_none(),
                     cm_db_into(take_number, &count), why));
    if (count >= MAX_ACCOUNTS) {
        cm_why_set(why, "there are %d accounts, and no room for more", MAX_ACCOUNTS);
        st = CM_ERR_LIMIT;
        goto out;
    }
    st = cm_db_run(db,
                   "INSERT INTO access_account (name, password, roles, disabled, created, seen)"
                   " VALUES (?, ?, ?, 0, ?, 0)",
                   cm_db_with(values, 4), cm_db_nowhere(), why);
    if (st == CM_ERR_EXISTS && why != NULL) {
        why->text[0] = '\0';
        cm_why_set(why, "there is an account with this name");
    }
out:
    return st;
}

enum cm_status cm_access_new_make(struct access *a, const char *name, unsigned roles,
                                  const char *password, struct access_new *out, struct cm_why *why)
{
    struct access_view *v = NULL;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (!cm_access_name_good(name)) {
        cm_why_set(why, "a name has 1 to %d of a-z 0-9 . _ - @", CM_ACCESS_NAME_MAX);
        return CM_ERR_PARAM;
    }
    if (roles == 0 || (roles & ~CM_ACCESS_ROLES_ALL) != 0) {
        cm_why_set(why, "roles are an array of admin, author, approver, auditor, client");
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_password_check(password, why));
    cm_access_name_fold(name, out->name);
    out->service = a->service;
    out->roles = roles;
    out->now = cm_service_now(a->service);
    v = cm_access_view(a);
    st = cm_password_hash(password, &v->settings.cost, out->hash);
    cm_access_view_put(v);
out:
    return st;
}

static enum cm_status insert_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct access_new *n = arg;
    enum cm_status st = CM_OK;

    CM_TRY(cm_access_guard(db, why));
    CM_TRY(cm_access_insert(db, n, why));
    CM_TRY(cm_service_touch(n->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

/* ------------------------------------------------------------------- the API */

static json_t *account_json(const struct access_account *e)
{
    json_t *seen = e->seen == 0 ? json_null() : json_integer((json_int_t)e->seen);

    return json_pack("{ss so sI so sb}", "name", e->name, "roles", cm_access_roles_json(e->roles),
                     "created_at", (json_int_t)e->created, "last_login", seen, "enabled",
                     !e->disabled);
}

static void answer_account(struct cm_call *call, struct access *a, const char *name)
{
    struct access_view *v = cm_access_view(a);
    const struct access_account *e = cm_access_account_find(v, name);

    if (e == NULL) {
        cm_call_fail(call, 404, "NotFound", "there is no such account");
    } else {
        cm_call_answer_json(call, 200, account_json(e));
    }
    cm_access_view_put(v);
}

/* by name: the cursor is the last one of the page before */
void cm_access_get_accounts(struct cm_call *call, void *state)
{
    const char *after = cm_web_query(call->req, "cursor");
    struct access_view *v = NULL;
    json_t *items = json_array();
    json_t *next = NULL;
    unsigned limit = 0;
    size_t i = 0;

    if (!cm_access_limit(call, &limit)) {
        json_decref(items);
        return;
    }
    v = cm_access_view(state);
    while (after != NULL && i < v->account_count && strcmp(v->accounts[i].name, after) <= 0) {
        i++;
    }
    for (unsigned n = 0; n < limit && i < v->account_count; n++, i++) {
        (void)json_array_append_new(items, account_json(&v->accounts[i]));
    }
    next = i < v->account_count && i > 0 ? json_string(v->accounts[i - 1].name) : json_null();
    cm_access_view_put(v);
    cm_call_answer_json(call, 200, json_pack("{so so}", "items", items, "next", next));
}

void cm_access_post_accounts(struct cm_call *call, void *state)
{
    static const char *const names[] = {"name", "password", "roles", NULL};
    struct access *a = state;
    json_t *body = cm_access_body(call, names);
    const char *name = cm_access_text(body, "name");
    const char *password = cm_access_text(body, "password");
    const unsigned roles = cm_access_roles_from(json_object_get(body, "roles"));
    struct access_new n;
    struct cm_why why = {""};
    char detail[128] = "";
    char text[80] = "";
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return;
    }
    if (name == NULL || password == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "an account has a name and a password");
    } else if (cm_password_check(password, &why) != CM_OK) {
        cm_call_fail(call, 400, "WeakPassword", "%s", why.text);
    } else {
        st = cm_access_new_make(a, name, roles, password, &n, &why);
        cm_access_roles_text(roles, text, sizeof(text));
        (void)snprintf(detail, sizeof(detail), "{\"roles\":\"%s\"}", text);
        if (st == CM_OK) {
            st = cm_call_write(call, insert_run, &n, "account.create", n.name, detail, &why);
        }
        if (st == CM_OK) {
            answer_account(call, a, n.name);
        } else {
            cm_call_fail_status(call, st, &why);
        }
        cm_wipe(&n, sizeof(n));
    }
    cm_access_wipe_text(body, "password");
}

/* What is to change of an account. */
struct change {
    struct cm_service *service;
    char name[CM_ACCESS_NAME_MAX + 1];
    bool set_roles;
    bool set_disabled;
    unsigned roles;
    bool disabled;
    char hash[CM_PASSWORD_HASH_CAP]; /* "": stays */
};

static enum cm_status set_one(struct cm_db *db, const char *sql, const char *name,
                              struct cm_db_value value, struct cm_why *why)
{
    const struct cm_db_value values[] = {value, cm_db_text(name)};
    enum cm_status st = cm_db_run(db, sql, cm_db_with(values, 2), cm_db_nowhere(), why);

    if (st == CM_OK && cm_db_changed(db) == 0) {
        cm_why_set(why, "there is no such account");
        st = CM_ERR_NOTFOUND;
    }
    return st;
}

static enum cm_status change_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct change *c = arg;
    const struct cm_db_value name = cm_db_text(c->name);
    int64_t admins = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_access_guard(db, why));
    if (c->set_roles) {
        CM_TRY(set_one(db, "UPDATE access_account SET roles = ? WHERE name = ?", c->name,
                       cm_db_int((int64_t)c->roles), why));
    }
    if (c->set_disabled) {
        CM_TRY(set_one(db, "UPDATE access_account SET disabled = ? WHERE name = ?", c->name,
                       cm_db_int(c->disabled ? 1 : 0), why));
    }
    if (c->hash[0] != '\0') {
        CM_TRY(set_one(db, "UPDATE access_account SET password = ? WHERE name = ?", c->name,
                       cm_db_text(c->hash), why));
    }
    CM_TRY(cm_access_admins(db, &admins, why));
    if (admins == 0) {
        cm_why_set(why, "this is the last admin: nobody could give the role back");
        st = CM_ERR_STATE;
        goto out;
    }
    CM_TRY(cm_db_run(db, "DELETE FROM access_session WHERE account = ?", cm_db_with(&name, 1),
                     cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(c->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

static enum cm_status change_from(struct access *a, json_t *body, struct change *c,
                                  struct cm_why *why)
{
    const json_t *roles = json_object_get(body, "roles");
    const json_t *enabled = json_object_get(body, "enabled");
    const char *password = cm_access_text(body, "password");
    struct access_view *v = NULL;
    enum cm_status st = CM_OK;

    c->service = a->service;
    c->set_roles = roles != NULL;
    c->roles = cm_access_roles_from(roles);
    c->set_disabled = enabled != NULL;
    c->disabled = json_is_false(enabled);
    if ((c->set_roles && c->roles == 0) || (c->set_disabled && !json_is_boolean(enabled)) ||
        (json_object_get(body, "password") != NULL && password == NULL) ||
        (!c->set_roles && !c->set_disabled && password == NULL)) {
        cm_why_set(why, "an account is changed by roles, enabled (true, false) or password");
        return CM_ERR_PARAM;
    }
    if (password != NULL) {
        v = cm_access_view(a);
        st = cm_password_hash(password, &v->settings.cost, c->hash);
        cm_access_view_put(v);
    }
    return st;
}

void cm_access_put_account(struct cm_call *call, void *state)
{
    static const char *const names[] = {"roles", "enabled", "password", NULL};
    json_t *body = cm_access_body(call, names);
    const char *password = cm_access_text(body, "password");
    struct change c = {0};
    struct cm_why why = {""};
    char detail[192] = "";
    char text[80] = "";
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return;
    }
    cm_access_name_fold(cm_call_param(call, "name"), c.name);
    if (password != NULL && cm_password_check(password, &why) != CM_OK) {
        cm_call_fail(call, 400, "WeakPassword", "%s", why.text);
        goto out;
    }
    st = change_from(state, body, &c, &why);
    if (st == CM_OK) {
        cm_access_roles_text(c.roles, text, sizeof(text));
        (void)snprintf(detail, sizeof(detail), "{\"roles\":\"%s\",\"enabled\":%s,\"password\":%s}",
                       c.set_roles ? text : "as before",
                       !c.set_disabled ? "\"as before\""
                       : c.disabled    ? "false"
                                       : "true",
                       c.hash[0] != '\0' ? "\"set\"" : "\"as before\"");
        st = cm_call_write(call, change_run, &c, "account.change", c.name, detail, &why);
    }
    if (st == CM_OK) {
        answer_account(call, state, c.name);
    } else {
        cm_call_fail_status(call, st, &why);
    }
out:
    cm_access_wipe_text(body, "password");
    cm_wipe(&c, sizeof(c));
}
