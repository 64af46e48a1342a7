/* Decisions of a service: the log and what explains it, what-if, inventory; over both kinds of store. */
#include "decide_service_kit.h"

static const char deny_all[] = "version=1.0; authorizationrules { => deny(); };";

static struct cm_policy *policy_of(const char *text)
{
    struct cm_policy *p = NULL;

    if (cm_policy_parse(cm_span_make(text, strlen(text)), &p, NULL) != CM_OK) {
        abort();
    }
    return p;
}

/* Three enclaves: of the signer, of another one, and a debug enclave. */
static void attest_three(char ids[3][65])
{
    struct decide_enclave e = decide_enclave();

    CHECK_EQ(SET("admin", "SgxEnclave", PERMIT_SIGNER), CM_OK);
    CHECK_EQ(attest(&e, "alice", ids[0]), CM_OK);
    kit_step_clock(1);
    e.mrsigner = 0x11;
    CHECK_EQ(attest(&e, "bob", ids[1]), CM_ERR_POLICY);
    kit_step_clock(1);
    e = decide_enclave();
    e.debug = true;
    CHECK_EQ(attest(&e, "alice", ids[2]), CM_ERR_POLICY);
}

TEST(the_log_is_searched)
{
    char ids[3][65] = {""};
    json_t *page = NULL;
    json_t *item = NULL;
    const uint64_t start = (uint64_t)time(NULL);

    begin();
    attest_three(ids);
    page = log_of(&(struct cm_log_query){.limit = 2});
    CHECK_EQ(json_array_size(json_object_get(page, "items")), 2);
    item = json_array_get(json_object_get(page, "items"), 0);
    CHECK_STR(text_at(item, "id"), ids[2]);
    CHECK_STR(text_at(item, "result"), "refused");
    CHECK_STR(text_at(item, "stage"), "evidence");
    CHECK_STR(text_at(item, "tee"), "sgx");
    CHECK_STR(text_at(item, "measurement_label"), "mrenclave");
    CHECK(json_is_null(json_object_get(item, "policy_version")));
    item = json_array_get(json_object_get(page, "items"), 1);
    CHECK_STR(text_at(item, "stage"), "policy");
    CHECK_STR(text_at(item, "policy_type"), "SgxEnclave");
    CHECK_EQ(int_at(item, "policy_version"), 1);
    CHECK(json_is_true(json_object_get(item, "emulated")));
    {
        const struct cm_log_query next = {.limit = 2, .cursor = text_at(page, "next")};
        json_t *rest = log_of(&next);

        CHECK_EQ(json_array_size(json_object_get(rest, "items")), 1);
        CHECK_STR(text_at(json_array_get(json_object_get(rest, "items"), 0), "id"), ids[0]);
        CHECK(json_is_null(json_object_get(rest, "next")));
        json_decref(rest);
    }
    json_decref(page);
    CHECK_EQ(found(&(struct cm_log_query){.result = "refused"}), 2);
    CHECK_EQ(found(&(struct cm_log_query){.result = "accepted"}), 1);
    CHECK_EQ(found(&(struct cm_log_query){.client = "alice"}), 2);
    CHECK_EQ(found(&(struct cm_log_query){.client = "alice", .result = "refused"}), 1);
    CHECK_EQ(found(&(struct cm_log_query){.measurement = "e1e1e1e1"}), 3);
    CHECK_EQ(found(&(struct cm_log_query){.measurement = "e1e1e1e2"}), 0);
    CHECK_EQ(found(&(struct cm_log_query){.text = "DEBUG"}) +
                 found(&(struct cm_log_query){.text = "debug"}),
             getenv("CM_TEST_STORE") == NULL ? 2 : 1);       /* SQLite's LIKE takes either case */
    CHECK_EQ(found(&(struct cm_log_query){.text = "%"}), 0); /* text, not a pattern */
    CHECK_EQ(found(&(struct cm_log_query){.text = ids[1]}), 1);
    CHECK_EQ(found(&(struct cm_log_query){.tee = "tdx"}), 0);
    CHECK_EQ(found(&(struct cm_log_query){.api = "test", .policy_type = "SgxEnclave"}), 2);
    CHECK_EQ(found(&(struct cm_log_query){.from = start + 3600}), 0);
    CHECK_EQ(found(&(struct cm_log_query){.to = start - 3600}), 0);
    CHECK_EQ(found(&(struct cm_log_query){.from = start - 60, .to = start + 60}), 3);
    kit_stop();
}

TEST(an_entry_is_explained)
{
    char ids[3][65] = {""};
    json_t *one = NULL;
    struct cm_db *db = NULL;

    begin();
    attest_three(ids);
    again(); /* what explains it is in the store */
    db = reader();
    REQUIRE(cm_decide_explain(db, ids[0], &one, NULL) == CM_OK);
    CHECK_STR(text_at(one, "format"), "dcap");
    CHECK(int_at(one, "evidence_size") > 1000);
    CHECK_STR(text_at(json_object_get(one, "claims"), "jti"), ids[0]);
    CHECK(json_is_true(json_object_get(json_object_get(one, "outcome"), "permitted")));
    CHECK_STR(text_at(json_object_get(one, "policy"), "type"), "SgxEnclave");
    CHECK(json_is_true(json_object_get(one, "replayable")));
    CHECK_EQ(json_array_size(json_object_get(json_object_get(one, "evidence"), "submods")), 1);
    json_decref(one);
    REQUIRE(cm_decide_explain(db, ids[1], &one, NULL) == CM_OK);
    CHECK(json_is_false(json_object_get(json_object_get(one, "outcome"), "permitted")));
    CHECK(json_is_null(json_object_get(one, "claims")));
    json_decref(one);
    REQUIRE(cm_decide_explain(db, ids[2], &one, NULL) == CM_OK);
    CHECK(json_is_null(json_object_get(one, "outcome")));
    CHECK(json_is_null(json_object_get(one, "policy")));
    CHECK(json_is_false(json_object_get(one, "replayable")));
    json_decref(one);
    ids[0][0] = ids[0][0] == 'a' ? 'b' : 'a';
    CHECK_EQ(cm_decide_explain(db, ids[0], &one, NULL), CM_ERR_NOTFOUND);
    CHECK_EQ(cm_decide_explain(db, "x' OR 1=1", &one, NULL), CM_ERR_NOTFOUND);
    cm_db_close(db);
    kit_stop();
}

TEST(alike_explanations_are_written_once)
{
    struct decide_enclave e = decide_enclave();
    struct cm_db *db = NULL;
    json_t *one = NULL;
    char id[65] = "";

    begin();
    for (int i = 0; i < 20; i++) {
        memset(e.report_data, i, sizeof(e.report_data));
        CHECK_EQ(attest(&e, "alice", id), CM_OK);
    }
    db = reader();
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_base"), 1);
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation WHERE length(delta) > 2000"), 0);
    REQUIRE(cm_decide_explain(db, id, &one, NULL) == CM_OK); /* and each is its own */
    {
        char *text = json_dumps(one, JSON_COMPACT);

        CHECK(strstr(text, "13131313131313131313") != NULL);
        CHECK(strstr(text, "12121212121212121212") == NULL);
        free(text);
    }
    json_decref(one);
    cm_db_close(db);
    kit_stop();
}

TEST(another_policy_is_asked_about_what_was)
{
    char ids[3][65] = {""};
    json_t *out = NULL;
    struct cm_policy *deny = policy_of(deny_all);
    struct cm_policy *permit = policy_of("version=1.0; authorizationrules { => permit(); };");
    struct cm_db *db = NULL;
    struct cm_decide_try with = {deny, true};

    begin();
    attest_three(ids);
    db = reader();
    REQUIRE(cm_decide_what_if(db, "sgxenclave", 100, &with, &out, NULL) == CM_OK);
    CHECK_EQ(int_at(out, "checked"), 2); /* the debug enclave was asked no policy */
    CHECK_EQ(int_at(out, "newly_refused"), 1);
    CHECK_EQ(int_at(out, "newly_accepted"), 0);
    CHECK_EQ(int_at(out, "unchanged"), 1);
    CHECK_STR(text_at(json_array_get(json_object_get(out, "items"), 0), "id"), ids[0]);
    CHECK_STR(text_at(json_array_get(json_object_get(out, "items"), 0), "after"), "refused");
    json_decref(out);
    with.policy = permit;
    REQUIRE(cm_decide_what_if(db, "SgxEnclave", 100, &with, &out, NULL) == CM_OK);
    CHECK_EQ(int_at(out, "newly_accepted"), 1);
    json_decref(out);
    with.accept_emulated = false; /* and no policy makes an emulator's evidence count by silence */
    REQUIRE(cm_decide_what_if(db, "SgxEnclave", 100, &with, &out, NULL) == CM_OK);
    CHECK_EQ(int_at(out, "newly_accepted"), 0);
    CHECK_EQ(int_at(out, "newly_refused"), 1);
    json_decref(out);
    with.accept_emulated = true;
    REQUIRE(cm_decide_replay(db, ids[1], &with, &out, NULL) == CM_OK);
    CHECK_STR(text_at(out, "result"), "accepted");
    CHECK(json_is_true(json_object_get(out, "changed")));
    CHECK(json_is_object(json_object_get(out, "outcome")));
    json_decref(out);
    CHECK_EQ(cm_decide_replay(db, ids[2], &with, &out, NULL), CM_ERR_STATE);
    CHECK_EQ(cm_decide_what_if(db, "nothing", 10, &with, &out, NULL), CM_ERR_NOTFOUND);
    CHECK_EQ(cm_decide_what_if(db, "SgxEnclave", 1001, &with, &out, NULL), CM_ERR_PARAM);
    cm_db_close(db);
    kit_stop();
    cm_policy_free(deny);
    cm_policy_free(permit);
}

TEST(what_attested_is_in_the_inventory)
{
    char ids[3][65] = {""};
    json_t *out = NULL;
    json_t *item = NULL;
    struct cm_db *db = NULL;
    char id[300] = "";

    begin();
    attest_three(ids);
    REQUIRE(cm_decide_settle(kit_service(), NULL) == CM_OK);
    db = reader();
    REQUIRE(cm_decide_inventory(kit_service(), db, &(struct cm_inventory_query){.limit = 0}, &out,
                                NULL) == CM_OK);
    /* the debug enclave was not genuine: it could be anybody's invention */
    CHECK_EQ(json_array_size(json_object_get(out, "items")), 2);
    item = json_array_get(json_object_get(out, "items"), 1);
    CHECK_STR(text_at(item, "signer"), SIGNER);
    CHECK_STR(text_at(item, "tcb_status"), "UpToDate");
    CHECK_EQ(int_at(item, "accepted"), 1);
    CHECK_EQ(int_at(item, "refused"), 0);
    CHECK_EQ(int_at(item, "svn"), 3);
    CHECK_EQ(int_at(item, "product_id"), 7);
    (void)snprintf(id, sizeof(id), "%s",
                   text_at(json_array_get(json_object_get(out, "items"), 0), "id"));
    json_decref(out);
    REQUIRE(cm_decide_inventory(kit_service(), db, &(struct cm_inventory_query){.text = "e2e2"},
                                &out, NULL) == CM_OK);
    CHECK_EQ(json_array_size(json_object_get(out, "items")), 1);
    json_decref(out);
    REQUIRE(cm_decide_inventory_one(kit_service(), db, id, &out, NULL) == CM_OK);
    CHECK_EQ(json_array_size(json_object_get(out, "recent")), 3);
    CHECK_EQ(json_array_size(json_object_get(out, "platforms")), 1);
    CHECK_EQ(json_array_size(json_object_get(out, "trusted_by")), 0);
    json_decref(out);
    REQUIRE(cm_decide_platforms(db, &out, NULL) == CM_OK);
    item = json_array_get(json_object_get(out, "items"), 0);
    CHECK_STR(text_at(item, "name"), "fmspc");
    CHECK_EQ(int_at(item, "count"), 2);
    json_decref(out);
    CHECK_EQ(cm_decide_inventory_one(kit_service(), db, "zz.", &out, NULL), CM_ERR_NOTFOUND);
    cm_db_close(db);
    kit_stop();
}

static enum cm_status draft(struct cm_db *db, const char *id, bool fresh, json_t **out)
{
    const struct cm_trust_ask ask = {id, fresh ? "SgxEnclave" : NULL, fresh};

    return cm_decide_trust(kit_service(), db, &ask, out, NULL);
}

TEST(a_measurement_is_trusted_by_a_draft)
{
    struct decide_enclave other = decide_enclave();
    char ids[3][65] = {""};
    json_t *out = NULL;
    json_t *drafted = NULL;
    struct cm_db *db = NULL;
    char id[300] = "";

    begin();
    attest_three(ids);
    other.mrsigner = 0x11;
    REQUIRE(cm_decide_settle(kit_service(), NULL) == CM_OK);
    db = reader();
    (void)snprintf(id, sizeof(id), "%.64s.%.64s",
                   "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1",
                   "1111111111111111111111111111111111111111111111111111111111111111");
    REQUIRE(draft(db, id, false, &drafted) == CM_OK);
    CHECK_STR(text_at(drafted, "type"), "SgxEnclave");
    CHECK_EQ(int_at(drafted, "base"), 1);
    CHECK(strstr(text_at(drafted, "text"), SIGNER) != NULL); /* what was permitted still is */
    CHECK_EQ(attest(&other, "bob", NULL), CM_ERR_POLICY);    /* nothing was set */
    CHECK_EQ(SET("admin", "SgxEnclave", text_at(drafted, "text")), CM_OK);
    CHECK_EQ(attest(&other, "bob", NULL), CM_OK);
    CHECK_EQ(draft(db, id, false, &out), CM_ERR_EXISTS);
    REQUIRE(draft(db, id, true, &out) == CM_OK);
    CHECK(strstr(text_at(out, "text"), SIGNER) == NULL);
    CHECK_EQ(int_at(out, "line"), 4);
    CHECK_EQ(SET("admin", "SgxEnclave", text_at(out, "text")), CM_OK);
    CHECK_EQ(attest(&other, "bob", NULL), CM_OK);
    json_decref(out);
    json_decref(drafted);
    /* a rule without its semicolon, and no section at all */
    CHECK_EQ(SET("admin", "SgxEnclave", "version=1.0; authorizationrules { => deny() }; "), CM_OK);
    CHECK_EQ(draft(db, id, false, &out), CM_OK);
    json_decref(out);
    CHECK_EQ(SET("admin", "SgxEnclave", "version=1.0; issuancerules { };"), CM_OK);
    CHECK_EQ(draft(db, id, false, &out), CM_OK);
    CHECK_EQ(SET("admin", "SgxEnclave", text_at(out, "text")), CM_OK);
    CHECK_EQ(attest(&other, "bob", NULL), CM_OK);
    json_decref(out);
    cm_db_close(db);
    kit_stop();
}

TEST(the_overview_counts)
{
    char ids[3][65] = {""};
    json_t *out = NULL;
    json_t *rate = NULL;
    struct cm_db *db = NULL;

    begin();
    attest_three(ids);
    REQUIRE(cm_decide_settle(kit_service(), NULL) == CM_OK);
    db = reader();
    REQUIRE(cm_decide_overview(kit_service(), db, 60, &out, NULL) == CM_OK);
    CHECK_EQ(int_at(json_object_get(out, "totals"), "accepted"), 1);
    CHECK_EQ(int_at(json_object_get(out, "totals"), "refused"), 2);
    rate = json_object_get(out, "rate");
    CHECK_EQ(int_at(rate, "step_s"), 60);
    CHECK_EQ(json_array_size(json_object_get(rate, "p50_ms")), 60);
    CHECK_EQ(json_array_size(
                 json_object_get(json_array_get(json_object_get(rate, "series"), 0), "refused")),
             60);
    CHECK_EQ(json_array_size(json_object_get(out, "reasons")), 2);
    CHECK_EQ(json_array_size(json_object_get(out, "collateral")), 4);
    CHECK_STR(text_at(json_array_get(json_object_get(out, "collateral"), 0), "state"), "fresh");
    json_decref(out);
    REQUIRE(cm_decide_overview(kit_service(), db, 1440, &out, NULL) == CM_OK);
    CHECK_EQ(json_array_size(json_object_get(json_object_get(out, "rate"), "p50_ms")), 144);
    json_decref(out);
    CHECK_EQ(cm_decide_overview(kit_service(), db, 14, &out, NULL), CM_ERR_PARAM);
    REQUIRE(cm_decide_baselines(kit_service(), "sgxenclave", &out, NULL) == CM_OK);
    CHECK_EQ(json_array_size(json_object_get(out, "tcbBaselines")), 1);
    json_decref(out);
    cm_db_close(db);
    kit_stop();
}

TEST(old_rows_are_retired)
{
    char ids[3][65] = {""};
    struct cm_db *db = NULL;

    begin();
    attest_three(ids);
    db = reader();
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 3);
    kit_step_clock(89 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 3);
    CHECK(kit_count(db, "SELECT COUNT(*) FROM attestation_base") > 0);
    kit_step_clock(2 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 0);
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_minute"), 0);
    cm_db_close(db);
    kit_stop();
}

static unsigned rows;

static void with_rows(struct cm_service_config *config)
{
    config->attestation_rows = rows;
}

static void begin_with_rows(unsigned n)
{
    rows = n;
    kit_tune = with_rows;
    begin();
    kit_tune = NULL;
}

TEST(the_newest_rows_stay)
{
    struct decide_enclave e = decide_enclave();
    char id[65] = "";
    struct cm_db *db = NULL;
    json_t *one = NULL;

    begin_with_rows(3);
    for (int i = 0; i < 7; i++) {
        CHECK_EQ(attest(&e, "alice", id), CM_OK);
    }
    db = reader();
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 3);
    CHECK_EQ(cm_decide_explain(db, id, &one, NULL), CM_OK); /* with what explains it */
    CHECK(json_is_object(json_object_get(one, "evidence")));
    json_decref(one);
    cm_db_close(db);
    kit_stop();
}

static void as_configured(struct cm_service_config *config)
{
    config->attestation_days = 2;
    config->attestation_rows = 12;
}

TEST(how_much_stays_is_configured)
{
    struct decide_enclave e = decide_enclave();
    char id[65] = "";
    struct cm_db *db = NULL;

    kit_tune = as_configured;
    begin();
    kit_tune = NULL;
    for (int i = 0; i < 14; i++) {
        CHECK_EQ(attest(&e, "alice", id), CM_OK);
    }
    db = reader();
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 12);
    kit_step_clock(3 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 0);
    cm_db_close(db);
    kit_stop();
}

/* The attack: junk, which writes a row for each request, until what was permitted is out of the log. */
TEST(junk_does_not_push_out_what_was_genuine)
{
    struct decide_enclave junk = decide_enclave();
    char ids[3][65] = {""};
    char last[65] = "";
    struct cm_db *db = NULL;
    json_t *one = NULL;

    begin_with_rows(20);
    attest_three(ids); /* permitted, refused by the policy, refused evidence */
    junk.debug = true;
    for (int i = 0; i < 30; i++) {
        junk.mrenclave = (uint8_t)i; /* each a base of its own */
        CHECK_EQ(attest(&junk, "mallory", last), CM_ERR_POLICY);
    }
    db = reader();
    CHECK(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused = 1") >= 30);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation WHERE stage = 'evidence'"), 2);
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 4);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(cm_decide_explain(db, ids[i], &one, NULL), CM_OK);
        CHECK(json_is_object(json_object_get(one, "evidence")));
        json_decref(one);
        one = NULL;
    }
    CHECK_EQ(cm_decide_explain(db, ids[2], &one, NULL), CM_ERR_NOTFOUND);
    CHECK_EQ(cm_decide_explain(db, last, &one, NULL), CM_OK); /* the newest of it is there */
    json_decref(one);
    /* what explains junk goes with it, however long genuine rows stay */
    CHECK_EQ(attest(&junk, "mallory", NULL), CM_ERR_POLICY);
    kit_step_clock(1300);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(attest(&junk, "mallory", last), CM_ERR_POLICY);
    }
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused = 1"), 1);
    one = NULL;
    CHECK_EQ(cm_decide_explain(db, last, &one, NULL), CM_OK); /* and not before */
    CHECK(json_is_object(json_object_get(one, "evidence")));
    json_decref(one);
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused <> 1"), 2);
    cm_db_close(db);
    kit_stop();
}

/* The attack: genuine quotes of somebody's own enclaves, which the policy refuses, as many as he likes. */
TEST(what_a_policy_refused_does_not_push_out_what_it_permitted)
{
    struct decide_enclave own = decide_enclave();
    char ids[3][65] = {""};
    char last[65] = "";
    struct cm_db *db = NULL;
    json_t *one = NULL;

    begin_with_rows(20);
    attest_three(ids); /* permitted, refused by the policy, refused evidence */
    for (int i = 0; i < 30; i++) {
        own.mrsigner = (uint8_t)(0x20 + i);
        own.mrenclave = (uint8_t)(0x90 + i); /* each a base of its own */
        CHECK_EQ(attest(&own, "mallory", last), CM_ERR_POLICY);
    }
    db = reader();
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation WHERE stage = 'policy'"), 31);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation WHERE stage = 'policy'"), 2);
    CHECK_EQ(cm_decide_explain(db, ids[0], &one, NULL), CM_OK);
    CHECK(json_is_object(json_object_get(one, "evidence")));
    json_decref(one);
    one = NULL;
    CHECK_EQ(cm_decide_explain(db, last, &one, NULL), CM_OK); /* the newest of it is there */
    json_decref(one);
    /* what explains them goes with them */
    CHECK(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused = 2") >= 30);
    kit_step_clock(1300);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(attest(&own, "mallory", last), CM_ERR_POLICY);
    }
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused = 2"), 1);
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation_base WHERE refused = 0"), 1);
    cm_db_close(db);
    kit_stop();
}

TEST(refused_evidence_has_a_tenth)
{
    struct decide_enclave e = decide_enclave();
    struct cm_db *db = NULL;

    begin_with_rows(20);
    e.debug = true;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(attest(&e, "mallory", NULL), CM_ERR_POLICY);
    }
    db = reader();
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM attestation"), 2);
    cm_db_close(db);
    kit_stop();
}

int main(int argc, char **argv)
{
    int result = 0;

    decide_kit_platform();
    result = test_main(argc, argv);
    decide_kit_platform_end();
    return result;
}
