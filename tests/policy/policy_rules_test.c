/* What rules mean: sections, conditions, operators, issuers, sets, and the default, which is to refuse. */
#include "policy_kit.h"

static char issued[4096];

#define PERMITS(conditions, json) CHECK_EQ(kit_if(conditions, json), CM_OK)
#define REFUSES(conditions, json) CHECK_EQ(kit_if(conditions, json), CM_ERR_POLICY)

TEST(no_policy_refuses)
{
    struct cm_policy_claims *c = kit_claims("{\"a\":1}");
    struct cm_policy_outcome *o = NULL;

    REQUIRE(c != NULL);
    CHECK_EQ(cm_policy_evaluate(NULL, c, 0, &o), CM_ERR_POLICY);
    REQUIRE(o != NULL);
    CHECK(strstr(cm_policy_outcome_reason(o), "no policy") != NULL);
    cm_policy_outcome_free(o);
    cm_policy_claims_free(c);
    cm_policy_outcome_free(NULL);
    cm_policy_free(NULL);
    cm_policy_claims_free(NULL);
}

TEST(wrong_arguments_are_refused)
{
    struct cm_policy *p = kit_parse("version=1.0; authorizationrules { => permit(); };");
    struct cm_policy_claims *c = kit_claims("{}");

    CHECK_EQ(cm_policy_evaluate(p, NULL, 0, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_policy_evaluate(p, c, 2, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_policy_evaluate(p, c, 0, NULL), CM_OK);
    cm_policy_claims_free(c);
    cm_policy_free(p);
}

TEST(without_a_rule_that_permits_it_is_refused)
{
    CHECK_EQ(kit_decide("version=1.0; issuancerules {};", "{}", issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK(strstr(issued, "no rule that permits") != NULL);
    CHECK_EQ(kit_decide("version=1.0; authorizationrules {}; issuancerules { "
                        "=> issue(type=\"a\", value=1); };",
                        "{}", issued, sizeof(issued)),
             CM_ERR_POLICY);
}

TEST(deny_wins_over_permit_wherever_it_stands)
{
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => permit(); => deny(); };", "{}",
                        issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK(strstr(issued, "denied by the rule of line 1") != NULL);
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => deny(); => permit(); };", "{}",
                        issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK_EQ(
        kit_decide("version=1.0; authorizationrules { => permit(); [type==\"a\"] => deny(); };",
                   "{}", issued, sizeof(issued)),
        CM_OK);
}

TEST(sections_are_evaluated_in_their_own_order)
{
    CHECK_EQ(kit_decide("version=1.1; issuancerules { [type==\"x\", value==2] => "
                        "issue(type=\"seen\", value=true); }; authorizationrules { "
                        "[type==\"p\", value==1] => add(type=\"x\", value=2); => permit(); }; "
                        "configurationrules { => issueproperty(type=\"p\", value=1); };",
                        "{}", issued, sizeof(issued)),
             CM_OK);
    CHECK_STR(issued, "seen=true");
}

TEST(rules_see_only_what_was_added_before_them)
{
    const char *policy = "version=1.0; authorizationrules { => permit(); }; issuancerules {\n"
                         "[type==\"a\"] => issue(type=\"early\", value=true);\n"
                         "=> add(type=\"a\", value=1);\n"
                         "[type==\"a\"] => issue(type=\"late\", value=true); };";

    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_OK);
    CHECK_STR(issued, "late=true");
}

TEST(integers_have_six_operators)
{
    PERMITS("[type==\"a\", value==5]", "{\"a\":5}");
    PERMITS("[type==\"a\", value!=4]", "{\"a\":5}");
    PERMITS("[type==\"a\", value<6]", "{\"a\":5}");
    PERMITS("[type==\"a\", value<=5]", "{\"a\":5}");
    PERMITS("[type==\"a\", value>4]", "{\"a\":5}");
    PERMITS("[type==\"a\", value>=5]", "{\"a\":5}");
    PERMITS("[type==\"a\", value>-6]", "{\"a\":-5}");
    REFUSES("[type==\"a\", value==4]", "{\"a\":5}");
    REFUSES("[type==\"a\", value!=5]", "{\"a\":5}");
    REFUSES("[type==\"a\", value<5]", "{\"a\":5}");
    REFUSES("[type==\"a\", value<=4]", "{\"a\":5}");
    REFUSES("[type==\"a\", value>5]", "{\"a\":5}");
    REFUSES("[type==\"a\", value>=6]", "{\"a\":5}");
    PERMITS("[type==\"a\", value==9223372036854775807]", "{\"a\":9223372036854775807}");
    PERMITS("[type==\"a\", value==-9223372036854775808]", "{\"a\":-9223372036854775808}");
}

TEST(strings_and_booleans_are_equal_or_not)
{
    PERMITS("[type==\"a\", value==\"x\"]", "{\"a\":\"x\"}");
    PERMITS("[type==\"a\", value!=\"y\"]", "{\"a\":\"x\"}");
    REFUSES("[type==\"a\", value==\"X\"]", "{\"a\":\"x\"}");
    REFUSES("[type==\"a\", value==\"xx\"]", "{\"a\":\"x\"}");
    PERMITS("[type==\"a\", value==true]", "{\"a\":true}");
    REFUSES("[type==\"a\", value==true]", "{\"a\":false}");
    PERMITS("[type==\"a\", value!=true]", "{\"a\":false}");
    PERMITS("[type = \"a\", value = \"x\"]", "{\"a\":\"x\"}");
}

/* "1", 1 and true are three values: none passes for another */
TEST(values_of_other_types_are_never_equal)
{
    REFUSES("[type==\"a\", value==1]", "{\"a\":\"1\"}");
    REFUSES("[type==\"a\", value==\"1\"]", "{\"a\":1}");
    REFUSES("[type==\"a\", value==true]", "{\"a\":\"true\"}");
    REFUSES("[type==\"a\", value==true]", "{\"a\":1}");
    REFUSES("[type==\"a\", value>=0]", "{\"a\":\"7\"}");
    REFUSES("[type==\"a\", value>=0]", "{\"a\":true}");
    PERMITS("[type==\"a\", value!=1]", "{\"a\":\"1\"}");
}

TEST(an_absent_claim_satisfies_nothing)
{
    REFUSES("[type==\"a\"]", "{}");
    REFUSES("[type==\"a\", value!=1]", "{}");
    REFUSES("[type==\"a\"]", "{\"A\":1,\"aa\":1,\"\\u00e4\":1}");
    REFUSES("[type==\"a\"]", "{\"a\":null}");
}

TEST(all_properties_are_of_one_claim)
{
    /* value 2 belongs to b: no claim is both */
    REFUSES("[type==\"a\", value==2]", "{\"a\":1,\"b\":2}");
    PERMITS("[type==\"a\"] && [value==2]", "{\"a\":1,\"b\":2}");
    PERMITS("[type==\"a\", value==2]", "{\"a\":[1,2,3]}");
}

TEST(conditions_all_hold)
{
    PERMITS("[type==\"a\", value==1] && [type==\"b\", value==2]", "{\"a\":1,\"b\":2}");
    REFUSES("[type==\"a\", value==1] && [type==\"b\", value==3]", "{\"a\":1,\"b\":2}");
    REFUSES("[type==\"a\", value==3] && [type==\"b\", value==2]", "{\"a\":1,\"b\":2}");
}

TEST(not_means_no_such_claim)
{
    PERMITS("![type==\"x\"]", "{\"a\":1}");
    REFUSES("![type==\"a\"]", "{\"a\":1}");
    PERMITS("![type==\"a\", value==2]", "{\"a\":1}");
    REFUSES("![type==\"a\", value==2]", "{\"a\":[1,2]}");
    PERMITS("[type==\"a\"] && ![type==\"b\"]", "{\"a\":1}");
}

TEST(properties_type_issuer_and_value_type)
{
    PERMITS("[issuer==\"AttestationService\", value==7]", "{\"a\":7}");
    REFUSES("[type==\"a\", issuer==\"AttestationPolicy\"]", "{\"a\":7}");
    REFUSES("[type==\"a\", issuer==\"attestationservice\"]", "{\"a\":7}");
    PERMITS("[type==\"a\", issuer!=\"AttestationPolicy\"]", "{\"a\":7}");
    PERMITS("[type==\"a\", valueType==\"Integer\"]", "{\"a\":7}");
    PERMITS("[type==\"a\", valueType==\"String\"]", "{\"a\":\"\"}");
    PERMITS("[type==\"a\", valueType==\"Boolean\"]", "{\"a\":false}");
    REFUSES("[type==\"a\", valueType==\"String\"]", "{\"a\":7}");
    PERMITS("[type!=\"b\"]", "{\"a\":7}");
    REFUSES("[type!=\"a\"]", "{\"a\":7}");
}

TEST(a_name_stands_for_all_claims_that_matched)
{
    PERMITS("f:[type==\"a\"] && [type==\"b\", value==f.value]", "{\"a\":[1,2],\"b\":2}");
    REFUSES("f:[type==\"a\"] && [type==\"b\", value==f.value]", "{\"a\":[1,2],\"b\":3}");
    PERMITS("f:[type==\"a\"] && [type==\"b\", value!=f.value]", "{\"a\":[1,2],\"b\":3}");
    REFUSES("f:[type==\"a\"] && [type==\"b\", value!=f.value]", "{\"a\":[1,2],\"b\":2}");
    PERMITS("f:[type==\"a\"] && [type==\"b\", value>f.value]", "{\"a\":1,\"b\":2}");
    /* an order to a set is none */
    REFUSES("f:[type==\"a\"] && [type==\"b\", value>f.value]", "{\"a\":[0,1],\"b\":2}");
    PERMITS("f:[type==\"a\"] && [type==\"b\", issuer==f.issuer]", "{\"a\":1,\"b\":2}");
    PERMITS("f:[type==\"a\"] && [type==f.value, value==2]", "{\"a\":\"b\",\"b\":2}");
}

TEST(issuing_keeps_types_and_makes_one_claim_of_each_value)
{
    const char *policy = "version=1.0; authorizationrules { => permit(); }; issuancerules {\n"
                         "c:[type==\"a\"] => issue(type=\"x\", value=c.value);\n"
                         "c:[type==\"a\", value==2] => issue(claim=c);\n"
                         "c:[type==\"a\", value==2] => issue(type=c.type, value=\"again\");\n"
                         "=> issue(\"positional\", value=\"s\");\n"
                         "=> issue(type=\"b\", value=true); => issue(value=-3, type=\"n\"); };";

    CHECK_EQ(kit_decide(policy, "{\"a\":[1,2]}", issued, sizeof(issued)), CM_OK);
    CHECK_STR(issued, "x=1 x=2 a=2 a='again' positional='s' b=true n=-3");
}

TEST(value_type_converts_or_fails)
{
    const char *head = "version=1.0; authorizationrules { => permit(); }; issuancerules {";
    char policy[512] = "";

    (void)snprintf(policy, sizeof(policy),
                   "%s => issue(type=\"a\", value=\"12\", valueType=\"Integer\"); => issue(type="
                   "\"b\", value=\"true\", valueType=\"Boolean\"); => issue(type=\"c\", value=3, "
                   "valueType=\"String\"); };",
                   head);
    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_OK);
    CHECK_STR(issued, "a=12 b=true c='3'");
    (void)snprintf(policy, sizeof(policy),
                   "%s => issue(type=\"a\", value=\"x\", valueType=\"Integer\"); };", head);
    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_ERR_MISMATCH);
    (void)snprintf(policy, sizeof(policy),
                   "%s => issue(type=\"a\", value=1, valueType=\"Boolean\"); };", head);
    CHECK_EQ(kit_decide(policy, "{}", issued, sizeof(issued)), CM_ERR_MISMATCH);
}

TEST(what_a_policy_adds_says_so)
{
    PERMITS("![type==\"x\"]", "{}");
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => add(type=\"x\", value=1); "
                        "[type==\"x\", issuer==\"AttestationPolicy\"] => permit(); };",
                        "{}", issued, sizeof(issued)),
             CM_OK);
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => add(type=\"x\", value=1); "
                        "[type==\"x\", issuer==\"AttestationService\"] => permit(); };",
                        "{}", issued, sizeof(issued)),
             CM_ERR_POLICY);
}

/* the published key attestation policy issues where it authorizes: nothing leaves from there */
TEST(issue_in_authorizationrules_only_adds)
{
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => issue(type=\"x\", value=1); "
                        "[type==\"x\", value==1] => permit(); };",
                        "{}", issued, sizeof(issued)),
             CM_OK);
    CHECK_STR(issued, "");
}

TEST(properties_are_apart_from_issued_claims)
{
    struct cm_policy *p =
        kit_parse("version=1.1; configurationrules { => issueproperty(type=\"required_pcr_mask\", "
                  "value=15); }; authorizationrules { => permit(); };");
    struct cm_policy_claims *c = kit_claims("{}");
    struct cm_policy_outcome *o = NULL;
    struct cm_policy_claim claim;

    REQUIRE(p != NULL && c != NULL);
    CHECK_EQ(cm_policy_evaluate(p, c, 0, &o), CM_OK);
    CHECK(!cm_policy_outcome_claim(o, 0, &claim));
    REQUIRE(cm_policy_outcome_property(o, 0, &claim));
    CHECK_EQ(claim.number, 15);
    CHECK(!cm_policy_outcome_property(o, 1, &claim));
    cm_policy_outcome_free(o);
    cm_policy_claims_free(c);
    cm_policy_free(p);
}

/* nothing of a refused evaluation can be taken for issued */
TEST(a_refusal_issues_nothing)
{
    const char *policy =
        "version=1.2; configurationrules { => issueproperty(type=\"p\", value=1); };"
        "authorizationrules { => permit(); }; issuancerules {\n"
        "=> issue(type=\"a\", value=1);\n=> issue(type=\"b\", "
        "value=JsonToClaimValue(\"{}\")); };";
    struct cm_policy *p = kit_parse(policy);
    struct cm_policy_claims *c = kit_claims("{}");
    struct cm_policy_outcome *o = NULL;
    struct cm_policy_claim claim;

    REQUIRE(p != NULL && c != NULL);
    CHECK_EQ(cm_policy_evaluate(p, c, 0, &o), CM_ERR_MISMATCH);
    REQUIRE(o != NULL);
    CHECK(!cm_policy_outcome_claim(o, 0, &claim));
    CHECK(!cm_policy_outcome_property(o, 0, &claim));
    CHECK_EQ(cm_policy_outcome_line(o), 3);
    CHECK(strstr(cm_policy_outcome_reason(o), "cannot be evaluated") != NULL);
    cm_policy_outcome_free(o);
    cm_policy_claims_free(c);
    cm_policy_free(p);
}

/* Policies from before 2021 write $x; today's name is what the bridge gives. */
TEST(dollar_names_mean_the_incoming_claim)
{
    PERMITS("[type==\"$is-debuggable\", value==false]", "{\"x-ms-sgx-is-debuggable\":false}");
    REFUSES("[type==\"$is-debuggable\", value==false]", "{\"x-ms-sgx-is-debuggable\":true}");
    PERMITS("[type==\"$product-id\", value==7]", "{\"x-ms-sgx-product-id\":7}");
    PERMITS("[type==\"$svn\", value>=3]", "{\"x-ms-sgx-svn\":3}");
    PERMITS("[type==\"$min-svn\", value>=3]", "{\"x-ms-sgx-svn\":3}");
    PERMITS("[type==\"$sgx-mrsigner\", value==\"ab\"]", "{\"x-ms-sgx-mrsigner\":\"ab\"}");
    PERMITS("[type==\"$sgx-mrenclave\", value==\"ab\"]", "{\"x-ms-sgx-mrenclave\":\"ab\"}");
    PERMITS("[type==\"$tee\", value==\"sgx\"]", "{\"x-ms-attestation-type\":\"sgx\"}");
    PERMITS("[type==\"$maa-ehd\", value==\"q\"]", "{\"maa-ehd\":\"q\"}");
    PERMITS("[type==\"$svn\", value==1]", "{\"$svn\":1,\"x-ms-sgx-svn\":3}");
    REFUSES("[type==\"$svn\", value==3]", "{\"$svn\":1,\"x-ms-sgx-svn\":3}");
    /* a claim that the policy added is no incoming one */
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => add(type=\"svn\", value=9); "
                        "[type==\"$svn\", value==9] => permit(); };",
                        "{}", issued, sizeof(issued)),
             CM_ERR_POLICY);
}

/* The attester's own words never satisfy a rule that does not ask for them by issuer. */
TEST(custom_claims_are_seen_only_when_asked_for)
{
    struct cm_policy_claims *c = NULL;

    REQUIRE(cm_policy_claims_create(&c) == CM_OK);
    CHECK_EQ(cm_policy_claims_text(c, "x-ms-sgx-mrsigner", kit_span("ab"), CM_POLICY_CUSTOM),
             CM_OK);
    CHECK_EQ(cm_policy_claims_bool(c, "x-ms-sgx-is-debuggable", false, CM_POLICY_CUSTOM), CM_OK);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"x-ms-sgx-mrsigner\", "
                     "value==\"ab\"] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"$sgx-mrsigner\"] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [value==false] => permit(); };", c, issued,
                     sizeof(issued)),
             CM_ERR_POLICY);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"x-ms-sgx-mrsigner\", "
                     "issuer==\"AttestationService\"] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_ERR_POLICY);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"x-ms-sgx-mrsigner\", "
                     "issuer==\"CustomClaim\"] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_OK);
    cm_policy_claims_free(c);
}

TEST(emulated_claims_need_a_rule_that_names_them)
{
    const char *json = "{\"casemate.emulated\":true,\"a\":1}";
    struct cm_policy *p =
        kit_parse("version=1.0; authorizationrules { [type==\"a\"] => permit(); };");
    struct cm_policy_claims *c = kit_claims(json);

    REFUSES("[type==\"a\"]", json);
    REFUSES("", json);
    REFUSES("[type==\"casemate.emulated\"]", json);
    REFUSES("[type==\"casemate.emulated\", value!=false]", json);
    REFUSES("[value==true] && [type==\"a\"]", json);
    REFUSES("![type==\"casemate.emulated\", value==false]", json);
    PERMITS("[type==\"casemate.emulated\", value==true]", json);
    PERMITS("[type==\"a\"] && [value==true, type==\"casemate.emulated\"]", json);
    PERMITS("[type==\"a\"]", "{\"casemate.emulated\":false,\"a\":1}");
    /* a word in the place of a boolean is no "no" */
    REFUSES("[type==\"a\"]", "{\"casemate.emulated\":\"false\",\"a\":1}");
    CHECK_EQ(cm_policy_evaluate(p, c, 0, NULL), CM_ERR_POLICY);
    CHECK_EQ(cm_policy_evaluate(p, c, CM_POLICY_ALLOW_EMULATED, NULL), CM_OK);
    cm_policy_claims_free(c);
    cm_policy_free(p);
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => permit(); };", json, issued,
                        sizeof(issued)),
             CM_ERR_POLICY);
    CHECK(strstr(issued, "EMULATED") != NULL);
    /* the rule that names it must be one that permits */
    CHECK_EQ(kit_decide("version=1.0; authorizationrules { [type==\"casemate.emulated\", "
                        "value==true] => add(type=\"x\", value=1); => permit(); };",
                        json, issued, sizeof(issued)),
             CM_ERR_POLICY);
}

/* nor can the attester's word take back what the service says, or say it in its place */
TEST(the_gates_listen_to_the_service_only)
{
    struct cm_policy_claims *c = kit_claims("{\"a\":1}");

    REQUIRE(c != NULL);
    CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", true, CM_POLICY_CUSTOM), CM_OK);
    CHECK_EQ(cm_policy_claims_bool(c, "casemate.genuine", false, CM_POLICY_CUSTOM), CM_OK);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"a\"] => permit(); };", c, issued,
                     sizeof(issued)),
             CM_OK);
    CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", true, CM_POLICY_SERVICE), CM_OK);
    CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", false, CM_POLICY_CUSTOM), CM_OK);
    CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", false, CM_POLICY_SERVICE), CM_OK);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"a\"] => permit(); };", c, issued,
                     sizeof(issued)),
             CM_ERR_POLICY);
    cm_policy_claims_free(c);
}

TEST(evidence_that_is_not_genuine_is_never_permitted)
{
    REFUSES("", "{\"casemate.genuine\":false}");
    REFUSES("[type==\"casemate.genuine\", value==false]", "{\"casemate.genuine\":false}");
    REFUSES("", "{\"casemate.genuine\":\"true\"}");
    PERMITS("[type==\"casemate.genuine\", value==true]", "{\"casemate.genuine\":true}");
}

TEST(incoming_claims_can_be_looked_through)
{
    struct cm_policy_claims *c = kit_claims("{\"a\":1,\"b\":[true,\"x\"],\"o\":{\"p\":2}}");
    struct cm_policy_claim out;

    REQUIRE(c != NULL);
    CHECK(cm_policy_claims_at(c, 0, &out));
    CHECK(out.value_type == CM_POLICY_INT && out.number == 1);
    CHECK(cm_policy_claims_at(c, 2, &out));
    CHECK(out.text.len == 1 && out.text.ptr[0] == 'x' && out.type.ptr[0] == 'b');
    CHECK(cm_policy_claims_at(c, 3, &out));
    CHECK(out.text.len == 7 && memcmp(out.text.ptr, "{\"p\":2}", 7) == 0);
    CHECK(!cm_policy_claims_at(c, 4, &out));
    cm_policy_claims_free(c);
}

TEST_MAIN
