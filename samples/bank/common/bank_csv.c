/*
 * The CSV reader of bank_csv.h. No quoting, no blanks, no optional fields: what a line may look
 * like is one grammar, and everything else is refused with file and line. Reasons never quote the
 * line, because they leave the enclave.
 */
#include "bank_csv.h"

#include <string.h>

#include "bank_text.h"

#define FIELDS 5

struct field {
    const char *p;
    size_t len;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* n digits at p as a number; false when one is no digit */
static bool digits(const char *p, size_t n, int64_t *out)
{
    int64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i])) {
            return false;
        }
        v = v * 10 + (p[i] - '0');
    }
    *out = v;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* days since 1970-01-01 of a date from 1970 on: years counted from March, so that leap days come
 * last */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* YYYY-MM-DDTHH:MM:SSZ, from 1970 to 2199, nothing else of RFC 3339 */
static bool parse_time(struct field f, int64_t *out)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t h = 0;
    int64_t m = 0;
    int64_t s = 0;

    if (f.len != 20 || f.p[4] != '-' || f.p[7] != '-' || f.p[10] != 'T' || f.p[13] != ':' ||
        f.p[16] != ':' || f.p[19] != 'Z') {
        return false;
    }
    if (!digits(f.p, 4, &year) || !digits(f.p + 5, 2, &month) || !digits(f.p + 8, 2, &day) ||
        !digits(f.p + 11, 2, &h) || !digits(f.p + 14, 2, &m) || !digits(f.p + 17, 2, &s)) {
        return false;
    }
    if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || h > 23 || m > 59 || s > 59) {
        return false;
    }
    *out = days_since_1970(year, month, day) * 86400 + h * 3600 + m * 60 + s;
    return true;
}

static bool parse_account(struct field f)
{
    if (f.len == 0 || f.len > BANK_ACCOUNT_MAX) {
        return false;
    }
    for (size_t i = 0; i < f.len; i++) {
        if (!is_upper(f.p[i]) && !is_digit(f.p[i])) {
            return false;
        }
    }
    return true;
}

/* 1 to BANK_MAX_AMOUNT, which has 13 digits; no sign, no leading zero */
static bool parse_amount(struct field f, uint64_t *out)
{
    int64_t v = 0;

    if (f.len == 0 || f.len > 13 || f.p[0] == '0' || !digits(f.p, f.len, &v) ||
        (uint64_t)v > BANK_MAX_AMOUNT) {
        return false;
    }
    *out = (uint64_t)v;
    return true;
}

static bool parse_currency(struct field f, uint32_t *out)
{
    if (f.len != 3 || !is_upper(f.p[0]) || !is_upper(f.p[1]) || !is_upper(f.p[2])) {
        return false;
    }
    *out = (uint32_t)f.p[0] << 24 | (uint32_t)f.p[1] << 16 | (uint32_t)f.p[2] << 8;
    return true;
}

/* the fields of a line; how many there are, at most FIELDS + 1 */
static size_t split(const char *line, size_t len, struct field out[FIELDS])
{
    size_t n = 0;
    size_t from = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && line[i] != ',') {
            continue;
        }
        if (n == FIELDS) {
            return FIELDS + 1;
        }
        out[n].p = line + from;
        out[n].len = i - from;
        n++;
        from = i + 1;
    }
    return n;
}

static enum bank_status bad(const struct bank_csv *c, struct bank_why *why, const char *what)
{
    return bank_fail(why, BANK_SYNTAX, "%s.csv:%llu: %s", c->name, (unsigned long long)c->line,
                     what);
}

static enum bank_status row(const struct bank_csv *c, const char *line, size_t len,
                            struct bank_transfer *t, struct bank_why *why)
{
    struct field f[FIELDS] = {{NULL, 0}};
    size_t n = split(line, len, f);

    if (len == 0) {
        return bad(c, why, "empty line");
    }
    if (n != FIELDS) {
        return bad(c, why, n < FIELDS ? "fewer than 5 fields" : "more than 5 fields");
    }
    if (!parse_time(f[0], &t->time)) {
        return bad(c, why, "time: not YYYY-MM-DDTHH:MM:SSZ of 1970 to 2199");
    }
    if (!parse_account(f[1])) {
        return bad(c, why, "from: not an account (1 to 34 of A-Z and 0-9)");
    }
    if (!parse_account(f[2])) {
        return bad(c, why, "to: not an account (1 to 34 of A-Z and 0-9)");
    }
    if (!parse_amount(f[3], &t->amount)) {
        return bad(c, why, "amount: not a whole number, 1 to 1000000000000");
    }
    if (!parse_currency(f[4], &t->currency)) {
        return bad(c, why, "currency: not three letters A-Z");
    }
    if (f[1].len == f[2].len && memcmp(f[1].p, f[2].p, f[1].len) == 0) {
        return bad(c, why, "from and to are the same account");
    }
    t->from = f[1].p;
    t->from_len = f[1].len;
    t->to = f[2].p;
    t->to_len = f[2].len;
    return BANK_OK;
}

static enum bank_status take_line(struct bank_csv *c, const char *line, size_t len,
                                  bank_transfer_fn *fn, void *ctx, struct bank_why *why)
{
    static const char header[] = BANK_CSV_HEADER;
    struct bank_transfer t = {0};
    enum bank_status st = BANK_OK;

    c->line++;
    if (len != 0 && line[len - 1] == '\r') {
        len--;
    }
    if (len > BANK_CSV_MAX_LINE) {
        return bad(c, why, "line too long");
    }
    if (c->line == 1) {
        if (len != sizeof(header) - 1 || memcmp(line, header, len) != 0) {
            return bad(c, why, "must be exactly " BANK_CSV_HEADER);
        }
        return BANK_OK;
    }
    st = row(c, line, len, &t, why);
    return st == BANK_OK ? fn(ctx, &t, why) : st;
}

void bank_csv_init(struct bank_csv *c, const char *name)
{
    memset(c, 0, sizeof(*c));
    c->name = name;
}

enum bank_status bank_csv_feed(struct bank_csv *c, const void *data, size_t len,
                               bank_transfer_fn *fn, void *ctx, struct bank_why *why)
{
    const char *p = data;
    enum bank_status st = BANK_OK;

    if (c->ended) {
        return bank_fail(why, BANK_STATE, "%s.csv: data after its end", c->name);
    }
    while (len != 0) {
        const char *nl = memchr(p, '\n', len);
        size_t n = nl != NULL ? (size_t)(nl - p) : len;

        if (c->held == 0 && nl != NULL) {
            st = take_line(c, p, n, fn, ctx, why); /* the usual case: no copy */
        } else {
            if (n > sizeof(c->hold) - c->held) {
                c->line++;
                return bad(c, why, "line too long");
            }
            memcpy(c->hold + c->held, p, n);
            c->held += n;
            if (nl != NULL) {
                st = take_line(c, c->hold, c->held, fn, ctx, why);
                c->held = 0;
            }
        }
        if (st != BANK_OK) {
            return st;
        }
        n += nl != NULL ? 1 : 0;
        p += n;
        len -= n;
    }
    return BANK_OK;
}

enum bank_status bank_csv_end(struct bank_csv *c, bank_transfer_fn *fn, void *ctx,
                              struct bank_why *why)
{
    enum bank_status st = BANK_OK;

    if (c->ended) {
        return bank_fail(why, BANK_STATE, "%s.csv: ended twice", c->name);
    }
    if (c->held != 0) {
        st = take_line(c, c->hold, c->held, fn, ctx, why);
    } else if (c->line == 0) {
        c->line = 1;
        st = bad(c, why, "empty; must be " BANK_CSV_HEADER);
    }
    bank_wipe(c->hold, sizeof(c->hold));
    c->held = 0;
    c->ended = true;
    return st;
}
