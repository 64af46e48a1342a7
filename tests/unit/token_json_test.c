/* The strict JSON reader and writer: what must be refused first, then values, then round trips. */
#include "harness.h"

#include "token/json.h"

#define MAX_NODES 4096
static struct cm_json_node nodes[MAX_NODES];

static enum cm_status parse(const char *text, struct cm_json *out)
{
    return cm_json_parse(cm_span_make(text, strlen(text)), nodes, MAX_NODES, out, NULL);
}

static struct cm_json_value member(const struct cm_json *doc, const char *name)
{
    return cm_json_get(cm_json_root(doc), name);
}

TEST(malformed_texts_are_refused)
{
    static const struct {
        const char *text;
        enum cm_status want;
    } bad[] = {
        {"", CM_ERR_SYNTAX},
        {" ", CM_ERR_SYNTAX},
        {"{", CM_ERR_SYNTAX},
        {"[", CM_ERR_SYNTAX},
        {"[1", CM_ERR_SYNTAX},
        {"[1,]", CM_ERR_SYNTAX},
        {"[,1]", CM_ERR_SYNTAX},
        {"{\"a\"}", CM_ERR_SYNTAX},
        {"{\"a\":}", CM_ERR_SYNTAX},
        {"{\"a\":1,}", CM_ERR_SYNTAX},
        {"{a:1}", CM_ERR_SYNTAX},
        {"{1:1}", CM_ERR_SYNTAX},
        {"[1}", CM_ERR_SYNTAX},
        {"{\"a\":1]", CM_ERR_SYNTAX},
        {"1 2", CM_ERR_SYNTAX},
        {"{} {}", CM_ERR_SYNTAX},
        {"01", CM_ERR_SYNTAX},
        {"-", CM_ERR_SYNTAX},
        {"+1", CM_ERR_SYNTAX},
        {"1.", CM_ERR_SYNTAX},
        {".5", CM_ERR_SYNTAX},
        {"1e", CM_ERR_SYNTAX},
        {"0x10", CM_ERR_SYNTAX},
        {"NaN", CM_ERR_SYNTAX},
        {"tru", CM_ERR_SYNTAX},
        {"True", CM_ERR_SYNTAX},
        {"nul", CM_ERR_SYNTAX},
        {"'a'", CM_ERR_SYNTAX},
        {"\"a", CM_ERR_SYNTAX},
        {"\"a\nb\"", CM_ERR_SYNTAX},
        {"// c\n1", CM_ERR_SYNTAX},
        {"\xef\xbb\xbf{}", CM_ERR_SYNTAX},
        {"\"\\x\"", CM_ERR_FORMAT},
        {"\"\\u12g4\"", CM_ERR_FORMAT},
        {"\"\\u0000\"", CM_ERR_FORMAT},
        {"\"\\ud800\"", CM_ERR_FORMAT},
        {"\"\\ud800\\u0041\"", CM_ERR_FORMAT},
        {"\"\\udc00\"", CM_ERR_FORMAT},
        {"\"\xc0\x80\"", CM_ERR_FORMAT},
        {"\"\xed\xa0\x80\"", CM_ERR_FORMAT},
        {"\"\xf4\x90\x80\x80\"", CM_ERR_FORMAT},
        {"\"\xff\"", CM_ERR_FORMAT},
        {"{\"a\":1,\"a\":1}", CM_ERR_FORMAT},
        {"{\"a\":1,\"\\u0061\":1}", CM_ERR_FORMAT},
        {"{\"x\":{\"b\":1,\"c\":[{}],\"b\":2}}", CM_ERR_FORMAT},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cm_json doc = {{NULL, 0}, NULL, 0};
        enum cm_status st = parse(bad[i].text, &doc);

        if (st != bad[i].want) {
            TEST_FAIL("%s gives %d, not %d", bad[i].text, (int)st, (int)bad[i].want);
        }
        CHECK(doc.nodes == NULL);
    }
}

TEST(nul_byte_in_the_text_is_refused)
{
    struct cm_json doc;

    CHECK_EQ(cm_json_parse(cm_span_make("\"a\0b\"", 5), nodes, MAX_NODES, &doc, NULL),
             CM_ERR_SYNTAX);
    CHECK_EQ(cm_json_parse(cm_span_make("1\0", 2), nodes, MAX_NODES, &doc, NULL), CM_ERR_SYNTAX);
    CHECK_EQ(cm_json_parse(cm_span_make("\"\\\0\"", 4), nodes, MAX_NODES, &doc, NULL),
             CM_ERR_FORMAT);
}

TEST(every_truncation_is_refused)
{
    const char *text = "{\"a\":[1,-2.5e+3,true,{\"b\":\"\\u00e9\\ud83d\\ude00\"}],\"c\":null}";
    struct cm_json doc;

    for (size_t n = 0; n < strlen(text); n++) {
        char *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, text, n);
        CHECK(cm_json_parse(cm_span_make(exact, n), nodes, MAX_NODES, &doc, NULL) != CM_OK);
        free(exact);
    }
    CHECK_EQ(parse(text, &doc), CM_OK);
}

TEST(depth_members_and_nodes_are_limited)
{
    static char text[40000];
    struct cm_json doc;
    size_t at = 0;

    memset(text, '[', CM_JSON_MAX_DEPTH + 1);
    memset(text + CM_JSON_MAX_DEPTH + 1, ']', CM_JSON_MAX_DEPTH + 1);
    text[2 * CM_JSON_MAX_DEPTH + 2] = '\0';
    CHECK_EQ(parse(text, &doc), CM_ERR_LIMIT);
    text[2 * CM_JSON_MAX_DEPTH + 1] = '\0';
    CHECK_EQ(parse(text + 1, &doc), CM_OK);
    CHECK_EQ(cm_json_parse(cm_span_make("[1,2]", 5), nodes, 2, &doc, NULL), CM_ERR_LIMIT);
    CHECK_EQ(cm_json_parse(cm_span_make("[1,2]", 5), nodes, 3, &doc, NULL), CM_OK);

    text[at++] = '{';
    for (int i = 0; i <= CM_JSON_MAX_MEMBERS; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"k%d\":0", i == 0 ? "" : ",", i);
    }
    text[at++] = '}';
    text[at] = '\0';
    CHECK_EQ(parse(text, &doc), CM_ERR_LIMIT);
}

TEST(reason_names_the_place)
{
    struct cm_why why = {{0}};
    struct cm_json doc;

    CHECK_EQ(cm_json_parse(cm_span_make("{\"a\" 1}", 7), nodes, MAX_NODES, &doc, &why),
             CM_ERR_SYNTAX);
    CHECK_STR(why.text, "JSON: ':' expected at byte 5");
}

TEST(values_and_their_exact_bytes)
{
    const char *text = " { \"body\" : { \"v\" : 1 , \"w\":[ ] } , \"sig\":\"ab\" , \"e\" : { } } ";
    struct cm_json doc;
    struct cm_span s = {NULL, 0};
    struct cm_span plain = {NULL, 0};
    uint64_t v = 0;

    REQUIRE(parse(text, &doc) == CM_OK);
    s = cm_json_bytes(member(&doc, "body"));
    CHECK_EQ(s.len, strlen("{ \"v\" : 1 , \"w\":[ ] }"));
    CHECK_MEM(s.ptr, "{ \"v\" : 1 , \"w\":[ ] }", s.len);
    CHECK_EQ(cm_json_u64(cm_json_get(member(&doc, "body"), "v"), &v), CM_OK);
    CHECK_EQ(v, 1);
    CHECK_EQ(cm_json_count(cm_json_root(&doc)), 3);
    CHECK_EQ(cm_json_count(cm_json_get(member(&doc, "body"), "w")), 0);
    CHECK_EQ(cm_json_plain(member(&doc, "sig"), &plain), CM_OK);
    CHECK_EQ(plain.len, 2);
    CHECK(cm_json_get(member(&doc, "sig"), "x").doc == NULL);
    CHECK(member(&doc, "bod").doc == NULL);
    CHECK(cm_json_first(member(&doc, "e")).doc == NULL);
    CHECK(cm_json_next(cm_json_root(&doc)).doc == NULL);
}

TEST(walking_an_array_meets_each_element_once)
{
    struct cm_json doc;
    uint64_t sum = 0;
    int seen = 0;

    REQUIRE(parse("[[1,2],3,{\"a\":[4]},5]", &doc) == CM_OK);
    CHECK_EQ(cm_json_count(cm_json_root(&doc)), 4);
    for (struct cm_json_value e = cm_json_first(cm_json_root(&doc)); e.doc != NULL;
         e = cm_json_next(e)) {
        uint64_t v = 0;

        seen++;
        if (cm_json_u64(e, &v) == CM_OK) {
            sum += v;
        }
    }
    CHECK_EQ(seen, 4);
    CHECK_EQ(sum, 8);
}

TEST(strings_are_unescaped)
{
    struct cm_json doc;
    struct cm_span plain = {NULL, 0};
    char out[16] = "";
    size_t len = 0;

    REQUIRE(parse("\"a\\n\\\"\\u00e9\\ud83d\\ude00\\/\"", &doc) == CM_OK);
    CHECK_EQ(cm_json_string(cm_json_root(&doc), out, sizeof(out), &len), CM_OK);
    CHECK_STR(out, "a\n\"\xc3\xa9\xf0\x9f\x98\x80/");
    CHECK_EQ(len, 10);
    CHECK_EQ(cm_json_string(cm_json_root(&doc), out, 11, NULL), CM_OK);
    CHECK_EQ(cm_json_string(cm_json_root(&doc), out, 10, NULL), CM_ERR_SPACE);
    CHECK_EQ(cm_json_string(cm_json_root(&doc), out, 0, NULL), CM_ERR_SPACE);
    CHECK_EQ(cm_json_plain(cm_json_root(&doc), &plain), CM_ERR_FORMAT);
    CHECK(cm_json_equal(cm_json_root(&doc), "a\n\"\xc3\xa9\xf0\x9f\x98\x80/"));
    CHECK(!cm_json_equal(cm_json_root(&doc), "a\n\"\xc3\xa9\xf0\x9f\x98\x80"));
    CHECK(!cm_json_equal(cm_json_root(&doc), "a\n\"\xc3\xa9\xf0\x9f\x98\x80/x"));
}

/* Runs of numbers go another way through the parser: the same texts are refused in them. */
TEST(numbers_in_a_run_are_numbers)
{
    static const char *const bad[] = {"[1,02,3]",    "[1,2,",   "[1,2",     "[1,,2]",
                                      "[1 2,3]",     "[1,2,]",  "[1,2.,3]", "[1,+2]",
                                      "[1,2e,3]",    "[00,1]",  "1,2",      "[1,2}",
                                      "{\"a\":1,2}", "[1,-,2]", "[1,2],3",  "{\"a\":[1,2,\"b\":3}"};
    static const char good[] =
        "[0,1,255,256, 7\n,\t8,12345678901234567890,1.5,-1,2e3,999999999,4294967296,\"x\",[1,2],3]";
    struct cm_json doc;
    struct cm_json_value v;
    uint64_t n = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &doc) == CM_OK) {
            TEST_FAIL("%s is taken", bad[i]);
        }
    }
    REQUIRE(parse(good, &doc) == CM_OK);
    CHECK_EQ(cm_json_count(cm_json_root(&doc)), 15);
    v = cm_json_first(cm_json_root(&doc));
    for (unsigned i = 0; i < 6; i++, v = cm_json_next(v)) {
        static const uint64_t want[] = {0, 1, 255, 256, 7, 8};

        CHECK_EQ(cm_json_u64(v, &n), CM_OK);
        CHECK_EQ(n, want[i]);
    }
    CHECK_EQ(cm_json_u64(v, &n), CM_OK);
    CHECK(n == UINT64_C(12345678901234567890));
    REQUIRE(cm_json_parse(cm_span_make("[1,2,3]", 7), nodes, 4, &doc, NULL) == CM_OK);
    CHECK_EQ(cm_json_parse(cm_span_make("[1,2,3]", 7), nodes, 3, &doc, NULL), CM_ERR_LIMIT);
    CHECK_EQ(cm_json_parse(cm_span_make("[1,2,3]", 7), nodes, 2, &doc, NULL), CM_ERR_LIMIT);
}

TEST(bytes_as_numbers)
{
    static const char *const bad[] = {
        "[256]",   "[1,256,2]", "[-1]",      "[1.0]",          "[1e1]",
        "[\"1\"]", "[[1]]",     "[1,[2],3]", "[4294967296,1]", "[4294967295]",
        "[null]",  "{\"a\":1}", "1",         "[-0]",           "[1,true]"};
    struct cm_json doc;
    uint8_t out[8] = {0};
    size_t len = 9;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        REQUIRE(parse(bad[i], &doc) == CM_OK);
        CHECK_EQ(cm_json_byte_array(cm_json_root(&doc), out, sizeof(out), &len), CM_ERR_MISMATCH);
        CHECK_EQ(len, 9);
    }
    REQUIRE(parse("[ 0,1 , 254,\n255 ]", &doc) == CM_OK);
    CHECK_EQ(cm_json_byte_array(cm_json_root(&doc), out, 3, &len), CM_ERR_SPACE);
    CHECK_EQ(cm_json_byte_array(cm_json_root(&doc), out, 4, &len), CM_OK);
    CHECK_EQ(len, 4);
    CHECK_MEM(out, "\x00\x01\xfe\xff", 4);
    REQUIRE(parse("[]", &doc) == CM_OK);
    CHECK_EQ(cm_json_byte_array(cm_json_root(&doc), out, 0, &len), CM_OK);
    CHECK_EQ(len, 0);
}

TEST(integers_are_exact)
{
    static const struct {
        const char *text;
        enum cm_status as_u64;
        enum cm_status as_i64;
    } cases[] = {
        {"0", CM_OK, CM_OK},
        {"-0", CM_ERR_MISMATCH, CM_ERR_MISMATCH},
        {"18446744073709551615", CM_OK, CM_ERR_OVERFLOW},
        {"18446744073709551616", CM_ERR_OVERFLOW, CM_ERR_OVERFLOW},
        {"9223372036854775807", CM_OK, CM_OK},
        {"-9223372036854775808", CM_ERR_OVERFLOW, CM_OK},
        {"-9223372036854775809", CM_ERR_OVERFLOW, CM_ERR_OVERFLOW},
        {"1.0", CM_ERR_MISMATCH, CM_ERR_MISMATCH},
        {"1e2", CM_ERR_MISMATCH, CM_ERR_MISMATCH},
        {"\"1\"", CM_ERR_MISMATCH, CM_ERR_MISMATCH},
        {"true", CM_ERR_MISMATCH, CM_ERR_MISMATCH},
    };
    struct cm_json doc;
    int64_t i64 = 0;
    uint64_t u64 = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        REQUIRE(parse(cases[i].text, &doc) == CM_OK);
        CHECK_EQ(cm_json_u64(cm_json_root(&doc), &u64), cases[i].as_u64);
        CHECK_EQ(cm_json_i64(cm_json_root(&doc), &i64), cases[i].as_i64);
    }
    REQUIRE(parse("-9223372036854775808", &doc) == CM_OK);
    CHECK_EQ(cm_json_i64(cm_json_root(&doc), &i64), CM_OK);
    CHECK(i64 == INT64_MIN);
}

TEST(absent_values_are_harmless)
{
    struct cm_json_value none = {NULL, 0};
    struct cm_span s = {NULL, 0};
    char out[4] = "";
    uint64_t v = 7;
    bool b = true;

    CHECK(cm_json_get(none, "a").doc == NULL);
    CHECK(cm_json_next(none).doc == NULL);
    CHECK_EQ(cm_json_count(none), 0);
    CHECK_EQ(cm_json_u64(none, &v), CM_ERR_MISMATCH);
    CHECK_EQ(cm_json_bool(none, &b), CM_ERR_MISMATCH);
    CHECK_EQ(cm_json_string(none, out, sizeof(out), NULL), CM_ERR_MISMATCH);
    CHECK_EQ(cm_json_plain(none, &s), CM_ERR_MISMATCH);
    CHECK(!cm_json_equal(none, ""));
    CHECK_EQ(v, 7);
    CHECK(b);
}

TEST(writer_makes_what_the_reader_reads)
{
    char buf[256] = "";
    struct cm_json_wr w = cm_json_wr_init(buf, sizeof(buf));
    struct cm_json doc;
    size_t len = 0;

    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "a\"b");
    cm_json_wr_array(&w);
    cm_json_wr_u64(&w, UINT64_MAX);
    cm_json_wr_i64(&w, INT64_MIN);
    cm_json_wr_bool(&w, true);
    cm_json_wr_null(&w);
    cm_json_wr_object(&w);
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    cm_json_wr_name(&w, "t");
    cm_json_wr_str(&w, "x\n\xc3\xa9");
    cm_json_wr_name(&w, "r");
    cm_json_wr_raw(&w, cm_span_make("[1]", 3));
    cm_json_wr_end(&w);
    REQUIRE(cm_json_wr_finish(&w, &len) == CM_OK);
    buf[len] = '\0';
    CHECK_STR(buf, "{\"a\\\"b\":[18446744073709551615,-9223372036854775808,true,null,{}],"
                   "\"t\":\"x\\u000a\xc3\xa9\",\"r\":[1]}");
    CHECK_EQ(parse(buf, &doc), CM_OK);
    CHECK(cm_json_equal(member(&doc, "t"), "x\n\xc3\xa9"));
}

/* It looks at eight bytes at once: so each byte, at each place, among those that stand for themselves. */
TEST(every_byte_at_every_place_is_written_as_it_must)
{
    for (unsigned c = 0; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[21] = "abcdefgh !#[]~ABCDEF";
            char buf[64] = "";
            char want[64] = "";
            struct cm_json_wr w = cm_json_wr_init(buf, sizeof(buf));
            size_t len = 0;

            text[at] = (char)c;
            cm_json_wr_text(&w, cm_span_make(text, 20));
            if (c == 0 || c >= 0x80) { /* alone it is no UTF-8 */
                CHECK(w.out.bad);
                continue;
            }
            REQUIRE(cm_json_wr_finish(&w, &len) == CM_OK);
            if (c < 0x20 || c == 0x7f) {
                (void)snprintf(want, sizeof(want), "\"%.*s\\u00%02x%s\"", (int)at, text, c,
                               text + at + 1);
            } else {
                (void)snprintf(want, sizeof(want), "\"%.*s%s%c%s\"", (int)at, text,
                               c == '"' || c == '\\' ? "\\" : "", (char)c, text + at + 1);
            }
            CHECK_EQ(len, strlen(want));
            CHECK_STR(buf, want);
        }
    }
}

TEST(text_beyond_ascii_is_written_at_every_place)
{
    static const char *const good[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};
    static const char *const bad[] = {"\xc3", "\xe2\x82", "\xed\xa0\x80", "\xc0\x80",
                                      "\xf4\x90\x80\x80"};

    for (size_t at = 0; at < 20; at++) {
        char text[32] = "";
        char want[40] = "";

        for (size_t i = 0; i < 8; i++) {
            const char *add = i < 3 ? good[i] : bad[i - 3];
            char buf[64] = "";
            struct cm_json_wr w = cm_json_wr_init(buf, sizeof(buf));
            size_t len = 0;

            (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)at, "abcdefghijklmnopqrst", add,
                           "xyz");
            (void)snprintf(want, sizeof(want), "\"%s\"", text);
            cm_json_wr_str(&w, text);
            CHECK_EQ(w.out.bad, i >= 3);
            if (i < 3) {
                REQUIRE(cm_json_wr_finish(&w, &len) == CM_OK);
                CHECK_STR(buf, want);
            }
        }
    }
}

TEST(writer_refuses_misuse)
{
    char buf[64] = "";
    size_t len = 99;
    struct cm_json_wr w = cm_json_wr_init(buf, sizeof(buf));

    cm_json_wr_object(&w);
    cm_json_wr_u64(&w, 1); /* a value where a name must stand */
    CHECK(w.out.bad);
    w = cm_json_wr_init(buf, sizeof(buf));
    cm_json_wr_object(&w);
    CHECK_EQ(cm_json_wr_finish(&w, &len), CM_ERR_STATE); /* not closed */
    w = cm_json_wr_init(buf, sizeof(buf));
    cm_json_wr_u64(&w, 1);
    cm_json_wr_u64(&w, 1); /* two roots */
    CHECK(w.out.bad);
    w = cm_json_wr_init(buf, sizeof(buf));
    cm_json_wr_str(&w, "\xff");
    CHECK(w.out.bad);
    w = cm_json_wr_init(buf, 3);
    cm_json_wr_str(&w, "ab");
    CHECK_EQ(cm_json_wr_finish(&w, &len), CM_ERR_SPACE);
    CHECK_EQ(len, 99);
}

TEST_MAIN
