/* The bank sample's CSV reader: what it takes, what it refuses and where it says so. */
#include "bank/common/bank_csv.h"

#include "harness.h"

#define GOOD "2026-03-01T10:00:00Z,ZZ10A,ZZ11B,100,EUR\n"

struct seen {
    int count;
    struct bank_transfer last;
    char from[BANK_ACCOUNT_SIZE];
};

static enum bank_status take(void *ctx, const struct bank_transfer *t, struct bank_why *why)
{
    struct seen *s = ctx;

    (void)why;
    s->count++;
    s->last = *t;
    memcpy(s->from, t->from, t->from_len);
    s->from[t->from_len] = '\0';
    return BANK_OK;
}

/* the whole text in pieces of `step` bytes */
static enum bank_status read_text(const char *text, size_t len, size_t step, struct seen *s,
                                  struct bank_why *why)
{
    struct bank_csv c;
    enum bank_status st = BANK_OK;

    memset(s, 0, sizeof(*s));
    memset(why, 0, sizeof(*why));
    bank_csv_init(&c, "north");
    for (size_t i = 0; i < len && st == BANK_OK; i += step) {
        st = bank_csv_feed(&c, text + i, len - i < step ? len - i : step, take, s, why);
    }
    return st == BANK_OK ? bank_csv_end(&c, take, s, why) : st;
}

static enum bank_status read_all(const char *text, struct seen *s, struct bank_why *why)
{
    return read_text(text, strlen(text), 1000, s, why);
}

TEST(reads_a_file_whatever_the_pieces)
{
    static const char text[] = BANK_CSV_HEADER "\n" GOOD GOOD "2026-03-01T10:00:01Z,A,B,7,USD";
    struct seen s;
    struct bank_why why;

    for (size_t step = 1; step <= sizeof(text); step++) {
        CHECK_EQ(read_text(text, sizeof(text) - 1, step, &s, &why), BANK_OK);
        CHECK_EQ(s.count, 3);
        CHECK_EQ(s.last.amount, 7);
        CHECK_EQ(s.last.time, 1772359201);
    }
}

TEST(takes_both_line_ends)
{
    struct seen s;
    struct bank_why why;

    CHECK_EQ(read_all(BANK_CSV_HEADER "\r\n2026-03-01T10:00:00Z,A,B,1,EUR\r\n", &s, &why), BANK_OK);
    CHECK_EQ(s.count, 1);
    CHECK_EQ(read_all(BANK_CSV_HEADER, &s, &why), BANK_OK);
    CHECK_EQ(s.count, 0);
}

TEST(knows_the_calendar)
{
    static const struct {
        const char *text;
        long long seconds;
    } times[] = {{"1970-01-01T00:00:00Z", 0},          {"2000-02-29T23:59:59Z", 951868799},
                 {"2026-03-01T00:00:00Z", 1772323200}, {"2038-01-19T03:14:08Z", 2147483648},
                 {"2100-03-01T00:00:00Z", 4107542400}, {"2199-12-31T23:59:59Z", 7258118399}};
    char text[200];
    struct seen s;
    struct bank_why why;

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        (void)snprintf(text, sizeof(text), BANK_CSV_HEADER "\n%s,A,B,1,EUR\n", times[i].text);
        CHECK_EQ(read_all(text, &s, &why), BANK_OK);
        CHECK_EQ(s.last.time, times[i].seconds);
    }
}

TEST(refuses_with_file_and_line)
{
    static const struct {
        const char *row;
        const char *reason;
    } bad[] = {
        {"\n", "north.csv:3: empty line"},
        {"2026-03-01T10:00:00Z,A,B,1\n", "north.csv:3: fewer than 5 fields"},
        {"2026-03-01T10:00:00Z,A,B,1,EUR,\n", "north.csv:3: more than 5 fields"},
        {"2026-02-29T10:00:00Z,A,B,1,EUR\n",
         "north.csv:3: time: not YYYY-MM-DDTHH:MM:SSZ of 1970 to 2199"},
        {"2026-03-01 10:00:00Z,A,B,1,EUR\n",
         "north.csv:3: time: not YYYY-MM-DDTHH:MM:SSZ of 1970 to 2199"},
        {"1969-12-31T23:59:59Z,A,B,1,EUR\n",
         "north.csv:3: time: not YYYY-MM-DDTHH:MM:SSZ of 1970 to 2199"},
        {"2026-03-01T24:00:00Z,A,B,1,EUR\n",
         "north.csv:3: time: not YYYY-MM-DDTHH:MM:SSZ of 1970 to 2199"},
        {"2026-03-01T10:00:00Z,a,B,1,EUR\n",
         "north.csv:3: from: not an account (1 to 34 of A-Z and 0-9)"},
        {"2026-03-01T10:00:00Z,A,,1,EUR\n",
         "north.csv:3: to: not an account (1 to 34 of A-Z and 0-9)"},
        {"2026-03-01T10:00:00Z,A,A2345678901234567890123456789012345,1,EUR\n",
         "north.csv:3: to: not an account (1 to 34 of A-Z and 0-9)"},
        {"2026-03-01T10:00:00Z,A,A,1,EUR\n", "north.csv:3: from and to are the same account"},
        {"2026-03-01T10:00:00Z,A,B,1,eur\n", "north.csv:3: currency: not three letters A-Z"},
        {"2026-03-01T10:00:00Z,A,B,1,EURO\n", "north.csv:3: currency: not three letters A-Z"},
    };
    static const char *const amounts[] = {"0",
                                          "-1",
                                          "+1",
                                          "1.5",
                                          "01",
                                          "1 ",
                                          "",
                                          "0x10",
                                          "1e3",
                                          "1000000000001",
                                          "99999999999999999999"};
    char text[400];
    struct seen s;
    struct bank_why why;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), BANK_CSV_HEADER "\n" GOOD "%s", bad[i].row);
        CHECK_EQ(read_all(text, &s, &why), BANK_SYNTAX);
        CHECK_STR(why.text, bad[i].reason);
        CHECK_EQ(s.count, 1);
    }
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        (void)snprintf(text, sizeof(text), BANK_CSV_HEADER "\n2026-03-01T10:00:00Z,A,B,%s,EUR\n",
                       amounts[i]);
        CHECK_EQ(read_all(text, &s, &why), BANK_SYNTAX);
        CHECK_STR(why.text, "north.csv:2: amount: not a whole number, 1 to 1000000000000");
    }
}

TEST(refuses_what_is_no_such_file)
{
    struct seen s;
    struct bank_why why;
    char line[400];

    CHECK_EQ(read_all("", &s, &why), BANK_SYNTAX);
    CHECK_STR(why.text, "north.csv:1: empty; must be " BANK_CSV_HEADER);
    CHECK_EQ(read_all(GOOD, &s, &why), BANK_SYNTAX);
    CHECK_STR(why.text, "north.csv:1: must be exactly " BANK_CSV_HEADER);
    CHECK_EQ(read_all("\xef\xbb\xbf" BANK_CSV_HEADER "\n", &s, &why), BANK_SYNTAX);
    CHECK_EQ(read_text("\0\0\0\n", 4, 4, &s, &why), BANK_SYNTAX);
    memset(line, 'A', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    CHECK_EQ(read_all(line, &s, &why), BANK_SYNTAX);
    CHECK_STR(why.text, "north.csv:1: line too long");
    line[300] = '\n';
    CHECK_EQ(read_text(line, 301, 7, &s, &why), BANK_SYNTAX);
    CHECK_STR(why.text, "north.csv:1: line too long");
}

TEST(says_nothing_of_a_row)
{
    static const char text[] =
        BANK_CSV_HEADER "\n2026-03-01T10:00:00Z,SECRETSENDER,SECRETRECEIVER,4242424242,EURO\n";
    struct seen s;
    struct bank_why why;

    CHECK_EQ(read_all(text, &s, &why), BANK_SYNTAX);
    CHECK(strstr(why.text, "SECRET") == NULL);
    CHECK(strstr(why.text, "4242") == NULL);
    CHECK(strstr(why.text, "EURO") == NULL);
}

TEST_MAIN
