/*
 * The claims model's store; see casemate/evidence.h and claims.h. One growing list an item kind;
 * copied values lie one behind the other in blocks, of which there are few.
 */
#include "evidence/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"

#define BLOCK ((size_t)4096)

struct block {
    struct block *next;
    size_t used;
    size_t cap;
    uint8_t data[];
};

struct list {
    void *items;
    size_t count;
    size_t cap;
};

struct submod {
    const char *name;
    struct list claims;
    struct list checks;
    bool emulated; /* CM_CLAIM_EMULATED stands among its claims */
};

struct cm_evidence {
    struct submod submods[CM_EVIDENCE_MAX_SUBMODS];
    size_t submod_count;
    struct list bindings;
    struct list floors;
    struct block *blocks;
    size_t items;
    enum cm_status status; /* sticky */
};

/* A zeroed new item at the end of a list; NULL (sticky) when it cannot be. */
static void *list_add(struct cm_evidence *ev, struct list *l, size_t item_size)
{
    void *item = NULL;

    if (ev->status != CM_OK) {
        return NULL;
    }
    if (ev->items == CM_EVIDENCE_MAX_ITEMS) {
        ev->status = CM_ERR_LIMIT;
        return NULL;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
        void *items = realloc(l->items, cap * item_size); /* cap is bounded by MAX_ITEMS */

        if (items == NULL) {
            ev->status = CM_ERR_NOMEM;
            return NULL;
        }
        l->items = items;
        l->cap = cap;
    }
    item = (uint8_t *)l->items + l->count * item_size;
    memset(item, 0, item_size);
    l->count++;
    ev->items++;
    return item;
}

/* Room for size bytes, owned by ev: in the newest block, or in a new one. NULL: no memory. */
static uint8_t *room(struct cm_evidence *ev, size_t size)
{
    struct block *b = ev->blocks;
    size_t cap = size > BLOCK ? size : BLOCK;
    size_t whole = 0;

    if (b == NULL || size > b->cap - b->used) {
        b = cm_add_ovf(cap, sizeof(*b), &whole) ? NULL : malloc(whole);
        if (b == NULL) {
            return NULL;
        }
        *b = (struct block){.next = ev->blocks, .cap = cap};
        ev->blocks = b;
    }
    b->used += size;
    return b->data + b->used - size;
}

/* A copy of len bytes with a NUL behind them, owned by ev. */
static uint8_t *keep(struct cm_evidence *ev, const void *bytes, size_t len)
{
    uint8_t *copy = NULL;
    size_t size = 0;

    if (ev->status != CM_OK) {
        return NULL;
    }
    if (!cm_add_ovf(len, (size_t)1, &size)) {
        copy = room(ev, size);
    }
    if (copy == NULL) {
        ev->status = CM_ERR_NOMEM;
        return NULL;
    }
    if (len != 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = 0;
    return copy;
}

struct cm_evidence *cm_evidence_new(const char *first_submod)
{
    struct cm_evidence *ev = calloc(1, sizeof(*ev));

    if (ev != NULL) {
        ev->submods[0].name = first_submod;
        ev->submod_count = 1;
    }
    return ev;
}

void cm_evidence_free(struct cm_evidence *ev)
{
    if (ev == NULL) {
        return;
    }
    for (size_t i = 0; i < ev->submod_count; i++) {
        free(ev->submods[i].claims.items);
        free(ev->submods[i].checks.items);
    }
    while (ev->blocks != NULL) {
        struct block *next = ev->blocks->next;

        free(ev->blocks);
        ev->blocks = next;
    }
    free(ev->bindings.items);
    free(ev->floors.items);
    free(ev);
}

size_t cm_evidence_add_submod(struct cm_evidence *ev, const char *name)
{
    if (ev->submod_count == CM_EVIDENCE_MAX_SUBMODS) {
        ev->status = ev->status == CM_OK ? CM_ERR_LIMIT : ev->status;
        return 0;
    }
    ev->submods[ev->submod_count].name = name;
    return ev->submod_count++;
}

static struct cm_claim *add_claim(struct cm_evidence *ev, size_t submod, const char *name,
                                  enum cm_claim_type type)
{
    struct cm_claim *c = list_add(ev, &ev->submods[submod].claims, sizeof(*c));

    if (c != NULL) {
        c->name = name;
        c->type = type;
        c->authority = CM_AUTHORITY_SELF;
        ev->submods[submod].emulated =
            ev->submods[submod].emulated ||
            (name[0] == CM_CLAIM_EMULATED[0] && strcmp(name, CM_CLAIM_EMULATED) == 0);
    }
    return c;
}

void cm_claim_bytes(struct cm_evidence *ev, size_t submod, const char *name, struct cm_span value)
{
    const uint8_t *copy = keep(ev, value.ptr, value.len);
    struct cm_claim *c = add_claim(ev, submod, name, CM_CLAIM_TYPE_BYTES);

    if (c != NULL) {
        c->bytes = copy;
        c->len = value.len;
    }
}

void cm_claim_text(struct cm_evidence *ev, size_t submod, const char *name, const char *value)
{
    size_t len = strlen(value);
    const uint8_t *copy = keep(ev, value, len);
    struct cm_claim *c = add_claim(ev, submod, name, CM_CLAIM_TYPE_TEXT);

    if (c != NULL) {
        c->text = (const char *)copy;
        c->len = len;
    }
}

static void add_number(struct cm_evidence *ev, size_t submod, const char *name,
                       enum cm_claim_type type, uint64_t value)
{
    struct cm_claim *c = add_claim(ev, submod, name, type);

    if (c != NULL) {
        c->number = value;
    }
}

void cm_claim_uint(struct cm_evidence *ev, size_t submod, const char *name, uint64_t value)
{
    add_number(ev, submod, name, CM_CLAIM_TYPE_UINT, value);
}

void cm_claim_bool(struct cm_evidence *ev, size_t submod, const char *name, bool value)
{
    add_number(ev, submod, name, CM_CLAIM_TYPE_BOOL, value ? 1 : 0);
}

void cm_claim_time(struct cm_evidence *ev, size_t submod, const char *name, uint64_t value)
{
    add_number(ev, submod, name, CM_CLAIM_TYPE_TIME, value);
}

void cm_claim_digest(struct cm_evidence *ev, size_t submod, const struct cm_digest *digest)
{
    const uint8_t *copy = keep(ev, digest->value.ptr, digest->value.len);
    const uint8_t *label = keep(ev, digest->label, strlen(digest->label));
    struct cm_claim *c = add_claim(ev, submod, CM_CLAIM_MEASUREMENTS, CM_CLAIM_TYPE_DIGEST);

    if (c != NULL) {
        c->bytes = copy;
        c->len = digest->value.len;
        c->text = (const char *)label;
        c->alg = digest->alg;
        c->role = digest->role;
    }
}

size_t cm_evidence_mark(const struct cm_evidence *ev, size_t submod)
{
    return ev->submods[submod].claims.count;
}

void cm_evidence_raise(struct cm_evidence *ev, size_t submod, size_t from,
                       enum cm_authority authority)
{
    struct list *l = &ev->submods[submod].claims;
    struct cm_claim *claims = l->items;

    if (authority == CM_AUTHORITY_HARDWARE && ev->submods[submod].emulated) {
        return;
    }
    for (size_t i = from; i < l->count; i++) {
        claims[i].authority = authority;
    }
}

CM_PRINTF(4, 0)
static void add_check(struct cm_evidence *ev, size_t submod, const struct cm_check *what,
                      const char *detail, va_list args)
{
    char made[256] = "";
    const char *text = made;
    struct cm_check *c = NULL;
    const uint8_t *copy = NULL;

    if (strcmp(detail, "%s") == 0) { /* nearly all of them, most with no text at all */
        text = va_arg(args, const char *);
    } else {
        (void)vsnprintf(made, sizeof(made), detail, args);
    }
    copy = keep(ev, text, strnlen(text, sizeof(made) - 1));
    c = list_add(ev, &ev->submods[submod].checks, sizeof(*c));
    if (c != NULL) {
        *c = *what;
        c->detail = (const char *)copy;
    }
}

void cm_check_status(struct cm_evidence *ev, size_t submod, const char *name, enum cm_status st,
                     const char *detail, ...)
{
    struct cm_check c = {.name = name, .status = st, .required = true};
    va_list args;

    c.result = st == CM_OK ? CM_CHECK_PASS : CM_CHECK_FAIL;
    va_start(args, detail);
    add_check(ev, submod, &c, detail, args);
    va_end(args);
}

void cm_check_note(struct cm_evidence *ev, size_t submod, const char *name,
                   enum cm_check_result result, const char *detail, ...)
{
    struct cm_check c = {.name = name, .result = result, .status = CM_OK};
    va_list args;

    c.status = result == CM_CHECK_FAIL ? CM_ERR_MISMATCH : CM_OK;
    va_start(args, detail);
    add_check(ev, submod, &c, detail, args);
    va_end(args);
}

void cm_evidence_bind(struct cm_evidence *ev, const char *name, size_t from, size_t to,
                      enum cm_check_result result)
{
    struct cm_binding *b = list_add(ev, &ev->bindings, sizeof(*b));

    if (b != NULL) {
        b->name = name;
        b->from = from;
        b->to = to;
        b->result = result;
    }
}

void cm_evidence_reach(struct cm_evidence *ev, const char *name, uint64_t value)
{
    struct cm_floor *f = list_add(ev, &ev->floors, sizeof(*f));

    if (f != NULL) {
        (void)snprintf(f->name, sizeof(f->name), "%s", name);
        f->value = value;
    }
}

bool cm_floor_below(const struct cm_verify_input *in, const char *name, uint64_t value)
{
    for (size_t i = 0; i < in->floor_count; i++) {
        if (strncmp(in->floors[i].name, name, sizeof(in->floors[i].name)) == 0 &&
            value < in->floors[i].value) {
            return true;
        }
    }
    return false;
}

enum cm_status cm_evidence_done(const struct cm_evidence *ev)
{
    return ev->status;
}

size_t cm_evidence_submods(const struct cm_evidence *ev)
{
    return ev->submod_count;
}

const char *cm_evidence_name(const struct cm_evidence *ev, size_t submod)
{
    return submod < ev->submod_count ? ev->submods[submod].name : NULL;
}

static const void *item(const struct list *l, size_t index, size_t item_size)
{
    return index < l->count ? (const uint8_t *)l->items + index * item_size : NULL;
}

const struct cm_claim *cm_evidence_claim(const struct cm_evidence *ev, size_t submod, size_t index)
{
    return submod < ev->submod_count
               ? item(&ev->submods[submod].claims, index, sizeof(struct cm_claim))
               : NULL;
}

const struct cm_check *cm_evidence_check(const struct cm_evidence *ev, size_t submod, size_t index)
{
    return submod < ev->submod_count
               ? item(&ev->submods[submod].checks, index, sizeof(struct cm_check))
               : NULL;
}

const struct cm_binding *cm_evidence_binding(const struct cm_evidence *ev, size_t index)
{
    return item(&ev->bindings, index, sizeof(struct cm_binding));
}

const struct cm_floor *cm_evidence_floor(const struct cm_evidence *ev, size_t index)
{
    return item(&ev->floors, index, sizeof(struct cm_floor));
}

const struct cm_claim *cm_evidence_find(const struct cm_evidence *ev, size_t submod,
                                        const char *name, size_t nth)
{
    const struct cm_claim *c = NULL;

    for (size_t i = 0; (c = cm_evidence_claim(ev, submod, i)) != NULL; i++) {
        if (strcmp(c->name, name) == 0 && nth-- == 0) {
            return c;
        }
    }
    return NULL;
}

enum cm_check_result cm_evidence_result(const struct cm_evidence *ev, size_t submod,
                                        const char *name)
{
    const struct cm_check *c = NULL;
    enum cm_check_result result = CM_CHECK_NOT_CHECKED;

    /* a name may stand twice (once a certificate); one failure decides */
    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        if (strcmp(c->name, name) == 0 && result != CM_CHECK_FAIL) {
            result = c->result;
        }
    }
    return result;
}

static bool own_checks_pass(const struct cm_evidence *ev, size_t submod)
{
    const struct cm_check *c = NULL;
    bool any = false;

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        if (c->required && c->result != CM_CHECK_PASS) {
            return false;
        }
        any = any || c->required;
    }
    return any;
}

bool cm_evidence_genuine(const struct cm_evidence *ev, size_t submod)
{
    bool genuine[CM_EVIDENCE_MAX_SUBMODS] = {false};
    bool changed = true;

    if (submod >= ev->submod_count || ev->status != CM_OK) {
        return false;
    }
    genuine[0] = own_checks_pass(ev, 0);
    while (changed) { /* ends: each round makes at least one more submodule genuine */
        const struct cm_binding *b = NULL;

        changed = false;
        for (size_t i = 0; (b = cm_evidence_binding(ev, i)) != NULL; i++) {
            if (b->result == CM_CHECK_PASS && b->from < ev->submod_count &&
                b->to < ev->submod_count && genuine[b->from] && !genuine[b->to] &&
                own_checks_pass(ev, b->to)) {
                genuine[b->to] = true;
                changed = true;
            }
        }
    }
    return genuine[submod];
}
