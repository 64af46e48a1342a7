/* The first admin, log-in and log-out, sessions and their end, and changes that another site asks for. */
#include "access_kit.h"

#include "access/access_private.h"

/* ------------------------------------------------------------------- set-up */

TEST(code_waits_in_a_private_file_and_enrols_the_first_admin)
{
    struct person ada;
    struct stat st;
    char code[64] = "";
    char path[256] = "";

    access_start();
    code_path(path);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0600);
    read_code(code);
    CHECK_EQ(strlen(code), 39); /* 32 digits in groups of four */
    CHECK_EQ(kit_get("/api/v1/me", NULL)->status, 200);
    CHECK(json_is_true(kit_json("setup_needed")));
    CHECK(json_is_null(kit_json("user")));
    CHECK(json_is_null(kit_json("csrf")));
    setup_admin(&ada);
    CHECK(json_is_false(kit_json("setup_needed")));
    CHECK_STR(kit_string("user.name"), "ada");
    CHECK_STR(kit_string("user.roles.0"), "admin");
    CHECK_EQ(kit_integer("user.expires_at"), (int64_t)kit_now() + 12 * 3600);
    CHECK(strstr(kit_last()->head, "__Host-casemate=") != NULL);
    CHECK(strstr(kit_last()->head, "; Path=/; Secure; HttpOnly; SameSite=Strict") != NULL);
    CHECK(stat(path, &st) != 0); /* it has done its work */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/me", NULL)->status, 200);
    CHECK_STR(kit_string("user.name"), "ada");
    CHECK_EQ(strlen(kit_string("csrf")), 43);
    CHECK_EQ(audited(&ada, "setup", "ada"), 1);
    kit_stop();
}

TEST(code_is_good_once)
{
    char code[64] = "";
    struct person ada;

    access_start();
    read_code(code);
    setup_admin(&ada);
    CHECK_EQ(setup_with(code, "mallory"), 409);
    CHECK_STR(kit_string("error.code"), "AlreadySetUp");
    CHECK_EQ(setup_with("no code at all", "mallory"), 409); /* and no advice to look for another */
    CHECK_EQ(log_in("mallory", PASSWORD, NULL), 401);
    /* not even when there is no admin left who could have set it up: the store holds no code */
    (void)kit_again();
    read_code(code);
    CHECK_STR(code, "");
    kit_stop();
}

TEST(code_ends_after_fifteen_minutes_and_a_start_makes_another)
{
    char first[64] = "";
    char second[64] = "";

    access_start();
    read_code(first);
    kit_step_clock(900);
    CHECK_EQ(setup_with(first, "ada"), 403);
    CHECK_STR(kit_string("error.code"), "SetupCode");
    cm_service_tick(kit_service());
    read_code(second);
    CHECK_STR(second, "");
    (void)kit_again();
    read_code(second);
    CHECK_EQ(strlen(second), 39);
    CHECK(strcmp(first, second) != 0);
    CHECK_EQ(setup_with(first, "ada"), 403);
    kit_step_clock(899);
    CHECK_EQ(setup_with(second, "ada"), 200);
    kit_stop();
}

TEST(wrong_codes_weak_passwords_and_bad_names_enrol_nobody)
{
    char code[64] = "";

    access_start();
    read_code(code);
    CHECK_EQ(setup_with("", "ada"), 403);
    CHECK_EQ(setup_with("0000-0000-0000-0000-0000-0000-0000-0000", "ada"), 403);
    CHECK_EQ(setup_with("not a code", "ada"), 403);
    CHECK_EQ(setup_with(code, "a b"), 400);
    CHECK_EQ(setup_with(code, "oidc:ada"), 400); /* names of others */
    CHECK_EQ(
        kit_post_json("/api/v1/setup", NULL,
                      json_pack("{ss ss ss}", "code", code, "name", "ada", "password", "short"))
            ->status,
        400);
    CHECK_STR(kit_string("error.code"), "WeakPassword");
    CHECK_EQ(kit_post_json("/api/v1/setup", NULL,
                           json_pack("{ss ss ss sb}", "code", code, "name", "ada", "password",
                                     PASSWORD, "admin", 1))
                 ->status,
             400); /* a member that nobody reads */
    CHECK_EQ(
        kit_post("/api/v1/setup", NULL, "{\"code\":1,\"name\":\"a\",\"password\":\"x\"}")->status,
        400);
    CHECK_EQ(kit_get("/api/v1/me", NULL)->status, 200);
    CHECK(json_is_true(kit_json("setup_needed")));
    /* a code as a person types it */
    for (size_t i = 0; code[i] != '\0'; i++) {
        code[i] = (char)(code[i] == '-' ? ' ' : code[i] >= 'a' ? code[i] - 32 : code[i]);
    }
    CHECK_EQ(setup_with(code, "Ada"), 200);
    CHECK_STR(kit_string("user.name"), "ada");
    kit_stop();
}

/* -------------------------------------------------------------------- log-in */

TEST(wrong_name_and_wrong_password_get_one_answer)
{
    struct person ada;
    char first[1024] = "";

    access_start();
    setup_admin(&ada);
    CHECK_EQ(log_in("ada", "wrong horse battery", NULL), 401);
    CHECK_STR(kit_string("error.code"), "LoginFailed");
    (void)snprintf(first, sizeof(first), "%s", kit_last()->body);
    CHECK_EQ(log_in("nobody", PASSWORD, NULL), 401);
    CHECK_STR(kit_last()->body, first);
    CHECK_EQ(log_in("no such name!", PASSWORD, NULL), 401);
    CHECK_STR(kit_last()->body, first);
    CHECK(kit_header("Set-Cookie") == NULL);
    CHECK_EQ(kit_post("/api/v1/login", NULL, "{\"name\":\"ada\"}")->status, 400);
    CHECK_EQ(
        kit_post("/api/v1/login", NULL, "{\"name\":\"ada\",\"password\":\"x\",\"x\":1}")->status,
        400);
    CHECK_EQ(log_in("ADA", PASSWORD, &ada), 200); /* names are of one case */
    /* what was typed as a name may have been a password */
    CHECK_EQ(audited(&ada, "session.refused", "ada"), 1);
    CHECK_EQ(audited(&ada, "session.refused", "nobody"), 0);
    CHECK_EQ(audited(&ada, "session.refused", "unknown%20account"), 2);
    kit_stop();
}

TEST(guessing_at_an_account_is_slowed_down)
{
    struct person ada;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    for (int i = 0; i < 11; i++) {
        CHECK_EQ(log_in("eve", "guess guess guess", NULL), 401);
    }
    CHECK_EQ(log_in("eve", "guess guess guess", NULL), 429);
    CHECK_STR(kit_string("error.code"), "TooManyRequests");
    CHECK(kit_header("Retry-After") != NULL);
    /* the peer waits, whatever the account: also with the right password */
    CHECK_EQ(log_in("ada", PASSWORD, NULL), 429);
    /* who is logged in is not disturbed */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_EQ(audited(&ada, "session.refused", "unknown%20account"), 11);
    kit_stop();
}

TEST(sessions_end)
{
    struct person ada;
    struct person other;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(log_in("ada", PASSWORD, &other), 200);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/logout", NULL)->status, 204);
    CHECK(strstr(kit_header("Set-Cookie"), "Max-Age=0") != NULL);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 401);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/accounts", NULL)->status, 200);
    /* 60 minutes without a person; what polls is none */
    kit_step_clock(1800);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/accounts?poll=1", NULL)->status, 200);
    kit_step_clock(1800);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/accounts", NULL)->status, 401);
    CHECK_STR(kit_string("error.message"), "the session has ended");
    /* 12 hours, however busy it is */
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    for (int i = 0; i < 24; i++) {
        CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
        kit_step_clock(1800);
    }
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 401);
    kit_stop();
}

TEST(sessions_outlive_a_restart_and_are_forgotten_when_they_end)
{
    struct person ada;
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    int64_t left = -1;

    access_start();
    setup_admin(&ada);
    kit_step_clock(3000);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    cm_service_tick(kit_service()); /* writes down who was seen */
    (void)kit_again();
    kit_step_clock(3000);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    kit_step_clock(3600 + 130);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 401);
    cm_service_tick(kit_service());
    REQUIRE(cm_db_open(kit_store(), &db, &why) == CM_OK);
    CHECK_EQ(cm_db_run(db, "SELECT COUNT(*) FROM access_session", cm_db_none(),
                       cm_db_into(take_count, &left), &why),
             CM_OK);
    CHECK_EQ(left, 0);
    cm_db_close(db);
    kit_stop();
}

TEST(an_account_has_sixteen_sessions_at_most)
{
    struct person first;
    struct person p;

    access_start();
    setup_admin(&first);
    for (int i = 0; i < 16; i++) {
        kit_step_clock(1);
        CHECK_EQ(log_in("ada", PASSWORD, &p), 200);
    }
    CHECK_EQ(ask_as(&first, "GET", "/api/v1/accounts", NULL)->status, 401);
    CHECK_EQ(ask_as(&p, "GET", "/api/v1/accounts", NULL)->status, 200);
    kit_stop();
}

/* What a log-in does when the password has been verified, with what the store said before that. */
static char verified[512];

static bool take_hash(void *arg, const struct cm_db_value *columns, size_t count)
{
    (void)snprintf(arg, sizeof(verified), "%.*s", (int)columns[0].bytes.len,
                   count == 1 ? (const char *)columns[0].bytes.ptr : "");
    return false;
}

static void serve_verified(struct cm_call *call, void *state)
{
    (void)state;
    cm_access_session_begin(call, cm_access_of(call->service), "bob", verified);
}

static const struct cm_route verified_routes[] = {
    {.methods = CM_WEB_POST, .path = "/verified", .serve = serve_verified}};
static const struct cm_module verified_module = {
    .name = "verified", .routes = verified_routes, .route_count = 1};

/* Hashing takes its time: whoever is disabled meanwhile, or has another password, begins no session. */
TEST(what_changes_while_a_password_is_verified_counts)
{
    static const struct cm_module *const modules[] = {&cm_access_module, &verified_module, NULL};
    struct kit_options options = access_options();
    struct person ada;
    struct person bob;
    struct cm_db *db = NULL;

    options.modules = modules;
    (void)kit_start_with(&options);
    setup_admin(&ada);
    person_with(&ada, "bob", "auditor", &bob);
    REQUIRE(cm_db_open(kit_store(), &db, NULL) == CM_OK);
    REQUIRE(cm_db_run(db, "SELECT password FROM access_account WHERE name = 'bob'", cm_db_none(),
                      cm_db_into(take_hash, verified), NULL) == CM_OK);
    cm_db_close(db);
    CHECK_EQ(kit_post("/verified", NULL, "{}")->status, 200);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"enabled\":false}")->status, 200);
    CHECK_EQ(kit_post("/verified", NULL, "{}")->status, 403);
    CHECK(kit_header("Set-Cookie") == NULL);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"enabled\":true}")->status, 200);
    CHECK_EQ(kit_post("/verified", NULL, "{}")->status, 200);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"password\":\"another horse battery\"}")
                 ->status,
             200);
    CHECK_EQ(kit_post("/verified", NULL, "{}")->status, 403);
    kit_stop();
}

/* ---------------------------------------------------------------------- CSRF */

#define NEW_TOKEN "{\"name\":\"t\",\"roles\":[\"client\"],\"days\":1}"

static int change_with(const char *cookie, const char *csrf, const char *more)
{
    const char *headers[4] = {NULL};
    size_t n = 0;

    headers[n++] = cookie;
    if (csrf != NULL) {
        headers[n++] = csrf;
    }
    if (more != NULL) {
        headers[n++] = more;
    }
    return kit_ask("POST", "/api/v1/tokens", NULL, "application/json",
                   cm_span_make(NEW_TOKEN, strlen(NEW_TOKEN)), headers)
        ->status;
}

TEST(changes_by_session_need_its_token)
{
    struct person ada;
    struct person other;
    char wrong[96] = "";

    access_start();
    setup_admin(&ada);
    CHECK_EQ(log_in("ada", PASSWORD, &other), 200);
    CHECK_EQ(change_with(ada.cookie, NULL, NULL), 403);
    CHECK_STR(kit_string("error.code"), "CsrfToken");
    CHECK_EQ(change_with(ada.cookie, "x-csrf-token: ", NULL), 403);
    CHECK_EQ(change_with(ada.cookie, other.csrf, NULL), 403); /* of another session */
    (void)snprintf(wrong, sizeof(wrong), "%s", ada.csrf);
    wrong[strlen(wrong) - 1] = (char)(wrong[strlen(wrong) - 1] == 'A' ? 'B' : 'A');
    CHECK_EQ(change_with(ada.cookie, wrong, NULL), 403);
    CHECK_EQ(change_with(ada.cookie, ada.csrf, "Origin: https://evil.example"), 403);
    CHECK_EQ(change_with(ada.cookie, ada.csrf, "Origin: null"), 403);
    CHECK_EQ(change_with(ada.cookie, ada.csrf, "Sec-Fetch-Site: cross-site"), 403);
    CHECK_EQ(change_with(ada.cookie, ada.csrf, "Sec-Fetch-Site: same-site"), 403);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/logout", NULL)->status, 204);
    CHECK_EQ(change_with(ada.cookie, ada.csrf, NULL), 401);
    (void)snprintf(wrong, sizeof(wrong), "Origin: %s", kit_url());
    CHECK_EQ(change_with(other.cookie, other.csrf, wrong), 200);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/tokens", NULL)->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    kit_stop();
}

TEST(another_site_logs_nobody_in)
{
    struct person ada;
    char body[128] = "";
    const char *const elsewhere[] = {"Origin: https://evil.example", NULL};
    const char *const fetched[] = {"Sec-Fetch-Site: cross-site", NULL};
    const char *const stale[] = {
        "Cookie: __Host-casemate=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL};

    access_start();
    setup_admin(&ada);
    (void)snprintf(body, sizeof(body), "{\"name\":\"ada\",\"password\":\"%s\"}", PASSWORD);
    CHECK_EQ(kit_ask("POST", "/api/v1/login", NULL, "application/json",
                     cm_span_make(body, strlen(body)), elsewhere)
                 ->status,
             403);
    CHECK_EQ(kit_ask("POST", "/api/v1/login", NULL, "application/json",
                     cm_span_make(body, strlen(body)), fetched)
                 ->status,
             403);
    /* an old cookie is in nobody's way */
    CHECK_EQ(kit_ask("POST", "/api/v1/login", NULL, "application/json",
                     cm_span_make(body, strlen(body)), stale)
                 ->status,
             200);
    kit_stop();
}

TEST(cookies_that_are_none_are_nobodys)
{
    static const char *const cookies[] = {
        "Cookie: __Host-casemate=",
        "Cookie: __Host-casemate=short",
        "Cookie: __Host-casemate=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Cookie: __Host-casemate=%41AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Cookie: casemate=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Cookie: ;;; ;",
    };
    struct person ada;
    char twice[512] = "";
    const char *headers[2] = {twice, NULL};

    access_start();
    setup_admin(&ada);
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        headers[0] = cookies[i];
        CHECK_EQ(
            kit_ask("GET", "/api/v1/accounts", NULL, NULL, cm_span_make(NULL, 0), headers)->status,
            401);
    }
    headers[0] = twice;
    (void)snprintf(twice, sizeof(twice), "Cookie: a=b; %s; c", ada.cookie + 8);
    CHECK_EQ(kit_ask("GET", "/api/v1/accounts", NULL, NULL, cm_span_make(NULL, 0), headers)->status,
             200);
    (void)snprintf(twice, sizeof(twice), "%s; %s", ada.cookie, ada.cookie + 8);
    CHECK_EQ(kit_ask("GET", "/api/v1/accounts", NULL, NULL, cm_span_make(NULL, 0), headers)->status,
             401);
    kit_stop();
}

/* ------------------------------------------------------------------ password */

TEST(password_is_changed_by_who_knows_it_and_ends_other_sessions)
{
    struct person ada;
    struct person other;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(log_in("ada", PASSWORD, &other), 200);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/password",
                    "{\"old\":\"not the old one\",\"new\":\"a new one, and long\"}")
                 ->status,
             403);
    CHECK_EQ(
        ask_as(&ada, "POST", "/api/v1/password", "{\"old\":\"" PASSWORD "\",\"new\":\"short\"}")
            ->status,
        400);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/password",
                    "{\"old\":\"" PASSWORD "\",\"new\":\"a new one, and long\"}")
                 ->status,
             204);
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/accounts", NULL)->status, 200);
    CHECK_EQ(ask_as(&other, "GET", "/api/v1/accounts", NULL)->status, 401);
    CHECK_EQ(log_in("ada", PASSWORD, NULL), 401);
    CHECK_EQ(log_in("ada", "a new one, and long", NULL), 200);
    kit_stop();
}

/* A slip of the pen is named as what it is, which is not that something is missing. */
TEST(members_that_nobody_knows_are_named)
{
    struct person ada;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(kit_post("/api/v1/login", NULL, "{\"nmae\":\"ada\"}")->status, 400);
    CHECK_STR(kit_string("error.message"),
              "the request has a member \"nmae\" that is not known here");
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/settings/access", "{\"session\":{\"x\":1}}")->status,
             400);
    CHECK_STR(kit_string("error.message"), "session has a member \"x\" that is not known here");
    kit_stop();
}

TEST_MAIN
