/* CoRIM files: the vectors with their verdicts, and files of our own against tokens of our own. */
#include "arm_expect.h"

#include <dirent.h>
#include <unistd.h>

#include "corim/corim.h"
#include "os/os.h"
#include "token/base64.h"
#include "token/cose.h"

#define ROOT "../shared/vectors/evidence/corim/"

/* ---- files of our own */

static uint8_t file_bytes[16384];

struct file_spec {
    const char *profile;    /* URI, or NULL */
    uint64_t not_after;     /* 0: none */
    struct cm_span triples; /* the map of a CoMID's key 4, in CBOR */
};

static struct cm_span make_file(const struct file_spec *f)
{
    static uint8_t mid[16384];
    static const uint8_t id[16] = {1, 2, 3};
    struct cm_wr m = cm_wr_init(mid, sizeof(mid));
    struct cm_wr w = cm_wr_init(file_bytes, sizeof(file_bytes));

    cm_cbor_wr_map(&m, 2);
    cm_cbor_wr_u64(&m, 1);
    cm_cbor_wr_map(&m, 1);
    cm_cbor_wr_u64(&m, 0);
    cm_cbor_wr_bytes(&m, cm_span_make(id, sizeof(id)));
    cm_cbor_wr_u64(&m, 4);
    cm_wr_bytes(&m, f->triples.ptr, f->triples.len);
    cm_cbor_wr_tag(&w, 501);
    cm_cbor_wr_map(&w, 2u + (f->profile != NULL ? 1 : 0) + (f->not_after != 0 ? 1 : 0));
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_text(&w, "ours");
    cm_cbor_wr_u64(&w, 1);
    cm_cbor_wr_array(&w, 1);
    cm_cbor_wr_tag(&w, 506);
    cm_cbor_wr_bytes(&w, cm_span_make(mid, m.used));
    if (f->profile != NULL) {
        cm_cbor_wr_u64(&w, 3);
        cm_cbor_wr_tag(&w, 32);
        cm_cbor_wr_text(&w, f->profile);
    }
    if (f->not_after != 0) {
        cm_cbor_wr_u64(&w, 4);
        cm_cbor_wr_map(&w, 1);
        cm_cbor_wr_u64(&w, 1);
        cm_cbor_wr_tag(&w, 1);
        cm_cbor_wr_u64(&w, f->not_after);
    }
    return cm_span_make(file_bytes, w.used);
}

/* A signed file with the header that CoRIM has; changed: the payload differs from what was signed. */
static struct cm_span make_signed(struct cm_span manifest, const struct cm_privkey *key,
                                  bool changed)
{
    static uint8_t out[16384];
    static const uint8_t meta[] = {0xa1, 0x00, 0xa1, 0x00, 0x61, 'x'};
    uint8_t header[128] = {0};
    uint8_t heads[2][32] = {{0}};
    uint8_t sig[CM_SIG_MAX_SIZE] = {0};
    struct cm_wr h = cm_wr_init(header, sizeof(header));
    struct cm_wr a = cm_wr_init(heads[0], sizeof(heads[0]));
    struct cm_wr b = cm_wr_init(heads[1], sizeof(heads[1]));
    struct cm_wr w = cm_wr_init(out, sizeof(out));
    struct cm_span parts[4];
    size_t len = 0;

    cm_cbor_wr_map(&h, 3);
    cm_cbor_wr_u64(&h, 1);
    cm_cbor_wr_i64(&h, -35);
    cm_cbor_wr_u64(&h, 3);
    cm_cbor_wr_text(&h, "application/rim+cbor");
    cm_cbor_wr_u64(&h, 8);
    cm_cbor_wr_bytes(&h, cm_span_make(meta, sizeof(meta)));
    cm_cbor_wr_array(&a, 4);
    cm_cbor_wr_text(&a, "Signature1");
    cm_cbor_wr_bytes_head(&a, h.used);
    cm_cbor_wr_bytes_head(&b, 0);
    cm_cbor_wr_bytes_head(&b, manifest.len);
    parts[0] = cm_span_make(heads[0], a.used);
    parts[1] = cm_span_make(header, h.used);
    parts[2] = cm_span_make(heads[1], b.used);
    parts[3] = manifest;
    if (cm_privkey_sign(key, CM_SIG_ES384, parts, 4, sig, sizeof(sig), &len) != CM_OK) {
        abort();
    }
    cm_cbor_wr_tag(&w, 18);
    cm_cbor_wr_array(&w, 4);
    cm_cbor_wr_bytes(&w, cm_span_make(header, h.used));
    cm_cbor_wr_map(&w, 0);
    cm_cbor_wr_bytes(&w, manifest);
    if (changed) {
        out[w.used - 1] ^= 1;
    }
    cm_cbor_wr_bytes(&w, cm_span_make(sig, len));
    return cm_span_make(out, w.used);
}

/* {0: [[{0: {0: 560(class id)}}, [measurements]]]}; measurements are CBOR of so many items */
static struct cm_span reference_triples(struct cm_span class_id, const void *meas, size_t len,
                                        uint64_t count)
{
    static uint8_t out[8192];
    struct cm_wr w = cm_wr_init(out, sizeof(out));

    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_array(&w, 1);
    cm_cbor_wr_array(&w, 2);
    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_tag(&w, 560);
    cm_cbor_wr_bytes(&w, class_id);
    cm_cbor_wr_array(&w, count);
    cm_wr_bytes(&w, meas, len);
    return cm_span_make(out, w.used);
}

struct component_spec {
    uint8_t last; /* of the digest */
    const char *name;
    const char *version;
    uint8_t signer; /* first byte */
};

/* {0: "cca.software-component", 1: {...}} */
static void put_component(struct cm_wr *w, const char *key, const struct component_spec *c)
{
    uint8_t digest[32] = {0x44, 0x55, 0x66};
    uint8_t signer[32] = {0};

    memcpy(signer, make_implementation, 32);
    signer[0] = c->signer;
    digest[31] = c->last;
    cm_cbor_wr_map(w, 2);
    cm_cbor_wr_u64(w, 0);
    cm_cbor_wr_text(w, key);
    cm_cbor_wr_u64(w, 1);
    cm_cbor_wr_map(w, c->version != NULL ? 4 : 3);
    if (c->version != NULL) {
        cm_cbor_wr_u64(w, 0);
        cm_cbor_wr_map(w, 1);
        cm_cbor_wr_u64(w, 0);
        cm_cbor_wr_text(w, c->version);
    }
    cm_cbor_wr_u64(w, 2);
    cm_cbor_wr_array(w, 1);
    cm_cbor_wr_array(w, 2);
    cm_cbor_wr_u64(w, 1);
    cm_cbor_wr_bytes(w, cm_span_make(digest, 32));
    cm_cbor_wr_u64(w, 11);
    cm_cbor_wr_text(w, c->name);
    cm_cbor_wr_u64(w, 13);
    cm_cbor_wr_array(w, 1);
    cm_cbor_wr_tag(w, 560);
    cm_cbor_wr_bytes(w, cm_span_make(signer, 32));
}

static uint8_t token[16384];
static uint8_t keys[4096];

/* Verify a CCA token of ours, then compare with a file. */
static void expect_reference(int line, struct cm_span file, const struct cm_material *more,
                             enum cm_status want, const char *check)
{
    struct cm_material materials[3] = {{CM_MATERIAL_KEY, "cpak", {NULL, 0}},
                                       {CM_MATERIAL_REFERENCE, "corim", {NULL, 0}}};
    struct cm_verify_input in = {.now = 1700000000};
    struct cm_verify_job job = {.materials = materials, .material_count = 2, .in = &in};
    struct make_cca m;
    struct outcome o = {CM_OK, cm_evidence_new("platform")};

    make_cca_defaults(&m, MAKE_2023);
    job.evidence = cm_span_make(token, make_cca(&m, token, sizeof(token)));
    materials[0].bytes =
        cm_span_make(keys, make_enrolled(m.cpak, FORM_STORE, make_instance, keys, sizeof(keys)));
    materials[1].bytes = file;
    if (more != NULL) {
        materials[job.material_count++] = *more;
    }
    o.st = cm_cca_verify(&job, o.ev, 0);
    if (o.st == CM_OK) {
        o.st = cm_reference_check(&job, o.ev);
    }
    expect_outcome(line, o, want, check);
}

static struct cm_span software_file(const struct component_spec *c, size_t count,
                                    uint64_t not_after)
{
    uint8_t meas[4096] = {0};
    struct cm_wr w = cm_wr_init(meas, sizeof(meas));
    struct file_spec f = {"tag:arm.com,2025:cca_platform#1.0.0", not_after, {NULL, 0}};

    for (size_t i = 0; i < count; i++) {
        put_component(&w, "cca.software-component", &c[i]);
    }
    f.triples = reference_triples(cm_span_make(make_implementation, 32), meas, w.used, count);
    return make_file(&f);
}

static const struct component_spec good[] = {
    {0, "BL", "3.4.2", 0x7f}, {1, "SPE", NULL, 0x7f}, {9, "SPE", NULL, 0x7f}};

TEST(software_components_are_compared_with_references)
{
    struct component_spec c[3];

    expect_reference(__LINE__, software_file(good, 3, 0), NULL, CM_OK, NULL);
    /* each component must be one of them */
    expect_reference(__LINE__, software_file(good, 1, 0), NULL, CM_ERR_MISMATCH,
                     "reference.software");
    memcpy(c, good, sizeof(c));
    c[0].last = 7;
    expect_reference(__LINE__, software_file(c, 3, 0), NULL, CM_ERR_MISMATCH, "reference.software");
    memcpy(c, good, sizeof(c));
    c[0].name = "SPE";
    expect_reference(__LINE__, software_file(c, 3, 0), NULL, CM_ERR_MISMATCH, "reference.software");
    memcpy(c, good, sizeof(c));
    c[0].version = "3.4.1";
    expect_reference(__LINE__, software_file(c, 3, 0), NULL, CM_ERR_MISMATCH, "reference.software");
    memcpy(c, good, sizeof(c));
    c[1].signer = 0x80;
    expect_reference(__LINE__, software_file(c, 3, 0), NULL, CM_ERR_MISMATCH, "reference.software");
}

TEST(references_about_something_else_are_not_enough)
{
    struct file_spec f = {NULL, 0, {NULL, 0}};
    uint8_t other[32] = {1};

    f.triples = reference_triples(cm_span_make(other, 32), "\xa1\x01\xa1\x01\x01", 5, 1);
    expect_reference(__LINE__, make_file(&f), NULL, CM_ERR_NOTFOUND, "reference.environment");
}

TEST(a_file_counts_only_in_its_period)
{
    expect_reference(__LINE__, software_file(good, 3, 1700000000), NULL, CM_OK, NULL);
    expect_reference(__LINE__, software_file(good, 3, 1699999999), NULL, CM_ERR_EXPIRED,
                     "reference.file");
}

TEST(a_signed_file_counts_only_under_an_enrolled_key)
{
    static uint8_t pem[1024];
    struct cm_material key = {CM_MATERIAL_KEY, "signer", {pem, 0}};
    struct cm_span manifest = software_file(good, 3, 0);

    key.bytes.len = make_enrolled(make_key(3), FORM_PEM, make_instance, pem, sizeof(pem));
    expect_reference(__LINE__, make_signed(manifest, make_key(3), false), &key, CM_OK, NULL);
    expect_reference(__LINE__, make_signed(manifest, make_key(2), false), &key, CM_ERR_SIGNATURE,
                     "reference.file");
    expect_reference(__LINE__, make_signed(manifest, make_key(3), true), &key, CM_ERR_SIGNATURE,
                     NULL);
    expect_reference(__LINE__, make_signed(manifest, make_key(3), false), NULL, CM_ERR_NOTFOUND,
                     NULL);
}

/* measurements of a realm, named by its initial measurement */
static void expect_realm(int line, const void *meas, size_t len, uint64_t count,
                         enum cm_status want, const char *check)
{
    uint8_t rim[32] = {0x44, 0x55, 0x66};
    struct file_spec f = {NULL, 0, {NULL, 0}};

    f.triples = reference_triples(cm_span_make(rim, 32), meas, len, count);
    expect_reference(line, make_file(&f), NULL, want, check);
}

#define REM0(first)                                                                    \
    "\xa2\x00\x68"                                                                     \
    "cca.rem0\x01\xa1\x02\x81\x82\x01\x58\x20" first                                   \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define ITEMS(text) (text), sizeof(text) - 1

TEST(measurements_by_name_match_one_of_the_alternatives)
{
    expect_realm(__LINE__, ITEMS(REM0("\xa0")), 1, CM_OK, NULL);
    expect_realm(__LINE__, ITEMS(REM0("\xa7")), 1, CM_ERR_MISMATCH, "reference.measurement");
    expect_realm(__LINE__, ITEMS(REM0("\xa7") REM0("\xa0")), 2, CM_OK, NULL);
    /* a name that the evidence does not have */
    expect_realm(__LINE__, ITEMS("\xa2\x00\x61x\x01\xa1\x01\x01"), 1, CM_ERR_MISMATCH,
                 "reference.measurement");
    /* values that nothing here can compare */
    expect_realm(__LINE__,
                 ITEMS("\xa2\x00\x68"
                       "cca.rem0\x01\xa1\x38\x4c\x41\x00"),
                 1, CM_ERR_MISMATCH, "reference.measurement");
}

/* what is beyond the table is not compared, so it is a check that fails */
TEST(more_names_than_can_be_compared)
{
    uint8_t meas[513][9];

    for (unsigned i = 0; i < 513; i++) {
        memcpy(meas[i], "\xa2\x00\x62--\x01\xa1\x01\x01", 9);
        meas[i][3] = (uint8_t)('A' + i / 32);
        meas[i][4] = (uint8_t)('A' + i % 32);
    }
    expect_realm(__LINE__, meas, sizeof(meas), 513, CM_ERR_LIMIT, "reference.measurement");
}

/* numbers, masks, flags: over claims made for it */
static void expect_claims(int line, const void *meas, size_t len, enum cm_status want)
{
    struct cm_material m = {CM_MATERIAL_REFERENCE, "corim", {NULL, 0}};
    struct cm_verify_input in = {.now = 1700000000};
    struct cm_verify_job job = {.materials = &m, .material_count = 1, .in = &in};
    struct file_spec f = {NULL, 0, {NULL, 0}};
    struct cm_digest pcr = {"pcr4", "sha-384", CM_ROLE_LAUNCH, {make_nonce, 48}};
    struct outcome o = {CM_OK, cm_evidence_new("vtpm")};

    cm_claim_bytes(o.ev, 0, "psa.implementation_id", cm_span_make(make_implementation, 32));
    cm_claim_uint(o.ev, 0, "x.svn", 7);
    cm_claim_bytes(o.ev, 0, "x.raw", cm_span_make("\x12\x34", 2));
    cm_claim_text(o.ev, 0, CM_CLAIM_DBGSTAT, "disabled-since-boot");
    cm_claim_digest(o.ev, 0, &pcr);
    f.triples = reference_triples(cm_span_make(make_implementation, 32), meas, len, 1);
    m.bytes = make_file(&f);
    o.st = cm_reference_check(&job, o.ev);
    expect_outcome(line, o, want, want == CM_OK ? NULL : "reference.measurement");
}

TEST(numbers_masks_and_flags_are_compared)
{
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\x07"), CM_OK);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\x06"), CM_ERR_MISMATCH);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\xd9\x02\x28\x07"), CM_OK);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\xd9\x02\x28\x06"),
                  CM_ERR_MISMATCH);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\xd9\x02\x29\x06"), CM_OK);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.svn\x01\xa1\x01\xd9\x02\x29\x08"),
                  CM_ERR_MISMATCH);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.raw\x01\xa1\x04\xd9\x02\x30\x42\x12\x34"), CM_OK);
    expect_claims(__LINE__, ITEMS("\xa2\x00\x65x.raw\x01\xa1\x04\xd9\x02\x30\x42\x12\x35"),
                  CM_ERR_MISMATCH);
    expect_claims(__LINE__,
                  ITEMS("\xa2\x00\x65x.raw\x01\xa1\x04\xd9\x02\x33\x82\x42\x12\x05\x42\xff\xf0"),
                  CM_ERR_MISMATCH);
    expect_claims(__LINE__,
                  ITEMS("\xa2\x00\x65x.raw\x01\xa1\x04\xd9\x02\x33\x82\x42\x12\x30\x42\xff\xf0"),
                  CM_OK);
    expect_claims(__LINE__,
                  ITEMS("\xa2\x00\x65x.raw\x01\xa2\x04\xd9\x02\x30\x42\x12\x30\x05\x42\xff\xf0"),
                  CM_OK);
    expect_claims(__LINE__, ITEMS("\xa1\x01\xa1\x03\xa1\x03\xf4"), CM_OK);
    expect_claims(__LINE__, ITEMS("\xa1\x01\xa1\x03\xa1\x03\xf5"), CM_ERR_MISMATCH);
    expect_claims(__LINE__, ITEMS("\xa1\x01\xa1\x03\xa2\x03\xf4\x00\xf5"), CM_ERR_MISMATCH);
}

/* ---- keys */

enum { KEY_PEM, KEY_BASE64, KEY_MAP, KEY_COSE, KEY_FORMS };

/* A key in one of the ways in which files have them; the profile of 2025 knows the first only. */
static void put_key(struct cm_wr *w, const struct cm_privkey *key, int form)
{
    uint8_t bytes[1024] = {0};
    char text[1024] = "";
    size_t len = make_enrolled(key, form == KEY_PEM ? FORM_PEM : FORM_DER, make_instance, bytes,
                               sizeof(bytes));
    size_t n = 0;

    if (form == KEY_COSE) {
        cm_cbor_wr_tag(w, 558);
        len = make_cose_key(key, false, bytes, sizeof(bytes));
        cm_wr_bytes(w, bytes, len);
        return;
    }
    if (form != KEY_PEM &&
        cm_base64_encode(cm_span_make(bytes, len), text, sizeof(text), &n) != CM_OK) {
        abort();
    }
    if (form == KEY_MAP) {
        cm_cbor_wr_map(w, 1);
        cm_cbor_wr_u64(w, 0);
    } else {
        cm_cbor_wr_tag(w, 554);
    }
    cm_cbor_wr_text(w, form == KEY_PEM ? (const char *)bytes : text);
}

static struct cm_span key_file_as(const struct cm_privkey *key, const uint8_t instance[33],
                                  const uint8_t implementation[32], int form)
{
    static uint8_t out[4096];
    struct cm_wr w = cm_wr_init(out, sizeof(out));
    struct file_spec f = {
        form == KEY_PEM ? "tag:arm.com,2025:cca_platform#1.0.0" : NULL, 0, {NULL, 0}};

    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_u64(&w, 3);
    cm_cbor_wr_array(&w, 1);
    cm_cbor_wr_array(&w, 2);
    cm_cbor_wr_map(&w, 2);
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_u64(&w, 0);
    cm_cbor_wr_tag(&w, 560);
    cm_cbor_wr_bytes(&w, cm_span_make(implementation, 32));
    cm_cbor_wr_u64(&w, 1);
    cm_cbor_wr_tag(&w, 550);
    cm_cbor_wr_bytes(&w, cm_span_make(instance, 33));
    cm_cbor_wr_array(&w, 1);
    put_key(&w, key, form);
    f.triples = cm_span_make(out, w.used);
    return make_file(&f);
}

static struct cm_span key_file(const struct cm_privkey *key, const uint8_t instance[33],
                               const uint8_t implementation[32])
{
    return key_file_as(key, instance, implementation, KEY_PEM);
}

static void expect_key(int line, struct cm_span file, enum cm_status want)
{
    struct cm_material m = {CM_MATERIAL_REFERENCE, "corim", file};
    struct cm_verify_input in = {.now = 1700000000};
    struct make_cca c;

    make_cca_defaults(&c, MAKE_2023);
    expect_outcome(line,
                   run_verifier(cm_cca_verify,
                                cm_span_make(token, make_cca(&c, token, sizeof(token))), &m, 1,
                                &in),
                   want, want == CM_OK ? NULL : "cca.signature");
}

TEST(keys_of_a_file_are_those_of_its_environment_only)
{
    uint8_t other_instance[33] = {1, 99};
    uint8_t other_make[32] = {99};

    expect_key(__LINE__, key_file(make_key(4), make_instance, make_implementation), CM_OK);
    expect_key(__LINE__, key_file(make_key(6), make_instance, make_implementation),
               CM_ERR_SIGNATURE);
    expect_key(__LINE__, key_file(make_key(4), other_instance, make_implementation),
               CM_ERR_NOTFOUND);
    expect_key(__LINE__, key_file(make_key(4), make_instance, other_make), CM_ERR_NOTFOUND);
    /* reference values of another form are passed over, not read as a file that is malformed */
    expect_key(__LINE__, cm_span_make("{\"measurements\":[]}", 19), CM_ERR_NOTFOUND);
}

TEST(keys_of_a_file_are_taken_in_every_form)
{
    for (int form = 0; form < KEY_FORMS; form++) {
        expect_key(__LINE__, key_file_as(make_key(4), make_instance, make_implementation, form),
                   CM_OK);
        expect_key(__LINE__, key_file_as(make_key(6), make_instance, make_implementation, form),
                   CM_ERR_SIGNATURE);
    }
}

/* ---- form */

TEST(every_truncation_and_every_longer_file_is_refused)
{
    struct cm_span file = software_file(good, 3, 1800000000);
    struct cm_corim c;

    for (size_t n = 0; n < file.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, file.ptr, n);
        CHECK(cm_corim_parse(cm_span_make(exact, n), &c, NULL) != CM_OK);
        cm_corim_free(&c);
        free(exact);
    }
    file_bytes[file.len] = 0;
    CHECK_EQ(cm_corim_parse(cm_span_make(file.ptr, file.len + 1), &c, NULL), CM_ERR_FORMAT);
    cm_corim_free(&c);
}

/* one measurement's CBOR in a CoMID */
static void expect_form(int line, const void *meas, size_t len, enum cm_status want)
{
    struct file_spec f = {NULL, 0, {NULL, 0}};
    struct cm_span file = {NULL, 0};
    struct cm_corim c;
    enum cm_status st = CM_OK;

    f.triples = reference_triples(cm_span_make(make_implementation, 32), meas, len, 1);
    file = make_file(&f);
    st = cm_corim_parse(file, &c, NULL);
    if (st != want) {
        TEST_FAIL("line %d: %s, wanted %s", line, cm_status_str(st), cm_status_str(want));
    }
    cm_corim_free(&c);
}

TEST(malformed_values_are_refused)
{
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x02\x81\x82\x06\x44\x01\x02\x03\x04"), CM_OK);
    /* a digest of another size than its algorithm makes */
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x02\x81\x82\x01\x44\x01\x02\x03\x04"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x02\x80"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x02\x81\x81\x06"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa0"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x00\x01"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x01\x61x"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x01\xd9\x02\x2a\x01"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x03\xa0"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x03\xa1\x00\x01"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x04\x41\x01"), CM_ERR_FORMAT);
    /* a mask of another length than its value */
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x04\xd9\x02\x33\x82\x41\x01\x42\xff\xff"),
                CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa2\x04\xd9\x02\x30\x41\x01\x05\x42\xff\xff"),
                CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x0e\xa0"), CM_ERR_FORMAT);
    expect_form(__LINE__, ITEMS("\xa1\x01\xa1\x0e\xa1\x00\x80"), CM_ERR_FORMAT);
}

static void parse_file(const char *dir, const char *name)
{
    char path[512] = "";
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct cm_corim c;
    struct cm_why why = {""};
    enum cm_status want = strstr(name, "invalid") != NULL ? CM_ERR_FORMAT : CM_OK;
    enum cm_status st = CM_OK;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    REQUIRE(cm_file_read(path, 1 << 20, &bytes, &len, NULL) == CM_OK);
    CHECK(cm_corim_recognise(cm_span_make(bytes, len)));
    st = cm_corim_parse(cm_span_make(bytes, len), &c, &why);
    if (st != want) {
        TEST_FAIL("%s: %s: %s", name, cm_status_str(st), why.text);
    }
    cm_corim_free(&c);
    free(bytes);
}

TEST(corim_vectors)
{
    static const char *const dirs[] = {ROOT "comid-testcases", ROOT "corim-testcases",
                                       ROOT "profiles-cca-testcases", ROOT "profiles-psa-testcases",
                                       ROOT "profiles-tdx-testcases"};
    size_t count = 0;

    if (access(ROOT, F_OK) != 0) {
        SKIP("no vectors");
    }
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        DIR *d = opendir(dirs[i]);
        const struct dirent *e = NULL;

        REQUIRE(d != NULL);
        while ((e = readdir(d)) != NULL) {
            size_t n = strlen(e->d_name);

            if (n > 5 && strcmp(e->d_name + n - 5, ".cbor") == 0) {
                parse_file(dirs[i], e->d_name);
                count++;
            }
        }
        (void)closedir(d);
    }
    CHECK(count >= 40);
}

TEST(every_failing_allocation_of_a_comparison_is_an_error)
{
    struct cm_material m = {CM_MATERIAL_REFERENCE, "corim", software_file(good, 3, 0)};
    struct cm_verify_input in = {.now = 1700000000};
    struct cm_verify_job job = {.materials = &m, .material_count = 1, .in = &in};
    bool hit = true;

    for (long k = 1; hit; k++) {
        struct cm_evidence *ev = cm_evidence_new("platform");
        enum cm_status st = CM_OK;

        cm_claim_bytes(ev, 0, "cca.implementation_id", cm_span_make(make_implementation, 32));
        fail_alloc_at(k);
        st = cm_reference_check(&job, ev);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(st != CM_OK || cm_evidence_done(ev) != CM_OK);
        cm_evidence_free(ev);
    }
}

TEST_MAIN
