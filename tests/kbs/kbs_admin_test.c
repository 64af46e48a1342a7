/*
 * Who administers the key broker, in which language, and what somebody gets who can write the store or has
 * other tokens (I5, I6, I7).
 */
#include "harness.h"
#include "identity/identity.h"
#include "kbs/kbs.h"
#include "kbs_kit.h"
#include "store/audit.h"

#define SECRET KBS_SECRET

static void on_store(const char *sql)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(kit_store(), &db, &why) != CM_OK ||
        cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), &why) != CM_OK) {
        (void)printf("%s: %s\n", sql, why.text);
        abort();
    }
    cm_db_close(db);
}

TEST(rego_is_refused_with_a_way_out)
{
    static const char *const regos[] = {
        "package policy\n\ndefault allow = false\n",
        "# a comment\n\npackage policy\nimport rego.v1\nallow if { true }\n",
        "import rego.v1\n",
        "default allow := true\n",
        "\n\n\tpackage policy\r\n",
        "allow if true\n",
    };

    kbs_ready();
    for (size_t i = 0; i < sizeof(regos) / sizeof(regos[0]); i++) {
        CHECK_EQ(kbs_resource_policy(regos[i]), 400);
        CHECK_STR(kit_string("type"),
                  "https://github.com/confidential-containers/kbs/errors/PolicyLanguage");
        CHECK(strstr(kit_string("detail"), "authorizationrules") != NULL);
        CHECK(strstr(kit_string("detail"), "allow-all") != NULL);
        CHECK_EQ(kbs_attestation_policy("SgxEnclave", regos[i]), 400);
        CHECK_EQ(kbs_attestation_policy("default", regos[i]), 400); /* as their clients name it */
        CHECK(strstr(kit_string("detail"), "this is Rego") != NULL);
    }
    CHECK_EQ(kbs_attestation_policy("default", cm_kbs_policy("default")), 400);
    CHECK(strstr(kit_string("detail"), "policy_id") != NULL);
    CHECK(!kbs_stored("package policy")); /* never kept */
    CHECK(!kbs_stored("rego.v1"));
    CHECK_EQ(kit_get("/kbs/v0/resource-policy", "auditor")->status, 200);
    CHECK_STR(kit_last()->body, cm_kbs_policy("affirming"));
}

TEST(a_policy_that_is_none_changes_nothing)
{
    static const char *const bad[] = {"eHl6eHl6eA=", "eHl6=", "eHl6==", "eHk==", "Pj4-Pj4+"};

    kbs_ready();
    CHECK_EQ(kbs_resource_policy("version=1.0; authorizationrules { => maybe(); };"), 400);
    CHECK(strstr(kit_string("detail"), "line 1") != NULL);
    CHECK_EQ(kbs_resource_policy(""), 400);
    CHECK_EQ(kit_post("/kbs/v0/resource-policy", "author", "{}")->status, 400);
    CHECK_EQ(kit_post("/kbs/v0/resource-policy", "author", "{\"policy\":\"!\"}")->status, 400);
    CHECK_EQ(kit_post("/kbs/v0/resource-policy", "author", "{\"policy\":\"AA\"}")->status, 400);
    /* whole padding or none, one alphabet: read otherwise, it would be a policy's language that is wrong */
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(
            kit_post_json("/kbs/v0/resource-policy", "author", json_pack("{s:s}", "policy", bad[i]))
                ->status,
            400);
        CHECK(strstr(kit_string("detail"), "base64") != NULL);
    }
    CHECK_EQ(
        kbs_attestation_policy("default_cpu", "version=1.0; authorizationrules { => permit(); };"),
        400);
    CHECK(strstr(kit_string("detail"), "SgxEnclave") != NULL);
    CHECK_EQ(
        kbs_attestation_policy("Kbs-Resource", "version=1.0; authorizationrules { => permit(); };"),
        400);
    CHECK_EQ(kit_get("/kbs/v0/resource-policy/none", "auditor")->status, 404);
    CHECK_EQ(kit_get("/kbs/v0/attestation-policy/SgxEnclave", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body, "ear.executables") != NULL);
    CHECK_EQ(kit_get("/kbs/v0/attestation-policies", "auditor")->status, 200);
    CHECK_STR(kit_string("0"), "SgxEnclave");
}

TEST(each_route_has_its_roles)
{
    static const struct {
        const char *method;
        const char *path;
        bool write;
    } routes[] = {
        {"POST", "/kbs/v0/resource/a/b/c", true},
        {"PUT", "/kbs/v0/resource/a/b/c", true},
        {"DELETE", "/kbs/v0/resource/a/b/c", true},
        {"POST", "/kbs/v0/resource-policy", true},
        {"POST", "/kbs/v0/attestation-policy", true},
        {"POST", "/kbs/v0/reference-value", true},
        {"DELETE", "/kbs/v0/reference-value/x", true},
        {"GET", "/kbs/v0/resources", false},
        {"GET", "/kbs/v0/resource-policy", false},
        {"GET", "/kbs/v0/attestation-policy/SgxEnclave", false},
        {"GET", "/kbs/v0/attestation-policies", false},
        {"GET", "/kbs/v0/reference-value", false},
    };

    kbs_ready();
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const char *type = routes[i].write ? "application/json" : NULL;
        struct cm_span body = {(const uint8_t *)"{}", routes[i].write ? 2 : 0};

        CHECK_EQ(kit_ask(routes[i].method, routes[i].path, NULL, type, body, NULL)->status, 401);
        CHECK(kit_string("type") != NULL && kit_string("detail") != NULL);
        CHECK_EQ(kit_ask(routes[i].method, routes[i].path, "client", type, body, NULL)->status,
                 403);
        if (routes[i].write) {
            CHECK_EQ(kit_ask(routes[i].method, routes[i].path, "auditor", type, body, NULL)->status,
                     403);
        }
    }
    CHECK_EQ(kit_get("/kbs/v0/resources", "auditor")->status, 200);
    CHECK_EQ(json_array_size(kit_json("resources")), 1);
    /* and not even an admin reads a resource: it goes to attested guests alone */
    CHECK_EQ(kit_get("/kbs/v0/resource/bank/key/one", "admin")->status, 401);
}

TEST(paths_that_no_resource_has)
{
    static const char *const paths[] = {
        "a/b/%2e%2e", "a/b/.hidden", "a/b/c%2fd", "a/b/c%00", "a/b%20c/d", "a/b/%c3%a4", "a/b/c/d",
    };
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char url[200] = "";
        int status = 0;

        (void)snprintf(url, sizeof(url), "/kbs/v0/resource/%s", paths[i]);
        status = kit_ask("POST", url, "author", "application/octet-stream",
                         (struct cm_span){(const uint8_t *)"x", 1}, NULL)
                     ->status;
        CHECK(status == 400 || status == 404);
        status = kbs_get(g, paths[i], false);
        CHECK(status == 400 || status == 404);
    }
    CHECK_EQ(kit_ask("POST", "/kbs/v0/resource/a/b/c", "author", "application/octet-stream",
                     (struct cm_span){NULL, 0}, NULL)
                 ->status,
             400);
    kbs_guest_free(g);
}

/* ------------------------------------------------------------------------ tokens */

static char *signed_as(enum cm_signer signer, const char *claims)
{
    const struct cm_token_form form = {"JWT", NULL, false};
    struct cm_why why = {""};
    char *token = NULL;

    if (cm_identity_sign(kit_service(), signer, &form,
                         (struct cm_span){(const uint8_t *)claims, strlen(claims)}, &token,
                         &why) != CM_OK) {
        abort();
    }
    return token;
}

static void refused_token(struct kbs_guest *g, const char *token)
{
    (void)snprintf(g->token, sizeof(g->token), "%s", token);
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 401);
    CHECK(kit_string("detail") != NULL);
}

TEST(tokens_of_others_open_nothing)
{
    struct kbs_guest *g = NULL;
    struct kbs_guest *other = NULL;
    json_t *claims = NULL;
    char *text = NULL;
    char *token = NULL;
    char *dot = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    other = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    claims = kbs_claims(g);
    text = json_dumps(claims, JSON_COMPACT);

    token = signed_as(CM_SIGNER_TOKEN, text); /* another key of ours */
    refused_token(other, token);
    free(token);
    token = signed_as(CM_SIGNER_RELEASE, text);
    refused_token(other, token);
    free(token);
    (void)json_object_set_new(claims, "eat_profile",
                              json_string("tag:github.com,2023:veraison/ear"));
    free(text);
    text = json_dumps(claims, JSON_COMPACT);
    token = signed_as(CM_SIGNER_RESULT, text); /* the right key, for another purpose */
    refused_token(other, token);
    free(token);
    token = signed_as(CM_SIGNER_RESULT, "{\"eat_profile\":\"" /* without a guest's key */
                                        "tag:github.com,2024:confidential-containers/Trustee\","
                                        "\"exp\":9999999999}");
    refused_token(other, token);
    free(token);

    dot = strchr(g->token, '.');
    (void)snprintf(other->token, sizeof(other->token), "eyJhbGciOiJub25lIn0.%.*s.",
                   (int)strcspn(dot + 1, "."), dot + 1);
    token = strdup(other->token);
    refused_token(other, token); /* alg none (I4) */
    free(token);
    g->token[strlen(g->token) - 5] = g->token[strlen(g->token) - 5] == 'A' ? 'B' : 'A';
    token = strdup(g->token);
    refused_token(g, token);
    free(token);
    refused_token(g, "a.b");
    refused_token(g, "admin");
    free(text);
    json_decref(claims);
    kbs_guest_free(g);
    kbs_guest_free(other);
    CHECK(!kbs_seen(SECRET));
}

/* ------------------------------------------------------------------- the store's writer */

TEST(a_resource_in_the_place_of_another)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    kbs_put("public/text/hello", "hello everybody");
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    on_store("UPDATE kbs_resource SET wrapped = (SELECT r.wrapped FROM kbs_resource r"
             " WHERE r.path = 'bank/key/one') WHERE path = 'public/text/hello'");
    CHECK_EQ(kbs_get(g, "public/text/hello", false), 500);
    CHECK_STR(kbs_open(g), "");
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    on_store("DELETE FROM kbs_resource WHERE path = 'public/text/hello'");
    kbs_guest_free(g);
}

TEST(a_session_that_was_put_into_the_store)
{
    struct kbs_guest *g = NULL;
    struct kbs_guest *thief = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    thief = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    on_store("UPDATE kbs_session SET token = 'eyJhbGciOiJub25lIn0.e30.'");
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 401);
    on_store("UPDATE kbs_session SET expires = 9999999999");
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 401);
    on_store("DELETE FROM kbs_session");
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 200); /* its token is as good as before */
    CHECK_STR(kbs_open(g), SECRET);
    kbs_guest_free(g);
    kbs_guest_free(thief);
}

TEST(another_secret_of_nonces_is_noticed)
{
    struct cm_service *s = NULL;
    struct cm_why why = {""};

    kbs_ready();
    on_store("UPDATE kbs_secret SET wrapped = (SELECT wrapped FROM kbs_resource"
             " WHERE path = 'bank/key/one')");
    CHECK(cm_service_create(cm_service_config(kit_service()), &s, &why) != CM_OK);
    CHECK(strstr(why.text, "does not open") != NULL);
    cm_service_stop(s, 1);
    kbs_stop();
}

/* ------------------------------------------------------------------------- records */

struct found {
    const char *action;
    const char *object;
    const char *actor;
    unsigned count;
};

static bool look(void *arg, const struct cm_audit_record *r)
{
    struct found *f = arg;

    if (strcmp(r->action, f->action) == 0 && strcmp(r->object, f->object) == 0) {
        f->count++;
        f->actor = strcmp(r->actor, "author") == 0 ? "author" : "";
    }
    CHECK(strstr(r->detail, SECRET) == NULL);
    return true;
}

static unsigned recorded(const char *action, const char *object)
{
    struct found f = {action, object, NULL, 0};
    struct cm_audit_verdict verdict;
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(kit_store(), &db, &why) != CM_OK ||
        cm_audit_read(db, 0, look, &f, &why) != CM_OK ||
        cm_audit_verify(db, NULL, &verdict, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    }
    cm_db_close(db);
    return f.count;
}

TEST(what_was_done_and_released_is_in_the_audit_log)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    kbs_put("audit/key/a", "something else");
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(recorded("resource.set", "audit/key/a"), 1);
    CHECK_EQ(recorded("resource.release", "audit/key/a"), 0);
    CHECK_EQ(kbs_get(g, "audit/key/a", false), 200);
    CHECK_EQ(kbs_get(g, "audit/key/b", false), 404);
    CHECK_EQ(recorded("resource.release", "audit/key/a"), 1);
    CHECK_EQ(recorded("resource.release", "audit/key/b"), 0);
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("deny-all")), 200);
    CHECK_EQ(recorded("resource.withhold", "audit/key/a"), 0);
    CHECK_EQ(kbs_get(g, "audit/key/a", false), 403);
    CHECK_EQ(recorded("resource.release", "audit/key/a"), 1);
    CHECK_EQ(recorded("resource.withhold", "audit/key/a"), 1);
    CHECK_EQ(kit_delete("/kbs/v0/resource/audit/key/a", "author")->status, 200);
    CHECK_EQ(recorded("resource.delete", "audit/key/a"), 1);
    kbs_guest_free(g);
}

/* The newest row of the history, as the dashboard shows it. */
static void newest(const char *result, const char *wrap, const char *attestation)
{
    CHECK_EQ(kit_get("/api/v1/releases?kind=resource", "auditor")->status, 200);
    CHECK_STR(kit_string("items.0.kind"), "resource");
    CHECK_STR(kit_string("items.0.name"), "bank/key/one");
    CHECK_STR(kit_string("items.0.result"), result);
    CHECK_STR(kit_string("items.0.api"), "kbs");
    CHECK_STR(kit_string("items.0.wrap"), wrap);
    CHECK_STR(kit_string("items.0.issuer"), cm_service_config(kit_service())->public_url);
    CHECK_STR(kit_string("items.0.client"), "127.0.0.1");
    CHECK_STR(kit_string("items.0.attestation"), attestation);
    CHECK(kit_string("items.0.reason") != NULL && kit_string("items.0.reason")[0] != '\0');
    CHECK(strstr(kit_last()->body, SECRET) == NULL);
}

TEST(what_was_released_and_withheld_is_in_the_history)
{
    struct kbs_guest *g = NULL;
    json_t *claims = NULL;
    const char *jti = NULL;

    kbs_stop();
    kbs_ready();
    CHECK_EQ(kit_get("/api/v1/resources", "auditor")->status, 200);
    CHECK_EQ(kit_integer("items.0.released"), 0);
    CHECK(json_is_null(kit_json("items.0.last_release")));
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    claims = kbs_claims(g);
    jti = json_string_value(json_object_get(claims, "jti"));
    REQUIRE(jti != NULL);
    CHECK_EQ(kbs_get(g, "bank/key/two", false), 404); /* nothing was given out, nothing withheld */
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    newest("released", "ECDH-ES+A256KW", jti);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    kit_step_clock(1); /* rows of one second stand in no order */
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("deny-all")), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    newest("withheld", "", jti);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_EQ(kit_get("/api/v1/resources", "auditor")->status, 200);
    CHECK_STR(kit_string("items.0.path"), "bank/key/one");
    CHECK_EQ(kit_integer("items.0.released"), 1);
    CHECK_EQ(kit_integer("items.0.withheld"), 1);
    CHECK_EQ(kit_integer("items.0.last_release"), (int64_t)kit_now() - 1);
    json_decref(claims);
    kbs_guest_free(g);
}

/* The dashboard shows what a guest was told: the record has the token's claims. */
TEST(what_a_token_said_is_in_its_record)
{
    struct kbs_guest *g = NULL;
    json_t *claims = NULL;
    char path[200] = "";

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    claims = kbs_claims(g);
    (void)snprintf(path, sizeof(path), "/api/v1/attestations/%s",
                   json_string_value(json_object_get(claims, "jti")));
    CHECK_EQ(kit_get(path, "auditor")->status, 200);
    CHECK_STR(kit_string("api"), "kbs");
    CHECK(json_equal(kit_json("claims"), claims));
    json_decref(claims);
    kbs_guest_free(g);
}

/* What cannot be recorded is not given out, and whoever asks is not told what the policy says. */
TEST(without_a_record_there_is_no_release)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    on_store("ALTER TABLE vault_release RENAME TO vault_release_away");
    CHECK(kbs_get(g, "bank/key/one", false) != 200);
    CHECK_STR(kbs_open(g), "");
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("deny-all")), 200);
    CHECK(kbs_get(g, "bank/key/one", false) != 403);
    on_store("ALTER TABLE vault_release_away RENAME TO vault_release");
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    kbs_guest_free(g);
}

static int mode(const char *who, const char *path, const char *body)
{
    const char *const method = strstr(path, "approve") == NULL ? "PUT" : "POST";

    return kit_ask(method, path, who, "application/json", cm_span_make(body, strlen(body)), NULL)
        ->status;
}

TEST(where_two_people_are_asked_for_an_author_changes_no_reference_value)
{
    static const char value[] = "{\"name\":\"mrsigner\",\"value\":[\"12\"]}";

    kbs_ready();
    CHECK_EQ(kit_post("/kbs/v0/reference-value", "author", value)->status, 200);
    CHECK_EQ(mode("admin", "/api/v1/settings/policies", "{\"approval\":true,\"signed\":false}"),
             200);
    REQUIRE(
        kit_post("/kbs/v0/reference-value", "author", "{\"name\":\"mrsigner\",\"value\":[\"34\"]}")
            ->status == 403);
    CHECK(strstr(kit_string("detail"), "only an admin changes reference values") != NULL);
    CHECK_EQ(kit_delete("/kbs/v0/reference-value/mrsigner", "author")->status, 403);
    CHECK_EQ(kit_get("/kbs/v0/reference-value", "auditor")->status, 200);
    CHECK_STR(kit_string("mrsigner.0"), "12");
    CHECK_EQ(kit_post("/kbs/v0/reference-value", "admin", value)->status, 200);
    CHECK_EQ(kit_delete("/kbs/v0/reference-value/mrsigner", "admin")->status, 200);

    CHECK_EQ(mode("admin", "/api/v1/settings/policies", "{\"approval\":false,\"signed\":false}"),
             200);
    CHECK_EQ(mode("approver", "/api/v1/policies/Mode/versions/2/approve", "{}"), 200);
}

TEST(what_happened_is_counted)
{
    struct kbs_guest *g = NULL;

    kbs_stop();
    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_auth(g), 200);
    CHECK_EQ(kbs_post_attest(g, "{}"), 401);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("deny-all")), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    CHECK_EQ(kit_get("/metrics", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_challenges_total 3\n") != NULL);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_attestations_total 2\n") != NULL);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_refusals_total 1\n") != NULL);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_releases_total 1\n") != NULL);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_denials_total 1\n") != NULL);
    CHECK(strstr(kit_last()->body, "\ncasemate_signing_key_age_seconds{signer=\"result\"} ") !=
          NULL);
    kbs_guest_free(g);
}

TEST(end)
{
    kbs_stop();
}

TEST_MAIN
