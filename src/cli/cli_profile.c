/*
 * `casemate run --profile`: the table of what liboehost counted. The file holds one line a function
 * and process:
 *
 *   casemate-profile 1
 *   ecall<TAB>name<TAB>calls<TAB>bytes in<TAB>bytes out<TAB>ns<TAB>own ns
 *
 * Several processes append to one file; lines of the same function are added up. UNTRUSTED: the
 * program could have written anything.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_text.h"
#include "common/checked.h"
#include "common/try.h"

#define FUNCTIONS_MAX 4096U
#define NAME_CAP      128U
#define FIELDS        7U
#define HEADER        "casemate-profile 1"
#define JSON_EACH     512U

struct line {
    bool ocall;
    char name[NAME_CAP];
    uint64_t numbers[5]; /* calls, in, out, ns, own ns */
};

struct table {
    struct line *lines;
    size_t count;
};

static bool is_number(const char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;

    if (n == 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || cm_mul_ovf(v, 10U, &v) ||
            cm_add_ovf(v, (uint64_t)(p[i] - '0'), &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}

static bool name_ok(const char *p, size_t n)
{
    if (n == 0 || n >= NAME_CAP) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '!' || p[i] > '~') {
            return false;
        }
    }
    return true;
}

/* one line without its newline */
static bool parse_line(const char *p, size_t n, struct line *out)
{
    const char *field[FIELDS];
    size_t len[FIELDS] = {0};
    size_t k = 0;
    size_t from = 0;

    for (size_t i = 0; i <= n; i++) {
        if (i == n || p[i] == '\t') {
            if (k == FIELDS) {
                return false;
            }
            field[k] = p + from;
            len[k] = i - from;
            k++;
            from = i + 1;
        }
    }
    if (k != FIELDS || len[0] != 5 || !name_ok(field[1], len[1])) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->ocall = memcmp(field[0], "ocall", 5) == 0;
    if (!out->ocall && memcmp(field[0], "ecall", 5) != 0) {
        return false;
    }
    memcpy(out->name, field[1], len[1]);
    for (size_t i = 0; i < 5; i++) {
        if (!is_number(field[i + 2], len[i + 2], &out->numbers[i])) {
            return false;
        }
    }
    return true;
}

static enum cm_status merge(struct table *t, const struct line *l)
{
    size_t i = 0;

    while (i < t->count &&
           (t->lines[i].ocall != l->ocall || strcmp(t->lines[i].name, l->name) != 0)) {
        i++;
    }
    if (i == FUNCTIONS_MAX) {
        return CM_ERR_LIMIT;
    }
    if (i == t->count) {
        t->lines[i] = *l;
        t->count++;
        return CM_OK;
    }
    for (size_t k = 0; k < 5; k++) {
        if (cm_add_ovf(t->lines[i].numbers[k], l->numbers[k], &t->lines[i].numbers[k])) {
            return CM_ERR_OVERFLOW;
        }
    }
    return CM_OK;
}

static enum cm_status parse(const char *text, size_t len, struct table *t, struct cm_why *why)
{
    size_t number = 0;

    while (len != 0) {
        const char *nl = memchr(text, '\n', len);
        size_t n = nl != NULL ? (size_t)(nl - text) : len;
        struct line l;
        enum cm_status st = CM_OK;

        number++;
        if (n == sizeof(HEADER) - 1 && memcmp(text, HEADER, n) == 0) {
            st = CM_OK;
        } else if (number == 1 || nl == NULL || !parse_line(text, n, &l)) {
            cm_why_set(why, "the profile is damaged at line %zu", number);
            return CM_ERR_SYNTAX;
        } else {
            st = merge(t, &l);
        }
        if (st != CM_OK) {
            return st;
        }
        n += nl != NULL ? 1 : 0;
        text += n;
        len -= n;
    }
    return CM_OK;
}

/* most time first, then by name */
static int by_time(const void *left, const void *right)
{
    const struct line *l = left;
    const struct line *r = right;

    if (l->ocall != r->ocall) {
        return l->ocall ? 1 : -1;
    }
    if (l->numbers[3] != r->numbers[3]) {
        return l->numbers[3] > r->numbers[3] ? -1 : 1;
    }
    return strcmp(l->name, r->name);
}

/* a duration that fits 9 columns */
static const char *duration(uint64_t ns, char out[16])
{
    if (ns < 10000) {
        (void)snprintf(out, 16, "%" PRIu64 " ns", ns);
    } else if (ns < 10000000) {
        (void)snprintf(out, 16, "%.1f us", (double)ns / 1e3);
    } else if (ns < 10000000000) {
        (void)snprintf(out, 16, "%.1f ms", (double)ns / 1e6);
    } else {
        (void)snprintf(out, 16, "%.1f s", (double)ns / 1e9);
    }
    return out;
}

/* a size that fits 8 columns */
static const char *size(uint64_t bytes, char out[16])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 9999.5 && u + 1 < sizeof(units) / sizeof(units[0])) {
        v /= 1000;
        u++;
    }
    (void)snprintf(out, 16, "%.0f %s", v, units[u]);
    return out;
}

static void print_text(const struct table *t, FILE *out)
{
    char a[16];
    char b[16];
    char c[16];
    char d[16];

    (void)fprintf(out, "%-5s %-25s %9s %8s %8s %9s %9s\n", "", "function", "calls", "in", "out",
                  "time", "a call");
    for (size_t i = 0; i < t->count; i++) {
        const struct line *l = &t->lines[i];
        uint64_t calls = l->numbers[0];

        (void)fprintf(out, "%-5s %-25.25s %9" PRIu64 " %8s %8s %9s %9s\n",
                      l->ocall ? "ocall" : "ecall", l->name, calls, size(l->numbers[1], a),
                      size(l->numbers[2], b), duration(l->numbers[3], c),
                      duration(calls != 0 ? l->numbers[3] / calls : 0, d));
    }
    (void)fprintf(out, t->count == 0
                           ? "no ecall was made, or the program is not linked with liboehost\n"
                           : "The time of an ecall includes the ocalls that it made.\n");
}

static void json_members(struct cm_json_wr *w, const void *subject)
{
    const struct table *t = subject;

    cm_json_wr_name(w, "functions");
    cm_json_wr_array(w);
    for (size_t i = 0; i < t->count; i++) {
        const struct line *l = &t->lines[i];

        cm_json_wr_object(w);
        cm_cli_json_str(w, "kind", l->ocall ? "ocall" : "ecall");
        cm_cli_json_str(w, "name", l->name);
        cm_cli_json_u64(w, "calls", l->numbers[0]);
        cm_cli_json_u64(w, "bytes_in", l->numbers[1]);
        cm_cli_json_u64(w, "bytes_out", l->numbers[2]);
        cm_cli_json_u64(w, "ns", l->numbers[3]);
        cm_cli_json_u64(w, "own_ns", l->numbers[4]);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

enum cm_status cm_cli_profile(const char *text, size_t len, bool json, FILE *out,
                              struct cm_why *why)
{
    struct table t = {calloc(FUNCTIONS_MAX, sizeof(t.lines[0])), 0};
    enum cm_status st = CM_OK;

    if (t.lines == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(parse(text, len, &t, why));
    qsort(t.lines, t.count, sizeof(t.lines[0]), by_time);
    if (json) {
        CM_TRY(cm_cli_json_print(json_members, &t, JSON_EACH * (t.count + 1), out));
    } else {
        print_text(&t, out);
    }
out:
    free(t.lines);
    return st;
}
