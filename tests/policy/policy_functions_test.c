/* The six functions of version 1.2, read-only claims, and what is an error. */
#include "policy_kit.h"

static char issued[8192];

/* the claim c as it is in JSON, an expression over it, and what r becomes ("": nothing is issued) */
#define ISSUES(json, expression, want)                                        \
    do {                                                                      \
        CHECK_EQ(kit_value(expression, json, issued, sizeof(issued)), CM_OK); \
        CHECK_STR(issued, want);                                              \
    } while (0)
#define FAILS(json, expression, words)                                                  \
    do {                                                                                \
        CHECK_EQ(kit_value(expression, json, issued, sizeof(issued)), CM_ERR_MISMATCH); \
        if (strstr(issued, words) == NULL) {                                            \
            TEST_FAIL("\"%s\" does not say \"%s\"", issued, words);                     \
        }                                                                               \
    } while (0)

TEST(append_string)
{
    ISSUES("{\"c\":\"abc\"}", "AppendString(c.value, \"xyz\")", "r='abcxyz'");
    ISSUES("{\"c\":\"\"}", "AppendString(c.value, \"\")", "r=''");
    ISSUES("{\"c\":\"a\"}", "AppendString(AppendString(\"<\", c.value), \">\")", "r='<a>'");
    ISSUES("{\"c\":\"a\"}", "AppendString(c.type, c.issuer)", "r='cAttestationService'");
    FAILS("{\"c\":1}", "AppendString(c.value, \"x\")", "no string");
    FAILS("{\"c\":[\"a\",\"b\"]}", "AppendString(c.value, \"x\")", "set of several");
}

TEST(negate_bool)
{
    ISSUES("{\"c\":true}", "NegateBool(c.value)", "r=false");
    ISSUES("{\"c\":false}", "NegateBool(c.value)", "r=true");
    FAILS("{\"c\":\"true\"}", "NegateBool(c.value)", "no boolean");
    FAILS("{\"c\":[true,false]}", "NegateBool(c.value)", "set of several");
}

TEST(json_to_claim_value)
{
    ISSUES("{\"c\":\"100\"}", "JsonToClaimValue(c.value)", "r=100");
    ISSUES("{\"c\":\"-1\"}", "JsonToClaimValue(c.value)", "r=-1");
    ISSUES("{\"c\":\"true\"}", "JsonToClaimValue(c.value)", "r=true");
    ISSUES("{\"c\":\"\\\"s\\\"\"}", "JsonToClaimValue(c.value)", "r='s'");
    ISSUES("{\"c\":\"\\\"\\\"\"}", "JsonToClaimValue(c.value)", "r=''");
    ISSUES("{\"c\":\"[0, \\\"abc\\\", true]\"}", "JsonToClaimValue(c.value)", "r=0 r='abc' r=true");
    ISSUES("{\"c\":\"[1,1]\"}", "JsonToClaimValue(c.value)", "r=1 r=1");
    ISSUES("{\"c\":\"null\"}", "JsonToClaimValue(c.value)", "");
    ISSUES("{\"c\":\"[]\"}", "JsonToClaimValue(c.value)", "");
    ISSUES("{\"c\":\"[null]\"}", "JsonToClaimValue(c.value)", "");
    ISSUES("{\"c\":\"abc\"}", "JsonToClaimValue(c.value)", "r='abc'"); /* the published example */
    FAILS("{\"c\":\"1.5\"}", "JsonToClaimValue(c.value)", "no integer");
    FAILS("{\"c\":\"9223372036854775808\"}", "JsonToClaimValue(c.value)", "no integer");
    FAILS("{\"c\":\"{}\"}", "JsonToClaimValue(c.value)", "object");
    FAILS("{\"c\":\"[[1]]\"}", "JsonToClaimValue(c.value)", "nested");
    FAILS("{\"c\":\"[{}]\"}", "JsonToClaimValue(c.value)", "nested");
    FAILS("{\"c\":\"\"}", "JsonToClaimValue(c.value)", "not JSON");
    FAILS("{\"c\":\"{\"}", "JsonToClaimValue(c.value)", "not JSON");
    FAILS("{\"c\":\"1 2\"}", "JsonToClaimValue(c.value)", "not JSON");
    FAILS("{\"c\":1}", "JsonToClaimValue(c.value)", "no string");
}

TEST(contains_only_value)
{
    ISSUES("{\"c\":[true,true]}", "ContainsOnlyValue(c.value, true)", "r=true");
    ISSUES("{\"c\":[true,false]}", "ContainsOnlyValue(c.value, true)", "r=false");
    ISSUES("{\"c\":[100,101]}", "ContainsOnlyValue(c.value, 100)", "r=false");
    ISSUES("{\"c\":[100]}", "ContainsOnlyValue(c.value, \"100\")", "r=false");
    ISSUES("{\"c\":\"x\"}", "ContainsOnlyValue(c.value, \"x\")", "r=true");
    ISSUES("{\"c\":\"[]\"}", "ContainsOnlyValue(JsonToClaimValue(c.value), 1)", "r=false");
    FAILS("{\"c\":[1,2]}", "ContainsOnlyValue(1, c.value)", "not one value");
}

TEST(is_subset_of)
{
    ISSUES("{\"c\":[\"abc\",100]}",
           "IsSubsetOf(c.value, JsonToClaimValue(\"[true,\\\"abc\\\",100]\"))", "r=true");
    ISSUES("{\"c\":[\"abc\",101]}",
           "IsSubsetOf(c.value, JsonToClaimValue(\"[true,\\\"abc\\\",100]\"))", "r=false");
    ISSUES("{\"c\":1}", "IsSubsetOf(JsonToClaimValue(\"[]\"), c.value)", "r=true");
    ISSUES("{\"c\":1}", "IsSubsetOf(c.value, JsonToClaimValue(\"[]\"))", "r=false");
    ISSUES("{\"c\":[1,1]}", "IsSubsetOf(c.value, 1)", "r=true");
}

TEST(jmespath_gives_json_as_text)
{
    ISSUES("{\"c\":\"{\\\"foo\\\": \\\"bar\\\"}\"}", "JmesPath(c.value, \"foo\")", "r='\"bar\"'");
    ISSUES("{\"c\":{\"foo\":[1, 2]}}", "JmesPath(c.value, \"foo\")", "r='[1,2]'");
    ISSUES("{\"c\":{\"foo\":1}}", "JmesPath(c.value, \"bar\")", "r='null'");
    ISSUES("{\"c\":{\"foo\":{\"b\":1.50,\"a\":null}}}", "JmesPath(c.value, \"foo\")",
           "r='{\"b\":1.50,\"a\":null}'");
    ISSUES("{\"c\":{\"foo\":5}}", "AppendString(\"x\", JmesPath(c.value, \"foo\"))", "r='x5'");
    ISSUES("{\"c\":{\"foo\":5}}", "JsonToClaimValue(JmesPath(c.value, \"foo\"))", "r=5");
    ISSUES("{\"c\":{\"q\":\"a\",\"a\":7}}",
           "JmesPath(c.value, JsonToClaimValue(JmesPath(c.value, \"q\")))", "r='7'");
    ISSUES("{\"c\":\"x\"}", "JmesPath(\"{\\\"x\\\":3}\", c.value)", "r='3'");
    FAILS("{\"c\":\"not json\"}", "JmesPath(c.value, \"foo\")", "not JSON");
    FAILS("{\"c\":\"\"}", "JmesPath(c.value, \"foo\")", "not JSON");
    FAILS("{\"c\":\"\"}", "JmesPath(\"{}\", c.value)", "in the query");
    FAILS("{\"c\":\"a ==\"}", "JmesPath(\"{}\", c.value)", "in the query, at character 5");
    FAILS("{\"c\":{\"a\":1}}", "JmesPath(c.value, \"length(a)\")", "length()");
}

/* Read-only claims can be examined; what is made of them by copying cannot be issued either. */
TEST(read_only_claims_are_examined_and_not_issued)
{
    static const struct {
        const char *value;
        enum cm_status st;
    } rows[] = {
        {"c.value", CM_ERR_MISMATCH},
        {"JmesPath(c.value, \"a\")", CM_ERR_MISMATCH},
        {"JmesPath(\"{}\", JsonToClaimValue(JmesPath(c.value, \"q\")))", CM_ERR_MISMATCH},
        {"JmesPath(c.value, \"a\"), valueType=\"Integer\"", CM_ERR_MISMATCH},
        {"JsonToClaimValue(JmesPath(c.value, \"a\")), valueType=\"String\"", CM_ERR_MISMATCH},
        {"AppendString(c.value, \"\")", CM_ERR_MISMATCH},
        {"AppendString(\"\", c.value)", CM_ERR_MISMATCH},
        {"JsonToClaimValue(JmesPath(c.value, \"a\"))", CM_ERR_MISMATCH},
        {"NegateBool(JsonToClaimValue(JmesPath(c.value, \"b\")))", CM_ERR_MISMATCH},
        {"ContainsOnlyValue(JsonToClaimValue(JmesPath(c.value, \"a\")), 1)", CM_OK},
        {"IsSubsetOf(JsonToClaimValue(JmesPath(c.value, \"a\")), 1)", CM_OK},
        {"c.type", CM_OK},
    };
    const char *json = "{\"pcrs\":{\"a\":1,\"b\":true,\"q\":\"x\"}}";
    char policy[1024] = "";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(policy, sizeof(policy),
                       "version=1.2; authorizationrules { => permit(); }; issuancerules {\n"
                       "c:[type==\"pcrs\"] => issue(type=\"r\", value=%s); };",
                       rows[i].value);
        CHECK_EQ(kit_decide(policy, json, issued, sizeof(issued)), rows[i].st);
        CHECK(rows[i].st == CM_OK || strstr(issued, "read-only") != NULL);
        /* adding is allowed: later rules examine it */
        (void)snprintf(policy, sizeof(policy),
                       "version=1.2; authorizationrules { => permit(); }; issuancerules {\n"
                       "c:[type==\"pcrs\"] => add(type=\"r\", value=%s); };",
                       rows[i].value);
        CHECK_EQ(kit_decide(policy, json, issued, sizeof(issued)), CM_OK);
    }
    CHECK_EQ(kit_decide("version=1.2; authorizationrules { => permit(); }; issuancerules { "
                        "c:[type==\"pcrs\"] => issue(claim=c); };",
                        json, issued, sizeof(issued)),
             CM_ERR_MISMATCH);
    CHECK_EQ(kit_decide("version=1.2; authorizationrules { c:[type==\"pcrs\"] && [type==\"want\", "
                        "value==JsonToClaimValue(JmesPath(c.value, \"a\"))] => permit(); };",
                        "{\"pcrs\":{\"a\":1},\"want\":1}", issued, sizeof(issued)),
             CM_OK);
}

/* an argument without a value fails; a claim without one is not made */
TEST(empty_values)
{
    FAILS("{\"c\":\"null\"}", "NegateBool(JsonToClaimValue(c.value))", "no value");
    CHECK_EQ(kit_decide("version=1.2; authorizationrules { [type==\"a\", "
                        "value!=JsonToClaimValue(\"null\")] => permit(); };",
                        "{\"a\":1}", issued, sizeof(issued)),
             CM_ERR_POLICY);
}

TEST(types_are_one_string)
{
    const char *head = "version=1.2; authorizationrules { => permit(); }; issuancerules { "
                       "c:[type==\"c\"] => issue(type=";
    char policy[512] = "";

    (void)snprintf(policy, sizeof(policy), "%s c.value, value=1); };", head);
    CHECK_EQ(kit_decide(policy, "{\"c\":\"x\"}", issued, sizeof(issued)), CM_OK);
    CHECK_STR(issued, "x=1");
    CHECK_EQ(kit_decide(policy, "{\"c\":1}", issued, sizeof(issued)), CM_ERR_MISMATCH);
    CHECK_EQ(kit_decide(policy, "{\"c\":\"\"}", issued, sizeof(issued)), CM_ERR_MISMATCH);
    CHECK_EQ(kit_decide(policy, "{\"c\":[\"a\",\"b\"]}", issued, sizeof(issued)), CM_ERR_MISMATCH);
}

/* Doubling a string with every rule would be 2^60 bytes: the budget ends it. */
TEST(growth_is_bounded)
{
    static char policy[16384];
    size_t used =
        (size_t)snprintf(policy, sizeof(policy),
                         "version=1.2; authorizationrules { => permit(); }; issuancerules "
                         "{ => add(type=\"s0\", value=\"0123456789\");\n");

    for (int i = 0; i < 60; i++) {
        used +=
            (size_t)snprintf(policy + used, sizeof(policy) - used,
                             "c:[type==\"s%d\"] => add(type=\"s%d\", value=AppendString(c.value, "
                             "c.value));\n",
                             i, i + 1);
    }
    (void)snprintf(policy + used, sizeof(policy) - used, "};");
    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_ERR_LIMIT);
    CHECK(strstr(issued, "too long") != NULL);
}

/* every claim against every claim of a large set: steps end it */
TEST(steps_are_bounded)
{
    struct cm_policy_claims *c = NULL;

    REQUIRE(cm_policy_claims_create(&c) == CM_OK);
    for (int i = 0; i < 8000; i++) {
        CHECK_EQ(cm_policy_claims_int(c, "c", i, CM_POLICY_SERVICE), CM_OK);
    }
    CHECK_EQ(kit_run("version=1.2; authorizationrules { c:[type==\"c\"] && d:[type==\"c\", "
                     "value==c.value] && [type==\"c\", value==d.value] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_ERR_LIMIT);
    CHECK(strstr(issued, "steps") != NULL);
    cm_policy_claims_free(c);
}

/* rules that add a set to itself double it: the number of claims is bounded */
TEST(claims_are_bounded)
{
    static char policy[8192];
    size_t used = (size_t)snprintf(policy, sizeof(policy),
                                   "version=1.0; authorizationrules { => permit(); "
                                   "=> add(type=\"c\", value=1);");

    for (int i = 0; i < 40; i++) {
        used += (size_t)snprintf(policy + used, sizeof(policy) - used,
                                 "c:[type==\"c\"] => add(type=\"c\", value=c.value);\n");
    }
    (void)snprintf(policy + used, sizeof(policy) - used, "};");
    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_ERR_LIMIT);
    CHECK(strstr(issued, "too many claims") != NULL);
}

TEST_MAIN
