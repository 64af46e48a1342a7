/* See refvalues.h. */
#include "verify/refvalues.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "token/json.h"

#define MAX_TEXT   (4u << 20)
#define MAX_DIGEST 64u

/* One file's comparison. */
struct run {
    struct cm_evidence *ev;
    struct cm_why why;
    size_t compared[CM_EVIDENCE_MAX_SUBMODS];   /* measurements that were equal */
    const char *wrong[CM_EVIDENCE_MAX_SUBMODS]; /* the label of the first that was not */
    bool nowhere;                               /* an entry's measurement is in no submodule */
    char missing[64];
};

bool cm_refvalues_recognise(struct cm_span bytes)
{
    size_t at = 0;

    while (at < bytes.len && (bytes.ptr[at] == ' ' || bytes.ptr[at] == '\t' ||
                              bytes.ptr[at] == '\r' || bytes.ptr[at] == '\n')) {
        at++;
    }
    return at < bytes.len && bytes.ptr[at] == '{';
}

/* "sha-384" and "sha384" are one. */
static bool same_alg(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        a += *a == '-' ? 1 : 0;
        b += *b == '-' ? 1 : 0;
        if (*a != *b) {
            return false;
        }
        a += *a != '\0' ? 1 : 0;
        b += *b != '\0' ? 1 : 0;
    }
    return true;
}

/* Only members that are known. */
static enum cm_status closed(struct cm_json_value object, const char *const *known, size_t count,
                             struct cm_why *why)
{
    for (struct cm_json_value n = cm_json_first(object); n.doc != NULL;
         n = cm_json_next(cm_json_next(n))) {
        bool found = false;

        for (size_t i = 0; i < count; i++) {
            found = found || cm_json_equal(n, known[i]);
        }
        if (!found) {
            struct cm_span name = cm_json_bytes(n);

            cm_why_set(why, "a member that is not known: %.*s",
                       (int)(name.len < 40 ? name.len : 40), (const char *)name.ptr);
            return CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

/* Whether a digest is one of an entry's values. */
static enum cm_status among(struct cm_json_value values, const struct cm_claim *c, bool *found,
                            struct cm_why *why)
{
    *found = false;
    if (!cm_json_is(values, CM_JSON_ARRAY) || cm_json_count(values) == 0) {
        cm_why_set(why, "an entry without a list of \"values\"");
        return CM_ERR_FORMAT;
    }
    for (struct cm_json_value v = cm_json_first(values); v.doc != NULL; v = cm_json_next(v)) {
        uint8_t want[MAX_DIGEST];
        struct cm_span hex = {NULL, 0};

        if (cm_json_plain(v, &hex) != CM_OK || hex.len > 2 * (size_t)MAX_DIGEST || hex.len == 0 ||
            !cm_hex_decode(hex, want, hex.len / 2)) {
            cm_why_set(why, "a value that is not a digest in hexadecimal");
            return CM_ERR_FORMAT;
        }
        *found =
            *found || (c != NULL && c->len == hex.len / 2 && cm_ct_equal(c->bytes, want, c->len));
    }
    return CM_OK;
}

static bool exempt(const struct cm_evidence *ev, size_t submod, const char *label)
{
    const struct cm_claim *c = NULL;

    for (size_t n = 0; (c = cm_evidence_find(ev, submod, CM_CLAIM_EXEMPT, n)) != NULL; n++) {
        if (c->authority > CM_AUTHORITY_SELF && strcmp(c->text, label) == 0) {
            return true;
        }
    }
    return false;
}

struct entry {
    char label[64];
    char alg[16];    /* "": any */
    char submod[64]; /* "": every one that has the measurement */
    struct cm_json_value values;
};

static enum cm_status read_entry(struct cm_json_value v, struct entry *e, struct cm_why *why)
{
    static const char *const known[] = {"label", "alg", "values", "submod"};
    struct cm_json_value alg = cm_json_get(v, "alg");
    struct cm_json_value submod = cm_json_get(v, "submod");
    bool found = false;
    enum cm_status st = closed(v, known, sizeof(known) / sizeof(known[0]), why);

    memset(e, 0, sizeof(*e));
    e->values = cm_json_get(v, "values");
    if (st == CM_OK &&
        (cm_json_string(cm_json_get(v, "label"), e->label, sizeof(e->label), NULL) != CM_OK ||
         (alg.doc != NULL && cm_json_string(alg, e->alg, sizeof(e->alg), NULL) != CM_OK) ||
         (submod.doc != NULL &&
          cm_json_string(submod, e->submod, sizeof(e->submod), NULL) != CM_OK))) {
        cm_why_set(why, "an entry without \"label\", or with a text that is too long");
        st = CM_ERR_FORMAT;
    }
    return st == CM_OK ? among(e->values, NULL, &found, why) : st;
}

/* For policies: which measurements the operator has named, known as surely as the measurement is. */
static void matched(struct cm_evidence *ev, size_t submod, const struct cm_claim *c)
{
    const enum cm_authority authority = c->authority;
    const size_t from = cm_evidence_mark(ev, submod);

    cm_claim_text(ev, submod, "reference.matched", c->text);
    cm_evidence_raise(ev, submod, from, authority);
}

/* One entry against one submodule; whether the measurement is there. */
static bool compare(struct run *r, const struct entry *e, size_t submod)
{
    const struct cm_claim *c = NULL;
    bool there = false;

    if (e->submod[0] != '\0' && strcmp(e->submod, cm_evidence_name(r->ev, submod)) != 0) {
        return false;
    }
    for (size_t n = 0; (c = cm_evidence_find(r->ev, submod, CM_CLAIM_MEASUREMENTS, n)) != NULL;
         n++) {
        bool found = false;

        if (strcmp(c->text, e->label) != 0 || (e->alg[0] != '\0' && !same_alg(e->alg, c->alg))) {
            continue;
        }
        there = true;
        if (exempt(r->ev, submod, e->label)) {
            continue;
        }
        if (among(e->values, c, &found, NULL) == CM_OK && found) {
            r->compared[submod]++;
            matched(r->ev, submod, c);
        } else if (r->wrong[submod] == NULL) {
            r->wrong[submod] = c->text;
        }
    }
    return there;
}

static enum cm_status compare_all(struct run *r, struct cm_json_value list)
{
    enum cm_status st = CM_OK;

    for (struct cm_json_value v = cm_json_first(list); v.doc != NULL; v = cm_json_next(v)) {
        struct entry e;
        bool there = false;

        CM_TRY(read_entry(v, &e, &r->why));
        for (size_t s = 0; s < cm_evidence_submods(r->ev); s++) {
            there = compare(r, &e, s) || there;
        }
        if (!there && !r->nowhere) {
            r->nowhere = true;
            memcpy(r->missing, e.label, sizeof(r->missing));
        }
    }
out:
    return st;
}

/* The whole file: {"measurements": [{"label", "alg", "values", "submod"}, ...]} */
static enum cm_status read_file(struct run *r, struct cm_span text)
{
    static const char *const known[] = {"measurements"};
    const size_t max = text.len / 2 + 2;
    struct cm_json_node *nodes = NULL;
    struct cm_json_value list = {NULL, 0};
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (text.len > MAX_TEXT) {
        cm_why_set(&r->why, "more than %u bytes", MAX_TEXT);
        return CM_ERR_LIMIT;
    }
    nodes = calloc(max, sizeof(*nodes));
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, max, &doc, &r->why));
    CM_TRY(closed(cm_json_root(&doc), known, 1, &r->why));
    list = cm_json_get(cm_json_root(&doc), "measurements");
    if (!cm_json_is(list, CM_JSON_ARRAY) || cm_json_count(list) == 0) {
        cm_why_set(&r->why, "no list of \"measurements\"");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(compare_all(r, list));
out:
    free(nodes);
    return st;
}

/* The checks that come of one file. */
static enum cm_status record(struct run *r)
{
    enum cm_status first = CM_OK;

    for (size_t s = 0; s < cm_evidence_submods(r->ev); s++) {
        enum cm_status st = r->wrong[s] != NULL ? CM_ERR_MISMATCH : CM_OK;

        if (r->wrong[s] != NULL) {
            cm_check_status(r->ev, s, "reference.values", st, "%s is none of the reference values",
                            r->wrong[s]);
        } else if (r->compared[s] != 0) {
            cm_check_status(r->ev, s, "reference.values", CM_OK,
                            "%zu measurements are among the reference values", r->compared[s]);
        }
        first = first == CM_OK ? st : first;
    }
    if (r->nowhere) {
        cm_check_status(r->ev, 0, "reference.values", CM_ERR_MISMATCH,
                        "the evidence has no measurement \"%s\"", r->missing);
        first = first == CM_OK ? CM_ERR_MISMATCH : first;
    }
    return first;
}

enum cm_status cm_refvalues_check(const struct cm_verify_job *job, struct cm_evidence *ev)
{
    const struct cm_material *m = NULL;
    enum cm_status first = CM_OK;

    for (size_t i = 0; (m = cm_material(job, CM_MATERIAL_REFERENCE, i)) != NULL; i++) {
        struct run r = {.ev = ev};
        enum cm_status st = CM_OK;

        if (!cm_refvalues_recognise(m->bytes)) {
            continue;
        }
        st = read_file(&r, m->bytes);
        if (st == CM_ERR_NOMEM) {
            return st;
        }
        if (st != CM_OK) {
            cm_check_status(ev, 0, "reference.file", st, "%s", r.why.text);
        } else {
            st = record(&r);
        }
        first = first == CM_OK ? st : first;
    }
    return first;
}
