/*
 * Where changes of policies take a second person, or a signature, no author changes by himself to whom a secret
 * goes: not the release policy of a version, and not by a new version with another one.
 */
#include "harness.h"

#include "rules_call_kit.h"
#include "vault_kit.h"

static char ours[2048];
static char theirs[2048];

/* The service has a key k and a secret s for ours, a secret open for nobody; and two people are asked for. */
static void start(void)
{
    static const struct cm_module *const modules[] = {&cm_identity_module, &cm_rules_module,
                                                      &rules_call_module, &cm_vault_module, NULL};
    struct kit_options options = vault_options();

    options.modules = modules;
    kit_set_clock((uint64_t)time(NULL)); /* the client verifies certificates by the real one */
    (void)kit_start_with(&options);
    (void)snprintf(ours, sizeof(ours), "%s", policy_text(NULL, NULL));
    (void)snprintf(theirs, sizeof(theirs), "%s",
                   policy_text(NULL, "{\"claim\":\"b\",\"equals\":\"c\"}"));
    CHECK_EQ(put_json("/keys/k" API, "author", secret_import(ours))->status, 200);
    CHECK_EQ(
        put_json("/secrets/s" API, "author",
                 json_pack("{s:s, s:o}", "value", "v", "release_policy", policy_json(ours, false)))
            ->status,
        200);
    CHECK_EQ(kit_put("/secrets/open" API, "author", "{\"value\":\"v\"}")->status, 200);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
}

static int patch(const char *path, const char *who, const char *policy)
{
    return patch_json(path, who, json_pack("{s:o}", "release_policy", policy_json(policy, false)))
        ->status;
}

static int set_secret(const char *path, const char *who, const char *policy)
{
    json_t *body = json_pack("{s:s}", "value", "w");

    if (policy != NULL) {
        (void)json_object_set_new(body, "release_policy", policy_json(policy, false));
    }
    return put_json(path, who, body)->status;
}

static int create(const char *who, const char *policy)
{
    json_t *body =
        json_pack("{s:s, s:i, s:{s:b}, s:o}", "kty", "oct-HSM", "key_size", 256, "attributes",
                  "exportable", 1, "release_policy", policy_json(policy, false));

    return kit_post_json("/keys/k/create" API, who, body)->status;
}

static void check_refused(int status)
{
    REQUIRE(status == 403);
    CHECK_STR(kit_string("error.code"), "Forbidden");
    CHECK(strstr(kit_string("error.message"), "only an admin changes release policies") != NULL);
}

static void check_policy(const char *path, const char *policy)
{
    char *data = b64(policy, strlen(policy));

    CHECK_EQ(kit_get(path, "admin")->status, 200);
    CHECK_STR(kit_string("release_policy.data"), data);
    free(data);
}

TEST(no_author_changes_a_release_policy)
{
    start();
    check_refused(patch("/keys/k" API, "author", theirs));
    check_refused(patch("/secrets/s" API, "author", theirs));
    check_refused(patch("/secrets/open" API, "author", theirs)); /* which nobody was given so far */
    check_policy("/keys/k" API, ours);
    CHECK_EQ(patch("/keys/k" API, "author", ours), 200); /* says nothing new */
    CHECK_EQ(kit_patch("/keys/k" API, "author", "{\"tags\":{\"a\":\"b\"}}")->status, 200);
    CHECK_EQ(patch("/keys/k" API, "admin", theirs), 200);
    check_policy("/keys/k" API, theirs);
    end_vault();
}

TEST(and_none_adds_a_version_with_another)
{
    start();
    check_refused(create("author", theirs));
    check_refused(put_json("/keys/k" API, "author", secret_import(theirs))->status);
    check_refused(set_secret("/secrets/s" API, "author", theirs));
    check_refused(set_secret("/secrets/s" API, "author", NULL));
    check_refused(set_secret("/secrets/open" API, "author", theirs));
    check_policy("/keys/k" API, ours);
    CHECK_EQ(kit_get("/keys/k/versions" API, "client")->status, 200);
    CHECK_EQ(json_array_size(kit_json("value")), 1);

    CHECK_EQ(create("author", ours), 200); /* for whom it was before */
    CHECK_EQ(kit_post("/keys/k/rotate" API, "author", "")->status, 200);
    CHECK_EQ(set_secret("/secrets/s" API, "author", ours), 200);
    CHECK_EQ(set_secret("/secrets/open" API, "author", NULL), 200);
    CHECK_EQ(set_secret("/secrets/fresh" API, "author", theirs), 200); /* nobody had this one */
    CHECK_EQ(create("admin", theirs), 200);
    check_policy("/keys/k" API, theirs);
    check_refused(create("author", ours)); /* nor back to one that was once */
    end_vault();
}

TEST_MAIN
