/* The module: its routes, its start and end. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_private.h"
#include "common/try.h"

#define PEER_ROWS  2048 /* eight peers each */
#define TRY_ROWS   1024

#define LONGEST_MS 300000U /* five minutes: ten ticks */

#define ANYONE     0
#define SOMEBODY   CM_ACCESS_ROLES_ALL
#define WATCHERS   (CM_ROLE_ADMIN | CM_ROLE_AUDITOR)
#define API        "/api/v1/"

#define ROUTE(method, path, roles, at_once, serve)                           \
    {                                                                        \
        method, "/api/v1/" path, roles, CM_API_NATIVE, at_once, serve, false \
    }

static const struct cm_route access_routes[] = {
    ROUTE(CM_WEB_GET, "me", ANYONE, true, cm_access_get_me),
    ROUTE(CM_WEB_POST, "setup", ANYONE, false, cm_access_post_setup),
    ROUTE(CM_WEB_POST, "login", ANYONE, false, cm_access_post_login),
    ROUTE(CM_WEB_POST, "logout", SOMEBODY, false, cm_access_post_logout),
    ROUTE(CM_WEB_POST, "password", SOMEBODY, false, cm_access_post_password),
    ROUTE(CM_WEB_GET, "accounts", CM_ROLE_ADMIN, true, cm_access_get_accounts),
    ROUTE(CM_WEB_POST, "accounts", CM_ROLE_ADMIN, false, cm_access_post_accounts),
    ROUTE(CM_WEB_PUT, "accounts/{name}", CM_ROLE_ADMIN, false, cm_access_put_account),
    ROUTE(CM_WEB_GET, "tokens", CM_ROLE_ADMIN, true, cm_access_get_tokens),
    ROUTE(CM_WEB_POST, "tokens", CM_ROLE_ADMIN, false, cm_access_post_tokens),
    ROUTE(CM_WEB_DELETE, "tokens/{id}", CM_ROLE_ADMIN, false, cm_access_delete_token),
    ROUTE(CM_WEB_GET, "settings/access", CM_ROLE_ADMIN, true, cm_access_get_settings),
    ROUTE(CM_WEB_PUT, "settings/access", CM_ROLE_ADMIN, false, cm_access_put_settings),
    ROUTE(CM_WEB_GET, "audit", WATCHERS, false, cm_access_get_audit),
    ROUTE(CM_WEB_POST, "audit/verify", WATCHERS, false, cm_access_post_audit_verify),
    ROUTE(CM_WEB_GET, "audit/export", WATCHERS, false, cm_access_get_audit_export),
};

struct access *cm_access_of(struct cm_service *s)
{
    return cm_service_module(s, "access");
}

static void stop(void *state)
{
    struct access *a = state;

    if (a != NULL) {
        cm_access_view_put(a->view);
        cm_access_keys_put(a->keys);
        cm_limit_free(a->peers);
        cm_limit_free(a->tries);
        (void)pthread_mutex_destroy(&a->lock);
        (void)pthread_mutex_destroy(&a->load);
        (void)pthread_mutex_destroy(&a->fetch);
        free(a);
    }
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct access *a = calloc(1, sizeof(*a));
    enum cm_status st = CM_OK;

    if (a == NULL) {
        return CM_ERR_NOMEM;
    }
    a->service = s;
    atomic_init(&a->longest_ms, LONGEST_MS);
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_mutex_init(&a->load, NULL);
    (void)pthread_mutex_init(&a->fetch, NULL);
    CM_TRY(cm_limit_create(PEER_ROWS, &a->peers));
    CM_TRY(cm_limit_create(TRY_ROWS, &a->tries));
    CM_TRY(cm_access_renew(a, why));
    CM_TRY(cm_access_setup_start(a, why));
    *state = a;
    a = NULL;
out:
    stop(a);
    return st;
}

static void changed(void *state, const char *topic)
{
    struct access *a = state;
    struct cm_why why = {""};

    if (strcmp(topic, ACCESS_TOPIC) != 0 && strcmp(topic, "*") != 0) {
        return;
    }
    if (cm_access_renew(a, &why) != CM_OK) {
        atomic_store(&a->stale, true); /* somebody's rights may have been taken away */
        cm_service_log(a->service, CM_LOG_ERROR, "access cannot be read",
                       (const char *const[]){"why", why.text}, 1);
    }
}

static void tick(void *state, uint64_t now)
{
    cm_access_view_tick(state, now);
    cm_access_setup_tick(state, now);
    cm_access_oidc_tick(state);
    cm_access_audit_tick(state, now);
}

static void metrics(void *state, FILE *out)
{
    struct access *a = state;
    struct access_view *v = cm_access_view(a);
    const struct {
        const char *name;
        const char *labels;
        const char *kind; /* NULL: as the one before */
        const char *help;
        uint64_t value;
    } all[] = {
        {"casemate_logins_total", "{result=\"ok\"}", "counter", "Log-ins.",
         atomic_load(&a->logins)},
        {"casemate_logins_total", "{result=\"refused\"}", NULL, NULL, atomic_load(&a->refused)},
        {"casemate_logins_total", "{result=\"throttled\"}", NULL, NULL, atomic_load(&a->throttled)},
        {"casemate_rate_limited_total", "", "counter", "Requests above a caller's rate.",
         atomic_load(&a->limited)},
        {"casemate_sessions", "", "gauge", "Sessions of browsers.", v->session_count},
        {"casemate_bearer_tokens", "", "gauge", "Bearer tokens that are good.", v->token_count},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].kind != NULL) {
            (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", all[i].name, all[i].help,
                          all[i].name, all[i].kind);
        }
        (void)fprintf(out, "%s%s %" PRIu64 "\n", all[i].name, all[i].labels, all[i].value);
    }
    cm_access_view_put(v);
}

const struct cm_module cm_access_module = {
    .name = "access",
    .routes = access_routes,
    .route_count = sizeof(access_routes) / sizeof(access_routes[0]),
    .start = start,
    .stop = stop,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
};

/* ------------------------------------------------------------------ settings */

void cm_access_get_settings(struct cm_call *call, void *state)
{
    struct access_view *v = cm_access_view(state);

    cm_call_answer_json(call, 200, cm_access_settings_json(&v->settings));
    cm_access_view_put(v);
}

struct setting {
    struct cm_service *service;
    char *text;
};

static enum cm_status put_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct setting *s = arg;
    enum cm_status st = CM_OK;

    CM_TRY(cm_setting_put(db, CM_ACCESS_SETTING, s->text, why));
    CM_TRY(cm_service_touch(s->service, db, ACCESS_TOPIC, why));
out:
    return st;
}

void cm_access_put_settings(struct cm_call *call, void *state)
{
    struct access *a = state;
    json_t *body = cm_call_json(call);
    struct cm_access_settings *parsed = NULL;
    struct setting s = {a->service, NULL};
    json_t *whole = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return;
    }
    parsed = malloc(sizeof(*parsed));
    st = parsed == NULL ? CM_ERR_NOMEM : cm_access_settings_parse(body, parsed, &why);
    if (st == CM_OK) {
        whole = cm_access_settings_json(parsed);
        s.text = whole == NULL ? NULL : json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
        st = s.text == NULL                            ? CM_ERR_NOMEM
             : strlen(s.text) < CM_ACCESS_SETTING_SIZE ? CM_OK
                                                       : CM_ERR_LIMIT;
    }
    if (st == CM_OK) {
        st = cm_call_write(call, put_run, &s, "settings.access", "access", s.text, &why);
    }
    if (st == CM_OK) {
        cm_access_oidc_tick(a); /* the provider may be another, and be asked for soon */
        cm_call_answer_json(call, 200, whole);
        whole = NULL;
    } else {
        cm_call_fail_status(call, st, &why);
    }
    json_decref(whole);
    free(s.text);
    free(parsed);
}
