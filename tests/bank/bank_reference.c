/* See bank_reference.h. */
#include "bank_reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct transfer {
    char *from;
    char *to;
    char currency[4];
    long long time;
    long long amount;
    unsigned bank;
};

struct table {
    struct transfer *rows;
    size_t count;
    size_t *by_receiver; /* row numbers, ordered by `to` */
};

struct path {
    size_t rows[BANK_MAX_LENGTH]; /* the first of the path first */
    unsigned length;
};

struct paths {
    struct path *list;
    size_t count;
    size_t cap;
};

struct texts {
    char **list;
    size_t count;
    size_t cap;
};

static void *need(void *p)
{
    if (p == NULL) {
        (void)fprintf(stderr, "reference: out of memory\n");
        abort();
    }
    return p;
}

static void add_row(struct table *t, char *line, unsigned bank)
{
    struct transfer *r = NULL;
    struct tm when = {0};
    char *f[5] = {NULL};

    for (int i = 0; i < 5; i++) {
        f[i] = need(strsep(&line, ",\r\n"));
    }
    if ((t->count & (t->count - 1)) == 0) {
        size_t cap = t->count == 0 ? 1 : t->count * 2;

        t->rows = need(realloc(t->rows, cap * sizeof(t->rows[0])));
    }
    r = &t->rows[t->count];
    t->count++;
    memset(r, 0, sizeof(*r));
    (void)need(strptime(f[0], "%Y-%m-%dT%H:%M:%SZ", &when));
    r->time = timegm(&when);
    r->from = need(strdup(f[1]));
    r->to = need(strdup(f[2]));
    r->amount = strtoll(f[3], NULL, 10);
    memcpy(r->currency, f[4], 3);
    r->bank = bank;
}

static void read_file(struct table *t, const char *path, unsigned bank)
{
    FILE *f = need(fopen(path, "r"));
    char line[256];

    (void)need(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f) != NULL) {
        add_row(t, line, bank);
    }
    (void)fclose(f);
}

static int by_receiver(const void *left, const void *right, void *rows)
{
    const struct transfer *r = rows;
    const size_t *a = left;
    const size_t *b = right;

    return strcmp(r[*a].to, r[*b].to);
}

/* the first row in receiver order whose `to` is this account */
static size_t first_to(const struct table *t, const char *account)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (strcmp(t->rows[t->by_receiver[mid]].to, account) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void add_path(struct paths *p, size_t first, const struct path *rest)
{
    struct path *n = NULL;

    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 1024 : p->cap * 2;
        p->list = need(realloc(p->list, p->cap * sizeof(p->list[0])));
    }
    n = &p->list[p->count];
    p->count++;
    n->rows[0] = first;
    n->length = 1;
    for (unsigned i = 0; rest != NULL && i < rest->length; i++) {
        n->rows[n->length] = rest->rows[i];
        n->length++;
    }
}

static void add_text(struct texts *t, const char *text)
{
    if (t->count == t->cap) {
        t->cap = t->cap == 0 ? 64 : t->cap * 2;
        t->list = need(realloc(t->list, t->cap * sizeof(t->list[0])));
    }
    t->list[t->count] = need(strdup(text));
    t->count++;
}

/* the circle that the path closes to with `first` before it */
static void add_circle(const struct table *t, size_t first, const struct path *rest,
                       struct texts *found)
{
    const char *names[BANK_MAX_LENGTH];
    char text[512];
    unsigned n = rest->length + 1;
    unsigned least = 0;
    bool across = false;
    int used = 0;

    names[0] = t->rows[first].from;
    for (unsigned i = 1; i < n; i++) {
        names[i] = t->rows[rest->rows[i - 1]].from;
        across = across || t->rows[rest->rows[i - 1]].bank != t->rows[first].bank;
        least = strcmp(names[i], names[least]) < 0 ? i : least;
    }
    if (!across) {
        return;
    }
    used = snprintf(text, sizeof(text), "%u:", n);
    for (unsigned i = 0; i < n; i++) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%s", i == 0 ? "" : ">",
                         names[(least + i) % n]);
    }
    add_text(found, text);
}

/* may `first` stand before this path? */
static bool fits(const struct table *t, const struct bank_rules *rules, size_t first,
                 const struct path *rest)
{
    const struct transfer *a = &t->rows[first];
    const struct transfer *b = &t->rows[rest->rows[0]];
    const struct transfer *last = &t->rows[rest->rows[rest->length - 1]];

    return a->time < b->time && last->time - a->time <= (long long)rules->window_seconds &&
           strcmp(a->currency, b->currency) == 0 && b->amount <= a->amount &&
           b->amount * 100 >= a->amount * (long long)rules->keep_percent;
}

static bool visits(const struct table *t, const struct path *p, const char *account)
{
    for (unsigned i = 0; i < p->length; i++) {
        if (strcmp(t->rows[p->rows[i]].from, account) == 0) {
            return true;
        }
    }
    return false;
}

/* all paths one transfer longer; circles fall out on the way */
static struct paths longer(const struct table *t, const struct bank_rules *rules,
                           const struct paths *old, struct texts *found)
{
    struct paths out = {NULL, 0, 0};

    for (size_t i = 0; i < old->count; i++) {
        const struct path *p = &old->list[i];
        const char *head = t->rows[p->rows[0]].from;
        const char *tail = t->rows[p->rows[p->length - 1]].to;

        for (size_t k = first_to(t, head); k < t->count; k++) {
            size_t row = t->by_receiver[k];

            if (strcmp(t->rows[row].to, head) != 0) {
                break;
            }
            if (!fits(t, rules, row, p) || visits(t, p, t->rows[row].from)) {
                continue;
            }
            if (strcmp(t->rows[row].from, tail) != 0) {
                add_path(&out, row, p);
            } else if (p->length + 1 >= rules->min_length) {
                add_circle(t, row, p, found);
            }
        }
    }
    return out;
}

static int by_text(const void *left, const void *right)
{
    char *const *l = left;
    char *const *r = right;

    return strcmp(*l, *r);
}

/* equal texts become one with its count */
static void count_equal(struct texts *found, struct reference *out)
{
    struct texts counted = {NULL, 0, 0};
    char text[600];

    if (found->count != 0) {
        qsort(found->list, found->count, sizeof(found->list[0]), by_text);
    }
    for (size_t i = 0; i < found->count;) {
        size_t k = i;

        while (k < found->count && strcmp(found->list[i], found->list[k]) == 0) {
            k++;
        }
        (void)snprintf(text, sizeof(text), "%s x%zu", found->list[i], k - i);
        add_text(&counted, text);
        i = k;
    }
    for (size_t i = 0; i < found->count; i++) {
        free(found->list[i]);
    }
    free(found->list);
    if (counted.count != 0) {
        qsort(counted.list, counted.count, sizeof(counted.list[0]), by_text);
    }
    out->circles = counted.list;
    out->circle_count = counted.count;
}

struct sender {
    const char *name;
    unsigned bank;
};

static int by_sender(const void *left, const void *right)
{
    const struct sender *l = left;
    const struct sender *r = right;

    return strcmp(l->name, r->name);
}

static void totals(const struct table *t, struct reference *out)
{
    char **all = need(calloc(t->count * 2 + 1, sizeof(all[0])));
    struct sender *senders = need(calloc(t->count + 1, sizeof(senders[0])));

    for (size_t i = 0; i < t->count; i++) {
        all[2 * i] = t->rows[i].from;
        all[2 * i + 1] = t->rows[i].to;
        senders[i].name = t->rows[i].from;
        senders[i].bank = t->rows[i].bank;
    }
    qsort(all, t->count * 2, sizeof(all[0]), by_text);
    qsort(senders, t->count, sizeof(senders[0]), by_sender);
    out->rows = t->count;
    for (size_t i = 0; i < t->count * 2; i++) {
        out->accounts += i == 0 || strcmp(all[i], all[i - 1]) != 0;
    }
    for (size_t i = 0; i < t->count; i++) {
        struct sender key = {t->rows[i].to, 0};
        const struct sender *hit = bsearch(&key, senders, t->count, sizeof(senders[0]), by_sender);

        out->rows_between_banks += hit != NULL && hit->bank != t->rows[i].bank;
    }
    free(all);
    free(senders);
}

static void free_table(struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->rows[i].from);
        free(t->rows[i].to);
    }
    free(t->rows);
    free(t->by_receiver);
}

void reference_run(const struct bank_parties *p, const struct bank_rules *rules,
                   struct reference *out)
{
    struct table t = {NULL, 0, NULL};
    struct paths level = {NULL, 0, 0};
    struct texts found = {NULL, 0, 0};

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < p->count; i++) {
        read_file(&t, p->list[i].path, i);
    }
    t.by_receiver = need(calloc(t.count + 1, sizeof(t.by_receiver[0])));
    for (size_t i = 0; i < t.count; i++) {
        t.by_receiver[i] = i;
        add_path(&level, i, NULL);
    }
    if (t.count != 0) {
        qsort_r(t.by_receiver, t.count, sizeof(t.by_receiver[0]), by_receiver, t.rows);
    }
    for (unsigned length = 1; length < rules->max_length; length++) {
        struct paths next = longer(&t, rules, &level, &found);

        free(level.list);
        level = next;
    }
    free(level.list);
    totals(&t, out);
    count_equal(&found, out);
    free_table(&t);
}

void reference_free(struct reference *r)
{
    for (size_t i = 0; i < r->circle_count; i++) {
        free(r->circles[i]);
    }
    free(r->circles);
    memset(r, 0, sizeof(*r));
}
