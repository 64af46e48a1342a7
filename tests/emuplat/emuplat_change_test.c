/* Changes of the platform's state, and what a verifier then says: statuses, revocation, new keys,
 * renewal. */
#include "emuplat_kit.h"

#include "common/span.h"

#define YEAR (365 * CM_EMUPLAT_DAY)

/* the seven, and what a verifier answers that accepts none but UpToDate */
static const struct {
    enum cm_dcap_tcb tcb;
    const char *name;
    enum cm_status status;
} statuses[] = {
    {CM_DCAP_UP_TO_DATE, "UpToDate", CM_OK},
    {CM_DCAP_SW_HARDENING_NEEDED, "SWHardeningNeeded", CM_ERR_POLICY},
    {CM_DCAP_CONFIGURATION_NEEDED, "ConfigurationNeeded", CM_ERR_POLICY},
    {CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded",
     CM_ERR_POLICY},
    {CM_DCAP_OUT_OF_DATE, "OutOfDate", CM_ERR_POLICY},
    {CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded", CM_ERR_POLICY},
    {CM_DCAP_REVOKED, "Revoked", CM_ERR_REVOKED},
};

TEST(every_status_is_what_a_verifier_sees)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote); /* one quote: the status is the collateral's, not the quote's */
    REQUIRE(size != 0);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct kit_verdict v;

        CHECK_EQ(cm_emuplat_set_tcb(statuses[i].tcb, NULL), CM_OK);
        v = kit_verify(cm_span_make(quote, size), 0);
        CHECK_EQ(v.status, statuses[i].status);
        CHECK_STR(v.tcb, statuses[i].name);
        v = kit_verify(cm_span_make(quote, size), CM_DCAP_ACCEPT(statuses[i].tcb));
        CHECK_EQ(v.status, statuses[i].tcb == CM_DCAP_REVOKED ? CM_ERR_REVOKED : CM_OK);
    }
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_UP_TO_DATE, NULL), CM_OK);
    CHECK_EQ(kit_verify(cm_span_make(quote, size), 0).status, CM_OK);
    kit_remove();
}

TEST(statuses_that_no_platform_has_are_refused)
{
    static const int bad[] = {CM_DCAP_TD_RELAUNCH_ADVISED, CM_DCAP_NOT_SUPPORTED,
                              CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, 77, -1};

    REQUIRE(kit_fresh());
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(cm_emuplat_set_tcb((enum cm_dcap_tcb)bad[i], NULL), CM_ERR_PARAM);
    }
    kit_remove();
}

/* a caller that keeps floors must still accept what comes after each change */
TEST(H7_numbers_and_dates_never_go_back)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct cm_floor floors[8];
    struct cm_verify_input in = {.now = cm_emuplat_clock(), .flags = CM_VERIFY_ALLOW_EMULATED};
    struct cm_emuplat_bundle *old = NULL;
    struct cm_dcap_collateral col;
    struct cm_trust_root root;
    struct kit_verdict v;
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0 && cm_emuplat_trust_root(&root, NULL) == CM_OK);
    REQUIRE(cm_emuplat_collateral(&old, NULL) == CM_OK);
    in.roots = &root;
    in.root_count = 1;
    in.floors = floors;
    for (int i = 0; i < 4; i++) {
        struct cm_emuplat_bundle *b = NULL;
        struct cm_evidence *ev = NULL;
        const struct cm_floor *f = NULL;

        REQUIRE(cm_emuplat_collateral(&b, NULL) == CM_OK);
        col = cm_emuplat_bundle_view(b);
        in.now = cm_emuplat_clock();
        CHECK_EQ(cm_dcap_verify(cm_span_make(quote, size), &col, &in, ~0u, NULL, &ev), CM_OK);
        in.floor_count = 0;
        while ((f = cm_evidence_floor(ev, in.floor_count)) != NULL && in.floor_count < 8) {
            floors[in.floor_count++] = *f;
        }
        CHECK(in.floor_count >= 6);
        cm_evidence_free(ev);
        cm_emuplat_bundle_free(b);
        CHECK_EQ(cm_emuplat_set_tcb(i % 2 == 0 ? CM_DCAP_OUT_OF_DATE : CM_DCAP_UP_TO_DATE, NULL),
                 CM_OK);
    }
    /* and must refuse what came before */
    col = cm_emuplat_bundle_view(old);
    v = kit_judge(cm_span_make(quote, size), &col, &in, ~0u);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.check, "rollback");
    cm_emuplat_bundle_free(old);
    kit_remove();
}

TEST(H7_a_revoked_pck_is_refused_and_rotation_gives_another)
{
    static uint8_t before[KIT_QUOTE_MAX];
    static uint8_t after[KIT_QUOTE_MAX];
    struct cm_emuplat_bundle *b = NULL;
    struct kit_verdict v;
    size_t size = 0;
    size_t size_after = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(before);
    REQUIRE(size != 0);
    CHECK_EQ(cm_emuplat_revoke(NULL), CM_OK);
    v = kit_verify(cm_span_make(before, size), ~0u);
    CHECK_EQ(v.status, CM_ERR_REVOKED);
    CHECK_STR(v.check, "pck.revocation");
    CHECK_EQ(cm_emuplat_revoke(NULL), CM_OK); /* again: nothing more */
    REQUIRE(cm_emuplat_collateral(&b, NULL) == CM_OK);
    CHECK_EQ(cm_emuplat_bundle_info(b)->revoked_count, 1);
    cm_emuplat_bundle_free(b);
    size_after = kit_quote(after); /* the platform goes on, as a revoked one does */
    CHECK_EQ(kit_verify(cm_span_make(after, size_after), ~0u).status, CM_ERR_REVOKED);

    CHECK_EQ(cm_emuplat_rotate(NULL), CM_OK);
    size_after = kit_quote(after);
    CHECK_EQ(kit_verify(cm_span_make(after, size_after), 0).status, CM_OK);
    CHECK_EQ(kit_verify(cm_span_make(before, size), ~0u).status, CM_ERR_REVOKED);
    kit_remove();
}

static const uint8_t *att_key(const uint8_t *quote)
{
    return quote + 436 + 64;
}

TEST(rotation_changes_keys_and_leaves_old_quotes_good)
{
    static uint8_t before[KIT_QUOTE_MAX];
    static uint8_t after[KIT_QUOTE_MAX];
    struct cm_emuplat_bundle *old = NULL;
    struct cm_emuplat_bundle *new = NULL;
    struct cm_trust_root root_before;
    struct cm_trust_root root_after;
    size_t size = 0;
    size_t size_after = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(before);
    REQUIRE(size != 0 && cm_emuplat_collateral(&old, NULL) == CM_OK &&
            cm_emuplat_trust_root(&root_before, NULL) == CM_OK);
    CHECK_EQ(cm_emuplat_rotate(NULL), CM_OK);
    size_after = kit_quote(after);
    REQUIRE(cm_emuplat_collateral(&new, NULL) == CM_OK &&
            cm_emuplat_trust_root(&root_after, NULL) == CM_OK);
    CHECK(memcmp(att_key(before), att_key(after), 64) != 0);
    CHECK_MEM(root_before.spki_sha256, root_after.spki_sha256, 32);
    CHECK(memcmp(cm_emuplat_bundle_info(old)->pck_serial, cm_emuplat_bundle_info(new)->pck_serial,
                 16) != 0);
    CHECK_MEM(cm_emuplat_bundle_info(old)->ppid, cm_emuplat_bundle_info(new)->ppid, 16);
    CHECK(cm_emuplat_bundle_info(new)->crl_number > cm_emuplat_bundle_info(old)->crl_number);
    CHECK_EQ(kit_verify(cm_span_make(before, size), 0).status, CM_OK);
    CHECK_EQ(kit_verify(cm_span_make(after, size_after), 0).status, CM_OK);
    cm_emuplat_bundle_free(old);
    cm_emuplat_bundle_free(new);
    kit_remove();
}

TEST(reset_makes_another_platform)
{
    static uint8_t before[KIT_QUOTE_MAX];
    uint8_t report[432];
    struct cm_emuplat_bundle *old = NULL;
    struct cm_emuplat_bundle *new = NULL;
    struct cm_trust_root root;
    size_t size = 0;
    size_t told = 0;

    REQUIRE(kit_fresh() && kit_report(report));
    size = kit_quote(before);
    REQUIRE(size != 0 && cm_emuplat_collateral(&old, NULL) == CM_OK &&
            cm_emuplat_trust_root(&root, NULL) == CM_OK);
    CHECK_EQ(cm_emuplat_reset(NULL), CM_OK);
    REQUIRE(cm_emuplat_collateral(&new, NULL) == CM_OK);
    CHECK(memcmp(cm_emuplat_bundle_info(old)->ppid, cm_emuplat_bundle_info(new)->ppid, 16) != 0);
    CHECK(memcmp(cm_emuplat_bundle_info(old)->qe_id, cm_emuplat_bundle_info(new)->qe_id, 16) != 0);
    CHECK(memcmp(cm_emuplat_bundle_info(old)->root_spki_sha256,
                 cm_emuplat_bundle_info(new)->root_spki_sha256, 32) != 0);
    CHECK_EQ(cm_emuplat_quote(report, before, sizeof(before), &told, NULL), CM_ERR_SIGNATURE);
    /* the new root's lists are no lists of the old CAs, though the names are the same */
    CHECK_EQ(kit_verify(cm_span_make(before, size), ~0u).status, CM_ERR_MISMATCH);
    cm_emuplat_bundle_free(old);
    cm_emuplat_bundle_free(new);
    kit_remove();
}

/* what a verifier says at a time of the test's choice, with the state as it was opened then */
static struct kit_verdict verdict_at(struct cm_span quote, uint64_t now, uint64_t opened)
{
    struct kit_verdict v = {CM_ERR_STATE, "not opened", "", false, CM_AUTHORITY_HARDWARE};
    struct cm_trust_root root;
    struct cm_emuplat e;
    struct cm_dcap_collateral col = {0};
    uint8_t chain[32768];

    memset(&e, 0, sizeof(e));
    if (cm_emuplat_trust_root(&root, NULL) == CM_OK && cm_emuplat_open(opened, &e, NULL) == CM_OK) {
        struct cm_span signer = cm_emuplat_part_get(e.state, CM_EMUPLAT_CERT_TCB);
        struct cm_span top = cm_emuplat_part_get(e.state, CM_EMUPLAT_CERT_ROOT);
        const struct cm_verify_input in = {
            .now = now, .roots = &root, .root_count = 1, .flags = CM_VERIFY_ALLOW_EMULATED};

        memcpy(chain, signer.ptr, signer.len);
        memcpy(chain + signer.len, top.ptr, top.len);
        col.tcb_info = cm_emuplat_part_get(e.state, CM_EMUPLAT_TCB_INFO);
        col.qe_identity = cm_emuplat_part_get(e.state, CM_EMUPLAT_QE_IDENTITY);
        col.tcb_info_chain = cm_span_make(chain, signer.len + top.len);
        col.qe_identity_chain = col.tcb_info_chain;
        col.root_ca_crl = cm_emuplat_part_get(e.state, CM_EMUPLAT_CRL_ROOT);
        col.pck_crl = cm_emuplat_part_get(e.state, CM_EMUPLAT_CRL_PCK);
        v = kit_judge(quote, &col, &in, 0);
    }
    cm_emuplat_close(&e);
    return v;
}

TEST(old_collateral_is_renewed_with_later_dates_and_higher_numbers)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    const uint64_t now = cm_emuplat_clock();
    struct cm_emuplat e;
    uint64_t issued = 0;
    uint32_t number = 0;
    uint32_t evaluation = 0;
    size_t size = 0;

    memset(&e, 0, sizeof(e));
    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    for (uint64_t later = 0; later < 2 * YEAR; later += 11 * CM_EMUPLAT_DAY) {
        bool new_issue = false;

        REQUIRE(cm_emuplat_open(now + later, &e, NULL) == CM_OK);
        new_issue = e.state->issued != issued;
        CHECK(e.state->issued >= issued);
        CHECK_EQ(new_issue, e.state->crl_number == number + 1);
        CHECK(later == 0 || new_issue == (now + later - issued >= CM_EMUPLAT_RENEW));
        CHECK(e.state->next_update > now + later);
        CHECK(evaluation == 0 || e.state->evaluation == evaluation);
        issued = e.state->issued;
        number = e.state->crl_number;
        evaluation = e.state->evaluation;
        cm_emuplat_close(&e);
        CHECK_EQ(verdict_at(cm_span_make(quote, size), now + later, now + later).status, CM_OK);
    }
    kit_remove();
}

/* a program that reads the clock first and then asks for collateral must not find it from the future */
TEST(fresh_collateral_is_valid_a_moment_ago)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    const uint64_t before = cm_emuplat_clock() - 30;
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0);
    CHECK_EQ(verdict_at(cm_span_make(quote, size), before, before).status, CM_OK);
    CHECK_EQ(cm_emuplat_rotate(NULL), CM_OK);
    size = kit_quote(quote);
    CHECK_EQ(verdict_at(cm_span_make(quote, size), before, before).status, CM_OK);
    kit_remove();
}

TEST(H7_a_clock_that_runs_back_gets_nothing_younger)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    const uint64_t now = cm_emuplat_clock();
    struct cm_emuplat e;
    struct kit_verdict v;
    size_t size = 0;

    memset(&e, 0, sizeof(e));
    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0 && cm_emuplat_open(now + YEAR, &e, NULL) == CM_OK);
    cm_emuplat_close(&e);
    v = verdict_at(cm_span_make(quote, size), now, now);
    CHECK_EQ(v.status, CM_ERR_EXPIRED); /* from the future */
    CHECK_STR(v.check, "validity");
    CHECK_EQ(cm_emuplat_apply(now, CM_EMUPLAT_SET_TCB, CM_DCAP_OUT_OF_DATE, NULL), CM_OK);
    REQUIRE(cm_emuplat_open(now, &e, NULL) == CM_OK);
    CHECK(e.state->issued + CM_EMUPLAT_DAY >= now + YEAR);
    cm_emuplat_close(&e);
    kit_remove();
}

TEST(a_platform_whose_certificates_end_says_so)
{
    const uint64_t end = cm_emuplat_clock() + CM_EMUPLAT_CERT_LIFE;
    struct cm_emuplat e;
    struct cm_why why = {{0}};

    memset(&e, 0, sizeof(e));
    REQUIRE(kit_fresh());
    REQUIRE(cm_emuplat_open(cm_emuplat_clock(), &e, NULL) == CM_OK);
    cm_emuplat_close(&e);
    CHECK_EQ(cm_emuplat_open(end + 1, &e, &why), CM_ERR_EXPIRED);
    CHECK(strstr(why.text, "casemate platform reset") != NULL);
    CHECK_EQ(cm_emuplat_open(end - 2 * CM_EMUPLAT_PERIOD, &e, NULL), CM_OK);
    cm_emuplat_close(&e);
    kit_remove();
}

TEST(revocations_end_at_a_limit)
{
    const uint64_t now = cm_emuplat_clock();
    struct cm_why why = {{0}};
    struct cm_emuplat e;
    enum cm_status st = CM_OK;
    unsigned count = 0;

    memset(&e, 0, sizeof(e));
    REQUIRE(kit_fresh());
    while (st == CM_OK && count <= CM_EMUPLAT_MAX_REVOKED) {
        st = cm_emuplat_apply(now, CM_EMUPLAT_REVOKE, CM_DCAP_UP_TO_DATE, &why);
        if (st == CM_OK) {
            count++;
            CHECK_EQ(cm_emuplat_apply(now, CM_EMUPLAT_ROTATE, CM_DCAP_UP_TO_DATE, NULL), CM_OK);
        }
    }
    CHECK_EQ(st, CM_ERR_LIMIT);
    CHECK_EQ(count, CM_EMUPLAT_MAX_REVOKED);
    CHECK(strstr(why.text, "reset") != NULL);
    CHECK_EQ(cm_emuplat_open(now, &e, NULL), CM_OK); /* and all is well with what is there */
    CHECK(!cm_emuplat_is_revoked(e.state));
    cm_emuplat_close(&e);
    kit_remove();
}

TEST_MAIN
