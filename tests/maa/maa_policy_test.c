/*
 * Policies and their certificates as Azure's clients manage them: the exact bodies that they send, the
 * answers that they read, and who may not.
 */
#include "harness.h"

#include "crypto/hash.h"
#include "maa_kit.h"
#include "rules/rules.h"
#include "rules_signer_kit.h"
#include "token/base64.h"

#define VERSION "?api-version=2020-10-01"
#define PERMIT  "version=1.0; authorizationrules{=>permit();}; issuancerules{};"

/* What @azure/attestation 1.0.0 sends for setPolicy of the same text. */
static const char js_set[] =
    "eyJhbGciOiJub25lIn0."
    "eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmoweExqQTdJR0YxZEdodmNtbDZZWFJwYjI1eWRXeGxjM3M5UG5C"
    "bGNtMXBkQ2dwTzMwN0lHbHpjM1ZoYm1ObGNuVnNaWE43ZlRzIn0.";
static const char js_reset[] = "eyJhbGciOiJub25lIn0..";

static void use(void)
{
    if (kit_current() == NULL) {
        maa_start_emulated();
    }
}

static struct kit_answer *put(const char *type, const char *token, const char *body)
{
    char path[96] = "";

    (void)snprintf(path, sizeof(path), "/policies/%s" VERSION, type);
    return kit_ask("PUT", path, token, "text/plain", cm_span_make(body, strlen(body)), NULL);
}

static struct kit_answer *reset(const char *type, const char *token, const char *body)
{
    char path[96] = "";

    (void)snprintf(path, sizeof(path), "/policies/%s:reset" VERSION, type);
    return kit_ask("POST", path, token, "text/plain", cm_span_make(body, strlen(body)), NULL);
}

/* The policy that getPolicy gives out, as its client reads it; malloc'd. */
static char *policy_of(const char *type)
{
    char path[96] = "";
    const char *jws = NULL;
    const char *dot = NULL;
    uint8_t payload[4096] = {0};
    size_t len = 0;
    json_t *body = NULL;
    const char *text = NULL;
    char *out = NULL;

    (void)snprintf(path, sizeof(path), "/policies/%s" VERSION, type);
    if (kit_get(path, "auditor")->status != 200) {
        return strdup("");
    }
    jws = maa_text(maa_claims(), "x-ms-policy");
    dot = jws == NULL ? NULL : strchr(jws, '.');
    if (dot == NULL || cm_base64url_decode(cm_span_make(dot + 1, strcspn(dot + 1, ".")), payload,
                                           sizeof(payload), &len) != CM_OK) {
        return strdup("");
    }
    body = json_loadb((const char *)payload, len, 0, NULL);
    text = json_string_value(json_object_get(body, "AttestationPolicy"));
    len = 0;
    if (text != NULL && cm_base64url_decode(cm_span_make(text, strlen(text)), payload,
                                            sizeof(payload), &len) == CM_OK) {
        out = strndup((const char *)payload, len);
    }
    json_decref(body);
    return out == NULL ? strdup("") : out;
}

#define CHECK_POLICY(type, words)            \
    do {                                     \
        char *text_ = policy_of(type);       \
        CHECK(strstr(text_, words) != NULL); \
        free(text_);                         \
    } while (0)

static void check_hash_of(const char *token)
{
    uint8_t digest[32] = {0};
    char *text = NULL;

    if (cm_hash(CM_HASH_SHA256, cm_span_make(token, strlen(token)), digest) != CM_OK) {
        TEST_FAIL("no hash");
    }
    text = maa_b64(cm_span_make(digest, sizeof(digest)));
    CHECK_STR(maa_text(maa_claims(), "x-ms-policy-token-hash"), text);
    free(text);
}

TEST(every_type_gives_out_a_policy_with_text)
{
    static const char *const types[] = {"SgxEnclave", "OpenEnclave", "SevSnpVm", "TdxVm",
                                        "AzureGuest", "Tpm",         "sevsnpVM", "azureguest"};

    use();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_POLICY(types[i], "authorizationrules");
    }
    CHECK_EQ(kit_get("/policies/Nitro" VERSION, "auditor")->status, 400); /* not one of Azure's */
    CHECK_EQ(kit_get("/policies/SgxEnclave", "auditor")->status, 400);
    CHECK_STR(kit_string("error.code"), "InvalidParameter");
}

TEST(what_the_javascript_client_sends_is_taken)
{
    use();
    CHECK_EQ(put("SgxEnclave", "author", js_set)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-policy-result"), "Updated");
    check_hash_of(js_set);
    CHECK(json_object_get(maa_claims(), "x-ms-policy-signer") == NULL);
    CHECK_POLICY("SgxEnclave", PERMIT);
    CHECK_EQ(reset("SgxEnclave", "author", js_reset)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-policy-result"), "Removed");
    check_hash_of(js_reset);
    CHECK_POLICY("SgxEnclave", "x-ms-sgx-tcbidentifier"); /* the default */
}

TEST(a_signed_policy_names_its_signer)
{
    struct signer *s = signer_ca(2048);
    char *jws = signer_policy(s, CM_SIG_RS256, PERMIT);

    use();
    CHECK_EQ(put("TdxVm", "author", jws)->status, 200);
    check_hash_of(jws);
    CHECK_STR(json_string_value(json_array_get(
                  json_object_get(json_object_get(maa_claims(), "x-ms-policy-signer"), "x5c"), 0)),
              s->b64);
    CHECK_EQ(kit_get("/policies/TdxVm" VERSION, "auditor")->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-policy"), jws);
    free(jws);
    signer_free(s);
}

/* I6 and I7: who may not, does not. */
TEST(only_authors_set_and_only_readers_read)
{
    static const char *const wrong[] = {"client", "auditor", "approver", "nothing"};

    use();
    CHECK_EQ(put("SevSnpVm", NULL, js_set)->status, 401);
    CHECK(kit_header("WWW-Authenticate") != NULL &&
          strstr(kit_header("WWW-Authenticate"), "Bearer") != NULL);
    CHECK_STR(kit_string("error.code"), "Unauthorized");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ(put("SevSnpVm", wrong[i], js_set)->status, 403);
        CHECK_EQ(reset("SevSnpVm", wrong[i], js_reset)->status, 403);
        CHECK_EQ(kit_post("/certificates:add" VERSION, wrong[i], "\"a.b.c\"")->status, 403);
        CHECK_EQ(kit_post("/certificates:remove" VERSION, wrong[i], "\"a.b.c\"")->status, 403);
    }
    CHECK_EQ(kit_get("/policies/SevSnpVm" VERSION, "client")->status, 403);
    CHECK_EQ(kit_get("/policies/SevSnpVm" VERSION, NULL)->status, 401);
    CHECK_EQ(kit_get("/certificates" VERSION, "client")->status, 403);
    CHECK_EQ(kit_get("/tcbbaselines/SgxEnclave" VERSION, "client")->status, 403);
    CHECK_POLICY("SevSnpVm", "=> permit();");
    char *text = policy_of("SevSnpVm");

    CHECK(strcmp(text, PERMIT) != 0);
    free(text);
}

TEST(a_policy_that_cannot_be_read_says_where)
{
    char *jws = unsigned_policy("version=1.0;\nauthorizationrules\n{\n  => permit()\n  => ;\n};");
    char long_text[70000];
    char *too_long = NULL;

    use();
    CHECK_EQ(put("SevSnpVm", "author", jws)->status, 400);
    CHECK_STR(kit_string("error.code"), "PolicyParsingError");
    CHECK_STR(kit_header("x-ms-error-code"), "PolicyParsingError");
    CHECK(strstr(kit_string("error.message"), "Line: '5', Column: '3'") != NULL ||
          strstr(kit_string("error.message"), "Line: '5', Column: '6'") != NULL);
    free(jws);
    memset(long_text, ' ', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    too_long = unsigned_policy(long_text);
    CHECK_EQ(put("SevSnpVm", "author", too_long)->status, 400);
    free(too_long);
    CHECK_EQ(put("SevSnpVm", "author", "")->status, 400);
    CHECK_EQ(put("SevSnpVm", "author", PERMIT)->status, 400); /* text alone is no token */
    CHECK_EQ(put("SevSnpVm", "author", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA")->status, 400);
    CHECK_EQ(reset("SevSnpVm", "author", "")->status, 400);
    CHECK_EQ(reset("SevSnpVm", "author", js_set)->status, 400);
}

/* --------------------------------------------------------------- certificates */

static struct kit_answer *change(const char *what, char *jws, bool as_text)
{
    char path[64] = "";
    char *body = malloc(strlen(jws) + 3);
    struct kit_answer *a = NULL;

    (void)snprintf(path, sizeof(path), "/certificates:%s" VERSION, what);
    if (body == NULL) {
        abort();
    }
    (void)sprintf(body, as_text ? "%s" : "\"%s\"", jws);
    a = kit_post(path, "author", body);
    free(body);
    free(jws);
    return a;
}

TEST(in_isolated_mode_only_registered_certificates_set_policies)
{
    struct signer *alice = signer_ca(2048);
    struct signer *mallory = signer_ca(2048);
    struct signer *bob = signer_ca(0);
    char *jws = NULL;

    use();
    REQUIRE(kit_ask("POST", "/test/isolate", "admin", "text/plain",
                    cm_span_make(alice->pem, strlen(alice->pem)), NULL)
                ->status == 200);
    CHECK_EQ(put("SgxEnclave", "author", js_set)->status, 400); /* alg none */
    CHECK_STR(kit_string("error.code"), "InvalidOperation");
    CHECK_EQ(reset("SgxEnclave", "author", js_reset)->status, 400);
    jws = signer_policy(mallory, CM_SIG_RS256, PERMIT);
    CHECK_EQ(put("SgxEnclave", "author", jws)->status, 400);
    free(jws);
    jws = signer_policy(alice, CM_SIG_RS256, PERMIT);
    CHECK_EQ(put("SgxEnclave", "author", jws)->status, 200);
    free(jws);

    CHECK_EQ(kit_get("/certificates" VERSION, "auditor")->status, 200);
    CHECK_EQ(json_array_size(json_object_get(
                 json_object_get(maa_claims(), "x-ms-policy-certificates"), "keys")),
             1);
    CHECK_EQ(change("add", signer_certificate(mallory, CM_SIG_RS256, bob), false)->status, 400);
    CHECK_STR(kit_string("error.code"), "InvalidOperation");
    CHECK_EQ(change("add", signer_certificate(alice, CM_SIG_RS256, bob), true)->status, 400);
    CHECK_EQ(change("add", signer_certificate(alice, CM_SIG_RS256, bob), false)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-certificate-result"), "IsPresent");
    CHECK_EQ(strlen(maa_text(maa_claims(), "x-ms-certificate-thumbprint")), 40);
    jws = signer_policy(bob, CM_SIG_ES256, PERMIT);
    CHECK_EQ(put("SgxEnclave", "author", jws)->status, 200);
    free(jws);
    CHECK_EQ(change("remove", signer_certificate(alice, CM_SIG_RS256, bob), false)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-certificate-result"), "IsAbsent");
    signer_free(alice);
    signer_free(mallory);
    signer_free(bob);
}

TEST(the_end)
{
    use();
    maa_stop();
    CHECK(true);
}

TEST_MAIN
