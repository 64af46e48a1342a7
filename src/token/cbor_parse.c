/*
 * The strict CBOR parser; see cbor.h. Untrusted: every byte. One loop, no recursion: the open
 * containers are linked through their nodes' parent fields, and count down what they still expect.
 */
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "token/cbor.h"
#include "token/utf8.h"

struct parser {
    struct cm_span input;
    struct cm_rd rd;
    struct cm_cbor_node *nodes;
    size_t max;
    size_t used;
    uint32_t open;
    uint32_t depth;
    unsigned flags;
    struct cm_why *why;
};

struct head {
    unsigned major;
    unsigned info;
    uint64_t value;
    bool shortest;
};

static size_t position(const struct parser *p)
{
    return p->input.len - p->rd.left;
}

static enum cm_status refuse(struct parser *p, enum cm_status st, const char *what)
{
    cm_why_set(p->why, "CBOR: %s at byte %zu", what, position(p));
    return st;
}

static bool deterministic(const struct parser *p)
{
    return (p->flags & CM_CBOR_DETERMINISTIC) != 0;
}

static enum cm_status read_head(struct parser *p, struct head *h)
{
    uint8_t first = cm_rd_u8(&p->rd);

    h->major = first >> 5;
    h->info = first & 31u;
    h->shortest = true;
    switch (h->info) {
    case 24:
        h->value = cm_rd_u8(&p->rd);
        h->shortest = h->value >= 24;
        break;
    case 25:
        h->value = cm_rd_u16be(&p->rd);
        h->shortest = h->value > UINT8_MAX;
        break;
    case 26:
        h->value = cm_rd_u32be(&p->rd);
        h->shortest = h->value > UINT16_MAX;
        break;
    case 27:
        h->value = cm_rd_u64be(&p->rd);
        h->shortest = h->value > UINT32_MAX;
        break;
    default:
        h->value = h->info;
        break;
    }
    if (p->rd.bad) {
        return refuse(p, CM_ERR_FORMAT, "input ends inside an item");
    }
    if (h->info >= 28 && !(h->info == 31 && (h->major == 4 || h->major == 5))) {
        bool chunked = h->info == 31 && (h->major == 2 || h->major == 3);

        return refuse(p, chunked ? CM_ERR_UNSUPPORTED : CM_ERR_FORMAT,
                      chunked ? "string of indefinite length" : "reserved head");
    }
    if (deterministic(p) && h->major != 7 && (!h->shortest || h->info == 31)) {
        return refuse(p, CM_ERR_UNSUPPORTED, "not in deterministic form");
    }
    return CM_OK;
}

static enum cm_status add_node(struct parser *p, enum cm_cbor_type type, size_t start,
                               uint64_t value, struct cm_cbor_node **out)
{
    struct cm_cbor_node *n = NULL;

    if (p->used == p->max) {
        return refuse(p, CM_ERR_LIMIT, "more items than allowed");
    }
    n = &p->nodes[p->used];
    memset(n, 0, sizeof(*n));
    n->type = (uint16_t)type;
    n->value = value;
    n->off = (uint32_t)start;
    n->head = (uint32_t)(position(p) - start);
    n->len = n->head;
    n->parent = p->depth == 0 ? (uint32_t)p->used : p->open;
    p->used++;
    n->next = (uint32_t)p->used;
    *out = n;
    return CM_OK;
}

static enum cm_status parse_string(struct parser *p, const struct head *h, size_t start)
{
    struct cm_cbor_node *n = NULL;
    struct cm_span content = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(add_node(p, h->major == 2 ? CM_CBOR_BYTES : CM_CBOR_TEXT, start, h->value, &n));
    content = cm_rd_take(&p->rd, h->value > SIZE_MAX ? SIZE_MAX : (size_t)h->value);
    if (p->rd.bad) {
        return refuse(p, CM_ERR_FORMAT, "input ends inside a string");
    }
    n->len += (uint32_t)content.len;
    if (h->major == 3 && !cm_utf8_valid(content)) {
        st = refuse(p, CM_ERR_UNSUPPORTED, "malformed UTF-8");
    }
out:
    return st;
}

static enum cm_status parse_simple(struct parser *p, const struct head *h, size_t start)
{
    struct cm_cbor_node *n = NULL;
    enum cm_cbor_type type = CM_CBOR_SIMPLE;

    if (h->info >= 25 && h->info <= 27) {
        type = CM_CBOR_FLOAT;
    } else if (h->info == 24 && h->value < 32) {
        return refuse(p, CM_ERR_FORMAT, "simple value in two bytes");
    } else if (h->value >= 20 && h->value <= 23) {
        static const enum cm_cbor_type known[4] = {CM_CBOR_FALSE, CM_CBOR_TRUE, CM_CBOR_NULL,
                                                   CM_CBOR_UNDEFINED};
        type = known[h->value - 20];
    }
    return add_node(p, type, start, h->value, &n);
}

static enum cm_status open_container(struct parser *p, const struct head *h, size_t start)
{
    static const enum cm_cbor_type types[3] = {CM_CBOR_ARRAY, CM_CBOR_MAP, CM_CBOR_TAG};
    enum cm_cbor_type type = types[h->major - 4];
    struct cm_cbor_node *n = NULL;
    enum cm_status st = CM_OK;

    if (p->depth == CM_CBOR_MAX_DEPTH) {
        return refuse(p, CM_ERR_LIMIT, "nested too deeply");
    }
    CM_TRY(add_node(p, type, start, h->value, &n));
    n->indefinite = h->info == 31;
    if (type == CM_CBOR_MAP && !n->indefinite && h->value > CM_CBOR_MAX_PAIRS) {
        return refuse(p, CM_ERR_LIMIT, "map with too many pairs");
    }
    /* every item takes a byte: a count beyond the input cannot be met, and cannot overflow below */
    if (type != CM_CBOR_TAG && !n->indefinite && h->value > p->rd.left) {
        return refuse(p, CM_ERR_FORMAT, "input ends inside a container");
    }
    p->open = (uint32_t)(p->used - 1);
    p->depth++;
out:
    return st;
}

/* Whether two key nodes are the same key; keys are integers, strings or simple values. */
static bool same_key(const struct parser *p, const struct cm_cbor_node *a,
                     const struct cm_cbor_node *b)
{
    if (a->type != b->type || a->value != b->value) {
        return false;
    }
    if (a->type != CM_CBOR_BYTES && a->type != CM_CBOR_TEXT) {
        return true;
    }
    return a->value == 0 || memcmp(p->input.ptr + a->off + a->head, p->input.ptr + b->off + b->head,
                                   (size_t)a->value) == 0;
}

/* Bytewise order of encodings (RFC 8949 section 4.2.1). */
static bool key_order_ok(const struct parser *p, const struct cm_cbor_node *a,
                         const struct cm_cbor_node *b)
{
    uint32_t len = a->len < b->len ? a->len : b->len;
    int c = memcmp(p->input.ptr + a->off, p->input.ptr + b->off, len);

    return c < 0 || (c == 0 && a->len < b->len);
}

/* The node `at` has just become a key of the map m. */
static enum cm_status check_key(struct parser *p, const struct cm_cbor_node *m, uint32_t at)
{
    const struct cm_cbor_node *key = &p->nodes[at];
    uint32_t other = p->open + 1;
    uint32_t last = other;

    if (key->type == CM_CBOR_ARRAY || key->type == CM_CBOR_MAP || key->type == CM_CBOR_TAG ||
        key->type == CM_CBOR_FLOAT) {
        return refuse(p, CM_ERR_UNSUPPORTED, "map key of an unsupported type");
    }
    if (m->count > CM_CBOR_MAX_PAIRS) {
        return refuse(p, CM_ERR_LIMIT, "map with too many pairs");
    }
    while (other < at) {
        if (same_key(p, &p->nodes[other], key)) {
            return refuse(p, CM_ERR_UNSUPPORTED, "map key given twice");
        }
        last = other;
        other = p->nodes[p->nodes[other].next].next; /* over the value, to the next key */
    }
    if (deterministic(p) && last < at && !key_order_ok(p, &p->nodes[last], key)) {
        return refuse(p, CM_ERR_UNSUPPORTED, "map keys not in order");
    }
    return CM_OK;
}

static bool complete(const struct parser *p)
{
    const struct cm_cbor_node *c = &p->nodes[p->open];

    if (c->value_due) {
        return false;
    }
    if (c->indefinite) {
        return p->rd.left != 0 && p->rd.ptr[0] == 0xff;
    }
    return c->count == (c->type == CM_CBOR_TAG ? 1 : c->value);
}

static void close_container(struct parser *p)
{
    struct cm_cbor_node *c = &p->nodes[p->open];

    if (c->indefinite) {
        (void)cm_rd_u8(&p->rd); /* the break */
    }
    c->len = (uint32_t)(position(p) - c->off);
    c->next = (uint32_t)p->used;
    p->open = c->parent;
    p->depth--;
}

/* The item at `at` has ended: count it in its container, and close what is complete by that. */
static enum cm_status item_done(struct parser *p, uint32_t at)
{
    while (p->depth != 0) {
        struct cm_cbor_node *c = &p->nodes[p->open];
        bool key = c->type == CM_CBOR_MAP && !c->value_due;
        enum cm_status st = key ? check_key(p, c, at) : CM_OK;

        if (st != CM_OK) {
            return st;
        }
        c->value_due = key;
        c->count += key ? 0 : 1;
        if (!complete(p)) {
            return CM_OK;
        }
        at = p->open;
        close_container(p);
    }
    return CM_OK;
}

static enum cm_status parse_item(struct parser *p, bool *container)
{
    size_t start = position(p);
    struct cm_cbor_node *n = NULL;
    struct head h = {0};
    enum cm_status st = CM_OK;

    *container = false;
    CM_TRY(read_head(p, &h));
    switch (h.major) {
    case 0:
    case 1:
        st = add_node(p, h.major == 0 ? CM_CBOR_UINT : CM_CBOR_NINT, start, h.value, &n);
        break;
    case 2:
    case 3:
        st = parse_string(p, &h, start);
        break;
    case 7:
        st = parse_simple(p, &h, start);
        break;
    default:
        *container = true;
        st = open_container(p, &h, start);
        break;
    }
out:
    return st;
}

enum cm_status cm_cbor_parse(struct cm_span input, struct cm_cbor_node *nodes, size_t max,
                             unsigned flags, struct cm_cbor *out, struct cm_why *why)
{
    struct parser p = {.input = input, .nodes = nodes, .max = max, .flags = flags, .why = why};
    enum cm_status st = CM_OK;

    p.rd = cm_rd_init(input);
    if (input.len > CM_CBOR_MAX_INPUT) {
        return refuse(&p, CM_ERR_LIMIT, "input too long");
    }
    do {
        uint32_t at = (uint32_t)p.used;
        bool container = false;

        CM_TRY(parse_item(&p, &container));
        if (container) {
            if (!complete(&p)) {
                continue;
            }
            close_container(&p); /* an empty one */
        }
        CM_TRY(item_done(&p, at));
    } while (p.depth != 0);
    if (p.rd.left != 0) {
        st = refuse(&p, CM_ERR_FORMAT, "bytes after the item");
        goto out;
    }
    out->input = input;
    out->nodes = nodes;
    out->count = p.used;
out:
    return st;
}
