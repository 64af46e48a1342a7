/* What the tests of access share: a service with its module, the first admin, and people with browsers. */
#ifndef CM_TESTS_ACCESS_KIT_H
#define CM_TESTS_ACCESS_KIT_H

#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "service_kit.h"

#include "access/access.h"
#include "os/os.h"
#include "store/db.h"
#include "store/schema.h"

#define CHEAP    "\"password\":{\"memory_kib\":19456,\"passes\":2}"
#define PASSWORD "correct horse battery"

/* Somebody's browser. */
struct person {
    char cookie[128]; /* the header's line */
    char csrf[96];    /* as well */
};

/* Settings, as an admin would have set them, unless some are there. */
static inline void put_settings(const char *store, const char *json)
{
    static char now[65536];
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(store, &db, &why) != CM_OK || cm_schema_apply(db, &why) != CM_OK ||
        cm_db_begin(db, &why) != CM_OK ||
        (cm_setting_get(db, "access", now, sizeof(now), NULL) == CM_ERR_NOTFOUND &&
         cm_setting_put(db, "access", json, &why) != CM_OK) ||
        cm_db_commit(db, &why) != CM_OK) {
        (void)printf("settings: %s\n", why.text);
        abort();
    }
    cm_db_close(db);
}

static const char *access_settings_text; /* NULL: those that cost little */

static inline void access_prepare(struct cm_service_config *config)
{
    config->authenticate = cm_access_authenticate;
    config->admit = cm_access_admit;
    put_settings(config->store,
                 access_settings_text != NULL ? access_settings_text : "{" CHEAP "}");
}

static inline struct kit_options access_options(void)
{
    static const struct cm_module *const modules[] = {&cm_access_module, NULL};
    const struct kit_options options = {
        .modules = modules, .prepare = access_prepare, .log_level = CM_LOG_INFO};

    return options;
}

static inline void access_start(void)
{
    const struct kit_options options = access_options();

    (void)kit_start_with(&options);
}

static inline void code_path(char out[256])
{
    (void)snprintf(out, 256, "%s/setup-code", kit_folder());
}

/* The set-up code, "" when there is none. */
static inline void read_code(char out[64])
{
    char path[256] = "";
    FILE *f = NULL;

    out[0] = '\0';
    code_path(path);
    f = fopen(path, "r");
    if (f != NULL) {
        if (fgets(out, 64, f) != NULL) {
            out[strcspn(out, "\n")] = '\0';
        }
        (void)fclose(f);
    }
}

/* Take over the session that the last answer began. */
static inline void take_session(struct person *p)
{
    const char *cookie = kit_header("Set-Cookie");
    const char *csrf = NULL;

    memset(p, 0, sizeof(*p));
    if (cookie != NULL) {
        (void)snprintf(p->cookie, sizeof(p->cookie), "Cookie: %.*s", (int)strcspn(cookie, ";"),
                       cookie);
    }
    csrf = kit_string("csrf");
    (void)snprintf(p->csrf, sizeof(p->csrf), "x-csrf-token: %s", csrf == NULL ? "" : csrf);
}

static inline struct kit_answer *ask_as(const struct person *p, const char *method,
                                        const char *path, const char *json)
{
    const char *const headers[] = {p->cookie, p->csrf, NULL};

    return kit_ask(method, path, NULL, json == NULL ? NULL : "application/json",
                   cm_span_make(json, json == NULL ? 0 : strlen(json)), headers);
}

static inline int setup_with(const char *code, const char *name)
{
    return kit_post_json("/api/v1/setup", NULL,
                         json_pack("{ss ss ss}", "code", code, "name", name, "password", PASSWORD))
        ->status;
}

/* "ada" is the first admin. */
static inline void setup_admin(struct person *ada)
{
    char code[64] = "";

    read_code(code);
    CHECK_EQ(setup_with(code, "ada"), 200);
    take_session(ada);
}

static inline int log_in(const char *name, const char *password, struct person *p)
{
    const int status = kit_post_json("/api/v1/login", NULL,
                                     json_pack("{ss ss}", "name", name, "password", password))
                           ->status;

    if (p != NULL && status == 200) {
        take_session(p);
    }
    return status;
}

/* An account of the password above, and a session of it. */
static inline void person_with(const struct person *admin, const char *name, const char *role,
                               struct person *p)
{
    char json[256] = "";

    (void)snprintf(json, sizeof(json),
                   "{\"name\":\"%s\",\"password\":\"" PASSWORD "\",\"roles\":[\"%s\"]}", name,
                   role);
    CHECK_EQ(ask_as(admin, "POST", "/api/v1/accounts", json)->status, 200);
    CHECK_EQ(log_in(name, PASSWORD, p), 200);
}

/* A bearer token with one role, made by an admin. */
static inline void token_with(const struct person *admin, const char *name, const char *role,
                              char out[CM_ACCESS_TOKEN_CAP])
{
    char json[256] = "";
    const char *token = NULL;

    (void)snprintf(json, sizeof(json), "{\"name\":\"%s\",\"roles\":[\"%s\"],\"days\":1}", name,
                   role);
    CHECK_EQ(ask_as(admin, "POST", "/api/v1/tokens", json)->status, 200);
    token = kit_string("token");
    (void)snprintf(out, CM_ACCESS_TOKEN_CAP, "%s", token == NULL ? "" : token);
}

static inline bool take_count(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

/* How often an action of this object is in the audit log. */
static inline int audited(const struct person *admin, const char *action, const char *object)
{
    char path[256] = "";

    (void)snprintf(path, sizeof(path), "/api/v1/audit?action=%s&object=%s", action, object);
    CHECK_EQ(ask_as(admin, "GET", path, NULL)->status, 200);
    return (int)json_array_size(kit_json("items"));
}

#endif
