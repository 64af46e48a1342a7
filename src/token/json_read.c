/* Access to a parsed JSON text, and its characters; see json.h. The text was checked by the parser. */
#include <string.h>

#include "common/checked.h"
#include "token/json_text.h"
#include "token/utf8.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* \uXXXX at the start of s */
static bool escape_unit(struct cm_span s, uint32_t *unit)
{
    *unit = 0;
    if (s.len < 6 || s.ptr[0] != '\\' || s.ptr[1] != 'u') {
        return false;
    }
    for (size_t i = 2; i < 6; i++) {
        int d = hex_digit(s.ptr[i]);

        if (d < 0) {
            return false;
        }
        *unit = (*unit << 4) | (uint32_t)d;
    }
    return true;
}

static size_t unicode_escape(struct cm_span s, uint32_t *cp)
{
    struct cm_span low_part = {NULL, 0};
    uint32_t unit = 0;
    uint32_t low = 0;

    if (!escape_unit(s, &unit) || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return 0;
    }
    if (unit < 0xd800 || unit > 0xdbff) {
        *cp = unit;
        return 6;
    }
    low_part = cm_span_make(s.ptr + 6, s.len - 6);
    if (!escape_unit(low_part, &low) || low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *cp = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

size_t cm_json_char(struct cm_span s, uint32_t *code_point)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *hit = NULL;

    if (s.len == 0 || s.ptr[0] != '\\') {
        return cm_utf8_decode(s, code_point);
    }
    if (s.len < 2) {
        return 0;
    }
    if (s.ptr[1] == 'u') {
        return unicode_escape(s, code_point);
    }
    hit = s.ptr[1] == '\0' ? NULL : strchr(from, s.ptr[1]);
    if (hit == NULL) {
        return 0;
    }
    *code_point = (uint8_t)to[hit - from];
    return 2;
}

struct cm_span cm_json_inside(const struct cm_json *doc, uint32_t at)
{
    const struct cm_json_node *n = &doc->nodes[at];

    return cm_span_make(doc->text.ptr + n->off + 1, n->len - 2u);
}

/* The next character of the inside of a checked string; false at the end. */
static bool next_char(struct cm_span *s, uint32_t *cp)
{
    size_t n = cm_json_char(*s, cp);

    s->ptr += n;
    s->len -= n;
    return n != 0;
}

uint32_t cm_json_hash(const struct cm_json *doc, uint32_t at)
{
    struct cm_span s = cm_json_inside(doc, at);
    uint32_t hash = 2166136261u; /* FNV-1a: only has to be quick; equality is checked */
    uint32_t cp = 0;

    while (next_char(&s, &cp)) {
        hash = (hash ^ cp) * 16777619u;
    }
    return hash;
}

bool cm_json_same(const struct cm_json *doc, uint32_t a, uint32_t b)
{
    struct cm_span x = cm_json_inside(doc, a);
    struct cm_span y = cm_json_inside(doc, b);
    uint32_t cx = 0;
    uint32_t cy = 0;

    while (next_char(&x, &cx)) {
        if (!next_char(&y, &cy) || cx != cy) {
            return false;
        }
    }
    return y.len == 0;
}

static const struct cm_json_node *node_of(struct cm_json_value v)
{
    return v.doc == NULL ? NULL : &v.doc->nodes[v.at];
}

static struct cm_json_value absent(void)
{
    struct cm_json_value v = {NULL, 0};

    return v;
}

struct cm_json_value cm_json_root(const struct cm_json *doc)
{
    struct cm_json_value v = {doc, 0};

    return v;
}

bool cm_json_is(struct cm_json_value v, enum cm_json_type type)
{
    const struct cm_json_node *n = node_of(v);

    return n != NULL && n->type == (uint32_t)type;
}

struct cm_span cm_json_bytes(struct cm_json_value v)
{
    const struct cm_json_node *n = node_of(v);

    return n == NULL ? cm_span_make(NULL, 0) : cm_span_make(v.doc->text.ptr + n->off, n->len);
}

size_t cm_json_count(struct cm_json_value v)
{
    const struct cm_json_node *n = node_of(v);

    return (cm_json_is(v, CM_JSON_ARRAY) || cm_json_is(v, CM_JSON_OBJECT)) ? n->count : 0;
}

struct cm_json_value cm_json_first(struct cm_json_value v)
{
    if (cm_json_count(v) == 0) {
        return absent();
    }
    v.at++;
    return v;
}

struct cm_json_value cm_json_next(struct cm_json_value v)
{
    const struct cm_json_node *n = node_of(v);

    if (n == NULL || n->parent == v.at || n->next >= v.doc->nodes[n->parent].next) {
        return absent();
    }
    v.at = n->next;
    return v;
}

struct cm_json_value cm_json_get(struct cm_json_value object, const char *name)
{
    struct cm_json_value v = absent();

    if (!cm_json_is(object, CM_JSON_OBJECT)) {
        return v;
    }
    for (v = cm_json_first(object); v.doc != NULL; v = cm_json_next(cm_json_next(v))) {
        if (cm_json_equal(v, name)) {
            return cm_json_next(v);
        }
    }
    return v;
}

bool cm_json_equal(struct cm_json_value v, const char *text)
{
    struct cm_span want = cm_span_make(text, strlen(text));
    struct cm_span have = {NULL, 0};
    uint32_t a = 0;

    if (!cm_json_is(v, CM_JSON_STRING)) {
        return false;
    }
    have = cm_json_inside(v.doc, v.at);
    while (next_char(&have, &a)) {
        uint32_t b = 0;
        size_t n = cm_utf8_decode(want, &b);

        if (n == 0 || a != b) {
            return false;
        }
        want.ptr += n;
        want.len -= n;
    }
    return want.len == 0;
}

enum cm_status cm_json_string(struct cm_json_value v, char *out, size_t cap, size_t *len)
{
    struct cm_span s = {NULL, 0};
    size_t used = 0;
    uint32_t cp = 0;

    if (!cm_json_is(v, CM_JSON_STRING)) {
        return CM_ERR_MISMATCH;
    }
    s = cm_json_inside(v.doc, v.at);
    if (node_of(v)->count == 0 && s.len < cap) { /* no escapes: as it stands */
        memcpy(out, s.ptr, s.len);
        used = s.len;
        s.len = 0;
    }
    while (next_char(&s, &cp)) {
        uint8_t utf8[4] = {0};
        size_t n = cm_utf8_encode(cp, utf8);

        if (cap - used <= n) { /* room for the NUL too; used < cap once anything was written */
            return CM_ERR_SPACE;
        }
        memcpy(out + used, utf8, n);
        used += n;
    }
    if (used >= cap) {
        return CM_ERR_SPACE;
    }
    out[used] = '\0';
    if (len != NULL) {
        *len = used;
    }
    return CM_OK;
}

enum cm_status cm_json_plain(struct cm_json_value v, struct cm_span *out)
{
    if (!cm_json_is(v, CM_JSON_STRING)) {
        return CM_ERR_MISMATCH;
    }
    if (node_of(v)->count != 0) {
        return CM_ERR_FORMAT;
    }
    *out = cm_json_inside(v.doc, v.at);
    return CM_OK;
}

static enum cm_status integer(struct cm_json_value v, bool *negative, uint64_t *out)
{
    struct cm_span s = cm_json_bytes(v);
    uint64_t value = 0;
    size_t i = 0;

    if (!cm_json_is(v, CM_JSON_NUMBER)) {
        return CM_ERR_MISMATCH;
    }
    *negative = s.ptr[0] == '-';
    for (i = *negative ? 1 : 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return CM_ERR_MISMATCH;
        }
        if (cm_mul_ovf(value, (uint64_t)10, &value) ||
            cm_add_ovf(value, (uint64_t)(s.ptr[i] - '0'), &value)) {
            return CM_ERR_OVERFLOW;
        }
    }
    if (*negative && value == 0) {
        return CM_ERR_MISMATCH;
    }
    *out = value;
    return CM_OK;
}

enum cm_status cm_json_u64(struct cm_json_value v, uint64_t *out)
{
    bool negative = false;
    uint64_t value = 0;
    enum cm_status st = integer(v, &negative, &value);

    if (st == CM_OK && negative) {
        st = CM_ERR_OVERFLOW;
    }
    if (st == CM_OK) {
        *out = value;
    }
    return st;
}

enum cm_status cm_json_i64(struct cm_json_value v, int64_t *out)
{
    bool negative = false;
    uint64_t value = 0;
    enum cm_status st = integer(v, &negative, &value);

    if (st == CM_OK && value > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) {
        st = CM_ERR_OVERFLOW;
    }
    if (st == CM_OK) {
        /* through the complement, since -INT64_MIN does not exist */
        *out = negative ? -1 - (int64_t)(value - 1) : (int64_t)value;
    }
    return st;
}

enum cm_status cm_json_byte_array(struct cm_json_value v, uint8_t *out, size_t cap, size_t *len)
{
    const size_t count = cm_json_count(v);
    const struct cm_json_node *n = NULL;

    if (!cm_json_is(v, CM_JSON_ARRAY)) {
        return CM_ERR_MISMATCH;
    }
    if (count > cap) {
        return CM_ERR_SPACE;
    }
    n = node_of(v) + 1; /* numbers are one node each, so they lie one behind the other */
    for (size_t i = 0; i < count; i++) {
        if (n[i].type != CM_JSON_NUMBER || n[i].count - 1 > UINT8_MAX) {
            return CM_ERR_MISMATCH;
        }
        out[i] = (uint8_t)(n[i].count - 1);
    }
    *len = count;
    return CM_OK;
}

enum cm_status cm_json_bool(struct cm_json_value v, bool *out)
{
    if (!cm_json_is(v, CM_JSON_TRUE) && !cm_json_is(v, CM_JSON_FALSE)) {
        return CM_ERR_MISMATCH;
    }
    *out = cm_json_is(v, CM_JSON_TRUE);
    return CM_OK;
}
