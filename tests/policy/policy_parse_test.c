/* The grammar: what is refused, where and in which words; what is tolerated; warnings; the hash. */
#include "policy_kit.h"

#define AUTH "version=1.0; authorizationrules { "
#define V12  "version=1.2; authorizationrules { "
#define SYN  CM_ERR_SYNTAX

TEST(refused_where_and_why)
{
    static const struct {
        const char *text;
        enum cm_status st;
        size_t line;
        size_t column;
        const char *words;
    } rows[] = {
        {"", SYN, 1, 1, "empty"},
        {" \n // nothing\n", SYN, 3, 1, "empty"},
        {"versions=1.0;", SYN, 1, 1, "begins with version"},
        {"Version=1.0;", SYN, 1, 1, "begins with version"},
        {"version 1.0;", SYN, 1, 9, "'='"},
        {"version=1;", SYN, 1, 9, "1.0, 1.1 or 1.2"},
        {"version=\"1.0\";", SYN, 1, 9, "1.0, 1.1 or 1.2"},
        {"version=1.3;", CM_ERR_UNSUPPORTED, 1, 9, "versions 1.0, 1.1 and 1.2"},
        {"version=2.0;", CM_ERR_UNSUPPORTED, 1, 9, "versions"},
        {"version=1.00;", CM_ERR_UNSUPPORTED, 1, 9, "versions"},
        {"version=1.0", SYN, 1, 12, "';'"},
        {"version=1.0;", SYN, 1, 13, "no rules"},
        {"version=1.0;\nrules {};", SYN, 2, 1, "authorizationrules"},
        {"version=1.0; issuancerules {}; issuancerules {};", SYN, 1, 32, "stands twice"},
        {"version=1.0; configurationrules {};", CM_ERR_UNSUPPORTED, 1, 14, "version 1.1"},
        {"version=1.0; authorizationrules => permit();", SYN, 1, 33, "'{'"},
        {AUTH "=> permit()", SYN, 1, 46, "';'"},
        {AUTH "=> permit();", SYN, 1, 47, "condition"},
        {AUTH "=> permit() => deny(); };", SYN, 1, 47, "';'"},
        {AUTH "=> permit;", SYN, 1, 44, "'('"},
        {AUTH "=> permit(true); };", SYN, 1, 45, "')'"},
        {AUTH "=> allow(); };", SYN, 1, 38, "permit, deny"},
        {AUTH "=> Permit(); };", SYN, 1, 38, "permit, deny"},
        {AUTH "=> issueproperty(type=\"a\", value=1); };", SYN, 1, 38, "no place"},
        {"version=1.0; issuancerules { => permit(); };", SYN, 1, 33, "no place"},
        {"version=1.0; issuancerules { => deny(); };", SYN, 1, 33, "no place"},
        {"version=1.1; configurationrules { => permit(); };", SYN, 1, 38, "no place"},
        {"version=1.1; configurationrules { => issue(type=\"a\", value=1); };", SYN, 1, 38,
         "no place"},
        {AUTH "[] => permit(); };", SYN, 1, 36, "type, value"},
        {AUTH "[kind==\"a\"] => permit(); };", SYN, 1, 36, "type, value"},
        {AUTH "[type] => permit(); };", SYN, 1, 40, "comparison"},
        {AUTH "[type==] => permit(); };", SYN, 1, 42, "a value expected"},
        {AUTH "[type==\"a\" value==1] => permit(); };", SYN, 1, 46, "',' or ']'"},
        {AUTH "[type==\"a\",] => permit(); };", SYN, 1, 46, "type, value"},
        {AUTH "[type==\"a\"] [type==\"b\"] => permit(); };", SYN, 1, 47, "'&&'"},
        {AUTH "[type==\"a\"] & [type==\"b\"] => permit(); };", SYN, 1, 47, "no meaning"},
        {AUTH "[type==\"a\"] || [type==\"b\"] => permit(); };", SYN, 1, 47, "no meaning"},
        {AUTH "[type==\"a\"] && => permit(); };", SYN, 1, 50, "condition"},
        {AUTH "[type==\"a] => permit(); };", SYN, 1, 42, "does not end"},
        {AUTH "[type==\"a\nb\"] => permit(); };", SYN, 1, 42, "does not end"},
        {AUTH "[type==\"a\\q\"] => permit(); };", SYN, 1, 44, "escape"},
        {AUTH "[type==\"\\u12g4\"] => permit(); };", SYN, 1, 43, "hexadecimal"},
        {AUTH "[type==\"\\ud800\"] => permit(); };", SYN, 1, 43, "cannot stand"},
        {AUTH "[type==\"\\u0000\"] => permit(); };", SYN, 1, 43, "cannot stand"},
        {AUTH "[type==\"\x01\"] => permit(); };", SYN, 1, 43, "control character"},
        {AUTH "[type==\xe2\x80\x9c"
              "a\"] => permit(); };",
         SYN, 1, 42, "no meaning"},
        {AUTH "/* x */ => permit(); };", SYN, 1, 35, "no meaning"},
        {AUTH "[value==9223372036854775808] => permit(); };", SYN, 1, 43, "64 bits"},
        {AUTH "[value==12a] => permit(); };", SYN, 1, 45, "letter in a number"},
        {AUTH "[value==-] => permit(); };", SYN, 1, 44, "digit"},
        {AUTH "[value==1.5] => permit(); };", SYN, 1, 43, "a value expected"},
        {AUTH "[value<\"a\"] => permit(); };", SYN, 1, 41, "order"},
        {AUTH "[value>=true] => permit(); };", SYN, 1, 41, "order"},
        {AUTH "[type<\"a\"] => permit(); };", SYN, 1, 40, "order"},
        {AUTH "[issuer>1] => permit(); };", SYN, 1, 42, "order"},
        {AUTH "[type==1] => permit(); };", SYN, 1, 42, "type is a string"},
        {AUTH "[issuer==true] => permit(); };", SYN, 1, 44, "issuer is a string"},
        {AUTH "![type==\"a\"] => permit(); };", CM_ERR_UNSUPPORTED, 1, 35, "version 1.2"},
        {AUTH "[value==NegateBool(true)] => permit(); };", CM_ERR_UNSUPPORTED, 1, 43,
         "version 1.2"},
        {AUTH "c [type==\"a\"] => permit(); };", SYN, 1, 37, "':'"},
        {AUTH "c:[type==\"a\"] && c:[type==\"b\"] => permit(); };", SYN, 1, 52, "taken"},
        {AUTH "c:[value==c.value] => permit(); };", SYN, 1, 45, "bound by no condition"},
        {AUTH "[value==d.value] && d:[type==\"a\"] => permit(); };", SYN, 1, 43, "bound by no"},
        {AUTH "c:[type==\"a\"] && [value==c.size] => permit(); };", SYN, 1, 62, "type, value"},
        {AUTH "c:[type==\"a\"] => add(claim=d); };", SYN, 1, 62, "bound by no condition"},
        {AUTH "c:[type==\"a\"] => add(claim=\"c\"); };", SYN, 1, 62, "name expected"},
        {V12 "!c:[type==\"a\"] => add(type=\"b\", value=c.value); };", SYN, 1, 73, "no claim"},
        {AUTH "=> add(type=\"a\"); };", SYN, 1, 50, "its value"},
        {AUTH "=> add(value=1); };", SYN, 1, 49, "its type"},
        {AUTH "=> add(\"a\"); };", SYN, 1, 45, "','"},
        {AUTH "=> add(\"a\", type=\"b\", value=1); };", SYN, 1, 47, "stands twice"},
        {AUTH "=> add(type=\"a\", value=1, value=2); };", SYN, 1, 61, "stands twice"},
        {AUTH "=> add(type==\"a\", value=1); };", SYN, 1, 46, "'='"},
        {AUTH "=> add(type=\"a\", value=1, valueType=\"Float\"); };", SYN, 1, 71, "Boolean"},
        {AUTH "=> add(type=\"a\", value=1, issuer=\"AttestationService\"); };", SYN, 1, 68,
         "never by the service"},
        {V12 "[value==Sum(1)] => permit(); };", SYN, 1, 43, "not known"},
        {V12 "[value==JmesPath(\"a\")] => permit(); };", SYN, 1, 55, "','"},
        {V12 "[value==NegateBool(true, true)] => permit(); };", SYN, 1, 58, "')'"},
        {V12 "[value==NegateBool(1)] => permit(); };", SYN, 1, 54, "takes a boolean"},
        {V12 "[value==AppendString(\"a\", 1)] => permit(); };", SYN, 1, 61, "takes strings"},
        {V12 "[value==JsonToClaimValue(true)] => permit(); };", SYN, 1, 60, "takes strings"},
        {V12 "[value==JmesPath(\"a\", \"b.\")] => permit(); };", SYN, 1, 60, "in the query"},
        {V12 "[value==JmesPath(\"a\", \"b == 1\")] => permit(); };", SYN, 1, 63, "bare number"},
        {V12 "[value==JmesPath(\"a\", \"f(b)\")] => permit(); };", CM_ERR_UNSUPPORTED, 1, 60,
         "not known"},
        {"version=1.0;\n\xff", CM_ERR_FORMAT, 2, 1, "UTF-8"},
        {"\xef\xbb\xbfversion=1.0;", CM_ERR_FORMAT, 1, 1, "byte order mark"},
        {"version=1.0; // \xc3\xa4\xc3\xb6\nx", SYN, 2, 1, "authorizationrules"},
        {"version=1.0; authorizationrules { [type==\"\xc3\xa4\", x] => permit(); };", SYN, 1, 47,
         "type, value"},
        {AUTH "=> permit(); }; extra", SYN, 1, 51, "authorizationrules"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(kit_refused(rows[i].text, rows[i].st, rows[i].line, rows[i].column, rows[i].words));
    }
}

TEST(tolerated)
{
    static const char *const texts[] = {
        "version= 1.0;authorizationrules{=>permit();};issuancerules{};",
        "version = 1.2 ; AuthorizationRules { => permit ( ) ; } ; Issuancerules { }",
        "version=1.0; authorizationrules { => permit() }",
        "version=1.0; authorizationrules {\r\n=> permit()\r\n=> permit()\r\n};\r\n",
        "version=1.0; authorizationrules { c :[ type = \"a\" , issuer=\"AttestationService\" ] => "
        "permit(); };",
        "version=1.0; // a comment\nissuancerules { // }\n => issue(\"x\", value=true); };",
        "version=1.0; issuancerules { c:[type==\"a\"]=>issue(type=\"b\",value=c.value)\n}; // end",
        "version=1.2; authorizationrules { [type==\"\\\"\\\\\\/\\n\\u00e4\"] => permit(); };",
        "version=1.1; configurationrules {};",
        "version=1.0; issuancerules { => issue(type=\"a\", value=1, valueType=\"Integer\", "
        "issuer=\"CustomClaim\"); => issueproperty(type=\"report_validity_in_minutes\", "
        "value=1440); };",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cm_policy *p = kit_parse(texts[i]);

        CHECK(p != NULL);
        cm_policy_free(p);
    }
}

TEST(escapes_are_the_characters)
{
    char issued[256] = "";

    CHECK_EQ(kit_decide("version=1.0; authorizationrules { => permit(); }; issuancerules { => "
                        "issue(type=\"a\", value=\"\\\"\\\\\\/\\'\\n\\r\\t\\u00e4\\u20ac\"); };",
                        "{}", issued, sizeof(issued)),
             CM_OK);
    CHECK_STR(issued, "a='\"\\/'\n\r\t\xc3\xa4\xe2\x82\xac'");
}

/* all limits: one less is accepted, one more refused */
TEST(limits)
{
    static char text[CM_POLICY_MAX_TEXT + 64];
    struct cm_policy *p = NULL;
    struct cm_policy_error e;
    const char *tail = "};";

    for (unsigned more = 0; more < 2; more++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "version=1.0;authorizationrules{");

        for (unsigned i = 0; i < CM_POLICY_MAX_RULES + more; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "=>deny();");
        }
        (void)snprintf(text + n, sizeof(text) - n, "%s", tail);
        CHECK_EQ(cm_policy_parse(kit_span(text), &p, &e), more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_policy_free(p);

        n = (size_t)snprintf(text, sizeof(text), "version=1.0;authorizationrules{[type==\"a\"]");
        for (unsigned i = 1; i < 32 + more; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "&&[type==\"a\"]");
        }
        (void)snprintf(text + n, sizeof(text) - n, "=>deny();};");
        CHECK_EQ(cm_policy_parse(kit_span(text), &p, &e), more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_policy_free(p);

        n = (size_t)snprintf(text, sizeof(text), "version=1.0;authorizationrules{[value!=1");
        for (unsigned i = 1; i < 8 + more; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, ",value!=2");
        }
        (void)snprintf(text + n, sizeof(text) - n, "]=>deny();};");
        CHECK_EQ(cm_policy_parse(kit_span(text), &p, &e), more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_policy_free(p);

        n = (size_t)snprintf(text, sizeof(text), "version=1.2;authorizationrules{[value==");
        for (unsigned i = 1; i < 16 + more; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "NegateBool(");
        }
        n += (size_t)snprintf(text + n, sizeof(text) - n, "true");
        for (unsigned i = 1; i < 16 + more; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, ")");
        }
        (void)snprintf(text + n, sizeof(text) - n, "]=>deny();};");
        CHECK_EQ(cm_policy_parse(kit_span(text), &p, &e), more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_policy_free(p);

        memset(text, ' ', sizeof(text));
        memcpy(text, "version=1.0;issuancerules{};", 28);
        CHECK_EQ(cm_policy_parse(cm_span_make(text, CM_POLICY_MAX_TEXT + more), &p, &e),
                 more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_policy_free(p);
    }
}

/* every prefix of a policy is refused or a policy, and reading one touches nothing behind its end */
TEST(every_truncation_ends_well)
{
    const char *text =
        "version=1.2; configurationrules { => issueproperty(type=\"a\", value=1); };\n"
        "authorizationrules { c:[type==\"x\", value>=-1] && ![type==\"y\\\"\"] => "
        "permit(); };\nissuancerules { c:[type==\"x\"] => issue(type=\"z\", "
        "value=JmesPath(c.value, \"a[?b=='c'].d | [0]\")); };";
    size_t good = 0;

    for (size_t n = 0; n <= strlen(text); n++) {
        char *copy = malloc(n + 1); /* the sanitizers see the end */
        struct cm_policy *p = NULL;
        struct cm_policy_error e = {0};

        REQUIRE(copy != NULL);
        memcpy(copy, text, n);
        if (cm_policy_parse(cm_span_make(copy, n), &p, &e) == CM_OK) {
            good++;
        } else {
            CHECK(e.line != 0 && e.column != 0 && e.text[0] != '\0');
        }
        cm_policy_free(p);
        free(copy);
    }
    CHECK_EQ(good, 8); /* behind each section, its ';' and the line end behind that */
}

TEST(out_of_memory_leaves_nothing)
{
    const char *text =
        "version=1.2; authorizationrules { c:[type==\"x\"] => permit(); }; "
        "issuancerules { c:[type==\"x\"] => issue(type=\"z\", value=JmesPath(c.value, "
        "\"a[?b=='c'].d | [0]\")); };";
    struct cm_policy *p = NULL;
    long k = 0;

    for (k = 1; k < 100; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_policy_parse(kit_span(text), &p, NULL);
        fail_alloc_at(-1);
        if (st == CM_OK) {
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
        CHECK(p == NULL);
    }
    CHECK(k > 3 && k < 100);
    cm_policy_free(p);
}

TEST(evaluation_out_of_memory_refuses)
{
    struct cm_policy *p = kit_parse("version=1.2; authorizationrules { c:[type==\"c\"] && "
                                    "[value==AppendString(\"a\", c.value)] => permit(); };");
    struct cm_policy_claims *c = kit_claims("{\"c\":\"x\",\"d\":\"ax\"}");
    long k = 0;

    REQUIRE(p != NULL && c != NULL);
    for (k = 1; k < 100; k++) {
        struct cm_policy_outcome *o = NULL;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_policy_evaluate(p, c, 0, &o);
        fail_alloc_at(-1);
        cm_policy_outcome_free(o);
        if (st == CM_OK) {
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
    }
    CHECK(k > 1 && k < 100);
    cm_policy_claims_free(c);
    cm_policy_free(p);
}

TEST(warnings)
{
    static const struct {
        const char *rules;
        size_t column;
        const char *words;
    } rows[] = {
        {"=> permit();", 33, "whatever is genuine"},
        {"[value==true] => permit();", 33, "without a type"},
        {"[type==\"a\", issuer==\"attestationservice\"] => permit();", 53,
         "no claim has this issuer"},
        {"[type==\"a\", value==\"ABCDEF0123456789ABCDEF0123456789\"] => permit();", 52, "capital"},
        {"[type==\"a\"] => deny();", 1, "no rule permits"},
        {"[type==\"a\"] => permit(); => issue(type=\"a\", value=1);", 58, "only adds"},
    };
    struct cm_policy_error e;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256] = "";
        struct cm_policy *p = NULL;

        (void)snprintf(text, sizeof(text), "version=1.0;authorizationrules{ %s};", rows[i].rules);
        p = kit_parse(text);
        REQUIRE(p != NULL);
        CHECK_EQ(cm_policy_warning(p, 0, &e), CM_OK);
        CHECK_EQ(e.column, rows[i].column);
        CHECK(strstr(e.text, rows[i].words) != NULL);
        CHECK_EQ(cm_policy_warning(p, 1, &e), CM_ERR_NOTFOUND);
        cm_policy_free(p);
    }
    {
        struct cm_policy *p =
            kit_parse("version=1.0;authorizationrules{ [type==\"a\", "
                      "value==\"abcdef0123456789abcdef0123456789\"]=>permit();};");

        CHECK_EQ(cm_policy_warning(p, 0, &e), CM_ERR_NOTFOUND);
        CHECK_STR(cm_policy_version(p), "1.0");
        CHECK_EQ(cm_policy_rules(p), 1);
        cm_policy_free(p);
    }
}

/* the hash that Azure Attestation's documented TDX token names, of the default policy of that type */
TEST(hash_is_that_of_azure)
{
    char hash[CM_POLICY_HASH_CAP] = "";

    CHECK_EQ(cm_policy_hash(kit_span("version= 1.0;\n\nauthorizationrules\n{\n    => permit();\n};"
                                     "\n\nissuancerules\n{\n};"),
                            hash),
             CM_OK);
    CHECK_STR(hash, "B56nbp5slhw66peoRYkpdq1WykMkEworvdol08hnMXE");
}

TEST_MAIN
