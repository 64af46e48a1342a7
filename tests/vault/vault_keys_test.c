/* The API of keys and secrets: what Key Vault's clients ask, and each refusal. */
#include "harness.h"

#include "vault_kit.h"

#define EXPORT(policy) \
    "\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"" policy "\"}"

static void check_error(int status, const char *code)
{
    CHECK_EQ(kit_last()->status, status);
    CHECK_STR(kit_string("error.code"), code);
    CHECK(kit_string("error.message") != NULL);
}

TEST(who_may)
{
    start_vault();
    CHECK_EQ(
        kit_ask("POST", "/keys/a/create?api%2Dversion=7.4", NULL, NULL, cm_span_make("", 0), NULL)
            ->status,
        401);
    CHECK(strstr(kit_header("www-authenticate"), "resource=\"https://vault.test\"") != NULL);
    CHECK_EQ(kit_post("/keys/a/create" API, "auditor", "{\"kty\":\"EC\"}")->status, 403);
    CHECK_EQ(kit_post("/keys/a/create" API, "client", "{\"kty\":\"EC\"}")->status, 403);
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"EC\"}")->status, 200);
    CHECK_EQ(kit_get("/keys/a" API, "client")->status, 200);
    CHECK_EQ(kit_get("/keys/a" API, "auditor")->status, 200);
    CHECK_EQ(kit_get("/keys/a" API, "nothing")->status, 403);
    CHECK_EQ(kit_post("/keys/a/release" API, "author", "{\"target\":\"x\"}")->status, 403);
    CHECK_EQ(kit_put("/secrets/s" API, "author", "{\"value\":\"v\"}")->status, 200);
    CHECK_EQ(kit_get("/secrets/s" API, "author")->status, 200);
    CHECK_EQ(kit_get("/secrets/s" API, "client")->status,
             403); /* a client attests, or gets nothing */
    CHECK_EQ(kit_get("/secrets/s" API, "auditor")->status, 403);
    CHECK_EQ(kit_delete("/keys/a" API, "author")->status, 200);
    CHECK_EQ(kit_delete("/deletedkeys/a" API, "author")->status, 403);
    CHECK_EQ(kit_delete("/deletedkeys/a" API, "admin")->status, 204);
}

TEST(each_kind_of_key)
{
    static const struct {
        const char *body;
        const char *kty;
        const char *member;
        size_t characters;
    } cases[] = {
        {"{\"kty\":\"RSA\"}", "RSA", "n", 342},
        {"{\"kty\":\"RSA-HSM\",\"key_size\":3072}", "RSA-HSM", "n", 512},
        {"{\"kty\":\"RSA\",\"key_size\":2048,\"public_exponent\":65537}", "RSA", "n", 342},
        {"{\"kty\":\"EC\"}", "EC", "x", 43},
        {"{\"kty\":\"EC-HSM\",\"crv\":\"P-384\"}", "EC-HSM", "y", 64},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\",\"key_size\":null}", "EC", "x", 88},
        {"{\"kty\":\"oct-HSM\"}", "oct-HSM", NULL, 0},
        {"{\"kty\":\"oct-HSM\",\"key_size\":128}", "oct-HSM", NULL, 0},
        {"{\"kty\":\"oct-HSM\",\"key_size\":192}", "oct-HSM", NULL, 0},
    };

    if (getenv("CM_TEST_STORE") != NULL) {
        SKIP("keys are made alike over each store");
    }
    start_vault();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64] = "";
        const char *kid = NULL;

        (void)snprintf(path, sizeof(path), "/keys/Key-%zu/create" API, i);
        CHECK_EQ(kit_post(path, "author", cases[i].body)->status, 200);
        CHECK_STR(kit_string("key.kty"), cases[i].kty);
        kid = kit_string("key.kid");
        (void)snprintf(path, sizeof(path), "/keys/Key-%zu/", i);
        CHECK(kid != NULL && strncmp(kid, kit_url(), strlen(kit_url())) == 0 &&
              strstr(kid, path) != NULL && strlen(strrchr(kid, '/')) == 33);
        if (cases[i].member != NULL) {
            (void)snprintf(path, sizeof(path), "key.%s", cases[i].member);
            CHECK_EQ(strlen(kit_string(path)), cases[i].characters);
        }
        CHECK(kit_json("key.k") == NULL && kit_json("key.d") == NULL);
        CHECK(json_is_true(kit_json("attributes.enabled")));
        CHECK(json_is_false(kit_json("attributes.exportable")));
        CHECK_EQ(kit_integer("attributes.created"), (int64_t)kit_now());
        CHECK_STR(kit_string("attributes.recoveryLevel"), "Recoverable+Purgeable");
    }
    CHECK_EQ(kit_get("/keys/key-0/?api%2Dversion=2025-07-01", "client")->status,
             200); /* names have no case; a slash */
    CHECK(strstr(kit_string("key.kid"), "/keys/Key-0/") != NULL);
}

TEST(keys_that_are_not_made)
{
    static const char *const bodies[] = {
        "{}",
        "{\"kty\":\"DSA\"}",
        "{\"kty\":\"RSA-\"}",
        "{\"kty\":\"RSA-HSMx\"}",
        "{\"kty\":7}",
        "{\"kty\":\"RSA\",\"key_size\":1024}",
        "{\"kty\":\"RSA\",\"key_size\":\"2048\"}",
        "{\"kty\":\"RSA\",\"key_size\":1000000000}",
        "{\"kty\":\"RSA\",\"public_exponent\":3}",
        "{\"kty\":\"EC\",\"crv\":\"P-256K\"}",
        "{\"kty\":\"EC\",\"crv\":1}",
        "{\"kty\":\"oct-HSM\",\"key_size\":64}",
        "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true}}",
        "{\"kty\":\"EC\",\"attributes\":[]}",
        "{\"kty\":\"EC\",\"attributes\":{\"enabled\":\"yes\"}}",
        "{\"kty\":\"EC\",\"attributes\":{\"exp\":-1}}",
        "{\"kty\":\"EC\",\"attributes\":{\"nbf\":1.5}}",
        "{\"kty\":\"EC\",\"key_ops\":\"sign\"}",
        "{\"kty\":\"EC\",\"key_ops\":[\"fly\"]}",
        "{\"kty\":\"EC\",\"tags\":{\"a\":1}}",
        "{\"kty\":\"EC\",\"tags\":[]}",
        "{\"kty\":\"EC\",\"release_policy\":\"x\"}",
        "{\"kty\":\"EC\",\"release_policy\":{}}",
        "{\"kty\":\"EC\",\"release_policy\":{\"data\":\"*\"}}",
        "{\"kty\":\"EC\",\"release_policy\":{\"data\":\"e30\",\"immutable\":1}}",
    };

    start_vault();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CHECK_EQ(kit_post("/keys/a/create" API, "author", bodies[i])->status, 400);
        CHECK_STR(kit_string("error.code"), "BadParameter");
        if (kit_last()->status != 400) {
            TEST_FAIL("%s", bodies[i]);
        }
    }
    CHECK_EQ(kit_get("/keys/a" API, "author")->status, 404);
    CHECK_EQ(kit_post("/keys/a/create", "author", "{\"kty\":\"EC\"}")->status, 400);
    CHECK_EQ(kit_post("/keys/a/create?api%2Dversion=7.4%22", "author", "{\"kty\":\"EC\"}")->status,
             400);
    CHECK_EQ(kit_post("/keys/a_b/create" API, "author", "{\"kty\":\"EC\"}")->status, 400);
}

TEST(a_release_policy_is_read_when_it_is_set)
{
    char *text = NULL;
    char body[1024] = "";

    start_vault();
    text = b64("{\"version\":\"1.0.0\",\n  \"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[]}]}",
               69);
    (void)snprintf(body, sizeof(body), "{\"kty\":\"EC\"," EXPORT("%s") "}", text);
    CHECK_EQ(kit_post("/keys/a/create" API, "author", body)->status, 400);
    CHECK(strstr(kit_string("error.message"), "line 2, column") != NULL);
    free(text);
    CHECK_EQ(kit_post("/keys/a/create" API, "author",
                      "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true}}")
                 ->status,
             400);
    CHECK_STR(kit_string("error.message"), "Exportable keys must have release policy");
}

static json_t *ec_create(const char *policy, bool immutable)
{
    return json_pack("{s:s, s:{s:b}, s:o}", "kty", "EC", "attributes", "exportable", 1,
                     "release_policy", policy_json(policy, immutable));
}

TEST(policies_change_unless_they_are_immutable)
{
    char *first = NULL;
    char *second = NULL;
    char *data = NULL;

    start_vault();
    first = strdup(policy_text(NULL, NULL));
    second = strdup(policy_text(NULL, "{\"claim\":\"b\",\"equals\":\"c\"}"));
    CHECK_EQ(kit_post_json("/keys/a/create" API, "author", ec_create(first, false))->status, 200);
    CHECK_EQ(patch_json("/keys/a" API, "author",
                        json_pack("{s:o}", "release_policy", policy_json(second, true)))
                 ->status,
             200);
    data = b64(second, strlen(second));
    CHECK_STR(kit_string("release_policy.data"), data);
    CHECK(json_is_true(kit_json("release_policy.immutable")));
    free(data);
    CHECK_EQ(patch_json("/keys/a" API, "author",
                        json_pack("{s:o}", "release_policy", policy_json(first, false)))
                 ->status,
             409);
    CHECK_EQ(patch_json("/keys/a" API, "author", /* the same again says nothing new */
                        json_pack("{s:o}", "release_policy", policy_json(second, false)))
                 ->status,
             200);
    CHECK(json_is_true(kit_json("release_policy.immutable")));
    CHECK_EQ(
        patch_json("/keys/a" API, "author", json_pack("{s:{s:b}}", "attributes", "exportable", 0))
            ->status,
        400);
    free(first);
    free(second);
}

TEST(attributes_tags_and_operations)
{
    char version[33] = "";
    char path[128] = "";

    start_vault();
    CHECK_EQ(
        kit_post("/keys/a/create" API, "author",
                 "{\"kty\":\"EC\",\"key_ops\":[\"sign\",\"verify\"],\"tags\":{\"env\":\"test\"},"
                 "\"attributes\":{\"enabled\":false,\"nbf\":1700000000,\"exp\":1900000000}}")
            ->status,
        200);
    CHECK(json_is_false(kit_json("attributes.enabled")));
    CHECK_EQ(kit_integer("attributes.nbf"), 1700000000);
    CHECK_EQ(kit_integer("attributes.exp"), 1900000000);
    CHECK_STR(kit_string("tags.env"), "test");
    CHECK_STR(kit_string("key.key_ops.1"), "verify");
    (void)snprintf(version, sizeof(version), "%s", strrchr(kit_string("key.kid"), '/') + 1);
    kit_step_clock(5);
    (void)snprintf(path, sizeof(path), "/keys/a/%s" API, version);
    CHECK_EQ(kit_patch(path, "author", "{\"attributes\":{\"enabled\":true},\"key_ops\":[\"sign\"]}")
                 ->status,
             200);
    CHECK(json_is_true(kit_json("attributes.enabled")));
    CHECK_EQ(kit_integer("attributes.exp"), 1900000000);
    CHECK_EQ(kit_integer("attributes.updated"), kit_integer("attributes.created") + 5);
    CHECK_EQ(json_array_size(kit_json("key.key_ops")), 1);
    CHECK_STR(kit_string("tags.env"), "test");
    CHECK_EQ(kit_get(path, "client")->status, 200);
    path[8] = path[8] == 'f' ? 'e' : 'f';
    (void)kit_get(path, "client");
    check_error(404, "KeyNotFound");
    (void)kit_get("/keys/a/xyz" API, "client");
    check_error(404, "KeyNotFound");
    (void)kit_patch("/keys/b" API, "author", "{}");
    check_error(404, "KeyNotFound");
}

TEST(versions_and_rotation)
{
    char first[33] = "";
    char next[512] = "";

    start_vault();
    CHECK_EQ(kit_post_json("/keys/a/create" API, "author", ec_create(policy_text(NULL, NULL), true))
                 ->status,
             200);
    (void)snprintf(first, sizeof(first), "%s", strrchr(kit_string("key.kid"), '/') + 1);
    CHECK_EQ(kit_post("/keys/a/rotate" API, "author", "")->status, 200);
    CHECK(strstr(kit_string("key.kid"), first) == NULL);
    CHECK(json_is_true(kit_json("attributes.exportable")));
    CHECK(json_is_true(kit_json("release_policy.immutable")));
    CHECK_STR(kit_string("key.crv"), "P-256");
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"oct-HSM\"}")->status, 200);
    CHECK_EQ(kit_get("/keys/a/versions" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 3);
    CHECK(strstr(kit_string("value.0.kid"), first) != NULL);
    CHECK(json_is_null(kit_json("nextLink")));
    CHECK_EQ(kit_get("/keys/a/versions" API "&maxresults=2", "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 2);
    CHECK(strstr(kit_string("nextLink"), "/keys/a/versions?api-version=7.4&%24skiptoken=2") !=
          NULL);
    (void)snprintf(next, sizeof(next), "%s", kit_string("nextLink"));
    CHECK_EQ(kit_get(next, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 1);
    CHECK_EQ(kit_get("/keys/a" API, "client")->status, 200);
    CHECK_STR(kit_string("key.kty"), "oct-HSM");
    CHECK_EQ(kit_post("/keys/b/rotate" API, "author", "{}")->status, 404);
}

TEST(lists_come_in_pages)
{
    size_t seen = 0;
    size_t pages = 0;
    char next[512] = "/keys?api-version=2025-07-01&maxresults=10";

    start_vault();
    for (int i = 0; i < 31; i++) {
        char path[64] = "";

        (void)snprintf(path, sizeof(path), "/keys/k%02d/create" API, i);
        CHECK_EQ(kit_post(path, "author", "{\"kty\":\"oct-HSM\"}")->status, 200);
    }
    CHECK_EQ(kit_delete("/keys/k05" API, "author")->status, 200);
    while (next[0] != '\0' && pages < 10) {
        CHECK_EQ(kit_get(next, "client")->status, 200);
        seen += json_array_size(kit_json("value"));
        pages++;
        CHECK(pages != 1 || strstr(kit_string("value.0.kid"), "/keys/k00") != NULL);
        CHECK(strlen(strstr(kit_string("value.0.kid"), "/keys/")) == 9); /* without a version */
        (void)snprintf(next, sizeof(next), "%s",
                       kit_string("nextLink") == NULL ? "" : kit_string("nextLink"));
    }
    CHECK_EQ(seen, 30);
    CHECK_EQ(pages, 3);
    CHECK_EQ(kit_get("/keys" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 25);
    CHECK_EQ(kit_get("/keys" API "&maxresults=0", "client")->status, 400);
    CHECK_EQ(kit_get("/keys" API "&maxresults=26", "client")->status, 400);
    CHECK_EQ(kit_get("/keys" API "&maxresults=x", "client")->status, 400);
    CHECK_EQ(kit_get("/keys" API "&$skiptoken=a/b", "client")->status, 400);
    CHECK_EQ(kit_get("/keys/k01/versions" API "&$skiptoken=-1", "client")->status, 400);
    CHECK_EQ(kit_get("/deletedkeys" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 1);
    CHECK(kit_integer("value.0.scheduledPurgeDate") == (int64_t)kit_now() + 90 * 86400);
}

TEST(secrets)
{
    char path[128] = "";

    start_vault();
    CHECK_EQ(
        kit_put("/secrets/Pass" API, "author",
                "{\"value\":\"gr\\u00fcn\",\"contentType\":\"text/plain\",\"tags\":{\"a\":\"b\"}}")
            ->status,
        200);
    CHECK_STR(kit_string("value"), "gr\xc3\xbcn");
    CHECK_STR(kit_string("contentType"), "text/plain");
    (void)snprintf(path, sizeof(path), "/secrets/pass/%s" API, strrchr(kit_string("id"), '/') + 1);
    CHECK_EQ(kit_put("/secrets/pass" API, "author", "{\"value\":\"2\"}")->status, 200);
    CHECK_EQ(kit_get("/secrets/pass" API, "author")->status, 200);
    CHECK_STR(kit_string("value"), "2");
    CHECK_EQ(kit_get(path, "author")->status, 200);
    CHECK_STR(kit_string("value"), "gr\xc3\xbcn");
    CHECK_EQ(kit_get("/secrets" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 1);
    CHECK(kit_json("value.0.value") == NULL);
    CHECK_EQ(kit_get("/secrets/pass/versions" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 2);
    CHECK_EQ(kit_patch(path, "author", "{\"attributes\":{\"enabled\":false},\"contentType\":\"x\"}")
                 ->status,
             200);
    CHECK(kit_json("value") == NULL);
    CHECK_STR(kit_string("contentType"), "x");
    (void)kit_get(path, "author");
    check_error(403, "Forbidden");
    CHECK_EQ(kit_delete("/secrets/pass" API, "author")->status, 200);
    CHECK(kit_json("value") == NULL);
    CHECK_EQ(kit_get("/secrets/pass" API, "author")->status, 404);
    CHECK_EQ(kit_get("/deletedsecrets/pass" API, "author")->status, 200);
    CHECK(kit_json("value") == NULL);
    CHECK_EQ(kit_get("/deletedsecrets" API, "author")->status, 200);
    CHECK_EQ(kit_post("/deletedsecrets/pass/recover" API, "author", "")->status, 200);
    CHECK_EQ(kit_get("/secrets/pass" API, "author")->status, 200);
    CHECK_EQ(kit_delete("/secrets/pass" API, "author")->status, 200);
    CHECK_EQ(kit_delete("/deletedsecrets/pass" API, "admin")->status, 204);
    (void)kit_get("/deletedsecrets/pass" API, "author");
    check_error(404, "SecretNotFound");
    CHECK_EQ(kit_put("/secrets/pass" API, "author", "{}")->status, 400);
    CHECK_EQ(kit_put("/secrets/pass" API, "author", "{\"value\":\"\"}")->status, 400);
    CHECK_EQ(kit_put("/secrets/pass" API, "author", "{\"value\":5}")->status, 400);
}

TEST(other_host_names_get_their_own_addresses)
{
    char url[256] = "";

    start_vault();
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"EC\"}")->status, 200);
    (void)snprintf(url, sizeof(url), "https://kv.vault.test%s/keys/a" API, strrchr(kit_url(), ':'));
    REQUIRE(kit_get(url, "client")->status == 200);
    CHECK(strncmp(kit_string("key.kid"), "https://kv.vault.test:", 22) == 0);
}

/* The last one: its clock makes the service renew its certificate, which the client then finds too young. */
TEST(what_is_deleted_can_be_recovered_until_it_is_purged)
{
    start_vault();
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"EC\"}")->status, 200);
    CHECK_EQ(kit_get("/deletedkeys/a" API, "author")->status, 404);
    CHECK_EQ(kit_delete("/keys/a" API, "author")->status, 200);
    CHECK(strstr(kit_string("recoveryId"), "/deletedkeys/a") != NULL);
    CHECK_EQ(kit_integer("deletedDate"), (int64_t)kit_now());
    CHECK_EQ(kit_delete("/keys/a" API, "author")->status, 404);
    CHECK_EQ(kit_get("/keys/a" API, "author")->status, 404);
    CHECK_EQ(kit_patch("/keys/a" API, "author", "{}")->status, 404);
    CHECK_EQ(kit_post("/keys/a/rotate" API, "author", "{}")->status, 404);
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"EC\"}")->status, 409);
    CHECK_EQ(kit_get("/deletedkeys/a" API, "author")->status, 200);
    CHECK_EQ(kit_post("/deletedkeys/a/recover" API, "author", "")->status, 200);
    CHECK(kit_json("deletedDate") == NULL);
    CHECK_EQ(kit_get("/keys/a" API, "author")->status, 200);
    CHECK_EQ(kit_post("/deletedkeys/a/recover" API, "author", "")->status, 404);
    CHECK_EQ(kit_delete("/deletedkeys/a" API, "admin")->status, 404);
    CHECK_EQ(kit_delete("/keys/a" API, "author")->status, 200);
    kit_step_clock((int64_t)90 * 86400 - 1);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get("/deletedkeys/a" API, "author")->status, 200);
    kit_step_clock(1);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get("/deletedkeys/a" API, "author")->status, 404);
    CHECK_EQ(kit_post("/keys/a/create" API, "author", "{\"kty\":\"EC\"}")->status, 200);
    CHECK_EQ(kit_get("/keys/a/versions" API, "author")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 1);
}

TEST_MAIN
