/* Nitro documents: our own under a root of our own, each rule broken once. */
#include "nitro_expect.h"

#include <openssl/evp.h>

#include "token/cbor.h"

static uint8_t doc[32768];
static struct cm_trust_root root;
static struct cm_verify_input input;

static struct cm_span build(const struct nk_doc *d)
{
    return cm_span_make(doc, nk_make(d, doc, sizeof(doc)));
}

static void prepare(void)
{
    root = nk_root();
    memset(&input, 0, sizeof(input));
    input.now = CK_NOW;
    input.roots = &root;
    input.root_count = 1;
    input.report_data = cm_span_make("nonce", 5);
}

/* One change to a good document, and what must come of it; with a cache twice the same. */
#define EXPECT(change, want, check)                                                  \
    do {                                                                             \
        struct cm_cert_cache *cache = NULL;                                          \
        struct nk_doc d;                                                             \
        struct cm_span bytes;                                                        \
        nk_defaults(&d);                                                             \
        prepare();                                                                   \
        change;                                                                      \
        bytes = build(&d);                                                           \
        CHECK_EQ(cm_cert_cache_create(16, &cache), CM_OK);                           \
        nitro_expect(__LINE__, nitro_verify(bytes, &input, NULL), (want), (check));  \
        nitro_expect(__LINE__, nitro_verify(bytes, &input, cache), (want), (check)); \
        nitro_expect(__LINE__, nitro_verify(bytes, &input, cache), (want), (check)); \
        cm_cert_cache_free(cache);                                                   \
    } while (0)

#define PATCH(field, bytes)                               \
    d.patch = (struct nk_patch)                           \
    {                                                     \
        (field), cm_span_make((bytes), sizeof(bytes) - 1) \
    }

TEST(documents_in_every_form_verify)
{
    EXPECT((void)0, CM_OK, NULL);
    EXPECT(d.tagged = true, CM_OK, NULL);
    EXPECT(d.indefinite = true, CM_OK, NULL);
    EXPECT((d.indefinite = true, d.tagged = true), CM_OK, NULL);
    EXPECT(d.nulls = false, CM_OK, NULL);
    EXPECT(d.reversed = true, CM_OK, NULL);
    EXPECT(d.pcr_count = 32, CM_OK, NULL);
    EXPECT(d.pcr_count = 3, CM_OK, NULL);
    EXPECT(d.pcr_size = 64, CM_OK, NULL);
}

TEST(claims_are_those_of_the_document)
{
    struct nk_doc d;
    struct outcome o;
    struct cm_span bytes;
    const struct cm_claim *c = NULL;

    nk_defaults(&d);
    prepare();
    d.user_data = cm_span_make("", 0);
    d.public_key = cm_span_make("key", 3);
    bytes = build(&d);
    CHECK(cm_nitro_recognise(bytes));
    o = nitro_verify(bytes, &input, NULL);
    CHECK_EQ(o.st, CM_OK);
    c = cm_evidence_find(o.ev, 0, CM_CLAIM_MEASUREMENTS, 4);
    REQUIRE(c != NULL);
    CHECK_STR(c->text, "pcr4");
    CHECK_STR(c->alg, "sha-384");
    CHECK_EQ(c->role, CM_ROLE_CONFIG);
    CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_result(o.ev, 0, "nitro.instance"), CM_CHECK_PASS);
    c = cm_evidence_find(o.ev, 0, CM_CLAIM_IAT, 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->number, CK_NOW);
    c = cm_evidence_find(o.ev, 0, "nitro.public_key", 0);
    REQUIRE(c != NULL);
    CHECK_MEM(c->bytes, "key", 3);
    /* empty is not absent */
    c = cm_evidence_find(o.ev, 0, CM_CLAIM_REPORT_DATA, 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->len, 0);
    c = cm_evidence_find(o.ev, 0, CM_CLAIM_NOT_AFTER, 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->number, CK_NOW + CK_DAY);
    cm_evidence_free(o.ev);
    /* null is absent */
    d.user_data = cm_span_make(NULL, 0);
    o = nitro_verify(build(&d), &input, NULL);
    CHECK(cm_evidence_find(o.ev, 0, CM_CLAIM_REPORT_DATA, 0) == NULL);
    cm_evidence_free(o.ev);
}

/* accepted where the caller allows it, and hardware's word for nothing */
TEST(an_emulators_document_is_its_own_word)
{
    struct nk_doc d;
    struct outcome o;

    nk_defaults(&d);
    prepare();
    root.emulated = true;
    input.flags = CM_VERIFY_ALLOW_EMULATED;
    o = nitro_verify(build(&d), &input, NULL);
    CHECK_EQ(o.st, CM_OK);
    CHECK_EQ(cm_evidence_find(o.ev, 0, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(o.ev);
}

TEST(debug_mode_is_refused_unless_allowed)
{
    EXPECT(d.pcr_first = 0, CM_ERR_POLICY, "debug");
    EXPECT((d.pcr_first = 0, input.flags = CM_VERIFY_ALLOW_DEBUG), CM_OK, NULL);
    /* without measurements nobody can tell */
    EXPECT(d.pcr_count = 2, CM_ERR_NOTFOUND, "debug");
}

TEST(the_chain_must_end_in_a_root_of_the_caller)
{
    EXPECT(root.spki_sha256[0] ^= 1, CM_ERR_POLICY, "nitro.root");
    EXPECT(root.family = "snp", CM_ERR_POLICY, "nitro.root");
    EXPECT(input.root_count = 0, CM_ERR_POLICY, "nitro.root");
    EXPECT(root.emulated = true, CM_ERR_POLICY, "nitro.root");
    /* a bundle that lacks the link */
    EXPECT(d.bundle_count = 2, CM_ERR_NOTFOUND, "nitro.chain");
}

/* certificates live for hours: every one of them must be valid at the time that the caller gives */
TEST(every_certificate_must_be_valid_at_the_given_time)
{
    for (int i = 0; i < NK_CERTS; i++) {
        EXPECT(d.certs[i].to = CK_NOW - 1, CM_ERR_EXPIRED, "nitro.chain_validity");
        EXPECT(d.certs[i].from = CK_NOW + 1, CM_ERR_EXPIRED, "nitro.chain_validity");
        EXPECT(d.certs[i].to = CK_NOW, CM_OK, NULL);
    }
    EXPECT(input.now = CK_NOW + 2 * CK_DAY, CM_ERR_EXPIRED, "nitro.chain_validity");
}

TEST(certificates_must_have_their_roles)
{
    EXPECT(d.certs[1].ca = false, CM_ERR_MISMATCH, "nitro.chain");
    EXPECT(d.certs[1].usage = "critical,digitalSignature", CM_ERR_MISMATCH, "nitro.chain");
    EXPECT(d.certs[3].usage = "critical,keyAgreement", CM_ERR_MISMATCH, "nitro.chain");
    EXPECT(d.certs[3].ca = true, CM_ERR_MISMATCH, "nitro.chain");
    EXPECT((d.certs[1].has_pathlen = true, d.certs[1].pathlen = 0), CM_ERR_MISMATCH, "nitro.chain");
    EXPECT((d.certs[1].has_pathlen = true, d.certs[1].pathlen = 1), CM_OK, NULL);
    /* signed by another key of the right name */
    EXPECT(d.certs[2].signer = cm_privkey_evp(nk_key(4)), CM_ERR_SIGNATURE, "nitro.chain");
}

TEST(the_document_must_be_signed_by_the_leaf_with_es384)
{
    EXPECT(d.signer = nk_key(4), CM_ERR_SIGNATURE, "nitro.signature");
    EXPECT((d.signer = nk_key(5), d.alg = CM_SIG_ES256), CM_ERR_UNSUPPORTED, "nitro.format");
    EXPECT((d.signer = nk_key(5), d.alg = CM_SIG_ES256, d.certs[3].key = cm_privkey_evp(nk_key(5))),
           CM_ERR_UNSUPPORTED, "nitro.format");
    /* a leaf on another curve cannot have made an ES384 signature */
    EXPECT(d.certs[3].key = cm_privkey_evp(nk_key(5)), CM_ERR_MISMATCH, "nitro.signature");
}

TEST(the_nonce_must_be_equal_as_a_whole)
{
    EXPECT(input.report_data = cm_span_make("nonc", 4), CM_ERR_MISMATCH, "nonce");
    EXPECT(input.report_data = cm_span_make("noncf", 5), CM_ERR_MISMATCH, "nonce");
    EXPECT(d.nonce = cm_span_make(NULL, 0), CM_ERR_MISMATCH, "nonce");
    EXPECT(d.nonce = cm_span_make("", 0), CM_ERR_MISMATCH, "nonce");
    EXPECT(input.report_data = cm_span_make(NULL, 0), CM_OK, NULL);
}

TEST(fields_that_are_missing_or_malformed_are_refused)
{
    static const char *const fields[] = {"module_id", "digest",      "timestamp",
                                         "pcrs",      "certificate", "cabundle"};
    static uint8_t big[1032] = {0x59, 0x04, 0x01}; /* 1025 bytes */

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        EXPECT(PATCH(fields[i], ""), CM_ERR_FORMAT, "nitro.format");
        EXPECT(PATCH(fields[i], "\xf6"), CM_ERR_FORMAT, "nitro.format");
        EXPECT(PATCH(fields[i], "\xf5"), CM_ERR_FORMAT, "nitro.format");
    }
    EXPECT(PATCH("module_id", "\x60"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("digest", "\x66SHA256"), CM_ERR_UNSUPPORTED, "nitro.format");
    EXPECT(PATCH("timestamp", "\x00"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("timestamp", "\x20"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("pcrs", "\xa0"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("pcrs", "\xa1\x61x\x40"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("cabundle", "\x80"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("cabundle", "\x81\x40"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("certificate", "\x40"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("certificate", "\x42\x30\x00"), CM_ERR_FORMAT, "nitro.chain");
    EXPECT(PATCH("cabundle", "\x81\x42\x30\x00"), CM_ERR_FORMAT, "nitro.chain");
    EXPECT(PATCH("public_key", "\x40"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(PATCH("user_data", "\x01"), CM_ERR_FORMAT, "nitro.format");
    EXPECT(d.patch = ((struct nk_patch){"user_data", {big, 1028}}), CM_ERR_FORMAT, "nitro.format");
    EXPECT(d.pcr_size = 47, CM_ERR_FORMAT, "nitro.format");
    /* registers are 0 to 31: 32 is one too many */
    EXPECT(d.pcr_count = 33, CM_ERR_FORMAT, "nitro.format");
}

TEST(register_32_does_not_exist)
{
    uint8_t pcrs[64] = {0xa1, 0x18, 32, 0x58, 48};
    struct cm_span one = {pcrs, 5 + 48};

    EXPECT(d.patch = ((struct nk_patch){"pcrs", one}), CM_ERR_FORMAT, "nitro.format");
    pcrs[2] = 31;
    EXPECT(d.patch = ((struct nk_patch){"pcrs", one}), CM_ERR_NOTFOUND, "debug");
}

TEST(every_truncation_and_every_longer_document_is_refused)
{
    struct nk_doc d;
    struct cm_span bytes;

    nk_defaults(&d);
    prepare();
    d.indefinite = true;
    bytes = build(&d);
    for (size_t n = 0; n < bytes.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, doc, n);
        CHECK(!cm_nitro_recognise(cm_span_make(exact, n)));
        nitro_expect(__LINE__, nitro_verify(cm_span_make(exact, n), &input, NULL), CM_ERR_FORMAT,
                     "nitro.format");
        free(exact);
    }
    doc[bytes.len] = 0;
    nitro_expect(__LINE__, nitro_verify(cm_span_make(doc, bytes.len + 1), &input, NULL),
                 CM_ERR_FORMAT, "nitro.format");
}

TEST(flipped_bits_are_refused)
{
    struct nk_doc d;
    struct cm_cert_cache *cache = NULL;
    struct cm_span bytes;

    nk_defaults(&d);
    prepare();
    bytes = build(&d);
    REQUIRE(cm_cert_cache_create(16, &cache) == CM_OK);
    for (size_t bit = 0; bit < 8 * bytes.len; bit += 13) { /* thirteen and eight have no divisor */
        struct outcome o;

        doc[bit / 8] ^= (uint8_t)(1u << bit % 8);
        o = nitro_verify(bytes, &input, cache);
        if (o.st == CM_OK) {
            TEST_FAIL("bit %zu is not noticed", bit);
        }
        cm_evidence_free(o.ev);
        doc[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cm_cert_cache_free(cache);
}

TEST(every_failing_allocation_of_a_verification_is_an_error)
{
    struct nk_doc d;
    struct cm_span bytes;
    bool hit = true;

    nk_defaults(&d);
    prepare();
    bytes = build(&d);
    for (long k = 1; hit; k++) {
        struct cm_verify_job job = {.evidence = bytes, .in = &input};
        struct cm_evidence *ev = cm_evidence_new("enclave");
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_nitro_verify(&job, ev, 0);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (hit && st == CM_OK && cm_evidence_done(ev) == CM_OK) {
            TEST_FAIL("allocation %ld is not missed", k);
        }
        cm_evidence_free(ev);
    }
}

TEST_MAIN
