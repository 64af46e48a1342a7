/* The claims model: what must never look better than it is. */
#include "harness.h"

#include "evidence/claims.h"
#include "token/json.h"

static struct cm_evidence *sample(void)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    if (ev != NULL) {
        cm_claim_text(ev, 0, CM_CLAIM_TEE, "sgx");
        cm_claim_uint(ev, 0, "sgx.isvsvn", 0);
        cm_claim_bytes(ev, 0, CM_CLAIM_REPORT_DATA, cm_span_make("\x01\x02", 2));
        cm_check_status(ev, 0, "quote.signature", CM_OK, "%s", "");
    }
    return ev;
}

TEST(absent_differs_from_zero)
{
    struct cm_evidence *ev = sample();
    const struct cm_claim *c = NULL;

    REQUIRE(ev != NULL);
    c = cm_evidence_find(ev, 0, "sgx.isvsvn", 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->number, 0);
    CHECK(cm_evidence_find(ev, 0, "sgx.isvsvn", 1) == NULL);
    CHECK(cm_evidence_find(ev, 0, "sgx.isvprodid", 0) == NULL);
    CHECK(cm_evidence_find(ev, 7, "sgx.isvsvn", 0) == NULL);
    cm_evidence_free(ev);
    cm_evidence_free(NULL);
}

TEST(claims_begin_self_asserted_and_rise_only_from_the_mark)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    size_t mark = 0;

    REQUIRE(ev != NULL);
    cm_claim_text(ev, 0, "log.text", "hint");
    mark = cm_evidence_mark(ev, 0);
    cm_claim_uint(ev, 0, "sgx.isvsvn", 3);
    CHECK_EQ(cm_evidence_find(ev, 0, "sgx.isvsvn", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_raise(ev, 0, mark, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 0, "sgx.isvsvn", 0)->authority, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 0, "log.text", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

/* Nothing that an emulator says becomes the hardware's word, whatever stands between and before. */
TEST(an_emulators_claims_are_never_the_hardwares)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    size_t other = 0;
    size_t mark = 0;

    REQUIRE(ev != NULL);
    other = cm_evidence_add_submod(ev, "vtpm");
    cm_claim_bool(ev, 0, CM_CLAIM_EMULATED, true);
    mark = cm_evidence_mark(ev, 0);
    cm_claim_uint(ev, 0, "extra", 3);
    cm_claim_uint(ev, other, "extra", 3);
    cm_evidence_raise(ev, 0, mark, CM_AUTHORITY_HARDWARE);
    cm_evidence_raise(ev, other, 0, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 0, "extra", 0)->authority, CM_AUTHORITY_SELF);
    CHECK_EQ(cm_evidence_find(ev, other, "extra", 0)->authority, CM_AUTHORITY_HARDWARE);
    cm_evidence_raise(ev, 0, mark, CM_AUTHORITY_KEY);
    CHECK_EQ(cm_evidence_find(ev, 0, "extra", 0)->authority, CM_AUTHORITY_KEY);
    cm_evidence_free(ev);
}

/* Details come as they are, cut where a formatted one is. */
TEST(details_of_checks)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    char text[300] = "";

    REQUIRE(ev != NULL);
    memset(text, '%', sizeof(text) - 1);
    cm_check_status(ev, 0, "a", CM_OK, "%s", "");
    cm_check_status(ev, 0, "b", CM_OK, "%s", text);
    cm_check_status(ev, 0, "c", CM_OK, "%s!", text);
    cm_check_note(ev, 0, "d", CM_CHECK_PASS, "%u of %s", 7, "x");
    CHECK_STR(cm_evidence_check(ev, 0, 0)->detail, "");
    CHECK_EQ(strlen(cm_evidence_check(ev, 0, 1)->detail), 255);
    CHECK_EQ(strlen(cm_evidence_check(ev, 0, 2)->detail), 255);
    CHECK_STR(cm_evidence_check(ev, 0, 3)->detail, "7 of x");
    cm_evidence_free(ev);
}

TEST(genuine_needs_every_required_check)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    REQUIRE(ev != NULL);
    CHECK(!cm_evidence_genuine(ev, 0)); /* nothing checked is not genuine */
    cm_check_note(ev, 0, "nonce", CM_CHECK_NOT_CHECKED, "%s", "");
    CHECK(!cm_evidence_genuine(ev, 0));
    cm_check_status(ev, 0, "a", CM_OK, "%s", "");
    CHECK(cm_evidence_genuine(ev, 0));
    cm_check_status(ev, 0, "b", CM_ERR_SIGNATURE, "bit %d", 3);
    CHECK(!cm_evidence_genuine(ev, 0));
    CHECK_EQ(cm_evidence_result(ev, 0, "a"), CM_CHECK_PASS);
    CHECK_EQ(cm_evidence_result(ev, 0, "b"), CM_CHECK_FAIL);
    CHECK_EQ(cm_evidence_result(ev, 0, "c"), CM_CHECK_NOT_CHECKED);
    CHECK_STR(cm_evidence_check(ev, 0, 2)->detail, "bit 3");
    cm_check_status(ev, 0, "b", CM_OK, "%s", ""); /* a later pass does not hide a failure */
    CHECK_EQ(cm_evidence_result(ev, 0, "b"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
}

TEST(unproved_edges_do_not_raise_a_submodule)
{
    struct cm_evidence *ev = sample();
    size_t vtpm = 0;
    size_t log = 0;

    REQUIRE(ev != NULL);
    vtpm = cm_evidence_add_submod(ev, "vtpm");
    log = cm_evidence_add_submod(ev, "log");
    cm_check_status(ev, vtpm, "quote.signature", CM_OK, "%s", "");
    cm_check_status(ev, log, "replay", CM_OK, "%s", "");
    CHECK(!cm_evidence_genuine(ev, vtpm));
    cm_evidence_bind(ev, "PCRs", vtpm, log, CM_CHECK_PASS);
    CHECK(!cm_evidence_genuine(ev, log)); /* vouched for by one that nobody vouches for */
    cm_evidence_bind(ev, "AK", 0, vtpm, CM_CHECK_FAIL);
    CHECK(!cm_evidence_genuine(ev, vtpm));
    cm_evidence_bind(ev, "AK", 0, vtpm, CM_CHECK_PASS);
    CHECK(cm_evidence_genuine(ev, vtpm));
    CHECK(cm_evidence_genuine(ev, log));
    cm_evidence_bind(ev, "self", log, log, CM_CHECK_PASS);
    cm_check_status(ev, 0, "pck.revoked", CM_ERR_REVOKED, "%s", "");
    CHECK(!cm_evidence_genuine(ev, log)); /* the root of the tree fell */
    cm_evidence_free(ev);
}

TEST(floors_refuse_what_is_older)
{
    static const struct cm_floor seen[] = {{"sgx.tcb_evaluation.X", 17}};
    struct cm_verify_input in = {.now = 1, .floors = seen, .floor_count = 1};

    CHECK(cm_floor_below(&in, "sgx.tcb_evaluation.X", 16));
    CHECK(!cm_floor_below(&in, "sgx.tcb_evaluation.X", 17));
    CHECK(!cm_floor_below(&in, "sgx.tcb_evaluation.Y", 0));
}

TEST(limits_are_sticky)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    REQUIRE(ev != NULL);
    cm_check_status(ev, 0, "a", CM_OK, "%s", "");
    for (int i = 0; i <= CM_EVIDENCE_MAX_ITEMS; i++) {
        cm_claim_uint(ev, 0, "n", (uint64_t)i);
    }
    CHECK_EQ(cm_evidence_done(ev), CM_ERR_LIMIT);
    CHECK(!cm_evidence_genuine(ev, 0));
    cm_evidence_free(ev);
    ev = cm_evidence_new("cpu");
    REQUIRE(ev != NULL);
    for (int i = 0; i < CM_EVIDENCE_MAX_SUBMODS; i++) {
        (void)cm_evidence_add_submod(ev, "x");
    }
    CHECK_EQ(cm_evidence_done(ev), CM_ERR_LIMIT);
    cm_evidence_free(ev);
}

TEST(every_failed_allocation_is_reported)
{
    for (long k = 1; k < 100; k++) {
        struct cm_evidence *ev = NULL;

        fail_alloc_at(k);
        ev = sample();
        if (!fail_alloc_hit()) {
            CHECK(ev != NULL && cm_evidence_done(ev) == CM_OK);
            cm_evidence_free(ev);
            return;
        }
        CHECK(ev == NULL || cm_evidence_done(ev) == CM_ERR_NOMEM);
        CHECK(ev == NULL || !cm_evidence_genuine(ev, 0));
        cm_evidence_free(ev);
    }
    TEST_FAIL("never ran out of failures");
}

TEST(json_is_complete_and_parses)
{
    static struct cm_json_node nodes[512];
    static const struct cm_digest digest = {
        "mrenclave", "sha-256", CM_ROLE_LAUNCH, {(const uint8_t *)"\xab\xcd", 2}};
    struct cm_evidence *ev = sample();
    struct cm_json doc;
    struct cm_json_value cpu;
    struct cm_json_value claim;
    char out[4096] = "";
    size_t len = 0;

    REQUIRE(ev != NULL);
    cm_claim_digest(ev, 0, &digest);
    cm_claim_bool(ev, 0, CM_CLAIM_EMULATED, true);
    cm_claim_time(ev, 0, CM_CLAIM_TCB_DATE, 1700000000);
    cm_evidence_reach(ev, "sgx.root_crl", 1);
    CHECK_EQ(cm_evidence_json(ev, out, 100, &len), CM_ERR_SPACE);
    REQUIRE(cm_evidence_json(ev, out, sizeof(out), &len) == CM_OK);
    REQUIRE(cm_json_parse(cm_span_make(out, len), nodes, 512, &doc, NULL) == CM_OK);
    cpu = cm_json_first(cm_json_get(cm_json_root(&doc), "submods"));
    CHECK(cm_json_equal(cm_json_get(cpu, "name"), "cpu"));
    CHECK(cm_json_is(cm_json_get(cpu, "genuine"), CM_JSON_TRUE));
    CHECK_EQ(cm_json_count(cm_json_get(cpu, "claims")), 6);
    claim = cm_json_first(cm_json_get(cpu, "claims"));
    for (int i = 0; i < 3; i++) {
        claim = cm_json_next(claim);
    }
    CHECK(cm_json_equal(cm_json_get(claim, "value"), "abcd"));
    CHECK(cm_json_equal(cm_json_get(claim, "label"), "mrenclave"));
    CHECK(cm_json_is(cm_json_get(cm_json_get(cm_json_root(&doc), "floors"), "sgx.root_crl"),
                     CM_JSON_NUMBER));
    cm_evidence_free(ev);
}

TEST_MAIN
