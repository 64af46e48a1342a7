/*
 * The whole run: banks, host, session. Built twice: with bank_link_direct.c (the trusted code
 * outside, and nothing to verify) and, where enclaves are built, with bank_link_oe.c and
 * bank_verify.c (the trusted code in the enclave that BANK_ENCLAVE names, and BANK_POLICY). Both must
 * answer what the reference answers, and refuse the same attacks on what the host carries. What the
 * host does to evidence is in bank_refusal_test.c.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "bank/common/bank_agreement.h"
#include "bank/common/bank_csv.h"
#include "bank/host/bank_generate.h"
#include "bank/host/bank_run.h"
#include "bank_reference.h"
#include "harness.h"

static const struct bank_rules usual = {3, 5, 72 * 3600, 90};

static FILE *quiet; /* where progress goes */

struct bench {
    char dir[64];
    struct bank_parties parties;
    struct bank_agreement agreement;
    struct bank_link *link;
    struct bank_progress progress;
    struct bank_policy policy;
};

static void bench_dir(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/cm-bank-test-XXXXXX");
    if (mkdtemp(b->dir) == NULL) {
        abort();
    }
    if (quiet == NULL) {
        quiet = fopen("/dev/null", "w");
    }
    bank_progress_init(&b->progress, quiet);
}

static void write_file(const struct bench *b, const char *name, const char *text)
{
    char path[128];
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s.csv", b->dir, name);
    f = fopen(path, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        abort();
    }
}

static enum bank_status verify(struct bench *b, struct bank_why *why)
{
    return bank_verify_all(b->link, &b->parties, &b->policy, BANK_HONEST, &b->progress, why);
}

/* find the parties, agree, start, open, verify */
static bool bench_open(struct bench *b, const struct bank_rules *rules)
{
    const char *image = getenv("BANK_ENCLAVE");
    const char *policy = getenv("BANK_POLICY");
    struct bank_why why = {{0}};
    bool ok = bank_parties_find(b->dir, &b->parties, &why) == BANK_OK &&
              bank_agree(&b->parties, rules, &b->agreement, &why) == BANK_OK &&
              (policy == NULL || bank_policy_read(policy, &b->policy, &why) == BANK_OK) &&
              bank_link_start(image != NULL ? image : "", true, false, &b->link, &why) == BANK_OK &&
              bank_link_open(b->link, &b->agreement, &why) == BANK_OK;

    b->policy.emulated = true;
    ok = ok && verify(b, &why) == BANK_OK;

    if (!ok) {
        TEST_FAIL("%s", why.text);
    }
    return ok;
}

static void bench_close(struct bench *b)
{
    bank_link_stop(b->link);
    for (uint32_t i = 0; i < b->parties.count; i++) {
        (void)unlink(b->parties.list[i].path);
    }
    bank_parties_free(&b->parties);
    CHECK_EQ(rmdir(b->dir), 0);
}

static enum bank_status bench_run(struct bench *b, struct bank_summary *sum, struct bank_why *why)
{
    enum bank_status st = bank_send_all(b->link, &b->parties, &b->agreement, &b->progress, why);

    return st == BANK_OK ? bank_find_circles(b->link, &b->progress, sum, why) : st;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

#define TEXT_SIZE 400U

/* the circles as the reference writes them, sorted as it sorts them; also checks their order */
static char (*circle_texts(struct bench *b, uint64_t count))[TEXT_SIZE]
{
    char(*out)[TEXT_SIZE] = calloc(count + 1, sizeof(out[0]));
    uint32_t before = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct bank_circle c;
        int used = 0;

        if (bank_link_circle(b->link, i, &c, NULL) != BANK_OK) {
            TEST_FAIL("circle %llu is not there", (unsigned long long)i);
            break;
        }
        CHECK(c.length >= before);
        before = c.length;
        used = snprintf(out[i], TEXT_SIZE, "%u:", c.length);
        for (uint32_t k = 0; k < c.length; k++) {
            used += snprintf(out[i] + used, TEXT_SIZE - (size_t)used, "%s%s", k == 0 ? "" : ">",
                             c.accounts[k]);
        }
        (void)snprintf(out[i] + used, TEXT_SIZE - (size_t)used, " x%llu",
                       (unsigned long long)c.times);
    }
    qsort(out, count, sizeof(out[0]), by_text);
    return out;
}

/* run what is in the folder and compare with the reference; the number of circles */
static uint64_t compare(struct bench *b, const struct bank_rules *rules)
{
    struct bank_summary sum = {0};
    struct bank_why why = {{0}};
    struct reference ref = {0};
    char(*texts)[TEXT_SIZE] = NULL;

    if (!bench_open(b, rules) || bench_run(b, &sum, &why) != BANK_OK) {
        TEST_FAIL("%s", why.text);
        return 0;
    }
    reference_run(&b->parties, rules, &ref);
    CHECK_EQ(sum.rows, ref.rows);
    CHECK_EQ(sum.accounts, ref.accounts);
    CHECK_EQ(sum.rows_between_banks, ref.rows_between_banks);
    CHECK_EQ(sum.circles, ref.circle_count);
    texts = circle_texts(b, sum.circles);
    for (uint64_t i = 0; i < sum.circles && i < ref.circle_count; i++) {
        CHECK_STR(texts[i], ref.circles[i]);
    }
    free(texts);
    reference_free(&ref);
    return sum.circles;
}

TEST(made_up_data_gives_what_the_reference_says)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct bench b;
        struct bank_plan plan = {.seed = seed,
                                 .banks = 2 + (uint32_t)seed,
                                 .rows = 20000,
                                 .min_length = usual.min_length,
                                 .max_length = usual.max_length,
                                 .window_seconds = usual.window_seconds,
                                 .keep_percent = usual.keep_percent};
        struct bank_why why = {{0}};

        bench_dir(&b);
        REQUIRE(bank_generate(b.dir, &plan, &b.progress, &why) == BANK_OK);
        CHECK(compare(&b, &usual) >= plan.planted);
        bench_close(&b);
    }
}

/* few accounts, tight amounts, three banks: circles everywhere, of every length, overlapping */
static void dense(struct bench *b, unsigned seed, unsigned rows)
{
    static const char *const names[3] = {"a", "b", "c"};
    size_t cap = (size_t)rows * 64 + 64;
    char *text = malloc(cap);

    if (text == NULL) {
        abort();
    }
    for (unsigned bank = 0; bank < 3; bank++) {
        size_t used = (size_t)snprintf(text, cap, "%s\n", BANK_CSV_HEADER);

        for (unsigned i = 0; i < rows; i++) {
            unsigned r[4];

            for (int k = 0; k < 4; k++) {
                seed = seed * 1103515245U + 12345U;
                r[k] = seed >> 8;
            }
            r[1] = r[1] % 24 == bank * 8 + r[0] % 8 ? bank * 8 + (r[0] + 1) % 8 : r[1] % 24;
            used += (size_t)snprintf(text + used, cap - used,
                                     "2026-03-01T%02u:%02u:%02uZ,N%u,N%u,%u,%s\n", r[2] % 24,
                                     r[2] / 24 % 60, r[2] / 1440 % 3, bank * 8 + r[0] % 8, r[1],
                                     900 + r[3] % 200, r[3] % 7 == 0 ? "USD" : "EUR");
        }
        write_file(b, names[bank], text);
    }
    free(text);
}

TEST(dense_data_gives_what_the_reference_says)
{
    static const struct bank_rules rules[] = {
        {2, 5, 4 * 3600, 90}, {3, 4, 24 * 3600, 97}, {2, 2, 86400, 1}, {4, 8, 4 * 3600, 92}};

    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct bench b;

        bench_dir(&b);
        dense(&b, 77 + i, 300);
        CHECK(compare(&b, &rules[i]) > 3);
        bench_close(&b);
    }
}

#define ROW(time, from, to, amount) "2026-03-01T" time ":00Z," from "," to "," amount ",EUR\n"

static void two_banks(struct bench *b)
{
    bench_dir(b);
    write_file(b, "north",
               BANK_CSV_HEADER "\n" ROW("10:00", "N1", "S1", "1000")
                   ROW("12:00", "N2", "N1", "950"));
    write_file(b, "south", BANK_CSV_HEADER "\n" ROW("11:00", "S1", "N2", "980"));
}

TEST(reports_one_circle_and_nothing_of_the_rows)
{
    struct bench b;
    struct bank_summary sum = {0};
    struct bank_circle c = {0};
    struct bank_why why = {{0}};

    two_banks(&b);
    REQUIRE(bench_open(&b, &usual));
    CHECK_EQ(bench_run(&b, &sum, &why), BANK_OK);
    CHECK_EQ(sum.circles, 1);
    CHECK_EQ(sum.bank_rows[0], 2);
    CHECK_EQ(sum.currencies[0].amount, 2930);
    CHECK_EQ(bank_link_circle(b.link, 0, &c, &why), BANK_OK);
    CHECK_STR(c.accounts[0], "N1");
    CHECK_STR(c.accounts[1], "S1");
    CHECK_STR(c.accounts[2], "N2");
    CHECK_EQ(c.banks[1], 1);
    CHECK_EQ(bank_link_circle(b.link, 1, &c, &why), BANK_SYNTAX);
    bench_close(&b);
}

/* a reason that came out of the enclave names the file as the person who has it does */
static void said_of_south(const struct bench *b, const struct bank_why *why, const char *rule)
{
    char want[400] = "";

    (void)snprintf(want, sizeof(want), "%s/south.csv%s", b->dir, rule);
    CHECK_STR(why->text, want);
}

TEST(refuses_an_account_that_two_banks_claim)
{
    struct bench b;
    struct bank_summary sum = {0};
    struct bank_why why = {{0}};

    two_banks(&b);
    write_file(&b, "south", BANK_CSV_HEADER "\n" ROW("11:00", "N1", "N2", "980"));
    REQUIRE(bench_open(&b, &usual));
    CHECK_EQ(bench_run(&b, &sum, &why), BANK_SYNTAX);
    said_of_south(&b, &why, ":2: the account in 'from' is a customer of another bank already");
    bench_close(&b);
}

TEST(refuses_garbage_with_file_and_line)
{
    struct bench b;
    struct bank_summary sum = {0};
    struct bank_why why = {{0}};

    two_banks(&b);
    write_file(&b, "south", BANK_CSV_HEADER "\n" ROW("11:00", "S1", "N2", "-5"));
    REQUIRE(bench_open(&b, &usual));
    CHECK_EQ(bench_run(&b, &sum, &why), BANK_SYNTAX);
    said_of_south(&b, &why, ":2: amount: not a whole number, 1 to 1000000000000");
    /* and no half result afterwards */
    CHECK_EQ(bank_link_join(b.link, &why), BANK_STATE);
    CHECK_EQ(bank_link_summary(b.link, &sum, &why), BANK_STATE);
    bench_close(&b);
}

TEST(wrong_number_of_banks)
{
    struct bench b;
    struct bank_why why = {{0}};
    uint64_t done = 0;
    uint64_t total = 0;
    uint8_t header[BANK_HEADER_SIZE] = {0};

    bench_dir(&b);
    write_file(&b, "north", BANK_CSV_HEADER "\n");
    CHECK_EQ(bank_parties_find(b.dir, &b.parties, &why), BANK_SYNTAX);
    write_file(&b, "south", BANK_CSV_HEADER "\n");
    REQUIRE(bench_open(&b, &usual));
    memset(&why, 0, sizeof(why));
    CHECK_EQ(bank_link_join(b.link, &why), BANK_STATE);
    CHECK_STR(why.text, "the file of bank north is missing or incomplete");
    CHECK_EQ(bank_link_search(b.link, 1, &done, &total, &why), BANK_STATE);
    CHECK_EQ(bank_link_begin(b.link, 2, header, &why), BANK_SYNTAX);
    CHECK_EQ(bank_link_begin(b.link, UINT32_MAX, header, &why), BANK_SYNTAX);
    CHECK_EQ(bank_link_chunk(b.link, 0, header, sizeof(header), &why), BANK_STATE);
    CHECK_EQ(bank_link_end(b.link, 0, &why), BANK_STATE);
    b.agreement.bank_count = 17;
    CHECK_EQ(bank_link_open(b.link, &b.agreement, &why), BANK_SYNTAX);
    bench_close(&b);
}

/* --- a host that does something to what it carries ------------------------------------------- */

enum trick { HONEST, CHANGE, DROP, DOUBLE, CUT };

struct thief {
    struct bank_link *link;
    uint32_t bank;
    enum trick trick;
    unsigned at;
};

static enum bank_status thief_header(void *ctx, const uint8_t header[BANK_HEADER_SIZE],
                                     struct bank_why *why)
{
    struct thief *t = ctx;

    return bank_link_begin(t->link, t->bank, header, why);
}

static enum bank_status thief_chunk(void *ctx, const uint8_t *sealed, size_t len,
                                    struct bank_why *why)
{
    struct thief *t = ctx;
    uint8_t copy[BANK_CHUNK_SIZE + BANK_TAG_SIZE];
    enum bank_status st = BANK_OK;
    unsigned i = t->at;

    t->at++;
    memcpy(copy, sealed, len);
    if (i == 1 && t->trick == DROP) {
        return BANK_OK;
    }
    if (i == 1 && t->trick == CHANGE) {
        copy[100] ^= 1;
    }
    if (t->trick == CUT && i >= 1) {
        return BANK_OK;
    }
    st = bank_link_chunk(t->link, t->bank, copy, len, why);
    if (st == BANK_OK && i == 1 && t->trick == DOUBLE) {
        st = bank_link_chunk(t->link, t->bank, copy, len, why);
    }
    return st;
}

TEST(refuses_what_a_host_does_to_a_file)
{
    static const struct {
        enum trick trick;
        enum bank_status want;
    } tricks[] = {{HONEST, BANK_OK},
                  {CHANGE, BANK_REFUSED},
                  {DROP, BANK_REFUSED},
                  {DOUBLE, BANK_REFUSED},
                  {CUT, BANK_REFUSED}};

    for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
        struct bench b;
        struct bank_plan plan = {.seed = 9,
                                 .banks = 2,
                                 .rows = 6000,
                                 .min_length = 3,
                                 .max_length = 5,
                                 .window_seconds = 3600,
                                 .keep_percent = 90};
        struct thief t = {.trick = tricks[i].trick};
        struct bank_sink sink = {thief_header, thief_chunk, &t};
        struct bank_why why = {{0}};
        enum bank_status st = BANK_OK;

        bench_dir(&b);
        REQUIRE(bank_generate(b.dir, &plan, &b.progress, &why) == BANK_OK);
        REQUIRE(bench_open(&b, &usual));
        t.link = b.link;
        st = bank_party_send(&b.parties.list[0], &b.agreement, 0, &sink, &why);
        if (st == BANK_OK) {
            st = bank_link_end(b.link, 0, &why);
        }
        CHECK_EQ(st, tricks[i].want);
        CHECK(st == BANK_OK || why.text[0] != '\0');
        bench_close(&b);
    }
}

TEST(refuses_a_second_file_of_a_bank)
{
    struct bench b;
    struct thief t = {.trick = HONEST};
    struct bank_sink sink = {thief_header, thief_chunk, &t};
    struct bank_why why = {{0}};

    two_banks(&b);
    REQUIRE(bench_open(&b, &usual));
    t.link = b.link;
    CHECK_EQ(bank_party_send(&b.parties.list[0], &b.agreement, 0, &sink, &why), BANK_OK);
    CHECK_EQ(bank_link_end(b.link, 0, &why), BANK_OK);
    CHECK_EQ(bank_party_send(&b.parties.list[0], &b.agreement, 0, &sink, &why), BANK_STATE);
    bench_close(&b);
}

TEST(refuses_a_file_sealed_for_an_earlier_session)
{
    struct bench b;
    struct thief t = {.trick = HONEST};
    struct bank_sink sink = {thief_header, thief_chunk, &t};
    struct bank_why why = {{0}};
    uint8_t first[BANK_KEY_SIZE];

    two_banks(&b);
    REQUIRE(bench_open(&b, &usual));
    t.link = b.link;
    memcpy(first, b.parties.list[0].verdict.key, sizeof(first));
    CHECK_EQ(bank_link_open(b.link, &b.agreement, &why), BANK_OK);
    CHECK_EQ(bank_party_send(&b.parties.list[0], &b.agreement, 0, &sink, &why), BANK_REFUSED);
    CHECK_EQ(verify(&b, &why), BANK_OK);
    CHECK(memcmp(first, b.parties.list[0].verdict.key, sizeof(first)) != 0);
    bench_close(&b);
}

TEST_MAIN
