/* The real SEV-SNP evidence of ../shared/vectors, where it exists: each with its verdict, every bit of
 * the signed bytes, every truncation. */
#include "harness.h"

#include <unistd.h>

#include <casemate/verify.h>

#include "common/span.h"
#include "os/os.h"
#include "snp/snp.h"
#include "snp/snp_idblock.h"

#define DIR "../shared/vectors/evidence/snp"

struct vector {
    const char *dir;
    const char *key; /* certificate */
    const char *chain;
    uint64_t now;
    enum cm_status want;
    const char *check; /* that fails */
    const char *model;
};

#define T2023 UINT64_C(1690000000) /* 2023-07-22 */
#define T2025 UINT64_C(1745000000) /* 2025-04-18 */
#define T2026 UINT64_C(1790000000) /* 2026-09-21 */

static const struct vector vectors[] = {
    {"virtee-milan-v2", "vcek.der", "ask_ark_milan", T2023, CM_OK, "", "snp-milan"},
    {"trustee-milan-v2", "vcek.der", "ask_ark_milan", T2023, CM_OK, "", "snp-milan"},
    {"trustee-milan-v2-wrong-vcek-legacy-hwid", "vcek.der", "ask_ark_milan", T2023,
     CM_ERR_SIGNATURE, "snp.chain", NULL},
    {"trustee-aws-vlek-v3", "vlek.der", "ask_ark_milan_vlek", T2025, CM_OK, "", "snp-milan"},
    {"trustee-aws-vlek-v3", "vlek.der", "ask_ark_milan_vlek", T2026, CM_ERR_EXPIRED,
     "snp.chain_validity", NULL},
    {"trustee-aws-vlek-v3", "vlek.der", "ask_ark_milan", T2025, CM_ERR_NOTFOUND, "snp.chain", NULL},
    {"ms-tav-milan", "vcek.pem", "ask_ark_milan", T2026, CM_OK, "", "snp-milan"},
    {"ms-tav-turin", "vcek.pem", "ask_ark_turin_vcek", T2026, CM_OK, "", "snp-turin"},
    {"ms-tav-turin", "vcek.pem", "ask_ark_genoa", T2026, CM_ERR_NOTFOUND, "snp.chain", NULL},
    {"ms-tav-turin", "vcek.pem", "ask_ark_turin_vcek", T2025, CM_ERR_EXPIRED, "snp.chain_validity",
     NULL},
    {"oak-milan_oc_release", "vcek.der", "ask_ark_milan", T2026, CM_OK, "", "snp-milan"},
    {"oak-genoa_oc", "vcek.der", "ask_ark_genoa", T2026, CM_OK, "", "snp-genoa"},
    {"cai-genoa-v5-bergamo", "vcek.der", "ask_ark_genoa", T2026, CM_OK, "", "snp-genoa"},
};

struct loaded {
    uint8_t *files[3];
    struct cm_material materials[2];
    struct cm_verify_input in;
    struct cm_verify_job job;
};

static bool load(const struct vector *v, struct loaded *l)
{
    char path[512] = "";
    size_t len[3] = {0};

    memset(l, 0, sizeof(*l));
    (void)snprintf(path, sizeof(path), DIR "/%s/report.bin", v->dir);
    if (cm_file_read(path, 1 << 16, &l->files[0], &len[0], NULL) != CM_OK) {
        return false;
    }
    (void)snprintf(path, sizeof(path), DIR "/%s/%s", v->dir, v->key);
    if (cm_file_read(path, 1 << 16, &l->files[1], &len[1], NULL) != CM_OK) {
        return false;
    }
    (void)snprintf(path, sizeof(path), DIR "/_roots/%s.pem", v->chain);
    if (cm_file_read(path, 1 << 16, &l->files[2], &len[2], NULL) != CM_OK) {
        return false;
    }
    l->materials[0] = (struct cm_material){CM_MATERIAL_CERTS, v->key, {l->files[1], len[1]}};
    l->materials[1] = (struct cm_material){CM_MATERIAL_CERTS, v->chain, {l->files[2], len[2]}};
    l->in.now = v->now;
    l->in.roots = cm_verify_roots(&l->in.root_count);
    l->job.evidence = cm_span_make(l->files[0], len[0]);
    l->job.materials = l->materials;
    l->job.material_count = 2;
    l->job.in = &l->in;
    return true;
}

static void unload(struct loaded *l)
{
    for (size_t i = 0; i < 3; i++) {
        free(l->files[i]);
    }
}

TEST(json_of_other_tools)
{
    struct loaded l;
    uint8_t *text = NULL;
    size_t len = 0;
    struct cm_evidence *ev = NULL;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(load(&vectors[12], &l));
    REQUIRE(cm_file_read(DIR "/cai-genoa-v5-bergamo/evidence.json", 1 << 16, &text, &len, NULL) ==
            CM_OK);
    l.job.evidence = cm_span_make(text, len);
    l.materials[0] = l.materials[1]; /* the VCEK is in the JSON */
    l.job.material_count = 1;
    CHECK_EQ(cm_verify_recognise(l.job.evidence), CM_FORMAT_SNP);
    CHECK_EQ(cm_verify(&l.job, &ev), CM_OK);
    cm_evidence_free(ev);
    for (size_t n = 300; n < len; n += 41) { /* cut off */
        l.job.evidence.len = n;
        CHECK(cm_verify(&l.job, &ev) != CM_OK);
        cm_evidence_free(ev);
    }
    free(text);
    unload(&l);
}

static void print_failures(const struct cm_evidence *ev)
{
    const struct cm_check *c = NULL;

    for (size_t k = 0; ev != NULL && (c = cm_evidence_check(ev, 0, k)) != NULL; k++) {
        if (c->result == CM_CHECK_FAIL) {
            (void)printf("      %s: %s: %s\n", c->name, cm_status_str(c->status), c->detail);
        }
    }
}

TEST(every_vector_has_its_verdict)
{
    struct cm_cert_cache *cache = NULL;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(cm_cert_cache_create(16, &cache) == CM_OK);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];

        for (int round = 0; round < 3; round++) { /* plain, into the cache, out of it */
            struct loaded l;
            struct cm_evidence *ev = NULL;
            const struct cm_claim *c = NULL;
            enum cm_status st = CM_OK;

            REQUIRE(load(v, &l));
            l.job.cert_cache = round == 0 ? NULL : cache;
            CHECK_EQ(cm_verify_recognise(l.job.evidence), CM_FORMAT_SNP);
            st = cm_verify(&l.job, &ev);
            if (st != v->want ||
                (v->check[0] != '\0' && cm_evidence_result(ev, 0, v->check) != CM_CHECK_FAIL)) {
                TEST_FAIL("%s: %s", v->dir, cm_status_str(st));
                print_failures(ev);
            }
            c = ev == NULL ? NULL : cm_evidence_find(ev, 0, CM_CLAIM_HWMODEL, 0);
            if (v->model != NULL && (c == NULL || strcmp(c->text, v->model) != 0 ||
                                     c->authority != CM_AUTHORITY_HARDWARE)) {
                TEST_FAIL("%s: not %s", v->dir, v->model);
            }
            cm_evidence_free(ev);
            unload(&l);
        }
    }
    cm_cert_cache_free(cache);
}

/* every byte of every real report: a flipped bit anywhere is refused, signed or reserved */
TEST(no_bit_of_a_real_report_may_change)
{
    static const size_t which[] = {0, 3, 7};

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    for (size_t k = 0; k < 3; k++) {
        struct loaded l;

        REQUIRE(load(&vectors[which[k]], &l));
        for (size_t i = k; i < CM_SNP_REPORT_SIZE; i += 3) {
            struct cm_evidence *ev = NULL;

            l.files[0][i] ^= (uint8_t)(1u << (i % 8));
            if (cm_verify(&l.job, &ev) == CM_OK) {
                TEST_FAIL("%s: byte 0x%zx", vectors[which[k]].dir, i);
            }
            cm_evidence_free(ev);
            l.files[0][i] ^= (uint8_t)(1u << (i % 8));
        }
        unload(&l);
    }
}

TEST(no_truncation_of_a_real_report_is_taken)
{
    struct loaded l;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(load(&vectors[7], &l));
    l.job.format = CM_FORMAT_SNP;
    for (size_t n = 0; n < CM_SNP_REPORT_SIZE; n++) {
        struct cm_evidence *ev = NULL;

        l.job.evidence.len = n;
        CHECK_EQ(cm_verify(&l.job, &ev), CM_ERR_FORMAT);
        cm_evidence_free(ev);
    }
    unload(&l);
}

/* the digests that virtee/sev states for its test keys */
TEST(digests_of_a_real_id_block)
{
    static const uint8_t id[] = {0x59, 0xfb, 0x2c, 0x68};     /* WfssaG36... */
    static const uint8_t author[] = {0xee, 0xd8, 0x11, 0x69}; /* 7tgRafsM... */
    struct cm_snp_id_auth a = {0};
    uint8_t *bytes = NULL;
    uint8_t digest[48] = {0};
    size_t len = 0;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(cm_file_read(DIR "/virtee-idblock/test_auth_block.bin", 1 << 16, &bytes, &len, NULL) ==
            CM_OK);
    REQUIRE(cm_snp_id_auth_parse(cm_span_make(bytes, len), &a) == CM_OK);
    CHECK_EQ(cm_snp_id_key_digest(a.id_key, digest), CM_OK);
    CHECK_MEM(digest, id, 4);
    CHECK_EQ(cm_snp_id_key_digest(a.author_key, digest), CM_OK);
    CHECK_MEM(digest, author, 4);
    free(bytes);
}

TEST(claims_of_a_real_turin_report)
{
    static const struct {
        const char *name;
        uint64_t value;
    } want[] = {
        {"snp.version", 5},
        {"snp.tcb.reported.fmc", 1},
        {"snp.tcb.reported.bootloader", 1},
        {"snp.tcb.reported.tee", 1},
        {"snp.tcb.reported.snp", 4},
        {"snp.tcb.reported.microcode", 0x51},
        {"snp.mit.launch", 0x3f},
        {"snp.mit.current", 0x3f},
        {"snp.platform_info", 0x65},
        {"snp.platform.iommu_write_safe", 1},
        {"snp.cpuid.family", 0x1a},
    };
    struct cm_evidence *ev = NULL;
    struct loaded l;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(load(&vectors[7], &l));
    REQUIRE(cm_verify(&l.job, &ev) == CM_OK);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct cm_claim *c = cm_evidence_find(ev, 0, want[i].name, 0);

        if (c == NULL || c->number != want[i].value) {
            TEST_FAIL("%s", want[i].name);
        }
    }
    CHECK_STR(cm_evidence_find(ev, 0, "snp.firmware.current", 0)->text, "1.55.65");
    cm_evidence_free(ev);
    unload(&l);
}

TEST_MAIN
