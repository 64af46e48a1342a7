/* Keys, secrets and releases by the dashboard's API: what is shown of them, and what never is. */
#include "harness.h"

#include "console_kit.h"

#define API   "?api-version=7.4"
#define VALUE "a secret that nobody may see here"
/* {"version":"1.0.0","anyOf":[{"authority":"https://a.test","allOf":[{"claim":"x-ms-sgx-mrenclave",
 * "equals":"aa"}]}]} in base64url */
#define POLICY_B64                                                                     \
    "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLnRlc3QiLCJh" \
    "bGxPZiI6W3siY2xhaW0iOiJ4LW1zLXNneC1tcmVuY2xhdmUiLCJlcXVhbHMiOiJhYSJ9XX1dfQ"

static void make_things(void)
{
    console_start();
    CHECK_EQ(console_ask("author", "POST", "/keys/Bank/create" API,
                         "{\"kty\":\"RSA-HSM\",\"attributes\":{\"exportable\":true},"
                         "\"release_policy\":{\"data\":\"" POLICY_B64 "\"}}"),
             200);
    CHECK_EQ(console_ask("author", "POST", "/keys/plain/create" API, "{\"kty\":\"EC\"}"), 200);
    CHECK_EQ(console_ask("author", "PUT", "/secrets/pin" API, "{\"value\":\"" VALUE "\"}"), 200);
}

TEST(I6_keys_are_shown_without_what_is_secret)
{
    make_things();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_STR(kit_string("items.0.name"), "Bank");
    CHECK_STR(kit_string("items.0.kty"), "RSA-HSM");
    CHECK_EQ(kit_integer("items.0.size"), 2048);
    CHECK(json_is_true(kit_json("items.0.exportable")));
    CHECK_EQ(kit_integer("items.0.released"), 0);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys?limit=1", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    CHECK(kit_string("next") != NULL);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys/bank", NULL), 200);
    CHECK_STR(kit_string("release_policy.anyOf.0.authority"), "https://a.test");
    CHECK_EQ(json_array_size(kit_json("history")), 1);
    CHECK(strstr(kit_last()->body, "\"d\"") == NULL && strstr(kit_last()->body, "\"p\"") == NULL);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys/plain", NULL), 200);
    CHECK(json_is_null(kit_json("release_policy")));
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys/none", NULL), 404);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/secrets", NULL), 200);
    CHECK_STR(kit_string("items.0.name"), "pin");
    CHECK(strstr(kit_last()->body, VALUE) == NULL);
    CHECK_EQ(console_ask("admin", "GET", "/api/v1/secrets/pin", NULL), 200);
    CHECK(strstr(kit_last()->body, VALUE) == NULL);
    CHECK(kit_json("value") == NULL);
    console_stop();
}

TEST(keys_are_rotated_and_switched_off)
{
    char first[64] = "";

    make_things();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/keys/bank", NULL), 200);
    (void)snprintf(first, sizeof(first), "%s", kit_string("current"));
    CHECK_EQ(console_ask("author", "POST", "/api/v1/keys/bank/rotate", "{}"), 200);
    CHECK_EQ(kit_integer("versions"), 2);
    CHECK(strcmp(first, kit_string("current")) != 0);
    CHECK_EQ(console_ask("author", "POST", "/api/v1/keys/bank/disable", "{}"), 200);
    CHECK(json_is_false(kit_json("enabled")));
    CHECK_EQ(console_ask("author", "POST", "/api/v1/keys/bank/enable", "{}"), 200);
    CHECK(json_is_true(kit_json("enabled")));
    CHECK_EQ(console_ask("author", "POST", "/api/v1/keys/none/rotate", "{}"), 404);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/audit?action=key", NULL), 200);
    CHECK(json_array_size(kit_json("items")) >= 5);
    console_stop();
}

TEST(what_was_withheld_is_shown)
{
    make_things();
    CHECK(console_ask("client", "POST", "/keys/bank/release" API, "{\"target\":\"nonsense\"}") >=
          400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/releases", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    CHECK_STR(kit_string("items.0.kind"), "key");
    CHECK_STR(kit_string("items.0.result"), "withheld");
    CHECK_STR(kit_string("items.0.client"), "client");
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/releases?result=released", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/releases?result=perhaps", NULL), 400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/releases?to=1", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview", NULL), 200);
    CHECK_EQ(kit_integer("totals.withheld"), 1);
    CHECK_STR(kit_string("releases.0.result"), "withheld");
    console_stop();
}

TEST_MAIN
