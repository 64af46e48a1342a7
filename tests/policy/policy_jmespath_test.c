/* JMESPath against the specification's own rules: each construct, precedence, projections, errors. */
#include "policy/jmespath.h"
#include "policy_kit.h"

/* The result of a query as JSON text; "!words" of a failure. */
static bool gives(const char *query, const char *document, const char *want)
{
    struct cm_arena arena = cm_arena_init(1u << 20);
    struct cm_jp_budget budget = {.arena = &arena, .steps = 100000};
    const struct cm_jp *q = NULL;
    const struct cm_pj *doc = NULL;
    const struct cm_pj *found = NULL;
    struct cm_span text = {NULL, 0};
    struct cm_why why = {{0}};
    size_t at = 0;
    bool good = false;

    if (cm_jp_compile(&arena, kit_span(query), &q, &at, &why) != CM_OK) {
        good = want[0] == '!' && strstr(why.text, want + 1) != NULL;
        text = kit_span(why.text);
    } else if (cm_pj_parse(&arena, kit_span(document), &doc, &why) != CM_OK) {
        text = kit_span(why.text);
    } else if (cm_jp_search(q, doc, &budget, &found) != CM_OK) {
        good = want[0] == '!' && strstr(budget.why.text, want + 1) != NULL;
        text = kit_span(budget.why.text);
    } else if (cm_pj_write(&arena, found, &text) == CM_OK) {
        good = text.len == strlen(want) && memcmp(text.ptr, want, text.len) == 0;
    }
    if (!good) {
        (void)printf("  %s over %s: %.*s, not %s\n", query, document, (int)text.len,
                     (const char *)text.ptr, want);
    }
    cm_arena_free(&arena);
    return good;
}

struct row {
    const char *query;
    const char *document;
    const char *want;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(gives(rows[i].query, rows[i].document, rows[i].want));
    }
}

#define CHECK_ROWS(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

TEST(names_and_indices)
{
    static const struct row rows[] = {
        {"a", "{\"a\":1}", "1"},
        {"b", "{\"a\":1}", "null"},
        {"a.b.c", "{\"a\":{\"b\":{\"c\":2}}}", "2"},
        {"a.b", "{\"a\":[1]}", "null"},
        {"\"a b\".\"\\u00e4\"", "{\"a b\":{\"\xc3\xa4\":3}}", "3"},
        {"@", "[1]", "[1]"},
        {"@.a", "{\"a\":1}", "1"},
        {"[0]", "[7,8]", "7"},
        {"[-1]", "[7,8]", "8"},
        {"[2]", "[7,8]", "null"},
        {"[-3]", "[7,8]", "null"},
        {"[0]", "{\"a\":1}", "null"},
        {"a[1][0]", "{\"a\":[1,[2]]}", "2"},
        {"@[0]", "[7]", "7"},
        {"null", "{\"null\":1}", "1"},
        {"a", "1", "null"},
    };

    CHECK_ROWS(rows);
}

TEST(slices)
{
    static const struct row rows[] = {
        {"[0:2]", "[0,1,2,3]", "[0,1]"},
        {"[:2]", "[0,1,2,3]", "[0,1]"},
        {"[2:]", "[0,1,2,3]", "[2,3]"},
        {"[::2]", "[0,1,2,3]", "[0,2]"},
        {"[::-1]", "[0,1,2,3]", "[3,2,1,0]"},
        {"[-2:]", "[0,1,2,3]", "[2,3]"},
        {"[:-1]", "[0,1,2,3]", "[0,1,2]"},
        {"[10:]", "[0,1]", "[]"},
        {"[-9:9]", "[0,1]", "[0,1]"},
        {"[3:0:-2]", "[0,1,2,3]", "[3,1]"},
        {"[::0]", "[1]", "!step"},
        {"[0:1].a", "[{\"a\":1},{\"a\":2}]", "[1]"},
        {"[:]", "{\"a\":1}", "null"},
        {"[0:9223372036854775807:9223372036854775807]", "[5,6]", "[5]"},
        {"[1:9223372036854775807:9223372036854775807]", "[5,6,7]", "[6]"},
        {"[::-9223372036854775807]", "[5,6]", "[6]"},
    };

    CHECK_ROWS(rows);
}

TEST(projections)
{
    static const struct row rows[] = {
        {"[*].a", "[{\"a\":1},{\"b\":2},{\"a\":3}]", "[1,3]"},
        {"a[*].b[0]", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}", "[1,3]"},
        {"a[*].b | [0]", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}", "[1,2]"},
        {"[*]", "{\"a\":1}", "null"},
        {"*", "{\"a\":1,\"b\":2}", "[1,2]"},
        {"*.a", "{\"x\":{\"a\":1},\"y\":{\"b\":2}}", "[1]"},
        {"a.*.b", "{\"a\":{\"x\":{\"b\":1},\"y\":{\"b\":2}}}", "[1,2]"},
        {"*", "[1]", "null"},
        {"[]", "[[1,2],3,[[4]]]", "[1,2,3,[4]]"},
        {"[][]", "[[1,2],3,[[4]]]", "[1,2,3,4]"},
        {"a[].b", "{\"a\":[[{\"b\":1}],{\"b\":2}]}", "[1,2]"},
        {"[]", "1", "null"},
        {"[*].a[]", "[{\"a\":[1]},{\"a\":[2,3]}]", "[1,2,3]"},
        {"[?a]", "[{\"a\":1},{\"a\":null},{\"a\":false},{\"a\":[]},{\"a\":\"\"},{\"a\":0}]",
         "[{\"a\":1},{\"a\":0}]"},
        {"[?a == `1`].b", "[{\"a\":1,\"b\":2},{\"a\":2,\"b\":3}]", "[2]"},
        {"[?a == `1`][].b", "[{\"a\":1,\"b\":2}]", "[2]"},
        {"[?@ == 'x']", "[\"x\",\"y\",\"x\"]", "[\"x\",\"x\"]"},
        {"[?a]", "{\"a\":1}", "null"},
        {"[? Index == `0`].D.S | @[0] == 'q'", "[{\"Index\":0,\"D\":{\"S\":\"q\"}}]", "true"},
    };

    CHECK_ROWS(rows);
}

TEST(operators_and_their_precedence)
{
    static const struct row rows[] = {
        {"a == b", "{\"a\":1,\"b\":1}", "true"},
        {"a == b", "{\"a\":1,\"b\":\"1\"}", "false"},
        {"a != b", "{\"a\":1,\"b\":true}", "true"},
        {"a == `{\"y\":2,\"x\":[1]}`", "{\"a\":{\"x\":[1],\"y\":2}}", "true"},
        {"a < `2`", "{\"a\":1}", "true"},
        {"a <= `1`", "{\"a\":1}", "true"},
        {"a > `1`", "{\"a\":1}", "false"},
        {"a >= `1`", "{\"a\":1}", "true"},
        {"a < 'x'", "{\"a\":1}", "null"},
        {"a < `1.5`", "{\"a\":1}", "null"}, /* numbers that are no integers have no order here */
        {"`1.5` == `1.5`", "1", "true"},
        {"a || b && c", "{\"a\":1,\"b\":2,\"c\":null}", "1"},
        {"(a || b) && c", "{\"a\":1,\"b\":2,\"c\":3}", "3"},
        {"a && b || c", "{\"a\":null,\"b\":2,\"c\":3}", "3"},
        {"a || b | c", "{\"a\":{\"c\":5}}", "5"},
        {"!a", "{\"a\":false}", "true"},
        {"!a || b", "{\"a\":1,\"b\":2}", "2"},
        {"a == `1` && b == `2`", "{\"a\":1,\"b\":2}", "true"},
        {"length(@) == `1` && @[0] | @.{x: y}", "[{\"y\":3}]", "{\"x\":3}"},
        {"length(@) == `1` && @[0]", "[1,2]", "false"},
        {"[a, b.c]", "{\"a\":1,\"b\":{\"c\":2}}", "[1,2]"},
        {"a.[b, c]", "{\"a\":{\"b\":1}}", "[1,null]"},
        {"{x: a, \"y z\": b}", "{\"a\":1,\"b\":2}", "{\"x\":1,\"y z\":2}"},
        {"a.{x: b}", "{}", "null"},
        {"a.[b]", "{}", "null"},
        {"'it''s'", "1", "!should end"},
        {"'it\\'s'", "1", "\"it's\""},
        {"'\\\\windows\\x'", "1", "\"\\\\\\\\windows\\\\x\""},
        {"`\"a\\`b\"`", "1", "\"a`b\""},
        {"`[1, {\"x\": null}]`", "1", "[1,{\"x\":null}]"},
    };

    CHECK_ROWS(rows);
}

TEST(functions)
{
    static const struct row rows[] = {
        {"length(@)", "[1,2]", "2"},
        {"length(@)", "{\"a\":1}", "1"},
        {"length(@)", "\"\xc3\xa4\xe2\x82\xac\"", "2"},
        {"length(@)", "1", "!length()"},
        {"length(a)", "{}", "!length()"},
        {"equals_ignore_case(@, 'aBc')", "\"AbC\"", "true"},
        {"equals_ignore_case(@, 'ab')", "\"abc\"", "false"},
        {"equals_ignore_case(a, 'ab')", "{}", "false"},
        {"contains(@, 'b')", "\"abc\"", "true"},
        {"contains(@, '')", "\"abc\"", "true"},
        {"contains(@, 'd')", "\"abc\"", "false"},
        {"contains(@, `1`)", "\"a1\"", "false"},
        {"contains(@, `2`)", "[1,2]", "true"},
        {"contains(@, '2')", "[1,2]", "false"},
        {"contains(@, '2')", "1", "!contains()"},
        {"starts_with(@, 'ab')", "\"abc\"", "true"},
        {"starts_with(@, 'abcd')", "\"abc\"", "false"},
        {"ends_with(@, 'bc')", "\"abc\"", "true"},
        {"ends_with(@, 'ab')", "\"abc\"", "false"},
        {"ends_with(@, `1`)", "\"abc\"", "!take strings"},
        {"keys(@)", "{\"a\":1,\"b\":2}", "[\"a\",\"b\"]"},
        {"values(@)", "{\"a\":1,\"b\":[2]}", "[1,[2]]"},
        {"keys(@)", "[1]", "!take an object"},
        {"not_null(a, b)", "{\"b\":2}", "2"},
        {"not_null(a, b)", "{\"a\":false,\"b\":2}", "false"},
        {"[*].type(@)", "[null,true,1,1.5,\"x\",[],{}]",
         "[\"null\",\"boolean\",\"number\",\"number\",\"string\",\"array\",\"object\"]"},
        {"type(a)", "{}", "\"null\""},
    };

    CHECK_ROWS(rows);
}

TEST(what_is_no_query)
{
    static const char *const queries[] = {
        "",
        " ",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a]",
        "a[?",
        "a[?b",
        "a[?b]c",
        "a[b]",
        "[",
        "(a",
        "a)",
        "{a}",
        "{a:}",
        "{}",
        "[a,]",
        "a,b",
        "a b",
        "a ==",
        "== a",
        "a & b",
        "1",
        "a == 1",
        "'a",
        "`a",
        "`a`",
        "`[1`",
        "\"a",
        "a.\"\\x\"",
        "f(a)",
        "length",
        "length()",
        "length(a,b)",
        "&a",
        "a.1",
        "-",
        "[1:2:3:4]",
        "[a:b]",
        "!",
        "a |",
        "| a",
        "a ||",
        "*a",
        "a.**",
        "a[*",
        "a[99999999999999999999]",
        "\"length\"(a)",
        "a.b c",
        "a{b: c}",
        "[]a",
    };

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        if (strcmp(queries[i], "length") == 0) {
            continue; /* a name like any other */
        }
        CHECK(gives(queries[i], "1", "!"));
    }
    CHECK(gives("'\xff'", "1", "!not UTF-8"));
    CHECK(gives("length", "{\"length\":1}", "1"));
}

static void repeat(char *out, size_t cap, const char *head, const char *text, unsigned n,
                   const char *tail)
{
    size_t used = (size_t)snprintf(out, cap, "%s", head);

    for (unsigned i = 0; i < n; i++) {
        used += (size_t)snprintf(out + used, cap - used, "%s", text);
    }
    (void)snprintf(out + used, cap - used, "%s", tail);
}

/* depth of queries and of what they make is bounded: no stack is used up */
TEST(depth_is_bounded)
{
    static char query[CM_JP_MAX_TEXT + 64];

    repeat(query, sizeof(query), "", "(", 2000, "a");
    CHECK(gives(query, "{}", "!nested too deeply"));
    repeat(query, sizeof(query), "a", ".a", 90, "");
    CHECK(gives(query, "{}", "null"));
    repeat(query, sizeof(query), "a", ".a", 200, "");
    CHECK(gives(query, "{}", "!too deep"));
    repeat(query, sizeof(query), "a", " || a", 2000, "");
    CHECK(gives(query, "{}", "!too deep"));
    repeat(query, sizeof(query), "", "!", 2000, "a");
    CHECK(gives(query, "{}", "!nested too deeply"));
    repeat(query, sizeof(query), "", "[", 20, "@");
    repeat(query + strlen(query), sizeof(query) - strlen(query), "", "]", 20, "");
    CHECK(gives(query, "1", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"));
    CHECK(gives("[[[[[[[[[[[[@]]]]]]]]]]]] | [[[[[[[[[[[[@]]]]]]]]]]]] | [[[[[[[[[[[[@]]]]]]]]]]]]",
                "1", "!nested too deeply"));
    repeat(query, sizeof(query), "a", " ", CM_JP_MAX_TEXT, "");
    CHECK(gives(query, "{}", "!too long"));
}

/* every element and every node costs a step */
TEST(steps_are_bounded)
{
    struct cm_arena arena = cm_arena_init(1u << 20);
    const struct cm_jp *q = NULL;
    const struct cm_pj *doc = NULL;
    const struct cm_pj *found = NULL;
    struct cm_why why = {{0}};
    uint64_t needed = 0;
    size_t at = 0;

    REQUIRE(cm_jp_compile(&arena, kit_span("[*].a | [?@ == `1`]"), &q, &at, &why) == CM_OK);
    REQUIRE(cm_pj_parse(&arena, kit_span("[{\"a\":1},{\"a\":2},{\"a\":1}]"), &doc, &why) == CM_OK);
    for (uint64_t steps = 0; steps < 200; steps++) {
        struct cm_jp_budget budget = {.arena = &arena, .steps = steps};
        enum cm_status st = cm_jp_search(q, doc, &budget, &found);

        CHECK(st == CM_OK ? budget.steps <= steps : st == CM_ERR_LIMIT && budget.steps == 0);
        needed = st == CM_OK && needed == 0 ? steps : needed;
        CHECK((st == CM_OK) == (needed != 0));
    }
    CHECK(needed > 15 && needed < 100); /* 3 elements twice, and what is asked of each */
    cm_arena_free(&arena);
}

/* lists that each step multiplies: 40^6 elements are not made */
TEST(growth_is_bounded)
{
    static char query[4096];
    static char list[512];

    repeat(list, sizeof(list), "[0", ",0", 39, "]");
    repeat(query, sizeof(query), "", "[*].[@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@][] | ", 6, "length(@)");
    CHECK(gives(query, list, "!"));
}

TEST_MAIN
