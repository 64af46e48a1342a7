/*
 * Evidence in the JSON of guest-components: real SNP reports taken apart as the crate sev does and put together
 * again to the byte, and what is refused before anything is verified.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "harness.h"
#include "kbs/kbs_private.h"

#define VECTORS "../shared/vectors/evidence/snp/"

/* ----------------------------------------------------------- SNP, taken apart by hand */

struct text {
    char out[32768];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    t->len += (size_t)vsnprintf(t->out + t->len, sizeof(t->out) - t->len, format, args);
    va_end(args);
}

static unsigned long long le(const uint8_t *at, size_t n)
{
    unsigned long long v = 0;

    for (size_t i = n; i > 0; i--) {
        v = v << 8 | at[i - 1];
    }
    return v;
}

static void put_bytes(struct text *t, const char *name, const uint8_t *at, size_t n, bool hex)
{
    put(t, ",\"%s\":%s", name, hex ? "\"" : "[");
    for (size_t i = 0; i < n; i++) {
        put(t, hex ? "%s%02x" : "%s%d", i == 0 || hex ? "" : ",", at[i]);
    }
    put(t, hex ? "\"" : "]");
}

static void put_tcb(struct text *t, const char *name, const uint8_t *at, bool turin)
{
    if (turin) {
        put(t, ",\"%s\":{\"fmc\":%d,\"bootloader\":%d,\"tee\":%d,\"snp\":%d,\"microcode\":%d}",
            name, at[0], at[1], at[2], at[3], at[7]);
    } else {
        put(t, ",\"%s\":{\"fmc\":null,\"bootloader\":%d,\"tee\":%d,\"snp\":%d,\"microcode\":%d}",
            name, at[0], at[1], at[6], at[7]);
    }
}

/* Which of the two layouts: from report version 3 on the processor's family says so. */
static void take_apart(const uint8_t r[1184], bool hex, bool old, struct text *t)
{
    bool turin = le(r, 4) >= 3 && r[0x188] == 0x1a;

    t->len = 0;
    put(t, "{\"version\":%llu,\"guest_svn\":%llu,\"policy\":%llu", le(r, 4), le(r + 4, 4),
        le(r + 8, 8));
    put_bytes(t, "family_id", r + 0x10, 16, hex);
    put_bytes(t, "image_id", r + 0x20, 16, hex);
    put(t, ",\"vmpl\":%llu,\"sig_algo\":%llu", le(r + 0x30, 4), le(r + 0x34, 4));
    put_tcb(t, "current_tcb", r + 0x38, turin);
    put(t, ",\"plat_info\":%llu,\"%s\":%llu", le(r + 0x40, 8), old ? "_author_key_en" : "key_info",
        le(r + 0x48, 4));
    put_bytes(t, "report_data", r + 0x50, 64, hex);
    put_bytes(t, "measurement", r + 0x90, 48, hex);
    put_bytes(t, "host_data", r + 0xc0, 32, hex);
    put_bytes(t, "id_key_digest", r + 0xe0, 48, hex);
    put_bytes(t, "author_key_digest", r + 0x110, 48, hex);
    put_bytes(t, "report_id", r + 0x140, 32, hex);
    put_bytes(t, "report_id_ma", r + 0x160, 32, hex);
    put_tcb(t, "reported_tcb", r + 0x180, turin);
    if (le(r, 4) >= 3) {
        put(t, ",\"cpuid_fam_id\":%d,\"cpuid_mod_id\":%d,\"cpuid_step\":%d", r[0x188], r[0x189],
            r[0x18a]);
    }
    put_bytes(t, "chip_id", r + 0x1a0, 64, hex);
    put_tcb(t, "committed_tcb", r + 0x1e0, turin);
    put(t,
        old ? ",\"current_build\":%d,\"current_minor\":%d,\"current_major\":%d"
            : ",\"current\":{\"build\":%d,\"minor\":%d,\"major\":%d}",
        r[0x1e8], r[0x1e9], r[0x1ea]);
    put(t,
        old ? ",\"committed_build\":%d,\"committed_minor\":%d,\"committed_major\":%d"
            : ",\"committed\":{\"build\":%d,\"minor\":%d,\"major\":%d}",
        r[0x1ec], r[0x1ed], r[0x1ee]);
    put_tcb(t, "launch_tcb", r + 0x1f0, turin);
    if (le(r, 4) >= 5) {
        put(t, ",\"launch_mit_vector\":%llu,\"current_mit_vector\":%llu", le(r + 0x1f8, 8),
            le(r + 0x200, 8));
    }
    put(t, ",\"signature\":{\"x\":0");
    put_bytes(t, "r", r + 0x2a0, 72, hex);
    put_bytes(t, "s", r + 0x2e8, 72, hex);
    put(t, "}}");
}

static struct cm_json_node nodes[16384];
static struct cm_json doc;

static struct cm_json_value parse(const char *text)
{
    if (cm_json_parse((struct cm_span){(const uint8_t *)text, strlen(text)}, nodes,
                      sizeof(nodes) / sizeof(nodes[0]), &doc, NULL) != CM_OK) {
        TEST_FAIL("no JSON: %.60s", text);
        return (struct cm_json_value){NULL, 0};
    }
    return cm_json_root(&doc);
}

TEST(real_reports_are_put_together_to_the_byte)
{
    static const char *const names[] = {
        "trustee-milan-v2", "cai-genoa-v5-bergamo", "trustee-aws-vlek-v3", "oak-milan_oc_release",
        "ms-tav-milan",     "virtee-milan-v2",      "oak-genoa_oc",        "ms-tav-turin",
    };
    static struct text t;
    size_t seen = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[200] = "";
        uint8_t report[CM_KBS_SNP_REPORT] = {0};
        uint8_t again[CM_KBS_SNP_REPORT] = {0};
        int fd = -1;

        (void)snprintf(path, sizeof(path), VECTORS "%s/report.bin", names[i]);
        fd = open(path, O_RDONLY);
        if (fd < 0) {
            continue;
        }
        CHECK_EQ(read(fd, report, sizeof(report)), sizeof(report));
        (void)close(fd);
        seen++;
        for (unsigned form = 0; form < 4; form++) {
            take_apart(report, form % 2 == 1, form >= 2, &t);
            CHECK_EQ(cm_kbs_snp_report(parse(t.out), again), CM_OK);
            CHECK_MEM(again, report, sizeof(report));
        }
    }
    if (seen == 0) {
        SKIP("no reports beside the source");
    }
}

TEST(a_report_with_members_that_do_not_fit_is_refused)
{
    static const char *const changes[][2] = {
        {"\"vmpl\":0", "\"vmpl\":4294967296"},
        {"\"vmpl\":0", "\"vmpl\":-1"},
        {"\"vmpl\":0", "\"vmpl\":\"0\""},
        {"\"family_id\":[0,", "\"family_id\":["},
        {"\"family_id\":[0,", "\"family_id\":[256,"},
        {"\"image_id\"", "\"image\""},
        {"\"tee\":0", "\"tee\":256"},
    };
    static struct text t;
    uint8_t report[CM_KBS_SNP_REPORT] = {2};
    uint8_t again[CM_KBS_SNP_REPORT];

    take_apart(report, false, false, &t);
    CHECK_EQ(cm_kbs_snp_report(parse(t.out), again), CM_OK);
    CHECK_MEM(again, report, sizeof(report));
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        static char changed[32768];
        const char *at = strstr(t.out, changes[i][0]);

        REQUIRE(at != NULL);
        (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - t.out), t.out,
                       changes[i][1], at + strlen(changes[i][0]));
        CHECK_EQ(cm_kbs_snp_report(parse(changed), again), CM_ERR_FORMAT);
    }
}

/* --------------------------------------------------------------------------- others */

static enum cm_status read_as(const char *tee, const char *text, struct cm_kbs_evidence *e)
{
    struct cm_why why = {""};
    enum cm_status st = cm_kbs_evidence_read(cm_kbs_tee(tee), parse(text), e, &why);

    CHECK((st == CM_OK) == (why.text[0] == '\0'));
    return st;
}

static void expect(const char *tee, const char *text, const char *evidence, size_t materials)
{
    struct cm_kbs_evidence e;

    CHECK_EQ(read_as(tee, text, &e), CM_OK);
    CHECK_EQ(e.evidence.len, strlen(evidence));
    CHECK(e.evidence.len == strlen(evidence) &&
          memcmp(e.evidence.ptr, evidence, e.evidence.len) == 0);
    CHECK_EQ(e.material_count, materials);
    cm_kbs_evidence_free(&e);
}

static void refuse(const char *tee, const char *text)
{
    struct cm_kbs_evidence e;

    CHECK(read_as(tee, text, &e) != CM_OK);
    cm_kbs_evidence_free(&e);
}

TEST(evidence_is_found_where_guests_put_it)
{
    expect("sgx", "{\"quote\":\"PDw/Pz4+\"}", "<<?\?>>", 0);
    expect("sgx", "{\"quote\":\"PDw_Pz4-\"}", "<<?\?>>", 0);
    expect("sgx", "{\"quote\":\"YQ==\"}", "a", 0);
    expect("sgx", "{\"quote\":\"YQ\"}", "a", 0);
    expect("sgx", "{\"quote\":[97,98]}", "ab", 0);
    expect("tdx", "{\"quote\":\"YQ==\",\"cc_eventlog\":null}", "a", 0);
    expect("tdx", "{\"quote\":\"YQ==\",\"cc_eventlog\":\"YWI=\",\"aa_eventlog\":\"x\"}", "a", 1);
    expect("snp", "{\"attestation_report\":\"YWI=\",\"cert_chain\":null}", "ab", 0);
    expect(
        "snp",
        "{\"attestation_report\":\"YWI=\",\"cert_chain\":[{\"cert_type\":\"VCEK\",\"data\":[1,2]},"
        "{\"cert_type\":{\"OTHER\":\"x\"},\"data\":[]}]}",
        "ab", 2);
    expect("snp", "{\"attestation_report\":\"YWI=\",\"cert_chain\":{\"vcek\":\"YQ==\"}}", "ab", 1);
    expect("cca", "{\"token\":[97]}", "a", 0);
    expect("tpm",
           "{\"report_data\":\"\",\"ak_public\":\"YQ==\",\"tpm_quote\":{\"message\":\"YWI=\","
           "\"signature\":\"YQ==\",\"pcrs\":[\"00ff\",\"01\"]}}",
           "ab", 3);
    expect("az-snp-vtpm", "{\"version\":1}", "{\"version\":1}", 0);
    expect("azsnpvtpm", "{\"version\":1}", "{\"version\":1}", 0);
}

TEST(evidence_that_is_none_is_refused_with_a_reason)
{
    refuse("sgx", "[]");
    refuse("sgx", "\"YQ==\"");
    refuse("sgx", "{}");
    refuse("sgx", "{\"quote\":null}");
    refuse("sgx", "{\"quote\":{}}");
    refuse("sgx", "{\"quote\":\"Y\"}");
    refuse("sgx", "{\"quote\":\"YQ=\"}");
    refuse("sgx", "{\"quote\":\"PDw_Pz4+\"}"); /* of both alphabets */
    refuse("sgx", "{\"quote\":\"YR==\"}");     /* bits that are not zero */
    refuse("sgx", "{\"quote\":\"Y Q==\"}");
    refuse("sgx", "{\"quote\":[256]}");
    refuse("sgx", "{\"quote\":[-1]}");
    refuse("sgx", "{\"quote\":[1.5]}");
    refuse("tdx", "{\"quote\":\"YQ==\",\"cc_eventlog\":7}");
    refuse("snp", "{\"attestation_report\":{}}");
    refuse("snp", "{\"attestation_report\":\"YQ==\",\"cert_chain\":7}");
    refuse("snp", "{\"attestation_report\":\"YQ==\",\"cert_chain\":[{}]}");
    refuse("snp", "{\"attestation_report\":\"YQ==\",\"cert_chain\":[{\"data\":[]},{\"data\":[]},"
                  "{\"data\":[]},{\"data\":[]},{\"data\":[]},{\"data\":[]},{\"data\":[]},"
                  "{\"data\":[]},{\"data\":[]},{\"data\":[]}]}");
    refuse("tpm", "{\"tpm_quote\":{\"message\":\"YQ==\",\"pcrs\":[\"0\"]}}");
    refuse("tpm", "{\"tpm_quote\":{\"message\":\"YQ==\",\"pcrs\":[7]}}");
    CHECK(cm_kbs_tee("sample") == NULL);
    CHECK(cm_kbs_tee("") == NULL);
    CHECK(cm_kbs_tee("-") == NULL);
    CHECK(cm_kbs_tee("sgx2") == NULL);
}

/* ---------------------------------------------------------------------- whole bodies */

#define KEY                                                                                    \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define BODY                                                                               \
    "{\"runtime-data\":{\"nonce\":\"bm9uY2U=\",\"tee-pubkey\":" KEY "},\"tee-evidence\":{" \
    "\"primary_evidence\":{\"quote\":\"YQ==\"},\"additional_evidence\":\"{\\\"nvidia\\\":{}}\"}}"

static enum cm_status take(const char *text, unsigned minor)
{
    struct cm_kbs_attestation a;
    struct cm_kbs_evidence e = {.owned_count = 0};
    struct cm_why why = {""};
    uint8_t hash[CM_HASH_MAX_SIZE];
    enum cm_status st = cm_kbs_attestation_read(
        (struct cm_span){(const uint8_t *)text, strlen(text)}, minor, &a, &why);

    if (st == CM_OK) {
        st = cm_kbs_check_key(a.pubkey, &why);
    }
    if (st == CM_OK) {
        st = cm_kbs_binding(&a, "bm9uY2U=", CM_HASH_SHA384, true, hash, &why);
    }
    if (st == CM_OK) {
        st = cm_kbs_evidence_read(cm_kbs_tee("sgx"), a.primary, &e, &why);
    }
    cm_kbs_evidence_free(&e);
    cm_kbs_attestation_free(&a);
    return st;
}

TEST(every_failed_allocation_of_a_body_is_said)
{
    bool done = false;
    long k = 1;

    CHECK_EQ(take(BODY, 4), CM_OK);
    for (; !done && k < 200; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = take(BODY, 4);
        done = !fail_alloc_hit();
        fail_alloc_at(-1);
        /* OpenSSL says of itself only that it failed */
        CHECK(done ? st == CM_OK
                   : st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO || st == CM_ERR_FORMAT ||
                         st == CM_OK);
    }
    CHECK(done && k > 8);
}

TEST_MAIN
