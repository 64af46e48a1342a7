/* The strict CBOR reader and writer: what must be refused first, then values, then round trips. */
#include "harness.h"

#include "token/cbor.h"

#define MAX_NODES 4096
static struct cm_cbor_node nodes[MAX_NODES];

static enum cm_status parse(const char *bytes, size_t len, unsigned flags, struct cm_cbor *out)
{
    return cm_cbor_parse(cm_span_make(bytes, len), nodes, MAX_NODES, flags, out, NULL);
}

#define PARSE(text, out)        parse(text, sizeof(text) - 1, 0, out)
#define PARSE_STRICT(text, out) parse(text, sizeof(text) - 1, CM_CBOR_DETERMINISTIC, out)

struct bad {
    const char *bytes;
    size_t len;
    enum cm_status want;
    const char *what;
};

#define BAD(bytes, want, what)               \
    {                                        \
        bytes, sizeof(bytes) - 1, want, what \
    }

TEST(malformed_and_refused_inputs)
{
    static const struct bad bad[] = {
        BAD("", CM_ERR_FORMAT, "empty"),
        BAD("\x18", CM_ERR_FORMAT, "head cut"),
        BAD("\x1c", CM_ERR_FORMAT, "reserved additional information 28"),
        BAD("\x1f", CM_ERR_FORMAT, "indefinite integer"),
        BAD("\x3f", CM_ERR_FORMAT, "indefinite negative integer"),
        BAD("\xdf\x00", CM_ERR_FORMAT, "indefinite tag"),
        BAD("\x41", CM_ERR_FORMAT, "string cut"),
        BAD("\x5b\xff\xff\xff\xff\xff\xff\xff\xff", CM_ERR_FORMAT, "string of 2^64-1 bytes"),
        BAD("\x82\x01", CM_ERR_FORMAT, "array cut"),
        BAD("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", CM_ERR_FORMAT, "array of 2^64-1 items"),
        BAD("\xa1\x01", CM_ERR_FORMAT, "map without its value"),
        BAD("\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00", CM_ERR_LIMIT, "map of 2^64-1 pairs"),
        BAD("\x9f\x01", CM_ERR_FORMAT, "no break"),
        BAD("\xbf\x01\xff", CM_ERR_FORMAT, "break where a value is due"),
        BAD("\xff", CM_ERR_FORMAT, "break alone"),
        BAD("\x81\xff", CM_ERR_FORMAT, "break in a definite array"),
        BAD("\xc1\xff", CM_ERR_FORMAT, "break under a tag"),
        BAD("\xc1", CM_ERR_FORMAT, "tag of nothing"),
        BAD("\xf8\x14", CM_ERR_FORMAT, "false in two bytes"),
        BAD("\xfc", CM_ERR_FORMAT, "reserved simple"),
        BAD("\x01\x01", CM_ERR_FORMAT, "two items"),
        BAD("\x5f\x41\x00\xff", CM_ERR_UNSUPPORTED, "chunked byte string"),
        BAD("\x7f\xff", CM_ERR_UNSUPPORTED, "chunked text"),
        BAD("\x62\xc0\x80", CM_ERR_UNSUPPORTED, "overlong UTF-8"),
        BAD("\xa2\x01\x00\x01\x00", CM_ERR_UNSUPPORTED, "key twice"),
        BAD("\xa2\x01\x00\x18\x01\x00", CM_ERR_UNSUPPORTED, "key twice, encoded differently"),
        BAD("\xa2\x61\x61\x80\x61\x61\x80", CM_ERR_UNSUPPORTED, "text key twice"),
        BAD("\xbf\x61\x61\xa0\x61\x61\x80\xff", CM_ERR_UNSUPPORTED, "key twice, indefinite"),
        BAD("\xa1\x80\x00", CM_ERR_UNSUPPORTED, "array as key"),
        BAD("\xa1\xfb\x00\x00\x00\x00\x00\x00\x00\x00\x00", CM_ERR_UNSUPPORTED, "float as key"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cm_cbor doc = {{NULL, 0}, NULL, 0};
        enum cm_status st = parse(bad[i].bytes, bad[i].len, 0, &doc);

        if (st != bad[i].want || doc.nodes != NULL) {
            TEST_FAIL("%s gives %d, not %d", bad[i].what, (int)st, (int)bad[i].want);
        }
    }
}

TEST(deterministic_form_is_demanded_on_request)
{
    struct cm_cbor doc;

    CHECK_EQ(PARSE("\x18\x17", &doc), CM_OK);
    CHECK_EQ(PARSE_STRICT("\x18\x17", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\x18\x18", &doc), CM_OK);
    CHECK_EQ(PARSE_STRICT("\x19\x00\xff", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\x1a\x00\x00\xff\xff", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\x1b\x00\x00\x00\x00\xff\xff\xff\xff", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\x58\x01\x00", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\x9f\xff", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\xa2\x01\x00\x02\x00", &doc), CM_OK);
    CHECK_EQ(PARSE_STRICT("\xa2\x02\x00\x01\x00", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE("\xa2\x02\x00\x01\x00", &doc), CM_OK);
    CHECK_EQ(PARSE_STRICT("\xa2\x62\x61\x61\x00\x61\x62\x00", &doc), CM_ERR_UNSUPPORTED);
    CHECK_EQ(PARSE_STRICT("\xa2\x61\x62\x00\x62\x61\x61\x00", &doc), CM_OK);
}

TEST(every_truncation_is_refused)
{
    static const char text[] = "\xd2\x84\x43\xa1\x01\x26\xa1\x04\x42\x31\x31\x54"
                               "aaaabbbbccccddddeeee\xbf\x61\x61\x9f\x01\x20\xff\xff";
    struct cm_cbor doc;

    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, text, n);
        CHECK(parse(exact, n, 0, &doc) != CM_OK);
        free(exact);
    }
    CHECK_EQ(PARSE(text, &doc), CM_OK);
}

TEST(depth_and_nodes_are_limited)
{
    char deep[CM_CBOR_MAX_DEPTH + 2];
    struct cm_cbor doc;

    memset(deep, '\x81', sizeof(deep));
    deep[sizeof(deep) - 1] = 0;
    CHECK_EQ(parse(deep, sizeof(deep), 0, &doc), CM_ERR_LIMIT);
    CHECK_EQ(parse(deep + 1, sizeof(deep) - 1, 0, &doc), CM_OK);
    CHECK_EQ(cm_cbor_parse(cm_span_make("\x82\x01\x02", 3), nodes, 2, 0, &doc, NULL), CM_ERR_LIMIT);
}

TEST(values)
{
    /* {1: -7, "k": h'0102', 3: [true, null, 1.0], -1: 18("x")} with an indefinite inner array */
    static const char text[] = "\xa4\x01\x26\x61k\x42\x01\x02\x03\x9f\xf5\xf6\xf9\x3c\x00\xff"
                               "\x20\xd2\x61x";
    struct cm_cbor doc;
    struct cm_cbor_value root;
    struct cm_cbor_value v;
    struct cm_span s = {NULL, 0};
    int64_t i = 0;
    uint64_t u = 0;
    bool b = false;

    REQUIRE(PARSE(text, &doc) == CM_OK);
    root = cm_cbor_root(&doc);
    CHECK_EQ(cm_cbor_count(root), 4);
    CHECK_EQ(cm_cbor_i64(cm_cbor_get(root, 1), &i), CM_OK);
    CHECK_EQ(i, -7);
    CHECK_EQ(cm_cbor_u64(cm_cbor_get(root, 1), &u), CM_ERR_OVERFLOW);
    CHECK_EQ(cm_cbor_bytes(cm_cbor_get_text(root, "k"), &s), CM_OK);
    CHECK_EQ(s.len, 2);
    v = cm_cbor_get(root, 3);
    CHECK_EQ(cm_cbor_count(v), 3);
    CHECK_EQ(cm_cbor_encoding(v).len, 7);
    CHECK_EQ(cm_cbor_bool(cm_cbor_first(v), &b), CM_OK);
    CHECK(b);
    CHECK(cm_cbor_is(cm_cbor_next(cm_cbor_first(v)), CM_CBOR_NULL));
    v = cm_cbor_get(root, -1);
    CHECK_EQ(cm_cbor_tag(v, &u), CM_OK);
    CHECK_EQ(u, 18);
    CHECK(cm_cbor_equal(cm_cbor_first(v), "x"));
    CHECK(cm_cbor_get(root, 2).doc == NULL);
    CHECK(cm_cbor_get_text(root, "x").doc == NULL);
    CHECK(cm_cbor_next(root).doc == NULL);
}

TEST(absent_values_are_harmless)
{
    struct cm_cbor_value none = {NULL, 0};
    struct cm_span s = {NULL, 0};
    uint64_t u = 7;
    int64_t i = 7;
    bool b = true;

    CHECK(cm_cbor_get(none, 1).doc == NULL);
    CHECK(cm_cbor_first(none).doc == NULL);
    CHECK(cm_cbor_next(none).doc == NULL);
    CHECK_EQ(cm_cbor_count(none), 0);
    CHECK_EQ(cm_cbor_u64(none, &u), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cbor_i64(none, &i), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cbor_bool(none, &b), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cbor_bytes(none, &s), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cbor_text(none, &s), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cbor_tag(none, &u), CM_ERR_MISMATCH);
    CHECK(!cm_cbor_equal(none, ""));
    CHECK_EQ(u, 7);
}

TEST(writer_makes_deterministic_cbor)
{
    static const uint64_t edges[] = {0,      23,       24,          255,          256,
                                     0xffff, 0x10000u, 0xffffffffu, 0x100000000u, UINT64_MAX};
    uint8_t buf[512] = {0};
    struct cm_wr w = cm_wr_init(buf, sizeof(buf));
    struct cm_cbor doc;
    struct cm_cbor_value v;
    const size_t count = sizeof(edges) / sizeof(edges[0]);
    int64_t i64 = 0;

    cm_cbor_wr_array(&w, count + 5);
    for (size_t i = 0; i < count; i++) {
        cm_cbor_wr_u64(&w, edges[i]);
    }
    cm_cbor_wr_i64(&w, INT64_MIN);
    cm_cbor_wr_bytes(&w, cm_span_make("\x01", 1));
    cm_cbor_wr_map(&w, 1);
    cm_cbor_wr_text(&w, "a");
    cm_cbor_wr_bool(&w, false);
    cm_cbor_wr_tag(&w, 18);
    cm_cbor_wr_null(&w);
    cm_cbor_wr_i64(&w, -1);
    REQUIRE(cm_wr_finish(&w) == CM_OK);
    REQUIRE(parse((const char *)buf, w.used, CM_CBOR_DETERMINISTIC, &doc) == CM_OK);
    v = cm_cbor_first(cm_cbor_root(&doc));
    for (size_t i = 0; i < count; i++) {
        uint64_t u = 0;

        CHECK_EQ(cm_cbor_u64(v, &u), CM_OK);
        CHECK(u == edges[i]);
        v = cm_cbor_next(v);
    }
    CHECK_EQ(cm_cbor_i64(v, &i64), CM_OK);
    CHECK(i64 == INT64_MIN);
}

TEST_MAIN
