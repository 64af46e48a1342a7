/* Azure's real evidence of ../shared/vectors, where it exists: JSON and separate files, verdicts. */
#include "harness.h"

#include <unistd.h>

#include <casemate/verify.h>

#include "common/hex.h"
#include "common/span.h"
#include "os/os.h"

#define DIR   "../shared/vectors/evidence/azure-vtpm"
#define ROOTS "../shared/vectors/evidence/snp/_roots"
#define T2023 UINT64_C(1690000000) /* 2023-07-22 */
#define T2025 UINT64_C(1745000000) /* 2025-04-18 */

struct row {
    const char *evidence;
    const char *roots;
    const char *quote; /* separate files; NULL: none */
    const char *signature;
    const char *pcrs;
    const char *certs;
    uint64_t now;
    const char *nonce; /* text; "x..." hexadecimal; NULL: none expected */
    enum cm_status want;
    const char *check;
    size_t submod; /* of the check */
};

static const struct row rows[] = {
    /* Trustee's JSON, versions 0, 0 and 2; a wrong and an empty challenge */
    {"trustee-az-snp-evidence-v0/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025,
     "challenge", CM_OK, "", 0},
    {"trustee-az-snp-evidence-v0/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025,
     NULL, CM_OK, "", 0},
    {"trustee-az-snp-evidence-v0/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025,
     "challeng", CM_ERR_MISMATCH, "nonce", 1},
    {"trustee-az-snp-evidence-v0/evidence.json", "ask_ark_genoa", NULL, NULL, NULL, NULL, T2025,
     "challenge", CM_ERR_NOTFOUND, "snp.chain", 0},
    {"trustee-az-snp-evidence-v0/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2023,
     "challenge", CM_ERR_EXPIRED, "snp.chain_validity", 0},
    {"trustee-az-snp-evidence-genoa/evidence.json", "ask_ark_genoa", NULL, NULL, NULL, NULL, T2025,
     NULL, CM_OK, "", 0},
    {"trustee-az-snp-evidence-v2/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025,
     "x982F5C6E45DF0ED3F10B6F60B02F0C8390E281300F3805E2279C16168CD6AE9AA398F647CAA2338748CD0FD9F5F"
     "819EF",
     CM_OK, "", 0},
    {"cai-az-snp-milan-v3/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025, NULL,
     CM_OK, "", 0},
    {"cai-az-snp-milan-v3/evidence.json", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025, "any",
     CM_ERR_MISMATCH, "nonce", 1},
    /* separate files */
    {"trustee-az-snp-evidence-v0/hcl_report.bin", "ask_ark_milan",
     "trustee-az-snp-evidence-v0/tpm_quote.msg", "trustee-az-snp-evidence-v0/tpm_quote.sig",
     "trustee-az-snp-evidence-v0/pcrs_sha256_24x32.bin", "trustee-az-snp-evidence-v0/vcek.pem",
     T2025, "challenge", CM_OK, "", 0},
    {"cai-az-snp-milan-v3/hcl_report.bin", "ask_ark_milan", "cai-az-snp-milan-v3/tpm_quote.msg",
     "cai-az-snp-milan-v3/tpm_quote.sig", "cai-az-snp-milan-v3/pcrs_sha256_24x32.bin",
     "cai-az-snp-milan-v3/vcek.der", T2025, NULL, CM_OK, "", 0},
    {"trustee-az-snp-hcl/hcl-report.bin", "ask_ark_milan", "trustee-az-snp-hcl/tpm-quote-v1.json",
     NULL, NULL, "trustee-az-snp-hcl/vcek.pem", T2023, NULL, CM_OK, "", 0},
    {"trustee-az-snp-hcl/hcl-report.bin", "ask_ark_milan", "trustee-az-snp-hcl/quote.bin", NULL,
     NULL, "trustee-az-snp-hcl/vcek.pem", T2023, NULL, CM_OK, "", 0},
    /* another machine's quote, another's PCRs, none */
    {"trustee-az-snp-evidence-v0/hcl_report.bin", "ask_ark_milan",
     "cai-az-snp-milan-v3/tpm_quote.msg", "cai-az-snp-milan-v3/tpm_quote.sig", NULL,
     "trustee-az-snp-evidence-v0/vcek.pem", T2025, NULL, CM_ERR_SIGNATURE, "tpm.signature", 1},
    {"trustee-az-snp-evidence-v0/hcl_report.bin", "ask_ark_milan",
     "trustee-az-snp-evidence-v0/tpm_quote.msg", "trustee-az-snp-evidence-v0/tpm_quote.sig",
     "cai-az-snp-milan-v3/pcrs_sha256_24x32.bin", "trustee-az-snp-evidence-v0/vcek.pem", T2025,
     NULL, CM_ERR_MISMATCH, "tpm.pcrs", 1},
    {"trustee-az-snp-evidence-v0/hcl_report.bin", "ask_ark_milan", NULL, NULL, NULL,
     "trustee-az-snp-evidence-v0/vcek.pem", T2025, NULL, CM_ERR_NOTFOUND, "tpm.attest", 1},
    {"trustee-az-snp-evidence-v0/hcl_report.bin", "ask_ark_milan",
     "trustee-az-snp-evidence-v0/tpm_quote.msg", "trustee-az-snp-evidence-v0/tpm_quote.sig", NULL,
     "cai-az-snp-milan-v3/vcek.der", T2025, NULL, CM_ERR_MISMATCH, "snp.chip_id", 0},
    /* TDX: no collateral is here, and without a TD quote nothing is proven */
    {"kinvolk-tdx-hcl/hcl-report.bin", "ask_ark_milan", NULL, NULL, NULL, NULL, T2025, NULL,
     CM_ERR_NOTFOUND, "azure.td_quote", 0},
};

struct loaded {
    uint8_t *files[6];
    struct cm_material materials[5];
    uint8_t nonce[128];
    struct cm_verify_input in;
    struct cm_verify_job job;
};

static struct cm_span file(struct loaded *l, size_t slot, const char *dir, const char *name,
                           const char *suffix)
{
    char path[512] = "";
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
    if (cm_file_read(path, 1 << 20, &l->files[slot], &len, NULL) != CM_OK) {
        TEST_FAIL("no %s", path);
    }
    return cm_span_make(l->files[slot], len);
}

static void add(struct loaded *l, enum cm_material_kind kind, size_t slot, const char *name)
{
    if (name != NULL) {
        l->materials[l->job.material_count++] =
            (struct cm_material){kind, name, file(l, slot, DIR, name, "")};
    }
}

static void load(const struct row *r, struct loaded *l)
{
    memset(l, 0, sizeof(*l));
    l->job.evidence = file(l, 0, DIR, r->evidence, "");
    l->materials[0] =
        (struct cm_material){CM_MATERIAL_CERTS, r->roots, file(l, 1, ROOTS, r->roots, ".pem")};
    l->job.material_count = 1;
    add(l, CM_MATERIAL_QUOTE, 2, r->quote);
    add(l, CM_MATERIAL_SIGNATURE, 3, r->signature);
    add(l, CM_MATERIAL_PCRS, 4, r->pcrs);
    add(l, CM_MATERIAL_CERTS, 5, r->certs);
    l->job.materials = l->materials;
    l->in.now = r->now;
    l->in.roots = cm_verify_roots(&l->in.root_count);
    if (r->nonce != NULL && r->nonce[0] == 'x') {
        size_t n = strlen(r->nonce + 1) / 2;

        CHECK(cm_hex_decode(cm_span_make(r->nonce + 1, 2 * n), l->nonce, n));
        l->in.report_data = cm_span_make(l->nonce, n);
    } else if (r->nonce != NULL) {
        l->in.report_data = cm_span_make(r->nonce, strlen(r->nonce));
    }
    l->job.in = &l->in;
}

static void unload(struct loaded *l)
{
    for (size_t i = 0; i < 6; i++) {
        free(l->files[i]);
    }
}

static void print_failures(const struct cm_evidence *ev)
{
    for (size_t s = 0; ev != NULL && s < cm_evidence_submods(ev); s++) {
        const struct cm_check *c = NULL;

        for (size_t k = 0; (c = cm_evidence_check(ev, s, k)) != NULL; k++) {
            if (c->result == CM_CHECK_FAIL) {
                (void)printf("      %zu %s: %s: %s\n", s, c->name, cm_status_str(c->status),
                             c->detail);
            }
        }
    }
}

TEST(every_vector_has_its_verdict)
{
    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct cm_evidence *ev = NULL;
        struct loaded l;
        enum cm_status st = CM_OK;

        load(r, &l);
        CHECK_EQ(cm_verify_recognise(l.job.evidence), CM_FORMAT_AZURE_CVM);
        st = cm_verify(&l.job, &ev);
        if (st != r->want ||
            (r->check[0] != '\0' && cm_evidence_result(ev, r->submod, r->check) != CM_CHECK_FAIL)) {
            TEST_FAIL("row %zu, %s: %s", i, r->evidence, cm_status_str(st));
            print_failures(ev);
        }
        if (st == CM_OK) {
            const struct cm_claim *id = cm_evidence_find(ev, 1, "azure.vm_unique_id", 0);

            CHECK(cm_evidence_genuine(ev, 0) && cm_evidence_genuine(ev, 1));
            CHECK(id != NULL && id->authority == CM_AUTHORITY_KEY);
        }
        cm_evidence_free(ev);
        unload(&l);
    }
}

/* TDX: the binding and the vTPM's part hold; the quote's collateral is not here */
TEST(tdx_binding_and_vtpm)
{
    static const char *const files[] = {"trustee-az-tdx/evidence-v0.json",
                                        "trustee-az-tdx/evidence-v1.json"};

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    for (size_t i = 0; i < 2; i++) {
        const struct row r = {.evidence = files[i], .roots = "ask_ark_milan", .now = T2025};
        struct cm_evidence *ev = NULL;
        struct loaded l;

        load(&r, &l);
        CHECK(cm_verify(&l.job, &ev) != CM_OK);
        REQUIRE(ev != NULL);
        CHECK_EQ(cm_evidence_result(ev, 0, "azure.tdreport"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 0, "azure.td_quote"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 0, "quote.signature"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 1, "azure.binding"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 1, "tpm.signature"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 1, "tpm.pcrs"), CM_CHECK_PASS);
        CHECK(!cm_evidence_genuine(ev, 0) && !cm_evidence_genuine(ev, 1));
        CHECK_EQ(cm_evidence_find(ev, 1, "azure.runtime_data", 0)->authority, CM_AUTHORITY_SELF);
        cm_evidence_free(ev);
        unload(&l);
    }
}

TEST(no_byte_of_a_real_report_may_change)
{
    struct loaded l;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    load(&rows[9], &l);
    for (size_t i = 0; i < l.job.evidence.len; i += 5) {
        struct cm_evidence *ev = NULL;

        l.files[0][i] ^= (uint8_t)(1u << (i % 8));
        l.job.format = CM_FORMAT_AZURE_CVM;
        if (cm_verify(&l.job, &ev) == CM_OK) {
            TEST_FAIL("byte 0x%zx", i);
        }
        cm_evidence_free(ev);
        l.files[0][i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t n = 0; n < l.job.evidence.len; n += 13) { /* truncated: until only padding goes */
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;
        struct cm_span whole = l.job.evidence;

        l.job.evidence.len = n;
        st = cm_verify(&l.job, &ev);
        CHECK_EQ(st, n < 32 + 1184 + 20 + 0x456 ? CM_ERR_FORMAT : CM_OK);
        cm_evidence_free(ev);
        l.job.evidence = whole;
    }
    unload(&l);
}

TEST_MAIN
