/* CCA tokens: our own of every generation, each rule broken once. */
#include "arm_expect.h"

static uint8_t token[32768];
static uint8_t keys[4096];
static struct cm_material material;
static struct cm_verify_input input;

/* The token of a specification, its CPAK enrolled in a store that names the device. */
static struct cm_span prepare(const struct make_cca *m)
{
    material.kind = CM_MATERIAL_KEY;
    material.name = "store";
    material.bytes =
        cm_span_make(keys, make_enrolled(m->cpak, FORM_STORE, make_instance, keys, sizeof(keys)));
    memset(&input, 0, sizeof(input));
    input.now = 1700000000;
    input.report_data = cm_span_make(make_nonce, sizeof(make_nonce));
    return cm_span_make(token, make_cca(m, token, sizeof(token)));
}

static struct outcome verify(struct cm_span evidence)
{
    return run_verifier(cm_cca_verify, evidence, &material, 1, &input);
}

#define EXPECT(generation, change, want, check)                             \
    do {                                                                    \
        struct make_cca m;                                                  \
        struct cm_span evidence;                                            \
        make_cca_defaults(&m, (generation));                                \
        evidence = prepare(&m);                                             \
        change;                                                             \
        evidence = cm_span_make(token, make_cca(&m, token, sizeof(token))); \
        expect_outcome(__LINE__, verify(evidence), (want), (check));        \
    } while (0)

#define PATCH(where, id, bytes)                                  \
    do {                                                         \
        m.where.used = true;                                     \
        m.where.label = (id);                                    \
        m.where.cbor = cm_span_make((bytes), sizeof(bytes) - 1); \
    } while (0)

TEST(tokens_of_every_generation_verify)
{
    for (int g = MAKE_LEGACY; g <= MAKE_2024; g++) {
        struct make_cca m;
        struct cm_span evidence;
        struct outcome o;
        const struct cm_claim *c = NULL;

        make_cca_defaults(&m, g);
        evidence = prepare(&m);
        CHECK(cm_cca_recognise(evidence));
        CHECK(!cm_psa_recognise(evidence));
        o = verify(evidence);
        CHECK_EQ(o.st, CM_OK);
        CHECK_EQ(cm_evidence_submods(o.ev), 2);
        CHECK_STR(cm_evidence_name(o.ev, 1), "realm");
        CHECK(cm_evidence_genuine(o.ev, 1));
        c = cm_evidence_find(o.ev, 0, CM_CLAIM_UEID, 0);
        REQUIRE(c != NULL);
        CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
        CHECK_MEM(c->bytes, make_instance, 33);
        c = cm_evidence_find(o.ev, 0, CM_CLAIM_MEASUREMENTS, 0);
        REQUIRE(c != NULL);
        CHECK_STR(c->text, "BL");
        CHECK_STR(c->alg, "sha-256");
        c = cm_evidence_find(o.ev, 0, CM_CLAIM_DBGSTAT, 0);
        REQUIRE(c != NULL);
        CHECK_STR(c->text, "disabled");
        c = cm_evidence_find(o.ev, 1, CM_CLAIM_MEASUREMENTS, 4);
        REQUIRE(c != NULL);
        CHECK_STR(c->text, "rem3");
        CHECK_EQ(c->bytes[0], 0xa3);
        CHECK_EQ(c->authority, CM_AUTHORITY_KEY);
        CHECK_EQ(c->role, CM_ROLE_RUNTIME);
        cm_evidence_free(o.ev);
    }
}

TEST(enrolled_keys_are_taken_in_every_form)
{
    for (int form = 0; form < FORM_COUNT; form++) {
        struct make_cca m;
        struct cm_span evidence;

        make_cca_defaults(&m, MAKE_2023);
        evidence = prepare(&m);
        material.bytes.len = make_enrolled(m.cpak, form, make_instance, keys, sizeof(keys));
        expect_outcome(__LINE__, verify(evidence), CM_OK, NULL);
    }
}

TEST(without_a_key_nothing_is_genuine)
{
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_LEGACY);
    evidence = prepare(&m);
    expect_outcome(__LINE__, run_verifier(cm_cca_verify, evidence, NULL, 0, &input),
                   CM_ERR_NOTFOUND, "cca.signature");
}

/* the key of another device must not stand in, even if it would verify */
TEST(a_key_of_another_device_is_never_tried)
{
    uint8_t other[33] = {1, 9};
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_LEGACY);
    evidence = prepare(&m);
    material.bytes.len = make_enrolled(m.cpak, FORM_STORE, other, keys, sizeof(keys));
    expect_outcome(__LINE__, verify(evidence), CM_ERR_NOTFOUND, "cca.signature");
}

/* a key that names the device decides: one that names nobody does not stand in when it fails */
TEST(a_key_that_names_the_device_goes_before_those_that_name_nobody)
{
    static uint8_t pem[1024];
    struct make_cca m;
    struct cm_span evidence;
    struct cm_material both[2];

    make_cca_defaults(&m, MAKE_LEGACY);
    evidence = prepare(&m);
    both[0] = material;
    both[0].bytes.len = make_enrolled(make_key(2), FORM_STORE, make_instance, keys, sizeof(keys));
    both[1] = (struct cm_material){CM_MATERIAL_KEY, "pem", {pem, 0}};
    both[1].bytes.len = make_enrolled(m.cpak, FORM_PEM, make_instance, pem, sizeof(pem));
    expect_outcome(__LINE__, run_verifier(cm_cca_verify, evidence, both, 2, &input),
                   CM_ERR_SIGNATURE, "cca.signature");
    expect_outcome(__LINE__, run_verifier(cm_cca_verify, evidence, &both[1], 1, &input), CM_OK,
                   NULL);
}

/* {"implementation-id": make, "pkey": key}, the key of the usual platform */
static size_t store_of(const char *implementation, char *out, size_t cap)
{
    char jwk[512] = "";

    (void)make_enrolled(make_key(0), FORM_JWK, make_instance, (uint8_t *)jwk, sizeof(jwk));
    return (size_t)snprintf(out, cap, "{\"implementation-id\":\"%s\",\"pkey\":%s}", implementation,
                            jwk);
}

TEST(a_key_of_another_make_is_never_tried)
{
    static const char ours[] = "7f454c4602010100000000000000000000000000000000000000000000000000";
    static const char other[] = "7f454c4602010100000000000000000000000000000000000000000000000001";
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_LEGACY);
    evidence = prepare(&m);
    material.bytes.len = store_of(ours, (char *)keys, sizeof(keys));
    expect_outcome(__LINE__, verify(evidence), CM_OK, NULL);
    material.bytes.len = store_of(other, (char *)keys, sizeof(keys));
    expect_outcome(__LINE__, verify(evidence), CM_ERR_NOTFOUND, "cca.signature");
}

/* a file of keys that name nobody must not become work without end */
TEST(only_so_many_keys_are_tried)
{
    static char many[65536];
    char right[512] = "";
    char wrong[512] = "";

    (void)make_enrolled(make_key(0), FORM_JWK, make_instance, (uint8_t *)right, sizeof(right));
    (void)make_enrolled(make_key(2), FORM_JWK, make_instance, (uint8_t *)wrong, sizeof(wrong));
    for (int before = 63; before <= 64; before++) {
        struct make_cca m;
        struct cm_span evidence;
        size_t n = 0;

        make_cca_defaults(&m, MAKE_LEGACY);
        evidence = prepare(&m);
        n = (size_t)snprintf(many, sizeof(many), "[");
        for (int i = 0; i < before; i++) {
            n += (size_t)snprintf(many + n, sizeof(many) - n, "%s,", wrong);
        }
        n += (size_t)snprintf(many + n, sizeof(many) - n, "%s]", right);
        material.bytes = cm_span_make(many, n);
        expect_outcome(__LINE__, verify(evidence), before == 63 ? CM_OK : CM_ERR_LIMIT,
                       before == 63 ? NULL : "cca.signature");
    }
}

/* what is no file of public keys is an error of the caller's, not a key less */
TEST(files_that_are_no_keys_are_refused)
{
    static const char *const files[] = {
        "",
        "\n",
        "x",
        "{",
        "[{\"kty\":\"EC\",\"crv\":\"P-384\",\"d\":\"AA\"}]",
        "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
        "\x30\x01",
        "\xa1\x01"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct make_cca m;
        struct cm_span evidence;

        make_cca_defaults(&m, MAKE_LEGACY);
        evidence = prepare(&m);
        material.bytes = cm_span_make(files[i], strlen(files[i]));
        expect_outcome(__LINE__, verify(evidence), CM_ERR_FORMAT, "cca.signature");
    }
}

TEST(another_platform_key_is_refused)
{
    EXPECT(MAKE_LEGACY, m.cpak = make_key(2), CM_ERR_SIGNATURE, "cca.signature");
    EXPECT(MAKE_2024, m.cpak = make_key(2), CM_ERR_SIGNATURE, "cca.signature");
    /* of another curve than the token's algorithm */
    EXPECT(MAKE_2023, (m.cpak = make_key(0), m.cpak_alg = CM_SIG_ES384), CM_ERR_MISMATCH,
           "cca.signature");
}

TEST(a_realm_key_that_the_platform_does_not_vouch_for_is_refused)
{
    /* both signatures verify: only the binding says that they do not belong together */
    EXPECT(MAKE_LEGACY,
           PATCH(platform, 10,
                 "\x58\x20"
                 "0123456789abcdef0123456789abcdef"),
           CM_ERR_MISMATCH, "cca.binding");
    /* the binding is over the exact bytes: the same key written in another way has another hash */
    EXPECT(MAKE_2023, m.other_bytes = true, CM_ERR_MISMATCH, "cca.binding");
    EXPECT(MAKE_2024, m.other_bytes = true, CM_ERR_MISMATCH, "cca.binding");
    /* half of the right hash, and the right hash with zeros behind it */
    EXPECT(MAKE_2023, m.challenge_len = 32, CM_ERR_MISMATCH, "cca.binding");
    EXPECT(MAKE_LEGACY, m.challenge_len = 48, CM_ERR_MISMATCH, "cca.binding");
    /* a challenge of another length than the hash */
    EXPECT(MAKE_2023, PATCH(realm, 44240, "\x67sha-256"), CM_ERR_MISMATCH, "cca.binding");
}

TEST(a_realm_token_signed_by_another_key_is_refused)
{
    EXPECT(MAKE_LEGACY, m.rak_signing = make_key(3), CM_ERR_SIGNATURE, "cca.realm_signature");
    EXPECT(MAKE_2023, m.rak_signing = make_key(3), CM_ERR_SIGNATURE, "cca.realm_signature");
}

TEST(a_realm_key_off_its_curve_is_refused)
{
    uint8_t point[2 + 97] = {0x58, 97, 4, 1, 2, 3};
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_LEGACY);
    (void)prepare(&m);
    m.realm = (struct make_patch){44237, cm_span_make(point, sizeof(point)), true};
    evidence = cm_span_make(token, make_cca(&m, token, sizeof(token)));
    expect_outcome(__LINE__, verify(evidence), CM_ERR_MISMATCH, "cca.realm_key");
}

TEST(lifecycles_other_than_secured_are_refused)
{
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x30ff, CM_OK, NULL);
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x0000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x1000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x2000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x4000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x5000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x6000, CM_ERR_POLICY, "cca.lifecycle");
    EXPECT(MAKE_LEGACY, (m.lifecycle = 0x4000, input.flags = CM_VERIFY_ALLOW_DEBUG), CM_OK, NULL);
    EXPECT(MAKE_LEGACY, (m.lifecycle = 0x6000, input.flags = CM_VERIFY_ALLOW_DEBUG), CM_ERR_POLICY,
           "cca.lifecycle");
    /* outside the seven ranges */
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x3100, CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x7000, CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, m.lifecycle = 0x13000, CM_ERR_FORMAT, "cca.format");
}

TEST(the_challenge_is_the_expected_one_over_its_own_length)
{
    uint8_t nonce[65] = {0};

    memcpy(nonce, make_nonce, 64);
    EXPECT(MAKE_2024, input.report_data.len = 32, CM_OK, NULL);
    EXPECT(MAKE_2024, input.report_data = cm_span_make(nonce, 65), CM_ERR_MISMATCH, "nonce");
    nonce[63] ^= 1;
    EXPECT(MAKE_2024, input.report_data = cm_span_make(nonce, 64), CM_ERR_MISMATCH, "nonce");
    EXPECT(MAKE_2024, input.report_data = cm_span_make(NULL, 0), CM_OK, NULL);
}

TEST(claims_that_are_missing_or_malformed_are_refused)
{
    static const int64_t platform[] = {265, 10, 2396, 256, 2401, 2395, 2399, 2402};
    static const int64_t realm[] = {10, 44235, 44238, 44239, 44236, 44237, 44240};

    for (int g = MAKE_LEGACY; g <= MAKE_2024; g++) {
        for (size_t i = 0; i < sizeof(platform) / sizeof(platform[0]); i++) {
            EXPECT(g, PATCH(platform, platform[i], ""), CM_ERR_FORMAT, "cca.format");
            EXPECT(g, PATCH(platform, platform[i], "\xf6"), CM_ERR_FORMAT, "cca.format");
        }
        for (size_t i = 0; i < sizeof(realm) / sizeof(realm[0]); i++) {
            EXPECT(g, PATCH(realm, realm[i], ""), CM_ERR_FORMAT, "cca.format");
            EXPECT(g, PATCH(realm, realm[i], "\xf6"), CM_ERR_FORMAT, "cca.format");
        }
    }
    EXPECT(MAKE_2024, PATCH(platform, 2394, ""), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(platform, 2394, "\x02"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(platform, 2403, "\x40"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 44243, "\x66public"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 44243, ""), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 256, "\x41\x01"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 44243, "\x02"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 44244, "\x02"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(realm, 44257, "\x41\x01"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(platform, 2404, "\x80"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, PATCH(platform, 2405, "\x81\xa0"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, m.device_vca = false, CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, PATCH(platform, 265, "\x61x"), CM_ERR_UNSUPPORTED, "cca.format");
    EXPECT(MAKE_2023, PATCH(realm, 265, "\x61x"), CM_ERR_UNSUPPORTED, "cca.format");
    EXPECT(MAKE_LEGACY, PATCH(platform, 2399, "\x80"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, PATCH(platform, 2399, "\x81\xa0"), CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, PATCH(platform, 2396, "\x41\x01"), CM_ERR_FORMAT, "cca.format");
    /* an instance id is a random one (1), of 33 bytes */
    EXPECT(MAKE_LEGACY,
           PATCH(platform, 256,
                 "\x58\x21\x02"
                 "0123456789abcdef0123456789abcdef"),
           CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024,
           PATCH(realm, 256,
                 "\x58\x21\x02"
                 "0123456789abcdef0123456789abcdef"),
           CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_LEGACY, PATCH(realm, 44239, "\x81\x41\x01"), CM_ERR_FORMAT, "cca.format");
}

TEST(tokens_of_2024_may_leave_out_what_earlier_ones_did_not_have)
{
    EXPECT(MAKE_2024, PATCH(realm, 256, ""), CM_OK, NULL);
    EXPECT(MAKE_2024, PATCH(realm, 44243, "\x67private"), CM_OK, NULL);
    EXPECT(MAKE_2024, PATCH(realm, 44244, ""), CM_OK, NULL);
    EXPECT(MAKE_2024, PATCH(platform, 2404, ""), CM_OK, NULL);
    EXPECT(MAKE_2024, m.device_type = "other", CM_OK, NULL);
    /* a part of a CMW collection that we do not know is not taken; the older form has two parts */
    EXPECT(MAKE_2024, m.third_part = true, CM_OK, NULL);
    EXPECT(MAKE_LEGACY, m.third_part = true, CM_ERR_FORMAT, "cca.format");
    EXPECT(MAKE_2024, (m.rak = make_key(6), m.rak_signing = make_key(6), m.rak_alg = CM_SIG_ES256),
           CM_OK, NULL);
    EXPECT(MAKE_2023, (m.rak = make_key(6), m.rak_signing = make_key(6), m.rak_alg = CM_SIG_ES256),
           CM_ERR_UNSUPPORTED, "cca.realm_key");
}

TEST(every_truncation_and_every_longer_token_is_refused)
{
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_2024);
    evidence = prepare(&m);
    for (size_t n = 0; n < evidence.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n); /* so that a read past the end is seen */
        struct outcome o;

        REQUIRE(exact != NULL);
        memcpy(exact, evidence.ptr, n);
        o = verify(cm_span_make(exact, n));
        if (o.st == CM_OK) {
            TEST_FAIL("%zu bytes are taken", n);
        }
        cm_evidence_free(o.ev);
        free(exact);
    }
    token[evidence.len] = 0;
    expect_outcome(__LINE__, verify(cm_span_make(token, evidence.len + 1)), CM_ERR_FORMAT,
                   "cca.format");
}

TEST(every_flipped_bit_is_refused)
{
    struct make_cca m;
    struct cm_span evidence;

    make_cca_defaults(&m, MAKE_2023);
    evidence = prepare(&m);
    for (size_t bit = 0; bit < 8 * evidence.len; bit += 3) { /* three and eight have no divisor */
        struct outcome o;

        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
        o = verify(evidence);
        if (o.st == CM_OK) {
            TEST_FAIL("bit %zu is not noticed", bit);
        }
        cm_evidence_free(o.ev);
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST(every_failing_allocation_is_an_error)
{
    struct make_cca m;
    struct cm_span evidence;
    struct outcome o;
    bool hit = true;

    make_cca_defaults(&m, MAKE_2023);
    evidence = prepare(&m);
    for (long k = 1; hit; k++) {
        struct cm_verify_job job = {
            .evidence = evidence, .materials = &material, .material_count = 1, .in = &input};

        o.ev = cm_evidence_new("platform");
        fail_alloc_at(k);
        o.st = cm_cca_verify(&job, o.ev, 0);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (hit && o.st == CM_OK && cm_evidence_done(o.ev) == CM_OK) {
            TEST_FAIL("allocation %ld is not missed", k);
        }
        cm_evidence_free(o.ev);
    }
}

TEST_MAIN
