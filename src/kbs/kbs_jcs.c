/* RFC 8785; see kbs_jcs.h. Untrusted: the value. No recursion: a frame for each level of the reader's limit. */
#include "kbs/kbs_jcs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

#define DIGITS_MAX 17 /* that a double can need */

/* ----------------------------------------------------------------- numbers */

struct decimal {
    uint64_t digits; /* without zeros at the end */
    int count;       /* of digits */
    int point;       /* the value is 0.DIGITS times ten to this */
};

static bool is_same(uint64_t digits, int exponent, double wanted)
{
    char text[40] = "";

    (void)snprintf(text, sizeof(text), "%" PRIu64 "e%d", digits, exponent);
    return strtod(text, NULL) == wanted;
}

/*
 * The fewest digits that are read back as the same number. Beside the nearest decimal of each length the one
 * above it is tried: above a power of two the numbers that are read back reach further than below it.
 */
static struct decimal shortest(double v)
{
    struct decimal d = {0, 0, 0};

    for (int n = 1; n <= DIGITS_MAX; n++) {
        char text[40] = "";
        char *e = NULL;
        char plain[DIGITS_MAX + 2] = "";
        int exponent = 0;

        (void)snprintf(text, sizeof(text), "%.*e", n - 1, v);
        e = strchr(text, 'e');
        exponent = (int)strtol(e + 1, NULL, 10);
        plain[0] = text[0];
        if (n > 1) {
            memcpy(plain + 1, text + 2, (size_t)n - 1);
        }
        d.digits = strtoull(plain, NULL, 10);
        d.count = n;
        d.point = exponent + 1;
        if (is_same(d.digits, d.point - n, v)) {
            break;
        }
        if (is_same(d.digits + 1, d.point - n, v)) {
            d.digits++;
            break;
        }
    }
    while (d.digits != 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.count--;
    }
    return d;
}

/* ECMA-262, Number::toString, for a positive number. */
static void layout(const struct decimal *d, char *out, size_t cap)
{
    char digits[24] = "";
    int n = d->point;
    int k = d->count;

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, d->digits);
    if (k <= n && n <= 21) {
        (void)snprintf(out, cap, "%s%.*s", digits, n - k, "000000000000000000000");
    } else if (0 < n && n <= 21) {
        (void)snprintf(out, cap, "%.*s.%s", n, digits, digits + n);
    } else if (-6 < n && n <= 0) {
        (void)snprintf(out, cap, "0.%.*s%s", -n, "000000", digits);
    } else if (k == 1) {
        (void)snprintf(out, cap, "%se%+d", digits, n - 1);
    } else {
        (void)snprintf(out, cap, "%c.%se%+d", digits[0], digits + 1, n - 1);
    }
}

enum cm_status cm_jcs_number(struct cm_span text, char out[CM_JCS_NUMBER_CAP])
{
    char copy[1100] = "";
    struct decimal d = {0, 0, 0};
    double v = 0;

    if (text.len >= sizeof(copy)) {
        return CM_ERR_LIMIT;
    }
    memcpy(copy, text.ptr, text.len);
    v = strtod(copy, NULL);
    if (!isfinite(v)) {
        return CM_ERR_LIMIT;
    }
    if (v == 0) { /* "-0", too */
        memcpy(out, "0", 2);
        return CM_OK;
    }
    d = shortest(fabs(v));
    out[0] = '-';
    layout(&d, v < 0 ? out + 1 : out, v < 0 ? CM_JCS_NUMBER_CAP - 1 : CM_JCS_NUMBER_CAP);
    return CM_OK;
}

/* ----------------------------------------------------------------- strings */

/* Everything that a run needs; strings are unescaped at the place of their text. */
struct run {
    const struct cm_json *doc;
    char *plain; /* as long as the text, and a NUL */
    size_t *plain_len;
    uint32_t *order; /* of members and elements, by level */
    struct cm_wr w;
};

struct frame {
    uint32_t first; /* in order */
    uint32_t count;
    uint32_t next;
    bool object;
};

static enum cm_status unescape(struct run *r)
{
    size_t used = 0;

    for (uint32_t i = 0; i < r->doc->count; i++) {
        struct cm_json_value v = {r->doc, i};

        if (cm_json_is(v, CM_JSON_STRING)) {
            size_t cap = cm_json_bytes(v).len; /* with its quotes: room for the NUL */
            size_t at = (size_t)(cm_json_bytes(v).ptr - r->doc->text.ptr);
            enum cm_status st = cm_json_string(v, r->plain + at, cap, &used);

            if (st != CM_OK) {
                return st;
            }
            r->plain_len[i] = used;
        }
    }
    return CM_OK;
}

static const uint8_t *plain_of(const struct run *r, uint32_t i)
{
    struct cm_json_value v = {r->doc, i};

    return (const uint8_t *)r->plain + (cm_json_bytes(v).ptr - r->doc->text.ptr);
}

/* Where a first byte of UTF-8 stands in the order of UTF-16: what needs surrogates comes before U+E000. */
static unsigned rank(uint8_t b)
{
    return b == 0xee || b == 0xef ? b + 0x10u : b;
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct run *r = arg;
    const uint32_t *left = a;
    const uint32_t *right = b;
    const uint8_t *x = plain_of(r, *left);
    const uint8_t *y = plain_of(r, *right);
    size_t n = r->plain_len[*left];
    size_t m = r->plain_len[*right];

    for (size_t i = 0; i < n && i < m; i++) {
        if (x[i] != y[i]) {
            return rank(x[i]) < rank(y[i]) ? -1 : 1;
        }
    }
    return n == m ? 0 : n < m ? -1 : 1;
}

static void put(struct run *r, const char *text)
{
    cm_wr_bytes(&r->w, text, strlen(text));
}

static void put_string(struct run *r, uint32_t i)
{
    static const char shorts[] = "btn\0fr"; /* from U+0008; U+000B has none */
    const uint8_t *s = plain_of(r, i);

    put(r, "\"");
    for (size_t at = 0; at < r->plain_len[i]; at++) {
        char text[8] = {(char)s[at], '\0'};

        if (s[at] == '"' || s[at] == '\\') {
            (void)snprintf(text, sizeof(text), "\\%c", s[at]);
        } else if (s[at] >= 8 && s[at] <= 13 && shorts[s[at] - 8] != '\0') {
            (void)snprintf(text, sizeof(text), "\\%c", shorts[s[at] - 8]);
        } else if (s[at] < 0x20) {
            (void)snprintf(text, sizeof(text), "\\u%04x", s[at]);
        }
        put(r, text);
    }
    put(r, "\"");
}

/* -------------------------------------------------------------- structures */

/* The members or elements of v in their order, behind what is in use. */
static struct frame enter(struct run *r, struct cm_json_value v, uint32_t used)
{
    struct frame f = {used, 0, 0, cm_json_is(v, CM_JSON_OBJECT)};

    for (struct cm_json_value at = cm_json_first(v); at.doc != NULL; at = cm_json_next(at)) {
        r->order[used + f.count++] = at.at;
        if (f.object) {
            at = cm_json_next(at); /* its value */
        }
    }
    if (f.object && f.count > 1) {
        qsort_r(r->order + f.first, f.count, sizeof(r->order[0]), compare, r);
    }
    put(r, f.object ? "{" : "[");
    return f;
}

static enum cm_status put_scalar(struct run *r, struct cm_json_value v)
{
    struct cm_span bytes = cm_json_bytes(v);
    char number[CM_JCS_NUMBER_CAP] = "";
    enum cm_status st = CM_OK;

    if (cm_json_is(v, CM_JSON_STRING)) {
        put_string(r, v.at);
    } else if (cm_json_is(v, CM_JSON_NUMBER)) {
        st = cm_jcs_number(bytes, number);
        put(r, number);
    } else {
        cm_wr_bytes(&r->w, bytes.ptr, bytes.len);
    }
    return st;
}

static bool is_structure(struct cm_json_value v)
{
    return cm_json_is(v, CM_JSON_OBJECT) || cm_json_is(v, CM_JSON_ARRAY);
}

static enum cm_status write_all(struct run *r, struct cm_json_value root)
{
    struct frame frames[CM_JSON_MAX_DEPTH + 1];
    size_t depth = 0;
    enum cm_status st = CM_OK;

    if (!is_structure(root)) {
        return put_scalar(r, root);
    }
    frames[depth++] = enter(r, root, 0);
    while (depth != 0 && st == CM_OK) {
        struct frame *f = &frames[depth - 1];
        struct cm_json_value v = {r->doc, 0};

        if (f->next == f->count) {
            put(r, f->object ? "}" : "]");
            depth--;
            continue;
        }
        put(r, f->next == 0 ? "" : ",");
        v.at = r->order[f->first + f->next++];
        if (f->object) {
            put_string(r, v.at);
            put(r, ":");
            v = cm_json_next(v);
        }
        if (!is_structure(v)) {
            st = put_scalar(r, v);
        } else if (depth <= CM_JSON_MAX_DEPTH) {
            frames[depth++] = enter(r, v, f->first + f->count);
        } else {
            st = CM_ERR_LIMIT;
        }
    }
    return st;
}

enum cm_status cm_jcs(struct cm_json_value v, uint8_t **out, size_t *len)
{
    struct run r = {.doc = v.doc};
    size_t cap = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (v.doc == NULL) {
        return CM_ERR_PARAM;
    }
    /* a control character written as itself is no JSON: nothing grows but numbers, which take two bytes at
       least with what stands behind them */
    cap = v.doc->text.len + v.doc->count * (size_t)CM_JCS_NUMBER_CAP;
    r.plain = malloc(v.doc->text.len + 1);
    r.plain_len = calloc(v.doc->count, sizeof(size_t));
    r.order = calloc(v.doc->count, sizeof(uint32_t));
    r.w = cm_wr_init(malloc(cap), cap);
    if (r.plain == NULL || r.plain_len == NULL || r.order == NULL || r.w.start == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(unescape(&r));
    CM_TRY(write_all(&r, v));
    CM_TRY(cm_wr_finish(&r.w));
    *out = r.w.start;
    *len = r.w.used;
    r.w.start = NULL;
out:
    free(r.w.start);
    free(r.order);
    free(r.plain_len);
    free(r.plain);
    return st;
}

enum cm_status cm_jcs_text(struct cm_span text, uint8_t **out, size_t *len, struct cm_why *why)
{
    size_t max = text.len / 2 + 2;
    struct cm_json_node *nodes = calloc(max, sizeof(*nodes));
    struct cm_json doc;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, max, &doc, why));
    st = cm_jcs(cm_json_root(&doc), out, len);
out:
    free(nodes);
    return st;
}
