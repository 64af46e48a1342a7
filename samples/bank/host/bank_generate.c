/* See bank_generate.h. */
#include "bank_generate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/bank_csv.h"
#include "../common/bank_text.h"

#define FIRST_DAY INT64_C(1772323200) /* 2026-03-01T00:00:00Z */
#define PERIOD    INT64_C(2592000)    /* 30 days */

struct planted_row {
    int64_t time;
    uint64_t amount;
    uint32_t from_bank;
    uint32_t from;
    uint32_t to_bank;
    uint32_t to;
};

struct maker {
    const struct bank_plan *plan;
    uint64_t state;
    uint32_t accounts; /* of each bank, without those in circles */
    uint32_t special;  /* the next account that no other transfer touches */
    struct planted_row *rows;
    size_t row_count;
    size_t row_cap;
};

static const char *const names[BANK_MAX_BANKS] = {
    "north", "south", "east", "west",  "harbour", "valley", "forest",  "river",
    "hill",  "lake",  "moor", "cliff", "island",  "meadow", "orchard", "quarry"};

/* splitmix64: any seed is a good seed */
static uint64_t next(struct maker *m)
{
    uint64_t z = m->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(struct maker *m, uint64_t n)
{
    return next(m) % n; /* the bias does not matter for made-up data */
}

/* small amounts are frequent, large ones rare: a factor of 10 a step */
static uint64_t some_amount(struct maker *m)
{
    uint64_t scale = 1000;

    for (uint64_t steps = below(m, 4); steps != 0; steps--) {
        scale *= 10;
    }
    return scale + below(m, scale * 9);
}

enum flaw { FLAW_NONE, FLAW_SLOW, FLAW_LOSS, FLAW_ONE_BANK, FLAW_LONG, FLAW_OPEN, FLAWS };

/* one circle, or a decoy that breaks exactly one rule */
static enum bank_status plant(struct maker *m, uint32_t length, enum flaw flaw)
{
    const struct bank_plan *p = m->plan;
    uint32_t hops = flaw == FLAW_LONG ? p->max_length + 1 : length;
    uint32_t open = flaw == FLAW_OPEN ? 1 : 0;
    int64_t step = p->window_seconds / (hops + 1);
    int64_t t = FIRST_DAY + (int64_t)below(m, (uint64_t)(PERIOD - p->window_seconds));
    uint64_t amount = 500000 + below(m, 4500000);
    uint32_t bank = (uint32_t)below(m, p->banks);
    uint32_t first = m->special;

    if (m->row_count + hops > m->row_cap) {
        return BANK_LIMIT;
    }
    for (uint32_t i = 0; i < hops; i++) {
        struct planted_row *r = &m->rows[m->row_count];
        uint32_t wrap = open != 0 ? hops + 1 : hops;
        uint32_t to = (i + 1) % wrap;

        r->time = t;
        r->amount = amount;
        r->from_bank = flaw == FLAW_ONE_BANK ? bank : (bank + i) % p->banks;
        r->from = first + i;
        r->to_bank = flaw == FLAW_ONE_BANK ? bank : (bank + to) % p->banks;
        r->to = first + to;
        t += 1 + (int64_t)below(m, (uint64_t)step);
        amount -= amount * below(m, 101 - p->keep_percent) / 100;
        if (i + 2 == hops && flaw == FLAW_SLOW) {
            t = m->rows[m->row_count - i].time + (int64_t)p->window_seconds + 1;
        }
        if (i + 2 == hops && flaw == FLAW_LOSS) {
            amount = r->amount * (p->keep_percent - 1) / 100;
        }
        m->row_count++;
    }
    m->special += hops + open;
    return BANK_OK;
}

static int by_time(const void *left, const void *right)
{
    const struct planted_row *l = left;
    const struct planted_row *r = right;

    if (l->time != r->time) {
        return l->time < r->time ? -1 : 1;
    }
    return l->from < r->from ? -1 : l->from > r->from;
}

static enum bank_status plant_all(struct maker *m, struct bank_plan *plan)
{
    uint32_t count = 4 + (uint32_t)(plan->rows / 100000);
    enum bank_status st = BANK_OK;

    m->row_cap = (size_t)count * 3 * (BANK_MAX_LENGTH + 1);
    m->rows = calloc(m->row_cap, sizeof(m->rows[0]));
    if (m->rows == NULL) {
        return BANK_NO_MEMORY;
    }
    plan->planted = count;
    for (uint32_t i = 0; i < count && st == BANK_OK; i++) {
        uint32_t span = plan->max_length - plan->min_length + 1;

        st = plant(m, plan->min_length + i % span, FLAW_NONE);
        if (st == BANK_OK && plan->keep_percent > 1) {
            st = plant(m, plan->min_length + i % span,
                       (enum flaw)(FLAW_SLOW + i % (FLAWS - FLAW_SLOW)));
        }
    }
    qsort(m->rows, m->row_count, sizeof(m->rows[0]), by_time);
    return st;
}

/* ZZ is no country, so that no made-up account is anybody's */
static void account(char out[BANK_ACCOUNT_SIZE], uint32_t bank, uint32_t number)
{
    (void)snprintf(out, BANK_ACCOUNT_SIZE, "ZZ%02u%04u%010u", bank + 10, (bank + 1) * 111 % 10000,
                   number);
}

static void put_row(FILE *f, const struct planted_row *r, const char *currency)
{
    char from[BANK_ACCOUNT_SIZE];
    char to[BANK_ACCOUNT_SIZE];
    time_t when = (time_t)r->time;
    struct tm t = {0};

    account(from, r->from_bank, r->from);
    account(to, r->to_bank, r->to);
    (void)gmtime_r(&when, &t);
    (void)fprintf(f, "%04d-%02d-%02dT%02d:%02d:%02dZ,%s,%s,%llu,%s\n", t.tm_year + 1900,
                  t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, from, to,
                  (unsigned long long)r->amount, currency);
}

/* one ordinary transfer of this bank at time t */
static void put_ordinary(struct maker *m, FILE *f, uint32_t bank, int64_t t)
{
    static const char *const currencies[10] = {"EUR", "EUR", "EUR", "EUR", "EUR",
                                               "EUR", "EUR", "USD", "USD", "GBP"};
    struct planted_row r = {.time = t, .from_bank = bank, .amount = some_amount(m)};

    r.from = (uint32_t)below(m, m->accounts);
    r.to_bank = below(m, 3) == 0 ? bank : (uint32_t)below(m, m->plan->banks);
    r.to = (uint32_t)below(m, m->accounts);
    if (r.to_bank == bank && r.to == r.from) {
        r.to = (r.to + 1) % m->accounts;
    }
    put_row(f, &r, currencies[below(m, 10)]);
}

static enum bank_status write_bank(struct maker *m, const char *dir, uint32_t bank, uint64_t count,
                                   struct bank_why *why)
{
    char path[4096];
    FILE *f = NULL;
    int fd = -1;
    size_t k = 0;
    bool ok = false;

    if (snprintf(path, sizeof(path), "%s/%s.csv", dir, names[bank]) >= (int)sizeof(path)) {
        return bank_fail(why, BANK_IO, "%s: path too long", dir);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        enum bank_status st = bank_fail(why, BANK_IO, "%s: %s", path, strerror(errno));

        if (fd >= 0) {
            (void)close(fd);
        }
        return st;
    }
    (void)fputs(BANK_CSV_HEADER "\n", f);
    for (uint64_t i = 0; i < count; i++) {
        int64_t t = FIRST_DAY + (int64_t)((double)PERIOD * (double)i / (double)count);

        for (; k < m->row_count && m->rows[k].time <= t; k++) {
            if (m->rows[k].from_bank == bank) {
                put_row(f, &m->rows[k], "EUR");
            }
        }
        put_ordinary(m, f, bank, t);
    }
    for (; k < m->row_count; k++) {
        if (m->rows[k].from_bank == bank) {
            put_row(f, &m->rows[k], "EUR");
        }
    }
    ok = ferror(f) == 0;
    ok = fclose(f) == 0 && ok;
    return ok ? BANK_OK : bank_fail(why, BANK_IO, "%s: %s", path, strerror(errno));
}

enum bank_status bank_generate(const char *dir, struct bank_plan *plan,
                               struct bank_progress *progress, struct bank_why *why)
{
    struct maker m = {.plan = plan, .state = plan->seed};
    enum bank_status st = BANK_OK;
    uint64_t left = 0;

    m.accounts = (uint32_t)(plan->rows / 10 / plan->banks) + 10;
    m.special = m.accounts;
    st = plant_all(&m, plan);
    if (st == BANK_OK && plan->rows < m.row_count + plan->banks) {
        st = bank_fail(why, BANK_LIMIT, "at least %zu rows", m.row_count + plan->banks);
    }
    left = plan->rows - m.row_count;
    for (uint32_t i = 0; i < plan->banks && st == BANK_OK; i++) {
        uint64_t count = left / (plan->banks - i);

        bank_progress_at(progress, i, plan->banks);
        st = write_bank(&m, dir, i, count, why);
        left -= count;
    }
    free(m.rows);
    return st;
}
