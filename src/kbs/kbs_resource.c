/*
 * GET resource: a guest's token is verified, the policy in force decides about token and path, what it decided is
 * recorded, and the resource goes out encrypted to the key in the token; see kbs_private.h. Untrusted: all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "identity/identity.h"
#include "kbs/kbs_private.h"
#include "token/utf8.h"
#include "vault/vault.h"

#define REASON 201 /* with its NUL */
#define SKEW   60  /* seconds between the clocks of instances */

/* By the cookie of an attested session, else "Authorization: Bearer". The caller frees it; NULL: neither. */
static char *token_of(struct cm_call *call)
{
    const char *bearer = cm_web_header(call->req, "Authorization");
    struct cm_kbs_session session;
    char row[65] = "";
    char *token = NULL;

    if (cm_kbs_session_from(cm_web_header(call->req, "Cookie"), &session) &&
        cm_kbs_session_row(&session, row) == CM_OK &&
        cm_kbs_session_token(call->db, row, call->now, &token, NULL) == CM_OK) {
        return token;
    }
    if (bearer != NULL && strncmp(bearer, "Bearer ", 7) == 0) {
        return strdup(bearer + 7 + strspn(bearer + 7, " "));
    }
    return NULL;
}

/* What the token says; NULL: it does not count, and why says so. */
static json_t *claims_of(struct cm_call *call, const char *token, struct cm_why *why)
{
    json_t *claims = NULL;
    json_int_t now = (json_int_t)call->now;

    if (cm_identity_verify(call->service, CM_SIGNER_RESULT, cm_span_make(token, strlen(token)),
                           &claims, why) != CM_OK) {
        return NULL;
    }
    if (cm_kbs_token_key(claims) == NULL) { /* a result of another API, signed by the same key */
        cm_why_set(why, "this is not a token of the key broker");
    } else if (now >= json_integer_value(json_object_get(claims, "exp"))) {
        cm_why_set(why, "the token has expired: attest again");
    } else if (now + SKEW < json_integer_value(json_object_get(claims, "nbf"))) {
        cm_why_set(why, "the token is not valid yet");
    } else {
        return claims;
    }
    json_decref(claims);
    return NULL;
}

/* Whether the policy in force lets this token have that path; why says by which rule, or why not. */
static enum cm_status permitted(struct cm_call *call, json_t *token, const char *path,
                                struct cm_why *why)
{
    unsigned flags =
        cm_service_config(call->service)->accept_emulated ? CM_POLICY_ALLOW_EMULATED : 0;
    const struct cm_rule_version *rule = NULL;
    struct cm_policy_claims *claims = NULL;
    struct cm_policy_outcome *outcome = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_active(call->service, "Kbs-Resource", &rule));
    CM_TRY(cm_kbs_resource_claims(token, path, &claims));
    st = cm_policy_evaluate(rule->policy, claims, flags, &outcome);
    if (st != CM_ERR_NOMEM) {
        /* it quotes the policy, in whatever script that is: half a character would not fit into a record */
        cm_utf8_plain(why->text, REASON,
                      outcome == NULL ? cm_status_str(st) : cm_policy_outcome_reason(outcome));
        st = st == CM_OK ? CM_OK : CM_ERR_POLICY;
    }
out:
    cm_policy_outcome_free(outcome);
    cm_policy_claims_free(claims);
    cm_rules_release(rule);
    return st;
}

/* What the policy decided about a token and a path. */
struct verdict {
    struct cm_call *call;
    json_t *token;
    const char *path;
    const char *wrap; /* how it was encrypted; NULL: it is withheld */
    const char *reason;
};

static const char *claim_text(json_t *token, const char *name)
{
    const char *text = json_string_value(json_object_get(token, name));

    return text == NULL ? "" : text;
}

static enum cm_status run_note(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct verdict *v = arg;
    const struct cm_vault_release row = {
        .id = v->call->id,
        .time = (int64_t)v->call->now,
        .kind = CM_VAULT_RESOURCE,
        .name = v->path,
        .version = "",
        .released = v->wrap != NULL,
        .client = cm_web_peer(v->call->req),
        .api = "kbs",
        .wrap = v->wrap == NULL ? "" : v->wrap,
        .issuer = claim_text(v->token, "iss"),
        .attestation = claim_text(v->token, "jti"),
        .reason = v->reason,
    };

    return cm_vault_release_note(db, &row, why);
}

/* Who got it, and who did not, is on the disk before the answer: history and audit log in one write. */
static enum cm_status note(struct verdict *v, struct cm_why *why)
{
    json_t *detail = json_pack("{s:s, s:s, s:s}", "attestation", claim_text(v->token, "jti"),
                               "client", cm_web_peer(v->call->req), "reason", v->reason);
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    enum cm_status st =
        text == NULL ? CM_ERR_NOMEM
                     : cm_call_write(v->call, run_note, v,
                                     v->wrap == NULL ? "resource.withhold" : "resource.release",
                                     v->path, text, why);

    free(text);
    json_decref(detail);
    return st;
}

static bool take_found(void *arg, const struct cm_db_value *c, size_t count)
{
    (void)c;
    *(bool *)arg = count != 0;
    return false;
}

/*
 * Whether what is withheld is written down. Of paths at which there is nothing, which a guest can invent without
 * end, some of an hour; the rest is counted.
 */
static enum cm_status worth_a_note(struct cm_kbs *kbs, const struct verdict *v, bool *out,
                                   struct cm_why *why)
{
    const struct cm_db_value path = cm_db_text(v->path);
    enum cm_status st = CM_OK;

    *out = false;
    CM_TRY(cm_db_run(v->call->db, "SELECT size FROM kbs_resource WHERE path = ?",
                     cm_db_with(&path, 1), cm_db_into(take_found, out), why));
    if (*out) {
        goto out;
    }
    (void)pthread_mutex_lock(&kbs->lock);
    if (kbs->unknown_hour != v->call->now / 3600) {
        kbs->unknown_hour = v->call->now / 3600;
        kbs->unknown = 0;
    }
    *out = kbs->unknown < CM_KBS_UNKNOWN;
    kbs->unknown += *out ? 1 : 0;
    (void)pthread_mutex_unlock(&kbs->lock);
out:
    return st;
}

static void withhold(struct cm_kbs *kbs, struct verdict *v)
{
    struct cm_why why = {""};
    bool noted = false;
    enum cm_status st = worth_a_note(kbs, v, &noted, &why);

    if (st == CM_OK && noted) {
        st = note(v, &why);
    }
    if (st == CM_OK && !noted) {
        atomic_fetch_add(&kbs->counts[CM_KBS_UNNOTED], 1);
    }

    if (st != CM_OK) {
        cm_call_fail_status(v->call, st, &why);
        return;
    }
    atomic_fetch_add(&kbs->counts[CM_KBS_WITHHELD], 1);
    cm_call_fail(v->call, 403, "PolicyDeny", "%s", v->reason);
}

static void release(struct cm_kbs *kbs, struct verdict *v)
{
    struct cm_why why = {""};
    uint8_t *plain = NULL;
    char *jwe = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_kbs_resource_get(kbs, v->call->db, v->path, &plain, &len, &why));
    CM_TRY(
        cm_kbs_encrypt(cm_kbs_token_key(v->token), cm_span_make(plain, len), &jwe, &v->wrap, &why));
    st = note(v, &why);
out:
    if (plain != NULL) {
        cm_wipe(plain, len);
    }
    free(plain);
    if (st == CM_OK) {
        atomic_fetch_add(&kbs->counts[CM_KBS_RELEASED], 1);
        cm_call_answer(v->call, 200, "application/json", cm_span_make(jwe, strlen(jwe)));
    } else if (st == CM_ERR_NOTFOUND) {
        cm_call_fail(v->call, 404, "ResourceNotFound", "there is no resource %s", v->path);
    } else {
        cm_call_fail_status(v->call, st == CM_ERR_SIGNATURE ? CM_ERR_CRYPTO : st, &why);
    }
    free(jwe);
}

void cm_kbs_serve_resource(struct cm_call *call, void *state)
{
    struct cm_kbs *kbs = state;
    struct cm_why why = {""};
    char path[CM_KBS_PATH_CAP] = "";
    bool plain = cm_kbs_path(call, path);
    char *token = token_of(call);
    json_t *claims = token == NULL ? NULL : claims_of(call, token, &why);
    enum cm_status st = CM_OK;

    if (claims == NULL) {
        cm_call_fail(call, 401, token == NULL ? "TokenNotFound" : "TokenVerifierError", "%s",
                     token == NULL ? "neither the cookie of an attested session nor a token"
                                   : why.text);
    } else if (!plain) {
        cm_call_fail(call, 404, "InvalidRequestPath", "no resource can have this path");
    } else {
        struct verdict v = {.call = call, .token = claims, .path = path, .reason = why.text};

        st = permitted(call, claims, path, &why);
        if (st == CM_ERR_POLICY) {
            withhold(kbs, &v);
        } else if (st != CM_OK) {
            cm_call_fail_status(call, st, &why);
        } else {
            release(kbs, &v);
        }
    }
    json_decref(claims);
    free(token);
}

/* ------------------------------------------------------------------ administration */

struct resource_change {
    const char *path;
    const char *author;
    uint8_t *wrapped;
    size_t wrapped_len;
    size_t size;
    uint64_t now;
    bool found;
};

static enum cm_status put_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct resource_change *c = arg;
    const struct cm_db_value v[] = {
        cm_db_text(c->path), cm_db_blob(cm_span_make(c->wrapped, c->wrapped_len)),
        cm_db_int((int64_t)c->size), cm_db_text(c->author), cm_db_int((int64_t)c->now)};

    return cm_db_run(db,
                     "INSERT INTO kbs_resource (path, wrapped, size, author, time)"
                     " VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET"
                     " wrapped = excluded.wrapped, size = excluded.size,"
                     " author = excluded.author, time = excluded.time",
                     cm_db_with(v, 5), cm_db_nowhere(), why);
}

static enum cm_status delete_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct resource_change *c = arg;
    const struct cm_db_value v = cm_db_text(c->path);
    enum cm_status st = cm_db_run(db, "DELETE FROM kbs_resource WHERE path = ?", cm_db_with(&v, 1),
                                  cm_db_nowhere(), why);

    return st == CM_OK && cm_db_changed(db) == 0 ? CM_ERR_NOTFOUND : st;
}

static bool good_path(struct cm_call *call, char path[CM_KBS_PATH_CAP])
{
    if (cm_kbs_path(call, path)) {
        return true;
    }
    cm_call_fail(call, 400, "InvalidRequestPath",
                 "a resource's path is repository/type/tag, of letters, digits, '-', '_' and '.'");
    return false;
}

void cm_kbs_serve_resource_put(struct cm_call *call, void *state)
{
    struct cm_span body = cm_web_body(call->req);
    char path[CM_KBS_PATH_CAP] = "";
    struct resource_change c = {
        .path = path, .author = call->who.name, .size = body.len, .now = call->now};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (!good_path(call, path)) {
        return;
    }
    if (body.len == 0) {
        cm_call_fail(call, 400, "InvalidParameter", "a resource has at least one byte");
        return;
    }
    st = cm_kbs_resource_wrap(state, path, body, &c.wrapped, &c.wrapped_len);
    if (st == CM_OK) {
        st = cm_call_write(call, put_run, &c, "resource.set", path, NULL, &why);
    }
    free(c.wrapped);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else {
        cm_call_answer_json(call, 200, json_object());
    }
}

void cm_kbs_serve_resource_delete(struct cm_call *call, void *state)
{
    char path[CM_KBS_PATH_CAP] = "";
    struct resource_change c = {.path = path};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!good_path(call, path)) {
        return;
    }
    st = cm_call_write(call, delete_run, &c, "resource.delete", path, NULL, &why);
    if (st == CM_ERR_NOTFOUND) {
        cm_call_fail(call, 404, "ResourceNotFound", "there is no resource %s", path);
    } else if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else {
        cm_call_answer_json(call, 200, json_object());
    }
}

static bool add_row(void *arg, const struct cm_db_value *c, size_t count)
{
    return count == 4 &&
           json_array_append_new(arg, json_pack("{s:s%, s:I, s:s%, s:I}", "path", c[0].bytes.ptr,
                                                c[0].bytes.len, "size", (json_int_t)c[1].number,
                                                "author", c[2].bytes.ptr, c[2].bytes.len, "time",
                                                (json_int_t)c[3].number)) == 0;
}

void cm_kbs_serve_resource_list(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    json_t *list = json_array();
    enum cm_status st =
        list == NULL
            ? CM_ERR_NOMEM
            : cm_db_run(call->db, "SELECT path, size, author, time FROM kbs_resource ORDER BY path",
                        cm_db_none(), cm_db_into(add_row, list), &why);

    (void)state;
    if (st != CM_OK) {
        json_decref(list);
        cm_call_fail_status(call, st, &why);
    } else {
        cm_call_answer_json(call, 200, json_pack("{s:o}", "resources", list));
    }
}
