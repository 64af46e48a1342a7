/* What a report's fields become: every one a claim, raw and decoded, with the authority that it has. */
#include "harness.h"

#include "common/span.h"
#include "snp/snp.h"
#include "snpkit.h"

TEST(claims_of_every_field)
{
    static struct sk_world w;
    struct cm_evidence *ev = NULL;
    struct cm_verify_job job;

    sk_init(&w, "Turin");
    w.guest_svn = 7;
    w.policy = 0x30000 | CM_SNP_POLICY_SWAP_DISABLE | 0x0121;
    w.current_fw[0]++;
    sk_build(&w);
    job = sk_job(&w);
    REQUIRE(cm_verify(&job, &ev) == CM_OK);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.guest_svn", 0)->number, 7);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.policy.abi_major", 0)->number, 1);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.policy.abi_minor", 0)->number, 0x21);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.policy.page_swap_disable", 0)->number, 1);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.firmware.provisional", 0)->number, 1);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.mit.current", 0)->number, 0x7f);
    CHECK_STR(cm_evidence_find(ev, 0, "snp.signer", 0)->text, "vcek");
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.product_name", 0)->authority, CM_AUTHORITY_ENDORSER);
    /* not given is not zero: no ID key, so no digest of one among the measurements */
    CHECK(cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 1) != NULL);
    CHECK(cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 2) == NULL);
    cm_evidence_free(ev);
    sk_init(&w, "Milan");
    sk_build(&w);
    job = sk_job(&w);
    REQUIRE(cm_verify(&job, &ev) == CM_OK);
    CHECK(cm_evidence_find(ev, 0, "snp.mit.current", 0) == NULL);
    CHECK(cm_evidence_find(ev, 0, "snp.tcb.reported.fmc", 0) == NULL);
    CHECK(cm_evidence_find(ev, 0, "snp.policy.page_swap_disable", 0) == NULL);
    cm_evidence_free(ev);
    sk_init_vlek(&w, "Milan");
    sk_build(&w);
    job = sk_job(&w);
    REQUIRE(cm_verify(&job, &ev) == CM_OK);
    CHECK_STR(cm_evidence_find(ev, 0, "snp.csp_id", 0)->text, "CN=a.provider");
    CHECK_STR(cm_evidence_find(ev, 0, "snp.signer", 0)->text, "vlek");
    cm_evidence_free(ev);
}

TEST(claims_of_a_refused_report_are_its_own)
{
    static struct sk_world w;
    struct cm_evidence *ev = NULL;
    struct cm_verify_job job;

    sk_init(&w, "Milan");
    w.report_key = ck_key("p384", 7);
    sk_build(&w);
    job = sk_job(&w);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_SIGNATURE);
    REQUIRE(ev != NULL);
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.measurement", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST_MAIN
