/* Policies evaluated inside an emulated enclave: the same status and the same outcome as outside. */
#include "policy_kit.h"

#include <casemate/release.h>
#include <openenclave/host.h>

#include "policy_inside_u.h"

#define CAP 65536

static oe_enclave_t *enclave;

static void same_answer(const char *policy, const char *claims)
{
    static char inside[CAP];
    static char outside[CAP];
    struct cm_policy *p = NULL;
    struct cm_policy_claims *c = NULL;
    struct cm_policy_outcome *o = NULL;
    size_t len = 0;
    enum cm_status want = cm_policy_parse(kit_span(policy), &p, NULL);
    int got = -1;

    memset(outside, 0, CAP);
    if (want == CM_OK) {
        c = kit_claims(claims);
        want = cm_policy_evaluate(p, c, 0, &o);
        CHECK_EQ(cm_policy_outcome_json(o, outside, CAP - 1, &len), CM_OK);
    }
    cm_policy_outcome_free(o);
    cm_policy_claims_free(c);
    cm_policy_free(p);
    if (judge_inside(enclave, &got, (const uint8_t *)policy, strlen(policy),
                     (const uint8_t *)claims, strlen(claims), inside, CAP) != OE_OK ||
        got != (int)want || strcmp(inside, outside) != 0) {
        TEST_FAIL("inside %d, outside %d: %s", got, (int)want, policy);
    }
}

TEST(the_enclave_starts)
{
    CHECK_EQ(oe_create_policy_inside_enclave(ENCLAVE, OE_ENCLAVE_TYPE_SGX,
                                             OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                             0, &enclave),
             OE_OK);
}

TEST(policies_inside)
{
    static const char claims[] =
        "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-svn\":3,\"c\":[1,2,\"x\"],\"events\":{"
        "\"Events\":[{\"EventSeq\":1,\"PcrIndex\":12,\"Data\":[true,\"AQ\"]},{\"PcrIndex\":7}]}}";

    REQUIRE(enclave != NULL);
    same_answer(
        "version=1.0; authorizationrules { [type==\"x-ms-sgx-is-debuggable\", value==false] "
        "&& [type==\"$svn\", value>=3] => permit(); };",
        claims);
    same_answer(
        "version=1.0; authorizationrules { [type==\"x-ms-sgx-svn\", value>3] => permit(); };",
        claims);
    same_answer("version=1.2; authorizationrules { => permit(); }; issuancerules { "
                "c:[type==\"events\"] => issue(type=\"d\", value=JmesPath(c.value, "
                "\"Events[?PcrIndex == `12`].Data | @[0]\")); c:[type==\"c\"] => issue(type=\"o\", "
                "value=ContainsOnlyValue(c.value, 1)); };",
                claims);
    same_answer("version=1.2; authorizationrules { c:[type==\"c\"] => add(type=\"x\", "
                "value=AppendString(c.value, \"y\")); };",
                claims);
    same_answer("version=1.0; authorizationrules { => allow(); };", claims);
    same_answer("", claims);
}

/* as deep as the parsers go: an enclave's stack is small */
TEST(depth_inside)
{
    static char policy[4096];
    size_t n = (size_t)snprintf(policy, sizeof(policy),
                                "version=1.2; authorizationrules { c:[type==\"e\"] => "
                                "add(type=\"x\", value=");

    REQUIRE(enclave != NULL);
    for (int i = 0; i < 14; i++) {
        n += (size_t)snprintf(policy + n, sizeof(policy) - n, "JmesPath(");
    }
    n += (size_t)snprintf(policy + n, sizeof(policy) - n, "c.value, \"");
    for (int i = 0; i < 28; i++) {
        n += (size_t)snprintf(policy + n, sizeof(policy) - n, "(");
    }
    n += (size_t)snprintf(policy + n, sizeof(policy) - n, "@");
    for (int i = 0; i < 28; i++) {
        n += (size_t)snprintf(policy + n, sizeof(policy) - n, ")");
    }
    n += (size_t)snprintf(policy + n, sizeof(policy) - n, "\")");
    for (int i = 1; i < 14; i++) {
        n += (size_t)snprintf(policy + n, sizeof(policy) - n, ", \"@.a\")");
    }
    (void)snprintf(policy + n, sizeof(policy) - n, "); => permit(); };");
    same_answer(policy, "{\"e\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]}}");
}

TEST(release_policies_inside)
{
    static const char policy[] = "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://"
                                 "attest.example.net/\",\"allOf\":["
                                 "{\"claim\":\"a.b\",\"equals\":\"0\"}]}]}";
    static const char good[] = "{\"a\":{\"b\":0}}";
    static const char bad[] = "{\"a\":{\"b\":1}}";
    int got = -1;

    REQUIRE(enclave != NULL);
    CHECK_EQ(release_inside(enclave, &got, (const uint8_t *)policy, strlen(policy),
                            (const uint8_t *)good, strlen(good)),
             OE_OK);
    CHECK_EQ(got, CM_OK);
    CHECK_EQ(release_inside(enclave, &got, (const uint8_t *)policy, strlen(policy),
                            (const uint8_t *)bad, strlen(bad)),
             OE_OK);
    CHECK_EQ(got, CM_ERR_POLICY);
}

TEST(the_enclave_ends)
{
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
}

TEST_MAIN
