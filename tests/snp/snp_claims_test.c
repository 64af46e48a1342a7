/* What a report's fields become: every one a claim, raw and decoded, with the authority that it has; and the
 * JSON that evidence and certificates come in. */
#include "harness.h"

#include "common/span.h"
#include "snp/snp.h"
#include "snpkit.h"
#include "token/base64.h"

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

/* PEM as a JSON text */
static size_t pem_text(struct cm_span der, char *out, size_t cap)
{
    char pem[8192];
    size_t n = ck_pem(der, pem, sizeof(pem));
    size_t at = 0;

    for (size_t i = 0; i < n && at + 3 < cap; i++) {
        if (pem[i] == '\n') {
            out[at++] = '\\';
            out[at++] = 'n';
        } else {
            out[at++] = pem[i];
        }
    }
    out[at] = '\0';
    return at;
}

static enum cm_status verify(const struct cm_verify_job *job, const char *check)
{
    struct cm_evidence *ev = NULL;
    enum cm_status st = cm_verify(job, &ev);

    CHECK(check[0] == '\0' || cm_evidence_result(ev, 0, check) == CM_CHECK_FAIL);
    cm_evidence_free(ev);
    return st;
}

TEST(certificates_as_thim_gives_them)
{
    static struct sk_world w;
    static char leaf[8192];
    static char ask[8192];
    static char ark[8192];
    static char json[32768];
    struct cm_verify_job job;

    sk_init(&w, "Milan");
    sk_build(&w);
    (void)pem_text(w.materials[2].bytes, leaf, sizeof(leaf));
    (void)pem_text(w.materials[1].bytes, ask, sizeof(ask));
    (void)pem_text(w.materials[0].bytes, ark, sizeof(ark));
    (void)snprintf(
        json, sizeof(json),
        "{\"vcekCert\":\"%s\",\"tcbm\":\"DB18000000000004\",\"certificateChain\":\"%s%s\","
        "\"cacheControl\":\"86400\"}",
        leaf, ask, ark);
    w.materials[0].bytes = cm_span_make(json, strlen(json));
    w.material_count = 1;
    job = sk_job(&w);
    CHECK_EQ(verify(&job, ""), CM_OK);
    w.materials[0].bytes.len--;
    CHECK_EQ(verify(&job, "snp.certificates"), CM_ERR_SYNTAX);
    w.materials[0].bytes = cm_span_make("{}", 2);
    CHECK_EQ(verify(&job, "snp.certificates"), CM_ERR_FORMAT);
}

/* The certificate as bytes that are numbers: whole, with one too large, and with one that is another. */
static void expect_numbers(const struct sk_world *w, struct cm_verify_job *job, const char *report)
{
    static char json[16384];
    const struct cm_span der = w->materials[2].bytes;

    for (int round = 0; round < 3; round++) {
        int at = snprintf(json, sizeof(json),
                          "{\"attestation_report\": \"%s\",\"cert_chain\":[{\"data\":[", report);

        for (size_t i = 0; i < der.len; i++) {
            unsigned byte = der.ptr[i];

            byte += round == 1 && i == 100 ? 256 : 0;
            byte ^= round == 2 && i + 1 == der.len ? 1 : 0;
            at += snprintf(json + at, sizeof(json) - (size_t)at, "%s%u", i == 0 ? "" : ",", byte);
        }
        (void)snprintf(json + at, sizeof(json) - (size_t)at, "]}]}");
        job->evidence = cm_span_make(json, strlen(json));
        CHECK_EQ(verify(job, round == 0   ? ""
                             : round == 1 ? "snp.report"
                                          : "snp.chain"),
                 round == 0   ? CM_OK
                 : round == 1 ? CM_ERR_MISMATCH
                              : CM_ERR_SIGNATURE);
    }
}

TEST(evidence_in_json_is_the_signed_bytes)
{
    static struct sk_world w;
    static char report[2048];
    static char cert[4096];
    static char json[8192];
    struct cm_verify_job job;
    size_t n = 0;
    size_t m = 0;

    sk_init(&w, "Turin");
    sk_build(&w);
    REQUIRE(cm_base64_encode(cm_span_make(w.report, 1184), report, sizeof(report) - 1, &n) ==
            CM_OK);
    REQUIRE(cm_base64url_encode(w.materials[2].bytes, cert, sizeof(cert) - 1, &m) == CM_OK);
    w.material_count = 2;
    job = sk_job(&w);
    (void)snprintf(json, sizeof(json),
                   "{\"attestation_report\": \"%s\",\"cert_chain\":{\"vlek\":\"%s\"}}", report,
                   cert);
    job.evidence = cm_span_make(json, strlen(json));
    CHECK_EQ(cm_verify_recognise(job.evidence), CM_FORMAT_SNP);
    CHECK_EQ(verify(&job, ""),
             CM_OK); /* whatever it is called there: its own name says what it is */
    json[60] = json[60] == 'A' ? 'B' : 'A';
    CHECK(verify(&job, "") != CM_OK);
    static const char *const chains[][2] = {
        {"\"", "\""},
        {"[\"", "\"]"},
        {"[{\"cert_type\":\"VLEK\",\"data\":\"", "\"},{\"cert_type\":\"CRL\"}]"}};

    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        (void)snprintf(json, sizeof(json), "{\"attestation_report\": \"%s\",\"cert_chain\":%s%s%s}",
                       report, chains[i][0], cert, chains[i][1]);
        job.evidence = cm_span_make(json, strlen(json));
        CHECK_EQ(verify(&job, ""), CM_OK);
    }
    expect_numbers(&w, &job, report);
    (void)snprintf(json, sizeof(json),
                   "{\"platform\":\"snp\",\"evidence\":{\"attestation_report\":\"%s\"}}", report);
    job.evidence = cm_span_make(json, strlen(json));
    CHECK_EQ(verify(&job, "snp.vek"), CM_ERR_NOTFOUND);
    (void)snprintf(json, sizeof(json), "{\"attestation_report\":\"%.*s\"}", 800, report);
    job.evidence = cm_span_make(json, strlen(json));
    CHECK_EQ(verify(&job, "snp.report"), CM_ERR_FORMAT);
    (void)snprintf(json, sizeof(json), "{\"attestation_report\":{\"version\":3}}");
    job.evidence = cm_span_make(json, strlen(json));
    CHECK_EQ(cm_verify_recognise(job.evidence),
             CM_FORMAT_ANY); /* taken apart: not what is signed */
}

TEST_MAIN
