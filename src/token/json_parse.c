/*
 * The strict JSON parser; see json.h. Untrusted: every byte of the text. One loop, no recursion: the
 * open containers are linked through their nodes' parent fields.
 */
#include <string.h>

#include "common/try.h"
#include "token/json_text.h"
#include "token/utf8.h"

#define MAX_SMALL 9 /* digits of a number whose value is kept */

struct parser {
    struct cm_span text;
    size_t pos;
    struct cm_json_node *nodes;
    size_t max;
    size_t used;
    uint32_t open;  /* the innermost open container */
    uint32_t depth; /* how many are open */
    struct cm_why *why;
};

static enum cm_status refuse(struct parser *p, enum cm_status st, const char *what)
{
    cm_why_set(p->why, "JSON: %s at byte %zu", what, p->pos);
    return st;
}

static int peek(const struct parser *p)
{
    return p->pos < p->text.len ? p->text.ptr[p->pos] : -1;
}

static void skip_space(struct parser *p)
{
    const uint8_t *const text = p->text.ptr;
    size_t at = p->pos;

    while (at < p->text.len &&
           (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
        at++;
    }
    p->pos = at;
}

static enum cm_status add_node(struct parser *p, enum cm_json_type type, size_t start)
{
    struct cm_json_node *n = NULL;

    if (p->used == p->max) {
        return refuse(p, CM_ERR_LIMIT, "more values than allowed");
    }
    n = &p->nodes[p->used];
    memset(n, 0, sizeof(*n));
    n->type = (uint32_t)type;
    n->off = (uint32_t)start;
    n->len = (uint32_t)(p->pos - start);
    n->parent = p->depth == 0 ? (uint32_t)p->used : p->open;
    p->used++;
    n->next = (uint32_t)p->used;
    return CM_OK;
}

static enum cm_status parse_literal(struct parser *p, const char *word, enum cm_json_type type)
{
    size_t len = strlen(word);
    size_t start = p->pos;

    if (p->text.len - p->pos < len || memcmp(p->text.ptr + p->pos, word, len) != 0) {
        return refuse(p, CM_ERR_SYNTAX, "unknown word");
    }
    p->pos += len;
    return add_node(p, type, start);
}

static bool skip_digits(struct parser *p)
{
    size_t start = p->pos;

    while (peek(p) >= '0' && peek(p) <= '9') {
        p->pos++;
    }
    return p->pos != start;
}

/* The value of a short run of digits and nothing else, plus one; 0 of any other number. */
static uint32_t small_value(struct cm_span digits)
{
    uint32_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        uint32_t d = (uint32_t)digits.ptr[i] - '0';

        if (d > 9 || digits.len > MAX_SMALL) {
            return 0;
        }
        value = 10 * value + d;
    }
    return value + 1;
}

static enum cm_status parse_number(struct parser *p)
{
    size_t start = p->pos;
    enum cm_status st = CM_OK;

    if (peek(p) == '-') {
        p->pos++;
    }
    if (peek(p) == '0') {
        p->pos++;
    } else if (!skip_digits(p)) {
        return refuse(p, CM_ERR_SYNTAX, "digit expected");
    }
    if (peek(p) == '.') {
        p->pos++;
        if (!skip_digits(p)) {
            return refuse(p, CM_ERR_SYNTAX, "digit expected after the point");
        }
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->pos++;
        if (peek(p) == '+' || peek(p) == '-') {
            p->pos++;
        }
        if (!skip_digits(p)) {
            return refuse(p, CM_ERR_SYNTAX, "digit expected in the exponent");
        }
    }
    CM_TRY(add_node(p, CM_JSON_NUMBER, start));
    p->nodes[p->used - 1].count = small_value(cm_span_make(p->text.ptr + start, p->pos - start));
out:
    return st;
}

/* ASCII that stands for itself: nearly all of every text. */
static bool plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static enum cm_status parse_string(struct parser *p)
{
    size_t start = p->pos;
    bool escaped = false;
    enum cm_status st = CM_OK;

    p->pos++; /* the opening quote */
    for (;;) {
        while (p->pos < p->text.len && plain(p->text.ptr[p->pos])) {
            p->pos++;
        }

        struct cm_span rest = {p->text.ptr + p->pos, p->text.len - p->pos};
        uint32_t cp = 0;
        size_t n = 0;

        if (rest.len == 0) {
            return refuse(p, CM_ERR_SYNTAX, "string without end");
        }
        if (rest.ptr[0] == '"') {
            p->pos++;
            break;
        }
        if (rest.ptr[0] < 0x20) {
            return refuse(p, CM_ERR_SYNTAX, "control character in a string");
        }
        escaped = escaped || rest.ptr[0] == '\\';
        n = cm_json_char(rest, &cp);
        if (n == 0) {
            return refuse(p, CM_ERR_FORMAT, "bad escape or bad UTF-8");
        }
        if (cp == 0) {
            return refuse(p, CM_ERR_FORMAT, "U+0000 in a string");
        }
        p->pos += n;
    }
    CM_TRY(add_node(p, CM_JSON_STRING, start));
    p->nodes[p->used - 1].count = escaped ? 1 : 0;
out:
    return st;
}

/* The last node is a member name: hash it and compare it with its elder siblings. */
static enum cm_status check_name(struct parser *p)
{
    struct cm_json doc = {p->text, p->nodes, p->used};
    uint32_t name = (uint32_t)(p->used - 1);
    uint32_t other = p->open + 1;

    p->nodes[name].hash = cm_json_hash(&doc, name);
    if (++p->nodes[p->open].count > CM_JSON_MAX_MEMBERS) {
        return refuse(p, CM_ERR_LIMIT, "object with too many members");
    }
    while (other < name) {
        if (p->nodes[other].hash == p->nodes[name].hash && cm_json_same(&doc, other, name)) {
            return refuse(p, CM_ERR_FORMAT, "member name given twice");
        }
        other = p->nodes[p->nodes[other].next].next; /* the value's node, then the next name */
    }
    return CM_OK;
}

/* A member name and its colon. */
static enum cm_status parse_name(struct parser *p)
{
    enum cm_status st = CM_OK;

    if (peek(p) != '"') {
        return refuse(p, CM_ERR_SYNTAX, "member name expected");
    }
    CM_TRY(parse_string(p));
    CM_TRY(check_name(p));
    skip_space(p);
    if (peek(p) != ':') {
        return refuse(p, CM_ERR_SYNTAX, "':' expected");
    }
    p->pos++;
    skip_space(p);
out:
    return st;
}

static enum cm_status open_container(struct parser *p, enum cm_json_type type, bool *complete)
{
    char end = type == CM_JSON_OBJECT ? '}' : ']';
    enum cm_status st = CM_OK;

    if (p->depth == CM_JSON_MAX_DEPTH) {
        return refuse(p, CM_ERR_LIMIT, "nested too deeply");
    }
    CM_TRY(add_node(p, type, p->pos));
    p->open = (uint32_t)(p->used - 1);
    p->depth++;
    p->pos++;
    skip_space(p);
    *complete = peek(p) == end;
    if (!*complete && type == CM_JSON_OBJECT) {
        CM_TRY(parse_name(p));
    }
out:
    return st;
}

/* Begin the value at the cursor; *complete says whether it ended too (a scalar). */
static enum cm_status parse_value(struct parser *p, bool *complete)
{
    *complete = true;
    switch (peek(p)) {
    case '{':
    case '[':
        *complete = false;
        return CM_OK;
    case '"':
        return parse_string(p);
    case 't':
        return parse_literal(p, "true", CM_JSON_TRUE);
    case 'f':
        return parse_literal(p, "false", CM_JSON_FALSE);
    case 'n':
        return parse_literal(p, "null", CM_JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return parse_number(p);
    default:
        return refuse(p, CM_ERR_SYNTAX, "value expected");
    }
}

/* The cursor stands at the end bracket of the innermost container. */
static void close_container(struct parser *p)
{
    struct cm_json_node *c = &p->nodes[p->open];

    p->pos++;
    c->len = (uint32_t)(p->pos - c->off);
    c->next = (uint32_t)p->used;
    p->open = c->parent;
    p->depth--;
}

/* A value has ended: go to where the next one begins. *more is false when the root has ended. */
static enum cm_status after_value(struct parser *p, bool *more)
{
    while (p->depth != 0) {
        struct cm_json_node *c = &p->nodes[p->open];
        bool object = c->type == CM_JSON_OBJECT;

        skip_space(p);
        if (peek(p) == ',') {
            p->pos++;
            skip_space(p);
            *more = true;
            if (object) {
                return parse_name(p);
            }
            c->count++;
            return CM_OK;
        }
        if (peek(p) != (object ? '}' : ']')) {
            return refuse(p, CM_ERR_SYNTAX, object ? "',' or '}' expected" : "',' or ']' expected");
        }
        close_container(p);
    }
    *more = false;
    return CM_OK;
}

/*
 * Whole numbers in an array, each with a comma behind it: evidence holds bytes like this by the thousand. What
 * is anything else, the last number too, is left to the ordinary way.
 */
static enum cm_status skip_numbers(struct parser *p)
{
    enum cm_status st = CM_OK;

    while (st == CM_OK) {
        const size_t start = p->pos;
        size_t end = start;
        uint32_t value = 0;

        for (uint32_t d = 0; end < p->text.len && (d = (uint32_t)p->text.ptr[end] - '0') < 10;
             end++) {
            value = 10 * value + d;
        }
        if (end == start || end - start > MAX_SMALL || end == p->text.len ||
            p->text.ptr[end] != ',' || (p->text.ptr[start] == '0' && end - start != 1)) {
            break;
        }
        p->pos = end;
        st = add_node(p, CM_JSON_NUMBER, start);
        if (st == CM_OK) {
            p->nodes[p->used - 1].count = value + 1;
            p->nodes[p->open].count++;
            p->pos++;
            skip_space(p);
        }
    }
    return st;
}

/* One value begins at the cursor; *ended says whether it is complete behind this step. */
static enum cm_status step(struct parser *p, bool *ended)
{
    const bool in_array = p->depth != 0 && p->nodes[p->open].type == CM_JSON_ARRAY;
    enum cm_status st = in_array ? skip_numbers(p) : CM_OK;
    bool object = false;
    bool empty = false;

    if (st == CM_OK) {
        st = parse_value(p, ended);
    }
    if (st != CM_OK || *ended) {
        return st;
    }
    object = peek(p) == '{';
    st = open_container(p, object ? CM_JSON_OBJECT : CM_JSON_ARRAY, &empty);
    if (st != CM_OK) {
        return st;
    }
    *ended = empty;
    if (empty) {
        close_container(p);
    } else {
        p->nodes[p->open].count = 1; /* its first element or member is next */
    }
    return CM_OK;
}

static enum cm_status parse_all(struct parser *p)
{
    enum cm_status st = CM_OK;
    bool more = true;

    skip_space(p);
    while (st == CM_OK && more) {
        bool ended = false;

        st = step(p, &ended);
        if (st == CM_OK && ended) {
            st = after_value(p, &more);
        }
    }
    skip_space(p);
    if (st == CM_OK && p->pos != p->text.len) {
        st = refuse(p, CM_ERR_SYNTAX, "bytes after the value");
    }
    return st;
}

enum cm_status cm_json_parse(struct cm_span text, struct cm_json_node *nodes, size_t max,
                             struct cm_json *out, struct cm_why *why)
{
    struct parser p = {.text = text, .nodes = nodes, .max = max, .why = why};
    enum cm_status st = CM_OK;

    if (text.len > CM_JSON_MAX_TEXT) {
        return refuse(&p, CM_ERR_LIMIT, "text too long");
    }
    st = parse_all(&p);
    if (st == CM_OK) {
        out->text = text;
        out->nodes = nodes;
        out->count = p.used;
    }
    return st;
}
