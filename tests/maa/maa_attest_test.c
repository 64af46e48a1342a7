/*
 * Attestations over the emulated platform: what clients send, in all the ways in which they do, and what an
 * attacker does with it: other data than the quote is bound to, replaced evidence, wrong types, names twice,
 * a token that is a draft. Rows I1 to I7 of the boundary list where this API meets them.
 */
#include "harness.h"

#include <stdatomic.h>

#include "decide/decide.h"
#include "decide/decide_keeper.h"
#include "maa_kit.h"

#define DATA "the key of the enclave"

/* How many drafts were decided where nothing may wait (a loop), and where it may (a worker). */
static atomic_uint drafts_on[2];

enum cm_status cm_decide_real(struct cm_service *s, const struct cm_decide_job *job, bool may_wait,
                              struct cm_decision **out,
                              struct cm_why *why) __asm__("__real_cm_decide");
enum cm_status cm_decide_seen(struct cm_service *s, const struct cm_decide_job *job, bool may_wait,
                              struct cm_decision **out,
                              struct cm_why *why) __asm__("__wrap_cm_decide");
enum cm_status cm_decide_seen(struct cm_service *s, const struct cm_decide_job *job, bool may_wait,
                              struct cm_decision **out, struct cm_why *why)
{
    if (job->draft != NULL) {
        (void)atomic_fetch_add(&drafts_on[may_wait ? 1 : 0], 1);
    }
    return cm_decide_real(s, job, may_wait, out, why);
}

static uint8_t quote[DECIDE_QUOTE_MAX];
static size_t quote_len;

/* One service for all: making its keys takes its time. */
static void use(void)
{
    if (kit_current() == NULL) {
        maa_start_emulated();
        quote_len = maa_quote(DATA, quote);
    }
}

static struct cm_span whole(void)
{
    return cm_span_make(quote, quote_len);
}

static json_t *good(void)
{
    json_t *body = maa_body("quote", whole());

    maa_data(body, "runtimeData", DATA, "Binary");
    return body;
}

/* Refused as malformed, and with words about it. */
#define CHECK_BAD(answer, words)                                                         \
    do {                                                                                 \
        CHECK_EQ((answer)->status, 400);                                                 \
        CHECK_STR(kit_string("error.code"), "InvalidParameter");                         \
        if (kit_string("error.message") == NULL ||                                       \
            strstr(kit_string("error.message"), words) == NULL) {                        \
            TEST_FAIL("\"%s\" does not say \"%s\"", kit_string("error.message"), words); \
        }                                                                                \
    } while (0)

TEST(a_genuine_quote_gets_a_token)
{
    const json_t *claims = NULL;
    char jku[128] = "";

    use();
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 200);
    claims = maa_claims();
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "iss"), kit_url());
    CHECK_STR(maa_text(claims, "x-ms-ver"), "1.0");
    CHECK_EQ(json_integer_value(json_object_get(claims, "exp")) -
                 json_integer_value(json_object_get(claims, "iat")),
             28800);
    CHECK(json_integer_value(json_object_get(claims, "nbf")) <
          json_integer_value(json_object_get(claims, "iat")));
    CHECK_EQ(json_integer_value(json_object_get(claims, "iat")), kit_now());
    CHECK_EQ(json_integer_value(json_object_get(claims, "x-ms-sgx-product-id")), 7);
    CHECK(json_is_true(json_object_get(claims, "casemate.emulated"))); /* says so everywhere */
    (void)snprintf(jku, sizeof(jku), "%s/certs", kit_url());
    CHECK_STR(maa_text(maa_header(), "jku"), jku);
    CHECK_STR(maa_text(maa_header(), "typ"), "JWT");
    CHECK_STR(maa_text(maa_header(), "alg"), "RS256");
    CHECK(json_array_size(json_object_get(maa_header(), "x5c")) >= 1);
    CHECK_STR(kit_header("Content-Type"), "application/json");
}

TEST(every_version_of_the_api_behaves_alike_and_none_is_refused)
{
    static const char *const versions[] = {"2018-09-01-preview", "2020-10-01", "2022-08-01",
                                           "2025-06-01", "2099-01-01"};

    use();
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char path[96] = "";

        (void)snprintf(path, sizeof(path), "/attest/sgxENCLAVE/?api-version=%s", versions[i]);
        CHECK_EQ(kit_post_json(path, NULL, good())->status, 200);
    }
    CHECK_BAD(kit_post_json("/attest/SgxEnclave", NULL, good()), "api-version");
    CHECK_BAD(kit_post_json("/attest/SgxEnclave?api-version=", NULL, good()), "api-version");
    CHECK_STR(kit_header("x-ms-error-code"), "InvalidParameter");
    CHECK_EQ(kit_get("/attest/SgxEnclave?api-version=1", NULL)->status, 405);
}

/* Both alphabets, with padding and without. */
TEST(base64_is_taken_in_every_dress)
{
    char *url = NULL;
    char *standard = NULL;
    char *texts[4] = {NULL, NULL, NULL, NULL};

    use();
    url = maa_b64(whole());
    standard = maa_b64_std(whole());
    texts[0] = strdup(url);
    texts[1] = strdup(standard);
    texts[2] = malloc(strlen(url) + 4);
    texts[3] = strdup(standard);
    REQUIRE(texts[2] != NULL && texts[3] != NULL);
    (void)sprintf(texts[2], "%s%s", url, &"=="[2 - (4 - strlen(url) % 4) % 4]);
    texts[3][strcspn(texts[3], "=")] = '\0';
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(maa_attest("SgxEnclave", json_pack("{s:s}", "quote", texts[i]))->status, 200);
        free(texts[i]);
    }
    /* one sign of padding too many, however many there should be */
    CHECK_BAD(maa_attest("SgxEnclave",
                         json_pack("{s:s+}", "quote", url, &"==="[2 - (4 - strlen(url) % 4) % 4])),
              "base64");
    CHECK_BAD(maa_attest("SgxEnclave", json_pack("{s:s+}", "quote", url, "!!!!")), "base64");
    CHECK_BAD(maa_attest("SgxEnclave", json_pack("{s:s}", "quote", "AAAA====")), "base64");
    CHECK_BAD(maa_attest("SgxEnclave", json_pack("{s:s}", "quote", "====")), "base64");
    free(url);
    free(standard);
}

/* An Open Enclave report is the quote behind a header of 16 bytes. */
static size_t report_of(uint8_t *out, uint32_t version, uint32_t type, uint64_t size)
{
    memcpy(out, &version, 4);
    memcpy(out + 4, &type, 4);
    memcpy(out + 8, &size, 8);
    memcpy(out + 16, quote, quote_len);
    return quote_len + 16;
}

TEST(open_enclaves_reports_are_taken_apart_strictly)
{
    static uint8_t report[DECIDE_QUOTE_MAX + 16];
    static const struct {
        uint32_t version;
        uint32_t type;
        int more;
    } wrong[] = {{2, 2, 0}, {1, 1, 0}, {1, 3, 0}, {1, 2, 1}, {1, 2, -1}};
    json_t *body = NULL;

    use();
    body = maa_body("report", cm_span_make(report, report_of(report, 1, 2, quote_len)));
    maa_data(body, "runtimeData", DATA, "Binary");
    CHECK_EQ(maa_attest("OpenEnclave", body)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-attestation-type"), "sgx");
    CHECK_STR(maa_text(maa_claims(), "tee"), "sgx");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t len = report_of(report, wrong[i].version, wrong[i].type,
                               quote_len + (size_t)(int64_t)wrong[i].more);

        CHECK_BAD(maa_attest("OpenEnclave", maa_body("report", cm_span_make(report, len))),
                  "Open Enclave");
    }
    CHECK_BAD(maa_attest("OpenEnclave", maa_body("report", whole())), "SgxEnclave");
    CHECK_BAD(maa_attest("OpenEnclave", maa_body("report", cm_span_make("abc", 3))), "report");
}

TEST(the_form_of_2018_is_still_taken)
{
    static uint8_t report[DECIDE_QUOTE_MAX + 16];
    char *data = maa_b64(cm_span_make(DATA, strlen(DATA)));
    char *text = NULL;

    use();
    text = maa_b64(cm_span_make(report, report_of(report, 1, 2, quote_len)));
    CHECK_EQ(kit_post_json("/attest/Tee/OpenEnclave?api-version=2018-09-01-preview", NULL,
                           json_pack("{s:s, s:s}", "Quote", text, "EnclaveHeldData", data))
                 ->status,
             200);
    CHECK_STR(maa_text(maa_claims(), "maa-ehd"), data);
    CHECK_BAD(
        maa_attest("OpenEnclave", json_pack("{s:s, s:s, s:{s:s}}", "report", text,
                                            "EnclaveHeldData", data, "runtimeData", "data", data)),
        "twice");
    free(text);
    free(data);
}

TEST(nonces_are_echoed_as_they_came)
{
    json_t *body = NULL;

    use();
    body = good();
    (void)json_object_set_new(body, "nonce", json_string("A-_=+/ \xc3\xa9"));
    CHECK_EQ(maa_attest("SgxEnclave", body)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "nonce"), "A-_=+/ \xc3\xa9");
    body = good();
    (void)json_object_set_new(body, "nonce", json_integer(INT64_MAX));
    CHECK_EQ(maa_attest("SgxEnclave", body)->status, 200);
    CHECK_EQ(json_integer_value(json_object_get(maa_claims(), "nonce")), INT64_MAX);
    body = good();
    (void)json_object_set_new(body, "nonce", json_pack("{}"));
    CHECK_BAD(maa_attest("SgxEnclave", body), "nonce");
    body = good();
    (void)json_object_set_new(body, "nonce", json_real(0.5));
    CHECK_BAD(maa_attest("SgxEnclave", body), "nonce");
}

/* --------------------------------------------------------------- the attacks */

/* I2: the token says whose key it is, so the key must be the enclave's. */
TEST(replaced_runtime_data_is_refused_and_recorded)
{
    int64_t before = 0;
    json_t *body = NULL;

    use();
    before = maa_records();
    body = maa_body("quote", whole());
    maa_data(body, "runtimeData", "the key of somebody else", "Binary");
    CHECK_BAD(maa_attest("SgxEnclave", body), "refused");
    CHECK(kit_json("token") == NULL);
    CHECK_EQ(maa_records(), before + 1);
    body = maa_body("quote", whole());
    maa_data(body, "runtimeData", "{\"keys\":[]}", "JSON");
    CHECK_BAD(maa_attest("SgxEnclave", body), "refused");
    body = maa_body("quote", whole());
    maa_data(body, "runtimeData", "", "Binary"); /* there, and empty: not the same as absent */
    CHECK_BAD(maa_attest("SgxEnclave", body), "refused");
}

TEST(initialisation_data_that_nothing_binds_is_refused)
{
    json_t *body = NULL;

    use();
    body = good();
    maa_data(body, "initTimeData", "{\"a\":1}", "JSON");
    CHECK_BAD(maa_attest("SgxEnclave", body), "initTimeData");
}

TEST(a_changed_quote_is_refused)
{
    static const size_t places[] = {0, 4, 60, 112, 400, 440, 1000};

    use();
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        quote[places[i]] ^= 1;
        CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", whole()))->status, 400);
        CHECK(kit_json("token") == NULL);
        quote[places[i]] ^= 1;
    }
    CHECK_EQ(
        maa_attest("SgxEnclave", maa_body("quote", cm_span_make(quote, quote_len - 1)))->status,
        400);
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", cm_span_make(quote, 3)))->status, 400);
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", cm_span_make("", 0)))->status, 400);
}

TEST(a_debug_enclave_gets_no_token)
{
    static uint8_t debug[DECIDE_QUOTE_MAX];
    struct decide_enclave e = decide_enclave();
    size_t len = 0;

    use();
    e.debug = true;
    len = decide_quote(&e, debug);
    CHECK_BAD(maa_attest("SgxEnclave", maa_body("quote", cm_span_make(debug, len))), "debug");
}

/* I3: evidence of one kind does not go under another's policy. */
TEST(evidence_goes_to_its_own_type_only)
{
    use();
    CHECK_BAD(maa_attest("TdxVm", maa_body("quote", whole())), "TDX");
    CHECK_BAD(maa_attest("SevSnpVm", maa_body("report", whole())), "");
    CHECK_EQ(maa_attest("Nitro", maa_body("quote", whole()))->status, 404);
}

TEST(bodies_that_are_not_what_they_should_be_are_refused)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"quote\":1}",
        "{\"quote\":null}",
        "{\"quote\":{\"a\":1}}",
        "{\"quote\":\"AAAA\",\"quote\":\"AAAA\"}",
        "{\"quote\":\"AAAA\",\"Quote\":\"AAAA\"}",
        "{\"quote\":\"AAAA\",\"runtimeData\":\"AAAA\"}",
        "{\"quote\":\"AAAA\",\"runtimeData\":{\"data\":1}}",
        "{\"quote\":\"AAAA\",\"runtimeData\":{\"dataType\":\"JSON\"}}",
        "{\"quote\":\"AAAA\"} {}",
        "{\"quote\":\"\\u0000\"}",
        "{\"quote\":\"\xff\"}",
    };

    use();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CHECK_EQ(kit_post("/attest/SgxEnclave?api-version=1", NULL, bodies[i])->status, 400);
        CHECK(kit_string("error.code") != NULL && kit_string("error.message") != NULL);
    }
}

TEST(runtime_data_of_type_json_is_read_strictly)
{
    static const char *const wrong[] = {
        "{\"a\":1,\"a\":2}", "[1]", "1", "{\"a\":", "{\"a\":1}x", "{\"a\":1e999}", ""};
    char deep[256] = "{\"a\":";

    use();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *body = maa_body("quote", whole());

        maa_data(body, "runtimeData", wrong[i], "JSON");
        CHECK_EQ(maa_attest("SgxEnclave", body)->status, 400);
        CHECK_EQ(json_object_size(kit_json("error")), 2);
    }
    for (int i = 0; i < 80; i++) {
        (void)strcat(deep, "[");
    }
    json_t *body = maa_body("quote", whole());

    maa_data(body, "runtimeData", deep, "JSON");
    CHECK_EQ(maa_attest("SgxEnclave", body)->status, 400);
    body = maa_body("quote", whole());
    maa_data(body, "runtimeData", DATA, "Other");
    CHECK_BAD(maa_attest("SgxEnclave", body), "dataType");
}

TEST(a_body_that_is_too_long_is_refused)
{
    char *much = NULL;

    use();
    much = malloc((2u << 20) + 1);
    REQUIRE(much != NULL);
    memset(much, 'A', 2u << 20);
    much[2u << 20] = '\0';
    (void)kit_post_json("/attest/SgxEnclave?api-version=1", NULL,
                        json_pack("{s:s}", "quote", much));
    CHECK(kit_last()->status == 413 || kit_last()->status == 400);
    free(much);
}

/* ---------------------------------------------------------------------- policies */

TEST(the_policy_in_force_decides)
{
    use();
    REQUIRE(maa_policy("SgxEnclave",
                       "version=1.0; authorizationrules { [type==\"x-ms-sgx-product-id\","
                       " value==8] => permit(); };") == 200);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 400);
    CHECK_STR(kit_string("error.code"), "PolicyEvaluationError");
    CHECK(strstr(kit_string("error.message"), "A Deny claim was issued, authorization failed") !=
          NULL);
    CHECK(strstr(kit_string("error.message"), "x-ms-sgx-product-id") != NULL); /* which rule, why */
    REQUIRE(maa_policy("SgxEnclave",
                       "version=1.0; authorizationrules { [type==\"x-ms-sgx-product-id\","
                       " value==7] => permit(); }; issuancerules { c:[type==\"x-ms-sgx-svn\"] =>"
                       " issue(type=\"level\", value=c.value); };") == 200);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 200);
    CHECK_EQ(json_integer_value(json_object_get(maa_claims(), "level")), 3);
    CHECK_EQ(
        json_integer_value(json_object_get(json_object_get(maa_claims(), "x-ms-policy"), "level")),
        3);
    CHECK_EQ(json_integer_value(json_object_get(maa_claims(), "svn")),
             3); /* clients still read it */
    CHECK_EQ(maa_policy("SgxEnclave", "version=1.0; authorizationrules { => permit(); };"), 200);
}

TEST(a_platform_level_that_a_policy_asks_for_is_not_gone_below)
{
    use();
    REQUIRE(maa_policy("SgxEnclave",
                       "version=1.1; configurationrules { =>"
                       " issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"100000\"); };"
                       " authorizationrules { => permit(); };") == 200);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 400);
    CHECK(strstr(kit_string("error.message"), "x-ms-sgx-tcbidentifier") != NULL);
    REQUIRE(maa_policy("SgxEnclave",
                       "version=1.1; configurationrules { =>"
                       " issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"1\"); };"
                       " authorizationrules { => permit(); };") == 200);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 200);
    CHECK_EQ(maa_policy("SgxEnclave", "version=1.0; authorizationrules { => permit(); };"), 200);
}

/* I5: what was only tried is signed by nobody. */
TEST(a_draft_policy_is_tried_without_a_token_to_trust_and_without_a_record)
{
    static const char permit[] = "version=1.0; authorizationrules { => permit(); }; issuancerules"
                                 " { => issue(type=\"draft\", value=true); };";
    static const char deny[] = "version=1.0; authorizationrules { => deny(); };";
    static const char *const texts[] = {permit, deny, "version=1.0; nonsense"};
    int64_t before = 0;

    use();
    before = maa_records();
    for (size_t i = 0; i < 3; i++) {
        char *policy = maa_b64(cm_span_make(texts[i], strlen(texts[i])));
        char payload[1024] = "";
        char *middle = NULL;
        json_t *body = good();

        (void)snprintf(payload, sizeof(payload), "{\"AttestationPolicy\":\"%s\"}", policy);
        middle = maa_b64(cm_span_make(payload, strlen(payload)));
        (void)json_object_set_new(body, "draftPolicyForAttestation",
                                  json_pack("s++", "eyJhbGciOiJub25lIn0.", middle, "."));
        CHECK_EQ(maa_attest("SgxEnclave", body)->status, i == 0 ? 200 : 400);
        if (i == 0) {
            CHECK(maa_claims() == NULL);
            CHECK(json_is_true(json_object_get(maa_claims_unsigned(), "draft")));
        } else {
            CHECK_STR(kit_string("error.code"),
                      i == 1 ? "PolicyEvaluationError" : "PolicyParsingError");
            CHECK(strstr(kit_string("error.message"), "(attestation ") == NULL); /* none was made */
        }
        free(policy);
        free(middle);
    }
    CHECK(strstr(kit_string("error.message"), "Line: '1', Column: '14'") != NULL);
    CHECK_EQ(atomic_load(&drafts_on[0]), 0); /* anybody's policy may be a costly one */
    CHECK_EQ(atomic_load(&drafts_on[1]), 2);
    CHECK_EQ(maa_records(), before);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 200); /* and changed nothing */
    CHECK(json_object_get(maa_claims(), "draft") == NULL);
}

/* ------------------------------------------------------------------ other clients */

/* What other clients' sources ask of /certs and of a token (Gramine, EGo, Cosmian, Constellation). */
TEST(keys_are_published_as_every_client_wants_them)
{
    static const char *const paths[] = {"/certs", "/certs/"};

    use();
    for (size_t p = 0; p < 2; p++) {
        json_t *key = NULL;
        size_t i = 0;

        CHECK_EQ(kit_get(paths[p], NULL)->status, 200);
        CHECK_STR(kit_header("Content-Type"), "application/json");
        CHECK_STR(kit_header("Access-Control-Allow-Origin"), "*");
        CHECK(json_array_size(kit_json("keys")) >= 1);
        json_array_foreach(kit_json("keys"), i, key)
        {
            const json_t *x5c = json_object_get(key, "x5c");

            CHECK_STR(maa_text(key, "kty"), "RSA"); /* each of them: Gramine */
            CHECK_STR(maa_text(key, "alg"), "RS256");
            CHECK_STR(maa_text(key, "use"), "sig");
            CHECK(maa_text(key, "kid") != NULL && maa_text(key, "n") != NULL &&
                  maa_text(key, "e") != NULL);
            CHECK(json_array_size(x5c) >= 1 &&
                  strspn(json_string_value(json_array_get(x5c, 0)),
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
                      json_string_length(json_array_get(x5c, 0)));
        }
    }
    CHECK_EQ(kit_get("/.well-known/jwks.json", NULL)->status, 200);
    CHECK_STR(kit_string("keys.0.kty"), "EC"); /* where no client of Azure's looks */
}

TEST(metadata_leads_to_the_keys)
{
    char keys[160] = "";

    use();
    CHECK_EQ(kit_get("/.well-known/openid-configuration", NULL)->status, 200);
    (void)snprintf(keys, sizeof(keys), "%s/certs", kit_url());
    CHECK_STR(kit_string("issuer"), kit_url());
    CHECK_STR(kit_string("jwks_uri"), keys);
    CHECK_STR(kit_string("response_types_supported.0"), "token");
    CHECK_STR(kit_string("id_token_signing_alg_values_supported.0"), "RS256");
    CHECK(json_array_size(kit_json("claims_supported")) != 0);
    CHECK_STR(kit_header("Access-Control-Allow-Origin"), "*");
}

TEST(gramine_gets_what_it_checks)
{
    static const char *const numbers[] = {"exp", "nbf", "x-ms-sgx-product-id", "x-ms-sgx-svn"};
    static const char *const digits[] = {"x-ms-sgx-mrenclave", "x-ms-sgx-mrsigner",
                                         "x-ms-sgx-report-data"};
    const json_t *claims = NULL;

    use();
    CHECK_EQ(maa_attest("SgxEnclave", good())->status, 200);
    claims = maa_claims();
    for (size_t i = 0; i < 4; i++) {
        CHECK(json_is_integer(json_object_get(claims, numbers[i])));
    }
    CHECK(json_integer_value(json_object_get(claims, "x-ms-sgx-svn")) <= 65535);
    for (size_t i = 0; i < 3; i++) {
        CHECK(maa_text(claims, digits[i]) != NULL);
    }
    CHECK_STR(maa_text(claims, "x-ms-ver"), "1.0");
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "sgx");
    CHECK(json_is_boolean(json_object_get(claims, "x-ms-sgx-is-debuggable")));
}

TEST(cosmian_gets_what_it_cannot_do_without)
{
    static const char *const members[] = {"is-debuggable", "product-id", "sgx-mrenclave",
                                          "sgx-mrsigner",  "svn",        "tee"};
    static const char *const more[] = {"maa-ehd", "maa-attestationcollateral", "nonce"};
    json_t *body = NULL;
    const json_t *claims = NULL;

    use();
    /* the default policy issues the six */
    CHECK_EQ(kit_ask("POST", "/policies/SgxEnclave:reset?api-version=2025-06-01", "author",
                     "text/plain", cm_span_make("eyJhbGciOiJub25lIn0..", 21), NULL)
                 ->status,
             200);
    body = good();
    (void)json_object_set_new(body, "nonce",
                              json_string("6JYqKsKq6JYqKsKq6JYqKsKq6JYqKsKq6JYqKsKq6JY"));
    CHECK_EQ(maa_attest("SgxEnclave", body)->status, 200);
    claims = maa_claims();
    for (size_t i = 0; i < 6; i++) {
        CHECK(json_equal(json_object_get(claims, members[i]),
                         json_object_get(json_object_get(claims, "x-ms-policy"), members[i])));
        CHECK(json_object_get(claims, members[i]) != NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK(json_object_get(claims, more[i]) != NULL);
    }
}

/* The quote with another platform's certification data, in plain: what names it is in no chain of a maker's. */
static struct cm_span of_platform(uint8_t number, uint8_t out[DECIDE_QUOTE_MAX])
{
    const size_t authentication = 48 + 384 + 4 + 64 + 64 + 384 + 64;
    const size_t at = authentication + 2 + quote[authentication] + 256u * quote[authentication + 1];
    const size_t signature = at + 6 + 36 - (48 + 384 + 4);

    memcpy(out, quote, at);
    memset(out + at, 0, 6 + 36);
    out[at] = 1;
    out[at + 2] = 36;
    out[at + 6 + 16] = number; /* CPUSVN */
    for (size_t i = 0; i < 4; i++) {
        out[48 + 384 + i] = (uint8_t)(signature >> (8 * i));
    }
    return cm_span_make(out, at + 6 + 36);
}

/* What is not decided is no refusal: neither for the client, who is to try again, nor in the log. */
TEST(who_asks_for_too_many_platforms_is_put_off)
{
    uint8_t other[DECIDE_QUOTE_MAX];
    int64_t records = 0;

    use();
    kit_step_clock(60);
    for (uint8_t i = 0; i < CM_KEEPER_UNVOUCHED_CLIENT; i++) {
        CHECK(maa_attest("SgxEnclave", maa_body("quote", of_platform(i, other)))->status != 503);
    }
    records = maa_records();
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", of_platform(99, other)))->status, 503);
    CHECK(kit_header("Retry-After") != NULL);
    CHECK_EQ(maa_records(), records);
    CHECK_EQ(maa_attest("SgxEnclave", good())->status,
             200); /* what is vouched for is not put off */
    kit_step_clock(60);
    CHECK(maa_attest("SgxEnclave", maa_body("quote", of_platform(99, other)))->status != 503);
    CHECK(maa_records() > records);
    kit_step_clock(-120);
}

TEST(the_end)
{
    use();
    maa_stop();
    CHECK(true);
}

TEST_MAIN
