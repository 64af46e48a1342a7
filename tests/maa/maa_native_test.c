/*
 * Our own API: any evidence in, an EAR token out. The attacks: a challenge that is not ours, has expired, was
 * made for something else, or is of other evidence; keys and reference values that a request brings along.
 */
#include "harness.h"

#include "identity/identity.h"
#include "maa_kit.h"

#include "crypto/hash.h"
#include "token/base64.h"

static void use(void)
{
    if (kit_current() == NULL) {
        maa_start_emulated();
    }
}

/* The service's trouble is not the client's, who tries again, and where its sources are is not his business. */
TEST(a_source_that_is_down_is_no_refusal)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    struct cm_span evidence = {NULL, 0};

    use();
    evidence = cm_span_make(quote, maa_quote("data", quote));
    maa_source(CM_ERR_IO);
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", evidence))->status, 503);
    CHECK(kit_header("Retry-After") != NULL);
    CHECK(strstr(kit_string("error.message"), "source") == NULL);
    CHECK_EQ(maa_records(), 1); /* where an operator reads the reason */
    maa_source(CM_OK);
    kit_step_clock(60);
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", evidence))->status, 200);
    maa_stop();
}

TEST(tcb_baselines_are_those_of_the_collateral_that_is_kept)
{
    static const char path[] = "/tcbbaselines/sgxenclave?api-version=2025-06-01";
    uint8_t quote[DECIDE_QUOTE_MAX];

    use();
    CHECK_EQ(kit_get(path, "auditor")->status, 200);
    CHECK_EQ(json_array_size(kit_json("tcbBaselines")), 1); /* nothing is kept yet */
    CHECK_STR(kit_string("tcbBaselines.0.tcbIdentifier"), "azuredefault");
    CHECK_EQ(
        maa_attest("SgxEnclave", maa_body("quote", cm_span_make(quote, maa_quote("data", quote))))
            ->status,
        200);
    CHECK_EQ(kit_get(path, "auditor")->status, 200);
    CHECK_EQ(json_array_size(kit_json("tcbBaselines")), 2);
    CHECK_STR(kit_string("tcbBaselines.0.tcbIdentifier"), "azuredefault");
    CHECK(json_is_true(kit_json("tcbBaselines.0.isSelectedTcb")));
    CHECK(json_is_false(kit_json("tcbBaselines.1.isSelectedTcb")));
    CHECK(kit_integer("tcbBaselines.1.tcbEvaluationDataNumber") > 0);
    CHECK_EQ(kit_integer("tcbBaselines.0.tcbEvaluationDataNumber"),
             kit_integer("tcbBaselines.1.tcbEvaluationDataNumber"));
    CHECK_EQ(strlen(kit_string("tcbBaselines.1.tcbReleaseDate")), 20);
    CHECK_EQ(kit_get("/tcbbaselines/Tpm?api-version=2025-06-01", "auditor")->status, 400);
}

/* A quote whose report data is these 32 bytes, then zeros, in base64; malloc'd. */
static char *quote_of(const uint8_t data[32])
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    struct decide_enclave e = decide_enclave();

    memset(e.report_data, 0, sizeof(e.report_data));
    memcpy(e.report_data, data, 32);
    return maa_b64(cm_span_make(quote, decide_quote(&e, quote)));
}

/* A nonce, and its challenge. */
static char *nonce(uint8_t challenge[32])
{
    char *token = NULL;
    size_t len = 0;
    const char *text = NULL;

    if (kit_post("/api/v1/nonce", NULL, "{}")->status != 200) {
        return strdup("");
    }
    text = kit_string("challenge");
    token = strdup(kit_string("nonce"));
    if (cm_base64url_decode(cm_span_make(text, strlen(text)), challenge, 32, &len) != CM_OK ||
        len != 32) {
        TEST_FAIL("challenge: %s", text);
    }
    return token;
}

static struct kit_answer *ask(json_t *body)
{
    return kit_post_json("/api/v1/attest", NULL, body);
}

#define CHECK_CODE(answer, number, code)           \
    do {                                           \
        CHECK_EQ((answer)->status, number);        \
        CHECK_STR(kit_string("error.code"), code); \
        CHECK(kit_json("token") == NULL);          \
    } while (0)

TEST(a_fresh_quote_gets_an_affirming_result)
{
    uint8_t challenge[32] = {0};
    char *token = NULL;
    char *quote = NULL;
    const json_t *claims = NULL;

    use();
    token = nonce(challenge);
    quote = quote_of(challenge);
    CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", token))->status, 200);
    claims = maa_result();
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(maa_header(), "alg"), "ES256");
    CHECK_STR(maa_text(claims, "iss"), kit_url());
    CHECK_STR(maa_text(claims, "eat_profile"), "tag:github.com,2023:veraison/ear");
    CHECK_STR(maa_text(claims, "jti"), kit_string("id"));
    CHECK(json_object_size(json_object_get(claims, "submods")) == 1);
    CHECK(json_is_true(json_object_get(claims, "casemate.emulated")));
    CHECK(json_object_get(claims, "eat_nonce") != NULL);
    CHECK(json_integer_value(json_object_get(claims, "exp")) > (json_int_t)kit_now());
    free(quote);
    free(token);
}

/* A token's claims without what is of one answer: its time and its name. */
static json_t *lasting(const json_t *claims)
{
    static const char *const own[] = {"iat", "nbf", "exp", "jti"};
    json_t *out = json_deep_copy(claims);

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        (void)json_object_del(out, own[i]);
    }
    return out;
}

TEST(the_same_request_gets_the_same_answer_again)
{
    static const char policy[] = "version=1.0; authorizationrules { => permit(); }; "
                                 "issuancerules { => issue(type=\"team\", value=\"red\"); };";
    uint8_t challenge[32] = {0};
    char *token = NULL;
    char *quote = NULL;
    json_t *first[2] = {NULL, NULL};

    use();
    CHECK_EQ(maa_policy("SgxEnclave", policy), 200);
    token = nonce(challenge);
    quote = quote_of(challenge);
    for (int i = 0; i < 2; i++) {
        json_t *now[2] = {NULL, NULL};

        CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", token))->status, 200);
        now[0] = lasting(maa_result());
        CHECK_STR(maa_text(json_object_get(now[0], "casemate.policy"), "team"), "red");
        CHECK_EQ(maa_attest("SgxEnclave", json_pack("{s:s}", "quote", quote))->status, 200);
        now[1] = lasting(maa_claims());
        CHECK_STR(maa_text(json_object_get(now[1], "x-ms-policy"), "team"), "red");
        for (int k = 0; k < 2; k++) {
            CHECK(first[k] == NULL || json_equal(first[k], now[k]));
            json_decref(first[k]);
            first[k] = now[k];
        }
    }
    json_decref(first[0]);
    json_decref(first[1]);
    free(quote);
    free(token);
    CHECK_EQ(maa_policy("SgxEnclave", "version=1.0; authorizationrules { => permit(); }; "
                                      "issuancerules { };"),
             200);
}

TEST(runtime_data_is_bound_with_and_without_a_challenge)
{
    uint8_t challenge[32] = {0};
    uint8_t digest[32] = {0};
    struct cm_span parts[2] = {{challenge, 32}, {(const uint8_t *)"data", 4}};
    char *token = NULL;
    char *quote = NULL;

    use();
    token = nonce(challenge);
    CHECK_EQ(cm_hash_parts(CM_HASH_SHA256, parts, 2, digest), CM_OK);
    quote = quote_of(digest);
    CHECK_EQ(ask(json_pack("{s:s, s:s, s:s}", "evidence", quote, "nonce", token, "runtimeData",
                           "ZGF0YQ"))
                 ->status,
             200);
    CHECK_STR(maa_text(maa_result(), "casemate.runtime-data"), "ZGF0YQ");
    /* each alone is another binding */
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "runtimeData", "ZGF0YQ")), 403,
               "EvidenceRefused");
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", token)), 403,
               "EvidenceRefused");
    free(quote);
    CHECK_EQ(cm_hash(CM_HASH_SHA256, parts[1], digest), CM_OK);
    quote = quote_of(digest);
    CHECK_EQ(ask(json_pack("{s:s, s:s, s:s, s:s}", "evidence", quote, "runtimeData", "ZGF0YQ",
                           "format", "dcap", "policy", "sgxenclave"))
                 ->status,
             200);
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "runtimeData", "b3RoZXI")), 403,
               "EvidenceRefused");
    free(quote);
    free(token);
}

TEST(challenges_of_others_and_of_yesterday_are_refused)
{
    static const struct cm_token_form form = {.type = "JWT"};
    static const char other_use[] = "{\"use\":\"other\",\"exp\":99999999999}";
    uint8_t challenge[32] = {0};
    char *token = NULL;
    char *quote = NULL;
    char *result = NULL;
    char *spoiled = NULL;

    use();
    token = nonce(challenge);
    quote = quote_of(challenge);
    spoiled = strdup(token);
    REQUIRE(spoiled != NULL);
    spoiled[strlen(spoiled) - 8] = spoiled[strlen(spoiled) - 8] == 'A' ? 'B' : 'A';
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", spoiled)), 400,
               "InvalidNonce");
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", "a.b.c")), 400,
               "InvalidNonce");
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", "eyJhbGciOiJub25lIn0.e30.")),
               400, "InvalidNonce");
    CHECK_CODE(ask(json_pack("{s:s, s:i}", "evidence", quote, "nonce", 7)), 400,
               "InvalidParameter");
    /* one of our own tokens, made for something else */
    REQUIRE(cm_identity_sign(kit_service(), CM_SIGNER_RESULT, &form,
                             cm_span_make(other_use, sizeof(other_use) - 1), &result,
                             NULL) == CM_OK);
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", result)), 400,
               "InvalidNonce");
    kit_step_clock(299);
    CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", token))->status, 200);
    kit_step_clock(2);
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", token)), 400,
               "InvalidNonce");
    kit_step_clock(-301);
    free(quote);
    free(token);
    free(result);
    free(spoiled);
}

TEST(a_challenge_is_of_one_piece_of_evidence)
{
    uint8_t challenge[32] = {0};
    char *first = NULL;
    char *second = NULL;
    char *quote = NULL;

    use();
    first = nonce(challenge);
    quote = quote_of(challenge);
    second = nonce(challenge);
    CHECK(strcmp(first, second) != 0);
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", second)), 403,
               "EvidenceRefused");
    CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "nonce", first))->status, 200);
    free(quote);
    free(first);
    free(second);
}

/* I1: what is trusted is the operator's to say. */
TEST(a_request_brings_nothing_that_is_trusted)
{
    static const char *const kinds[] = {"key", "reference", "firmware", "nonsense"};
    uint8_t zeros[32] = {0};
    char *quote = NULL;

    use();
    quote = quote_of(zeros);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        CHECK_CODE(ask(json_pack("{s:s, s:[{s:s, s:s}]}", "evidence", quote, "materials", "kind",
                                 kinds[i], "data", "AAAA")),
                   400, "InvalidParameter");
        CHECK(strstr(kit_string("error.message"), "operator") != NULL);
    }
    CHECK_CODE(ask(json_pack("{s:s, s:s}", "evidence", quote, "roots", "AAAA")), 400,
               "InvalidParameter");
    free(quote);
}

/* Examples of Azure Attestation's description have both alphabets in one text. */
TEST(alphabets_may_be_mixed)
{
    uint8_t zeros[32] = {0};
    char *quote = NULL;
    size_t signs = 0;

    use();
    quote = quote_of(zeros);
    for (size_t i = strcspn(quote, "-_"); quote[i] != '\0'; i += strcspn(quote + i, "-_")) {
        const char standard = quote[i] == '-' ? '+' : '/';

        quote[i] = signs++ % 2 == 0 ? standard : quote[i];
        i++;
    }
    REQUIRE(signs > 1);
    CHECK_EQ(maa_attest("SgxEnclave", json_pack("{s:s}", "quote", quote))->status, 200);
    CHECK_EQ(ask(json_pack("{s:s}", "evidence", quote))->status, 200);
    free(quote);
}

/* Both spellings; what the quote has no use for is refused as evidence, not as a request. */
TEST(event_logs_have_two_spellings)
{
    static const char *const words[] = {"event-log", "eventlog"};
    uint8_t zeros[32] = {0};
    char *quote = NULL;

    use();
    quote = quote_of(zeros);
    for (size_t i = 0; i < 2; i++) {
        CHECK_CODE(ask(json_pack("{s:s, s:[{s:s, s:s}]}", "evidence", quote, "materials", "kind",
                                 words[i], "data", "AAAA")),
                   403, "EvidenceRefused");
    }
    free(quote);
}

TEST(requests_that_are_not_what_they_should_be_are_refused)
{
    static const char *const bodies[] = {
        "{}",
        "{\"evidence\":\"\"}",
        "{\"evidence\":1}",
        "{\"evidence\":\"!\"}",
        "{\"evidence\":\"AAAA\",\"format\":\"nonsense\"}",
        "{\"evidence\":\"AAAA\",\"format\":1}",
        "{\"evidence\":\"AAAA\",\"materials\":{}}",
        "{\"evidence\":\"AAAA\",\"materials\":[1]}",
        "{\"evidence\":\"AAAA\",\"materials\":[{\"kind\":\"certs\"}]}",
        "{\"evidence\":\"AAAA\",\"materials\":[1,2,3,4,5,6,7,8,9]}",
        "{\"evidence\":\"AAAA\",\"policy\":\"Nonsense\"}",
        "{\"evidence\":\"AAAA\",\"policy\":1}",
        "{\"evidence\":\"AAAA\",\"policy\":\"Kbs-Resource\"}",
        "{\"evidence\":\"AAAA\",\"policy\":\"kbs-resource\"}",
        "{\"evidence\":\"AAAA\",\"runtimeData\":\"!\"}",
        "{\"evidence\":\"AAAA\",\"evidence\":\"AAAA\"}",
    };

    use();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CHECK_EQ(kit_post("/api/v1/attest", NULL, bodies[i])->status, 400);
        CHECK(kit_string("error.message") != NULL);
    }
    CHECK_CODE(kit_post("/api/v1/attest", NULL, "{\"evidence\":\"AAAA\",\"nonse\":\"x\"}"), 400,
               "InvalidParameter");
    CHECK(strstr(kit_string("error.message"), "\"nonse\"") != NULL);
    /* bytes that nothing recognises are evidence that is refused, and recorded */
    CHECK_CODE(kit_post("/api/v1/attest", NULL, "{\"evidence\":\"AAAA\"}"), 403, "EvidenceRefused");
}

TEST(evidence_does_not_go_under_another_types_policy)
{
    uint8_t zeros[32] = {0};
    char *quote = NULL;

    use();
    quote = quote_of(zeros);
    CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "policy", "Nitro"))->status, 403);
    CHECK(kit_json("token") == NULL);
    /* I5: nor under the key broker's for resources, which may ask for less than the evidence's own */
    CHECK_EQ(ask(json_pack("{s:s, s:s}", "evidence", quote, "policy", "Kbs-Resource"))->status,
             400);
    CHECK(kit_json("token") == NULL);
    CHECK_EQ(ask(json_pack("{s:s}", "evidence", quote))->status, 200);
    free(quote);
}

TEST(the_end)
{
    use();
    maa_stop();
    CHECK(true);
}

TEST_MAIN
