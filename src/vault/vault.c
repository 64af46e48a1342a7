/* The module: its routes, its state, the issuers' list; see vault.h. */
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "keep/keep.h"
#include "vault/vault_call.h"

#define READERS (CM_ROLE_READERS | CM_ROLE_CLIENT)
#define WRITERS CM_ROLE_WRITERS
#define KEEPERS CM_ROLE_ADMIN

/* Releasing takes a client, and an attestation. Values of secrets are for those who write them alone. */
static const struct cm_route routes[] = {
    {CM_WEB_GET, "/keys", READERS, CM_API_VAULT, false, cm_vault_key_list, false},
    {CM_WEB_POST, "/keys/{name}/create", WRITERS, CM_API_VAULT, false, cm_vault_key_create, false},
    {CM_WEB_POST, "/keys/{name}/rotate", WRITERS, CM_API_VAULT, false, cm_vault_key_rotate, false},
    {CM_WEB_POST, "/keys/{name}/release", CM_ROLE_CLIENT, CM_API_VAULT, false, cm_vault_key_release,
     false},
    {CM_WEB_POST, "/keys/{name}/{version}/release", CM_ROLE_CLIENT, CM_API_VAULT, false,
     cm_vault_key_release, false},
    {CM_WEB_GET, "/keys/{name}/versions", READERS, CM_API_VAULT, false, cm_vault_key_versions,
     false},
    {CM_WEB_PUT, "/keys/{name}", WRITERS, CM_API_VAULT, false, cm_vault_key_import, false},
    {CM_WEB_GET, "/keys/{name}", READERS, CM_API_VAULT, false, cm_vault_key_get, false},
    {CM_WEB_PATCH, "/keys/{name}", WRITERS, CM_API_VAULT, false, cm_vault_key_patch, false},
    {CM_WEB_DELETE, "/keys/{name}", WRITERS, CM_API_VAULT, false, cm_vault_key_delete, false},
    {CM_WEB_GET, "/keys/{name}/{version}", READERS, CM_API_VAULT, false, cm_vault_key_get, false},
    {CM_WEB_PATCH, "/keys/{name}/{version}", WRITERS, CM_API_VAULT, false, cm_vault_key_patch,
     false},
    {CM_WEB_GET, "/deletedkeys", READERS, CM_API_VAULT, false, cm_vault_key_list_deleted, false},
    {CM_WEB_GET, "/deletedkeys/{name}", READERS, CM_API_VAULT, false, cm_vault_key_get_deleted,
     false},
    {CM_WEB_DELETE, "/deletedkeys/{name}", KEEPERS, CM_API_VAULT, false, cm_vault_key_purge, false},
    {CM_WEB_POST, "/deletedkeys/{name}/recover", WRITERS, CM_API_VAULT, false, cm_vault_key_recover,
     false},

    {CM_WEB_GET, "/secrets", READERS, CM_API_VAULT, false, cm_vault_secret_list, false},
    {CM_WEB_POST, "/secrets/{name}/release", CM_ROLE_CLIENT, CM_API_VAULT, false,
     cm_vault_secret_release, false},
    {CM_WEB_POST, "/secrets/{name}/{version}/release", CM_ROLE_CLIENT, CM_API_VAULT, false,
     cm_vault_secret_release, false},
    {CM_WEB_GET, "/secrets/{name}/versions", READERS, CM_API_VAULT, false, cm_vault_secret_versions,
     false},
    {CM_WEB_PUT, "/secrets/{name}", WRITERS, CM_API_VAULT, false, cm_vault_secret_set, false},
    {CM_WEB_GET, "/secrets/{name}", WRITERS, CM_API_VAULT, false, cm_vault_secret_get, false},
    {CM_WEB_PATCH, "/secrets/{name}", WRITERS, CM_API_VAULT, false, cm_vault_secret_patch, false},
    {CM_WEB_DELETE, "/secrets/{name}", WRITERS, CM_API_VAULT, false, cm_vault_secret_delete, false},
    {CM_WEB_GET, "/secrets/{name}/{version}", WRITERS, CM_API_VAULT, false, cm_vault_secret_get,
     false},
    {CM_WEB_PATCH, "/secrets/{name}/{version}", WRITERS, CM_API_VAULT, false, cm_vault_secret_patch,
     false},
    {CM_WEB_GET, "/deletedsecrets", READERS, CM_API_VAULT, false, cm_vault_secret_list_deleted,
     false},
    {CM_WEB_GET, "/deletedsecrets/{name}", READERS, CM_API_VAULT, false,
     cm_vault_secret_get_deleted, false},
    {CM_WEB_DELETE, "/deletedsecrets/{name}", KEEPERS, CM_API_VAULT, false, cm_vault_secret_purge,
     false},
    {CM_WEB_POST, "/deletedsecrets/{name}/recover", WRITERS, CM_API_VAULT, false,
     cm_vault_secret_recover, false},

    {CM_WEB_GET, "/vault/issuers", CM_ROLE_READERS, CM_API_NATIVE, false, cm_vault_issuers_get,
     false},
    {CM_WEB_POST, "/vault/issuers", KEEPERS, CM_API_NATIVE, false, cm_vault_issuers_post, false},
    {CM_WEB_DELETE, "/vault/issuers", KEEPERS, CM_API_NATIVE, false, cm_vault_issuers_delete,
     false},
};

/* ------------------------------------------------------------------- issuers */

struct issuing {
    struct cm_service *service;
    const char *issuer;
    const char *jwks;
    const char *ca_file;
    int64_t now;
};

static enum cm_status run_put_issuer(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct issuing *i = arg;
    const struct cm_db_value values[] = {cm_db_text(i->issuer), cm_db_text(i->jwks),
                                         cm_db_text(i->ca_file), cm_db_int(i->now)};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "INSERT INTO vault_issuer (issuer, jwks, ca_file, added) VALUES (?, ?, ?, ?)"
                     " ON CONFLICT (issuer) DO UPDATE SET jwks = excluded.jwks,"
                     " ca_file = excluded.ca_file, added = excluded.added",
                     cm_db_with(values, 4), cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(i->service, db, CM_VAULT_TOPIC, why));
out:
    return st;
}

static enum cm_status run_drop_issuer(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct issuing *i = arg;
    const struct cm_db_value value = cm_db_text(i->issuer);
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM vault_issuer WHERE issuer = ?", cm_db_with(&value, 1),
                     cm_db_nowhere(), why));
    if (cm_db_changed(db) == 0) {
        cm_why_set(why, "it is not on the list");
        CM_TRY(CM_ERR_NOTFOUND);
    }
    CM_TRY(cm_service_touch(i->service, db, CM_VAULT_TOPIC, why));
out:
    return st;
}

static void answer_list(struct cm_call *call, struct cm_db *db)
{
    struct cm_why why = {""};
    json_t *items = NULL;
    enum cm_status st = cm_vault_issuers(db, &items, &why);

    if (st == CM_OK) {
        cm_call_answer_json(call, 200, json_pack("{s:o}", "items", items));
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

void cm_vault_issuers_get(struct cm_call *call, void *state)
{
    (void)state;
    answer_list(call, call->db);
}

/* {"issuer": "https://...", "jwks": {...} or absent, "ca_file": path or absent} */
void cm_vault_issuers_post(struct cm_call *call, void *state)
{
    static const char *const names[] = {"issuer", "jwks", "ca_file", NULL};
    json_t *body = cm_call_json(call);
    const char *issuer = json_string_value(json_object_get(body, "issuer"));
    const json_t *ca = json_object_get(body, "ca_file");
    json_t *jwks = json_object_get(body, "jwks");
    char normal[CM_VAULT_ISSUER_MAX] = "";
    struct issuing i = {.issuer = normal, .jwks = "", .ca_file = ""};
    struct cm_why why = {""};
    char *text = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    CM_TRY(cm_json_only(body, "the request", names, &why)); /* "jwk" must not mean: not pinned */
    if (issuer == NULL || (ca != NULL && !json_is_string(ca)) || json_string_length(ca) > 1000) {
        cm_call_fail(call, 400, "InvalidParameter", "issuer must be an address, ca_file a path");
        return;
    }
    CM_TRY(cm_vault_issuer_check(issuer, normal, &why));
    if (jwks != NULL && !json_is_null(jwks)) {
        CM_TRY(cm_vault_jwks_check(jwks, &why));
        text = json_dumps(jwks, JSON_COMPACT);
        CM_TRY(text == NULL ? CM_ERR_NOMEM : CM_OK);
        i.jwks = text;
    }
    i.service = call->service;
    i.ca_file = ca == NULL ? "" : json_string_value(ca);
    i.now = (int64_t)cm_service_now(call->service);
    CM_TRY(cm_call_write(call, run_put_issuer, &i, "issuer.add", normal,
                         text == NULL ? "{\"pinned\":false}" : "{\"pinned\":true}", &why));
out:
    free(text);
    if (st == CM_OK) {
        answer_list(call, call->db);
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

/* ?issuer=https://... */
void cm_vault_issuers_delete(struct cm_call *call, void *state)
{
    const char *issuer = cm_web_query(call->req, "issuer");
    char normal[CM_VAULT_ISSUER_MAX] = "";
    struct issuing i = {.service = call->service, .issuer = normal};
    struct cm_why why = {""};
    enum cm_status st = CM_ERR_NOTFOUND;

    (void)state;
    if (issuer != NULL) {
        st = cm_vault_issuer_check(issuer, normal, &why);
    }
    if (st == CM_OK) {
        st = cm_call_write(call, run_drop_issuer, &i, "issuer.remove", normal, "", &why);
    }
    if (st == CM_OK) {
        answer_list(call, call->db);
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

/* -------------------------------------------------------------------- module */

/* Never silently emulated. */
static void say_root_key(struct cm_service *s)
{
    const struct cm_keep *keep = cm_service_config(s)->keep;

    cm_service_log(s, cm_keep_emulated(keep) ? CM_LOG_WARNING : CM_LOG_INFO, "root key",
                   (const char *const[]){"where", cm_keep_says(keep)}, 1);
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct cm_vault *v = NULL;

    if (cm_service_config(s)->keep == NULL) {
        cm_why_set(why, "the vault needs a root key");
        return CM_ERR_PARAM;
    }
    v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return CM_ERR_NOMEM;
    }
    say_root_key(s);
    v->service = s;
    v->jwks = cm_vault_jwks_create();
    if (v->jwks == NULL) {
        free(v);
        return CM_ERR_NOMEM;
    }
    *state = v;
    return CM_OK;
}

static void stop(void *state)
{
    struct cm_vault *v = state;

    cm_vault_jwks_free(v->jwks);
    free(v);
}

static void changed(void *state, const char *topic)
{
    struct cm_vault *v = state;

    if (strcmp(topic, CM_VAULT_TOPIC) == 0 || strcmp(topic, "*") == 0) {
        cm_vault_jwks_forget(v->jwks);
    }
}

static enum cm_status run_purge(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_vault_purge_due(db, *(const int64_t *)arg, why);
}

#define RETIRE_EVERY 3600

struct retiring {
    int64_t before;
    bool more;
};

static enum cm_status run_retire(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct retiring *r = arg;

    return cm_vault_releases_retire(db, r->before, CM_VAULT_HISTORY_WITHHELD, &r->more, why);
}

static enum cm_status retire(struct cm_vault *v, uint64_t now, struct cm_why *why)
{
    const unsigned said = cm_service_config(v->service)->history_days;
    const unsigned days = said == 0 ? CM_VAULT_HISTORY_DAYS : said;
    struct retiring r = {(int64_t)now - (int64_t)days * 86400, true};
    enum cm_status st = CM_OK;

    if (now >= v->retired && now - v->retired < RETIRE_EVERY) {
        return CM_OK;
    }
    v->retired = now;
    while (r.more && st == CM_OK) {
        st = cm_service_write(v->service, run_retire, &r, why);
    }
    return st;
}

static void tick(void *state, uint64_t now)
{
    struct cm_vault *v = state;
    int64_t at = (int64_t)now;
    struct cm_why why = {""};

    if (cm_service_write(v->service, run_purge, &at, &why) != CM_OK ||
        retire(v, now, &why) != CM_OK) {
        cm_service_log(v->service, CM_LOG_ERROR, "vault", (const char *const[]){"why", why.text},
                       1);
    }
}

static void metrics(void *state, FILE *out)
{
    struct cm_vault *v = state;

    (void)fprintf(out,
                  "# HELP casemate_vault_releases_total Keys and secrets asked for by enclaves.\n"
                  "# TYPE casemate_vault_releases_total counter\n"
                  "casemate_vault_releases_total{result=\"released\"} %llu\n"
                  "casemate_vault_releases_total{result=\"withheld\"} %llu\n",
                  atomic_load(&v->released), atomic_load(&v->withheld));
}

const struct cm_module cm_vault_module = {
    .name = "vault",
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
    .start = start,
    .stop = stop,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
};
