/* Calls over TLS: which route they reach, what is refused before, and in whose form. */
#include <pthread.h>
#include <time.h>

#include "harness.h"
#include "service_kit.h"

#include "service/service_private.h"

/* --------------------------------------------------------- a module for tests */

static void echo(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_answer_json(call, 200,
                        json_pack("{s:s, s:s, s:s, s:s}", "route", call->route->path, "name",
                                  cm_call_param(call, "name"), "rest", cm_call_param(call, "rest"),
                                  "who", call->who.name));
}

static void echo_json(struct cm_call *call, void *state)
{
    json_t *body = cm_call_json(call);

    (void)state;
    if (body != NULL) {
        cm_call_answer_json(call, 200, json_incref(body));
    }
}

static void base(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_answer_json(call, 200, json_pack("{s:s}", "base", cm_call_base(call)));
}

static void forget(struct cm_call *call, void *state)
{
    (void)call;
    (void)state;
}

static void public_text(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_header(call, "Cache-Control", "public, max-age=60");
    cm_call_answer(call, 200, "text/plain", cm_span_make("public", 6));
}

static void fail_as_asked(struct cm_call *call, void *state)
{
    const struct cm_why why = {"what \"went\" wrong\n\xff"};
    const char *st = cm_web_query(call->req, "st");

    (void)state;
    cm_call_fail_status(call, (enum cm_status)(st == NULL ? 1 : strtol(st, NULL, 10)), &why);
}

/* On a loop, then on a worker. */
static void later_part(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_answer_json(call, 200, json_pack("{s:b}", "worker", call->db != NULL));
}

static void later(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_later(call, later_part);
}

static void *answer_kept(void *arg)
{
    const struct timespec nap = {0, 20000000};

    (void)nanosleep(&nap, NULL);
    cm_call_answer(arg, 200, "text/plain", cm_span_make("kept", 4));
    return NULL;
}

static void keep(struct cm_call *call, void *state)
{
    pthread_t thread;

    (void)state;
    cm_call_keep(call);
    if (pthread_create(&thread, NULL, answer_kept, call) != 0) {
        abort();
    }
    (void)pthread_detach(thread);
}

#define ALL (CM_WEB_GET | CM_WEB_POST | CM_WEB_PUT | CM_WEB_PATCH | CM_WEB_DELETE)

static const struct cm_route routes[] = {
    {.methods = CM_WEB_GET, .path = "/", .serve = echo, .at_once = true},
    {.methods = CM_WEB_GET, .path = "/things", .serve = echo},
    {.methods = CM_WEB_GET | CM_WEB_PUT, .path = "/things/{name}", .serve = echo},
    {.methods = CM_WEB_POST, .path = "/things/{name}:reset", .serve = echo},
    {.methods = CM_WEB_POST, .path = "/things/create", .serve = echo},
    {.methods = CM_WEB_GET, .path = "/files/{rest...}", .serve = echo},
    {.methods = ALL, .path = "/json", .serve = echo_json},
    {.methods = CM_WEB_GET, .path = "/base", .serve = base, .at_once = true},
    {.methods = CM_WEB_GET, .path = "/forget", .serve = forget},
    {.methods = CM_WEB_GET, .path = "/forget-at-once", .serve = forget, .at_once = true},
    {.methods = CM_WEB_GET, .path = "/public", .serve = public_text, .cors = true},
    {.methods = CM_WEB_GET, .path = "/later", .serve = later, .at_once = true},
    {.methods = CM_WEB_GET, .path = "/keep", .serve = keep},
    {.methods = CM_WEB_GET, .path = "/admin", .serve = echo, .roles = CM_ROLE_ADMIN},
    {.methods = CM_WEB_GET, .path = "/author", .serve = echo, .roles = CM_ROLE_AUTHOR},
    {.methods = CM_WEB_GET, .path = "/approver", .serve = echo, .roles = CM_ROLE_APPROVER},
    {.methods = CM_WEB_GET, .path = "/client", .serve = echo, .roles = CM_ROLE_CLIENT},
    {.methods = CM_WEB_GET, .path = "/maa/x", .serve = fail_as_asked, .api = CM_API_MAA},
    {.methods = CM_WEB_GET,
     .path = "/maa/closed",
     .serve = echo,
     .api = CM_API_MAA,
     .roles = CM_ROLE_WRITERS},
    {.methods = CM_WEB_GET, .path = "/vault/x", .serve = fail_as_asked, .api = CM_API_VAULT},
    {.methods = CM_WEB_GET,
     .path = "/vault/closed",
     .serve = echo,
     .api = CM_API_VAULT,
     .roles = CM_ROLE_WRITERS},
    {.methods = CM_WEB_GET, .path = "/kbs/v0/x", .serve = fail_as_asked, .api = CM_API_KBS},
    {.methods = CM_WEB_GET,
     .path = "/kbs/v0/closed",
     .serve = echo,
     .api = CM_API_KBS,
     .roles = CM_ROLE_WRITERS},
};

static const struct cm_module module = {
    .name = "test", .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};
static const struct cm_module *const modules[] = {&module, NULL};

static void begin(void)
{
    static const char *const more[] = {"kv.tee.test", "other.test", NULL};
    const struct kit_options options = {
        .modules = modules, .more_hosts = more, .vault_domain = "tee.test"};

    (void)kit_start_with(&options);
}

/* ---------------------------------------------------------------------- tests */

static void leads(const char *method, const char *path, const char *route, const char *name)
{
    const int status = kit_ask(method, path, NULL, NULL, cm_span_make(NULL, 0), NULL)->status;

    if (status != 200 || strcmp(kit_string("route"), route) != 0 ||
        strcmp(kit_string(strcmp(route, "/files/{rest...}") == 0 ? "rest" : "name"), name) != 0) {
        TEST_FAIL("%s %s: %d %s", method, path, status, kit_last()->body);
    }
}

TEST(paths_lead_to_routes)
{
    begin();
    leads("GET", "/", "/", "");
    leads("GET", "/things", "/things", "");
    leads("GET", "/THINGS/", "/things", "");
    leads("GET", "/things/a", "/things/{name}", "a");
    leads("GET", "/things/Az%20%C3%A9", "/things/{name}", "Az \xc3\xa9");
    leads("PUT", "/things/a:reset", "/things/{name}", "a:reset");
    leads("POST", "/things/a:reset", "/things/{name}:reset", "a");
    leads("POST", "/things/a:b:RESET", "/things/{name}:reset", "a:b");
    leads("POST", "/things/create", "/things/create", "");
    leads("GET", "/things/create", "/things/{name}", "create");
    leads("GET", "/files/a", "/files/{rest...}", "a");
    leads("GET", "/files/a/b/c.js", "/files/{rest...}", "a/b/c.js");
    kit_stop();
}

TEST(other_paths_are_not_found)
{
    static const char *const none[] = {"/x",          "/things/a/b", "/files",    "/thingsx",
                                       "/things%2fa", "/things/..",  "/things//a"};

    begin();
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        const int status = kit_get(none[i], NULL)->status;

        if (status != 404 && status != 400) {
            TEST_FAIL("%s: %d", none[i], status);
        }
    }
    CHECK_EQ(kit_get("/x?secret=1", NULL)->status, 404);
    CHECK_STR(kit_string("error.code"), "NotFound");
    CHECK_EQ(kit_get("/kbs/v0/none", NULL)->status, 404);
    CHECK(kit_string("type") != NULL && kit_string("detail") != NULL);
    CHECK_EQ(kit_get("/maa/none", NULL)->status, 404);
    CHECK_STR(kit_header("x-ms-error-code"), "NotFound");
    kit_stop();
}

TEST(methods_are_told)
{
    begin();
    CHECK_EQ(kit_delete("/things/a", NULL)->status, 405);
    CHECK_STR(kit_header("Allow"), "GET, HEAD, PUT, OPTIONS");
    CHECK_EQ(kit_post("/things/create", NULL, "{}")->status, 200);
    CHECK_EQ(kit_delete("/things/create", NULL)->status, 405);
    CHECK_STR(kit_header("Allow"), "GET, HEAD, POST, PUT, OPTIONS");
    CHECK_EQ(kit_ask("OPTIONS", "/things/a", NULL, NULL, cm_span_make(NULL, 0), NULL)->status, 204);
    CHECK_STR(kit_header("Allow"), "GET, HEAD, PUT, OPTIONS");
    CHECK(kit_header("Access-Control-Allow-Origin") == NULL);
    CHECK_EQ(kit_ask("HEAD", "/things/a", NULL, NULL, cm_span_make(NULL, 0), NULL)->status, 200);
    CHECK_EQ(kit_last()->len, 0);
    CHECK(strtol(kit_header("Content-Length"), NULL, 10) > 10);
    kit_stop();
}

/* What an answer holds is kept by no cache and read by no other page, unless its route is public. */
TEST(I6_answers_are_kept_by_no_cache)
{
    begin();
    CHECK_EQ(kit_get("/things", NULL)->status, 200);
    CHECK_STR(kit_header("Cache-Control"), "no-store");
    CHECK_STR(kit_header("X-Content-Type-Options"), "nosniff");
    CHECK_STR(kit_header("Strict-Transport-Security"), "max-age=31536000");
    CHECK_STR(kit_header("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'");
    CHECK(kit_header("Access-Control-Allow-Origin") == NULL);
    CHECK_EQ(strlen(kit_header("x-ms-request-id")), 32);
    CHECK_EQ(kit_get("/public", NULL)->status, 200);
    CHECK_STR(kit_header("Cache-Control"), "public, max-age=60");
    CHECK_STR(kit_header("Access-Control-Allow-Origin"), "*");
    CHECK_EQ(kit_ask("OPTIONS", "/public", NULL, NULL, cm_span_make(NULL, 0), NULL)->status, 204);
    CHECK_STR(kit_header("Access-Control-Allow-Origin"), "*");
    CHECK_STR(kit_header("Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
    kit_stop();
}

TEST(roles_are_needed)
{
    static const struct {
        const char *path, *token;
        int status;
    } cases[] = {
        {"/admin", NULL, 401},       {"/admin", "wrong", 401},     {"/admin", "nothing", 403},
        {"/admin", "author", 403},   {"/admin", "client", 403},    {"/admin", "admin", 200},
        {"/author", "author", 200},  {"/author", "admin", 200},    {"/author", "auditor", 403},
        {"/client", "client", 200},  {"/client", "admin", 200},    {"/approver", "approver", 200},
        {"/approver", "admin", 403}, {"/approver", "author", 403},
    };

    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int status = kit_get(cases[i].path, cases[i].token)->status;

        if (status != cases[i].status) {
            TEST_FAIL("%s %s: %d", cases[i].path, cases[i].token, status);
        }
    }
    kit_stop();
}

TEST(challenges_have_the_form_of_their_api)
{
    char wanted[400] = "";

    begin();
    CHECK_EQ(kit_get("/maa/closed", NULL)->status, 401);
    (void)snprintf(wanted, sizeof(wanted),
                   "Bearer authorization_uri=\"%s/tenant\", resource=\"%s\"", kit_url(), kit_url());
    CHECK_STR(kit_header("WWW-Authenticate"), wanted);
    CHECK_STR(kit_string("error.code"), "Unauthorized");
    CHECK_EQ(kit_get("/vault/closed", NULL)->status, 401);
    (void)snprintf(wanted, sizeof(wanted),
                   "Bearer authorization=\"%s/tenant\", resource=\"https://tee.test\"", kit_url());
    CHECK_STR(kit_header("WWW-Authenticate"), wanted);
    CHECK_EQ(kit_get("/kbs/v0/closed", NULL)->status, 401);
    CHECK_STR(kit_string("detail"), "who calls is not known");
    CHECK_EQ(kit_get("/kbs/v0/closed", "wrong")->status, 401);
    CHECK_STR(kit_string("detail"), "the token is not known");
    CHECK_STR(kit_header("WWW-Authenticate"), "Bearer realm=\"casemate\", error=\"invalid_token\"");
    kit_stop();
}

TEST(failures_have_the_form_of_their_api)
{
    static const struct {
        enum cm_status st;
        int status;
        const char *maa, *vault, *kbs;
    } cases[] = {
        {CM_ERR_PARAM, 400, "InvalidParameter", "BadParameter", "InvalidRequest"},
        {CM_ERR_SYNTAX, 400, "InvalidParameter", "BadParameter", "InvalidRequest"},
        {CM_ERR_LIMIT, 400, "InvalidParameter", "BadParameter", "InvalidRequest"},
        {CM_ERR_UNSUPPORTED, 400, "InvalidParameter", "BadParameter", "InvalidRequest"},
        {CM_ERR_POLICY, 403, "PolicyEvaluationError", "Forbidden", "PolicyDeny"},
        {CM_ERR_SIGNATURE, 403, "PolicyEvaluationError", "Forbidden", "PolicyDeny"},
        {CM_ERR_NOTFOUND, 404, "NotFound", "NotFound", "ResourceNotFound"},
        {CM_ERR_STATE, 409, "InvalidOperation", "Conflict", "Conflict"},
        {CM_ERR_BUSY, 503, "ServerBusy", "ServerBusy", "ServerBusy"},
        {CM_ERR_IO, 500, "InternalError", "InternalError", "InternalError"},
    };
    char path[64] = "";
    char type[128] = "";

    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(path, sizeof(path), "/maa/x?st=%d", cases[i].st);
        CHECK_EQ(kit_get(path, NULL)->status, cases[i].status);
        CHECK_STR(kit_string("error.code"), cases[i].maa);
        CHECK_STR(kit_header("x-ms-error-code"), cases[i].maa);
        CHECK_EQ(strstr(kit_string("error.message"), "wrong") != NULL, cases[i].status < 500);
        CHECK_EQ(kit_header("Retry-After") != NULL, cases[i].status == 503);
        (void)snprintf(path, sizeof(path), "/vault/x?st=%d", cases[i].st);
        CHECK_EQ(kit_get(path, NULL)->status, cases[i].status);
        CHECK_STR(kit_string("error.code"), cases[i].vault);
        (void)snprintf(path, sizeof(path), "/kbs/v0/x?st=%d", cases[i].st);
        CHECK_EQ(kit_get(path, NULL)->status, cases[i].status);
        (void)snprintf(type, sizeof(type),
                       "https://github.com/confidential-containers/kbs/errors/%s", cases[i].kbs);
        CHECK_STR(kit_string("type"), type);
    }
    CHECK_EQ(kit_get("/maa/x", NULL)->status, 400);
    CHECK_STR(kit_string("error.message"), "what \"went\" wrong??");
    kit_stop();
}

TEST(handlers_answer_in_every_way)
{
    begin();
    CHECK_EQ(kit_get("/later", NULL)->status, 200);
    CHECK(json_is_true(kit_json("worker")));
    CHECK_EQ(kit_get("/keep", NULL)->status, 200);
    CHECK_STR(kit_last()->body, "kept");
    CHECK_EQ(kit_get("/forget", NULL)->status, 500);
    CHECK_EQ(kit_get("/forget-at-once", NULL)->status, 500);
    kit_stop();
}

static void json_is(const char *text, int status)
{
    if (kit_post("/json", NULL, text)->status != status) {
        TEST_FAIL("%.60s: %d %.200s", text, kit_last()->status, kit_last()->body);
    }
}

static void nested(char *out, size_t depth)
{
    size_t n = (size_t)sprintf(out, "{\"a\":");

    memset(out + n, '[', depth - 1);
    memset(out + n + depth - 1, ']', depth - 1);
    (void)strcpy(out + n + 2 * (depth - 1), "}");
}

TEST(bodies_are_read_strictly)
{
    char deep[256] = "";

    begin();
    json_is("{\"a\":1,\"b\":{\"a\":\"\\u00e9[{\"}}", 200);
    CHECK_STR(kit_string("b.a"), "\xc3\xa9[{");
    json_is("", 400);
    json_is("[]", 400);
    json_is("\"a\"", 400);
    json_is("{\"a\":1} {}", 400);
    json_is("{\"a\":1,\"a\":2}", 400);
    CHECK(strstr(kit_string("error.message"), "twice") != NULL);
    json_is("{\"a\":\"\xff\"}", 400);
    json_is("{\"a\":\"\\u0000\"}", 400);
    json_is("{\"a\":\"\\ud800\"}", 400);
    json_is("{\"a\":99999999999999999999}", 400);
    json_is("{\"a\":1e999}", 400);
    json_is("{'a':1}", 400);
    json_is("{\"a\":\"s3cret-value\",}", 400);
    CHECK(strstr(kit_last()->body, "s3cret") == NULL);
    nested(deep, 32);
    json_is(deep, 200);
    nested(deep, 33);
    json_is(deep, 400);
    CHECK(strstr(kit_string("error.message"), "nested too deeply") != NULL);
    kit_stop();
}

TEST(bodies_are_bounded)
{
    const size_t size = ((size_t)1 << 20) + 1;
    char *body = malloc(size + 1);
    size_t n = 0;

    begin();
    REQUIRE(body != NULL);
    n = (size_t)sprintf(body, "{\"a\":[0");
    for (int i = 0; i < 65600; i++) {
        n += (size_t)sprintf(body + n, ",0");
    }
    (void)sprintf(body + n, "]}");
    json_is(body, 400);
    CHECK(strstr(kit_string("error.message"), "65536") != NULL);
    memset(body, ' ', size);
    body[0] = '{';
    body[size - 1] = '}';
    body[size] = '\0';
    (void)kit_post("/json", NULL,
                   body); /* the server ends the connection in the midst of the body */
    CHECK(kit_last()->status == 413 || kit_last()->status == 0);
    body[size - 2] = '}';
    body[size - 1] = '\0';
    json_is(body, 200);
    free(body);
    kit_stop();
}

TEST(answers_name_the_host_that_was_asked)
{
    char url[128] = "";
    const char *port = NULL;

    begin();
    port = strrchr(kit_url(), ':');
    CHECK_EQ(kit_get("/base", NULL)->status, 200);
    CHECK_STR(kit_string("base"), kit_url());
    (void)snprintf(url, sizeof(url), "https://KV.tee.test%s/base", port);
    CHECK_EQ(kit_get(url, NULL)->status, 200);
    (void)snprintf(url, sizeof(url), "https://kv.tee.test%s", port);
    CHECK_STR(kit_string("base"), url);
    CHECK_EQ(kit_ask("GET", "/base", NULL, NULL, cm_span_make(NULL, 0),
                     (const char *const[]){"Host: evil.test", NULL})
                 ->status,
             200);
    CHECK_STR(kit_string("base"), kit_url());
    kit_stop();
}

TEST(health_readiness_and_metrics)
{
    begin();
    CHECK_EQ(kit_get("/health", NULL)->status, 200);
    CHECK_STR(kit_string("status"), "ok");
    CHECK(json_is_false(kit_json("emulated")));
    CHECK_EQ(kit_get("/ready", NULL)->status, 200);
    CHECK_STR(kit_string("parts.store"), "ok");
    CHECK_EQ(kit_get("/metrics", NULL)->status, 401);
    CHECK_EQ(kit_get("/metrics", "client")->status, 403);
    CHECK_EQ(kit_get("/things/secret-name", NULL)->status, 200);
    CHECK_EQ(kit_get("/metrics", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body,
                 "casemate_http_requests_total{method=\"GET|PUT\",route=\"/things/"
                 "{name}\",status=\"200\"} 1\n") != NULL);
    CHECK(strstr(kit_last()->body, "casemate_http_request_seconds_count{method=\"GET|PUT\",route=\""
                                   "/things/{name}\"} 1\n") != NULL);
    CHECK(strstr(kit_last()->body, "secret-name") == NULL);
    kit_stop();
}

/* Nothing that a request carries as a secret is in the log. */
TEST(I6_the_log_holds_no_secret)
{
    char *log = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&log, &len);
    const struct kit_options options = {
        .modules = modules, .log = f, .log_level = CM_LOG_DEBUG, .vault_domain = "tee.test"};

    REQUIRE(f != NULL);
    (void)kit_start_with(&options);
    CHECK_EQ(kit_get("/admin?api-key=s3cret-query", "admin")->status, 200);
    CHECK_EQ(kit_get("/admin", "s3cret-token")->status, 401);
    CHECK_EQ(kit_post("/json", NULL, "{\"a\":\"s3cret-body\"}")->status, 200);
    CHECK_EQ(kit_post("/json", NULL, "{\"a\":\"s3cret-body\"")->status, 400);
    CHECK_EQ(kit_get("/things/s3cret-path", NULL)->status, 200);
    CHECK_EQ(kit_get("/maa/x?st=61", NULL)->status, 500);
    kit_stop();
    (void)fclose(f);
    CHECK(strstr(log, "s3cret") == NULL);
    CHECK(strstr(log, "\"route\":\"/admin\",\"status\":\"200\"") != NULL);
    CHECK(strstr(log, "\"who\":\"admin\"") != NULL);
    CHECK(strstr(log, "\"why\":\"what \\\"went\\\" wrong??\"") != NULL);
    for (const char *at = log; *at != '\0'; at = strchr(at, '\n') + 1) {
        json_t *line = json_loadb(at, strcspn(at, "\n"), JSON_REJECT_DUPLICATES, NULL);

        if (line == NULL) {
            TEST_FAIL("no JSON: %.200s", at);
        }
        json_decref(line);
    }
    free(log);
}

/* -------------------------------------------------------------- its own parts */

/* Without memory there is no value, and a reason; never a part of one. */
TEST(bodies_without_memory_are_refused)
{
    static const char text[] = "{\"a\":[1,-2,3.5,true,null,\"x\",\"\\u00e9\"],\"b\":{\"c\":{}}}";
    json_t *whole = cm_service_json(cm_span_make(text, strlen(text)), NULL);
    int refused = 0;

    REQUIRE(whole != NULL);
    for (long k = 1; k < 200; k++) {
        struct cm_why why = {""};
        json_t *value = NULL;

        fail_alloc_at(k);
        value = cm_service_json(cm_span_make(text, strlen(text)), &why);
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK(value != NULL);
            json_decref(value);
            break;
        }
        CHECK(value == NULL ? why.text[0] != '\0' : json_equal(value, whole) == 1);
        refused += value == NULL;
        json_decref(value);
    }
    CHECK(refused > 5);
    json_decref(whole);
}

static enum cm_status parsed(const char *path)
{
    const struct cm_route route = {.methods = CM_WEB_GET, .path = path, .serve = echo};
    struct service_route out;

    return cm_route_parse(&route, &out, NULL);
}

TEST(routes_that_are_none_are_refused)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "//",
                                      "/a/",
                                      "/a//b",
                                      "/{}",
                                      "/{a",
                                      "/a}",
                                      "/{a...}/b",
                                      "/{a...}x",
                                      "/a{b}",
                                      "/{a}/{b}/{c}/{d}/{e}",
                                      "/1/2/3/4/5/6/7/8/9/10/11/12/13"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parsed(bad[i]) != CM_ERR_PARAM) {
            TEST_FAIL("%s", bad[i]);
        }
    }
    CHECK_EQ(parsed("/"), CM_OK);
    CHECK_EQ(parsed("/{a}/{b}/{c}/{d...}"), CM_OK);
}

TEST(one_path_belongs_to_one_module)
{
    static const struct cm_route again[] = {
        {.methods = CM_WEB_PUT, .path = "/Things/{other}", .serve = echo}};
    static const struct cm_module other = {.name = "other", .routes = again, .route_count = 1};
    const struct cm_module *const both[] = {&module, &other, NULL};
    const struct cm_service_config config = {
        .store = "sqlite:/nonexistent/x", .public_url = "https://localhost", .modules = both};
    struct cm_service *s = NULL;
    struct cm_why why = {""};

    CHECK_EQ(cm_service_create(&config, &s, &why), CM_ERR_EXISTS);
    CHECK(strstr(why.text, "two routes") != NULL);
}

TEST(public_urls_are_plain)
{
    static const char *const bad[] = {NULL,          "",
                                      "http://a",    "https://",
                                      "https://a/",  "https://a/b",
                                      "https://a?b", "https://u@a",
                                      "https://a\"b"};
    struct cm_service *s = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct cm_service_config config = {.store = "sqlite:/nonexistent/x",
                                                 .public_url = bad[i]};

        CHECK_EQ(cm_service_create(&config, &s, NULL), CM_ERR_PARAM);
    }
}

TEST(quoted_texts_are_json_of_any_length)
{
    char out[64] = "";

    for (size_t cap = 3; cap < sizeof(out); cap++) {
        json_t *value = NULL;
        const size_t len = cm_service_quote(
            out, cap, "a\"b\\\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\x01 \xed\xa0\x80");

        CHECK(len < cap);
        value = json_loadb(out, len, JSON_DECODE_ANY, NULL);
        if (value == NULL) {
            TEST_FAIL("%zu: %s", cap, out);
        }
        json_decref(value);
    }
}

TEST_MAIN
