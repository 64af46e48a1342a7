/* Explanations; see decide_items.h. Untrusted: names and values of evidence, and what the store gives back. */
#include "decide/decide_items.h"

#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/writer.h"
#include "policy/policy_saved.h"
#include "token/json.h"
#include "verify/material_kind.h"

#define FIRST (32u << 10)

void cm_items_free(struct cm_items *items)
{
    free(items->text);
    free(items->start);
    memset(items, 0, sizeof(*items));
}

/* ----------------------------------------------------------------- writing */

/* A buffer that a writer is tried on again with more room. */
struct room {
    char *text;
    size_t cap;
};

static bool enlarge(struct room *r)
{
    const size_t cap = r->cap == 0 ? FIRST : 2 * r->cap;
    char *text = cap > CM_EXPLANATION_MAX ? NULL : realloc(r->text, cap);

    if (text != NULL) {
        r->text = text;
        r->cap = cap;
    }
    return text != NULL;
}

static void member_u64(struct cm_json_wr *w, const char *name, uint64_t v)
{
    cm_json_wr_name(w, name);
    cm_json_wr_u64(w, v);
}

/* What other writers make: their JSON as it is, straight into the buffer. */
typedef enum cm_status inner_fn(const void *what, char *out, size_t cap, size_t *len);

static void member_inner(struct cm_json_wr *w, const char *name, inner_fn *fn, const void *what)
{
    size_t half = 0;
    size_t len = 0;

    cm_json_wr_name(w, name);
    if (what == NULL) {
        cm_json_wr_null(w);
        return;
    }
    half = w->out.bad ? 0
                      : (w->out.cap - w->out.used) / 2; /* made in the upper half of what is free */
    if (half == 0 || fn(what, (char *)w->out.start + w->out.cap - half, half, &len) != CM_OK) {
        w->out.bad = true;
        return;
    }
    cm_json_wr_raw(w, cm_span_make(w->out.start + w->out.cap - half, len));
}

static enum cm_status inner_evidence(const void *what, char *out, size_t cap, size_t *len)
{
    return cm_evidence_json(what, out, cap, len);
}

static enum cm_status inner_outcome(const void *what, char *out, size_t cap, size_t *len)
{
    return cm_policy_outcome_json(what, out, cap, len);
}

static void write_claim(struct cm_json_wr *w, const struct cm_policy_claim *c, bool json)
{
    cm_json_wr_array(w);
    cm_json_wr_text(w, c->type);
    cm_json_wr_u64(w, (uint64_t)c->issuer);
    if (json) {
        cm_json_wr_raw(w, c->text);
        cm_json_wr_u64(w, 1);
    } else if (c->value_type == CM_POLICY_TEXT) {
        cm_json_wr_text(w, c->text);
    } else if (c->value_type == CM_POLICY_INT) {
        cm_json_wr_i64(w, c->number);
    } else {
        cm_json_wr_bool(w, c->number != 0);
    }
    cm_json_wr_end(w);
}

static void write_incoming(struct cm_json_wr *w, const struct cm_policy_claims *claims)
{
    struct cm_policy_claim c;

    cm_json_wr_name(w, "incoming");
    if (claims == NULL) {
        cm_json_wr_null(w);
        return;
    }
    cm_json_wr_array(w);
    for (size_t i = 0; cm_policy_claims_at(claims, i, &c); i++) {
        write_claim(w, &c, cm_policy_claims_is_json(claims, i));
    }
    cm_json_wr_end(w);
}

static void write_materials(struct cm_json_wr *w, const struct cm_decide_job *job)
{
    cm_json_wr_name(w, "materials");
    cm_json_wr_array(w);
    for (size_t i = 0; i < job->material_count; i++) {
        const char *word = cm_material_word(job->materials[i].kind);

        cm_json_wr_object(w);
        cm_json_wr_name(w, "kind");
        cm_json_wr_str(w, word == NULL ? "unknown" : word);
        member_u64(w, "size", job->materials[i].bytes.len);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

static enum cm_status write_all(const struct cm_decision *d, const struct cm_decide_job *job,
                                bool whole, struct room *room, size_t *len)
{
    const enum cm_format format = cm_decision_own(d)->format;
    struct cm_json_wr w = cm_json_wr_init(room->text, room->cap);

    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "format");
    cm_json_wr_str(&w, format == CM_FORMAT_ANY ? "" : cm_format_name(format));
    member_u64(&w, "evidence_size", job->evidence.len);
    write_materials(&w, job);
    member_inner(&w, "evidence", inner_evidence, whole ? d->evidence : NULL);
    member_inner(&w, "outcome", inner_outcome, whole ? d->outcome : NULL);
    cm_json_wr_name(&w, "token");
    cm_json_wr_raw(&w, whole && d->token != NULL ? cm_span_make(d->token, strlen(d->token))
                                                 : cm_span_make("null", 4));
    write_incoming(&w, whole ? d->claims : NULL);
    cm_json_wr_end(&w);
    return cm_json_wr_finish(&w, len);
}

/* ------------------------------------------------------------------ pieces */

/* The next border from a place on: a comma behind which a member or an element begins; or the end. */
static size_t border(const struct cm_items *t, size_t from)
{
    const char *at = t->text + from;
    const char *end = t->text + t->len;

    while ((at = memchr(at, ',', (size_t)(end - at))) != NULL) {
        if (at + 1 < end && (at[1] == '"' || at[1] == '{' || at[1] == '[')) {
            return (size_t)(at - t->text);
        }
        at++;
    }
    return t->len;
}

static enum cm_status cut(struct cm_items *t)
{
    size_t cap = 1024;
    size_t at = 0;

    t->start = malloc(cap * sizeof(*t->start));
    while (t->start != NULL) {
        t->start[t->count++] = (uint32_t)at;
        if (at == t->len) {
            t->count--; /* the end is no piece */
            return CM_OK;
        }
        at = border(t, at + 1 < t->len ? at + 1 : t->len);
        if (t->count == cap) {
            uint32_t *more = realloc(t->start, 2 * cap * sizeof(*more));

            if (more == NULL) {
                return CM_ERR_NOMEM;
            }
            t->start = more;
            cap *= 2;
        }
    }
    return CM_ERR_NOMEM;
}

enum cm_status cm_items_of(const struct cm_decision *d, const struct cm_decide_job *job,
                           struct cm_items *out)
{
    struct room room = {NULL, 0};
    enum cm_status st = CM_ERR_SPACE;
    bool whole = true;

    memset(out, 0, sizeof(*out));
    while (st != CM_OK) {
        if (!enlarge(&room)) {
            if (!whole || 2 * room.cap <= CM_EXPLANATION_MAX) {
                st = CM_ERR_NOMEM;
                goto out;
            }
            whole = false; /* as large as it may be: what is large is left out */
        }
        st = write_all(d, job, whole, &room, &out->len);
    }
    out->text = room.text;
    room.text = NULL;
    st = cut(out);
out:
    free(room.text);
    return st;
}

enum cm_status cm_items_read(struct cm_span text, struct cm_items *out)
{
    memset(out, 0, sizeof(*out));
    if (text.len > CM_EXPLANATION_MAX) {
        return CM_ERR_LIMIT;
    }
    out->text = malloc(text.len + 1);
    if (out->text == NULL) {
        return CM_ERR_NOMEM;
    }
    if (text.len != 0) {
        memcpy(out->text, text.ptr, text.len);
    }
    out->len = text.len;
    return cut(out);
}

static struct cm_span piece(const struct cm_items *t, size_t i)
{
    return cm_span_make(t->text + t->start[i], t->start[i + 1] - t->start[i]);
}

static bool differs(const struct cm_items *base, const struct cm_items *t, size_t i)
{
    const uint32_t len = t->start[i + 1] - t->start[i];

    return i >= base->count || base->start[i + 1] - base->start[i] != len ||
           memcmp(base->text + base->start[i], t->text + t->start[i], len) != 0;
}

enum cm_status cm_items_diff(const struct cm_items *base, const struct cm_items *items,
                             uint8_t **out, size_t *len)
{
    size_t cap = 4;
    uint8_t *bytes = NULL;
    struct cm_wr w;

    *out = NULL;
    for (size_t i = 0; i < items->count; i++) {
        cap += differs(base, items, i) ? 8 + (items->start[i + 1] - items->start[i]) : 0;
    }
    bytes = malloc(cap);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(bytes, cap);
    cm_wr_u32le(&w, (uint32_t)items->count);
    for (size_t i = 0; i < items->count && cap != 4; i++) {
        if (differs(base, items, i)) {
            struct cm_span s = piece(items, i);

            cm_wr_u32le(&w, (uint32_t)i);
            cm_wr_u32le(&w, (uint32_t)s.len);
            cm_wr_bytes(&w, s.ptr, s.len);
        }
    }
    *out = bytes;
    *len = w.used;
    return CM_OK;
}

/* What is left of a difference: where the next piece of its own stands. */
struct patch {
    struct cm_rd rd;
    uint32_t next; /* UINT32_MAX: none */
};

static void advance(struct patch *p)
{
    p->next = p->rd.left != 0 ? cm_rd_u32le(&p->rd) : UINT32_MAX;
}

/* The i-th piece; bad when neither has it. */
static struct cm_span choose(struct patch *p, const struct cm_items *base, uint32_t i)
{
    struct cm_span s = {NULL, 0};

    if (i == p->next) {
        s = cm_rd_take(&p->rd, cm_rd_u32le(&p->rd));
        advance(p);
    } else if (i < base->count) {
        s = piece(base, i);
    } else {
        p->rd.bad = true;
    }
    return s;
}

enum cm_status cm_items_patch(const struct cm_items *base, struct cm_span diff, char **out,
                              size_t *len)
{
    struct patch p = {.rd = cm_rd_init(diff)};
    const uint32_t count = cm_rd_u32le(&p.rd);
    struct cm_wr w;
    char *text = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (p.rd.bad || count > base->count + diff.len / 8) {
        return CM_ERR_FORMAT;
    }
    text = malloc(base->len + diff.len + 1); /* each of both is taken at most once */
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(text, base->len + diff.len);
    advance(&p);
    for (uint32_t i = 0; i < count && !p.rd.bad; i++) {
        struct cm_span s = choose(&p, base, i);

        if (s.len != 0) {
            cm_wr_bytes(&w, s.ptr, s.len);
        }
    }
    CM_TRY(p.next == UINT32_MAX ? cm_rd_finish(&p.rd) : CM_ERR_FORMAT);
    CM_TRY(cm_wr_finish(&w));
    *out = text;
    *len = w.used;
    text = NULL;
out:
    free(text);
    return st == CM_ERR_SPACE ? CM_ERR_FORMAT : st;
}

/* ------------------------------------------------------------------ claims */

static struct cm_span span_of(const json_t *text)
{
    return cm_span_make(json_string_value(text), json_string_length(text));
}

static enum cm_status take_json(const json_t *value, const char *type, enum cm_policy_issuer by,
                                struct cm_policy_claims *set)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    enum cm_status st = CM_ERR_NOMEM;

    if (text != NULL) {
        st = cm_policy_claims_json(set, type, cm_span_make(text, strlen(text)), by);
    }
    free(text);
    return st;
}

static enum cm_status take_claim(const json_t *item, struct cm_policy_claims *set)
{
    const char *type = json_string_value(json_array_get(item, 0));
    const json_int_t issuer = json_integer_value(json_array_get(item, 1));
    const json_t *value = json_array_get(item, 2);
    const enum cm_policy_issuer by = (enum cm_policy_issuer)issuer;

    if (type == NULL || value == NULL || issuer < CM_POLICY_CUSTOM || issuer > CM_POLICY_POLICY) {
        return CM_ERR_FORMAT;
    }
    if (json_array_size(item) == 4) {
        return take_json(value, type, by, set);
    }
    if (json_is_string(value)) {
        return cm_policy_claims_text(set, type, span_of(value), by);
    }
    if (json_is_integer(value)) {
        return cm_policy_claims_int(set, type, json_integer_value(value), by);
    }
    return json_is_boolean(value) ? cm_policy_claims_bool(set, type, json_is_true(value), by)
                                  : CM_ERR_FORMAT;
}

enum cm_status cm_items_claims(const json_t *explanation, struct cm_policy_claims **out)
{
    const json_t *all = json_object_get(explanation, "incoming");
    struct cm_policy_claims *set = NULL;
    size_t i = 0;
    const json_t *item = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (!json_is_array(all)) {
        return CM_ERR_NOTFOUND;
    }
    CM_TRY(cm_policy_claims_create(&set));
    json_array_foreach(all, i, item)
    {
        CM_TRY(take_claim(item, set));
    }
    *out = set;
    set = NULL;
out:
    cm_policy_claims_free(set);
    return st;
}
