/* PSA tokens of all profiles and OP-TEE's statements, each rule broken once. */
#include "arm_expect.h"

#include "common/hex.h"

static uint8_t token[16384];
static uint8_t keys[4096];
static struct cm_material material;
static struct cm_verify_input input;

static void prepare(const struct make_psa *m)
{
    material.kind = CM_MATERIAL_KEY;
    material.name = "iak";
    material.bytes = cm_span_make(
        keys, make_enrolled(make_key(5), FORM_STORE, make_instance, keys, sizeof(keys)));
    memset(&input, 0, sizeof(input));
    input.now = 1700000000;
    input.report_data = cm_span_make(make_nonce, m->nonce_len);
}

#define EXPECT(profile, change, want, check)                                                  \
    do {                                                                                      \
        struct make_psa m;                                                                    \
        struct cm_span evidence;                                                              \
        make_psa_defaults(&m, (profile));                                                     \
        prepare(&m);                                                                          \
        change;                                                                               \
        evidence = cm_span_make(token, make_psa(&m, token, sizeof(token)));                   \
        CHECK(cm_psa_recognise(evidence));                                                    \
        expect_outcome(__LINE__, run_verifier(cm_psa_verify, evidence, &material, 1, &input), \
                       (want), (check));                                                      \
    } while (0)

#define PATCH(id, bytes)                                         \
    do {                                                         \
        m.patch.used = true;                                     \
        m.patch.label = (id);                                    \
        m.patch.cbor = cm_span_make((bytes), sizeof(bytes) - 1); \
    } while (0)

TEST(tokens_of_every_profile_verify)
{
    for (int p = 1; p <= 3; p++) {
        EXPECT(p, (void)0, CM_OK, NULL);
        EXPECT(p, m.cwt = true, CM_OK, NULL);
    }
    /* the first profile need not be named, the others must */
    EXPECT(1, PATCH(-75000, ""), CM_OK, NULL);
    EXPECT(2, PATCH(265, ""), CM_ERR_UNSUPPORTED, "psa.format");
    EXPECT(2, PATCH(265, "\x61x"), CM_ERR_UNSUPPORTED, "psa.format");
}

/* whoever can check a MAC can make one: it proves nothing to a verifier that did not make the key */
TEST(a_mac_is_taken_apart_and_refused)
{
    struct make_psa mac;
    struct outcome o;

    EXPECT(1, m.mac = true, CM_ERR_UNSUPPORTED, "psa.signature");
    EXPECT(2, m.mac = true, CM_ERR_UNSUPPORTED, "psa.signature");
    make_psa_defaults(&mac, 2);
    prepare(&mac);
    mac.mac = true;
    o = run_verifier(cm_psa_verify, cm_span_make(token, make_psa(&mac, token, sizeof(token))),
                     &material, 1, &input);
    REQUIRE(cm_evidence_find(o.ev, 0, CM_CLAIM_UEID, 0) != NULL);
    CHECK_EQ(cm_evidence_find(o.ev, 0, CM_CLAIM_UEID, 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(o.ev);
}

/* 1: a random one; other kinds do not name one device */
TEST(an_instance_id_of_another_kind_is_refused)
{
    static const char other[] = "\x58\x21\x02"
                                "0123456789abcdef0123456789abcdef";

    EXPECT(1, PATCH(-75009, other), CM_ERR_FORMAT, "psa.format");
    EXPECT(2, PATCH(256, other), CM_ERR_FORMAT, "psa.format");
    EXPECT(3, PATCH(256, other), CM_ERR_FORMAT, "psa.format");
}

TEST(another_key_or_algorithm_is_refused)
{
    EXPECT(2, m.iak = make_key(6), CM_ERR_SIGNATURE, "psa.signature");
    EXPECT(2, (m.iak = make_key(0), m.alg = CM_SIG_ES384), CM_ERR_MISMATCH, "psa.signature");
}

/* a key that was kept counts where its own bytes are enrolled, and nowhere else */
TEST(a_key_that_is_kept_answers_for_its_own_bytes_only)
{
    struct cm_verify_job job = {.in = &input, .materials = &material, .material_count = 1};
    struct make_psa m;

    make_psa_defaults(&m, 2);
    prepare(&m);
    CHECK_EQ(cm_cert_cache_create(4, &job.cert_cache), CM_OK);
    job.evidence = cm_span_make(token, make_psa(&m, token, sizeof(token)));
    for (int round = 0; round < 3; round++) {
        for (int key = 5; key <= 6; key++) {
            for (int form = 0; form < FORM_COUNT; form++) {
                struct cm_evidence *ev = cm_evidence_new("platform");

                material.bytes.len =
                    make_enrolled(make_key(key), form, make_instance, keys, sizeof(keys));
                CHECK_EQ(cm_psa_verify(&job, ev, 0), key == 5 ? CM_OK : CM_ERR_SIGNATURE);
                cm_evidence_free(ev);
            }
        }
    }
    /* more keys than are kept: the oldest goes, and nothing else changes */
    for (int i = 0; i < 40; i++) {
        char text[1024] = "";
        struct cm_evidence *ev = cm_evidence_new("platform");
        size_t n = make_enrolled(make_key(5), FORM_JWK, make_instance, (uint8_t *)text, 512);

        /* the same key in other bytes */
        n += (size_t)snprintf(text + n - 1, sizeof(text) - n, ",\"kid\":\"%d\"}", i) - 1;
        material.bytes = cm_span_make(text, n);
        CHECK_EQ(cm_psa_verify(&job, ev, 0), CM_OK);
        cm_evidence_free(ev);
    }
    cm_cert_cache_free(job.cert_cache);
}

TEST(lifecycles_nonces_and_claims_are_judged)
{
    static const int64_t labels_2[] = {10, 256, 2396, 2394, 2395, 2399};
    static const int64_t labels_1[] = {-75008, -75009, -75003, -75001, -75002, -75006};

    EXPECT(2, m.lifecycle = 0x4000, CM_ERR_POLICY, "psa.lifecycle");
    EXPECT(2, m.lifecycle = 0x6000, CM_ERR_POLICY, "psa.lifecycle");
    EXPECT(2, (m.lifecycle = 0x5001, input.flags = CM_VERIFY_ALLOW_DEBUG), CM_OK, NULL);
    EXPECT(2, m.lifecycle = 0x9000, CM_ERR_FORMAT, "psa.format");
    /* a nonce of the attester's own length must be equal as a whole */
    EXPECT(2, input.report_data.len = 32, CM_ERR_MISMATCH, "nonce");
    EXPECT(2, m.nonce_len = 33, CM_ERR_FORMAT, "psa.format");
    for (size_t i = 0; i < 6; i++) {
        EXPECT(2, PATCH(labels_2[i], ""), CM_ERR_FORMAT, "psa.format");
        EXPECT(3, PATCH(labels_2[i], "\xf6"), CM_ERR_FORMAT, "psa.format");
        EXPECT(1, PATCH(labels_1[i], "\xf6"), CM_ERR_FORMAT, "psa.format");
    }
    /* a caller from the non-secure side has a negative number; none has 0 */
    EXPECT(2, PATCH(2394, "\x20"), CM_OK, NULL);
    EXPECT(2, PATCH(2394, "\x00"), CM_ERR_FORMAT, "psa.format");
    EXPECT(2, PATCH(2394, "\x1a\x80\x00\x00\x00"), CM_ERR_FORMAT, "psa.format");
    EXPECT(2, PATCH(2397, "\x41\x00"), CM_ERR_FORMAT, "psa.format");
    EXPECT(2, PATCH(2398, "\x01"), CM_ERR_FORMAT, "psa.format");
}

TEST(every_truncation_and_flipped_bit_of_a_psa_token_is_refused)
{
    struct make_psa m;
    size_t len = 0;

    make_psa_defaults(&m, 3);
    prepare(&m);
    len = make_psa(&m, token, sizeof(token));
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);
        struct outcome o;

        REQUIRE(exact != NULL);
        memcpy(exact, token, n);
        (void)cm_psa_recognise(cm_span_make(exact, n));
        o = run_verifier(cm_psa_verify, cm_span_make(exact, n), &material, 1, &input);
        CHECK(o.st != CM_OK);
        cm_evidence_free(o.ev);
        free(exact);
    }
    for (size_t bit = 8; bit < 8 * len; bit++) { /* the first byte: tagged or not */
        struct outcome o;

        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
        o = run_verifier(cm_psa_verify, cm_span_make(token, len), &material, 1, &input);
        if (o.st == CM_OK) {
            TEST_FAIL("bit %zu is not noticed", bit);
        }
        cm_evidence_free(o.ev);
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- OP-TEE */

struct optee {
    const struct cm_privkey *key;
    const char *command;
    size_t nonce_len;
    bool swap; /* sign digest || nonce */
    enum cm_sig_alg alg;
};

static size_t make_optee(const struct optee *o, char *out, size_t cap)
{
    uint8_t digest[32] = {0xd1, 0x9e};
    uint8_t sig[CM_SIG_MAX_SIZE] = {0};
    char nonce_hex[2 * 64 + 1] = "";
    char digest_hex[65] = "";
    char sig_hex[2 * CM_SIG_MAX_SIZE + 1] = "";
    struct cm_span parts[2] = {cm_span_make(make_nonce, o->nonce_len), cm_span_make(digest, 32)};
    struct cm_span swapped[2] = {parts[1], parts[0]};
    size_t len = 0;

    if (cm_privkey_sign(o->key, o->alg, o->swap ? swapped : parts, 2, sig, sizeof(sig), &len) !=
        CM_OK) {
        abort();
    }
    cm_hex_encode(parts[0], CM_HEX_LOWER, nonce_hex);
    cm_hex_encode(parts[1], CM_HEX_LOWER, digest_hex);
    cm_hex_encode(cm_span_make(sig, len), CM_HEX_LOWER, sig_hex);
    return (size_t)snprintf(out, cap,
                            "{\"type\":\"optee-attestation\",\"command\":\"%s\","
                            "\"target\":\"39800861-182a-4720-9b67-2bcd622bc0b5\","
                            "\"nonce\":\"%s\",\"output\":\"%s%s\"}",
                            o->command, nonce_hex, digest_hex, sig_hex);
}

static void expect_optee(int line, struct optee o, struct cm_span nonce, enum cm_status want,
                         const char *check)
{
    struct cm_span evidence = cm_span_make(token, make_optee(&o, (char *)token, sizeof(token)));

    material = (struct cm_material){CM_MATERIAL_KEY, "key", {keys, 0}};
    material.bytes.len = make_enrolled(make_key(8), FORM_PEM, make_instance, keys, sizeof(keys));
    memset(&input, 0, sizeof(input));
    input.now = 1;
    input.report_data = nonce;
    CHECK(cm_optee_recognise(evidence));
    expect_outcome(line, run_verifier(cm_optee_verify, evidence, &material, 1, &input), want,
                   check);
}

static const struct optee usual = {NULL, "hash-tee-memory", 32, false, CM_SIG_PS256};

TEST(optee_statements_are_verified_over_nonce_and_digest)
{
    const struct cm_span nonce = cm_span_make(make_nonce, 32);
    struct optee o = usual;
    struct outcome out;

    o.key = make_key(8);
    expect_optee(__LINE__, o, nonce, CM_OK, NULL);
    /* what was asked is nobody's signed word, the digest is */
    out = run_verifier(cm_optee_verify,
                       cm_span_make(token, make_optee(&o, (char *)token, sizeof(token))), &material,
                       1, &input);
    REQUIRE(cm_evidence_find(out.ev, 0, "optee.command", 0) != NULL);
    CHECK_EQ(cm_evidence_find(out.ev, 0, "optee.command", 0)->authority, CM_AUTHORITY_SELF);
    CHECK_EQ(cm_evidence_find(out.ev, 0, CM_CLAIM_MEASUREMENTS, 0)->authority,
             CM_AUTHORITY_HARDWARE);
    cm_evidence_free(out.ev);
    expect_optee(__LINE__, o, cm_span_make(make_nonce, 31), CM_ERR_MISMATCH, "nonce");
    o.swap = true;
    expect_optee(__LINE__, o, nonce, CM_ERR_SIGNATURE, "optee.signature");
    o = usual;
    o.key = make_key(8);
    o.alg = CM_SIG_RS256; /* the service signs with PSS only */
    expect_optee(__LINE__, o, nonce, CM_ERR_SIGNATURE, "optee.signature");
    o = usual;
    o.key = make_key(8);
    o.command = "anything";
    expect_optee(__LINE__, o, nonce, CM_ERR_FORMAT, "optee.format");
}

/* a statement about no challenge; a digest that is cut off or that nobody signed */
TEST(parts_of_an_optee_statement_that_are_not_there)
{
    struct optee o = usual;
    char *output = NULL;

    o.key = make_key(8);
    o.nonce_len = 0;
    expect_optee(__LINE__, o, cm_span_make(NULL, 0), CM_ERR_FORMAT, "optee.format");
    o.nonce_len = 32;
    (void)make_optee(&o, (char *)token, sizeof(token));
    output = strstr((char *)token, "\"output\":\"");
    REQUIRE(output != NULL);
    for (size_t n = 33; n-- > 0;) {
        memcpy(output + 10 + 2 * n, "\"}", 3);
        expect_outcome(__LINE__,
                       run_verifier(cm_optee_verify,
                                    cm_span_make(token, strlen((const char *)token)), &material, 1,
                                    &input),
                       CM_ERR_FORMAT, "optee.format");
    }
}

TEST(every_shorter_optee_statement_is_refused)
{
    struct optee o = usual;
    size_t len = 0;

    o.key = make_key(8);
    expect_optee(__LINE__, o, cm_span_make(make_nonce, 32), CM_OK, NULL);
    len = make_optee(&o, (char *)token, sizeof(token));
    for (size_t n = 0; n < len; n++) {
        struct outcome out =
            run_verifier(cm_optee_verify, cm_span_make(token, n), &material, 1, &input);

        CHECK(out.st != CM_OK);
        CHECK(!cm_optee_recognise(cm_span_make(token, n)));
        cm_evidence_free(out.ev);
    }
}

TEST_MAIN
