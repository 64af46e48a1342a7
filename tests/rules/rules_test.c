/* Policies by type: defaults, versions, approval by a second person, history, drafts. */
#include <pthread.h>

#include "harness.h"

#include "rules_call_kit.h"
#include "rules_signer_kit.h"
#include "service_kit.h"
#include "store/audit.h"

#define PERMIT "version=1.0; authorizationrules { => permit(); };"
#define DENY   "version=1.0; authorizationrules { => deny(); };"
#define OTHER  "version=1.1; authorizationrules { => permit(); };"

static const struct cm_module *const modules[] = {&cm_rules_module, &rules_call_module, NULL};

TEST(every_type_has_a_policy_from_the_start)
{
    const char *type = NULL;
    const struct cm_rule_version *v = NULL;

    (void)kit_start(modules);
    for (size_t i = 0; (type = cm_rules_type_at(i)) != NULL; i++) {
        CHECK_EQ(cm_rules_active(kit_service(), type, &v), CM_OK);
        CHECK_STR(v->type, type);
        CHECK_EQ(v->version, 0);
        CHECK(v->policy != NULL && v->signer_jwk == NULL && strlen(v->hash) == 43);
        cm_rules_release(v);
    }
    CHECK(cm_rules_type("nonsense") == NULL && cm_rules_type(NULL) == NULL);
    CHECK_EQ(cm_rules_active(kit_service(), "nonsense", &v), CM_ERR_NOTFOUND);
    CHECK_STR(cm_rules_type("sevsnpVM"), "SevSnpVm");
    CHECK_EQ(cm_rules_active(kit_service(), "azureguest", &v), CM_OK);
    CHECK_STR(v->type, "AzureGuest");
    cm_rules_release(v);
    kit_stop();
}

TEST(the_default_for_tdx_has_the_hash_of_azures_documented_token)
{
    const struct cm_rule_version *v = NULL;

    (void)kit_start(modules);
    REQUIRE(cm_rules_active(kit_service(), "TdxVm", &v) == CM_OK);
    CHECK_STR(v->hash, "B56nbp5slhw66peoRYkpdq1WykMkEworvdol08hnMXE");
    cm_rules_release(v);
    kit_stop();
}

/* Whether a type's default permits a claim set of genuine evidence, and how many claims it issues. */
static bool permits(const char *type, size_t *issued)
{
    const struct cm_rule_version *v = NULL;
    struct cm_policy_claims *claims = NULL;
    struct cm_policy_outcome *outcome = NULL;
    struct cm_policy_claim claim;
    static const char text[] =
        "{\"x-ms-attestation-type\":\"sgx\",\"x-ms-sgx-is-debuggable\":false,"
        "\"x-ms-sgx-mrsigner\":\"ab\",\"x-ms-sgx-mrenclave\":\"cd\","
        "\"x-ms-sgx-product-id\":1,\"x-ms-sgx-svn\":2}";
    enum cm_status st = CM_OK;

    *issued = 0;
    if (cm_rules_active(kit_service(), type, &v) != CM_OK ||
        cm_policy_claims_create(&claims) != CM_OK ||
        cm_policy_claims_object(claims, cm_span_make(text, sizeof(text) - 1), CM_POLICY_SERVICE,
                                NULL) != CM_OK) {
        TEST_FAIL("no claims");
        return false;
    }
    st = cm_policy_evaluate(v->policy, claims, 0, &outcome);
    while (cm_policy_outcome_claim(outcome, *issued, &claim)) {
        (*issued)++;
    }
    cm_policy_outcome_free(outcome);
    cm_policy_claims_free(claims);
    cm_rules_release(v);
    return st == CM_OK;
}

TEST(defaults_permit_what_azure_permits_and_refuse_everything_else)
{
    static const struct {
        const char *type;
        bool permits;
        size_t issued;
    } expected[] = {
        {"SgxEnclave", true, 6}, {"OpenEnclave", true, 6},   {"SevSnpVm", true, 0},
        {"TdxVm", true, 0},      {"AzureGuest", false, 0},   {"Tpm", false, 0},
        {"Nitro", false, 0},     {"Gce", false, 0},          {"GcpToken", false, 0},
        {"Cca", false, 0},       {"Psa", false, 0},          {"OpTee", false, 0},
        {"Nvidia", false, 0},    {"Kbs-Resource", false, 0},
    };
    size_t count = 0;

    (void)kit_start(modules);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        size_t issued = 0;

        CHECK_STR(cm_rules_type_at(i), expected[i].type);
        CHECK_EQ(permits(expected[i].type, &issued), expected[i].permits);
        CHECK_EQ(issued, expected[i].issued);
        count++;
    }
    CHECK(cm_rules_type_at(count) == NULL);
    /* a machine that no TEE isolates comes by the same endpoint */
    CHECK(strstr(rules_text("AzureGuest"),
                 "[type==\"x-ms-isolation-tee.x-ms-attestation-type\"] => permit();") != NULL);
    CHECK(strstr(rules_text("Kbs-Resource"), "[type==\"ear.status\", value==\"affirming\"]") !=
          NULL);
    kit_stop();
}

TEST(a_policy_that_is_set_is_in_force_and_survives_a_restart)
{
    (void)kit_start(modules);
    CHECK_EQ(SET("author", "sgxenclave", PERMIT), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), PERMIT);
    CHECK_EQ(rules_version("SgxEnclave"), 1);
    CHECK_EQ(SET("author", "SgxEnclave", DENY), CM_OK);
    CHECK_EQ(rules_version("SgxEnclave"), 2);
    CHECK_EQ(rules_version("TdxVm"), 0);
    (void)kit_again();
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    CHECK_EQ(rules_version("SgxEnclave"), 2);
    CHECK_EQ(RESET("author", "SgxEnclave", NULL), CM_OK);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    kit_stop();
}

TEST(what_is_no_policy_changes_nothing)
{
    bool waits = false;

    (void)kit_start(modules);
    CHECK_EQ(SET("author", "SgxEnclave", "version=1.0; authorizationrules { => maybe(); };"),
             CM_ERR_SYNTAX);
    CHECK(kit_string("why") != NULL && kit_string("why")[0] != '\0');
    CHECK_EQ(SET("author", "SgxEnclave", ""), CM_ERR_SYNTAX);
    CHECK_EQ(SET("author", "Nonsense", PERMIT), CM_ERR_NOTFOUND);
    CHECK_EQ(SET("author", CM_RULES_MODE, PERMIT), CM_ERR_NOTFOUND);
    CHECK_EQ(SET(NULL, "SgxEnclave", PERMIT), CM_ERR_DENIED);
    CHECK_EQ(UPLOAD("author", "SgxEnclave", "eyJhbGciOiJub25lIn0.."), CM_ERR_SYNTAX);
    CHECK_EQ(UPLOAD("author", "SgxEnclave", PERMIT), CM_ERR_FORMAT);
    CHECK_EQ(RESET(NULL, "SgxEnclave", NULL), CM_ERR_DENIED);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(rules_past("SgxEnclave"), CM_OK);
    CHECK_EQ(json_array_size(kit_last()->json), 0);
    CHECK_EQ(rules_do("author", "text", "SgxEnclave", 0, PERMIT, &waits), CM_OK);
    CHECK(!waits);
    kit_stop();
}

TEST(a_policy_with_a_zero_in_it_is_refused)
{
    static const char text[] = "version=1.0; //\0 authorizationrules { => permit(); };";
    const struct cm_rule_version *v = NULL;

    CHECK_EQ(cm_rules_draft_text("SgxEnclave", cm_span_make(text, sizeof(text) - 1), &v, NULL),
             CM_ERR_FORMAT);
    CHECK(v == NULL);
}

TEST(a_token_that_sets_does_not_reset)
{
    char *set = unsigned_policy(PERMIT);

    (void)kit_start(modules);
    CHECK_EQ(UPLOAD("author", "SgxEnclave", set), CM_OK);
    CHECK_EQ(RESET("author", "SgxEnclave", set), CM_ERR_SYNTAX);
    CHECK_EQ(rules_version("SgxEnclave"), 1);
    CHECK_EQ(RESET("author", "SgxEnclave", "eyJhbGciOiJub25lIn0.."), CM_OK);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    kit_stop();
    free(set);
}

TEST(an_upload_is_kept_exactly_as_it_came)
{
    char *set = unsigned_policy(PERMIT);
    const struct cm_rule_version *v = NULL;

    (void)kit_start(modules);
    CHECK_EQ(UPLOAD("author", "TdxVm", set), CM_OK);
    REQUIRE(cm_rules_active(kit_service(), "TdxVm", &v) == CM_OK);
    CHECK_STR(v->jws, set);
    CHECK_STR(v->text, PERMIT);
    cm_rules_release(v);
    CHECK_EQ(SET("author", "TdxVm", PERMIT), CM_OK);
    REQUIRE(cm_rules_active(kit_service(), "TdxVm", &v) == CM_OK);
    CHECK_STR(v->jws, set); /* text alone is given the same token */
    cm_rules_release(v);
    kit_stop();
    free(set);
}

TEST(whoever_holds_a_version_keeps_it_while_it_is_replaced)
{
    const struct cm_rule_version *v = NULL;

    (void)kit_start(modules);
    CHECK_EQ(SET("author", "TdxVm", PERMIT), CM_OK);
    REQUIRE(cm_rules_active(kit_service(), "TdxVm", &v) == CM_OK);
    CHECK_EQ(SET("author", "TdxVm", DENY), CM_OK);
    CHECK_STR(v->text, PERMIT);
    CHECK_EQ(cm_policy_rules(v->policy), 1);
    kit_stop();
    CHECK_STR(v->text, PERMIT);
    cm_rules_release(v);
}

/* ----------------------------------------------------------------- two people */

TEST(where_two_people_are_asked_for_a_change_waits_for_the_second)
{
    bool waits = false;

    (void)kit_start(modules);
    CHECK_EQ(MODE("author", "people"), CM_ERR_DENIED);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(rules_do("author", "text", "SgxEnclave", 0, DENY, &waits), CM_OK);
    CHECK(waits);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(APPROVE("author", "SgxEnclave", 1), CM_ERR_DENIED); /* no approver */
    CHECK_EQ(APPROVE("admin", "SgxEnclave", 1), CM_ERR_DENIED);  /* neither is an admin */
    CHECK_EQ(APPROVE(NULL, "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 2), CM_ERR_NOTFOUND);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 0), CM_ERR_NOTFOUND);
    CHECK_EQ(APPROVE("approver", "sgxenclave", 1), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 1), CM_ERR_STATE);
    kit_stop();
}

TEST(an_approver_does_not_approve_his_own_change)
{
    (void)kit_start(modules);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(SET("approver", "SgxEnclave", DENY),
             CM_OK); /* the routes of the API would forbid it */
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(REJECT("approver", "SgxEnclave", 1), CM_OK); /* to take it back is his right */
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 1), CM_ERR_STATE);
    kit_stop();
}

/* Who has the roles author and approver, and a bearer token or a provider's account beside his own. */
TEST(nobody_approves_his_own_change_under_another_name)
{
    (void)kit_start(modules);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(SET("both", "SgxEnclave", DENY), CM_OK);
    CHECK_EQ(APPROVE("both", "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK_EQ(APPROVE("token:both", "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK(strstr(kit_string("why"), "bearer token") != NULL);
    CHECK_EQ(APPROVE("oidc:both", "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK(strstr(kit_string("why"), "may not write") != NULL);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(APPROVE("oidc:approver", "SgxEnclave", 1), CM_OK);

    CHECK_EQ(SET("token:both", "SgxEnclave", PERMIT), CM_OK); /* and the other way round */
    CHECK_EQ(APPROVE("both", "SgxEnclave", 2), CM_ERR_DENIED);
    CHECK_EQ(APPROVE("oidc:both", "SgxEnclave", 2), CM_ERR_DENIED);
    CHECK_EQ(rules_version("SgxEnclave"), 1);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 2), CM_OK);

    CHECK_EQ(SET("author", "SgxEnclave", DENY),
             CM_OK); /* two people of one kind, whatever they may */
    CHECK_EQ(REJECT("token:both", "SgxEnclave", 3), CM_OK); /* to refuse puts nothing in force */
    CHECK_EQ(SET("author", "SgxEnclave", OTHER), CM_OK);
    CHECK_EQ(APPROVE("both", "SgxEnclave", 4), CM_OK);
    kit_stop();
}

TEST(what_was_rejected_or_overtaken_cannot_be_approved)
{
    (void)kit_start(modules);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    CHECK_EQ(REJECT("approver", "SgxEnclave", 1), CM_OK);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 1), CM_ERR_STATE);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    CHECK_EQ(SET("author", "SgxEnclave", OTHER), CM_OK);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 2), CM_ERR_STATE);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 3), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), OTHER);
    CHECK_EQ(RESET("author", "SgxEnclave", NULL), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), OTHER);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 1), CM_OK); /* overtakes the reset */
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 4), CM_ERR_STATE);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 5), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), PERMIT);
    kit_stop();
}

TEST(it_takes_two_to_ask_for_less_than_two)
{
    bool waits = false;
    struct cm_rules_mode mode;

    (void)kit_start(modules);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(rules_do("admin", "mode", "-", 0, "", &waits), CM_OK);
    CHECK(waits);
    cm_rules_mode(kit_service(), &mode);
    CHECK(mode.two_people);
    CHECK_EQ(APPROVE("admin", CM_RULES_MODE, 2), CM_ERR_DENIED);
    CHECK_EQ(APPROVE("approver", CM_RULES_MODE, 2), CM_OK);
    cm_rules_mode(kit_service(), &mode);
    CHECK(!mode.two_people);
    CHECK_EQ(rules_do("author", "text", "SgxEnclave", 0, DENY, &waits), CM_OK);
    CHECK(!waits);
    kit_stop();
}

TEST(what_is_trusted_beside_policies_is_an_admins_to_change_where_two_are_asked_for)
{
    (void)kit_start(modules);
    CHECK_EQ(TRUST("author"), CM_OK);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(TRUST("author"), CM_ERR_DENIED);
    CHECK_STR(kit_string("why"), "while policies must be approved by a second person, only an admin"
                                 " changes what the test trusts, which are not");
    CHECK_EQ(TRUST("both"), CM_ERR_DENIED);
    CHECK_EQ(TRUST(NULL), CM_ERR_DENIED);
    CHECK_EQ(TRUST("admin"), CM_OK);
    CHECK_EQ(MODE("admin", ""), CM_OK);
    CHECK_EQ(TRUST("author"), CM_ERR_DENIED); /* that waits, too */
    CHECK_EQ(APPROVE("approver", CM_RULES_MODE, 2), CM_OK);
    CHECK_EQ(TRUST("author"), CM_OK);
    kit_stop();
}

/* -------------------------------------------------------------------- history */

TEST(the_history_says_who_did_what_and_when)
{
    (void)kit_start(modules);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    kit_step_clock(60);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(SET("admin", "SgxEnclave", DENY), CM_OK);
    kit_step_clock(60);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 2), CM_OK);
    REQUIRE(rules_past("SgxEnclave") == CM_OK);
    CHECK_EQ(json_array_size(kit_last()->json), 2);
    CHECK_EQ(kit_integer("0.version"), 2);
    CHECK_STR(kit_string("0.state"), "active");
    CHECK_STR(kit_string("0.author"), "admin");
    CHECK_STR(kit_string("0.approver"), "approver");
    CHECK_EQ(kit_integer("0.decided_at") - kit_integer("0.time"), 60);
    CHECK_STR(kit_string("0.text"), DENY);
    CHECK_STR(kit_string("1.state"), "replaced");
    CHECK_STR(kit_string("1.author"), "author");
    CHECK_STR(kit_string("1.comment"), "by a test");
    CHECK(json_is_false(kit_json("1.signed")) && json_is_null(kit_json("1.approver")));
    /* the way back to the default waits like any other, and is "reset" once it is in force */
    CHECK_EQ(RESET("author", "SgxEnclave", NULL), CM_OK);
    REQUIRE(rules_past("SgxEnclave") == CM_OK);
    CHECK_STR(kit_string("0.state"), "waiting");
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 3), CM_OK);
    REQUIRE(rules_past("SgxEnclave") == CM_OK);
    CHECK_STR(kit_string("0.state"), "reset");
    CHECK_STR(kit_string("1.state"), "replaced");
    REQUIRE(rules_past(CM_RULES_MODE) == CM_OK);
    CHECK_EQ(json_array_size(kit_last()->json), 1);
    CHECK_EQ(rules_past("nonsense"), CM_ERR_NOTFOUND);
    kit_stop();
}

TEST(an_older_version_is_put_in_force_again_as_a_new_one)
{
    (void)kit_start(modules);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    CHECK_EQ(SET("author", "SgxEnclave", DENY), CM_OK);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 2), CM_ERR_STATE);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 7), CM_ERR_NOTFOUND);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 0), CM_ERR_NOTFOUND);
    CHECK_EQ(RESTORE("author", "TdxVm", 1), CM_ERR_NOTFOUND);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 1), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), PERMIT);
    CHECK_EQ(rules_version("SgxEnclave"), 3);
    REQUIRE(rules_past("SgxEnclave") == CM_OK);
    CHECK_STR(kit_string("0.comment"), "version 1 again");
    kit_stop();
}

static bool count_audit(void *arg, const struct cm_audit_record *record)
{
    int *counts = arg;

    counts[0] += strcmp(record->action, "policy.set") == 0 && strcmp(record->actor, "author") == 0;
    counts[1] += strcmp(record->action, "policy.reset") == 0;
    counts[2] += strcmp(record->action, "policy.mode") == 0 && strcmp(record->actor, "admin") == 0;
    return true;
}

TEST(every_change_is_in_the_audit_log_and_a_refused_one_is_not)
{
    struct cm_db *db = NULL;
    int counts[3] = {0, 0, 0};

    (void)kit_start(modules);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    CHECK_EQ(SET("author", "SgxEnclave", "nonsense"), CM_ERR_SYNTAX);
    CHECK_EQ(RESET("author", "SgxEnclave", NULL), CM_OK);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    REQUIRE(cm_db_open(kit_store(), &db, NULL) == CM_OK);
    CHECK_EQ(cm_audit_read(db, 0, count_audit, counts, NULL), CM_OK);
    cm_db_close(db);
    CHECK_EQ(counts[0], 1);
    CHECK_EQ(counts[1], 1);
    CHECK_EQ(counts[2], 1);
    kit_stop();
}

static void on_store(const char *sql)
{
    struct cm_db *db = NULL;

    if (cm_db_open(kit_store(), &db, NULL) != CM_OK ||
        cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), NULL) != CM_OK) {
        TEST_FAIL("store: %s", sql);
    }
    cm_db_close(db);
}

TEST(while_a_change_cannot_be_read_nothing_is_in_force)
{
    const struct cm_rule_version *v = NULL;
    struct cm_why why = {""};

    (void)kit_start(modules);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);
    on_store("ALTER TABLE policy RENAME TO hidden");
    cm_service_tick(kit_service());
    CHECK_EQ(cm_rules_active(kit_service(), "SgxEnclave", &v), CM_ERR_BUSY);
    CHECK(v == NULL);
    CHECK(!cm_rules_module.ready(cm_service_module(kit_service(), "rules"), &why));
    on_store("ALTER TABLE hidden RENAME TO policy");
    cm_service_tick(kit_service());
    CHECK_STR(rules_text("SgxEnclave"), PERMIT);
    CHECK(cm_rules_module.ready(cm_service_module(kit_service(), "rules"), &why));
    kit_stop();
}

TEST(another_instance_of_the_same_store_follows)
{
    const struct kit_options one = {.modules = modules};
    struct kit *first = kit_open(&one);
    const struct kit_options two = {.modules = modules, .store = kit_store()};
    struct kit *second = kit_open(&two);

    kit_use(first);
    CHECK_EQ(SET("author", "SgxEnclave", DENY), CM_OK);
    kit_use(second);
    cm_service_tick(kit_service());
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    kit_close(second);
    kit_close(first);
}

struct writer {
    int64_t base;
    int good;
    int late;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    char path[128] = "";
    int status = 0;

    (void)snprintf(path, sizeof(path), "/rules/text/SgxEnclave/0?base=%lld", (long long)w->base);
    status =
        kit_ask("POST", path, "author", "text/plain", cm_span_make(PERMIT, strlen(PERMIT)), NULL)
            ->status;
    w->good = status == 200;
    w->late = status == 400 + CM_ERR_STATE;
    return NULL;
}

/* The attack on each other's work: several saw the same version and change it at once. One does; the others look again. */
TEST(of_writers_who_saw_the_same_version_one_writes)
{
    enum { WRITERS = 4, ROUNDS = 5 };

    (void)kit_start(modules);
    for (int64_t round = 0; round < ROUNDS; round++) {
        struct writer writers[WRITERS];
        pthread_t threads[WRITERS];
        int good = 0;
        int late = 0;

        for (size_t i = 0; i < WRITERS; i++) {
            writers[i] = (struct writer){.base = round};
            REQUIRE(pthread_create(&threads[i], NULL, write_on, &writers[i]) == 0);
        }
        for (size_t i = 0; i < WRITERS; i++) {
            (void)pthread_join(threads[i], NULL);
            good += writers[i].good;
            late += writers[i].late;
        }
        CHECK_EQ(good, 1);
        CHECK_EQ(late, WRITERS - 1);
        CHECK_EQ(rules_version("SgxEnclave"), round + 1);
    }
    kit_stop();
}

TEST_MAIN
