/* Policies as tokens: taken apart strictly, verified only with the caller's key. */
#include <stdlib.h>

#include "os/os.h"
#include "policy/policy_token.h"
#include "policy_kit.h"
#include "token/base64.h"
#include "token/jws.h"

#define ROOT "../shared/vectors/service/maa-policies/"

static const char text[] = "version=1.0; authorizationrules { => permit(); };";

/* header.payload.signature of JSON texts */
static void token(const char *header, const char *payload, const char *signature, char *out,
                  size_t cap)
{
    size_t used = 0;
    size_t len = 0;

    if (cm_base64url_encode(kit_span(header), out, cap, &used) != CM_OK) {
        TEST_FAIL("header");
    }
    out[used++] = '.';
    if (cm_base64url_encode(kit_span(payload), out + used, cap - used, &len) != CM_OK) {
        TEST_FAIL("payload");
    }
    used += len;
    (void)snprintf(out + used, cap - used, ".%s", signature);
}

static void payload_of(const char *policy, char *out, size_t cap)
{
    char encoded[512] = "";
    size_t len = 0;

    if (cm_base64url_encode(kit_span(policy), encoded, sizeof(encoded) - 1, &len) != CM_OK) {
        TEST_FAIL("policy");
    }
    (void)snprintf(out, cap, "{\"AttestationPolicy\":\"%s\"}", encoded);
}

TEST(unsecured_tokens)
{
    char payload[1024] = "";
    char t[2048] = "";
    struct cm_policy_token opened;
    struct cm_policy *p = NULL;

    payload_of(text, payload, sizeof(payload));
    token("{\"alg\":\"none\"}", payload, "", t, sizeof(t));
    CHECK(cm_policy_token_recognise(kit_span(t)));
    CHECK(!cm_policy_token_recognise(kit_span(text)));
    REQUIRE(cm_policy_token_open(kit_span(t), &opened, NULL) == CM_OK);
    CHECK(!opened.is_signed);
    CHECK_EQ(opened.text.len, strlen(text));
    CHECK_MEM(opened.text.ptr, text, strlen(text));
    CHECK_EQ(cm_policy_parse(opened.text, &p, NULL), CM_OK);
    cm_policy_free(p);
    cm_policy_token_free(&opened);
    /* what resets a policy holds none */
    REQUIRE(cm_policy_token_open(kit_span("eyJhbGciOiJub25lIn0..\n"), &opened, NULL) == CM_OK);
    CHECK_EQ(opened.text.len, 0);
    CHECK_EQ(cm_policy_parse(opened.text, &p, NULL), CM_ERR_SYNTAX);
    cm_policy_token_free(&opened);
}

TEST(malformed_tokens_are_refused)
{
    char good[1024] = "";
    char t[2048] = "";
    struct cm_policy_token opened;
    struct cm_why why = {{0}};
    const struct {
        const char *header;
        const char *payload;
        const char *signature;
        enum cm_status st;
    } rows[] = {
        {"{\"alg\":\"none\"}", good, "AAAA", CM_ERR_FORMAT}, /* says one thing and does another */
        {"{\"alg\":\"RS256\"}", good, "", CM_ERR_FORMAT},
        {"{\"alg\":7}", good, "", CM_ERR_FORMAT},
        {"{}", good, "", CM_ERR_FORMAT},
        {"none", good, "", CM_ERR_SYNTAX},
        {"{\"alg\":\"none\",\"alg\":\"RS256\"}", good, "", CM_ERR_FORMAT},
        {"{\"alg\":\"none\"}", "{}", "", CM_ERR_SYNTAX},
        {"{\"alg\":\"none\"}", "{\"AttestationPolicy\":1}", "", CM_ERR_SYNTAX},
        {"{\"alg\":\"none\"}", "{\"AttestationPolicy\":\"a b\"}", "", CM_ERR_FORMAT},
        {"{\"alg\":\"none\"}", "[]", "", CM_ERR_SYNTAX},
    };

    payload_of(text, good, sizeof(good));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        token(rows[i].header, rows[i].payload, rows[i].signature, t, sizeof(t));
        CHECK_EQ(cm_policy_token_open(kit_span(t), &opened, &why), rows[i].st);
    }
    CHECK_EQ(cm_policy_token_open(kit_span(""), &opened, NULL), CM_ERR_FORMAT);
    CHECK_EQ(cm_policy_token_open(kit_span("a.b"), &opened, NULL), CM_ERR_FORMAT);
    CHECK_EQ(cm_policy_token_open(kit_span("eyJhbGciOiJub25lIn0..."), &opened, NULL),
             CM_ERR_FORMAT);
}

TEST(signed_tokens_are_verified_with_the_callers_key)
{
    struct cm_privkey *mine = NULL;
    struct cm_privkey *other = NULL;
    struct cm_pubkey *pub = NULL;
    struct cm_pubkey *wrong = NULL;
    struct cm_policy_token opened;
    char payload[1024] = "";
    char t[4096] = "";

    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &mine) == CM_OK);
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &other) == CM_OK);
    REQUIRE(cm_privkey_public(mine, &pub) == CM_OK && cm_privkey_public(other, &wrong) == CM_OK);
    payload_of(text, payload, sizeof(payload));
    REQUIRE(cm_jws_sign(mine, CM_SIG_ES256, NULL, kit_span(payload), t, sizeof(t)) == CM_OK);
    REQUIRE(cm_policy_token_open(kit_span(t), &opened, NULL) == CM_OK);
    CHECK(opened.is_signed);
    CHECK_EQ(opened.text.len, strlen(text));
    cm_policy_token_free(&opened);
    CHECK_EQ(cm_policy_token_verify(kit_span(t), pub, CM_SIG_ES256, NULL), CM_OK);
    CHECK_EQ(cm_policy_token_verify(kit_span(t), wrong, CM_SIG_ES256, NULL), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_policy_token_verify(kit_span(t), pub, CM_SIG_ES384, NULL), CM_ERR_MISMATCH);
    /* an unsecured token has no signature to be verified */
    token("{\"alg\":\"none\"}", payload, "", t, sizeof(t));
    CHECK_EQ(cm_policy_token_verify(kit_span(t), pub, CM_SIG_ES256, NULL), CM_ERR_MISMATCH);
    cm_pubkey_free(pub);
    cm_pubkey_free(wrong);
    cm_privkey_free(mine);
    cm_privkey_free(other);
}

/* the two tokens that Azure documents; the second names an algorithm that does not exist */
TEST(published_tokens)
{
    static const struct {
        const char *name;
        bool is_signed;
        size_t rules;
    } rows[] = {{"policy-examples-04.jwt", false, 7}, {"policy-examples-05.jwt", true, 9}};

    for (size_t i = 0; i < 2; i++) {
        char path[256] = "";
        uint8_t *t = NULL;
        size_t len = 0;
        struct cm_policy_token opened;
        struct cm_policy *p = NULL;

        (void)snprintf(path, sizeof(path), ROOT "%s", rows[i].name);
        if (cm_file_read(path, CM_POLICY_TOKEN_MAX, &t, &len, NULL) != CM_OK) {
            SKIP("../shared/vectors/service is not here");
        }
        REQUIRE(cm_policy_token_open(cm_span_make(t, len), &opened, NULL) == CM_OK);
        CHECK_EQ(opened.is_signed, rows[i].is_signed);
        CHECK_EQ(cm_policy_parse(opened.text, &p, NULL), CM_OK);
        if (p != NULL) {
            CHECK_EQ(cm_policy_rules(p), rows[i].rules);
        }
        if (rows[i].is_signed) {
            CHECK_EQ(cm_policy_token_verify(cm_span_make(t, len), NULL, CM_SIG_RS256, NULL),
                     CM_ERR_UNSUPPORTED);
        }
        cm_policy_free(p);
        cm_policy_token_free(&opened);
        free(t);
    }
}

TEST_MAIN
