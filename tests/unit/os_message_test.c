/* Messages: nothing in them reaches the terminal as a command, and no line is wider than 80. */
#include "harness.h"

#include "os/os.h"

static char shown[1024];

static void wrap(const char *lead, const char *text)
{
    FILE *f = NULL;

    memset(shown, 0, sizeof(shown));
    f = fmemopen(shown, sizeof(shown) - 1, "w");
    REQUIRE(f != NULL);
    cm_print_wrapped(f, lead, text);
    (void)fclose(f);
}

TEST(bytes_of_strangers_are_escaped)
{
    wrap("tool: ", "a\x1b[2Jb \xe2\x80\xae\x7f\n\tz");
    CHECK_STR(shown, "tool: a\\x1b[2Jb \\xe2\\x80\\xae\\x7f\\x0a\\x09z\n");
}

TEST(lines_fit_80_columns)
{
    size_t width = 0;

    wrap("error: ", "one two three four five six seven eight nine ten eleven twelve thirteen "
                    "fourteen \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 sixteen seventeen");
    CHECK_STR(shown,
              "error: one two three four five six seven eight nine ten eleven twelve thirteen\n"
              "       fourteen \\xc3\\xa9\\xc3\\xa9\\xc3\\xa9\\xc3\\xa9 sixteen seventeen\n");
    for (const char *c = shown; *c != '\0'; c++) {
        width = *c == '\n' ? 0 : width + 1;
        CHECK(width <= 80);
    }
}

TEST(a_long_word_and_a_long_lead_stay_whole)
{
    char word[201] = "";

    memset(word, 'w', sizeof(word) - 1);
    wrap("lead ", word);
    CHECK_EQ(strlen(shown), 5 + 200 + 1);
    CHECK(strchr(shown, '\n') == shown + 205);
    wrap("a lead that is longer than what is below it may be in: ", "short but it needs two lines");
    CHECK_STR(shown,
              "a lead that is longer than what is below it may be in: short but it needs two\n"
              "    lines\n");
    wrap("x: ", "");
    CHECK_STR(shown, "x: \n");
}

TEST_MAIN
