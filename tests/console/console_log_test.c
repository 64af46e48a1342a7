/* What was decided, by the dashboard's API: overview, log, explanation, other policies, inventory. */
#include "harness.h"

#include "console_kit.h"

#define REFUSE "version=1.0;authorizationrules { => deny(); };issuancerules {};"
#define PERMIT1                                                                             \
    "version=1.0;authorizationrules { [type==\\\"x-ms-sgx-mrenclave\\\", value==\\\""       \
    "1111111111111111111111111111111111111111111111111111111111111111\\\"] => permit(); };" \
    "issuancerules {};"
#define SGX "/api/v1/policies/SgxEnclave"

/* Two accepted of one enclave, and one refused of another. */
static void attest_three(void)
{
    console_start();
    CHECK_EQ(console_attest(0x11), 200);
    CHECK_EQ(console_attest(0x11), 200);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"" REFUSE "\"}"), 200);
    CHECK(console_attest(0x22) != 200);
}

TEST(overview_says_how_it_does)
{
    attest_three();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview?minutes=60", NULL), 200);
    CHECK_EQ(kit_integer("now"), (int64_t)kit_now());
    CHECK_STR(kit_string("service.public_url"), kit_url());
    CHECK(json_is_true(kit_json("service.emulated")));
    CHECK(json_is_true(kit_json("service.ready")));
    CHECK_STR(kit_string("service.store"),
              getenv("CM_TEST_STORE") == NULL ? "sqlite" : "postgresql");
    CHECK_EQ(json_array_size(kit_json("service.signers")), 3);
    CHECK_STR(kit_string("service.signers.0.use"), "token");
    CHECK_STR(kit_string("service.signers.0.alg"), "RS256");
    CHECK(kit_integer("service.signers.0.created_at") <= (int64_t)kit_now());
    CHECK_EQ(strlen(kit_string("service.tls.ca_sha256")), 64);
    CHECK(json_is_null(kit_json("service.tls.not_after"))); /* the kit's own certificate */
    CHECK_STR(kit_string("service.evidence.state"), "none");
    CHECK_EQ(kit_integer("totals.accepted"), 2);
    CHECK_EQ(kit_integer("totals.refused"), 1);
    CHECK_EQ(kit_integer("totals.released"), 0);
    CHECK_EQ(kit_integer("totals.withheld"), 0);
    CHECK_EQ(kit_integer("rate.step_s"), 60);
    CHECK_EQ(json_array_size(kit_json("rate.series.0.accepted")), 60);
    CHECK_EQ(json_array_size(kit_json("reasons")), 1);
    CHECK_STR(kit_string("reasons.0.stage"), "policy");
    CHECK(json_array_size(kit_json("collateral")) > 0);
    CHECK(json_is_array(kit_json("releases")));
    CHECK(json_is_array(kit_json("alerts")));
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview?minutes=14", NULL), 400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview?minutes=x", NULL), 400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview?minutes=1440", NULL), 200);
    CHECK_EQ(kit_integer("rate.step_s"), 600);
    console_stop();
}

TEST(what_waits_and_what_is_stale_is_an_alert)
{
    bool waiting = false;
    bool stale = false;

    attest_three();
    CHECK_EQ(console_ask("admin", "PUT", "/api/v1/settings/policies",
                         "{\"approval\":true,\"signed\":false}"),
             200);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":1,\"text\":\"" PERMIT1 "\"}"), 200);
    kit_step_clock(3650 * 86400L);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/overview", NULL), 200);
    for (size_t i = 0; i < json_array_size(kit_json("alerts")); i++) {
        const json_t *a = json_array_get(kit_json("alerts"), i);
        const char *code = json_string_value(json_object_get(a, "code"));

        REQUIRE(code != NULL);
        waiting =
            waiting || (strcmp(code, "policy.waiting") == 0 &&
                        strcmp(json_string_value(json_object_get(a, "object")), "SgxEnclave") == 0);
        stale = stale || strcmp(code, "collateral.stale") == 0;
        if (i == 0) {
            CHECK_STR(json_string_value(json_object_get(a, "severity")), "critical");
        }
    }
    CHECK(waiting);
    CHECK(stale);
    kit_step_clock(-3650 * 86400L);
    console_stop();
}

TEST(log_is_searched_and_explained)
{
    char id[80] = "";
    char path[160] = "";

    attest_three();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 3);
    CHECK_STR(kit_string("tees.0"), "sgx");
    CHECK_STR(kit_string("items.0.result"), "refused");
    CHECK_STR(kit_string("items.0.stage"), "policy");
    (void)snprintf(id, sizeof(id), "%s", kit_string("items.0.id"));
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations?result=accepted&limit=1", NULL),
             200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    CHECK(kit_string("next") != NULL);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations?measurement=2222", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations?measurement=x", NULL), 400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations?to=5", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
    (void)snprintf(path, sizeof(path), "/api/v1/attestations/%s", id);
    CHECK_EQ(console_ask("auditor", "GET", path, NULL), 200);
    CHECK_STR(kit_string("id"), id);
    CHECK(json_array_size(kit_json("evidence.submods.0.checks")) > 3);
    CHECK_STR(kit_string("policy.text"), REFUSE);
    CHECK_EQ(kit_integer("policy.version"), 1);
    CHECK(json_is_false(kit_json("outcome.permitted")));
    CHECK(json_is_true(kit_json("replayable")));
    CHECK(json_is_null(kit_json("claims")));
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations/ffff", NULL), 404);
    console_stop();
}

TEST(another_policy_is_asked_about_what_was_recorded)
{
    char path[160] = "";

    attest_three();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations", NULL), 200);
    (void)snprintf(path, sizeof(path), "/api/v1/attestations/%s/replay", kit_string("items.0.id"));
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\",\"version\":0}"), 200);
    CHECK_STR(kit_string("result"), "accepted");
    CHECK(json_is_true(kit_json("changed")));
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\",\"version\":1}"), 200);
    CHECK_STR(kit_string("result"), "refused");
    CHECK(json_is_false(kit_json("changed")));
    CHECK_EQ(
        console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\",\"text\":\"" PERMIT1 "\"}"),
        200);
    CHECK_STR(kit_string("result"), "refused");
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\",\"text\":\"x\"}"), 400);
    CHECK_STR(kit_string("error.code"), "PolicySyntax");
    CHECK_EQ(kit_integer("error.line"), 1);
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\",\"version\":7}"), 404);
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"SgxEnclave\"}"), 400);
    CHECK_EQ(console_ask("auditor", "POST", path, "{\"type\":\"Nothing\",\"version\":0}"), 400);
    CHECK_EQ(console_ask("auditor", "POST", SGX "/what-if", "{\"text\":\"" PERMIT1 "\"}"), 200);
    CHECK_EQ(kit_integer("checked"), 3);
    CHECK_EQ(kit_integer("newly_accepted"), 0);
    CHECK_EQ(kit_integer("newly_refused"), 0);
    CHECK_EQ(kit_integer("unchanged"), 3);
    CHECK_EQ(
        console_ask("auditor", "POST", SGX "/what-if",
                    "{\"text\":\"version=1.0;authorizationrules { => permit(); };issuancerules "
                    "{};\",\"count\":10}"),
        200);
    CHECK_EQ(kit_integer("newly_accepted"), 1);
    CHECK_STR(kit_string("items.0.before"), "refused");
    CHECK_STR(kit_string("items.0.after"), "accepted");
    CHECK_EQ(console_ask("auditor", "POST", SGX "/what-if", "{\"text\":\"x\"}"), 400);
    CHECK_EQ(
        console_ask("auditor", "POST", SGX "/what-if", "{\"text\":\"" REFUSE "\",\"count\":0}"),
        400);
    CHECK_EQ(
        console_ask("auditor", "POST", SGX "/what-if", "{\"text\":\"" REFUSE "\",\"count\":1001}"),
        400);
    /* nothing was recorded, nothing was set */
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/attestations", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 3);
    console_stop();
}

TEST(inventory_says_what_attested_and_drafts_trust)
{
    char id[400] = "";
    char path[512] = "";

    attest_three();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/inventory", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/inventory?q=2222", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    CHECK_EQ(kit_integer("items.0.refused"), 1);
    (void)snprintf(id, sizeof(id), "%s", kit_string("items.0.id"));
    (void)snprintf(path, sizeof(path), "/api/v1/inventory/%s", id);
    CHECK_EQ(console_ask("auditor", "GET", path, NULL), 200);
    CHECK_EQ(json_array_size(kit_json("recent")), 1);
    CHECK_EQ(json_array_size(kit_json("siblings")), 1);
    (void)snprintf(path, sizeof(path), "/api/v1/inventory/%s/trust", id);
    CHECK_EQ(console_ask("author", "POST", path, "{}"), 200);
    CHECK_STR(kit_string("type"), "SgxEnclave");
    CHECK_EQ(kit_integer("base"), 1);
    CHECK(strstr(kit_string("text"), "2222222222") != NULL);
    CHECK_EQ(console_ask("author", "POST", path, "{\"type\":\"Nothing\"}"), 400);
    CHECK_EQ(console_ask("auditor", "POST", path, "{}"), 403);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/inventory/none", NULL), 404);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/platforms", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    console_stop();
}

TEST(collateral_goes_from_one_service_to_another)
{
    char *all = NULL;

    attest_three();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/collateral", NULL), 200);
    CHECK(json_array_size(kit_json("items")) > 0);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/collateral/export", NULL), 200);
    all = strdup(kit_last()->body);
    REQUIRE(all != NULL);
    CHECK_EQ(console_ask("author", "POST", "/api/v1/collateral/import", all), 403);
    CHECK_EQ(console_ask("admin", "POST", "/api/v1/collateral/import", all), 200);
    CHECK_EQ(console_ask("admin", "POST", "/api/v1/collateral/import", "{\"x\":1}"), 400);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/audit?action=collateral", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 1);
    free(all);
    console_stop();
}

TEST_MAIN
