/*
 * Attesters that must get nothing: each does one thing wrong, and gets neither a token nor a byte of the
 * resource (I1 to I7). Behind each stands the same guest doing it right, so that what is refused is that.
 */
#include "harness.h"
#include "identity/identity.h"
#include "kbs/kbs.h"
#include "kbs/kbs_private.h"
#include "kbs_kit.h"
#include "token/base64.h"

#define SECRET KBS_SECRET

/* 401 with what Trustee's clients read, and a detail with that word. */
static void refused(int status, const char *word)
{
    CHECK_EQ(status, 401);
    CHECK(kit_string("type") != NULL);
    CHECK(kit_string("detail") != NULL);
    if (kit_string("detail") != NULL && strstr(kit_string("detail"), word) == NULL) {
        TEST_FAIL("\"%s\" does not say \"%s\"", kit_string("detail"), word);
    }
}

static void nothing_for(struct kbs_guest *g)
{
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 401);
    CHECK(!kbs_seen(SECRET));
}

static bool take_count(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

/* How many attestations the record calls permitted. */
static int64_t permitted(void)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    int64_t n = -1;

    if (cm_db_open(kit_store(), &db, &why) != CM_OK ||
        cm_db_run(db, "SELECT COUNT(*) FROM attestation WHERE ok <> 0 AND api = 'kbs'",
                  cm_db_none(), cm_db_into(take_count, &n), &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    }
    cm_db_close(db);
    return n;
}

/* And doing it right is rewarded. */
static void right(void)
{
    struct kbs_guest *g = kbs_guest(KBS_P256);

    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(g), SECRET);
    kbs_guest_free(g);
}

/* H11: reuse, and from session to session */
TEST(evidence_of_an_earlier_challenge)
{
    struct kbs_guest *g = NULL;
    char *old = NULL;
    char *body = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    old = strdup(kbs_quote(g));
    body = strdup(kbs_body(g, old));
    CHECK_EQ(kbs_auth(g), 200);
    refused(kbs_post_attest(g, kbs_body(g, old)), "report_data");
    refused(kbs_post_attest(g, body), "nonce"); /* the whole body of before */
    nothing_for(g);
    free(old);
    free(body);
    kbs_guest_free(g);
    right();
}

TEST(another_key_than_the_evidence_binds)
{
    struct kbs_guest *g = NULL;
    struct kbs_guest *thief = NULL;
    char *quote = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    thief = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    quote = strdup(kbs_quote(g));
    memcpy(thief->cookie, g->cookie, sizeof(g->cookie));
    memcpy(thief->nonce, g->nonce, sizeof(g->nonce));
    refused(kbs_post_attest(thief, kbs_body(thief, quote)), "report_data");
    nothing_for(thief);
    CHECK_EQ(kbs_post_attest(g, kbs_body(g, quote)), 200); /* a thief takes nothing away, either */
    free(quote);
    kbs_guest_free(g);
    kbs_guest_free(thief);
}

/* With the cookie of a guest that is attested: no token, and resources only for the guest's own key. */
TEST(a_stolen_cookie)
{
    struct kbs_guest *g = NULL;
    struct kbs_guest *thief = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    thief = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    memcpy(thief->cookie, g->cookie, sizeof(g->cookie));
    memcpy(thief->nonce, g->nonce, sizeof(g->nonce));
    memcpy(thief->hash, g->hash, sizeof(g->hash));
    refused(kbs_post_attest(thief, kbs_body(thief, kbs_quote(thief))), "another key");
    CHECK_STR(thief->token, "");
    CHECK_EQ(kbs_get(thief, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(thief), "");
    CHECK_STR(kbs_open(g), SECRET);
    CHECK(!kbs_seen(SECRET));
    kbs_guest_free(g);
    kbs_guest_free(thief);
}

TEST(a_debug_enclave)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    g->debug = true;
    refused(kbs_attest(g), "debug");
    nothing_for(g);
    kbs_guest_free(g);
    right();
}

TEST(a_quote_with_one_bit_changed)
{
    struct kbs_guest *g = NULL;
    char *quote = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    quote = strdup(kbs_quote(g));
    quote[200] = quote[200] == 'A' ? 'B' : 'A'; /* MRENCLAVE */
    refused(kbs_post_attest(g, kbs_body(g, quote)), "");
    nothing_for(g);
    free(quote);
    kbs_guest_free(g);
}

/* I5, I6 */
TEST(code_that_the_policy_does_not_know)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    g->mrenclave = 0x99; /* it is genuine, and gets a token that says that nobody knows it */
    CHECK_EQ(kbs_attest(g), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 403);
    CHECK_EQ(kbs_get(g, "bank/key/absent", true), 403); /* nor what there is */
    CHECK_EQ(kbs_attestation_policy("SgxEnclave",
                                    "version=1.0; authorizationrules {"
                                    " [type==\"x-ms-sgx-mrenclave\", value==\"" KBS_MRENCLAVE
                                    "\"] => permit(); };"),
             200);
    refused(kbs_attest(g), "rule");
    CHECK(!kbs_seen(SECRET));
    kbs_guest_free(g);
}

TEST(an_emulator_where_none_is_accepted)
{
    struct kbs_guest *g = NULL;

    kbs_stop();
    kbs_start_with(false);
    kbs_put("bank/key/one", SECRET);
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("allow-all")), 200);
    g = kbs_guest(KBS_P256);
    refused(kbs_attest(g), "");
    nothing_for(g);
    kbs_guest_free(g);
    kbs_stop();
}

TEST(init_data_that_was_changed)
{
    static const char toml[] =
        "algorithm = \"sha384\"\nversion = \"0.1.0\"\n[data]\n\"a\" = \"b\"\n";
    static const char *const wrong[] = {
        "algorithm = \\\"sha384\\\"\\nversion = \\\"0.1.0\\\"\\n[data]\\n\\\"a\\\" = \\\"c\\\"\\n",
        "algorithm = \\\"sha256\\\"\\nversion = \\\"0.1.0\\\"\\n[data]\\n\\\"a\\\" = \\\"b\\\"\\n",
        "version = \\\"0.1.0\\\"\\n[data]\\nalgorithm = \\\"sha384\\\"\\n",
        "algorithm = \\\"md5\\\"\\n",
        "",
    };
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    kbs_digest("sha384", toml, g->configid);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(g->init_data, sizeof(g->init_data), "{\"format\":\"toml\",\"body\":\"%s\"}",
                       wrong[i]);
        refused(kbs_attest(g), "init-data");
        nothing_for(g);
    }
    (void)snprintf(g->init_data, sizeof(g->init_data), "{\"format\":\"yaml\",\"body\":\"a: b\"}");
    refused(kbs_attest(g), "init-data");
    (void)snprintf(g->init_data, sizeof(g->init_data), "\"text\"");
    refused(kbs_attest(g), "init-data");
    kbs_guest_free(g);
    right();
}

/* Names may have dashes anywhere: nvidia, n-vidia, nv-idia, n-v-idia... */
static void many_devices(struct kbs_guest *g, unsigned count)
{
    size_t n = 0;

    n += (size_t)snprintf(g->additional, sizeof(g->additional), "\"{");
    for (unsigned i = 0; i < count; i++) {
        n += (size_t)snprintf(g->additional + n, sizeof(g->additional) - n,
                              "%s\\\"n%sv%si%sd%si%sa\\\":{\\\"x\\\":[]}", i == 0 ? "" : ",",
                              i & 1 ? "-" : "", i & 2 ? "-" : "", i & 4 ? "-" : "",
                              i & 8 ? "-" : "", i & 16 ? "-" : "");
    }
    (void)snprintf(g->additional + n, sizeof(g->additional) - n, "}\"");
}

TEST(additional_evidence_that_is_not_bound_or_not_taken)
{
    struct kbs_guest *g = NULL;
    char *quote = NULL;
    int64_t before = 0;

    kbs_ready();
    right();
    before = permitted();
    CHECK(before > 0);
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    quote = strdup(kbs_quote(g));
    (void)snprintf(g->additional, sizeof(g->additional), "\"{}\"");
    refused(kbs_post_attest(g, kbs_body(g, quote)), "report_data");
    (void)snprintf(g->additional, sizeof(g->additional), "\"{\\\"sampledevice\\\":{}}\"");
    refused(kbs_attest(g), "no evidence");
    (void)snprintf(g->additional, sizeof(g->additional),
                   "\"{\\\"sgx\\\":{\\\"quote\\\":\\\"\\\"}}\"");
    refused(kbs_attest(g), "not taken");
    (void)snprintf(g->additional, sizeof(g->additional), "\"{\\\"nvidia\\\":{\\\"x\\\":[]}}\"");
    refused(kbs_attest(g), "");
    (void)snprintf(g->additional, sizeof(g->additional), "\"[1]\"");
    refused(kbs_attest(g), "tee-evidence");
    many_devices(g, 17); /* each of another name, and of the same kind: no array is longer */
    refused(kbs_attest(g), "more than 16");
    many_devices(g, 16);
    refused(kbs_attest(g), "");
    CHECK(strstr(kit_string("detail"), "more than") == NULL);
    nothing_for(g);
    CHECK_EQ(permitted(), before); /* nor does the record say otherwise */
    free(quote);
    kbs_guest_free(g);
}

/* H11 */
TEST(a_challenge_that_has_expired)
{
    struct kbs_guest *g = NULL;
    char *quote = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    quote = strdup(kbs_quote(g));
    kit_step_clock(300);
    refused(kbs_post_attest(g, kbs_body(g, quote)), "expired");
    kit_step_clock(-1);
    CHECK_EQ(kbs_post_attest(g, kbs_body(g, quote)), 200);
    free(quote);
    kbs_guest_free(g);
}

TEST(a_token_that_has_expired)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    kit_step_clock(299);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", true), 200);
    kit_step_clock(1);
    refused(kbs_get(g, "bank/key/one", false), "");
    refused(kbs_get(g, "bank/key/one", true), "expired");
    cm_service_tick(kit_service());
    kit_step_clock(-10); /* its session is gone, whatever the clock says */
    refused(kbs_get(g, "bank/key/one", false), "");
    kbs_guest_free(g);
}

TEST(cookies_that_are_invented)
{
    static const char *const cookies[] = {
        "Cookie: kbs-session-id=00000000000000000000000000000000",
        "Cookie: kbs-session-id=ffffffff00320000000000000000aaaa",
        "Cookie: kbs-session-id=ffffffffff310000000000000000aaaa",
        "Cookie: kbs-session-id=short",
        "Cookie: kbs-session-id=",
        "Cookie: other=1",
        "",
    };
    static const char *const old[] = {
        "ffffffff00110000000000000000aaaa", /* SGX, 0.1, SHA-256 */
        "ffffffffff110000000000000000aaaa", /* no such TEE */
        "ffffffff07110000000000000000aaaa", /* a device */
        "ffffffff00010000000000000000aaaa", /* no such dialect */
        "ffffffff001f0000000000000000aaaa", /* no such hash */
        "ffffffff00100000000000000000aaaa", /* SHA-1 */
    };
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        CHECK_EQ(kbs_auth(g), 200);
        (void)snprintf(g->cookie, sizeof(g->cookie), "%s", cookies[i]);
        refused(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), "");
        nothing_for(g);
    }
    /* in dialects whose bodies do not repeat the nonce: whoever invents a cookie does not know it, either */
    (void)snprintf(g->version, sizeof(g->version), "0.1.0");
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        CHECK_EQ(kbs_auth(g), 200);
        (void)snprintf(g->cookie, sizeof(g->cookie), "Cookie: kbs-session-id=%s", old[i]);
        refused(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), "");
        nothing_for(g);
    }
    /* a challenge that was asked for as one dialect, answered as another */
    (void)snprintf(g->version, sizeof(g->version), "0.4.0");
    CHECK_EQ(kbs_auth(g), 200);
    (void)snprintf(g->version, sizeof(g->version), "0.1.0");
    refused(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), "runtime-data");
    nothing_for(g);
    (void)snprintf(g->version, sizeof(g->version), "0.4.0");
    CHECK_EQ(kbs_auth(g), 200);
    (void)snprintf(g->version, sizeof(g->version), "0.3.0"); /* which does not bind devices */
    refused(kbs_post_attest(g, kbs_body(g, kbs_quote(g))), "tee-evidence");
    nothing_for(g);
    kbs_guest_free(g);
}

/* A cookie that was made for a TEE is read back; for a device, which is beside one, it is none. */
TEST(a_cookie_that_names_a_device)
{
    static const char *const tees[] = {"sgx", "tpm", "nvidia"};

    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++) {
        struct cm_kbs_session made = {
            .tee = cm_kbs_tee(tees[i]), .minor = 4, .hash = CM_HASH_SHA384};
        struct cm_kbs_session read = {.tee = NULL};
        char id[CM_KBS_COOKIE_CAP] = "";
        char cookie[CM_KBS_COOKIE_CAP + 32] = "";

        REQUIRE(made.tee != NULL && cm_kbs_session_new(&made, 1000) == CM_OK);
        cm_kbs_session_cookie(&made, id);
        (void)snprintf(cookie, sizeof(cookie), CM_KBS_COOKIE "=%s", id);
        CHECK_EQ(cm_kbs_session_from(cookie, &read), !made.tee->device);
        CHECK(made.tee->device ? read.tee == NULL : read.tee == made.tee);
    }
}

TEST(one_tee_that_says_it_is_another)
{
    static const char *const tees[] = {"tdx", "snp", "az-snp-vtpm", "cca", "tpm"};
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++) {
        (void)snprintf(g->tee, sizeof(g->tee), "%s", tees[i]);
        refused(kbs_attest(g), "");
        nothing_for(g);
    }
    kbs_guest_free(g);
}

/* Whatever guest-components' sample attester says of itself, under whichever name */
TEST(the_sample_attester_vouches_for_nothing)
{
    static const char *const names[] = {"sgx", "tdx", "snp", "cca", "tpm"};
    struct kbs_guest *g = NULL;
    uint8_t bound[64] = {0};
    char digest[128] = "";
    char evidence[256] = "";
    size_t len = 0;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    (void)snprintf(g->tee, sizeof(g->tee), "sample");
    refused(kbs_auth(g), "--dev");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(g->tee, sizeof(g->tee), "%s", names[i]);
        CHECK_EQ(kbs_auth(g), 200);
        kbs_bound(g, bound);
        CHECK_EQ(cm_base64_encode(cm_span_make(bound, 48), digest, sizeof(digest) - 1, &len),
                 CM_OK);
        digest[len] = '\0';
        (void)snprintf(evidence, sizeof(evidence), "{\"svn\":\"1\",\"report_data\":\"%s\"}",
                       digest);
        refused(kbs_post_attest(g, kbs_body_of(g, evidence)), "");
        nothing_for(g);
    }
    kbs_guest_free(g);
}

TEST(what_is_asked_for_wrongly_is_told_so)
{
    static const struct {
        const char *body;
        const char *word;
    } all[] = {
        {"{\"version\":\"0.5.0\",\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.4.0"},
        {"{\"version\":\"1.4.0\",\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.3"},
        {"{\"version\":\"0.0.0\",\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.4.0"},
        {"{\"version\":\"0.4\",\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.4.0"},
        {"{\"version\":\"0.4.x\",\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.4.0"},
        {"{\"tee\":\"sgx\",\"extra-params\":\"\"}", "0.4.0"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}", "no evidence"},
        {"{\"version\":\"0.4.0\",\"tee\":\"csv\",\"extra-params\":\"\"}", "no verifier"},
        {"{\"version\":\"0.4.0\",\"tee\":\"nvidia\",\"extra-params\":\"\"}", "nvidia"},
        {"{\"version\":\"0.4.0\",\"tee\":\"se\",\"extra-params\":\"\"}", "no verifier"},
        {"{\"version\":\"0.4.0\",\"extra-params\":\"\"}", "not taken"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sgx\",\"extra-params\":{\"supported-hash-algorithms\":["
         "\"md5\"]}}",
         "sha384"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sgx\",\"extra-params\":{\"attestation-policy-selector\":"
         "\"alice\"}}",
         "selector"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sgx\",\"extra-params\":{\"tee-metadata\":{\"primary_"
         "tee\":"
         "{\"tee\":\"tdx\"}}}}",
         "primary"},
    };

    kbs_ready();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        refused(kit_post("/kbs/v0/auth", NULL, all[i].body)->status, all[i].word);
        CHECK(kit_header("set-cookie") == NULL);
    }
    CHECK_EQ(kit_post("/kbs/v0/auth", NULL, "no JSON")->status, 400);
    CHECK(kit_string("type") != NULL && kit_string("detail") != NULL);
    CHECK_EQ(kit_get("/kbs/v0/nothing", NULL)->status, 404);
}

TEST(hashes_that_a_guest_can_choose)
{
    static const char *const hashes[] = {"sha256", "sha512", "sha384"};

    kbs_ready();
    for (size_t i = 0; i < 3; i++) {
        char body[256] = "";

        (void)snprintf(body, sizeof(body),
                       "{\"version\":\"0.4.0\",\"tee\":\"sgx\",\"extra-params\":{\"supported-hash-"
                       "algorithms\":[\"sm3\",\"%s\"]}}",
                       hashes[i]);
        CHECK_EQ(kit_post("/kbs/v0/auth", NULL, body)->status, 200);
        CHECK_STR(kit_string("extra-params.selected-hash-algorithm"), hashes[i]);
    }
}

TEST(keys_that_nothing_may_be_encrypted_to)
{
    static const char *const keys[] = {
        "{}",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
        "{\"kty\":\"AKP\",\"alg\":\"ML-KEM-768+A192KW\",\"pub\":\"AA\"}",
    };
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)snprintf(g->jwk, sizeof(g->jwk), "%s", keys[i]);
        refused(kbs_attest(g), "tee-pubkey");
    }
    kbs_guest_free(g);
    g = kbs_guest(KBS_P256); /* a private key is nobody else's business */
    g->jwk[strlen(g->jwk) - 1] = '\0';
    (void)strncat(g->jwk, ",\"d\":\"AAAA\"}", 16);
    refused(kbs_attest(g), "tee-pubkey");
    kbs_guest_free(g);
    g = kbs_guest(KBS_RSA); /* a good key for what leaks */
    memcpy(strstr(g->jwk, "RSA-OAEP-256\""), "RSA1_5\"      ", 13);
    refused(kbs_attest(g), "algorithm");
    kbs_guest_free(g);
    right();
}

TEST(bodies_that_are_none)
{
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"runtime-data\":{},\"tee-evidence\":{}}",
        "{\"runtime-data\":{\"nonce\":1,\"tee-pubkey\":{}},\"tee-evidence\":{\"primary_evidence\":{"
        "},"
        "\"additional_evidence\":\"\"}}",
        "{\"a\":1,\"a\":2}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "\xff\xfe",
    };
    struct kbs_guest *g = NULL;

    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_auth(g), 200);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        refused(kbs_post_attest(g, bodies[i]), "");
    }
    CHECK_EQ(kbs_post_attest(g, kbs_body(g, kbs_quote(g))),
             200); /* none of them cost the challenge */
    kbs_guest_free(g);
}

TEST(end)
{
    kbs_stop();
}

TEST_MAIN
