/*
 * The dialogue with a TPM: a challenge, a quote over it, a report. The attacks: a quote over another challenge
 * or an old one, a request signed with another key than it names, somebody else's key beside a quote that does
 * not bind it, an attestation key that nobody certified, a context whose signature is written in its other way, a
 * message that would be decided on an event loop.
 */
#include "harness.h"

#include <openssl/bn.h>
#include <stdatomic.h>

#include "crypto/hash.h"
#include "maa/maa_tpm.h"
#include "maa_tpm_kit.h"
#include "token/base64.h"

#define PERMIT                                                          \
    "version=1.0; authorizationrules { => permit(); }; issuancerules {" \
    " => issueproperty(type=\"report_validity_in_minutes\", value=60);" \
    " => issueproperty(type=\"omit_x5c\", value=true); };"

static atomic_int spent_on[2]; /* a loop, a worker */
static atomic_bool as_on_loop;

enum cm_status cm_spend_real(struct cm_call *call, const json_t *context,
                             struct cm_why *why) __asm__("__real_cm_maa_challenge_spend");
enum cm_status cm_spend_seen(struct cm_call *call, const json_t *context,
                             struct cm_why *why) __asm__("__wrap_cm_maa_challenge_spend");
enum cm_status cm_spend_seen(struct cm_call *call, const json_t *context, struct cm_why *why)
{
    struct cm_call copy = *call;

    (void)atomic_fetch_add(&spent_on[call->db == NULL ? 0 : 1], 1);
    if (atomic_load(&as_on_loop)) {
        copy.db = NULL;
    }
    return cm_spend_real(&copy, context, why);
}

/* The attestation key's certificate, and its maker's. */
static json_t *certified(void)
{
    uint8_t certs[4096];
    size_t len = tpm_certificates(cm_privkey_evp(kit_key(KIT_RSA)), 3, true, certs);

    return json_pack("{s:o, s:o}", "aik_cert", tpm_b64(certs, len), "aik_pub", tpm_jwk(KIT_RSA));
}

/* A good client, with a new challenge. */
static void init(struct tpm_client *c)
{
    CHECK(tpm_get_challenge());
    tpm_client_init(c);
}

TEST(a_quote_over_the_challenge_gets_a_report)
{
    struct tpm_client c;
    const json_t *claims = NULL;

    tpm_begin(PERMIT);
    init(&c);
    claims = tpm_report(&c, certified());
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
    struct tpm_client c;
    const json_t *claims = NULL;
    json_t *jwk = tpm_jwk(KIT_OTHER);

    tpm_begin(PERMIT);
    init(&c);
    tpm_bind(&c);
    claims = tpm_report(&c, certified());
    CHECK(json_equal(json_object_get(json_object_get(claims, "cnf"), "jwk"), jwk));
    json_decref(jwk);
}

TEST(somebody_elses_key_is_not_named_beside_a_quote)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    init(&c);
    tpm_bind(&c); /* the machine's key */
    c.signer = KIT_RSA;
    c.named = KIT_RSA; /* and the thief's */
    CHECK(tpm_refused(&c, certified(), "refused"));
}

TEST(the_request_is_signed_with_the_key_that_it_names)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    init(&c);
    c.signer = KIT_RSA;
    CHECK(tpm_refused(&c, certified(), "PS256"));
    init(&c);
    c.type = "JWT";
    CHECK(tpm_refused(&c, certified(), "attReq"));
    init(&c);
    c.att_type = "vbs";
    CHECK(tpm_refused(&c, certified(), "basic"));
}

TEST(quotes_over_other_and_old_challenges_are_refused)
{
    struct tpm_client c;
    uint8_t before[32];

    tpm_begin(PERMIT);
    init(&c);
    c.nonce[0] ^= 1;
    CHECK(tpm_refused(&c, certified(), "refused"));
    init(&c);
    memcpy(before, c.nonce, 32);
    init(&c);
    memcpy(c.nonce, before, 32);
    CHECK(tpm_refused(&c, certified(), "refused"));
    init(&c);
    kit_step_clock(301);
    CHECK(tpm_refused(&c, certified(), "expired"));
    kit_step_clock(-301);
    init(&c);
    tpm_challenge[0] ^= 1; /* and says so in the request */
    CHECK(tpm_refused(&c, certified(), "challenge"));
}

TEST(a_challenge_gets_one_report)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    init(&c);
    CHECK(tpm_report(&c, certified()) != NULL);
    CHECK(tpm_refused(&c, certified(), "report already")); /* whoever saw it sends it again */
    init(&c);
    CHECK(tpm_report(&c, certified()) != NULL);
}

/* The context with (r, n - s) in the place of (r, s), which verifies as well, and the challenge that is its hash. */
static void write_signature_anew(void)
{
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    char token[4096] = "";
    uint8_t sig[64];
    char *text = NULL;
    char *dot = NULL;
    BIGNUM *n = NULL;
    BIGNUM *s = NULL;
    size_t len = 0;

    kit_must(cm_base64url_decode(cm_span_make(tpm_context, strlen(tpm_context)), (uint8_t *)token,
                                 sizeof(token) - 1, &len) == CM_OK,
             "a context");
    dot = strrchr(token, '.');
    kit_must(dot != NULL &&
                 cm_base64url_decode(cm_span_make(dot + 1, strlen(dot + 1)), sig, 64, &len) ==
                     CM_OK &&
                 len == 64,
             "a signature");
    s = BN_bin2bn(sig + 32, 32, NULL);
    kit_must(BN_hex2bn(&n, order) == 64 && BN_sub(s, n, s) == 1 &&
                 BN_bn2binpad(s, sig + 32, 32) == 32,
             "n - s");
    BN_free(n);
    BN_free(s);
    text = maa_b64(cm_span_make(sig, 64));
    memcpy(dot + 1, text, strlen(text) + 1);
    free(text);
    free(tpm_context);
    tpm_context = maa_b64(cm_span_make(token, strlen(token)));
    kit_must(cm_hash(CM_HASH_SHA256, cm_span_make(token, strlen(token)), tpm_challenge) == CM_OK,
             "a hash");
}

TEST(a_context_whose_signature_is_written_anew_is_the_same_one)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    init(&c);
    CHECK(tpm_report(&c, certified()) != NULL);
    write_signature_anew();
    tpm_client_init(&c);
    CHECK(tpm_refused(&c, certified(), "report already"));
}

TEST(no_message_has_a_loop_wait_for_the_disk)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    atomic_store(&spent_on[0], 0);
    atomic_store(&spent_on[1], 0);
    init(&c);
    c.beside = true;
    CHECK(tpm_report(&c, certified()) != NULL);
    CHECK_EQ(atomic_load(&spent_on[0]), 0);
    CHECK_EQ(atomic_load(&spent_on[1]), 1);
    init(&c);
    atomic_store(&as_on_loop, true);
    CHECK(tpm_report(&c, certified()) == NULL);
    CHECK_EQ(kit_last()->status, 503);
    atomic_store(&as_on_loop, false);
    CHECK(tpm_report(&c, certified()) != NULL); /* nothing was spent */
}

TEST(a_context_of_the_native_api_is_none)
{
    struct tpm_client c;
    uint8_t digest[32] = {0};

    tpm_begin(PERMIT);
    init(&c);
    CHECK_EQ(kit_post("/api/v1/nonce", NULL, "{}")->status, 200);
    free(tpm_context);
    tpm_context = maa_b64(cm_span_make(kit_string("nonce"), strlen(kit_string("nonce"))));
    CHECK_EQ(cm_hash(CM_HASH_SHA256, cm_span_make(kit_string("nonce"), strlen(kit_string("nonce"))),
                     digest),
             CM_OK);
    memcpy(tpm_challenge, digest, 32);
    memcpy(c.nonce, digest, 32);
    CHECK(tpm_refused(&c, certified(), "another use"));
}

TEST(an_attestation_key_that_nobody_certified_is_refused)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    init(&c);
    CHECK(tpm_refused(&c, json_pack("{s:s}", "aik_cert", ""), "refused"));
    init(&c);
    c.spoil_pcrs = true;
    CHECK(tpm_refused(&c, certified(), "refused"));
}

TEST(without_a_policy_of_the_operators_nothing_is_permitted)
{
    struct tpm_client c;

    tpm_begin(PERMIT);
    CHECK_EQ(kit_ask("POST", "/policies/Tpm:reset?api-version=2020-10-01", "author", "text/plain",
                     cm_span_make("eyJhbGciOiJub25lIn0..", 21), NULL)
                 ->status,
             200);
    init(&c);
    CHECK(tpm_refused(&c, certified(), "authorization failed"));
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

    tpm_begin(PERMIT);
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
    tpm_begin(PERMIT);
    tpm_end();
    CHECK(true);
}

TEST_MAIN
