/* The bank sample's book: limits, order of arrival, memory running out. */
#include "bank/common/bank_core.h"

#include "bank/common/bank_agreement.h"
#include "bank/common/bank_csv.h"
#include "harness.h"

static const struct bank_agreement rules = {.bank_count = 2,
                                            .min_length = 2,
                                            .max_length = 4,
                                            .window_seconds = 86400,
                                            .keep_percent = 90,
                                            .names = {"one", "two"}};

#define HEAD                        BANK_CSV_HEADER "\n"
#define ROW(time, from, to, amount) "2026-03-01T" time "Z," from "," to "," amount ",EUR\n"

static const char *const ones[] = {HEAD, ROW("10:00:00", "A", "B", "100"),
                                   ROW("12:00:00", "C", "A", "95"), ROW("13:00:00", "A", "D", "7")};
static const char *const twos[] = {HEAD, ROW("11:00:00", "B", "C", "99"),
                                   ROW("10:30:00", "B", "A", "100"),
                                   ROW("14:00:00", "D", "A", "7")};

static enum bank_status feed(struct bank_book *b, uint32_t bank, const char *text)
{
    return bank_book_feed(b, bank, text, strlen(text), NULL);
}

static enum bank_status finish(struct bank_book *b, uint64_t step, struct bank_summary *sum)
{
    uint64_t done = 0;
    uint64_t total = 1;
    enum bank_status st = bank_book_end_file(b, 0, NULL);

    if (st == BANK_OK) {
        st = bank_book_end_file(b, 1, NULL);
    }
    if (st == BANK_OK) {
        st = bank_book_join(b, NULL);
    }
    while (st == BANK_OK && done < total) {
        st = bank_book_search(b, step, &done, &total, NULL);
    }
    return st == BANK_OK ? bank_book_summary(b, sum, NULL) : st;
}

/* one whole run; two_first: the second bank's file arrives first */
static enum bank_status whole(bool two_first, uint64_t secret, uint64_t step,
                              struct bank_summary *sum, struct bank_circle *first)
{
    struct bank_book *b = NULL;
    enum bank_status st = bank_book_new(&rules, secret, &b);

    for (uint32_t k = 0; k < 2 && st == BANK_OK; k++) {
        uint32_t bank = two_first ? 1 - k : k;

        for (size_t i = 0; i < 4 && st == BANK_OK; i++) {
            st = feed(b, bank, bank == 0 ? ones[i] : twos[i]);
        }
    }
    if (st == BANK_OK) {
        st = finish(b, step, sum);
    }
    if (st == BANK_OK && sum->circles != 0) {
        st = bank_book_circle(b, 0, first, NULL);
    }
    bank_book_free(b);
    return st;
}

TEST(finds_the_circles_of_a_small_book)
{
    struct bank_summary sum;
    struct bank_circle c;

    REQUIRE(whole(false, 1, 100, &sum, &c) == BANK_OK);
    CHECK_EQ(sum.rows, 6);
    CHECK_EQ(sum.circles, 3); /* A B, A D, A B C */
    CHECK_EQ(sum.circles_by_length[2], 2);
    CHECK_EQ(sum.circles_by_length[3], 1);
    CHECK_EQ(sum.accounts_in_circles, 4);
    CHECK_EQ(c.length, 2);
    CHECK_STR(c.accounts[0], "A");
    CHECK_STR(c.accounts[1], "B");
}

TEST(the_order_of_arrival_changes_nothing)
{
    struct bank_summary want;
    struct bank_circle first;

    REQUIRE(whole(false, 1, 100, &want, &first) == BANK_OK);
    for (uint64_t secret = 0; secret < 5; secret++) {
        for (uint64_t step = 1; step < 8; step++) {
            struct bank_summary sum;
            struct bank_circle c;

            REQUIRE(whole(secret % 2 == 0, secret, step, &sum, &c) == BANK_OK);
            CHECK_MEM(&sum, &want, sizeof(sum));
            CHECK_MEM(&c, &first, sizeof(c));
        }
    }
}

TEST(survives_every_failing_allocation)
{
    struct bank_summary sum;
    struct bank_circle c;
    long failures = 0;

    for (long k = 1; k < 100; k++) {
        enum bank_status st = BANK_OK;

        fail_alloc_at(k);
        st = whole(false, 1, 100, &sum, &c);
        if (!fail_alloc_hit()) {
            CHECK_EQ(st, BANK_OK);
            break;
        }
        CHECK_EQ(st, BANK_NO_MEMORY);
        failures++;
    }
    fail_alloc_at(-1);
    CHECK(failures >= 6);
}

/* n senders of one bank, each with its own receiver */
static enum bank_status many(struct bank_book *b, uint32_t n, struct bank_why *why)
{
    char line[96];
    enum bank_status st = bank_book_feed(b, 0, HEAD, sizeof(HEAD) - 1, why);

    for (uint32_t i = 0; i < n && st == BANK_OK; i++) {
        int len = snprintf(line, sizeof(line), "2026-03-01T10:00:00Z,S%u,R%u,5,EUR\n", i, i);

        st = bank_book_feed(b, 0, line, (size_t)len, why);
    }
    return st;
}

TEST(refuses_too_many_accounts)
{
    struct bank_book *b = NULL;
    struct bank_why why = {{0}};

    REQUIRE(bank_book_new(&rules, 3, &b) == BANK_OK);
    CHECK_EQ(many(b, BANK_MAX_ACCOUNTS / 2 + 1, &why), BANK_LIMIT);
    CHECK_STR(why.text, "one.csv:500002: too many accounts, or no memory for one more");
    bank_book_free(b);
}

TEST(refuses_too_many_rows)
{
    struct bank_book *b = NULL;
    struct bank_why why = {{0}};
    enum bank_status st = BANK_OK;
    uint32_t n = 0;

    REQUIRE(bank_book_new(&rules, 3, &b) == BANK_OK);
    CHECK_EQ(feed(b, 0, HEAD), BANK_OK);
    for (; st == BANK_OK && n < BANK_MAX_ROWS + 10; n++) {
        st = bank_book_feed(b, 0, ROW("10:00:00", "A", "B", "1"),
                            sizeof(ROW("10:00:00", "A", "B", "1")) - 1, &why);
    }
    CHECK_EQ(st, BANK_LIMIT);
    CHECK_EQ(n, BANK_MAX_ROWS + 1);
    bank_book_free(b);
}

TEST(refuses_too_many_currencies)
{
    struct bank_book *b = NULL;
    struct bank_why why = {{0}};
    enum bank_status st = BANK_OK;
    char line[96];
    uint32_t n = 0;

    REQUIRE(bank_book_new(&rules, 3, &b) == BANK_OK);
    CHECK_EQ(feed(b, 0, HEAD), BANK_OK);
    for (; st == BANK_OK && n < 100; n++) {
        int len = snprintf(line, sizeof(line), "2026-03-01T10:00:00Z,A,B,1,A%c%c\n",
                           (char)('A' + n % 26), (char)('A' + n / 26));

        st = bank_book_feed(b, 0, line, (size_t)len, &why);
    }
    CHECK_EQ(st, BANK_LIMIT);
    CHECK_EQ(n, BANK_MAX_CURRENCIES + 1);
    CHECK_STR(why.text, "one.csv:34: too many currencies");
    bank_book_free(b);
}

TEST(refuses_agreements_that_make_no_sense)
{
    struct bank_agreement a = rules;
    struct bank_why why = {{0}};

    memset(a.signers[1], 1, sizeof(a.signers[1]));
    CHECK_EQ(bank_agreement_check(&a, &why), BANK_OK);
#define REFUSED(field, value)                                  \
    do {                                                       \
        struct bank_agreement x = a;                           \
        x.field = (value);                                     \
        CHECK_EQ(bank_agreement_check(&x, NULL), BANK_SYNTAX); \
    } while (0)
    REFUSED(bank_count, 0);
    REFUSED(bank_count, 1);
    REFUSED(bank_count, 17);
    REFUSED(bank_count, UINT32_MAX);
    REFUSED(min_length, 1);
    REFUSED(min_length, 5);
    REFUSED(max_length, 9);
    REFUSED(max_length, UINT32_MAX);
    REFUSED(window_seconds, 0);
    REFUSED(window_seconds, UINT32_MAX);
    REFUSED(keep_percent, 0);
    REFUSED(keep_percent, 101);
    REFUSED(names[0][0], 'X');
    REFUSED(names[0][0], '\0');
#undef REFUSED
    memset(a.names[1], 'a', sizeof(a.names[1])); /* no end */
    CHECK_EQ(bank_agreement_check(&a, NULL), BANK_SYNTAX);
    memcpy(a.names[1], a.names[0], sizeof(a.names[1]));
    CHECK_EQ(bank_agreement_check(&a, NULL), BANK_SYNTAX);
}

TEST_MAIN
