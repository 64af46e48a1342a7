/* Canonical JSON against the examples and numbers that RFC 8785 publishes, and against hostile texts. */
#include <inttypes.h>

#include "harness.h"
#include "kbs/kbs_jcs.h"

static char *canonical(const char *text, enum cm_status *st)
{
    struct cm_why why = {""};
    uint8_t *out = NULL;
    size_t len = 0;
    char *copy = NULL;

    *st = cm_jcs_text((struct cm_span){(const uint8_t *)text, strlen(text)}, &out, &len, &why);
    if (*st == CM_OK) {
        copy = strndup((const char *)out, len);
        free(out);
    }
    return copy;
}

static void expect(const char *text, const char *wanted)
{
    enum cm_status st = CM_OK;
    char *got = canonical(text, &st);

    CHECK_EQ(st, CM_OK);
    CHECK_STR(got, wanted);
    free(got);
}

static void refuse(const char *text, enum cm_status wanted)
{
    enum cm_status st = CM_OK;
    char *got = canonical(text, &st);

    CHECK_EQ(st, wanted);
    CHECK(got == NULL);
    free(got);
}

/* section 3.2.2 and 3.2.4 */
TEST(example_of_the_rfc)
{
    expect("{\n  \"numbers\": [333333333.33333329, 1E30, 4.50,\n    2e-3, "
           "0.000000000000000000000000001],\n"
           "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
           "  \"literals\": [null, true, false]\n}",
           "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
           "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* section 3.2.3: by UTF-16, in which a smiley comes before a Hebrew presentation form */
TEST(order_of_names_of_the_rfc)
{
    expect(
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet "
        "With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":"
        "\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin "
        "Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":"
        "\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

/* appendix B */
TEST(numbers_of_the_rfc)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } all[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
        /* 2 to the -44: the shortest is not the nearest of its length */
        {0x3d30000000000000, "5.684341886080802e-14"},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char text[40] = "";
        char got[CM_JCS_NUMBER_CAP] = "";
        double v = 0;

        memcpy(&v, &all[i].bits, sizeof(v));
        (void)snprintf(text, sizeof(text), "%.17g", v);
        CHECK_EQ(cm_jcs_number((struct cm_span){(const uint8_t *)text, strlen(text)}, got), CM_OK);
        CHECK_STR(got, all[i].text);
    }
}

TEST(structures_keep_their_order_and_lose_their_space)
{
    expect("[ 56 , { \"d\" : true, \"10\" : null, \"1\" : [ ] } ]",
           "[56,{\"1\":[],\"10\":null,\"d\":true}]");
    expect(
        "{\"1\": {\"f\": {\"f\": \"hi\",\"F\": 5} ,\"\\n\": 56.0}, \"10\": { }, \"\": \"empty\", "
        "\"a\": { }, \"111\": [ {\"e\": \"yes\",\"E\": \"no\" } ], \"A\": { } }",
        "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},\"10\":{},\"111\":[{\"E\":"
        "\"no\",\"e\":\"yes\"}],\"A\":{},\"a\":{}}");
    expect("\"\\u0007\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\"",
           "\"\\u0007\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\"");
    expect("-0.0", "0");
    expect("123456789012345678901234567890", "1.2345678901234568e+29");
}

TEST(what_the_rfc_excludes_is_refused)
{
    refuse("{\"a\":1,\"\\u0061\":2}", CM_ERR_FORMAT);
    refuse("\"\\ud800\"", CM_ERR_FORMAT);
    refuse("1e400", CM_ERR_LIMIT);
    refuse("{\"a\":1", CM_ERR_SYNTAX);
    refuse("", CM_ERR_SYNTAX);
}

TEST(what_is_canonical_stays)
{
    uint64_t seed = 88172645463325252u;

    for (int i = 0; i < 4000; i++) {
        char text[40] = "";
        char once[CM_JCS_NUMBER_CAP] = "";
        char twice[CM_JCS_NUMBER_CAP] = "";
        double v = 0;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        memcpy(&v, &seed, sizeof(v));
        if (v != v || v > 1.7976931348623157e+308 || v < -1.7976931348623157e+308) {
            continue;
        }
        (void)snprintf(text, sizeof(text), "%.17g", v);
        CHECK_EQ(cm_jcs_number((struct cm_span){(const uint8_t *)text, strlen(text)}, once), CM_OK);
        CHECK(strtod(once, NULL) == v);
        CHECK_EQ(cm_jcs_number((struct cm_span){(const uint8_t *)once, strlen(once)}, twice),
                 CM_OK);
        CHECK_STR(once, twice);
    }
}

TEST(out_of_memory_is_said)
{
    const char *text = "{\"b\":[1,2,{\"c\":\"d\"}],\"a\":null}";
    bool done = false;

    for (long k = 1; !done && k < 20; k++) {
        uint8_t *out = NULL;
        size_t len = 0;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_jcs_text((struct cm_span){(const uint8_t *)text, strlen(text)}, &out, &len, NULL);
        done = !fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(st == (done ? CM_OK : CM_ERR_NOMEM));
        free(out);
    }
    CHECK(done);
}

TEST_MAIN
