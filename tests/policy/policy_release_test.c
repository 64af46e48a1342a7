/* Key release policies: grammar with places, every comparison, loose types, authorities, real files. */
#include <casemate/release.h>
#include <stdlib.h>

#include "os/os.h"
#include "policy_kit.h"

#define ROOT  "../shared/vectors/service/skr-policies/"
#define HEAD  "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a.example\",\"allOf\":["
#define TAIL  "]}]}"
#define CLAIM "{\"claim\":\"c\",\"equals\":\"x\"}"

static struct cm_release_reason reason;

/* What a policy of one authority with these conditions says of claims. */
static enum cm_status judge(const char *conditions, const char *claims)
{
    char text[2048] = "";
    struct cm_release *r = NULL;
    struct cm_policy_error e = {0};
    enum cm_status st = CM_OK;

    (void)snprintf(text, sizeof(text), HEAD "%s" TAIL, conditions);
    st = cm_release_parse(kit_span(text), &r, &e);
    if (st != CM_OK) {
        TEST_FAIL("%zu:%zu: %s in %s", e.line, e.column, e.text, text);
        return st;
    }
    st = cm_release_evaluate(r, kit_span("https://a.example"), kit_span(claims), &reason);
    cm_release_free(r);
    return st;
}

#define RELEASES(conditions, claims) CHECK_EQ(judge(conditions, claims), CM_OK)
#define REFUSES(conditions, claims)  CHECK_EQ(judge(conditions, claims), CM_ERR_POLICY)

TEST(no_policy_releases_nothing)
{
    CHECK_EQ(cm_release_evaluate(NULL, kit_span("https://a.example"), kit_span("{}"), &reason),
             CM_ERR_POLICY);
    CHECK(strstr(reason.text, "no policy") != NULL);
    cm_release_free(NULL);
}

TEST(comparisons)
{
    RELEASES("{\"claim\":\"c\",\"equals\":\"x\"}", "{\"c\":\"x\"}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"x\"}", "{\"c\":\"X\"}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"x\"}", "{\"d\":\"x\"}");
    RELEASES("{\"equals\":\"x\",\"claim\":\"c\"}", "{\"c\":\"x\"}");
    RELEASES("{\"claim\":\"c\",\"condition\":\"equals\",\"value\":\"x\"}", "{\"c\":\"x\"}");
    RELEASES("{\"claim\":\"c\",\"notEquals\":\"x\"}", "{\"c\":\"y\"}");
    REFUSES("{\"claim\":\"c\",\"notEquals\":\"x\"}", "{\"c\":\"x\"}");
    REFUSES("{\"claim\":\"c\",\"notEquals\":\"x\"}", "{}"); /* absent is not different */
    REFUSES("{\"claim\":\"c\",\"notEquals\":\"x\"}", "{\"c\":null}");
    REFUSES("{\"claim\":\"c\",\"notEquals\":\"x\"}", "{\"c\":[\"x\"]}");
    RELEASES("{\"claim\":\"c\",\"less\":5}", "{\"c\":4}");
    REFUSES("{\"claim\":\"c\",\"less\":5}", "{\"c\":5}");
    RELEASES("{\"claim\":\"c\",\"lessOrEquals\":5}", "{\"c\":5}");
    REFUSES("{\"claim\":\"c\",\"lessOrEquals\":5}", "{\"c\":6}");
    RELEASES("{\"claim\":\"c\",\"greater\":5}", "{\"c\":6}");
    REFUSES("{\"claim\":\"c\",\"greater\":5}", "{\"c\":5}");
    RELEASES("{\"claim\":\"c\",\"greaterOrEquals\":5}", "{\"c\":5}");
    REFUSES("{\"claim\":\"c\",\"greaterOrEquals\":5}", "{\"c\":4}");
    REFUSES("{\"claim\":\"c\",\"greaterOrEquals\":5}", "{}");
    RELEASES("{\"claim\":\"c\",\"exists\":true}", "{\"c\":false}");
    REFUSES("{\"claim\":\"c\",\"exists\":true}", "{\"c\":null}");
    RELEASES("{\"claim\":\"c\",\"exists\":false}", "{}");
    REFUSES("{\"claim\":\"c\",\"exists\":false}", "{\"c\":0}");
}

/* real policies know only strings: "false" and "0" mean the boolean and the integer */
TEST(loose_types)
{
    RELEASES("{\"claim\":\"c\",\"equals\":\"false\"}", "{\"c\":false}");
    RELEASES("{\"claim\":\"c\",\"equals\":false}", "{\"c\":\"false\"}");
    RELEASES("{\"claim\":\"c\",\"equals\":\"0\"}", "{\"c\":0}");
    RELEASES("{\"claim\":\"c\",\"equals\":-3}", "{\"c\":\"-3\"}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"false\"}", "{\"c\":true}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"00\"}", "{\"c\":0}");
    REFUSES("{\"claim\":\"c\",\"equals\":0}", "{\"c\":false}");
    REFUSES("{\"claim\":\"c\",\"equals\":1}", "{\"c\":true}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"1.0\"}", "{\"c\":1}");
    REFUSES("{\"claim\":\"c\",\"equals\":\"x\"}", "{\"c\":{\"x\":1}}");
    RELEASES("{\"claim\":\"c\",\"greater\":\"9\"}", "{\"c\":\"10\"}"); /* numbers, not letters */
    REFUSES("{\"claim\":\"c\",\"greater\":\"9\"}", "{\"c\":\"1e2\"}");
    REFUSES("{\"claim\":\"c\",\"greater\":0}", "{\"c\":true}");
}

TEST(dots_lead_into_objects)
{
    RELEASES("{\"claim\":\"a.b.c\",\"equals\":1}", "{\"a\":{\"b\":{\"c\":1}}}");
    REFUSES("{\"claim\":\"a.b\",\"equals\":1}", "{\"a.b\":1}");
    REFUSES("{\"claim\":\"a.b\",\"equals\":1}", "{\"a\":[{\"b\":1}]}");
    REFUSES("{\"claim\":\"a.b\",\"equals\":1}", "{\"a\":\"b\"}");
    REFUSES("{\"claim\":\"a\",\"equals\":1}", "{\"a\":{\"b\":1}}");
}

TEST(groups_nest)
{
    const char *both =
        "{\"claim\":\"a\",\"equals\":1},{\"anyOf\":[{\"claim\":\"b\",\"equals\":1},"
        "{\"allOf\":[{\"claim\":\"c\",\"equals\":1},{\"claim\":\"d\",\"equals\":1}]}]}";

    RELEASES(both, "{\"a\":1,\"b\":1}");
    RELEASES(both, "{\"a\":1,\"c\":1,\"d\":1}");
    REFUSES(both, "{\"a\":1,\"c\":1}");
    REFUSES(both, "{\"b\":1,\"c\":1,\"d\":1}");
    CHECK(strstr(reason.text, "a equals \"1\", and it is absent") != NULL);
}

TEST(the_issuer_must_be_an_authority)
{
    static const struct {
        const char *issuer;
        enum cm_status st;
    } rows[] = {
        {"https://a.example", CM_OK},
        {"https://a.example/", CM_OK},
        {"https://A.Example:443/", CM_OK},
        {"HTTPS://a.example", CM_OK},
        {"http://a.example", CM_ERR_POLICY},
        {"https://a.example.evil", CM_ERR_POLICY},
        {"https://a.exampl", CM_ERR_POLICY},
        {"https://a.example/tenant", CM_ERR_POLICY},
        {"https://a.example:8443", CM_ERR_POLICY},
        {"https://x@a.example", CM_ERR_POLICY},
        {"https://a.example ", CM_ERR_POLICY},
        {"https://a.example\n", CM_ERR_POLICY},
        {"", CM_ERR_POLICY},
    };
    struct cm_release *r = NULL;

    REQUIRE(cm_release_parse(kit_span(HEAD CLAIM TAIL), &r, NULL) == CM_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_EQ(cm_release_evaluate(r, kit_span(rows[i].issuer), kit_span("{\"c\":\"x\"}"), NULL),
                 rows[i].st);
    }
    cm_release_free(r);
}

/* hosts have no case and paths do: another's path on the same host is another's authority */
TEST(the_case_of_an_authoritys_path_counts)
{
    static const char text[] = "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":"
                               "\"https://a.example/Tenant\",\"allOf\":[" CLAIM TAIL;
    const struct cm_span claims = kit_span("{\"c\":\"x\"}");
    struct cm_release *r = NULL;

    REQUIRE(cm_release_parse(kit_span(text), &r, NULL) == CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://A.example/Tenant"), claims, NULL), CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example/tenant"), claims, NULL),
             CM_ERR_POLICY);
    cm_release_free(r);
}

/* an authority's conditions are its own: another's do not release its tokens */
TEST(conditions_belong_to_their_authority)
{
    static const char text[] =
        "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a.example/\",\"anyOf\":["
        "{\"claim\":\"c\",\"equals\":1}]},{\"authority\":\"https://b.example\",\"allOf\":["
        "{\"claim\":\"d\",\"equals\":1}]},{\"authority\":\"https://a.example\",\"allOf\":["
        "{\"claim\":\"e\",\"equals\":1}]}]}";
    struct cm_release *r = NULL;
    struct cm_span authority;

    REQUIRE(cm_release_parse(kit_span(text), &r, NULL) == CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{\"d\":1}"), NULL),
             CM_ERR_POLICY);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://b.example"), kit_span("{\"d\":1}"), NULL),
             CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://b.example"), kit_span("{\"c\":1}"), NULL),
             CM_ERR_POLICY);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{\"e\":1}"), NULL),
             CM_OK);
    CHECK(cm_release_authority(r, 2, &authority) && !cm_release_authority(r, 3, &authority));
    CHECK(!cm_release_immutable(r));
    cm_release_free(r);
}

TEST(refused_where_and_why)
{
    static const struct {
        const char *text;
        enum cm_status st;
        size_t column;
        const char *words;
    } rows[] = {
        {"", CM_ERR_SYNTAX, 1, "value expected"},
        {"[]", CM_ERR_SYNTAX, 1, "JSON object"},
        {"{}", CM_ERR_SYNTAX, 1, "version"},
        {"{\"version\":\"2.0.0\"}", CM_ERR_UNSUPPORTED, 12, "not known"},
        {"{\"version\":1}", CM_ERR_UNSUPPORTED, 12, "not known"},
        {"{\"version\":\"1.0.0\"}", CM_ERR_SYNTAX, 1, "anyOf"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[]}", CM_ERR_SYNTAX, 28, "anyOf"},
        {"{\"version\":\"1.0.0\",\"anyOf\":{}}", CM_ERR_SYNTAX, 28, "anyOf"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[1]}", CM_ERR_SYNTAX, 29, "object"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"allOf\":[" CLAIM "]}]}", CM_ERR_SYNTAX, 29,
         "authority"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"http://a\",\"allOf\":[" CLAIM "]}]}",
         CM_ERR_SYNTAX, 42, "https"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://\",\"allOf\":[" CLAIM "]}]}",
         CM_ERR_SYNTAX, 42, "https"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a b\",\"allOf\":[" CLAIM
         "]}]}",
         CM_ERR_SYNTAX, 42, "https"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a\"}]}", CM_ERR_SYNTAX, 29,
         "allOf or anyOf"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a\",\"anyof\":[" CLAIM "]}]}",
         CM_ERR_SYNTAX, 29, "allOf or anyOf"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[" CLAIM
         "],\"anyOf\":[" CLAIM "]}]}",
         CM_ERR_SYNTAX, 29, "either"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[]}]}",
         CM_ERR_SYNTAX, 62, "at least one"},
        {"{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[" CLAIM
         "],\"more\":1}]}",
         CM_ERR_SYNTAX, 29, "nothing that is not known"},
        {HEAD "{\"anyOf\":[" CLAIM "],\"equals\":1}" TAIL, CM_ERR_SYNTAX, 71,
         "nothing that is not known"},
        {HEAD "{\"anyOf\":[]}" TAIL, CM_ERR_SYNTAX, 80, "at least one"},
        {HEAD "7" TAIL, CM_ERR_SYNTAX, 71, "object"},
        {HEAD "{\"claim\":\"c\"}" TAIL, CM_ERR_SYNTAX, 71, "one comparison"},
        {HEAD "{\"claim\":\"c\",\"equals\":1,\"less\":2}" TAIL, CM_ERR_SYNTAX, 71,
         "one comparison"},
        {HEAD "{\"claim\":\"c\",\"equal\":1}" TAIL, CM_ERR_SYNTAX, 84, "equals, notEquals"},
        {HEAD "{\"claim\":\"\",\"equals\":1}" TAIL, CM_ERR_SYNTAX, 80, "empty"},
        {HEAD "{\"claim\":\"a..b\",\"equals\":1}" TAIL, CM_ERR_SYNTAX, 80, "empty name"},
        {HEAD "{\"claim\":\".a\",\"equals\":1}" TAIL, CM_ERR_SYNTAX, 80, "empty name"},
        {HEAD "{\"claim\":\"a.\",\"equals\":1}" TAIL, CM_ERR_SYNTAX, 80, "empty name"},
        {HEAD "{\"claim\":7,\"equals\":1}" TAIL, CM_ERR_SYNTAX, 80, "string"},
        {HEAD "{\"claim\":\"c\",\"equals\":1.5}" TAIL, CM_ERR_SYNTAX, 93, "an integer"},
        {HEAD "{\"claim\":\"c\",\"equals\":null}" TAIL, CM_ERR_SYNTAX, 93, "an integer"},
        {HEAD "{\"claim\":\"c\",\"equals\":[1]}" TAIL, CM_ERR_SYNTAX, 93, "an integer"},
        {HEAD "{\"claim\":\"c\",\"less\":true}" TAIL, CM_ERR_SYNTAX, 91, "order"},
        {HEAD "{\"claim\":\"c\",\"exists\":1}" TAIL, CM_ERR_SYNTAX, 93, "true or false"},
        {HEAD CLAIM "]}],\"more\":1}", CM_ERR_SYNTAX, 1, "beside version"},
        {"{\"version\":\"1.0.0\",\"version\":\"1.0.0\"}", CM_ERR_FORMAT, 29, "twice"},
        {"{\"data\":\"!\"}", CM_ERR_SYNTAX, 9, "base64"},
        {"{\"data\":\"e30\",\"immutable\":1}", CM_ERR_SYNTAX, 27, "true or false"},
        {"{\"data\":\"e30\"}", CM_ERR_SYNTAX, 1, "version"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_release *r = NULL;
        struct cm_policy_error e = {0};
        enum cm_status st = cm_release_parse(kit_span(rows[i].text), &r, &e);

        if (st != rows[i].st || e.line != 1 || e.column != rows[i].column ||
            strstr(e.text, rows[i].words) == NULL || r != NULL) {
            TEST_FAIL("%d at %zu:%zu \"%s\", not %d at 1:%zu \"%s\": %s", st, e.line, e.column,
                      e.text, rows[i].st, rows[i].column, rows[i].words, rows[i].text);
        }
        cm_release_free(r);
    }
}

TEST(claims_that_are_no_object_release_nothing)
{
    struct cm_release *r = NULL;

    REQUIRE(cm_release_parse(kit_span(HEAD "{\"claim\":\"c\",\"exists\":false}" TAIL), &r, NULL) ==
            CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{}"), NULL), CM_OK);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("[]"), NULL),
             CM_ERR_SYNTAX);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{"), NULL),
             CM_ERR_SYNTAX);
    CHECK_EQ(cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{\"c\":1,\"c\":2}"),
                                 &reason),
             CM_ERR_FORMAT);
    CHECK(strstr(reason.text, "cannot be read") != NULL);
    cm_release_free(r);
}

/* the policy of the line above in base64url, as interfaces give it out */
TEST(wrapped_policies)
{
    static const char *const data[] = {
        "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLmV4YW1wbGUiLCJhbGxPZi"
        "I6"
        "W3siY2xhaW0iOiJjIiwiZXF1YWxzIjoieCJ9XX1dfQ",
        "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLmV4YW1wbGUiLCJhbGxPZi"
        "I6"
        "W3siY2xhaW0iOiJjIiwiZXF1YWxzIjoieCJ9XX1dfQ==",
    };

    for (size_t i = 0; i < 2; i++) {
        char text[512] = "";
        struct cm_release *r = NULL;

        (void)snprintf(text, sizeof(text),
                       "{\"contentType\":\"application/json; charset=utf-8\",\"data\":\"%s\","
                       "\"immutable\":%s}",
                       data[i], i == 0 ? "true" : "false");
        REQUIRE(cm_release_parse(kit_span(text), &r, NULL) == CM_OK);
        CHECK_EQ(cm_release_immutable(r), i == 0);
        CHECK_EQ(
            cm_release_evaluate(r, kit_span("https://a.example"), kit_span("{\"c\":\"x\"}"), NULL),
            CM_OK);
        cm_release_free(r);
    }
}

TEST(out_of_memory_leaves_nothing)
{
    struct cm_release *r = NULL;
    long k = 0;

    for (k = 1; k < 50; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_release_parse(kit_span(HEAD CLAIM TAIL), &r, NULL);
        fail_alloc_at(-1);
        if (st == CM_OK) {
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
        CHECK(r == NULL);
    }
    CHECK(k > 1 && k < 50);
    cm_release_free(r);
}

static uint8_t *load(const char *name, size_t *len)
{
    char path[256] = "";
    uint8_t *text = NULL;

    (void)snprintf(path, sizeof(path), ROOT "%s", name);
    return cm_file_read(path, 4 * CM_POLICY_MAX_TEXT, &text, len, NULL) == CM_OK ? text : NULL;
}

TEST(published_release_policies)
{
    static const struct {
        const char *name;
        const char *issuer;
        const char *claims;
        enum cm_status st;
    } rows[] = {
        {"Azure-Samples_confidential-computing__release.json",
         "https://<YOUR_MAA_INSTANCE>.weu.attest.azure.net",
         "{\"x-ms-compliance-status\":\"azure-compliant-cvm\",\"x-ms-attestation-type\":"
         "\"sevsnpvm\"}",
         CM_OK},
        {"Azure_confidential-computing-cvm__skr-policy.json",
         "https://sharedfrs.frs.attest.azure.net",
         "{\"x-ms-compliance-status\":\"azure-compliant-cvm\",\"x-ms-attestation-type\":"
         "\"tdxvm\"}",
         CM_OK},
        {"Azure_confidential-computing-cvm__skr-policy.json",
         "https://sharedwus2.wus2.attest.azure.net/",
         "{\"x-ms-compliance-status\":\"azure-compliant-cvm\",\"x-ms-attestation-type\":\"sgx\"}",
         CM_ERR_POLICY},
        {"Azure_confidential-computing-cvm-guest-attestation__public_SKR_policy-datadisk.json",
         "https://sharedeus.eus.attest.azure.net",
         "{\"x-ms-isolation-tee\":{\"x-ms-attestation-type\":\"sevsnpvm\","
         "\"x-ms-compliance-status\":\"azure-compliant-cvm\"}}",
         CM_OK},
        {"Azure_confidential-computing-cvm-guest-attestation__public_SKR_policy-datadisk.json",
         "https://evil.example",
         "{\"x-ms-isolation-tee\":{\"x-ms-attestation-type\":\"sevsnpvm\","
         "\"x-ms-compliance-status\":\"azure-compliant-cvm\"}}",
         CM_ERR_POLICY},
    };
    struct cm_policy_error e = {0};
    uint8_t *text = NULL;
    size_t len = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_release *r = NULL;

        text = load(rows[i].name, &len);
        if (text == NULL) {
            SKIP("../shared/vectors/service is not here");
        }
        if (cm_release_parse(cm_span_make(text, len), &r, &e) != CM_OK) {
            TEST_FAIL("%s:%zu:%zu: %s", rows[i].name, e.line, e.column, e.text);
        }
        CHECK_EQ(
            cm_release_evaluate(r, kit_span(rows[i].issuer), kit_span(rows[i].claims), &reason),
            rows[i].st);
        cm_release_free(r);
        free(text);
    }
    /* its policy is the member "policy"; the rest are comments: as a whole it is none */
    text = load("Azure-Samples_confidential-computing__skr-release-policy.json", &len);
    if (text != NULL) {
        struct cm_release *r = NULL;

        CHECK_EQ(cm_release_parse(cm_span_make(text, len), &r, &e), CM_ERR_UNSUPPORTED);
        CHECK_EQ(e.line, 6);
        free(text);
    }
}

TEST_MAIN
