/* An explanation's items; see decide_items.h. Untrusted: names and values of evidence are text of others. */
#include "decide/decide_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "policy/policy_saved.h"
#include "token/json.h"
#include "token/utf8.h"

#define FIRST_TEXT  (16u << 10)
#define FIRST_ITEMS 256u
#define HEX_MAX     4096u /* bytes of one value; longer ones are cut */

static const char *const results[] = {
    [CM_CHECK_NOT_CHECKED] = "not checked",
    [CM_CHECK_PASS] = "pass",
    [CM_CHECK_FAIL] = "fail",
    [CM_CHECK_NOT_APPLICABLE] = "not applicable",
};
static const char *const authorities[] = {
    [CM_AUTHORITY_SELF] = "self-asserted",
    [CM_AUTHORITY_KEY] = "key-bound",
    [CM_AUTHORITY_ENDORSER] = "endorser",
    [CM_AUTHORITY_HARDWARE] = "hardware-signed",
};

void cm_items_free(struct cm_items *items)
{
    free(items->text);
    free(items->item);
    memset(items, 0, sizeof(*items));
}

struct cm_span cm_items_at(const struct cm_items *items, size_t index)
{
    return index < items->count
               ? cm_span_make(items->text + items->item[index].off, items->item[index].len)
               : cm_span_make(NULL, 0);
}

/* One item, written by a function that may be called again with more room. */
typedef void write_fn(struct cm_json_wr *w, const void *what);

static bool more_text(struct cm_items *t)
{
    size_t cap = t->cap == 0 ? FIRST_TEXT : 2 * t->cap;
    uint8_t *text = cap > CM_ITEMS_MAX_BYTES ? NULL : realloc(t->text, cap);

    if (text != NULL) {
        t->text = text;
        t->cap = cap;
    }
    return text != NULL;
}

static bool more_items(struct cm_items *t)
{
    size_t cap = t->item_cap == 0 ? FIRST_ITEMS : 2 * t->item_cap;
    struct cm_item *item = cap > CM_ITEMS_MAX ? NULL : realloc(t->item, cap * sizeof(*item));

    if (item != NULL) {
        t->item = item;
        t->item_cap = cap;
    }
    return item != NULL;
}

static enum cm_status add(struct cm_items *t, write_fn *write, const void *what)
{
    struct cm_json_wr w;
    size_t len = 0;
    enum cm_status st = CM_ERR_SPACE;

    if (t->count == t->item_cap && !more_items(t)) {
        return CM_ERR_NOMEM;
    }
    while (st != CM_OK) {
        if (t->text != NULL) {
            w = cm_json_wr_init(t->text + t->len, t->cap - t->len);
            cm_json_wr_array(&w);
            write(&w, what);
            cm_json_wr_end(&w);
            st = cm_json_wr_finish(&w, &len);
        }
        if (st != CM_OK && !more_text(t)) {
            return t->cap * 2 > CM_ITEMS_MAX_BYTES ? CM_ERR_LIMIT : CM_ERR_NOMEM;
        }
    }
    t->item[t->count++] = (struct cm_item){(uint32_t)t->len, (uint32_t)len};
    t->len += len;
    return CM_OK;
}

static void write_hex(struct cm_json_wr *w, const uint8_t *bytes, size_t len)
{
    char text[2 * HEX_MAX + 1];

    len = len > HEX_MAX ? HEX_MAX : len;
    cm_hex_encode(cm_span_make(bytes, len), CM_HEX_LOWER, text);
    cm_json_wr_text(w, cm_span_make(text, 2 * len));
}

/* Text of others: what is no text is written as its bytes. */
static void write_text(struct cm_json_wr *w, struct cm_span s)
{
    if (cm_utf8_valid(s)) {
        cm_json_wr_text(w, s);
    } else {
        write_hex(w, s.ptr, s.len);
    }
}

static void write_str(struct cm_json_wr *w, const char *s)
{
    write_text(w, cm_span_make(s, s == NULL ? 0 : strlen(s)));
}

/* As in a policy: what does not fit 63 bits is a text of digits. */
static void write_number(struct cm_json_wr *w, uint64_t v)
{
    char text[24] = "";

    if (v <= INT64_MAX) {
        cm_json_wr_u64(w, v);
    } else {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
        cm_json_wr_str(w, text);
    }
}

/* ---------------------------------------------------------------- evidence */

struct submod {
    const struct cm_evidence *ev;
    size_t index;
};

static void write_submod(struct cm_json_wr *w, const void *what)
{
    const struct submod *s = what;

    cm_json_wr_str(w, "m");
    write_str(w, cm_evidence_name(s->ev, s->index));
    cm_json_wr_bool(w, cm_evidence_genuine(s->ev, s->index));
}

static void write_check(struct cm_json_wr *w, const void *what)
{
    const struct cm_check *c = what;

    cm_json_wr_str(w, "k");
    cm_json_wr_str(w, c->name);
    cm_json_wr_str(w, results[c->result]);
    cm_json_wr_bool(w, c->required);
    cm_json_wr_str(w, c->status == CM_OK ? "" : cm_status_str(c->status));
    write_str(w, c->detail);
}

struct binding {
    const struct cm_evidence *ev;
    const struct cm_binding *b;
};

static void write_binding(struct cm_json_wr *w, const void *what)
{
    const struct binding *b = what;

    cm_json_wr_str(w, "b");
    write_str(w, b->b->name);
    write_str(w, cm_evidence_name(b->ev, b->b->from));
    write_str(w, cm_evidence_name(b->ev, b->b->to));
    cm_json_wr_str(w, results[b->b->result]);
}

static void write_evidence_claim(struct cm_json_wr *w, const void *what)
{
    const struct cm_claim *c = what;

    cm_json_wr_str(w, "e");
    cm_json_wr_str(w, c->name);
    switch (c->type) {
    case CM_CLAIM_TYPE_BYTES:
    case CM_CLAIM_TYPE_DIGEST:
        write_hex(w, c->bytes, c->len);
        break;
    case CM_CLAIM_TYPE_TEXT:
        write_text(w, cm_span_make(c->text, c->len));
        break;
    case CM_CLAIM_TYPE_UINT:
    case CM_CLAIM_TYPE_TIME:
        write_number(w, c->number);
        break;
    case CM_CLAIM_TYPE_BOOL:
        cm_json_wr_bool(w, c->number != 0);
        break;
    }
    cm_json_wr_str(w, authorities[c->authority]);
}

/* Whether an item of a status may be left out: it is too large, and an "x" stands for it. */
static enum cm_status or_left_out(enum cm_status st)
{
    return st == CM_ERR_LIMIT ? CM_OK : st;
}

static enum cm_status add_evidence(struct cm_items *t, const struct cm_evidence *ev, bool claims)
{
    const struct cm_binding *b = NULL;
    const struct cm_check *c = NULL;
    const struct cm_claim *claim = NULL;
    enum cm_status st = CM_OK;

    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        CM_TRY(add(t, write_submod, &(struct submod){ev, s}));
        for (size_t i = 0; (c = cm_evidence_check(ev, s, i)) != NULL; i++) {
            CM_TRY(add(t, write_check, c));
        }
        for (size_t i = 0; claims && (claim = cm_evidence_claim(ev, s, i)) != NULL; i++) {
            CM_TRY(or_left_out(add(t, write_evidence_claim, claim)));
        }
    }
    for (size_t i = 0; (b = cm_evidence_binding(ev, i)) != NULL; i++) {
        CM_TRY(add(t, write_binding, &(struct binding){ev, b}));
    }
out:
    return st;
}

/* ------------------------------------------------------------------ policy */

static void write_value(struct cm_json_wr *w, const struct cm_policy_claim *c)
{
    switch (c->value_type) {
    case CM_POLICY_TEXT:
        write_text(w, c->text);
        break;
    case CM_POLICY_INT:
        cm_json_wr_i64(w, c->number);
        break;
    case CM_POLICY_BOOL:
        cm_json_wr_bool(w, c->number != 0);
        break;
    }
}

struct incoming {
    struct cm_policy_claim c;
    bool json;
};

static void write_claim(struct cm_json_wr *w, const void *what)
{
    const struct incoming *in = what;

    cm_json_wr_str(w, in->json ? "j" : "c");
    write_text(w, in->c.type);
    cm_json_wr_u64(w, (uint64_t)in->c.issuer);
    if (in->json) {
        cm_json_wr_raw(w, in->c.text);
    } else {
        write_value(w, &in->c);
    }
}

static void write_step(struct cm_json_wr *w, const void *what)
{
    const struct cm_policy_step *s = what;

    cm_json_wr_str(w, "s");
    cm_json_wr_str(w, s->section);
    cm_json_wr_u64(w, s->line);
    cm_json_wr_bool(w, s->fired);
    cm_json_wr_bool(w, s->failed);
    write_text(w, s->rule);
    write_str(w, s->details);
}

struct outgoing {
    struct cm_policy_claim c;
    const char *kind;
};

static void write_issued(struct cm_json_wr *w, const void *what)
{
    const struct outgoing *o = what;

    cm_json_wr_str(w, o->kind);
    write_text(w, o->c.type);
    write_value(w, &o->c);
}

static void write_left_out(struct cm_json_wr *w, const void *what)
{
    cm_json_wr_str(w, "x");
    cm_json_wr_str(w, what);
}

static enum cm_status add_claims(struct cm_items *t, const struct cm_policy_claims *claims)
{
    struct incoming in = {.json = false};
    enum cm_status st = CM_OK;

    for (size_t i = 0; cm_policy_claims_at(claims, i, &in.c); i++) {
        in.json = cm_policy_claims_is_json(claims, i);
        st = in.c.text.len > CM_ITEM_MAX ? CM_ERR_LIMIT : add(t, write_claim, &in);
        if (st == CM_ERR_LIMIT) {
            st = add(t, write_left_out, "an incoming claim that is too large");
        }
        CM_TRY(st);
    }
out:
    return st;
}

static enum cm_status add_outcome(struct cm_items *t, const struct cm_policy_outcome *o)
{
    struct cm_policy_step step;
    struct outgoing out = {.kind = "i"};
    enum cm_status st = CM_OK;

    for (size_t i = 0; cm_policy_outcome_step(o, i, &step); i++) {
        CM_TRY(or_left_out(add(t, write_step, &step)));
    }
    for (size_t i = 0; cm_policy_outcome_claim(o, i, &out.c); i++) {
        CM_TRY(or_left_out(add(t, write_issued, &out)));
    }
    out.kind = "p";
    for (size_t i = 0; cm_policy_outcome_property(o, i, &out.c); i++) {
        CM_TRY(or_left_out(add(t, write_issued, &out)));
    }
out:
    return st;
}

enum cm_status cm_items_of(const struct cm_decision *d, struct cm_items *out)
{
    enum cm_status st = CM_OK;

    if (d->evidence != NULL) {
        CM_TRY(add_evidence(out, d->evidence, d->claims == NULL));
    }
    if (d->claims != NULL) {
        CM_TRY(add_claims(out, d->claims));
    }
    if (d->outcome != NULL) {
        CM_TRY(add_outcome(out, d->outcome));
    }
out:
    return or_left_out(st);
}
