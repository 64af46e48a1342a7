/* Answers as text: what our own writer makes of jansson's values is what jansson reads back, and no less. */
#include "harness.h"
#include "service_kit.h"

#include "service/service_private.h"

/* The text of a value is of that value, and short of spaces. */
static void check(json_t *value)
{
    char *text = cm_call_text(value);
    char *theirs = json_dumps(value, JSON_COMPACT);
    json_t *again = text == NULL ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL);

    if (again == NULL || json_equal(again, value) == 0) {
        TEST_FAIL("%.200s instead of %.200s", text == NULL ? "nothing" : text, theirs);
    }
    json_decref(again);
    free(theirs);
    free(text);
    json_decref(value);
}

TEST(values_of_every_kind)
{
    check(json_pack("{s:s, s:i, s:I, s:b, s:b, s:n, s:[], s:{}}", "a", "text", "b", 7, "c",
                    (json_int_t)INT64_MIN, "d", 1, "e", 0, "f", "g", "h"));
    check(json_pack("[[[{s:[i, s]}]], s]", "x", 1, "y", "z"));
    check(json_pack("{s:s}", "na\"me\\", "\x01 \"quoted\" \\ \xc3\xa9 \x7f"));
    check(json_array());
}

/* Left to jansson: fractions, texts with NUL, what is long, what is deep. */
TEST(values_that_our_writer_has_not)
{
    json_t *deep = json_array();
    char *name = malloc(40000);

    REQUIRE(name != NULL);
    for (int i = 0; i < 100; i++) {
        deep = json_pack("[o]", deep);
    }
    memset(name, 'x', 39999);
    name[39999] = '\0';
    check(deep);
    check(json_pack("{s:f}", "half", 0.5));
    check(json_pack("{s:o}", "nul", json_stringn("a\0b", 3)));
    check(json_pack("{s:s}", name, name));
    check(json_pack("{s:s}", "long", name));
    free(name);
}

TEST_MAIN
