/*
 * Credential activation in the dialogue with a TPM. The attacks: a challenge that has had its report, one that has
 * expired, another attestation key than the credential is for, another endorsement key's TPM, a guessed secret, keys
 * whose attributes are not what they must be, makers that nobody trusts, a quote of another machine that is enrolled.
 */
#include "harness.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "maa_tpm_kit.h"
#include "token/base64.h"

#define RULES(rules) "version=1.2; authorizationrules { " rules " }; issuancerules { };"
#define ACTIVATED                                                                           \
    RULES("[type==\"casemate.tpm.activated\", value==true] && [type==\"casemate.tpm.ek\"] " \
          "=> permit();")

#define EK_ATTRIBUTES 0x000300b2u /* fixedTPM, fixedParent, made there, restricted, decrypt */

/* ----------------------------------------------------------- a TPM's side */

static size_t ek_area(EVP_PKEY *key, uint32_t attributes, uint8_t out[512])
{
    struct cm_wr w = cm_wr_init(out, 512);
    uint8_t spki[512];
    uint8_t *at = spki;
    int len = i2d_PUBKEY(key, &at);

    kit_must(len == 294, "an endorsement key");
    cm_wr_u16be(&w, CM_TPM_ALG_RSA);
    cm_wr_u16be(&w, CM_TPM_ALG_SHA256);
    cm_wr_u32be(&w, attributes);
    cm_wr_u16be(&w, 0);
    cm_wr_u16be(&w, CM_TPM_ALG_AES);
    cm_wr_u16be(&w, 128);
    cm_wr_u16be(&w, CM_TPM_ALG_CFB);
    cm_wr_u16be(&w, CM_TPM_ALG_NULL);
    cm_wr_u16be(&w, 2048);
    cm_wr_u32be(&w, 0);
    cm_wr_u16be(&w, 256);
    cm_wr_bytes(&w, spki + 33, 256);
    return w.used;
}

/* KDFa of one block (TPM 2.0 Library, Part 1, 11.4.10.2). */
static void kdf_a(const uint8_t seed[32], const char *label, const uint8_t *context, size_t len,
                  size_t bits, uint8_t out[32])
{
    uint8_t text[128] = {0, 0, 0, 1};
    size_t n = 4;
    unsigned made = 0;

    memcpy(text + n, label, strlen(label) + 1);
    n += strlen(label) + 1;
    if (len != 0) {
        memcpy(text + n, context, len);
    }
    n += len;
    text[n++] = 0;
    text[n++] = 0;
    text[n++] = (uint8_t)(bits >> 8);
    text[n++] = (uint8_t)bits;
    kit_must(HMAC(EVP_sha256(), seed, 32, text, n, out, &made) != NULL, "KDFa");
}

/* The seed, which the endorsement key's TPM alone decrypts; false: not this TPM's. */
static bool open_seed(EVP_PKEY *ek, const uint8_t *sealed, size_t len, uint8_t seed[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
    uint8_t out[256];
    size_t out_len = sizeof(out);
    bool good = EVP_PKEY_decrypt_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup("IDENTITY", 9), 9) == 1 &&
                EVP_PKEY_decrypt(ctx, out, &out_len, sealed, len) == 1 && out_len == 32;

    EVP_PKEY_CTX_free(ctx);
    memcpy(seed, out, 32);
    return good;
}

/* TPM2_ActivateCredential; 0: refused. */
static size_t activate(EVP_PKEY *ek, struct cm_span name, const uint8_t *blob, size_t blob_len,
                       uint8_t secret[64])
{
    struct cm_rd rd = cm_rd_init(cm_span_make(blob, blob_len));
    struct cm_span object = {NULL, 0};
    struct cm_span sealed = {NULL, 0};
    struct cm_span mac = {NULL, 0};
    uint8_t seed[32];
    uint8_t key[32];
    uint8_t want[32];
    uint8_t text[128];
    unsigned made = 0;
    int len = 0;
    EVP_CIPHER_CTX *ctx = NULL;

    (void)cm_rd_take(&rd, 8);
    object = cm_rd_take(&rd, cm_rd_u16be(&rd));
    sealed = cm_rd_take(&rd, cm_rd_u16be(&rd));
    kit_must(cm_rd_finish(&rd) == CM_OK, "a blob");
    if (!open_seed(ek, sealed.ptr, sealed.len, seed)) {
        return 0;
    }
    rd = cm_rd_init(object);
    mac = cm_rd_take(&rd, cm_rd_u16be(&rd));
    object = cm_rd_rest(&rd);
    kit_must(mac.len == 32 && object.len + name.len <= sizeof(text), "an identity object");
    kdf_a(seed, "INTEGRITY", NULL, 0, 256, key);
    memcpy(text, object.ptr, object.len);
    memcpy(text + object.len, name.ptr, name.len);
    (void)HMAC(EVP_sha256(), key, 32, text, object.len + name.len, want, &made);
    if (memcmp(want, mac.ptr, 32) != 0) {
        return 0; /* made for another attestation key */
    }
    kdf_a(seed, "STORAGE", name.ptr, name.len, 128, key);
    ctx = EVP_CIPHER_CTX_new();
    memset(want, 0, sizeof(want)); /* the initialisation vector */
    kit_must(EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, want) == 1 &&
                 EVP_DecryptUpdate(ctx, text, &len, object.ptr, (int)object.len) == 1 && len == 34,
             "AES");
    EVP_CIPHER_CTX_free(ctx);
    memcpy(secret, text + 2, 32);
    return 32;
}

/* ------------------------------------------------------------- the client */

/* A machine's keys, as it says they are. */
struct machine {
    EVP_PKEY *ek;
    EVP_PKEY *certified; /* whose certificate it sends */
    uint32_t ek_attributes;
    uint32_t ak_attributes;
    enum kit_key ak;
    bool with_cert;
    uint8_t cert_use;
};

static void machine_init(struct machine *m)
{
    tpm_begin(ACTIVATED);
    *m = (struct machine){.ek = ck_key("rsa2048", 8),
                          .certified = ck_key("rsa2048", 8),
                          .ek_attributes = EK_ATTRIBUTES,
                          .ak_attributes = KIT_AK_ATTRIBUTES,
                          .ak = KIT_RSA,
                          .with_cert = true,
                          .cert_use = 1};
}

static size_t ak_name(const struct machine *m, uint8_t name[34])
{
    uint8_t area[512];
    struct cm_tpm_public pub;
    size_t len = kit_area(m->ak, m->ak_attributes, area, sizeof(area));
    size_t name_len = 0;

    kit_must(cm_tpm_public_parse(cm_span_make(area, len), &pub, NULL) == CM_OK &&
                 cm_tpm_public_name(&pub, name, &name_len) == CM_OK,
             "a name");
    return name_len;
}

static json_t *ak_json(const struct machine *m)
{
    uint8_t area[512];

    return tpm_b64(area, kit_area(m->ak, m->ak_attributes, area, sizeof(area)));
}

/* The first message; the secret of its answer as this machine's TPM has it, 0: it refuses, or there is none. */
static size_t begin_with(const struct machine *m, uint8_t secret[64])
{
    uint8_t ek[512];
    uint8_t certs[4096];
    uint8_t name[34];
    uint8_t blob[1024];
    size_t len = 0;
    size_t ek_len = ek_area(m->ek, m->ek_attributes, ek);
    size_t all = tpm_certificates(m->certified, m->cert_use, true, certs);
    size_t first = 4u + ((size_t)certs[2] << 8 | certs[3]); /* DER: 30 82 and the length */
    json_t *payload = json_pack("{s:s, s:o, s:o}", "type", "aikpub", "aik_pub", ak_json(m),
                                "ek_pub", tpm_b64(ek, ek_len));
    json_t *answer = NULL;
    const char *text = NULL;

    if (m->with_cert) {
        (void)json_object_set_new(payload, "ek_cert", tpm_b64(certs, first));
        (void)json_object_set_new(payload, "ek_chain", tpm_b64(certs + first, all - first));
    }
    answer = tpm_say(json_pack("{s:o}", "payload", payload));
    text = maa_text(json_object_get(answer, "payload"), "credential");
    if (!tpm_take(answer) || text == NULL ||
        cm_base64url_decode(cm_span_make(text, strlen(text)), blob, sizeof(blob), &len) != CM_OK) {
        json_decref(answer);
        return 0;
    }
    json_decref(answer);
    return activate(m->ek, cm_span_make(name, ak_name(m, name)), blob, len, secret);
}

static json_t *answer_of(const struct machine *m, const uint8_t *secret, size_t len)
{
    return json_pack("{s:o, s:o}", "aik_pub", ak_json(m), "credential", tpm_b64(secret, len));
}

/* Whether the first message is refused with these words. */
static bool not_begun(const struct machine *m, const char *words)
{
    uint8_t secret[64];
    const size_t len = begin_with(m, secret);
    const char *said = kit_string("error.message");

    if (len != 0 || kit_last()->status != 400 || said == NULL || strstr(said, words) == NULL) {
        (void)printf("  \"%s\" does not say \"%s\"\n", said == NULL ? "" : said, words);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------- tests */

TEST(a_tpm_that_opens_the_credential_gets_a_report)
{
    struct machine m;
    struct tpm_client c;
    uint8_t secret[64];
    const json_t *claims = NULL;

    machine_init(&m);
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    tpm_bind(&c);
    claims = tpm_report(&c, answer_of(&m, secret, 32));
    if (claims == NULL) {
        TEST_FAIL("no report: %s", kit_last()->body);
    }
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "tpm");
    CHECK_EQ(strlen(maa_text(claims, "casemate.tpm-ek")), 64);
    CHECK(json_object_get(claims, "cnf") != NULL);
}

TEST(a_challenge_gets_one_report_and_expires)
{
    struct machine m;
    struct tpm_client c;
    uint8_t secret[64];

    machine_init(&m);
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    CHECK(tpm_report(&c, answer_of(&m, secret, 32)) != NULL);
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "report already"));
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    kit_step_clock(301);
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "expired"));
    kit_step_clock(-301);
    CHECK(tpm_report(&c, answer_of(&m, secret, 32)) != NULL);
}

TEST(secrets_of_others_and_guesses_are_refused)
{
    struct machine m;
    struct tpm_client c;
    uint8_t before[64];
    uint8_t secret[64];

    machine_init(&m);
    REQUIRE(begin_with(&m, before) == 32);
    REQUIRE(begin_with(&m, secret) == 32);
    CHECK(memcmp(before, secret, 32) != 0);
    tpm_client_init(&c);
    CHECK(tpm_refused(&c, answer_of(&m, before, 32), "secret")); /* of the challenge before */
    secret[31] ^= 1;
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "secret"));
    secret[31] ^= 1;
    CHECK(tpm_refused(&c, answer_of(&m, secret, 31), "secret"));
    CHECK(tpm_refused(&c, answer_of(&m, secret, 0), "secret"));
    CHECK(tpm_report(&c, answer_of(&m, secret, 32)) != NULL);
}

TEST(the_attestation_key_is_the_one_that_was_asked_about)
{
    struct machine m;
    struct machine other;
    struct tpm_client c;
    uint8_t secret[64];

    machine_init(&m);
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    other = m;
    other.ak = KIT_OTHER;
    CHECK(tpm_refused(&c, answer_of(&other, secret, 32), "aik_pub"));
    other.ak = m.ak;
    other.ak_attributes ^= 0x40; /* the same key, another name */
    CHECK(tpm_refused(&c, answer_of(&other, secret, 32), "aik_pub"));
    c.quoting = KIT_OTHER; /* who has the secret, and a key of his own */
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "refused"));
    c.quoting = KIT_RSA;
    c.nonce[0] ^= 1;
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "refused"));
    c.nonce[0] ^= 1;
    CHECK(tpm_report(&c, answer_of(&m, secret, 32)) != NULL);
}

TEST(another_tpm_cannot_open_it)
{
    struct machine m;
    struct machine thief;
    uint8_t secret[64];

    machine_init(&m);
    thief = m;
    thief.ek = ck_key("rsa2048", 9); /* not the certificate's */
    CHECK(not_begun(&thief, "another key"));
    thief = m;
    thief.ek_attributes &= ~CM_TPM_RESTRICTED; /* opens anything: credentials as well */
    CHECK(not_begun(&thief, "attributes"));
    thief = m;
    thief.ek_attributes &= ~CM_TPM_DECRYPT;
    CHECK(not_begun(&thief, "attributes"));
    thief = m;
    thief.ek_attributes &= ~CM_TPM_FIXED_TPM;
    CHECK(not_begun(&thief, "attributes"));
    thief = m;
    thief.ak_attributes &= ~CM_TPM_RESTRICTED; /* signs any forged quote */
    CHECK(not_begun(&thief, "not restricted"));
    thief = m;
    thief.ak_attributes &= ~CM_TPM_FIXED_TPM;
    CHECK(not_begun(&thief, "fixed"));
    thief = m;
    thief.cert_use = 3; /* an attestation key's certificate */
    CHECK(not_begun(&thief, "not one for endorsement keys"));
    thief = m;
    thief.with_cert = false;
    CHECK(not_begun(&thief, "not enrolled"));
    CHECK_EQ(begin_with(&m, secret), 32);
}

TEST(contexts_of_the_two_ways_do_not_mix)
{
    struct machine m;
    struct tpm_client c;
    uint8_t secret[64];

    machine_init(&m);
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    CHECK(tpm_refused(&c, json_pack("{s:o}", "aik_pub", ak_json(&m)), "another use"));
    CHECK(tpm_get_challenge());
    tpm_client_init(&c);
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "another use"));
}

TEST(a_policy_may_ask_for_one_endorsement_key)
{
    struct machine m;
    struct tpm_client c;
    uint8_t secret[64];

    machine_init(&m);
    CHECK_EQ(maa_policy("Tpm", RULES("[type==\"casemate.tpm.ek\", value==\"00\"] => permit();")),
             200);
    REQUIRE(begin_with(&m, secret) == 32);
    tpm_client_init(&c);
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "authorization failed"));
    CHECK_EQ(maa_policy("Tpm", ACTIVATED), 200);
}

TEST(an_enrolled_attestation_key_does_not_quote_for_an_activated_one)
{
    struct machine m;
    struct tpm_client c;
    uint8_t secret[64];
    uint8_t area[512];
    const size_t len = kit_area(KIT_OTHER, KIT_AK_ATTRIBUTES, area, sizeof(area));

    machine_init(&m);
    CHECK_EQ(kit_ask("POST", "/test/enrol/Tpm/b", "admin", "application/octet-stream",
                     cm_span_make(area, len), NULL)
                 ->status,
             200);
    CHECK(tpm_get_challenge());
    tpm_client_init(&c);
    c.quoting = KIT_OTHER; /* on its own it counts, but the policy asks for an activated one */
    CHECK(tpm_refused(&c, json_object(), "authorization failed"));
    REQUIRE(begin_with(&m, secret) == 32); /* machine A's TPM, and B's registers */
    tpm_client_init(&c);
    c.quoting = KIT_OTHER;
    CHECK(tpm_refused(&c, answer_of(&m, secret, 32), "refused"));
    c.quoting = KIT_RSA;
    CHECK(tpm_report(&c, answer_of(&m, secret, 32)) != NULL);
}

TEST(messages_that_are_none_are_refused)
{
    static const char *const members[] = {"aik_pub", "ek_pub"};

    tpm_begin(ACTIVATED);
    for (size_t i = 0; i < 2; i++) {
        CHECK(tpm_say(json_pack("{s:{s:s, s:s}}", "payload", "type", "aikpub", members[i],
                                "AAAA")) == NULL);
        CHECK_EQ(kit_last()->status, 400);
    }
}

TEST(the_end)
{
    tpm_begin(ACTIVATED);
    tpm_end();
    CHECK(true);
}

TEST_MAIN
