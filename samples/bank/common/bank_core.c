/* Taking, joining and totalling the transfers. The search is in bank_circles.c. */
#include "bank_core.h"

#include <stdlib.h>
#include <string.h>

#include "bank_book.h"
#include "bank_text.h"

#define FIRST_ROWS 4096U

enum bank_status bank_book_new(const struct bank_agreement *a, uint64_t secret,
                               struct bank_book **out)
{
    struct bank_book *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        return BANK_NO_MEMORY;
    }
    b->agreement = *a;
    bank_accounts_init(&b->accounts, secret);
    for (uint32_t i = 0; i < a->bank_count; i++) {
        bank_csv_init(&b->csv[i], b->agreement.names[i]);
    }
    *out = b;
    return BANK_OK;
}

void bank_book_free(struct bank_book *b)
{
    if (b == NULL) {
        return;
    }
    bank_accounts_free(&b->accounts);
    bank_wipe_free(b->rows, b->row_cap * sizeof(b->rows[0]));
    bank_wipe_free(b->first, b->first_count * sizeof(b->first[0]));
    bank_wipe_free(b->found.list, b->found.cap * sizeof(b->found.list[0]));
    bank_wipe_free(b->found.slots, b->found.slot_count * sizeof(b->found.slots[0]));
    bank_wipe_free(b, sizeof(*b));
}

static enum bank_status grow_rows(struct bank_book *b)
{
    uint32_t cap = b->row_cap == 0 ? FIRST_ROWS : b->row_cap * 2;
    struct bank_row *rows = NULL;

    if (b->row_count < b->row_cap) {
        return BANK_OK;
    }
    if (cap > BANK_MAX_ROWS) {
        cap = BANK_MAX_ROWS;
    }
    if (b->row_count >= cap) {
        return BANK_LIMIT;
    }
    rows = malloc(cap * sizeof(rows[0]));
    if (rows == NULL) {
        return BANK_NO_MEMORY;
    }
    if (b->row_count != 0) {
        memcpy(rows, b->rows, b->row_count * sizeof(rows[0]));
    }
    bank_wipe_free(b->rows, b->row_cap * sizeof(rows[0]));
    b->rows = rows;
    b->row_cap = cap;
    return BANK_OK;
}

static enum bank_status add_currency(struct bank_summary *s, const struct bank_row *r)
{
    const char code[4] = {(char)(r->currency >> 24), (char)(r->currency >> 16),
                          (char)(r->currency >> 8), '\0'};
    uint32_t i = 0;

    while (i < s->currency_count && memcmp(s->currencies[i].code, code, 4) != 0) {
        i++;
    }
    if (i == BANK_MAX_CURRENCIES) {
        return BANK_LIMIT;
    }
    if (i == s->currency_count) {
        memcpy(s->currencies[i].code, code, 4);
        s->currency_count++;
    }
    s->currencies[i].rows++;
    s->currencies[i].amount += r->amount; /* BANK_MAX_ROWS * BANK_MAX_AMOUNT < 2^64 */
    return BANK_OK;
}

/* where a row of the file being read stands, for reasons */
static enum bank_status fail_here(const struct bank_book *b, struct bank_why *why,
                                  enum bank_status st, const char *what)
{
    const struct bank_csv *c = &b->csv[b->feeding];

    return bank_fail(why, st, "%s.csv:%llu: %s", c->name, (unsigned long long)c->line, what);
}

static enum bank_status take_transfer(void *ctx, const struct bank_transfer *t,
                                      struct bank_why *why)
{
    struct bank_book *b = ctx;
    struct bank_row r = {.time = t->time, .amount = t->amount, .currency = t->currency};
    enum bank_status st = bank_accounts_number(&b->accounts, t->from, t->from_len, &r.from);

    if (st == BANK_OK) {
        st = bank_accounts_number(&b->accounts, t->to, t->to_len, &r.to);
    }
    if (st != BANK_OK) {
        return fail_here(b, why, st, "too many accounts, or no memory for one more");
    }
    r.bank = b->feeding;
    if (b->accounts.list[r.from].bank == BANK_NO_BANK) {
        b->accounts.list[r.from].bank = (uint8_t)b->feeding;
    } else if (b->accounts.list[r.from].bank != b->feeding) {
        return fail_here(b, why, BANK_SYNTAX,
                         "the account in 'from' is a customer of another bank already");
    }
    st = grow_rows(b);
    if (st != BANK_OK) {
        return fail_here(b, why, st, "too many rows, or no memory for one more");
    }
    if (add_currency(&b->sum, &r) != BANK_OK) {
        return fail_here(b, why, BANK_LIMIT, "too many currencies");
    }
    b->rows[b->row_count] = r;
    b->row_count++;
    b->sum.bank_rows[b->feeding]++;
    return BANK_OK;
}

static enum bank_status ready_for(const struct bank_book *b, uint32_t bank, struct bank_why *why)
{
    if (b->failed || b->joined) {
        return bank_fail(why, BANK_STATE, "no more files are taken");
    }
    if (bank >= b->agreement.bank_count) {
        return bank_fail(why, BANK_SYNTAX, "the agreement has %u banks, so there is no bank %u",
                         b->agreement.bank_count, bank + 1);
    }
    return BANK_OK;
}

enum bank_status bank_book_feed(struct bank_book *b, uint32_t bank, const void *data, size_t len,
                                struct bank_why *why)
{
    enum bank_status st = ready_for(b, bank, why);

    if (st == BANK_OK) {
        b->feeding = bank;
        st = bank_csv_feed(&b->csv[bank], data, len, take_transfer, b, why);
        b->failed = st != BANK_OK;
    }
    return st;
}

enum bank_status bank_book_end_file(struct bank_book *b, uint32_t bank, struct bank_why *why)
{
    enum bank_status st = ready_for(b, bank, why);

    if (st == BANK_OK) {
        b->feeding = bank;
        st = bank_csv_end(&b->csv[bank], take_transfer, b, why);
        b->failed = st != BANK_OK;
    }
    return st;
}

/* a total order of one sender's rows, so that the sorted table does not depend on how it was filled */
static int compare_rows(const void *left, const void *right)
{
    const struct bank_row *l = left;
    const struct bank_row *r = right;

    if (l->time != r->time) {
        return l->time < r->time ? -1 : 1;
    }
    if (l->to != r->to) {
        return l->to < r->to ? -1 : 1;
    }
    if (l->amount != r->amount) {
        return l->amount < r->amount ? -1 : 1;
    }
    return l->currency < r->currency ? -1 : l->currency > r->currency;
}

/*
 * Put the rows in order of sender, then time: counted into place, since senders are small numbers,
 * then each sender's few rows sorted. Fills first[].
 */
static enum bank_status sort_rows(struct bank_book *b)
{
    uint32_t *first = calloc((size_t)b->accounts.count + 1, sizeof(first[0]));
    struct bank_row *sorted = malloc((size_t)b->row_cap * sizeof(sorted[0]) + 1);

    if (first == NULL || sorted == NULL) {
        free(first);
        free(sorted);
        return BANK_NO_MEMORY;
    }
    for (uint32_t i = 0; i < b->row_count; i++) {
        first[b->rows[i].from + 1]++;
    }
    for (uint32_t i = 1; i <= b->accounts.count; i++) {
        first[i] += first[i - 1];
    }
    for (uint32_t i = 0; i < b->row_count; i++) {
        sorted[first[b->rows[i].from]] = b->rows[i];
        first[b->rows[i].from]++;
    }
    /* each entry has moved on to the next one's place */
    memmove(first + 1, first, b->accounts.count * sizeof(first[0]));
    first[0] = 0;
    for (uint32_t i = 0; i < b->accounts.count; i++) {
        if (first[i + 1] - first[i] > 1) {
            qsort(sorted + first[i], first[i + 1] - first[i], sizeof(sorted[0]), compare_rows);
        }
    }
    bank_wipe_free(b->rows, b->row_cap * sizeof(b->rows[0]));
    b->rows = sorted;
    b->first = first;
    b->first_count = b->accounts.count + 1;
    return BANK_OK;
}

static int compare_currencies(const void *left, const void *right)
{
    const struct bank_currency_total *l = left;
    const struct bank_currency_total *r = right;

    return memcmp(l->code, r->code, sizeof(l->code));
}

enum bank_status bank_book_join(struct bank_book *b, struct bank_why *why)
{
    if (b->failed || b->joined) {
        return bank_fail(why, BANK_STATE, "joined already, or a file was refused");
    }
    for (uint32_t i = 0; i < b->agreement.bank_count; i++) {
        if (!b->csv[i].ended) {
            return bank_fail(why, BANK_STATE, "the file of bank %s is missing or incomplete",
                             b->agreement.names[i]);
        }
    }
    if (sort_rows(b) != BANK_OK) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory to join the files");
    }
    for (uint32_t i = 0; i < b->row_count; i++) {
        uint8_t receiver = b->accounts.list[b->rows[i].to].bank;

        if (receiver != BANK_NO_BANK && receiver != b->rows[i].bank) {
            b->sum.rows_between_banks++;
        }
    }
    qsort(b->sum.currencies, b->sum.currency_count, sizeof(b->sum.currencies[0]),
          compare_currencies);
    b->sum.rows = b->row_count;
    b->sum.accounts = b->accounts.count;
    b->joined = true;
    return BANK_OK;
}

enum bank_status bank_book_search(struct bank_book *b, uint64_t count, uint64_t *done,
                                  uint64_t *total, struct bank_why *why)
{
    enum bank_status st = BANK_OK;
    bool finished = false;

    if (b->failed || !b->joined) {
        return bank_fail(why, BANK_STATE, "the files are not joined yet");
    }
    finished = b->next == b->row_count;
    for (; count != 0 && b->next < b->row_count; count--) {
        st = bank_circles_from(b, b->next, why);
        if (st != BANK_OK) {
            b->failed = true;
            return st;
        }
        b->next++;
    }
    if (b->next == b->row_count && !finished) {
        bank_circles_finish(b);
    }
    *done = b->next;
    *total = b->row_count;
    return BANK_OK;
}

static enum bank_status searched(const struct bank_book *b, struct bank_why *why)
{
    if (b->failed || !b->joined || b->next != b->row_count) {
        return bank_fail(why, BANK_STATE, "the search is not complete");
    }
    return BANK_OK;
}

enum bank_status bank_book_summary(const struct bank_book *b, struct bank_summary *out,
                                   struct bank_why *why)
{
    enum bank_status st = searched(b, why);

    if (st == BANK_OK) {
        *out = b->sum;
        out->steps = b->steps;
    }
    return st;
}

enum bank_status bank_book_circle(const struct bank_book *b, uint64_t index,
                                  struct bank_circle *out, struct bank_why *why)
{
    enum bank_status st = searched(b, why);
    const struct bank_found *f = NULL;

    if (st != BANK_OK) {
        return st;
    }
    if (index >= b->found.count) {
        return bank_fail(why, BANK_SYNTAX, "there are %u circles", b->found.count);
    }
    f = &b->found.list[index];
    memset(out, 0, sizeof(*out));
    out->length = f->length;
    out->times = f->times;
    for (uint32_t i = 0; i < f->length; i++) {
        bank_accounts_text(&b->accounts, f->account[i], out->accounts[i]);
        out->banks[i] = b->accounts.list[f->account[i]].bank;
    }
    return BANK_OK;
}
