/* Whose key signed a quote: enrolled keys, public areas, certificates; through cm_verify(). */
#include "verdict.h"

#include "certkit.h"
#include "evidence/claims.h"
#include "tpm/tpm_credential.h"
#include "tpm_kit.h"

struct run {
    struct cm_material with[8];
    size_t count;
    struct cm_trust_root root;
    struct kit_made made;
    uint8_t evidence[1200]; /* TPM2B_ATTEST and TPMT_SIGNATURE */
    size_t evidence_len;
};

/* A good quote by KIT_RSA; its materials are the test's to add. */
static void begin(struct run *r)
{
    struct kit_quote q;
    struct cm_wr w = cm_wr_init(r->evidence, sizeof(r->evidence));

    memset(r, 0, sizeof(*r));
    kit_defaults(&q);
    kit_make(&q, &r->made);
    cm_wr_u16be(&w, (uint16_t)r->made.attest_len);
    cm_wr_bytes(&w, r->made.attest, r->made.attest_len);
    cm_wr_bytes(&w, r->made.signature, r->made.signature_len);
    kit_must(cm_wr_finish(&w) == CM_OK, "evidence");
    r->evidence_len = w.used;
    r->root.family = "tpm";
    ck_spki_sha256(ck_key("p256", 0), r->root.spki_sha256);
}

static void with(struct run *r, enum cm_material_kind kind, const void *bytes, size_t len)
{
    r->with[r->count++] = (struct cm_material){kind, "test", cm_span_make(bytes, len)};
}

static enum cm_status verify(struct run *r, struct cm_evidence **ev)
{
    struct cm_verify_input in = {.now = CK_NOW, .roots = &r->root, .root_count = 1};
    struct cm_verify_job job = {.evidence = cm_span_make(r->evidence, r->evidence_len),
                                .materials = r->with,
                                .material_count = r->count,
                                .in = &in};

    return cm_verify(&job, ev);
}

/* status, check that failed ("" none), and the authority of the clock's claim */
static void expect_at(int line, struct run *r, enum cm_status want, const char *check,
                      int authority)
{
    struct cm_evidence *ev = NULL;
    enum cm_status st = verify(r, &ev);
    const struct cm_claim *c = ev == NULL ? NULL : cm_evidence_find(ev, 0, "tpm.clock", 0);

    expect_verdict(line, st, ev, want, check);
    if ((c == NULL ? -1 : (int)c->authority) != authority) {
        TEST_FAIL("line %d: authority %d", line, c == NULL ? -1 : (int)c->authority);
    }
    cm_evidence_free(ev);
}

#define EXPECT(r, want, check, authority) expect_at(__LINE__, r, want, check, authority)

static size_t spki_of(enum kit_key key, uint8_t out[600])
{
    size_t len = 0;

    kit_must(cm_pubkey_spki(kit_public(key), out, 600, &len) == CM_OK, "SPKI");
    return len;
}

TEST(without_a_trusted_key_nothing_is_genuine)
{
    struct run r;
    uint8_t area[600];
    size_t len = 0;

    begin(&r);
    EXPECT(&r, CM_ERR_NOTFOUND, "tpm.ak", CM_AUTHORITY_SELF);
    len = kit_area(KIT_RSA, KIT_AK_ATTRIBUTES, area, sizeof(area));
    with(&r, CM_MATERIAL_TPM_PUBLIC, area, len); /* the attester's own word */
    EXPECT(&r, CM_ERR_NOTFOUND, "tpm.ak", CM_AUTHORITY_SELF);
}

TEST(a_bare_enrolled_key_has_a_keys_authority)
{
    struct run r;
    struct cm_evidence *ev = NULL;
    uint8_t spki[600];
    char pem[1200] = "";

    begin(&r);
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
    CHECK_EQ(verify(&r, &ev), CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.ak_attributes"), CM_CHECK_NOT_CHECKED);
    cm_evidence_free(ev);
    begin(&r);
    CHECK_EQ(cm_pubkey_pem(kit_public(KIT_RSA), pem, sizeof(pem)), CM_OK);
    with(&r, CM_MATERIAL_KEY, pem, strlen(pem));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
}

TEST(an_enrolled_public_area_has_the_hardwares_authority)
{
    struct run r;
    uint8_t area[600];

    begin(&r);
    with(&r, CM_MATERIAL_KEY, area, kit_area(KIT_RSA, KIT_AK_ATTRIBUTES, area, sizeof(area)));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_HARDWARE);
}

TEST(an_unrestricted_key_is_refused_wherever_it_is_known)
{
    struct run r;
    uint8_t area[600];
    uint8_t spki[600];
    size_t len = kit_area(KIT_RSA, KIT_AK_ATTRIBUTES & ~CM_TPM_RESTRICTED, area, sizeof(area));

    begin(&r);
    with(&r, CM_MATERIAL_KEY, area, len);
    EXPECT(&r, CM_ERR_POLICY, "tpm.ak_attributes", CM_AUTHORITY_SELF);
    begin(&r);
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    with(&r, CM_MATERIAL_TPM_PUBLIC, area, len);
    EXPECT(&r, CM_ERR_POLICY, "tpm.ak_attributes", CM_AUTHORITY_SELF);
}

TEST(an_area_that_nobody_vouches_for_raises_nothing)
{
    struct run r;
    uint8_t area[600];
    uint8_t spki[600];

    begin(&r);
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    with(&r, CM_MATERIAL_TPM_PUBLIC, area,
         kit_area(KIT_RSA, KIT_AK_ATTRIBUTES, area, sizeof(area)));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
    begin(&r);
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    with(&r, CM_MATERIAL_TPM_PUBLIC, area,
         kit_area(KIT_OTHER, KIT_AK_ATTRIBUTES, area, sizeof(area)));
    EXPECT(&r, CM_ERR_MISMATCH, "tpm.ak_attributes", CM_AUTHORITY_SELF);
}

TEST(another_enrolled_key_is_refused_one_of_several_is_found)
{
    struct run r;
    uint8_t other[600];
    uint8_t ec[600];
    uint8_t right[600];

    begin(&r);
    with(&r, CM_MATERIAL_KEY, other, spki_of(KIT_OTHER, other));
    EXPECT(&r, CM_ERR_SIGNATURE, "tpm.ak", CM_AUTHORITY_SELF);
    with(&r, CM_MATERIAL_KEY, ec, spki_of(KIT_P256, ec));
    EXPECT(&r, CM_ERR_SIGNATURE, "tpm.ak", CM_AUTHORITY_SELF);
    with(&r, CM_MATERIAL_KEY, right, spki_of(KIT_RSA, right));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
}

static const uint8_t ak_use[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03};
static const uint8_t ek_use[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01};

static struct ck_cert ak_spec(const uint8_t *use, size_t use_len)
{
    return (struct ck_cert){.subject = NULL,
                            .issuer = "TPM CA",
                            .key = cm_privkey_evp(kit_key(KIT_RSA)),
                            .signer = ck_key("p256", 0),
                            .serial = 2,
                            .usage = "critical,digitalSignature",
                            .san = "critical,DNS:tpm.example",
                            .exts = {{use == NULL ? NULL : "2.5.29.37", false, use, use_len}}};
}

static size_t ak_cert(uint8_t der[2048], const uint8_t *use, size_t use_len)
{
    const struct ck_cert c = ak_spec(use, use_len);

    return ck_cert(&c, der, 2048);
}

static size_t ca_cert(uint8_t der[2048])
{
    struct ck_cert c = {.subject = "TPM CA",
                        .issuer = "TPM CA",
                        .key = ck_key("p256", 0),
                        .signer = ck_key("p256", 0),
                        .serial = 1,
                        .ca = true,
                        .usage = "critical,keyCertSign,cRLSign"};

    return ck_cert(&c, der, 2048);
}

TEST(a_certified_key_has_the_hardwares_authority)
{
    struct run r;
    uint8_t leaf[2048];
    uint8_t ca[2048];
    uint8_t area[600];

    begin(&r);
    with(&r, CM_MATERIAL_CERTS, leaf, ak_cert(leaf, ak_use, sizeof(ak_use)));
    with(&r, CM_MATERIAL_CERTS, ca, ca_cert(ca));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_HARDWARE);
    with(&r, CM_MATERIAL_TPM_PUBLIC, area,
         kit_area(KIT_RSA, KIT_AK_ATTRIBUTES & ~CM_TPM_RESTRICTED, area, sizeof(area)));
    EXPECT(&r, CM_ERR_POLICY, "tpm.ak_attributes", CM_AUTHORITY_SELF);
    begin(&r);
    with(&r, CM_MATERIAL_CERTS, leaf, ak_cert(leaf, NULL, 0));
    with(&r, CM_MATERIAL_CERTS, ca, ca_cert(ca));
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_HARDWARE);
}

/* The certificates come as a tool happens to list them; the signature says whose is the key's. */
TEST(certificates_in_any_order)
{
    struct run r;
    struct ck_cert spec = ak_spec(ak_use, sizeof(ak_use));
    uint8_t leaf[2048];
    uint8_t ca[2048];
    uint8_t other[2048];
    uint8_t forged[2048];
    const size_t leaf_len = ck_cert(&spec, leaf, sizeof(leaf));
    const size_t ca_len = ca_cert(ca);
    size_t other_len = 0;
    size_t forged_len = 0;

    spec.key = cm_privkey_evp(kit_key(KIT_OTHER));
    other_len = ck_cert(&spec, other, sizeof(other));
    spec.key = cm_privkey_evp(kit_key(KIT_RSA));
    spec.signer = ck_key("p256", 1); /* not the CA's */
    forged_len = ck_cert(&spec, forged, sizeof(forged));
    begin(&r);
    with(&r, CM_MATERIAL_CERTS, ca, ca_len);
    with(&r, CM_MATERIAL_CERTS, leaf, leaf_len);
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_HARDWARE);
    begin(&r);
    with(&r, CM_MATERIAL_CERTS, other, other_len);
    with(&r, CM_MATERIAL_CERTS, ca, ca_len);
    with(&r, CM_MATERIAL_CERTS, leaf, leaf_len);
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_HARDWARE);
    begin(&r);
    with(&r, CM_MATERIAL_CERTS, ca, ca_len);
    EXPECT(&r, CM_ERR_NOTFOUND, "tpm.ak", CM_AUTHORITY_SELF);
    begin(&r); /* another's good certificate does not help a forged one of the key that signed */
    with(&r, CM_MATERIAL_CERTS, other, other_len);
    with(&r, CM_MATERIAL_CERTS, ca, ca_len);
    with(&r, CM_MATERIAL_CERTS, forged, forged_len);
    EXPECT(&r, CM_ERR_SIGNATURE, "tpm.ak", CM_AUTHORITY_SELF);
    begin(&r);
    with(&r, CM_MATERIAL_CERTS, ca, ca_len);
    with(&r, CM_MATERIAL_CERTS, other, other_len); /* its key did not sign */
    EXPECT(&r, CM_ERR_SIGNATURE, "tpm.signature", CM_AUTHORITY_SELF);
}

TEST(a_certificate_for_something_else_is_refused)
{
    struct run r;
    uint8_t leaf[2048];
    uint8_t ca[2048];

    begin(&r);
    with(&r, CM_MATERIAL_CERTS, leaf, ak_cert(leaf, ek_use, sizeof(ek_use)));
    with(&r, CM_MATERIAL_CERTS, ca, ca_cert(ca));
    EXPECT(&r, CM_ERR_MISMATCH, "tpm.ak", CM_AUTHORITY_SELF);
}

TEST(an_unknown_root_is_refused)
{
    struct run r;
    uint8_t leaf[2048];
    uint8_t ca[2048];

    begin(&r);
    with(&r, CM_MATERIAL_CERTS, leaf, ak_cert(leaf, ak_use, sizeof(ak_use)));
    with(&r, CM_MATERIAL_CERTS, ca, ca_cert(ca));
    r.root.family = "snp"; /* trusted for something else */
    EXPECT(&r, CM_ERR_POLICY, "tpm.ak", CM_AUTHORITY_SELF);
    r.root.family = "tpm";
    r.root.spki_sha256[0] ^= 1;
    EXPECT(&r, CM_ERR_POLICY, "tpm.ak", CM_AUTHORITY_SELF);
}

TEST(enrolled_keys_and_certificates_are_never_mixed)
{
    struct run r;
    uint8_t leaf[2048];
    uint8_t ca[2048];
    uint8_t other[600];

    begin(&r);
    with(&r, CM_MATERIAL_CERTS, leaf, ak_cert(leaf, ak_use, sizeof(ak_use)));
    with(&r, CM_MATERIAL_CERTS, ca, ca_cert(ca));
    with(&r, CM_MATERIAL_KEY, other, spki_of(KIT_OTHER, other));
    EXPECT(&r, CM_ERR_SIGNATURE, "tpm.ak", CM_AUTHORITY_SELF);
}

TEST(every_truncation_of_the_evidence)
{
    struct run r;
    uint8_t spki[600];

    begin(&r);
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    for (size_t n = 0; n < r.evidence_len; n++) {
        struct cm_verify_input in = {.now = CK_NOW, .roots = &r.root, .root_count = 1};
        uint8_t *exact = malloc(n == 0 ? 1 : n);
        struct cm_verify_job job = {.evidence = cm_span_make(exact, n),
                                    .format = CM_FORMAT_TPM,
                                    .materials = r.with,
                                    .material_count = r.count,
                                    .in = &in};
        struct cm_evidence *ev = NULL;

        REQUIRE(exact != NULL);
        memcpy(exact, r.evidence, n);
        if (cm_verify(&job, &ev) == CM_OK) {
            TEST_FAIL("%zu bytes are accepted", n);
        }
        cm_evidence_free(ev);
        free(exact);
    }
}

TEST(signature_and_values_beside_the_quote)
{
    struct run r;
    uint8_t spki[600];

    begin(&r);
    memcpy(r.evidence, r.made.attest, r.made.attest_len);
    r.evidence_len = r.made.attest_len;
    with(&r, CM_MATERIAL_KEY, spki, spki_of(KIT_RSA, spki));
    EXPECT(&r, CM_ERR_NOTFOUND, "tpm.signature", CM_AUTHORITY_SELF);
    with(&r, CM_MATERIAL_SIGNATURE, r.made.signature, r.made.signature_len);
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
    with(&r, CM_MATERIAL_PCRS, r.made.values, r.made.values_len);
    EXPECT(&r, CM_OK, "", CM_AUTHORITY_KEY);
    r.made.values[0] ^= 1;
    EXPECT(&r, CM_ERR_MISMATCH, "tpm.pcrs", CM_AUTHORITY_KEY);
}

TEST(answers_to_a_credential)
{
    static const uint8_t secret[16] = {1, 2, 3};
    uint8_t answer[17] = {1, 2, 3};

    CHECK_EQ(cm_tpm_credential_check(cm_span_make(secret, 16), cm_span_make(answer, 16)), CM_OK);
    CHECK_EQ(cm_tpm_credential_check(cm_span_make(secret, 16), cm_span_make(answer, 17)),
             CM_ERR_MISMATCH);
    CHECK_EQ(cm_tpm_credential_check(cm_span_make(secret, 0), cm_span_make(answer, 0)),
             CM_ERR_MISMATCH);
    answer[15] ^= 1;
    CHECK_EQ(cm_tpm_credential_check(cm_span_make(secret, 16), cm_span_make(answer, 16)),
             CM_ERR_MISMATCH);
}

TEST(credentials_are_only_for_what_can_open_them)
{
    static const uint8_t name[34] = {0, 11};
    static const uint8_t secret[33] = {1};
    struct cm_tpm_public ak;
    uint8_t area[600];
    uint8_t blob[CM_TPM_CREDENTIAL_MAX];
    size_t len = kit_area(KIT_RSA, KIT_AK_ATTRIBUTES, area, sizeof(area));

    REQUIRE(cm_tpm_public_parse(cm_span_make(area, len), &ak, NULL) == CM_OK);
    /* no symmetric algorithm: no storage key */
    CHECK_EQ(
        cm_tpm_make_credential(&ak, cm_span_make(name, 34), cm_span_make(secret, 16), blob, &len),
        CM_ERR_UNSUPPORTED);
    CHECK_EQ(
        cm_tpm_make_credential(&ak, cm_span_make(name, 34), cm_span_make(secret, 33), blob, &len),
        CM_ERR_PARAM);
    CHECK_EQ(
        cm_tpm_make_credential(&ak, cm_span_make(name, 1), cm_span_make(secret, 16), blob, &len),
        CM_ERR_PARAM);
}

TEST_MAIN
