/* Google's vTPM attestation: of our own keys and CA, and the real one where it is. */
#include "verdict.h"

#include <casemate/verify.h>
#include <sys/stat.h>

#include "certkit.h"
#include "evidence/claims.h"
#include "os/os.h"
#include "tpm_kit.h"

#define GCE "../shared/vectors/evidence/tpm/"

/* The message, and what a test changes of it. */
struct made {
    uint32_t attributes;
    enum kit_key cert_key;
    bool no_cert;
    bool production;
    const char *extension; /* bytes instead */
    size_t extension_len;
    const uint8_t *use;
    bool no_sha256; /* only the quote of SHA-1 */
    bool two_logs;
    bool second_signer; /* the second quote by another key */
    bool unquoted;      /* a value of PCR 8, which the quote does not select */
    const char *family;
    bool emulated; /* the root, and that is allowed */
    struct cm_material with[2];
    size_t with_count;
    uint8_t bytes[32768];
    size_t len;
};

static void varint(struct cm_wr *w, uint64_t v)
{
    while (v > 0x7f) {
        cm_wr_u8(w, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    cm_wr_u8(w, (uint8_t)v);
}

static void field(struct cm_wr *w, unsigned number, struct cm_span bytes)
{
    varint(w, number << 3 | 2);
    varint(w, bytes.len);
    cm_wr_bytes(w, bytes.ptr, bytes.len);
}

static void number(struct cm_wr *w, unsigned n, uint64_t v)
{
    varint(w, n << 3);
    varint(w, v);
}

static void put_quote(struct cm_wr *w, uint16_t bank, enum kit_key key, bool unquoted)
{
    struct kit_quote q;
    struct kit_made m;
    uint8_t pcrs[4096];
    uint8_t all[8192];
    struct cm_wr p = cm_wr_init(pcrs, sizeof(pcrs));
    struct cm_wr a = cm_wr_init(all, sizeof(all));

    kit_defaults(&q);
    q.bank[0].alg = bank;
    q.key = key;
    kit_make(&q, &m);
    number(&p, 1, bank);
    for (unsigned i = unquoted ? 9 : 8; i-- > 0;) { /* a map has no order */
        uint8_t entry[80];
        struct cm_wr e = cm_wr_init(entry, sizeof(entry));

        if (i != 0) {
            number(&e, 1, i);
        }
        field(&e, 2, cm_span_make(q.value[0][i], cm_tpm_hash_size(bank)));
        field(&p, 2, cm_span_make(entry, e.used));
    }
    field(&a, 1, cm_span_make(m.attest, m.attest_len));
    field(&a, 2, cm_span_make(m.signature, m.signature_len));
    field(&a, 3, cm_span_make(pcrs, p.used));
    kit_must(cm_wr_finish(&p) == CM_OK && cm_wr_finish(&a) == CM_OK, "a quote");
    field(w, 2, cm_span_make(all, a.used));
}

static const uint8_t ek_use[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01};
static const uint8_t web_use[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                  0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
/* zone "z", project 5 "p", instance 7 "i", version 0, production */
static const char production[] = "\x30\x1d\x0c\x01z\x02\x01\x05\x0c\x01p\x02\x01\x07\x0c\x01i"
                                 "\xa0\x0c\x30\x0a\xa0\x03\x02\x01\x00\xa1\x03\x01\x01\xff";
static const char testing[] = "\x30\x1d\x0c\x01z\x02\x01\x05\x0c\x01p\x02\x01\x07\x0c\x01i"
                              "\xa0\x0c\x30\x0a\xa0\x03\x02\x01\x00\xa1\x03\x01\x01\x00";

static void begin(struct made *m)
{
    memset(m, 0, sizeof(*m));
    m->attributes = KIT_AK_ATTRIBUTES;
    m->cert_key = KIT_RSA;
    m->family = "gce";
    m->extension = production;
    m->extension_len = sizeof(production) - 1;
    m->use = ek_use;
}

static void build(struct made *m)
{
    struct cm_wr w = cm_wr_init(m->bytes, sizeof(m->bytes));
    uint8_t area[600];
    uint8_t der[2048];
    struct ck_cert leaf = {
        .issuer = "Google CA",
        .key = cm_privkey_evp(kit_key(m->cert_key)),
        .signer = ck_key("rsa2048", 0),
        .serial = 9,
        .usage = "critical,digitalSignature",
        .san = "critical,DNS:vtpm.example",
        .exts = {{"2.5.29.37", false, m->use, m->use == ek_use ? sizeof(ek_use) : sizeof(web_use)},
                 {m->extension == NULL ? NULL : "1.3.6.1.4.1.11129.2.1.21", false, m->extension,
                  m->extension_len}}};
    struct ck_cert ca = {.subject = "Google CA",
                         .issuer = "Google Root", /* not here: the intermediate is the anchor */
                         .key = ck_key("rsa2048", 0),
                         .signer = ck_key("rsa2048", 1),
                         .serial = 2,
                         .ca = true,
                         .usage = "critical,keyCertSign,cRLSign"};

    field(&w, 1, cm_span_make(area, kit_area(KIT_RSA, m->attributes, area, sizeof(area))));
    put_quote(&w, CM_TPM_ALG_SHA1, KIT_RSA, false);
    if (!m->no_sha256) {
        put_quote(&w, CM_TPM_ALG_SHA256, m->second_signer ? KIT_OTHER : KIT_RSA, m->unquoted);
    }
    if (!m->no_cert) {
        field(&w, 6, cm_span_make(der, ck_cert(&leaf, der, sizeof(der))));
    }
    field(&w, 7, cm_span_make(der, ck_cert(&ca, der, sizeof(der))));
    for (unsigned i = 0; m->two_logs && i < 2; i++) {
        field(&w, 5, kit_text("a log of containers"));
    }
    kit_must(cm_wr_finish(&w) == CM_OK, "a message");
    m->len = w.used;
}

static enum cm_status verify(const struct made *m, size_t len, struct cm_evidence **ev)
{
    struct cm_trust_root root = {.family = m->family, .label = "ours", .emulated = m->emulated};
    struct cm_verify_input in = {.now = CK_NOW,
                                 .roots = &root,
                                 .root_count = 1,
                                 .flags = m->emulated ? CM_VERIFY_ALLOW_EMULATED : 0};
    struct cm_verify_job job = {.evidence = cm_span_make(m->bytes, len),
                                .format = CM_FORMAT_GCE,
                                .materials = m->with,
                                .material_count = m->with_count,
                                .in = &in};

    in.report_data = kit_text("a nonce of the verifier");
    ck_spki_sha256(ck_key("rsa2048", 0), root.spki_sha256);
    return cm_verify(&job, ev);
}

static void expect_at(int line, struct made *m, enum cm_status want, const char *check)
{
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;

    build(m);
    st = verify(m, m->len, &ev);
    expect_verdict(line, st, ev, want, check);
    cm_evidence_free(ev);
}

#define EXPECT(change, want, check)             \
    do {                                        \
        static struct made m;                   \
        begin(&m);                              \
        change;                                 \
        expect_at(__LINE__, &m, (want), check); \
    } while (0)

TEST(an_attestation_of_our_own_is_accepted)
{
    static struct made m;
    struct cm_evidence *ev = NULL;

    begin(&m);
    build(&m);
    CHECK_EQ(cm_verify_recognise(cm_span_make(m.bytes, m.len)), CM_FORMAT_GCE);
    CHECK_EQ(verify(&m, m.len, &ev), CM_OK);
    REQUIRE(ev != NULL);
    CHECK_STR(cm_evidence_find(ev, 0, "gce.zone", 0)->text, "z");
    CHECK_EQ(cm_evidence_find(ev, 0, "gce.instance_id", 0)->number, 7);
    CHECK_EQ(cm_evidence_find(ev, 0, "gce.zone", 0)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, "tpm.clock", 0)->authority, CM_AUTHORITY_HARDWARE);
    CHECK(cm_evidence_find(ev, 0, "tpm.clock", 1) == NULL); /* of the best quote only */
    cm_evidence_free(ev);
}

TEST(keys_certificates_and_instances)
{
    uint8_t area[600];
    uint8_t spki[600];
    size_t len = kit_area(KIT_RSA, KIT_AK_ATTRIBUTES, area, sizeof(area));
    size_t spki_len = 0;

    EXPECT(m.attributes &= ~CM_TPM_RESTRICTED, CM_ERR_POLICY, "tpm.ak_attributes");
    EXPECT(m.cert_key = KIT_OTHER, CM_ERR_MISMATCH, "tpm.ak");
    EXPECT(m.family = "tpm", CM_ERR_NOTFOUND, "tpm.ak"); /* beyond the anchor there is nothing */
    EXPECT(m.use = web_use, CM_ERR_MISMATCH, "tpm.ak");
    EXPECT(m.no_cert = true, CM_ERR_NOTFOUND, "tpm.ak");
    EXPECT(m.extension_len--, CM_ERR_FORMAT, "gce.instance");
    EXPECT(m.extension = NULL, CM_OK, "");
    EXPECT((m.no_cert = true, m.with_count = 1,
            m.with[0] = (struct cm_material){CM_MATERIAL_KEY, "ak", {area, len}}),
           CM_OK, "");
    len = kit_area(KIT_OTHER, KIT_AK_ATTRIBUTES, area, sizeof(area));
    EXPECT((m.with_count = 1,
            m.with[0] = (struct cm_material){CM_MATERIAL_KEY, "other area", {area, len}}),
           CM_ERR_MISMATCH, "tpm.ak");
    CHECK_EQ(cm_pubkey_spki(kit_public(KIT_OTHER), spki, sizeof(spki), &spki_len), CM_OK);
    EXPECT((m.with_count = 1, /* a good certificate does not help where keys are enrolled */
            m.with[0] = (struct cm_material){CM_MATERIAL_KEY, "other", {spki, spki_len}}),
           CM_ERR_MISMATCH, "tpm.ak");
}

TEST(an_instance_that_is_not_of_production_counts_for_nothing)
{
    static struct made m;
    struct cm_evidence *ev = NULL;

    begin(&m);
    m.extension = testing;
    build(&m);
    CHECK_EQ(verify(&m, m.len, &ev), CM_OK);
    CHECK(cm_evidence_find(ev, 0, "gce.zone", 0) == NULL);
    CHECK_EQ(cm_evidence_result(ev, 0, "gce.instance"), CM_CHECK_NOT_APPLICABLE);
    cm_evidence_free(ev);
}

TEST(an_emulators_attestation_is_not_the_hardwares)
{
    static struct made m;
    struct cm_evidence *ev = NULL;

    begin(&m);
    m.emulated = true;
    build(&m);
    REQUIRE(verify(&m, m.len, &ev) == CM_OK);
    CHECK_EQ(cm_evidence_find(ev, 0, "tpm.clock", 0)->authority, CM_AUTHORITY_SELF);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(a_field_that_stands_once_stands_once)
{
    EXPECT(m.two_logs = true, CM_ERR_FORMAT, "gce.attestation");
}

TEST(every_quote_counts)
{
    EXPECT(m.no_sha256 = true, CM_ERR_POLICY, "tpm.bank");
    EXPECT(m.second_signer = true, CM_ERR_SIGNATURE, "tpm.signature");
}

TEST(values_that_nobody_quoted_are_not_taken_along)
{
    EXPECT(m.unquoted = true, CM_ERR_MISMATCH, "tpm.pcrs");
}

TEST(every_truncation_of_the_message)
{
    static struct made m;

    begin(&m);
    build(&m);
    for (size_t n = 0; n < m.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);
        static struct made part;
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;

        REQUIRE(exact != NULL);
        part = m;
        memcpy(part.bytes, m.bytes, n);
        st = verify(&part, n, &ev);
        /* optional fields are at the end: without certificate it is refused, too */
        if (st == CM_OK) {
            TEST_FAIL("%zu of %zu bytes are accepted", n, m.len);
        }
        cm_evidence_free(ev);
        free(exact);
    }
}

static struct cm_span load(const char *name)
{
    char path[512] = "";
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof(path), GCE "%s", name);
    return cm_file_read(path, 1u << 20, &bytes, &len, NULL) == CM_OK ? cm_span_make(bytes, len)
                                                                     : cm_span_make(NULL, 0);
}

TEST(the_attestation_of_a_real_machine)
{
    struct stat sb;
    struct cm_verify_input in = {.now = UINT64_C(1640000000)};
    struct cm_material with[1];
    struct cm_verify_job job = {.materials = with, .material_count = 1, .in = &in};
    struct cm_evidence *ev = NULL;
    const struct cm_check *c = NULL;

    if (stat(GCE "gce-cos85-no-nonce/attestation.pb", &sb) != 0) {
        SKIP(GCE " is not here");
    }
    job.evidence = load("gce-cos85-no-nonce/attestation.pb");
    with[0] = (struct cm_material){CM_MATERIAL_CERTS, "signer",
                                   load("_gce_roots/tpm_ek_intermediate_2.crt")};
    in.roots = cm_verify_roots(&in.root_count);
    CHECK_EQ(cm_verify_recognise(job.evidence), CM_FORMAT_GCE);
    CHECK_EQ(cm_verify(&job, &ev), CM_OK);
    for (size_t i = 0; (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (c->result == CM_CHECK_FAIL) {
            (void)printf("     %s %d %s\n", c->name, (int)c->result, c->detail);
        }
    }
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.event_log"), CM_CHECK_PASS);
    CHECK_EQ(cm_evidence_find(ev, 0, "gce.project_id", 0)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, "tpm.secure_boot", 0)->authority, CM_AUTHORITY_HARDWARE);
    CHECK_STR(cm_evidence_find(ev, 0, "gce.instance_name", 0)->text, "cos-test");
    cm_evidence_free(ev);
    in.report_data = kit_text("a nonce"); /* it was made without one */
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "nonce"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    in.report_data = cm_span_make(NULL, 0);
    in.now = UINT64_C(1600000000);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_EXPIRED);
    cm_evidence_free(ev);
    in.now = UINT64_C(1640000000);
    job.material_count = 0;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_NOTFOUND);
    cm_evidence_free(ev);
    free((void *)(uintptr_t)job.evidence.ptr);
    free((void *)(uintptr_t)with[0].bytes.ptr);
}

TEST_MAIN
