/* Quotes of our own keys: forms, selections, keys, and every attack on them that is known. */
#include "verdict.h"

#include "common/wipe.h"
#include "evidence/claims.h"
#include "tpm_kit.h"

static enum cm_status verify_made(const struct kit_quote *q, const struct kit_made *m,
                                  unsigned flags, struct cm_evidence **ev)
{
    struct cm_verify_input in = {.now = KIT_NOW, .report_data = q->nonce, .flags = flags};
    struct cm_tpm_quote quote = {.attest = cm_span_make(m->attest, m->attest_len),
                                 .signature = cm_span_make(m->signature, m->signature_len),
                                 .pcrs = cm_span_make(m->values, m->values_len),
                                 .ak = kit_public(q->key),
                                 .authority = CM_AUTHORITY_HARDWARE};

    *ev = cm_evidence_new("tpm");
    return *ev == NULL ? CM_ERR_NOMEM : cm_tpm_quote_verify(&quote, &in, *ev, 0);
}

/* What is made of a quote: the status and the check that failed ("" none). */
static void expect_made(int line, const struct kit_quote *q, const struct kit_made *m,
                        enum cm_status want, const char *check)
{
    struct cm_evidence *ev = NULL;
    enum cm_status st = verify_made(q, m, 0, &ev);

    expect_verdict(line, st, ev, want, check);
    cm_evidence_free(ev);
}

#define EXPECT_MADE(want, check) expect_made(__LINE__, &q, &m, want, check)

/* the same of a change of the good quote */
#define EXPECT(change, want, check) \
    do {                            \
        struct kit_quote q;         \
        struct kit_made m;          \
        kit_defaults(&q);           \
        change;                     \
        kit_make(&q, &m);           \
        EXPECT_MADE(want, check);   \
    } while (0)

TEST(schemes_keys_and_hashes)
{
    static const struct {
        enum kit_key key;
        uint16_t scheme;
        uint16_t hash;
    } good[] = {
        {KIT_RSA, CM_TPM_ALG_RSASSA, CM_TPM_ALG_SHA256},
        {KIT_RSA, CM_TPM_ALG_RSASSA, CM_TPM_ALG_SHA384},
        {KIT_RSA, CM_TPM_ALG_RSASSA, CM_TPM_ALG_SHA512},
        {KIT_RSA, CM_TPM_ALG_RSAPSS, CM_TPM_ALG_SHA256},
        {KIT_RSA, CM_TPM_ALG_RSAPSS, CM_TPM_ALG_SHA384},
        {KIT_P256, CM_TPM_ALG_ECDSA, CM_TPM_ALG_SHA256},
        {KIT_P384, CM_TPM_ALG_ECDSA, CM_TPM_ALG_SHA384},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT((q.key = good[i].key, q.scheme = good[i].scheme, q.hash = good[i].hash), CM_OK, "");
    }
}

TEST(several_banks_and_wide_bitmaps)
{
    EXPECT((q.bank_count = 3, q.bank[0].alg = CM_TPM_ALG_SHA1, q.bank[1].alg = CM_TPM_ALG_SHA256,
            q.bank[1].mask = 0x10203, q.bank[2].alg = CM_TPM_ALG_SHA384, q.bank[2].mask = 0x1000),
           CM_OK, "");
    EXPECT((q.bitmap = 4, q.bank[0].mask = 0x80000001), CM_OK, "");
    EXPECT(q.bitmap = 1, CM_OK, "");
    EXPECT(q.bitmap = 5, CM_ERR_FORMAT, "tpm.attest");
    EXPECT(q.bank[0].mask = 0, CM_OK, "");
    EXPECT(q.bank_count = 0, CM_OK, "");
    EXPECT(q.bank[0].alg = CM_TPM_ALG_SM3_256, CM_OK, ""); /* labelled, though not computed */
    EXPECT((q.bank_count = 2, q.bank[1] = q.bank[0], memcpy(q.value[1], q.value[0], 2048)), CM_OK,
           "");
    EXPECT((q.bank_count = 2, q.bank[1] = q.bank[0]), CM_ERR_MISMATCH, "tpm.pcrs");
}

TEST(fields_that_make_it_no_quote)
{
    EXPECT(q.magic ^= 1, CM_ERR_FORMAT, "tpm.attest");
    EXPECT(q.type = 0x8017, CM_ERR_UNSUPPORTED, "tpm.attest");
    EXPECT(q.safe = 2, CM_ERR_FORMAT, "tpm.attest");
    EXPECT(q.bank[0].alg = 0x0099, CM_ERR_UNSUPPORTED, "tpm.attest");
}

TEST(sha1_bank_alone_is_refused_by_default)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;

    kit_defaults(&q);
    q.bank[0].alg = CM_TPM_ALG_SHA1;
    kit_make(&q, &m);
    EXPECT_MADE(CM_ERR_POLICY, "tpm.bank");
    CHECK_EQ(verify_made(&q, &m, CM_VERIFY_ALLOW_SHA1, &ev), CM_OK);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
}

TEST(sha1_values_beside_others_are_self_asserted)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;

    kit_defaults(&q);
    q.bank_count = 2;
    q.bank[1] = (struct kit_bank){CM_TPM_ALG_SHA1, 0x3};
    kit_make(&q, &m);
    CHECK_EQ(verify_made(&q, &m, 0, &ev), CM_OK);
    for (size_t n = 0; (c = cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
        CHECK_EQ(c->authority,
                 strcmp(c->alg, "sha-1") == 0 ? CM_AUTHORITY_SELF : CM_AUTHORITY_HARDWARE);
    }
    cm_evidence_free(ev);
}

TEST(sha1_signatures_are_refused)
{
    struct kit_quote q;
    struct kit_made m;

    kit_defaults(&q);
    kit_make(&q, &m);
    m.signature[3] = CM_TPM_ALG_SHA1;
    EXPECT_MADE(CM_ERR_UNSUPPORTED, "tpm.signature");
}

TEST(the_nonce_must_be_the_whole_one)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;

    kit_defaults(&q);
    kit_make(&q, &m);
    q.nonce.len--;
    EXPECT_MADE(CM_ERR_MISMATCH, "nonce");
    q.nonce = kit_text("b nonce of the verifier");
    EXPECT_MADE(CM_ERR_MISMATCH, "");
    q.nonce = kit_text("");
    kit_make(&q, &m);
    q.nonce = kit_text("a nonce"); /* a quote without one answers no challenge */
    EXPECT_MADE(CM_ERR_MISMATCH, "");
    q.nonce = cm_span_make(NULL, 0);
    CHECK_EQ(verify_made(&q, &m, 0, &ev), CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "nonce"), CM_CHECK_NOT_CHECKED);
    cm_evidence_free(ev);
}

TEST(another_key_and_another_kind_of_key)
{
    struct kit_quote q;
    struct kit_made m;

    kit_defaults(&q);
    kit_make(&q, &m);
    q.key = KIT_OTHER;
    EXPECT_MADE(CM_ERR_SIGNATURE, "");
    q.key = KIT_P256;
    EXPECT_MADE(CM_ERR_MISMATCH, "");
}

TEST(selection_shift_is_seen)
{
    static const struct kit_bank claimed = {CM_TPM_ALG_SHA256, 0xfff};
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;
    uint8_t file[2048];
    uint16_t algs[12];
    bool has16 = false;

    kit_defaults(&q);
    q.bank[0].mask = 0x107ff; /* 0 to 10 and 16 */
    kit_make(&q, &m);
    CHECK_EQ(verify_made(&q, &m, 0, &ev), CM_OK);
    for (size_t n = 0; (c = cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
        CHECK(strcmp(c->text, "pcr11") != 0);
        if (strcmp(c->text, "pcr16") == 0) {
            has16 = true;
            CHECK_MEM(c->bytes, q.value[0][16], 32);
        }
    }
    CHECK(has16);
    cm_evidence_free(ev);
    for (size_t i = 0; i < 12; i++) {
        algs[i] = CM_TPM_ALG_SHA256;
    }
    m.values_len =
        kit_tools(&claimed, 1, cm_span_make(m.values, m.values_len), algs, file, sizeof(file));
    memcpy(m.values, file, m.values_len);
    EXPECT_MADE(CM_ERR_MISMATCH, "tpm.pcrs");
}

TEST(values_as_tpm2_tools_keeps_them)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;
    struct cm_span whole = {NULL, 0};
    uint8_t file[4096];
    uint16_t algs[16];
    struct kit_bank banks[3];

    kit_defaults(&q);
    q.bank_count = 2;
    q.bank[1] = (struct kit_bank){CM_TPM_ALG_SHA384, 0x700};
    kit_make(&q, &m);
    for (size_t i = 0; i < 11; i++) {
        algs[i] = i < 8 ? CM_TPM_ALG_SHA256 : CM_TPM_ALG_SHA384;
    }
    whole = cm_span_make(m.values, m.values_len);
    m.values_len = kit_tools(q.bank, 2, whole, algs, file, sizeof(file));
    memcpy(m.values, file, m.values_len);
    EXPECT_MADE(CM_OK, "");
    /* an empty bank is no label */
    memcpy(banks, q.bank, sizeof(banks));
    banks[2] = (struct kit_bank){CM_TPM_ALG_SHA1, 0};
    kit_make(&q, &m);
    m.values_len =
        kit_tools(banks, 3, cm_span_make(m.values, m.values_len), algs, file, sizeof(file));
    memcpy(m.values, file, m.values_len);
    EXPECT_MADE(CM_OK, "");
    for (size_t n = 0; n < m.values_len; n++) { /* every truncation */
        size_t len = m.values_len;

        m.values_len = n;
        CHECK(verify_made(&q, &m, 0, &ev) != CM_OK);
        cm_evidence_free(ev);
        m.values_len = len;
    }
    m.values_len++;
    EXPECT_MADE(CM_ERR_FORMAT, "");
}

TEST(a_wrong_or_missing_value_is_seen)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;

    kit_defaults(&q);
    kit_make(&q, &m);
    for (size_t i = 0; i < m.values_len; i += 13) {
        m.values[i] ^= 4;
        CHECK_EQ(verify_made(&q, &m, 0, &ev), CM_ERR_MISMATCH);
        CHECK_EQ(cm_evidence_result(ev, 0, "tpm.pcrs"), CM_CHECK_FAIL);
        CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_SELF);
        cm_evidence_free(ev);
        m.values[i] ^= 4;
    }
    m.values_len -= 32;
    EXPECT_MADE(CM_ERR_FORMAT, "");
}

TEST(every_truncation_and_every_bit_of_a_quote)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;
    struct cm_tpm_attest att;

    kit_defaults(&q);
    q.key = KIT_P256;
    q.scheme = CM_TPM_ALG_ECDSA;
    kit_make(&q, &m);
    for (size_t n = 0; n < m.attest_len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, m.attest, n);
        CHECK_EQ(cm_tpm_attest_parse(cm_span_make(exact, n), &att, NULL), CM_ERR_FORMAT);
        free(exact);
    }
    CHECK_EQ(cm_tpm_attest_parse(cm_span_make(m.attest, m.attest_len + 1), &att, NULL),
             CM_ERR_FORMAT);
    for (size_t bit = 0; bit < 8 * m.attest_len; bit++) {
        m.attest[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        CHECK(verify_made(&q, &m, 0, &ev) != CM_OK);
        cm_evidence_free(ev);
        m.attest[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t bit = 0; bit < 8 * m.signature_len; bit++) {
        m.signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        CHECK(verify_made(&q, &m, 0, &ev) != CM_OK);
        cm_evidence_free(ev);
        m.signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t n = 0; n < m.signature_len; n++) {
        size_t len = m.signature_len;

        m.signature_len = n;
        CHECK(verify_made(&q, &m, 0, &ev) != CM_OK);
        cm_evidence_free(ev);
        m.signature_len = len;
    }
}

/* The signature's number alone, as tools write it with "plain". */
static void strip(struct kit_made *m, size_t head)
{
    m->signature_len -= head;
    memmove(m->signature, m->signature + head, m->signature_len);
}

TEST(raw_signatures_of_every_scheme)
{
    static const uint16_t schemes[] = {CM_TPM_ALG_RSASSA, CM_TPM_ALG_RSAPSS};
    struct kit_quote q;
    struct kit_made m;

    for (size_t i = 0; i < 2; i++) {
        kit_defaults(&q);
        q.scheme = schemes[i];
        q.hash = i == 0 ? CM_TPM_ALG_SHA384 : CM_TPM_ALG_SHA256;
        kit_make(&q, &m);
        strip(&m, 6);
        EXPECT_MADE(CM_OK, "");
        m.signature[17] ^= 1;
        EXPECT_MADE(CM_ERR_SIGNATURE, "");
    }
    kit_defaults(&q);
    q.key = KIT_P256;
    q.scheme = CM_TPM_ALG_ECDSA;
    kit_make(&q, &m); /* r || s */
    memmove(m.signature, m.signature + 6, 32);
    memmove(m.signature + 32, m.signature + 40, 32);
    m.signature_len = 64;
    EXPECT_MADE(CM_OK, "");
}

TEST(claims_of_clock_and_restarts)
{
    struct kit_quote q;
    struct kit_made m;
    struct cm_evidence *ev = NULL;
    static const struct {
        const char *name;
        uint64_t value;
    } want[] = {{"tpm.clock", 123456},
                {"tpm.reset_count", 7},
                {"tpm.restart_count", 3},
                {"tpm.safe", 0},
                {"tpm.firmware_version", 0x2019102300163636},
                {"tpm.selected.sha-256", 0xff}};

    kit_defaults(&q);
    q.safe = 0;
    kit_make(&q, &m);
    CHECK_EQ(verify_made(&q, &m, 0, &ev), CM_OK);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct cm_claim *c = cm_evidence_find(ev, 0, want[i].name, 0);

        REQUIRE(c != NULL);
        CHECK_EQ(c->number, want[i].value);
        CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
    }
    cm_evidence_free(ev);
}

TEST(public_areas_of_keys)
{
    static const enum kit_key keys[] = {KIT_RSA, KIT_P256, KIT_P384};

    for (size_t i = 0; i < 3; i++) {
        struct cm_tpm_public pub;
        struct cm_pubkey *key = NULL;
        struct cm_why why = {{0}};
        uint8_t area[600];
        uint8_t wrapped[602];
        uint8_t spki[2][600];
        uint8_t name[66];
        size_t lens[2] = {0, 0};
        size_t name_len = 0;
        size_t len = kit_area(keys[i], KIT_AK_ATTRIBUTES, area, sizeof(area));

        REQUIRE(cm_tpm_public_parse(cm_span_make(area, len), &pub, &why) == CM_OK);
        CHECK_EQ(cm_tpm_public_is_ak(&pub, &why), CM_OK);
        REQUIRE(cm_tpm_public_key(&pub, &key) == CM_OK);
        CHECK_EQ(cm_pubkey_spki(key, spki[0], 600, &lens[0]), CM_OK);
        CHECK_EQ(cm_pubkey_spki(kit_public(keys[i]), spki[1], 600, &lens[1]), CM_OK);
        CHECK(lens[0] == lens[1] && memcmp(spki[0], spki[1], lens[0]) == 0);
        cm_pubkey_free(key);
        CHECK_EQ(cm_tpm_public_name(&pub, name, &name_len), CM_OK);
        CHECK_EQ(name_len, 34);
        wrapped[0] = (uint8_t)(len >> 8);
        wrapped[1] = (uint8_t)len;
        memcpy(wrapped + 2, area, len);
        CHECK(cm_tpm_public_recognise(cm_span_make(wrapped, len + 2)));
        CHECK_EQ(cm_tpm_public_parse(cm_span_make(wrapped, len + 2), &pub, &why), CM_OK);
        CHECK_EQ(pub.bytes.len, len);
        for (size_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n == 0 ? 1 : n);

            REQUIRE(exact != NULL);
            memcpy(exact, area, n);
            CHECK(cm_tpm_public_parse(cm_span_make(exact, n), &pub, &why) != CM_OK);
            free(exact);
        }
        CHECK_EQ(cm_tpm_public_parse(cm_span_make(area, len + 1), &pub, &why), CM_ERR_FORMAT);
    }
}

TEST(unrestricted_and_movable_keys_are_no_attestation_keys)
{
    static const uint32_t wrong[] = {
        KIT_AK_ATTRIBUTES & ~CM_TPM_RESTRICTED, KIT_AK_ATTRIBUTES & ~CM_TPM_SIGN,
        KIT_AK_ATTRIBUTES & ~CM_TPM_FIXED_TPM, KIT_AK_ATTRIBUTES & ~CM_TPM_SENSITIVE,
        KIT_AK_ATTRIBUTES | CM_TPM_DECRYPT};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct cm_tpm_public pub;
        struct cm_why why = {{0}};
        uint8_t area[600];
        size_t len = kit_area(KIT_RSA, wrong[i], area, sizeof(area));

        REQUIRE(cm_tpm_public_parse(cm_span_make(area, len), &pub, &why) == CM_OK);
        CHECK_EQ(cm_tpm_public_is_ak(&pub, &why), CM_ERR_POLICY);
        CHECK(why.text[0] != '\0');
    }
}

TEST(points_off_the_curve_are_refused)
{
    struct cm_tpm_public pub;
    struct cm_pubkey *key = NULL;
    uint8_t area[600];
    size_t len = kit_area(KIT_P256, KIT_AK_ATTRIBUTES, area, sizeof(area));

    area[len - 1] ^= 1;
    REQUIRE(cm_tpm_public_parse(cm_span_make(area, len), &pub, NULL) == CM_OK);
    CHECK_EQ(cm_tpm_public_key(&pub, &key), CM_ERR_FORMAT);
    CHECK(key == NULL);
}

TEST(out_of_memory_is_no_verdict)
{
    struct kit_quote q;
    struct kit_made m;

    kit_defaults(&q);
    kit_make(&q, &m);
    for (long k = 2; k < 60; k++) {
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = verify_made(&q, &m, 0, &ev);
        fail_alloc_at(-1);
        if (st == CM_OK && ev != NULL && cm_evidence_done(ev) == CM_OK) {
            CHECK(cm_evidence_result(ev, 0, "tpm.signature") == CM_CHECK_PASS);
        }
        cm_evidence_free(ev);
    }
}

TEST_MAIN
