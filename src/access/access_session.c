/*
 * Browser sessions: log-in, its limits, log-out, and the password's change. An answer about a wrong name and one
 * about a wrong password are the same, and take as long.
 */
#include <stdio.h>
#include <string.h>

#include "access/access_private.h"
#include "common/try.h"
#include "common/wipe.h"

#define MAX_SESSIONS 16 /* of an account: the oldest goes */

const struct cm_limit_delay cm_access_peer_delay = {10, 900, 3600};
const struct cm_limit_delay cm_access_account_delay = {10, 60, 3600};

/* ------------------------------------------------------------------------ me */

void cm_access_answer_me(struct cm_call *call, struct access *a, const char *secret)
{
    const struct cm_service_config *config = cm_service_config(a->service);
    struct access_view *v = cm_access_view(a);
    uint8_t hash[CM_SHA256_SIZE];
    char csrf[ACCESS_SECRET_B64 + 1] = "";
    const struct access_session *e = NULL;
    json_t *user = NULL;
    json_t *expires = NULL;

    if (secret != NULL && cm_access_hash_text(secret, hash) == CM_OK &&
        cm_access_csrf(secret, csrf) == CM_OK) {
        e = cm_access_session_find(v, hash);
    }
    expires = e == NULL
                  ? json_null()
                  : json_integer((json_int_t)e->created + (json_int_t)v->settings.session_max);
    user = call->who.name[0] == '\0'
               ? json_null()
               : json_pack("{ss so sO}", "name", call->who.name, "roles",
                           cm_access_roles_json(call->who.roles), "expires_at", expires);
    cm_call_answer_json(
        call, 200,
        json_pack("{sb so ss? s{ss ss sb}}", "setup_needed", cm_access_setup_needed(v), "user",
                  user, "csrf", e == NULL ? NULL : csrf, "service", "version", CM_VERSION,
                  "public_url", config->public_url, "emulated", config->accept_emulated));
    json_decref(expires);
    cm_wipe(csrf, sizeof(csrf));
    cm_access_view_put(v);
}

void cm_access_get_me(struct cm_call *call, void *state)
{
    char secret[ACCESS_SECRET_B64 + 1] = "";
    const bool session = call->who.session && cm_access_cookie(call, secret);

    cm_access_answer_me(call, state, session ? secret : NULL);
    cm_wipe(secret, sizeof(secret));
}

/* -------------------------------------------------------------------- begin */

struct beginning {
    struct cm_service *service;
    const char *account;
    const char *password;               /* the hash that was verified; NULL: a new account's */
    char renewed[CM_PASSWORD_HASH_CAP]; /* the same password at today's cost; "" */
    uint8_t hash[CM_SHA256_SIZE];
    uint64_t now;
};

static enum cm_status begin_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct beginning *b = arg;
    const struct cm_db_value session[] = {
        cm_db_blob(cm_span_make(b->hash, sizeof(b->hash))),
        cm_db_text(b->account),
        cm_db_int((int64_t)b->now),
        cm_db_int((int64_t)b->now),
    };
    const struct cm_db_value too_many[] = {
        cm_db_text(b->account),
        cm_db_text(b->account),
        cm_db_int(MAX_SESSIONS - 1),
    };
    const struct cm_db_value account[] = {
        cm_db_int((int64_t)b->now),
        cm_db_text(b->renewed[0] != '\0' ? b->renewed : b->password),
        cm_db_text(b->account),
        cm_db_text(b->password),
    };
    enum cm_status st = CM_OK;

    /* what was verified meanwhile may have been changed, or the account disabled */
    CM_TRY(cm_db_run(db,
                     "UPDATE access_account SET seen = ?, password = ?"
                     " WHERE name = ? AND password = ? AND disabled = 0",
                     cm_db_with(account, 4), cm_db_nowhere(), why));
    if (cm_db_changed(db) != 1) {
        st = CM_ERR_DENIED;
        goto out;
    }
    CM_TRY(cm_db_run(db,
                     "DELETE FROM access_session WHERE account = ? AND hash NOT IN"
                     " (SELECT hash FROM access_session WHERE account = ?"
                     " ORDER BY created DESC, hash LIMIT ?)",
                     cm_db_with(too_many, 3), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO access_session (hash, account, created, seen)"
                     " VALUES (?, ?, ?, ?)",
                     cm_db_with(session, 4), cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(b->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

static void set_cookie(struct cm_call *call, const char *secret, unsigned seconds)
{
    char text[192] = "";

    (void)snprintf(text, sizeof(text),
                   ACCESS_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%u",
                   secret, seconds);
    cm_web_add_header(call->req, "Set-Cookie", text);
    cm_wipe(text, sizeof(text));
}

/* The session and its audit record; who.name is the account from here on. */
static enum cm_status begin(struct cm_call *call, struct access *a, struct beginning *b,
                            const char *action, char secret[ACCESS_SECRET_B64 + 1])
{
    struct access_view *v = NULL;
    const struct access_account *e = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    b->service = a->service;
    b->now = cm_service_now(a->service);
    CM_TRY(cm_access_random(secret));
    CM_TRY(cm_access_hash_text(secret, b->hash));
    (void)snprintf(call->who.name, sizeof(call->who.name), "%s", b->account);
    CM_TRY(cm_call_write(call, begin_run, b, action, b->account, NULL, &why));
    v = cm_access_view(a);
    e = cm_access_account_find(v, b->account);
    call->who.roles = e == NULL ? 0 : e->roles;
    call->who.session = true;
    set_cookie(call, secret, v->settings.session_max);
    cm_access_view_put(v);
out:
    if (st != CM_OK) {
        call->who.name[0] = '\0';
    }
    return st;
}

void cm_access_session_begin(struct cm_call *call, struct access *a, const char *name,
                             const char *hash)
{
    struct beginning b = {.account = name, .password = hash};
    char secret[ACCESS_SECRET_B64 + 1] = "";
    const enum cm_status st = begin(call, a, &b, "session.begin", secret);

    if (st == CM_OK) {
        cm_access_answer_me(call, a, secret);
    } else {
        cm_call_fail_status(call, st, NULL);
    }
    cm_wipe(secret, sizeof(secret));
}

/* -------------------------------------------------------------------- log-in */

struct stored {
    bool found;
    bool disabled;
    char hash[CM_PASSWORD_HASH_CAP];
};

static bool take_stored(void *arg, const struct cm_db_value *c, size_t count)
{
    struct stored *s = arg;

    s->found = count == 2 && c[0].bytes.len < sizeof(s->hash);
    if (s->found) {
        memcpy(s->hash, c[0].bytes.ptr, c[0].bytes.len);
        s->disabled = c[1].number != 0;
    }
    return false;
}

static enum cm_status read_stored(struct cm_call *call, const char *name, struct stored *out,
                                  struct cm_why *why)
{
    const struct cm_db_value value = cm_db_text(name);

    memset(out, 0, sizeof(*out));
    return cm_db_run(call->db, "SELECT password, disabled FROM access_account WHERE name = ?",
                     cm_db_with(&value, 1), cm_db_into(take_stored, out), why);
}

void cm_access_throttle(struct cm_call *call, struct access *a, unsigned seconds)
{
    char text[16] = "";

    (void)atomic_fetch_add(&a->throttled, 1);
    (void)snprintf(text, sizeof(text), "%u", seconds);
    cm_web_add_header(call->req, "Retry-After", text);
    cm_call_fail(call, 429, "TooManyRequests", "too many failures: try again in %u s", seconds);
}

/* By what failures are counted. */
struct keys {
    char peer[CM_LIMIT_PEER + 8];
    char account[CM_ACCESS_NAME_MAX + 16];
    char both[CM_ACCESS_NAME_MAX + CM_LIMIT_PEER + 16];
};

static void make_keys(const struct cm_call *call, const char *name, struct keys *k)
{
    char peer[CM_LIMIT_PEER];

    cm_limit_peer(cm_web_peer(call->req), peer);
    (void)snprintf(k->peer, sizeof(k->peer), "peer %s", peer);
    (void)snprintf(k->account, sizeof(k->account), "account %s", name);
    (void)snprintf(k->both, sizeof(k->both), "both %s %s", name, peer);
}

/*
 * Seconds to wait. Who failed too often waits, and so does everybody at an account that somebody is guessing
 * at, but for addresses that have logged in to it: a stranger must not lock its owner out.
 */
static unsigned must_wait(struct access *a, const struct keys *k)
{
    const uint64_t now = cm_access_ms();
    const unsigned peer = cm_limit_wait(a->tries, k->peer, now, &cm_access_peer_delay);
    const unsigned account =
        cm_limit_remembers(a->tries, k->both)
            ? 0
            : cm_limit_wait(a->tries, k->account, now, &cm_access_account_delay);

    return peer > account ? peer : account;
}

static void count_try(struct access *a, const struct keys *k)
{
    const uint64_t now = cm_access_ms();

    cm_limit_failed(a->tries, k->peer, now, &cm_access_peer_delay);
    cm_limit_failed(a->tries, k->account, now, &cm_access_account_delay);
}

/* It was no failure. One good log-in does not make a peer's other failures good. */
static void uncount_try(struct access *a, const struct keys *k, bool logged_in)
{
    cm_limit_forgive(a->tries, k->peer);
    if (logged_in) {
        cm_limit_reset(a->tries, k->account);
        cm_limit_remember(a->tries, k->both, cm_access_ms());
    } else {
        cm_limit_forgive(a->tries, k->account);
    }
}

/* An unknown name may be a password that somebody typed into the wrong field: it is not written down. */
static void log_in_refused(struct cm_call *call, struct access *a, const char *name, bool known)
{
    struct cm_why why = {""};
    char detail[96] = "";

    (void)atomic_fetch_add(&a->refused, 1);
    (void)snprintf(detail, sizeof(detail), "{\"peer\":\"%s\"}", cm_web_peer(call->req));
    (void)!cm_call_write(call, NULL, NULL, "session.refused", known ? name : "unknown account",
                         detail, &why);
    cm_call_fail(call, 401, "LoginFailed", "the name or the password is wrong");
}

static enum cm_status verify(struct access *a, const char *password, const struct stored *stored,
                             struct beginning *b)
{
    struct access_view *v = cm_access_view(a);
    enum cm_status st = CM_OK;

    CM_TRY(cm_password_verify(password, stored->found ? stored->hash : NULL, &v->settings.cost));
    if (stored->disabled) {
        st = CM_ERR_MISMATCH;
        goto out;
    }
    if (cm_password_outdated(stored->hash, &v->settings.cost) &&
        cm_password_hash(password, &v->settings.cost, b->renewed) != CM_OK) {
        b->renewed[0] = '\0'; /* another time */
    }
out:
    cm_access_view_put(v);
    return st;
}

static void log_in(struct cm_call *call, struct access *a, const char *name, const char *password)
{
    struct keys keys;
    struct stored stored;
    struct beginning b = {.account = name, .password = stored.hash};
    char secret[ACCESS_SECRET_B64 + 1] = "";
    struct cm_why why = {""};
    enum cm_status st = CM_OK;
    unsigned wait = 0;

    make_keys(call, name, &keys);
    wait = must_wait(a, &keys);
    if (wait != 0) {
        cm_access_throttle(call, a, wait);
        return;
    }
    count_try(a, &keys);
    st = read_stored(call, name, &stored, &why);
    if (st == CM_OK) {
        st = verify(a, password, &stored, &b);
    }
    if (st == CM_OK) {
        st = begin(call, a, &b, "session.begin", secret);
    }
    if (st == CM_ERR_MISMATCH || st == CM_ERR_DENIED) {
        log_in_refused(call, a, name, stored.found);
    } else {
        uncount_try(a, &keys, st == CM_OK);
        if (st == CM_OK) {
            (void)atomic_fetch_add(&a->logins, 1);
            cm_access_answer_me(call, a, secret);
        } else {
            cm_call_fail_status(call, st, &why);
        }
    }
    cm_wipe(secret, sizeof(secret));
    cm_wipe(&stored, sizeof(stored));
    cm_wipe(&b, sizeof(b));
}

void cm_access_post_login(struct cm_call *call, void *state)
{
    static const char *const names[] = {"name", "password", NULL};
    json_t *body = NULL;
    const char *name = NULL;
    const char *password = NULL;
    char folded[CM_ACCESS_NAME_MAX + 1] = "";

    if (!cm_access_same_origin(call)) { /* nobody is logged in as somebody else by another site */
        cm_call_fail(call, 403, "CsrfToken", "another site asks; open the dashboard at %s",
                     cm_service_config(call->service)->public_url);
        return;
    }
    body = cm_access_body(call, names);
    name = cm_access_text(body, "name");
    password = cm_access_text(body, "password");
    if (body == NULL) {
        return;
    }
    if (name == NULL || password == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "a log-in has a name and a password");
    } else {
        if (cm_access_name_good(name)) { /* another is nobody's: "" */
            cm_access_name_fold(name, folded);
        }
        log_in(call, state, folded, password);
    }
    cm_access_wipe_text(body, "password");
}

/* ------------------------------------------------------------------- log-out */

struct ending {
    struct cm_service *service;
    uint8_t hash[CM_SHA256_SIZE];
    char account[CM_ACCESS_NAME_MAX + 1];
    char old[CM_PASSWORD_HASH_CAP];
    char password[CM_PASSWORD_HASH_CAP];
};

static enum cm_status end_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct ending *e = arg;
    const struct cm_db_value hash = cm_db_blob(cm_span_make(e->hash, sizeof(e->hash)));
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM access_session WHERE hash = ?", cm_db_with(&hash, 1),
                     cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(e->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

/* The session that asks; false: it was no session, and the call has been answered. */
static bool own_session(struct cm_call *call, struct access *a, struct ending *e)
{
    char secret[ACCESS_SECRET_B64 + 1] = "";
    bool good = call->who.session && cm_access_cookie(call, secret) &&
                cm_access_hash_text(secret, e->hash) == CM_OK;

    e->service = a->service;
    (void)snprintf(e->account, sizeof(e->account), "%.*s", CM_ACCESS_NAME_MAX, call->who.name);
    if (!good) {
        cm_call_fail(call, 400, "InvalidParameter", "this is for sessions of a browser");
    }
    cm_wipe(secret, sizeof(secret));
    return good;
}

void cm_access_post_logout(struct cm_call *call, void *state)
{
    struct ending e = {0};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (!own_session(call, state, &e)) {
        return;
    }
    st = cm_call_write(call, end_run, &e, "session.end", e.account, NULL, &why);
    if (st == CM_OK) {
        set_cookie(call, "", 0);
        cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

/* ------------------------------------------------------------ another password */

static enum cm_status password_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct ending *e = arg;
    const struct cm_db_value account[] = {cm_db_text(e->password), cm_db_text(e->account),
                                          cm_db_text(e->old)};
    const struct cm_db_value others[] = {cm_db_text(e->account),
                                         cm_db_blob(cm_span_make(e->hash, sizeof(e->hash)))};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "UPDATE access_account SET password = ? WHERE name = ? AND password = ?"
                     " AND disabled = 0",
                     cm_db_with(account, 3), cm_db_nowhere(), why));
    if (cm_db_changed(db) != 1) {
        st = CM_ERR_STATE;
        goto out;
    }
    CM_TRY(cm_db_run(db, "DELETE FROM access_session WHERE account = ? AND hash <> ?",
                     cm_db_with(others, 2), cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(e->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

static void change_password(struct cm_call *call, struct access *a, struct ending *e,
                            const json_t *body)
{
    struct keys keys;
    struct stored stored;
    struct access_view *v = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;
    unsigned wait = 0;

    make_keys(call, e->account, &keys);
    wait = must_wait(a, &keys);
    if (wait != 0) {
        cm_access_throttle(call, a, wait);
        return;
    }
    count_try(a, &keys);
    v = cm_access_view(a);
    CM_TRY(read_stored(call, e->account, &stored, &why));
    CM_TRY(cm_password_verify(cm_access_text(body, "old"), stored.found ? stored.hash : NULL,
                              &v->settings.cost));
    CM_TRY(cm_password_hash(cm_access_text(body, "new"), &v->settings.cost, e->password));
    memcpy(e->old, stored.hash, sizeof(e->old));
    CM_TRY(cm_call_write(call, password_run, e, "account.password", e->account, NULL, &why));
out:
    cm_access_view_put(v);
    cm_wipe(&stored, sizeof(stored));
    if (st == CM_ERR_MISMATCH) { /* it stays counted */
        cm_call_fail(call, 403, "Forbidden", "the old password is wrong");
        return;
    }
    uncount_try(a, &keys, false);
    if (st == CM_OK) {
        cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

void cm_access_post_password(struct cm_call *call, void *state)
{
    static const char *const names[] = {"old", "new", NULL};
    json_t *body = cm_access_body(call, names);
    struct ending e = {0};
    struct cm_why why = {""};

    if (body == NULL || !own_session(call, state, &e)) {
        return;
    }
    if (cm_access_text(body, "old") == NULL || cm_access_text(body, "new") == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "an old and a new password are wanted");
    } else if (cm_password_check(cm_access_text(body, "new"), &why) != CM_OK) {
        cm_call_fail(call, 400, "WeakPassword", "%s", why.text);
    } else {
        change_password(call, state, &e, body);
    }
    cm_access_wipe_text(body, "old");
    cm_access_wipe_text(body, "new");
    cm_wipe(&e, sizeof(e));
}
