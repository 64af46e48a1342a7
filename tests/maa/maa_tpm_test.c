/*
 * The dialogue with a TPM: a challenge, a quote over it, a report. The attacks: a quote over another challenge
 * or an old one, a request signed with another key than it names, somebody else's key beside a quote that does
 * not bind it, an attestation key that nobody certified.
 */
#include "harness.h"

#include "certkit.h"
#include "crypto/hash.h"
#include "maa_kit.h"
#include "token/base64.h"
#include "token/jws.h"
#include "tpm_kit.h"

#define PERMIT                                                          \
    "version=1.0; authorizationrules { => permit(); }; issuancerules {" \
    " => issueproperty(type=\"report_validity_in_minutes\", value=60);" \
    " => issueproperty(type=\"omit_x5c\", value=true); };"

static uint8_t last_challenge[32];
static char *last_context; /* base64url, as it came */

static void use(void)
{
    static struct sk_world trusted; /* only its root is looked at */

    if (kit_current() == NULL) {
        trusted.root = (struct cm_trust_root){.family = "tpm", .label = "test"};
        ck_spki_sha256(ck_key("p256", 0), trusted.root.spki_sha256);
        maa_start_invented(NULL, &trusted);
        CHECK_EQ(maa_policy("Tpm", PERMIT), 200);
    }
}

/* Send JSON as the dialogue does, and give back the JSON of the answer; NULL: there is none. */
static json_t *say(json_t *what)
{
    char *text = json_dumps(what, 0);
    char *data = maa_b64(cm_span_make(text, strlen(text)));
    const char *answer = NULL;
    static uint8_t bytes[1 << 18];
    size_t len = 0;

    json_decref(what);
    (void)maa_attest("Tpm", json_pack("{s:s}", "data", data));
    free(text);
    free(data);
    answer = kit_string("data");
    if (answer == NULL || cm_base64url_decode(cm_span_make(answer, strlen(answer)), bytes,
                                              sizeof(bytes), &len) != CM_OK) {
        return NULL;
    }
    return json_loadb((const char *)bytes, len, 0, NULL);
}

static void get_challenge(void)
{
    json_t *answer = say(json_pack("{s:{s:s}}", "payload", "type", "aikcert"));
    const json_t *payload = json_object_get(answer, "payload");
    const char *text = maa_text(payload, "challenge");
    size_t len = 0;

    free(last_context);
    last_context = NULL;
    if (text == NULL || maa_text(payload, "service_context") == NULL ||
        cm_base64url_decode(cm_span_make(text, strlen(text)), last_challenge, 32, &len) != CM_OK ||
        len != 32) {
        TEST_FAIL("no challenge");
        last_context = strdup("");
    } else {
        last_context = strdup(maa_text(payload, "service_context"));
    }
    json_decref(answer);
}

static json_t *b64(const void *bytes, size_t len)
{
    char *text = maa_b64(cm_span_make(bytes, len));
    json_t *out = json_string(text);

    free(text);
    return out;
}

static json_t *jwk_of(enum kit_key key)
{
    uint8_t spki[512];
    static const uint8_t e[] = {1, 0, 1};
    size_t len = 0;

    if (cm_pubkey_spki(kit_public(key), spki, sizeof(spki), &len) != CM_OK || len != 294) {
        abort();
    }
    return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n", b64(spki + 33, 256), "e", b64(e, 3));
}

/* What a client sends, with every choice the test's. */
struct client {
    uint8_t nonce[32];   /* the quote's */
    bool certified;      /* the attestation key */
    enum kit_key signer; /* of the request */
    enum kit_key named;  /* attest_key */
    const char *type;    /* of the JWS */
    const char *att_type;
    const char *rp_data;
    bool spoil_pcrs;
};

static void client_init(struct client *c)
{
    memset(c, 0, sizeof(*c));
    get_challenge();
    memcpy(c->nonce, last_challenge, 32);
    c->certified = true;
    c->signer = KIT_OTHER;
    c->named = KIT_OTHER;
    c->type = "attReq";
    c->att_type = "basic";
    c->rp_data = "cnA";
}

/* The hash of challenge and key that binds the key to the quote. */
static void bind(struct client *c)
{
    json_t *jwk = jwk_of(c->named);
    char *text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS);
    uint8_t thumbprint[32] = {0};
    const struct cm_span parts[] = {{last_challenge, 32}, {thumbprint, 32}};

    if (cm_hash(CM_HASH_SHA256, cm_span_make(text, strlen(text)), thumbprint) != CM_OK ||
        cm_hash_parts(CM_HASH_SHA256, parts, 2, c->nonce) != CM_OK) {
        abort();
    }
    free(text);
    json_decref(jwk);
}

static size_t certificates(uint8_t *out)
{
    static const uint8_t ak_use[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03};
    const struct ck_cert leaf = {.issuer = "TPM CA",
                                 .key = cm_privkey_evp(kit_key(KIT_RSA)),
                                 .signer = ck_key("p256", 0),
                                 .serial = 2,
                                 .usage = "critical,digitalSignature",
                                 .san = "critical,DNS:tpm.example",
                                 .exts = {{"2.5.29.37", false, ak_use, sizeof(ak_use)}}};
    const struct ck_cert ca = {.subject = "TPM CA",
                               .issuer = "TPM CA",
                               .key = ck_key("p256", 0),
                               .signer = ck_key("p256", 0),
                               .serial = 1,
                               .ca = true,
                               .usage = "critical,keyCertSign,cRLSign"};
    size_t len = ck_cert(&leaf, out, 2048);

    return len + ck_cert(&ca, out + len, 2048);
}

static json_t *claim_of(const struct client *c)
{
    struct kit_quote q;
    static struct kit_made made;
    static uint8_t bytes[8192];
    struct cm_wr w = cm_wr_init(bytes, sizeof(bytes));

    kit_defaults(&q);
    q.nonce = cm_span_make(c->nonce, sizeof(c->nonce));
    kit_make(&q, &made);
    cm_wr_bytes(&w, "TPLA", 4);
    cm_wr_u32le(&w, 1);
    cm_wr_u32le(&w, CM_TPM_ALG_SHA256);
    cm_wr_u32le(&w, (uint32_t)made.signature_len);
    cm_wr_u32le(&w, (uint32_t)made.attest_len);
    cm_wr_u32le(&w, 24 * 32);
    cm_wr_bytes(&w, made.signature, made.signature_len);
    cm_wr_bytes(&w, made.attest, made.attest_len);
    for (size_t i = 0; i < 24; i++) {
        cm_wr_bytes(&w, q.value[0][i], 32);
    }
    bytes[w.used - 24 * 32] ^= c->spoil_pcrs ? 1 : 0;
    return b64(bytes, w.used);
}

static json_t *ask(const struct client *c)
{
    static char token[65536];
    uint8_t certs[4096];
    char header[64] = "";
    size_t certs_len = certificates(certs);
    json_t *payload = json_pack(
        "{s:s, s:{s:s, s:s, s:o, s:{s:o, s:o, s:o, s:s}, s:o, s:[{s:s, s:s, s:s}], s:s}}",
        "att_type", c->att_type, "att_data", "rp_id", "https://rp.example", "rp_data", c->rp_data,
        "challenge", b64(last_challenge, 32), "tpm_att_data", "aik_cert",
        b64(certs, c->certified ? certs_len : 0), "aik_pub", jwk_of(KIT_RSA), "current_claim",
        claim_of(c), "srtm_boot_log", "", "attest_key", jwk_of(c->named), "custom_claims", "name",
        "colour", "value", "red", "value_type", "String", "service_context", last_context);
    char *text = json_dumps(payload, JSON_COMPACT);

    json_decref(payload);
    (void)snprintf(header, sizeof(header), "\"typ\":\"%s\"", c->type);
    if (cm_jws_sign(kit_key(c->signer), CM_SIG_PS256, header, cm_span_make(text, strlen(text)),
                    token, sizeof(token)) != CM_OK) {
        abort();
    }
    free(text);
    return say(json_pack("{s:s}", "request", token));
}

/* The claims of a report that is given; NULL: it was refused. */
static const json_t *report(const struct client *c)
{
    json_t *answer = ask(c);
    const json_t *claims =
        maa_text(answer, "report") == NULL ? NULL : maa_claims_of(maa_text(answer, "report"));

    json_decref(answer);
    return claims;
}

static void refused(const struct client *c, const char *words)
{
    CHECK(report(c) == NULL);
    CHECK_EQ(kit_last()->status, 400);
    if (kit_string("error.message") == NULL || strstr(kit_string("error.message"), words) == NULL) {
        TEST_FAIL("\"%s\" does not say \"%s\"", kit_string("error.message"), words);
    }
}

TEST(a_quote_over_the_challenge_gets_a_report)
{
    struct client c;
    const json_t *claims = NULL;

    use();
    client_init(&c);
    claims = report(&c);
    if (claims == NULL) {
        TEST_FAIL("no report: %s", kit_last()->body);
    }
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "tpm");
    CHECK_STR(maa_text(claims, "rp_data"), "cnA");
    CHECK_EQ(json_integer_value(json_object_get(claims, "exp")) -
                 json_integer_value(json_object_get(claims, "iat")),
             3600); /* as the policy says */
    CHECK(json_object_get(maa_header(), "x5c") == NULL);
    CHECK(json_object_get(claims, "cnf") == NULL); /* nothing binds the key */
}

TEST(a_key_that_the_quote_binds_is_named_in_the_report)
{
    struct client c;
    const json_t *claims = NULL;
    json_t *jwk = jwk_of(KIT_OTHER);

    use();
    client_init(&c);
    bind(&c);
    claims = report(&c);
    CHECK(json_equal(json_object_get(json_object_get(claims, "cnf"), "jwk"), jwk));
    json_decref(jwk);
}

TEST(somebody_elses_key_is_not_named_beside_a_quote)
{
    struct client c;

    use();
    client_init(&c);
    bind(&c); /* the machine's key */
    c.signer = KIT_RSA;
    c.named = KIT_RSA; /* and the thief's */
    refused(&c, "refused");
}

TEST(the_request_is_signed_with_the_key_that_it_names)
{
    struct client c;

    use();
    client_init(&c);
    c.signer = KIT_RSA;
    refused(&c, "PS256");
    client_init(&c);
    c.type = "JWT";
    refused(&c, "attReq");
    client_init(&c);
    c.att_type = "vbs";
    refused(&c, "basic");
}

TEST(quotes_over_other_and_old_challenges_are_refused)
{
    struct client c;
    uint8_t before[32];

    use();
    client_init(&c);
    c.nonce[0] ^= 1;
    refused(&c, "refused");
    client_init(&c);
    memcpy(before, c.nonce, 32);
    client_init(&c);
    memcpy(c.nonce, before, 32);
    refused(&c, "refused");
    client_init(&c);
    kit_step_clock(301);
    refused(&c, "expired");
    kit_step_clock(-301);
    client_init(&c);
    last_challenge[0] ^= 1; /* and says so in the request */
    refused(&c, "challenge");
}

TEST(a_context_of_the_native_api_is_none)
{
    struct client c;
    uint8_t digest[32] = {0};

    use();
    client_init(&c);
    CHECK_EQ(kit_post("/api/v1/nonce", NULL, "{}")->status, 200);
    free(last_context);
    last_context = maa_b64(cm_span_make(kit_string("nonce"), strlen(kit_string("nonce"))));
    CHECK_EQ(cm_hash(CM_HASH_SHA256, cm_span_make(kit_string("nonce"), strlen(kit_string("nonce"))),
                     digest),
             CM_OK);
    memcpy(last_challenge, digest, 32);
    memcpy(c.nonce, digest, 32);
    refused(&c, "another use");
}

TEST(an_attestation_key_that_nobody_certified_is_refused)
{
    struct client c;

    use();
    client_init(&c);
    c.certified = false;
    refused(&c, "refused");
    client_init(&c);
    c.spoil_pcrs = true;
    refused(&c, "refused");
}

TEST(without_a_policy_of_the_operators_nothing_is_permitted)
{
    struct client c;

    use();
    CHECK_EQ(kit_ask("POST", "/policies/Tpm:reset?api-version=2020-10-01", "author", "text/plain",
                     cm_span_make("eyJhbGciOiJub25lIn0..", 21), NULL)
                 ->status,
             200);
    client_init(&c);
    refused(&c, "authorization failed");
    CHECK_EQ(maa_policy("Tpm", PERMIT), 200);
}

TEST(messages_that_are_none_are_refused)
{
    static const char *const data[] = {"",
                                       "!",
                                       "e30",
                                       "W10",
                                       "eyJwYXlsb2FkIjp7InR5cGUiOiJ4In19",
                                       "eyJyZXF1ZXN0IjoieCJ9",
                                       "eyJyZXF1ZXN0IjoxfQ"};

    use();
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        CHECK_EQ(maa_attest("Tpm", json_pack("{s:s}", "data", data[i]))->status, 400);
    }
    CHECK_EQ(maa_attest("Tpm", json_pack("{}"))->status, 400);
    /* what @azure/attestation's sample sends */
    CHECK_EQ(
        maa_attest("tpm", json_pack("{s:s}", "data", "eyJwYXlsb2FkIjp7InR5cGUiOiJhaWtjZXJ0In19"))
            ->status,
        200);
}

TEST(the_end)
{
    use();
    maa_stop();
    free(last_context);
    CHECK(true);
}

TEST_MAIN
