/* NVIDIA device evidence: devices of our own (nvkit.h), each rule's attack, and NVIDIA's own evidence. */
#include "verdict.h"

#include "common/span.h"
#include "nvkit.h"

#define VECTORS "../shared/vectors/evidence/nvidia/attestation-sdk/"

static char json[400000];

struct outcome {
    enum cm_status st;
    struct cm_evidence *ev;
};

/* Verify under the test's root; reference: JSON, or NULL. */
static struct outcome verify(struct cm_span evidence, const struct cm_material *materials,
                             size_t count, const char *nonce)
{
    struct cm_verify_input in = {.now = CK_NOW, .roots = nv_root(), .root_count = 1};
    struct cm_verify_job job = {
        .evidence = evidence, .materials = materials, .material_count = count, .in = &in};
    struct outcome o = {CM_OK, NULL};

    if (nonce != NULL) {
        in.report_data = cm_span_make(nonce, 32);
    }
    o.st = cm_verify(&job, &o.ev);
    return o;
}

static struct outcome verify_json(const struct nv_device *devices, size_t count,
                                  const char *members)
{
    size_t len = nv_json(devices, count, members, json, sizeof(json));

    return verify(cm_span_make(json, len), NULL, 0, NULL);
}

/* The outcome: status, and the check that failed ("" none). */
static void expect(int line, struct outcome o, enum cm_status st, const char *check)
{
    expect_verdict(line, o.st, o.ev, st, check);
    cm_evidence_free(o.ev);
}

#define HOPPER "\"arch\":\"HOPPER\""

/* A device with one thing changed. */
#define EXPECT(change, st, check)                                 \
    do {                                                          \
        static struct nv_device d_;                               \
        struct nv_spec s;                                         \
        nv_defaults(&s);                                          \
        change;                                                   \
        nv_make(&s, &d_);                                         \
        expect(__LINE__, verify_json(&d_, 1, HOPPER), st, check); \
    } while (0)

TEST(nvidia_a_device_of_our_own_and_its_claims)
{
    static struct nv_device d;
    struct nv_spec s;
    uint8_t digest[48];
    const struct cm_claim *c = NULL;

    nv_defaults(&s);
    nv_make(&s, &d);
    struct outcome o = verify_json(&d, 1, HOPPER);

    CHECK_EQ(o.st, CM_OK);
    REQUIRE(o.ev != NULL);
    CHECK(cm_evidence_genuine(o.ev, 0));
    CHECK_STR(cm_evidence_name(o.ev, 0), "device0");
    CHECK_STR(cm_evidence_find(o.ev, 0, CM_CLAIM_HWMODEL, 0)->text, "nvidia-gh100");
    CHECK_STR(cm_evidence_find(o.ev, 0, CM_CLAIM_TEE, 0)->text, "nvidia-gpu");
    CHECK_STR(cm_evidence_find(o.ev, 0, "nvidia.driver_version", 0)->text, "590.12");
    CHECK_STR(cm_evidence_find(o.ev, 0, "nvidia.vbios_version", 0)->text, "96.00.A5.00.01");
    CHECK_STR(cm_evidence_find(o.ev, 0, "nvidia.mode", 0)->text, "ppcie");
    CHECK_EQ(cm_evidence_find(o.ev, 0, "nvidia.protected_pcie", 0)->number, 1);
    CHECK_EQ(cm_evidence_find(o.ev, 0, "nvidia.nvdec0_off", 0)->number, 0);
    CHECK(cm_evidence_find(o.ev, 0, CM_CLAIM_MEASUREMENTS, 40) == NULL);
    for (unsigned i = 1; i <= 40; i++) {
        char label[8] = "";

        (void)snprintf(label, sizeof(label), "msr%u", i);
        nv_digest(0, i, digest);
        c = cm_evidence_find(o.ev, 0, CM_CLAIM_MEASUREMENTS, i - 1);
        REQUIRE(c != NULL);
        CHECK_STR(c->text, label);
        CHECK_STR(c->alg, "sha-384");
        CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
        CHECK_MEM(c->bytes, digest, 48);
    }
    CHECK_EQ(cm_evidence_result(o.ev, 0, "nvidia.ocsp"), CM_CHECK_NOT_CHECKED);
    CHECK_EQ(cm_evidence_result(o.ev, 0, "nvidia.reference"), CM_CHECK_NOT_CHECKED);
    cm_evidence_free(o.ev);
}

TEST(nvidia_other_forms)
{
    static struct nv_device d;
    static char text[sizeof(json) + 200];
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d);
    const struct cm_material materials[] = {
        {CM_MATERIAL_CERTS, "chain", {(const uint8_t *)d.chain, d.chain_len}},
        {CM_MATERIAL_REQUEST, "request", {d.report, 37}}};

    /* a report, its certificates beside it; a response and its request */
    expect(__LINE__, verify(cm_span_make(d.report, d.report_len), materials, 1, NULL), CM_OK, "");
    expect(__LINE__, verify(cm_span_make(d.report + 37, d.report_len - 37), materials, 2, NULL),
           CM_OK, "");
    expect(__LINE__, verify(cm_span_make(d.report + 37, d.report_len - 37), materials, 1, NULL),
           CM_ERR_NOTFOUND, "nvidia.format");
    expect(__LINE__, verify(cm_span_make(d.report, d.report_len), NULL, 0, NULL), CM_ERR_NOTFOUND,
           "nvidia.chain");
    /* one device without a list, and a list in an object with what all share */
    size_t len = nv_json(&d, 1, HOPPER, json, sizeof(json));

    expect(__LINE__, verify(cm_span_make(json + 1, len - 2), NULL, 0, NULL), CM_OK, "");
    (void)snprintf(text, sizeof(text),
                   "{\"nonce\":\"%064d\",\"arch\":\"HOPPER\",\"evidence_list\":%s}", 0, json);
    expect(__LINE__, verify(cm_span_make(text, strlen(text)), NULL, 0, NULL), CM_ERR_MISMATCH,
           "nvidia.stated_nonce");
    memset(strstr(text, "\"nonce\":\"") + 9, '4', 64);
    for (size_t i = 1; i < 64; i += 2) {
        strstr(text, "\"nonce\":\"")[9 + i] = 'E';
    }
    expect(__LINE__, verify(cm_span_make(text, strlen(text)), NULL, 0, NULL), CM_OK, "");
}

TEST(nvidia_devices_that_differ)
{
    EXPECT(s.header = true, CM_OK, "");
    EXPECT(s.fwid_form = 1, CM_OK, "");
    EXPECT(s.leaf_to = UINT64_C(253402300799), CM_OK, ""); /* 9999-12-31: dates must not overflow */
    EXPECT(s.blocks = 255, CM_OK, "");                     /* as many as there can be */
    EXPECT(s.blocks = 64, CM_OK, "");
    EXPECT(s.raw_block = 3, CM_OK, "");
    EXPECT(s.fields[6].len = 0, CM_OK, "");    /* no FWID in the report, as switches */
    EXPECT(s.fields[0].type = 999, CM_OK, ""); /* a field that nobody knows */
}

TEST(nvidia_signature_and_chain)
{
    EXPECT(s.signer = 1, CM_ERR_SIGNATURE, "nvidia.signature");
    EXPECT(s.sign_with = "p384", CM_OK, ""); /* device 0's own key */
    EXPECT(s.leaf_to = CK_NOW - 10, CM_ERR_EXPIRED, "nvidia.chain_validity");
    EXPECT(s.leaf_is_ca = true, CM_ERR_MISMATCH, "nvidia.chain");
}

TEST(nvidia_only_the_callers_root)
{
    static struct nv_device d;
    struct nv_spec s;
    size_t count = 0;
    struct cm_verify_input in = {.now = CK_NOW};
    struct cm_verify_job job = {.in = &in};
    struct cm_trust_root other = *nv_root();
    struct cm_evidence *ev = NULL;

    nv_defaults(&s);
    nv_make(&s, &d);
    job.evidence = cm_span_make(json, nv_json(&d, 1, HOPPER, json, sizeof(json)));
    in.roots = cm_verify_roots(&count); /* the makers' */
    in.root_count = count;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_POLICY);
    CHECK_EQ(cm_evidence_find(ev, 0, "nvidia.driver_version", 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
    other.family = "snp"; /* trusted, but not for this */
    in.roots = &other;
    in.root_count = 1;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
}

TEST(nvidia_fwid_is_the_certified_firmware)
{
    static const uint8_t other[48] = {1};

    EXPECT(s.fields[6].bytes = other, CM_ERR_MISMATCH, "nvidia.fwid");
    EXPECT(s.fields[6].len = 47, CM_ERR_MISMATCH, "nvidia.fwid");
    EXPECT(s.fwid_form = 2, CM_ERR_NOTFOUND, "nvidia.fwid");
    EXPECT((s.fwid_form = 1, s.fields[6].bytes = other), CM_ERR_MISMATCH, "nvidia.fwid");
}

TEST(nvidia_the_nonce_is_the_requests)
{
    static struct nv_device d;
    struct nv_spec s;
    char want[32];
    size_t len = 0;

    nv_defaults(&s);
    nv_make(&s, &d);
    len = nv_json(&d, 1, HOPPER, json, sizeof(json));
    memset(want, 0x4e, sizeof(want));
    expect(__LINE__, verify(cm_span_make(json, len), NULL, 0, want), CM_OK, "");
    memset(want, 0x52, sizeof(want)); /* the response's own */
    expect(__LINE__, verify(cm_span_make(json, len), NULL, 0, want), CM_ERR_MISMATCH, "nonce");
}

TEST(nvidia_the_text_may_not_contradict)
{
    static struct nv_device d;
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d);
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"LS10\""), CM_ERR_MISMATCH, "nvidia.arch");
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"BLACKWELL\""), CM_ERR_MISMATCH, "nvidia.arch");
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"Blackwell\""), CM_ERR_MISMATCH, "nvidia.arch");
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"Hopper\""), CM_OK, "");
    expect(__LINE__, verify_json(&d, 1, "\"nonce\":\"00\""), CM_ERR_FORMAT, "nvidia.format");
    s.cn = "GB20X A01 GSP FMC LF";
    nv_make(&s, &d);
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"BLACKWELL\""), CM_OK, "");
    s.cn = "LS_10 A01 FSP FMC LF";
    nv_make(&s, &d);
    expect(__LINE__, verify_json(&d, 1, "\"arch\":\"LS10\""), CM_OK, "");
    expect(__LINE__, verify_json(&d, 1, HOPPER), CM_ERR_MISMATCH, "nvidia.arch");
}

TEST(nvidia_several_devices_answer_one_challenge)
{
    static struct nv_device d[3];
    struct nv_spec s;

    nv_defaults(&s);
    for (unsigned i = 0; i < 3; i++) {
        s.device = i;
        s.signer = i;
        s.nonce[0] = 0;
        nv_make(&s, &d[i]);
    }
    struct outcome o = verify_json(d, 3, HOPPER);

    REQUIRE(o.ev != NULL);
    CHECK_EQ(cm_evidence_submods(o.ev), 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK(cm_evidence_genuine(o.ev, i));
        CHECK_EQ(cm_evidence_find(o.ev, i, "nvidia.driver_version", 0)->authority,
                 CM_AUTHORITY_HARDWARE);
    }
    CHECK_EQ(cm_evidence_result(o.ev, 2, "nvidia.distinct"), CM_CHECK_PASS);
    expect(__LINE__, o, CM_OK, "");
    s.nonce[0] = 1; /* the third answered another challenge: it is of another time or place */
    nv_make(&s, &d[2]);
    o = verify_json(d, 3, HOPPER);
    CHECK(o.ev != NULL && cm_evidence_genuine(o.ev, 1) && !cm_evidence_genuine(o.ev, 2));
    CHECK(o.ev != NULL &&
          cm_evidence_find(o.ev, 2, "nvidia.driver_version", 0)->authority == CM_AUTHORITY_SELF);
    expect(__LINE__, o, CM_ERR_MISMATCH, "bound");
    d[2] = d[1]; /* one device is not two */
    o = verify_json(d, 3, HOPPER);
    CHECK(o.ev != NULL && cm_evidence_result(o.ev, 2, "nvidia.distinct") == CM_CHECK_FAIL);
    expect(__LINE__, o, CM_OK, "nvidia.distinct");
    s.device = s.signer = 1; /* nor with another report */
    s.nonce[0] = 0;
    s.blocks--;
    nv_make(&s, &d[2]);
    o = verify_json(d, 3, HOPPER);
    CHECK(o.ev != NULL && cm_evidence_result(o.ev, 2, "nvidia.distinct") == CM_CHECK_FAIL);
    expect(__LINE__, o, CM_OK, "nvidia.distinct");
    d[1].report[d[1].report_len - 1] ^= 1; /* one that fails refuses all */
    o = verify_json(d, 3, HOPPER);
    CHECK(o.ev != NULL && cm_evidence_genuine(o.ev, 0) && !cm_evidence_genuine(o.ev, 1));
    expect(__LINE__, o, CM_ERR_SIGNATURE, "nvidia.signature");
}

/* Reference values of a device's blocks from..to; entry: more of each entry. */
static void values(char *out, size_t cap, unsigned from, unsigned to, const char *entry)
{
    size_t at = (size_t)snprintf(out, cap, "{\"measurements\":[");
    uint8_t digest[48];

    for (unsigned i = from; i <= to; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s{\"label\":\"msr%u\",\"values\":[\"00\",\"",
                               i == from ? "" : ",", i);
        nv_digest(0, i, digest);
        for (size_t k = 0; k < 48; k++) {
            at += (size_t)snprintf(out + at, cap - at, "%02x", digest[k]);
        }
        at += (size_t)snprintf(out + at, cap - at, "\"]%s}", entry);
    }
    (void)snprintf(out + at, cap - at, "]}");
}

static struct outcome against(const char *reference)
{
    const struct cm_material m = {
        CM_MATERIAL_REFERENCE, "values", {(const uint8_t *)reference, strlen(reference)}};

    return verify(cm_span_make(json, strlen(json)), &m, 1, NULL);
}

TEST(nvidia_reference_values)
{
    static struct nv_device d;
    static char text[20000];
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d);
    (void)nv_json(&d, 1, HOPPER, json, sizeof(json));
    values(text, sizeof(text), 1, 40, "");
    struct outcome o = against(text);

    CHECK(o.ev != NULL && cm_evidence_result(o.ev, 0, "reference.values") == CM_CHECK_PASS);
    expect(__LINE__, o, CM_OK, "");
    values(text, sizeof(text), 2, 5, ",\"alg\":\"sha384\",\"submod\":\"device0\"");
    expect(__LINE__, against(text), CM_OK, "");
    values(text, sizeof(text), 2, 5, ",\"alg\":\"sha-256\"");
    expect(__LINE__, against(text), CM_ERR_MISMATCH, "reference.values");
    values(text, sizeof(text), 2, 5, ",\"submod\":\"device1\"");
    expect(__LINE__, against(text), CM_ERR_MISMATCH, "reference.values");
    values(text, sizeof(text), 2, 41, ""); /* one that the device does not have */
    expect(__LINE__, against(text), CM_ERR_MISMATCH, "reference.values");
    values(text, sizeof(text), 2, 5, "");
    *strstr(text, "msr3") = 'n';
    expect(__LINE__, against(text), CM_ERR_MISMATCH, "reference.values");
    values(text, sizeof(text), 2, 5, "");
    strstr(text, "msr3")[3] = '7'; /* another one's digest */
    expect(__LINE__, against(text), CM_ERR_MISMATCH, "reference.values");
    values(text, sizeof(text), 2, 5, ",\"minimum\":1"); /* what nobody would look at */
    expect(__LINE__, against(text), CM_ERR_FORMAT, "reference.file");
    expect(__LINE__, against("{\"measurements\":[]}"), CM_ERR_FORMAT, "reference.file");
    expect(__LINE__, against("{\"measurements\":[{\"label\":\"msr1\",\"values\":[]}]}"),
           CM_ERR_FORMAT, "reference.file");
    expect(__LINE__, against("{\"measurements\":[{\"label\":\"msr1\",\"values\":[\"0\"]}]}"),
           CM_ERR_FORMAT, "reference.file");
    expect(__LINE__, against("{}"), CM_ERR_FORMAT, "reference.file");
    expect(__LINE__, against("{"), CM_ERR_SYNTAX, "reference.file");
}

TEST(nvidia_decoder_off_leaves_measurement_35_out)
{
    static const char other[] = "{\"measurements\":[{\"label\":\"msr35\",\"values\":[\"00\"]}]}";
    static struct nv_device d;
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d);
    (void)nv_json(&d, 1, HOPPER, json, sizeof(json));
    expect(__LINE__, against(other), CM_ERR_MISMATCH, "reference.values"); /* on: it counts */
    s.fields[2].bytes = "\x55";
    nv_make(&s, &d);
    (void)nv_json(&d, 1, HOPPER, json, sizeof(json));
    expect(__LINE__, against(other), CM_OK, "");
    s.fields[2].bytes = "\x54"; /* neither on nor off: it counts */
    nv_make(&s, &d);
    (void)nv_json(&d, 1, HOPPER, json, sizeof(json));
    expect(__LINE__, against(other), CM_ERR_MISMATCH, "reference.values");
    s.fields[2].bytes = "\x55"; /* off, says an unsigned report */
    s.signer = 1;
    nv_make(&s, &d);
    (void)nv_json(&d, 1, HOPPER, json, sizeof(json));
    expect(__LINE__, against(other), CM_ERR_SIGNATURE, "reference.values");
}

TEST(nvidia_a_field_twice)
{
    EXPECT(s.fields[1].type = 6, CM_ERR_FORMAT, "nvidia.format"); /* twice */
}

TEST(nvidia_texts_that_are_refused)
{
    static const char *const texts[] = {
        "[]\"evidence\"\"certificate\"",
        "[{\"evidence\":1,\"certificate\":\"QQ==\"}]",
        "[{\"evidence\":\"QQ\",\"certificate\":\"QQ==\"}]",
        "[{\"evidence\":\"\",\"certificate\":\"QQ==\"}]",
        "[{\"evidence\":\"QQ==\",\"certificate\":\"\"}]",
        "[{\"evidence\":\"QQ==\"},\"certificate\"]",
        "[[\"evidence\",\"certificate\"]]",
        "{\"evidence\":\"QQ==\",\"evidence\":\"QQ==\",\"certificate\":\"QQ==\"}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct outcome o = verify(cm_span_make(texts[i], strlen(texts[i])), NULL, 0, NULL);

        if (o.st != CM_ERR_FORMAT && o.st != CM_ERR_SYNTAX) {
            TEST_FAIL("%s: %s", texts[i], cm_status_str(o.st));
        }
        CHECK(o.ev != NULL && cm_evidence_result(o.ev, 0, "nvidia.format") == CM_CHECK_FAIL);
        cm_evidence_free(o.ev);
    }
}

TEST(nvidia_too_many_devices)
{
    static char text[4000] = "[";
    size_t at = 1;

    for (int i = 0; i < 17; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "%s{\"evidence\":\"QQ==\",\"certificate\":\"QQ==\"}",
                               i == 0 ? "" : ",");
    }
    text[at++] = ']';
    expect(__LINE__, verify(cm_span_make(text, at), NULL, 0, NULL), CM_ERR_LIMIT, "nvidia.format");
}

TEST(nvidia_flipped_bits_of_a_report)
{
    static struct nv_device d;
    struct nv_spec s;

    nv_defaults(&s);
    s.blocks = 2;
    nv_make(&s, &d);
    const struct cm_material m = {
        CM_MATERIAL_CERTS, "chain", {(const uint8_t *)d.chain, d.chain_len}};

    for (size_t bit = 0; bit < 8 * d.report_len; bit += 7) {
        d.report[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct outcome o = verify(cm_span_make(d.report, d.report_len), &m, 1, NULL);

        CHECK(o.st != CM_OK);
        cm_evidence_free(o.ev);
        d.report[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST(nvidia_out_of_memory)
{
    static struct nv_device d[2];
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d[0]);
    s.device = 1;
    s.signer = 1;
    nv_make(&s, &d[1]);
    size_t len = nv_json(d, 2, HOPPER, json, sizeof(json));
    struct cm_verify_input in = {.now = CK_NOW, .roots = nv_root(), .root_count = 1};
    struct cm_verify_job job = {.evidence = cm_span_make(json, len), .in = &in};

    expect_out_of_memory(&job);
}

/* NVIDIA's own evidence of Hopper GPUs and LS10 switches, under NVIDIA's root. */
static size_t load(const char *name)
{
    char path[256] = "";
    FILE *f = NULL;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), VECTORS "%s", name);
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(json, 1, sizeof(json) - 1, f);
        (void)fclose(f);
    }
    json[n] = '\0';
    return n;
}

TEST(nvidia_real_evidence)
{
    static const struct {
        const char *name;
        size_t devices;
        const char *model;
    } files[] = {{"hopper_evidence.json", 1, "nvidia-gh100"},
                 {"hopper_evidence_cert_hold.json", 1, "nvidia-gh100"},
                 {"multi_gpu_hopper.json", 4, "nvidia-gh100"},
                 {"switch_evidence_ls10.json", 1, "nvidia-ls10"},
                 {"multi_switch_ls10.json", 4, "nvidia-ls10"}};
    size_t count = 0;
    struct cm_verify_input in = {.now = UINT64_C(1790000000)};
    struct cm_verify_job job = {.in = &in};
    struct cm_evidence *ev = NULL;

    in.roots = cm_verify_roots(&count);
    in.root_count = count;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t len = load(files[i].name);

        if (len == 0) {
            SKIP("no " VECTORS);
        }
        job.evidence = cm_span_make(json, len);
        in.now = UINT64_C(1790000000);
        CHECK_EQ(cm_verify(&job, &ev), CM_OK);
        REQUIRE(ev != NULL);
        CHECK_EQ(cm_evidence_submods(ev), files[i].devices);
        CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_HWMODEL, 0)->text, files[i].model);
        CHECK_EQ(cm_evidence_result(ev, 0, "nvidia.ocsp"), CM_CHECK_NOT_CHECKED);
        cm_evidence_free(ev);
        in.now = UINT64_C(1500000000); /* before its certificates */
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_EXPIRED);
        cm_evidence_free(ev);
        in.now = UINT64_C(1790000000);
        for (size_t cut = 1; cut < len; cut += 97) { /* truncations */
            job.evidence.len = len - cut;
            CHECK(cm_verify(&job, &ev) != CM_OK || json[len - cut] == '\n');
            cm_evidence_free(ev);
        }
    }
}

TEST_MAIN
