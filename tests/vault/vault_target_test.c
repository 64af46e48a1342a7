/*
 * The token that asks for a release: one that is nobody's, one signed by a key that is for something else,
 * one whose issuer looks like this service; and a version that ends while its release is judged.
 */
#include "vault_issuer_kit.h"

#define OTHER "https://attest.elsewhere.test"

/* Only this key of an issuer counts. Takes the reference. */
static int pin(const char *issuer, json_t *jwk)
{
    return kit_post_json("/vault/issuers", "admin",
                         json_pack("{s:s, s:{s:[o]}}", "issuer", issuer, "jwks", "keys", jwk))
        ->status;
}

static int release_to(char *token)
{
    const int status = ask_release("/keys/k/release" API, token, NULL, NULL)->status;

    free(token);
    return status;
}

static void key_for(const char *issuer)
{
    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(issuer, NULL)))->status ==
            200);
}

/* I4: a key that an issuer publishes for encryption, or for another algorithm, signs no token. */
TEST(I4_keys_that_sign_something_else)
{
    const struct {
        const char *alg;
        const char *use;
        int status;
    } keys[] = {
        {"RS256", "sig", 200}, {"RS256", NULL, 200}, {NULL, NULL, 200},    {"RS256", "enc", 403},
        {NULL, "enc", 403},    {"PS256", NULL, 403}, {"RS384", NULL, 403},
    };

    key_for(OTHER);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *jwk = issuer_jwk(tee_key(3072), "r", keys[i].alg);

        if (keys[i].use != NULL) {
            (void)json_object_set_new(jwk, "use", json_string(keys[i].use));
        }
        CHECK_EQ(pin(OTHER, jwk), 200);
        CHECK_EQ(release_to(
                     other_token(tee_key(3072), CM_SIG_RS256, "\"kid\":\"r\"", good_claims(OTHER))),
                 keys[i].status);
        if (keys[i].status == 403) {
            CHECK_STR(kit_string("error.innererror.code"), "TokenSignature");
        }
        CHECK_EQ(kit_delete("/vault/issuers?issuer=" OTHER, "admin")->status, 200);
    }
}

/* Whoever begins like this service is not this service: his own keys verify his tokens, and ours do not. */
TEST(I4_issuers_that_begin_like_this_service)
{
    char address[160] = "";
    const char *const issuers[] = {address, "https://kv.vault.test.elsewhere.test"};
    char path[256] = "";

    start_vault();
    (void)snprintf(address, sizeof(address), "%s/elsewhere", kit_url());
    for (size_t i = 0; i < 2; i++) {
        key_for(issuers[i]);
        CHECK_EQ(release_to(own_token(good_claims(issuers[i]))), 403);
        CHECK_STR(kit_string("error.innererror.code"), "IssuerUnknown");
        CHECK_EQ(pin(issuers[i], issuer_jwk(tee_key(3072), "r", NULL)), 200);
        CHECK_EQ(release_to(own_token(good_claims(issuers[i]))), 403);
        CHECK_STR(kit_string("error.innererror.code"), "TokenSignature");
        CHECK_EQ(release_to(other_token(tee_key(3072), CM_SIG_RS256, "\"kid\":\"r\"",
                                        good_claims(issuers[i]))),
                 200);
        (void)snprintf(path, sizeof(path), "/vault/issuers?issuer=%s", issuers[i]);
        CHECK_EQ(kit_delete(path, "admin")->status, 200);
    }
}

/* A claim of so many arrays within one another. */
static json_t *nested(size_t depth)
{
    json_t *out = json_array();

    for (size_t i = 1; i < depth; i++) {
        out = json_pack("[o]", out);
    }
    return out;
}

/* I4: an issuer on the list writes what it likes, and nobody's stack pays for it. */
TEST(I4_claims_that_nest_too_deep)
{
    json_t *claims = NULL;

    key_for(OTHER);
    CHECK_EQ(pin(OTHER, issuer_jwk(tee_key(3072), "r", NULL)), 200);
    for (size_t depth = 16; depth <= 1024; depth *= 4) {
        claims = good_claims(OTHER);
        (void)json_object_set_new(claims, "deep", nested(depth));
        CHECK_EQ(release_to(other_token(tee_key(3072), CM_SIG_RS256, "\"kid\":\"r\"", claims)),
                 depth == 16 ? 200 : 403);
        if (depth != 16) {
            CHECK_STR(kit_string("error.innererror.code"), "TokenInvalid");
            CHECK(strstr(kit_string("error.message"), "deep") != NULL);
        }
    }
}

static void let_time_pass(void)
{
    kit_step_clock(100);
}

/* I5: a version that had an hour left when it was asked for, and none when its release was to be written down. */
TEST(I5_a_version_that_ends_while_its_release_is_judged)
{
    struct cm_privkey *key = NULL;
    struct kit *issuer = NULL;
    char address[128] = "";
    char body[96] = "";

    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &key) == CM_OK);
    for (int ends = 100; ends <= 101; ends++) {
        start_vault();
        issuer = list_issuer(key, address);
        REQUIRE(
            put_json("/keys/k" API, "author", secret_import(policy_text(address, NULL)))->status ==
            200);
        (void)snprintf(body, sizeof(body), "{\"attributes\":{\"exp\":%lld}}",
                       (long long)kit_now() + ends);
        CHECK_EQ(kit_patch("/keys/k" API, "author", body)->status, 200);
        meanwhile = let_time_pass;
        CHECK_EQ(release_to(other_token(key, CM_SIG_ES256, "\"kid\":\"1\"", good_claims(address))),
                 ends == 100 ? 409 : 200);
        meanwhile = NULL;
        if (ends == 100) {
            CHECK_STR(kit_string("error.innererror.code"), "Changed");
        }
        kit_close(issuer);
    }
    json_decref(published);
    published = NULL;
    cm_privkey_free(key);
}

TEST_MAIN
