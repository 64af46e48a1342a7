/* The JSON writer; see json.h. Misuse and lack of room are one sticky failure. */
#include <string.h>

#include "token/json.h"
#include "token/utf8.h"

struct cm_json_wr cm_json_wr_init(void *buf, size_t cap)
{
    struct cm_json_wr w = {.out = cm_wr_init(buf, cap)};

    return w;
}

static bool level_bit(uint32_t bits, uint32_t depth)
{
    return depth != 0 && ((bits >> (depth - 1)) & 1u) != 0;
}

/* What must stand before a value: a comma, or nothing behind a name. */
static void before_value(struct cm_json_wr *w)
{
    if (w->done || (level_bit(w->is_object, w->depth) && !w->has_name)) {
        w->out.bad = true;
        return;
    }
    if (w->depth == 0) {
        return;
    }
    if (!w->has_name && level_bit(w->not_empty, w->depth)) {
        cm_wr_u8(&w->out, ',');
    }
    w->not_empty |= 1u << (w->depth - 1);
    w->has_name = false;
}

static void after_value(struct cm_json_wr *w)
{
    w->done = w->depth == 0;
}

static void begin(struct cm_json_wr *w, bool object)
{
    before_value(w);
    if (w->depth == CM_JSON_MAX_DEPTH) {
        w->out.bad = true;
        return;
    }
    cm_wr_u8(&w->out, object ? '{' : '[');
    w->is_object = object ? w->is_object | (1u << w->depth) : w->is_object & ~(1u << w->depth);
    w->not_empty &= ~(1u << w->depth);
    w->depth++;
}

void cm_json_wr_object(struct cm_json_wr *w)
{
    begin(w, true);
}

void cm_json_wr_array(struct cm_json_wr *w)
{
    begin(w, false);
}

void cm_json_wr_end(struct cm_json_wr *w)
{
    if (w->depth == 0 || w->has_name) {
        w->out.bad = true;
        return;
    }
    cm_wr_u8(&w->out, level_bit(w->is_object, w->depth) ? '}' : ']');
    w->depth--;
    after_value(w);
}

/* A character that does not stand for itself. */
static void escape_char(struct cm_wr *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        cm_wr_u8(out, '\\');
        cm_wr_u8(out, c);
    } else {
        cm_wr_bytes(out, "\\u00", 4);
        cm_wr_u8(out, (uint8_t)hex[c >> 4]);
        cm_wr_u8(out, (uint8_t)hex[c & 15]);
    }
}

#define EACH UINT64_C(0x0101010101010101) /* times c: c in each byte of a word */
#define HIGH (EACH * 0x80)

/* The high bits of a word's bytes that are zero, and perhaps of others behind the first such one. */
static uint64_t zeros(uint64_t word)
{
    return (word - EACH) & ~word & HIGH;
}

/* Whether all eight are ASCII that stands for itself. */
static bool plain_word(uint64_t w)
{
    const uint64_t control = (w - EACH * 0x20) & ~w;

    return (((w | control) & HIGH) | zeros(w ^ EACH * '"') | zeros(w ^ EACH * '\\') |
            zeros(w ^ EACH * 0x7f)) == 0;
}

static bool plain_byte(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes at the beginning are ASCII that stands for itself. */
static size_t plain(struct cm_span s)
{
    uint64_t word = 0;
    size_t n = 0;

    for (; s.len - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, s.ptr + n, sizeof(word));
        if (!plain_word(word)) {
            break;
        }
    }
    while (n < s.len && plain_byte(s.ptr[n])) {
        n++;
    }
    return n;
}

static void quoted(struct cm_json_wr *w, struct cm_span utf8)
{
    uint32_t code_point = 0;

    cm_wr_u8(&w->out, '"');
    while (utf8.len != 0) {
        size_t n = plain(utf8);

        if (n == 0 && utf8.ptr[0] >= 0x80) {
            n = cm_utf8_decode(utf8, &code_point); /* 0: it is none */
        }
        if (n != 0) {
            cm_wr_bytes(&w->out, utf8.ptr, n);
        } else if (utf8.ptr[0] != 0 && utf8.ptr[0] < 0x80) {
            escape_char(&w->out, utf8.ptr[0]);
            n = 1;
        } else {
            w->out.bad = true;
            return;
        }
        utf8.ptr += n;
        utf8.len -= n;
    }
    cm_wr_u8(&w->out, '"');
}

void cm_json_wr_name(struct cm_json_wr *w, const char *name)
{
    if (!level_bit(w->is_object, w->depth) || w->has_name) {
        w->out.bad = true;
        return;
    }
    if (level_bit(w->not_empty, w->depth)) {
        cm_wr_u8(&w->out, ',');
    }
    quoted(w, cm_span_make(name, strlen(name)));
    cm_wr_u8(&w->out, ':');
    w->has_name = true;
}

void cm_json_wr_text(struct cm_json_wr *w, struct cm_span utf8)
{
    before_value(w);
    quoted(w, utf8);
    after_value(w);
}

void cm_json_wr_str(struct cm_json_wr *w, const char *text)
{
    cm_json_wr_text(w, cm_span_make(text, strlen(text)));
}

static void scalar(struct cm_json_wr *w, const char *text, size_t len)
{
    before_value(w);
    cm_wr_bytes(&w->out, text, len);
    after_value(w);
}

static void decimal(struct cm_json_wr *w, bool negative, uint64_t v)
{
    char text[24] = "";
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    if (negative) {
        text[--at] = '-';
    }
    scalar(w, text + at, sizeof(text) - at);
}

void cm_json_wr_u64(struct cm_json_wr *w, uint64_t v)
{
    decimal(w, false, v);
}

void cm_json_wr_i64(struct cm_json_wr *w, int64_t v)
{
    decimal(w, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void cm_json_wr_bool(struct cm_json_wr *w, bool v)
{
    scalar(w, v ? "true" : "false", v ? 4 : 5);
}

void cm_json_wr_null(struct cm_json_wr *w)
{
    scalar(w, "null", 4);
}

void cm_json_wr_raw(struct cm_json_wr *w, struct cm_span json)
{
    scalar(w, (const char *)json.ptr, json.len);
}

enum cm_status cm_json_wr_finish(const struct cm_json_wr *w, size_t *len)
{
    if (w->out.bad) {
        return CM_ERR_SPACE;
    }
    if (!w->done) {
        return CM_ERR_STATE;
    }
    *len = w->out.used;
    return CM_OK;
}
