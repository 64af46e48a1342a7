/* Guests that deserve it get their resources, in every dialect, with every kind of key. */
#include "harness.h"
#include "kbs/kbs.h"
#include "kbs_kit.h"
#include "token/base64.h"

#define SECRET KBS_SECRET

TEST(ready_policies_do_what_their_names_say)
{
    static const struct {
        const char *name;
        int status;
    } all[] = {{"affirming", 403}, {"default", 200}, {"allow-all", 200}, {"deny-all", 403}};
    struct kbs_guest *g = NULL;

    kbs_start(); /* emulated, and nobody has said that this is good enough: contraindicated */
    kbs_put("bank/key/one", SECRET);
    CHECK_EQ(kit_get("/kbs/v0/resource-policy", "auditor")->status, 200);
    CHECK_STR(kit_last()->body, cm_kbs_policy("affirming")); /* where nobody set one */
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    for (size_t i = 0; i < 4; i++) {
        char url[64] = "";
        char text[1024] = "";

        (void)snprintf(url, sizeof(url), "/kbs/v0/resource-policy/%s", all[i].name);
        CHECK_EQ(kit_get(url, "auditor")->status, 200);
        (void)snprintf(text, sizeof(text), "%s", kit_last()->body);
        CHECK_STR(text, cm_kbs_policy(all[i].name));
        CHECK_EQ(kbs_resource_policy(text), 200);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), all[i].status);
    }
    kbs_guest_free(g);
    kbs_stop();
}

TEST(a_guest_gets_its_resource)
{
    struct kbs_guest *g = NULL;
    json_t *claims = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kit_header("content-type"), "application/json");
    CHECK_STR(kbs_open(g), SECRET);
    CHECK_EQ(json_object_size(kit_last()->json), 5);
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 200);
    CHECK_STR(kbs_open(g), SECRET);
    CHECK_EQ(kbs_get(g, "bank/key/two", false), 404);
    CHECK_STR(kit_string("type"),
              "https://github.com/confidential-containers/kbs/errors/ResourceNotFound");
    CHECK(kit_string("detail") != NULL);
    claims = kbs_claims(g);
    CHECK_STR(json_string_value(json_object_get(claims, "eat_profile")),
              "tag:github.com,2024:confidential-containers/Trustee");
    CHECK_STR(json_string_value(json_object_get(kbs_cpu(claims), "ear.status")), "affirming");
    CHECK_EQ(json_integer_value(json_object_get(claims, "exp")) -
                 json_integer_value(json_object_get(claims, "iat")),
             300);
    CHECK(!kbs_seen(SECRET));
    CHECK(!kbs_stored(SECRET));
    CHECK(kbs_stored("bank/key/one")); /* the search does search */
    CHECK(kbs_seen("ResourceNotFound"));
    json_decref(claims);
    kbs_guest_free(g);
}

TEST(what_is_bound_stands_in_the_token)
{
    static const char *const path[] = {"ear.veraison.annotated-evidence", "runtime_data_claims",
                                       "tee-pubkey"};
    struct kbs_guest *g = NULL;
    json_t *claims = NULL;
    json_t *at = NULL;
    json_t *key = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    claims = kbs_claims(g);
    at = kbs_cpu(claims);
    for (size_t i = 0; i < 3; i++) {
        at = json_object_get(at, path[i]);
    }
    key = json_loads(g->jwk, 0, NULL);
    CHECK(json_equal(at, key));
    at = json_object_get(
        json_object_get(json_object_get(kbs_cpu(claims), "ear.veraison.annotated-evidence"), "sgx"),
        "x-ms-sgx-mrenclave");
    CHECK_STR(json_string_value(at), KBS_MRENCLAVE);
    at = json_object_get(kbs_cpu(claims), "ear.appraisal-policy-id");
    CHECK(strncmp(json_string_value(at), "SgxEnclave:", 11) == 0);
    json_decref(key);
    json_decref(claims);
    kbs_guest_free(g);
}

TEST(every_kind_of_key_opens_its_resource_also_with_jose)
{
    static const enum kbs_key kinds[] = {KBS_P256, KBS_P384, KBS_P521, KBS_RSA};
    bool oracle = true;

    kbs_ready();
    for (size_t i = 0; i < 4; i++) {
        struct kbs_guest *g = kbs_guest(kinds[i]);
        const char *plain = NULL;

        CHECK_EQ(kbs_attest(g), 200);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
        CHECK_STR(kbs_open(g), SECRET);
        plain = kbs_open_jose(g);
        oracle = plain != NULL || kinds[i] == KBS_RSA;
        CHECK(plain == NULL || strcmp(plain, SECRET) == 0);
        kbs_guest_free(g);
    }
    if (!oracle) {
        SKIP("jose is not installed");
    }
}

/* guest-components write the protected header anew, members of its objects sorted, before they open */
TEST(a_header_that_is_written_anew_is_the_same)
{
    struct kbs_guest *g = NULL;
    char header[1024] = "";
    const char *text = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    text = kit_string("protected");
    REQUIRE(text != NULL);
    {
        json_t *parsed = NULL;
        json_t *epk = NULL;
        char *again = NULL;
        char wanted[1024] = "";
        size_t len = 0;

        CHECK_EQ(cm_base64url_decode((struct cm_span){(const uint8_t *)text, strlen(text)},
                                     (uint8_t *)header, sizeof(header) - 1, &len),
                 CM_OK);
        header[len] = '\0';
        parsed = json_loads(header, 0, NULL);
        epk = json_object_get(parsed, "epk");
        again = json_dumps(epk, JSON_COMPACT | JSON_SORT_KEYS);
        (void)snprintf(wanted, sizeof(wanted),
                       "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":%s}", again);
        CHECK_STR(header, wanted);
        free(again);
        json_decref(parsed);
    }
    kbs_guest_free(g);
}

TEST(old_dialects_are_answered_in_kind)
{
    static const char *const versions[] = {"0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"};

    kbs_ready();
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct kbs_guest *g = kbs_guest(KBS_P256);

        (void)snprintf(g->version, sizeof(g->version), "%s", versions[i]);
        CHECK_EQ(kbs_auth(g), 200);
        /* a text where the guest sent a text, what was chosen where it sent a choice */
        CHECK(json_is_string(kit_json("extra-params")) == (i < 3));
        CHECK_EQ(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), 200);
        CHECK_EQ(kbs_get(g, "bank/key/one", i % 2 == 0), 200);
        CHECK_STR(kbs_open(g), SECRET);
        kbs_guest_free(g);
    }
}

TEST(the_oldest_send_their_evidence_as_text)
{
    struct kbs_guest *g = NULL;
    char body[65536] = "";

    kbs_ready();
    g = kbs_guest(KBS_P256);
    (void)snprintf(g->version, sizeof(g->version), "0.1.0");
    CHECK_EQ(kbs_auth(g), 200);
    (void)snprintf(body, sizeof(body),
                   "{\"tee-pubkey\":%s,\"tee-evidence\":\"{\\\"quote\\\":\\\"%s\\\"}\"}", g->jwk,
                   kbs_quote(g));
    CHECK_EQ(kbs_post_attest(g, body), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(g), SECRET);
    kbs_guest_free(g);
}

TEST(who_attests_again_gets_the_same_token)
{
    struct kbs_guest *g = NULL;
    char first[16384] = "";

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    memcpy(first, g->token, sizeof(first));
    kit_step_clock(1);
    CHECK_EQ(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), 200);
    CHECK_STR(g->token, first);
    kbs_guest_free(g);
}

TEST(instances_behind_a_balancer_serve_one_guest)
{
    struct kbs_guest *g = NULL;
    struct kit *first = NULL;
    struct kit *second = NULL;

    kbs_ready();
    first = kit_current();
    second = kbs_beside();
    g = kbs_guest(KBS_P256);
    kit_use(first);
    CHECK_EQ(kbs_auth(g), 200);
    kit_use(second);
    CHECK_EQ(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), 200);
    kit_use(first);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(g), SECRET);
    kit_use(second);
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 200);
    CHECK_STR(kbs_open(g), SECRET);
    kit_close(second);
    kit_use(first);
    kbs_guest_free(g);
}

/* ------------------------------------------------------------------- policies */

TEST(policies_look_at_path_and_claims)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    kbs_put("other/key/one", SECRET);
    CHECK_EQ(kbs_resource_policy("version= 1.2;\nauthorizationrules\n{\n"
                                 "    [type==\"kbs.repository\", value==\"other\"] &&"
                                 " [type==\"x-ms-sgx-mrenclave\", value==\"" KBS_MRENCLAVE "\"] =>"
                                 " permit();\n};\nissuancerules\n{\n};\n"),
             200);
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "other/key/one", false), 200);
    CHECK_STR(kbs_open(g), SECRET);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    CHECK_STR(kit_string("type"),
              "https://github.com/confidential-containers/kbs/errors/PolicyDeny");
    kbs_guest_free(g);
}

static int executables(const struct kbs_guest *g)
{
    json_t *claims = kbs_claims(g);
    json_t *vector = json_object_get(kbs_cpu(claims), "ear.trustworthiness-vector");
    int value = (int)json_integer_value(json_object_get(vector, "executables"));

    json_decref(claims);
    return value;
}

TEST(reference_values_say_which_code_is_known)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    CHECK_EQ(
        kbs_attestation_policy("SgxEnclave", "version=1.0; authorizationrules { => permit(); };"),
        200);
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(executables(g), 33);
    CHECK_EQ(kit_post("/kbs/v0/reference-value", "author",
                      "{\"name\":\"mrenclave\",\"value\":[\"00\",\"" KBS_MRENCLAVE "\"]}")
                 ->status,
             200);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(executables(g), 3);
    /* as kbs-client sends it */
    CHECK_EQ(kit_post_json("/kbs/v0/reference-value", "author",
                           json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "type", "sample",
                                     "payload", kbs_base64("{\"mrsigner\":[\"1234\"]}")))
                 ->status,
             200);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(executables(g), 33);
    CHECK_EQ(kit_get("/kbs/v0/reference-value", "auditor")->status, 200);
    CHECK_STR(kit_string("mrsigner.0"), "1234");
    CHECK_EQ(kit_delete("/kbs/v0/reference-value/mrsigner", "author")->status, 200);
    CHECK_EQ(kit_delete("/kbs/v0/reference-value/mrsigner", "author")->status, 404);
    CHECK_EQ(kit_get("/kbs/v0/reference-value/mrsigner", "auditor")->status, 404);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(executables(g), 3);
    CHECK_EQ(kit_delete("/kbs/v0/reference-value/mrenclave", "author")->status, 200);
    kbs_guest_free(g);
}

TEST(init_data_that_the_evidence_holds_is_taken)
{
    static const char toml[] =
        "algorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n\"a\" = \"b\"\n";
    static const char json[] = "{\"algorithm\":\"sha-256\",\"version\":\"0.1.0\",\"data\":{}}";
    struct kbs_guest *g = NULL;
    json_t *init = NULL;
    char *text = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    init = json_pack("{s:s, s:s}", "format", "toml", "body", toml);
    text = json_dumps(init, JSON_COMPACT);
    (void)snprintf(g->init_data, sizeof(g->init_data), "%s", text);
    kbs_digest("sha384", toml, g->configid);
    CHECK_EQ(kbs_attest(g), 200);
    free(text);
    json_decref(init);
    init = json_pack("{s:s, s:s}", "format", "json", "body", json);
    text = json_dumps(init, JSON_COMPACT);
    (void)snprintf(g->init_data, sizeof(g->init_data), "%s", text);
    kbs_digest("sha256", json, g->configid);
    CHECK_EQ(kbs_attest(g), 200);
    free(text);
    json_decref(init);
    kbs_guest_free(g);
}

TEST(resources_are_listed_changed_and_deleted)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    kbs_put("bank/key/one", "another value altogether");
    CHECK_EQ(kit_get("/kbs/v0/resources", "auditor")->status, 200);
    CHECK_STR(kit_string("resources.0.path"), "bank/key/one");
    CHECK_STR(kit_string("resources.0.author"), "author");
    CHECK_EQ(kit_integer("resources.0.size"), 24);
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(g), "another value altogether");
    CHECK_EQ(kit_delete("/kbs/v0/resource/bank/key/one", "author")->status, 200);
    CHECK_EQ(kit_delete("/kbs/v0/resource/bank/key/one", "author")->status, 404);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 404);
    kbs_guest_free(g);
}

TEST(end)
{
    kbs_stop();
}

TEST_MAIN
