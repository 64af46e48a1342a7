/* The admin's API: accounts, bearer tokens, settings, the audit log; and who may ask for what. */
#include "access_kit.h"

#include "access/access_private.h"

#include "store/audit.h"

/* ------------------------------------------------------------------ accounts */

TEST(accounts_are_made_changed_and_disabled)
{
    struct person ada;
    struct person bob;

    access_start();
    setup_admin(&ada);
    person_with(&ada, "Bob", "author", &bob);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_STR(kit_string("items.0.name"), "ada");
    CHECK_STR(kit_string("items.1.name"), "bob");
    CHECK_STR(kit_string("items.1.roles.0"), "author");
    CHECK_EQ(kit_integer("items.1.last_login"), (int64_t)kit_now());
    CHECK(json_is_true(kit_json("items.1.enabled")));
    CHECK(strstr(kit_last()->body, "argon2") == NULL);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/me", NULL)->status, 200);
    CHECK_STR(kit_string("user.name"), "bob");
    /* another role: his sessions end */
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"roles\":[\"auditor\"]}")->status, 200);
    CHECK_STR(kit_string("roles.0"), "auditor");
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 401);
    CHECK_EQ(log_in("bob", PASSWORD, &bob), 200);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 200);
    /* disabled: at once, and he is told what everybody is told */
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"enabled\":false}")->status, 200);
    CHECK(json_is_false(kit_json("enabled")));
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 401);
    CHECK_EQ(log_in("bob", PASSWORD, NULL), 401);
    CHECK_STR(kit_string("error.code"), "LoginFailed");
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob",
                    "{\"enabled\":true,\"password\":\"something else\"}")
                 ->status,
             200);
    CHECK_EQ(log_in("bob", PASSWORD, NULL), 401);
    CHECK_EQ(log_in("bob", "something else", NULL), 200);
    CHECK_EQ(audited(&ada, "account.create", "bob"), 1);
    CHECK_EQ(audited(&ada, "account.change", "bob"), 3);
    kit_stop();
}

/* As another instance, or somebody with the store, changes it. */
static void spoil(const char *sql)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    CHECK_EQ(cm_db_open(kit_store(), &db, &why), CM_OK);
    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), &why), CM_OK);
    cm_db_close(db);
}

/* Without what the API does beside it: the account itself is looked at, for each request and log-in. */
TEST(disabled_accounts_call_no_more_whatever_their_sessions)
{
    struct person ada;
    struct person bob;

    access_start();
    setup_admin(&ada);
    person_with(&ada, "bob", "auditor", &bob);
    spoil("UPDATE access_account SET disabled = 1 WHERE name = 'bob'");
    cm_service_tick(kit_service());
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 401);
    CHECK_EQ(log_in("bob", PASSWORD, NULL), 401);
    spoil("UPDATE access_account SET disabled = 0, roles = 16 WHERE name = 'bob'");
    cm_service_tick(kit_service());
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 403); /* roles are the account's */
    kit_stop();
}

/* Rights that were taken away meanwhile must not be had any longer: what is not known is not allowed. */
TEST(nobody_is_believed_by_what_was_read_long_ago)
{
    struct person ada;
    struct access *a = NULL;

    access_start();
    setup_admin(&ada);
    a = cm_service_module(kit_service(), "access");
    REQUIRE(a != NULL);
    atomic_store(&a->longest_ms, 0);
    atomic_store(&a->renewed_ms, 1); /* long ago */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 503);
    CHECK(kit_header("Retry-After") != NULL);
    CHECK_EQ(kit_get("/api/v1/me", NULL)->status, 200);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/me", NULL)->status, 200);
    CHECK(json_is_null(kit_json("user")));
    atomic_store(&a->longest_ms, 300000);
    cm_service_tick(kit_service()); /* the store is there again */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    /* a change that could not be read */
    spoil("ALTER TABLE access_token RENAME TO away");
    cm_access_module.changed(a, "policy");
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200); /* none of ours */
    cm_access_module.changed(a, "access");
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 503);
    spoil("ALTER TABLE away RENAME TO access_token");
    cm_access_module.changed(a, "access");
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    kit_stop();
}

TEST(accounts_that_make_no_sense_are_refused)
{
    static const struct {
        const char *json;
        int status;
    } cases[] = {
        {"{\"name\":\"ada\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"]}", 409},
        {"{\"name\":\"ADA\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"]}", 409},
        {"{\"name\":\"x\",\"password\":\"" PASSWORD "\",\"roles\":[]}", 400},
        {"{\"name\":\"x\",\"password\":\"" PASSWORD "\",\"roles\":[\"root\"]}", 400},
        {"{\"name\":\"x\",\"password\":\"" PASSWORD "\"}", 400},
        {"{\"name\":\"x\",\"password\":\"short\",\"roles\":[\"client\"]}", 400},
        {"{\"name\":\"x\",\"roles\":[\"client\"]}", 400},
        {"{\"name\":\"x y\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"]}", 400},
        {"{\"name\":\"token:x\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"]}", 400},
        {"{\"name\":\"x\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"],\"x\":1}", 400},
        {"{\"name\":\"x\\u0000y\",\"password\":\"" PASSWORD "\",\"roles\":[\"client\"]}", 400},
        {"[]", 400},
        {"{", 400},
    };
    static const struct {
        const char *path;
        const char *json;
        int status;
    } changes[] = {
        {"/api/v1/accounts/ada", "{}", 400},
        {"/api/v1/accounts/ada", "{\"roles\":[]}", 400},
        {"/api/v1/accounts/ada", "{\"enabled\":1}", 400},
        {"/api/v1/accounts/ada", "{\"enabled\":true,\"password\":5}", 400},
        {"/api/v1/accounts/ada", "{\"password\":\"short\"}", 400},
        {"/api/v1/accounts/ada", "{\"name\":\"eve\"}", 400},
        {"/api/v1/accounts/nobody", "{\"enabled\":true}", 404},
        {"/api/v1/accounts/a%27%3B--", "{\"enabled\":true}", 404},
    };
    struct person ada;

    access_start();
    setup_admin(&ada);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int status = ask_as(&ada, "POST", "/api/v1/accounts", cases[i].json)->status;

        if (status != cases[i].status) {
            TEST_FAIL("%s: %d, not %d", cases[i].json, status, cases[i].status);
        }
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const int status = ask_as(&ada, "PUT", changes[i].path, changes[i].json)->status;

        if (status != changes[i].status) {
            TEST_FAIL("%s %s: %d, not %d", changes[i].path, changes[i].json, status,
                      changes[i].status);
        }
    }
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    kit_stop();
}

TEST(last_admin_stays)
{
    struct person ada;
    struct person eve;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/ada", "{\"enabled\":false}")->status, 409);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/ada", "{\"roles\":[\"auditor\"]}")->status, 409);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_STR(kit_string("items.0.roles.0"), "admin");
    CHECK(json_is_true(kit_json("items.0.enabled")));
    person_with(&ada, "eve", "admin", &eve);
    CHECK_EQ(ask_as(&eve, "PUT", "/api/v1/accounts/ada", "{\"enabled\":false}")->status, 200);
    CHECK_EQ(ask_as(&eve, "PUT", "/api/v1/accounts/eve", "{\"roles\":[\"client\"]}")->status, 409);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 401);
    kit_stop();
}

TEST(lists_are_read_in_pages)
{
    struct person ada;
    char path[256] = "";
    char token[CM_ACCESS_TOKEN_CAP];
    char name[16] = "";
    int seen = 0;

    access_start();
    setup_admin(&ada);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        kit_step_clock(i % 2); /* two of one second */
        token_with(&ada, name, "client", token);
    }
    (void)snprintf(path, sizeof(path), "/api/v1/tokens?limit=2");
    for (int pages = 0; pages < 3; pages++) {
        CHECK_EQ(ask_as(&ada, "GET", path, NULL)->status, 200);
        seen += (int)json_array_size(kit_json("items"));
        if (kit_string("next") != NULL) {
            (void)snprintf(path, sizeof(path), "/api/v1/tokens?limit=2&cursor=%s",
                           kit_string("next"));
        }
    }
    CHECK_EQ(seen, 5);
    CHECK(json_is_null(kit_json("next")));
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/tokens?limit=0", NULL)->status, 400);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/tokens?limit=201", NULL)->status, 400);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/tokens?limit=x", NULL)->status, 400);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/tokens?cursor=nonsense", NULL)->status, 200);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts?cursor=zzz", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    kit_stop();
}

/* -------------------------------------------------------------------- tokens */

TEST(tokens_call_until_they_are_revoked_or_expire)
{
    struct person ada;
    char token[CM_ACCESS_TOKEN_CAP];
    char other[CM_ACCESS_TOKEN_CAP];
    char path[128] = "";

    access_start();
    setup_admin(&ada);
    token_with(&ada, "ci", "auditor", token);
    CHECK_EQ(strlen(token), 47);
    CHECK(strncmp(token, "cmt_", 4) == 0);
    (void)snprintf(path, sizeof(path), "/api/v1/tokens/%s", kit_string("id"));
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/tokens",
                    "{\"name\":\"CI\",\"roles\":[\"client\"],\"days\":1}")
                 ->status,
             409);
    token_with(&ada, "cd", "auditor", other);
    CHECK_EQ(kit_get("/api/v1/audit", token)->status, 200);
    CHECK_EQ(kit_get("/api/v1/me", token)->status, 200);
    CHECK_STR(kit_string("user.name"), "token:ci");
    CHECK(json_is_null(kit_json("user.expires_at")));
    CHECK_EQ(kit_get("/api/v1/tokens", token)->status, 403);
    CHECK_EQ(kit_post("/api/v1/logout", token, "{}")->status, 400);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/tokens", NULL)->status, 200);
    CHECK(strstr(kit_last()->body, token) == NULL); /* it was shown once */
    CHECK_EQ(kit_integer("items.1.last_used") + kit_integer("items.0.last_used"),
             (int64_t)kit_now());
    CHECK_STR(kit_string("items.0.author"), "ada");
    CHECK_EQ(ask_as(&ada, "DELETE", path, NULL)->status, 204);
    CHECK_EQ(kit_get("/api/v1/audit", token)->status, 401);
    CHECK_EQ(ask_as(&ada, "DELETE", path, NULL)->status, 404);
    CHECK_EQ(kit_get("/api/v1/audit", other)->status, 200);
    kit_step_clock(86399);
    CHECK_EQ(kit_get("/api/v1/audit", other)->status, 200);
    kit_step_clock(1);
    CHECK_EQ(kit_get("/api/v1/audit", other)->status, 401);
    CHECK(strstr(kit_header("WWW-Authenticate"), "invalid_token") != NULL);
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    token_with(&ada, "cd", "client", token); /* its name is free again */
    CHECK_EQ(kit_get("/api/v1/audit", other)->status, 401);
    kit_stop();
}

TEST(tokens_that_are_none_are_nobodys)
{
    struct person ada;
    char token[CM_ACCESS_TOKEN_CAP];
    char wrong[CM_ACCESS_TOKEN_CAP + 8];
    char line[128] = "";
    const char *const headers[] = {line, NULL};
    static const char *const schemes[] = {"Basic YWRhOmFkYQ==", "Bearer", "bearer  ", "Token x",
                                          ""};
    size_t len = 0;

    access_start();
    setup_admin(&ada);
    token_with(&ada, "ci", "auditor", token);
    len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        (void)snprintf(wrong, sizeof(wrong), "%s", token);
        wrong[i] = (char)(wrong[i] == 'A' ? 'B' : 'A');
        CHECK_EQ(kit_get("/api/v1/audit", wrong)->status, 401);
    }
    (void)snprintf(wrong, sizeof(wrong), "%.*s", (int)len - 1, token);
    CHECK_EQ(kit_get("/api/v1/audit", wrong)->status, 401);
    (void)snprintf(wrong, sizeof(wrong), "%sA", token);
    CHECK_EQ(kit_get("/api/v1/audit", wrong)->status, 401);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        (void)snprintf(line, sizeof(line), "Authorization: %s", schemes[i]);
        CHECK_EQ(
            kit_ask("GET", "/api/v1/audit", NULL, NULL, cm_span_make(NULL, 0), headers)->status,
            401);
    }
    (void)snprintf(line, sizeof(line), "authorization: bearer  %s", token);
    CHECK_EQ(kit_ask("GET", "/api/v1/audit", NULL, NULL, cm_span_make(NULL, 0), headers)->status,
             200);
    /* a token beside a cookie is who calls, and needs no x-csrf-token */
    (void)snprintf(line, sizeof(line), "%s", ada.cookie);
    CHECK_EQ(
        kit_ask("GET", "/api/v1/accounts", token, NULL, cm_span_make(NULL, 0), headers)->status,
        403);
    kit_stop();
}

TEST(programs_make_tokens_themselves)
{
    char token[CM_ACCESS_TOKEN_CAP];
    struct cm_why why = {""};

    access_start();
    CHECK_EQ(
        cm_access_token_make(kit_service(), "dev", CM_ROLE_CLIENT | CM_ROLE_ADMIN, 60, token, &why),
        CM_OK);
    CHECK_EQ(kit_get("/api/v1/accounts", token)->status, 200);
    CHECK_EQ(cm_access_token_make(kit_service(), "dev", CM_ROLE_CLIENT, 60, token, &why),
             CM_ERR_EXISTS);
    CHECK_EQ(cm_access_token_make(kit_service(), "d v", CM_ROLE_CLIENT, 60, token, NULL),
             CM_ERR_PARAM);
    CHECK_EQ(cm_access_token_make(kit_service(), "d", 0, 60, token, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_access_token_make(kit_service(), "d", 1U << 20, 60, token, NULL), CM_ERR_PARAM);
    kit_stop();
}

/* ------------------------------------------------------------------ settings */

TEST(settings_are_changed_by_admins_and_hold_at_once)
{
    struct person ada;
    int refused = 0;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/settings/access", NULL)->status, 200);
    CHECK_EQ(kit_integer("password.memory_kib"), 19456);
    CHECK_EQ(kit_integer("session.idle_s"), 3600);
    CHECK(json_is_null(kit_json("oidc")));
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/settings/access", "{\"session\":{\"idle_s\":1}}")->status,
             400);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/settings/access",
                    "{" CHEAP
                    ",\"session\":{\"idle_s\":60},\"rate\":{\"per_second\":1,\"burst\":20}}")
                 ->status,
             200);
    CHECK_EQ(kit_integer("session.idle_s"), 60);
    for (int i = 0; i < 40; i++) {
        refused += kit_get("/api/v1/me", NULL)->status == 429 ? 1 : 0;
    }
    CHECK(refused >= 15 && refused <= 25);
    CHECK_EQ(kit_get("/api/v1/me", NULL)->status, 429);
    CHECK_STR(kit_header("Retry-After"), "1");
    (void)kit_again(); /* it is in the store */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/settings/access", NULL)->status, 200);
    CHECK_EQ(kit_integer("rate.burst"), 20);
    kit_step_clock(61);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/settings/access", NULL)->status, 401);
    kit_stop();
}

TEST(passwords_are_hashed_anew_at_another_cost)
{
    struct person ada;
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    int64_t outdated = -1;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/settings/access",
                    "{\"password\":{\"memory_kib\":20000,\"passes\":2}}")
                 ->status,
             200);
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    REQUIRE(cm_db_open(kit_store(), &db, &why) == CM_OK);
    CHECK_EQ(cm_db_run(db,
                       "SELECT COUNT(*) FROM access_account WHERE password NOT LIKE"
                       " '$argon2id$v=19$m=20000,t=2,p=1$%'",
                       cm_db_none(), cm_db_into(take_count, &outdated), &why),
             CM_OK);
    CHECK_EQ(outdated, 0);
    cm_db_close(db);
    kit_stop();
}

/* -------------------------------------------------------------- who may what */

enum { NOBODY, NOTHING, ADMIN, AUTHOR, APPROVER, AUDITOR, CLIENT, CALLERS };

/* A caller that has the right may still ask for something that is not there: 400 and 404 are "may". */
static bool may(int status)
{
    return status != 401 && status != 403;
}

TEST(each_role_may_what_it_may)
{
    static const char *const roles[CALLERS] = {NULL,       NULL,      "admin", "author",
                                               "approver", "auditor", "client"};
    static const struct {
        const char *method;
        const char *path;
        const char *json;
        bool may[CALLERS];
    } cases[] = {
        {"GET", "/api/v1/me", NULL, {1, 1, 1, 1, 1, 1, 1}},
        {"GET", "/api/v1/accounts", NULL, {[ADMIN] = 1}},
        {"POST", "/api/v1/accounts", "{}", {[ADMIN] = 1}},
        {"PUT", "/api/v1/accounts/nobody", "{}", {[ADMIN] = 1}},
        {"GET", "/api/v1/tokens", NULL, {[ADMIN] = 1}},
        {"POST", "/api/v1/tokens", "{}", {[ADMIN] = 1}},
        {"DELETE", "/api/v1/tokens/none", NULL, {[ADMIN] = 1}},
        {"GET", "/api/v1/settings/access", NULL, {[ADMIN] = 1}},
        {"PUT", "/api/v1/settings/access", "{\"x\":1}", {[ADMIN] = 1}},
        {"GET", "/api/v1/audit", NULL, {[ADMIN] = 1, [AUDITOR] = 1}},
        {"POST", "/api/v1/audit/verify", "{\"known\":null}", {[ADMIN] = 1, [AUDITOR] = 1}},
        {"GET", "/api/v1/audit/export", NULL, {[ADMIN] = 1, [AUDITOR] = 1}},
        {"POST",
         "/api/v1/logout",
         "{}",
         {[ADMIN] = 1, [AUTHOR] = 1, [APPROVER] = 1, [AUDITOR] = 1, [CLIENT] = 1}},
        {"POST",
         "/api/v1/password",
         "{}",
         {[ADMIN] = 1, [AUTHOR] = 1, [APPROVER] = 1, [AUDITOR] = 1, [CLIENT] = 1}},
    };
    struct person ada;
    char tokens[CALLERS][CM_ACCESS_TOKEN_CAP] = {"", "not a token"};

    access_start();
    setup_admin(&ada);
    for (int c = ADMIN; c < CALLERS; c++) {
        token_with(&ada, roles[c], roles[c], tokens[c]);
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int c = 0; c < CALLERS; c++) {
            const char *json = cases[i].json;
            const int status =
                kit_ask(cases[i].method, cases[i].path, c == NOBODY ? NULL : tokens[c],
                        json == NULL ? NULL : "application/json",
                        cm_span_make(json, json == NULL ? 0 : strlen(json)), NULL)
                    ->status;

            if (may(status) != cases[i].may[c]) {
                TEST_FAIL("%s %s by %s: %d", cases[i].method, cases[i].path,
                          roles[c] == NULL ? "nobody" : roles[c], status);
            }
            if (c <= NOTHING && !cases[i].may[c] && status != 401) {
                TEST_FAIL("%s %s by nobody: %d", cases[i].method, cases[i].path, status);
            }
        }
    }
    kit_stop();
}

/* --------------------------------------------------------------------- audit */

TEST(audit_log_is_listed_filtered_and_paged)
{
    struct person ada;
    struct person bob;
    char path[128] = "";
    const int64_t begin = (int64_t)kit_now();

    access_start();
    setup_admin(&ada);
    kit_step_clock(10);
    person_with(&ada, "bob", "auditor", &bob);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 4); /* setup, session, account, session */
    CHECK_STR(kit_string("items.0.action"), "session.begin");
    CHECK_STR(kit_string("items.0.actor"), "bob");
    CHECK_STR(kit_string("items.1.action"), "account.create");
    CHECK_STR(kit_string("items.1.actor"), "ada");
    CHECK_STR(kit_string("items.1.detail.roles"), "auditor");
    CHECK(json_is_null(kit_json("items.0.detail")));
    CHECK_EQ(strlen(kit_string("items.3.hash")), 64);
    CHECK_EQ(kit_integer("items.3.seq"), 1);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?actor=ada", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2); /* nobody is who sets up */
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?action=session", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?action=sess", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?action=session.begin&object=bob", NULL)->status,
             200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    (void)snprintf(path, sizeof(path), "/api/v1/audit?to=%lld", (long long)begin);
    CHECK_EQ(ask_as(&bob, "GET", path, NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    (void)snprintf(path, sizeof(path), "/api/v1/audit?from=%lld&limit=1", (long long)begin + 1);
    CHECK_EQ(ask_as(&bob, "GET", path, NULL)->status, 200);
    CHECK_STR(kit_string("items.0.actor"), "bob");
    (void)snprintf(path, sizeof(path), "/api/v1/audit?cursor=%s", kit_string("next"));
    CHECK_EQ(ask_as(&bob, "GET", path, NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 3);
    CHECK(json_is_null(kit_json("next")));
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?actor=%27%20OR%201%3D1--", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    CHECK_EQ(ask_as(&bob, "GET", "/api/v1/audit?from=yesterday", NULL)->status, 400);
    kit_stop();
}

TEST(audit_log_is_verified_and_exported)
{
    struct person ada;
    char known[80] = "";
    char body[128] = "";
    size_t lines = 0;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{\"known\":null}")->status, 200);
    CHECK(json_is_true(kit_json("ok")));
    CHECK_EQ(kit_integer("records"), 2);
    CHECK(json_is_null(kit_json("found")));
    CHECK(json_is_null(kit_json("broken_at")));
    (void)snprintf(known, sizeof(known), "%s", kit_string("last"));
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    (void)snprintf(body, sizeof(body), "{\"known\":\"%s\"}", known);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", body)->status, 200);
    CHECK(json_is_true(kit_json("ok")));
    CHECK(json_is_true(kit_json("found")));
    CHECK_EQ(kit_integer("records"), 3);
    known[0] = known[0] == 'a' ? 'b' : 'a';
    (void)snprintf(body, sizeof(body), "{\"known\":\"%s\"}", known);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", body)->status, 200);
    CHECK(json_is_false(kit_json("ok")));
    CHECK(json_is_false(kit_json("found")));
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{\"known\":\"abc\"}")->status, 400);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{\"known\":1}")->status, 400);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/audit/export", NULL)->status, 200);
    CHECK_STR(kit_header("Content-Type"), "application/x-ndjson");
    for (const char *at = kit_last()->body; *at != '\0'; at++) {
        lines += *at == '\n' ? 1 : 0;
    }
    CHECK_EQ(lines, 3);
    CHECK(strstr(kit_last()->body, "{\"seq\":1,") == kit_last()->body);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/audit/export?after=2", NULL)->status, 200);
    CHECK(strstr(kit_last()->body, "{\"seq\":3,") == kit_last()->body);
    /* somebody with the store changes a record */
    spoil("UPDATE audit SET actor = 'eve' WHERE seq = 2");
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{\"known\":null}")->status, 200);
    CHECK(json_is_false(kit_json("ok")));
    CHECK_EQ(kit_integer("broken_at"), 2);
    CHECK_EQ(kit_integer("records"), 1);
    kit_stop();
}

/* ----------------------------------------------------------- two instances */

TEST(what_one_instance_changes_holds_for_another)
{
    struct kit_options options = access_options();
    struct kit *first = NULL;
    struct kit *second = NULL;
    struct person ada;
    char token[CM_ACCESS_TOKEN_CAP];
    char path[128] = "";

    access_start();
    setup_admin(&ada);
    first = kit_current();
    options.store = kit_store();
    second = kit_open(&options);
    kit_use(second);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status,
             200); /* her session is here, too */
    kit_use(first);
    token_with(&ada, "ci", "auditor", token);
    (void)snprintf(path, sizeof(path), "/api/v1/tokens/%s", kit_string("id"));
    kit_use(second);
    cm_service_tick(kit_service()); /* at the latest then */
    CHECK_EQ(kit_get("/api/v1/audit", token)->status, 200);
    CHECK_EQ(ask_as(&ada, "DELETE", path, NULL)->status, 204);
    kit_use(first);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get("/api/v1/audit", token)->status, 401);
    kit_close(second);
    kit_stop();
}

TEST_MAIN
