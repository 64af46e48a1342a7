/*
 * The search for circles: from every transfer, follow the money forward in time. Because each
 * transfer of a circle is later than the one before, a circle has exactly one first transfer and is
 * found exactly once; because the window is short and amounts must fit, few paths go on. The depth
 * is bounded by the agreement, the work by BANK_MAX_STEPS.
 */
#include <stdlib.h>
#include <string.h>

#include "bank_book.h"
#include "bank_text.h"

#define FIRST_CIRCLES 256U

/* one transfer of the path, and where to look on after it */
struct hop {
    uint32_t row;
    uint32_t next;
    uint32_t end;
};

/* rows of the receiver of row i that are later than it */
static struct hop follow(const struct bank_book *b, uint32_t i)
{
    const struct bank_row *r = &b->rows[i];
    uint32_t low = b->first[r->to];
    uint32_t high = b->first[r->to + 1];
    struct hop h = {.row = i, .end = high};

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (b->rows[mid].time > r->time) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    h.next = low;
    return h;
}

static bool passes_on(const struct bank_agreement *a, const struct bank_row *before,
                      const struct bank_row *r)
{
    return r->currency == before->currency && r->amount <= before->amount &&
           r->amount * 100 >= before->amount * a->keep_percent; /* at most 10^14 */
}

static bool on_path(const struct bank_book *b, const struct hop *path, uint32_t hops,
                    uint32_t account)
{
    for (uint32_t i = 0; i < hops; i++) {
        if (b->rows[path[i].row].from == account) {
            return true;
        }
    }
    return false;
}

static uint32_t find_slot(const struct bank_found_set *s, const struct bank_found *f)
{
    uint64_t h = f->length;
    uint32_t i = 0;

    for (uint32_t k = 0; k < f->length; k++) {
        h = (h ^ f->account[k]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 31;
    }
    i = (uint32_t)h & (s->slot_count - 1);
    while (s->slots[i] != 0) {
        const struct bank_found *x = &s->list[s->slots[i] - 1];

        if (x->length == f->length &&
            memcmp(x->account, f->account, f->length * sizeof(f->account[0])) == 0) {
            break;
        }
        i = (i + 1) & (s->slot_count - 1);
    }
    return i;
}

static enum bank_status grow_found(struct bank_found_set *s)
{
    uint32_t cap = s->cap == 0 ? FIRST_CIRCLES : s->cap * 2;
    struct bank_found_set n = {.count = s->count, .cap = cap, .slot_count = cap * 2};

    if (s->count >= BANK_MAX_CIRCLES) {
        return BANK_LIMIT;
    }
    if (s->count < s->cap) {
        return BANK_OK;
    }
    n.list = calloc(cap, sizeof(n.list[0]));
    n.slots = calloc(n.slot_count, sizeof(n.slots[0]));
    if (n.list == NULL || n.slots == NULL) {
        free(n.list);
        free(n.slots);
        return BANK_NO_MEMORY;
    }
    if (s->count != 0) {
        memcpy(n.list, s->list, s->count * sizeof(n.list[0]));
    }
    for (uint32_t i = 0; i < n.count; i++) {
        n.slots[find_slot(&n, &n.list[i])] = i + 1;
    }
    bank_wipe_free(s->list, s->cap * sizeof(s->list[0]));
    bank_wipe_free(s->slots, s->slot_count * sizeof(s->slots[0]));
    *s = n;
    return BANK_OK;
}

/* the circle as a set member: it begins with the account that comes first in the alphabet */
static struct bank_found canonical(const struct bank_book *b, const struct hop *path, uint32_t hops)
{
    struct bank_found f = {.length = hops, .times = 1};
    uint32_t least = 0;

    for (uint32_t i = 1; i < hops; i++) {
        if (bank_accounts_compare(&b->accounts, b->rows[path[i].row].from,
                                  b->rows[path[least].row].from) < 0) {
            least = i;
        }
    }
    for (uint32_t i = 0; i < hops; i++) {
        f.account[i] = b->rows[path[(least + i) % hops].row].from;
    }
    return f;
}

static enum bank_status record(struct bank_book *b, const struct hop *path, uint32_t hops,
                               struct bank_why *why)
{
    struct bank_found f = canonical(b, path, hops);
    bool across = false;
    uint32_t slot = 0;
    enum bank_status st = BANK_OK;

    for (uint32_t i = 1; i < hops; i++) {
        across = across || b->rows[path[i].row].bank != b->rows[path[0].row].bank;
    }
    if (!across) {
        return BANK_OK;
    }
    if (b->found.slot_count != 0) {
        slot = find_slot(&b->found, &f);
        if (b->found.slots[slot] != 0) {
            b->found.list[b->found.slots[slot] - 1].times++;
            return BANK_OK;
        }
    }
    st = grow_found(&b->found);
    if (st != BANK_OK) {
        return bank_fail(why, st,
                         "more than %u circles, or no memory for one more; agree on "
                         "shorter circles or a shorter time",
                         BANK_MAX_CIRCLES);
    }
    slot = find_slot(&b->found, &f);
    b->found.list[b->found.count] = f;
    b->found.count++;
    b->found.slots[slot] = b->found.count;
    return BANK_OK;
}

/* a transfer that goes on with the money of the path's last one: it closes a circle, makes the path
 * longer, or is of no use */
static enum bank_status take(struct bank_book *b, struct hop *path, uint32_t *hops, uint32_t row,
                             struct bank_why *why)
{
    const uint32_t to = b->rows[row].to;

    if (to == b->rows[path[0].row].from) {
        path[*hops].row = row;
        return *hops + 1 >= b->agreement.min_length ? record(b, path, *hops + 1, why) : BANK_OK;
    }
    if (*hops + 1 < b->agreement.max_length && !on_path(b, path, *hops, to)) {
        path[*hops] = follow(b, row);
        (*hops)++;
    }
    return BANK_OK;
}

enum bank_status bank_circles_from(struct bank_book *b, uint32_t i, struct bank_why *why)
{
    const struct bank_agreement *a = &b->agreement;
    const int64_t latest = b->rows[i].time + a->window_seconds;
    struct hop path[BANK_MAX_LENGTH];
    uint32_t hops = 1;
    enum bank_status st = BANK_OK;

    path[0] = follow(b, i);
    while (hops != 0 && st == BANK_OK) {
        struct hop *last = &path[hops - 1];
        uint32_t row = last->next;

        if (row == last->end || b->rows[row].time > latest) {
            hops--;
            continue;
        }
        last->next++;
        b->steps++;
        if (b->steps > BANK_MAX_STEPS) {
            return bank_fail(why, BANK_LIMIT,
                             "the data is too dense for circles of %u accounts in %u seconds; "
                             "agree on less",
                             a->max_length, a->window_seconds);
        }
        if (passes_on(a, &b->rows[last->row], &b->rows[row])) {
            st = take(b, path, &hops, row, why);
        }
    }
    return st;
}

static int compare_found(const void *left, const void *right, void *accounts)
{
    const struct bank_found *l = left;
    const struct bank_found *r = right;

    if (l->length != r->length) {
        return l->length < r->length ? -1 : 1;
    }
    for (uint32_t i = 0; i < l->length; i++) {
        int c = bank_accounts_compare(accounts, l->account[i], r->account[i]);

        if (c != 0) {
            return c;
        }
    }
    return 0;
}

void bank_circles_finish(struct bank_book *b)
{
    struct bank_found_set *s = &b->found;

    b->sum.circles = s->count;
    if (s->count == 0) {
        return;
    }
    qsort_r(s->list, s->count, sizeof(s->list[0]), compare_found, &b->accounts);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct bank_found *f = &s->list[i];

        b->sum.circles_by_length[f->length]++;
        for (uint32_t k = 0; k < f->length; k++) {
            struct bank_account *x = &b->accounts.list[f->account[k]];

            b->sum.accounts_in_circles += x->in_circle ? 0 : 1;
            x->in_circle = 1;
        }
    }
}
