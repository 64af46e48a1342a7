/* Access to a parsed CBOR input, and the writer; see cbor.h. The input was checked by the parser. */
#include <string.h>

#include "token/cbor.h"

static const struct cm_cbor_node *node_of(struct cm_cbor_value v)
{
    return v.doc == NULL ? NULL : &v.doc->nodes[v.at];
}

static struct cm_cbor_value absent(void)
{
    struct cm_cbor_value v = {NULL, 0};

    return v;
}

struct cm_cbor_value cm_cbor_root(const struct cm_cbor *doc)
{
    struct cm_cbor_value v = {doc, 0};

    return v;
}

bool cm_cbor_is(struct cm_cbor_value v, enum cm_cbor_type type)
{
    const struct cm_cbor_node *n = node_of(v);

    return n != NULL && n->type == (uint16_t)type;
}

struct cm_span cm_cbor_encoding(struct cm_cbor_value v)
{
    const struct cm_cbor_node *n = node_of(v);

    return n == NULL ? cm_span_make(NULL, 0) : cm_span_make(v.doc->input.ptr + n->off, n->len);
}

size_t cm_cbor_count(struct cm_cbor_value v)
{
    const struct cm_cbor_node *n = node_of(v);

    return n == NULL ? 0 : n->count; /* scalars count nothing */
}

struct cm_cbor_value cm_cbor_first(struct cm_cbor_value v)
{
    if (cm_cbor_count(v) == 0) {
        return absent();
    }
    v.at++;
    return v;
}

struct cm_cbor_value cm_cbor_next(struct cm_cbor_value v)
{
    const struct cm_cbor_node *n = node_of(v);

    if (n == NULL || n->parent == v.at || n->next >= v.doc->nodes[n->parent].next) {
        return absent();
    }
    v.at = n->next;
    return v;
}

static struct cm_span content(struct cm_cbor_value v)
{
    const struct cm_cbor_node *n = node_of(v);

    return cm_span_make(v.doc->input.ptr + n->off + n->head, (size_t)n->value);
}

enum cm_status cm_cbor_bytes(struct cm_cbor_value v, struct cm_span *out)
{
    if (!cm_cbor_is(v, CM_CBOR_BYTES)) {
        return CM_ERR_MISMATCH;
    }
    *out = content(v);
    return CM_OK;
}

enum cm_status cm_cbor_text(struct cm_cbor_value v, struct cm_span *out)
{
    if (!cm_cbor_is(v, CM_CBOR_TEXT)) {
        return CM_ERR_MISMATCH;
    }
    *out = content(v);
    return CM_OK;
}

bool cm_cbor_equal(struct cm_cbor_value v, const char *text)
{
    struct cm_span s = {NULL, 0};

    return cm_cbor_text(v, &s) == CM_OK && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

struct cm_cbor_value cm_cbor_get(struct cm_cbor_value map, int64_t key)
{
    struct cm_cbor_value v = absent();

    if (!cm_cbor_is(map, CM_CBOR_MAP)) {
        return v;
    }
    for (v = cm_cbor_first(map); v.doc != NULL; v = cm_cbor_next(cm_cbor_next(v))) {
        int64_t k = 0;

        if (cm_cbor_i64(v, &k) == CM_OK && k == key) {
            return cm_cbor_next(v);
        }
    }
    return v;
}

struct cm_cbor_value cm_cbor_get_text(struct cm_cbor_value map, const char *key)
{
    struct cm_cbor_value v = absent();

    if (!cm_cbor_is(map, CM_CBOR_MAP)) {
        return v;
    }
    for (v = cm_cbor_first(map); v.doc != NULL; v = cm_cbor_next(cm_cbor_next(v))) {
        if (cm_cbor_equal(v, key)) {
            return cm_cbor_next(v);
        }
    }
    return v;
}

enum cm_status cm_cbor_u64(struct cm_cbor_value v, uint64_t *out)
{
    if (cm_cbor_is(v, CM_CBOR_NINT)) {
        return CM_ERR_OVERFLOW;
    }
    if (!cm_cbor_is(v, CM_CBOR_UINT)) {
        return CM_ERR_MISMATCH;
    }
    *out = node_of(v)->value;
    return CM_OK;
}

enum cm_status cm_cbor_i64(struct cm_cbor_value v, int64_t *out)
{
    if (!cm_cbor_is(v, CM_CBOR_UINT) && !cm_cbor_is(v, CM_CBOR_NINT)) {
        return CM_ERR_MISMATCH;
    }
    if (node_of(v)->value > (uint64_t)INT64_MAX) {
        return CM_ERR_OVERFLOW;
    }
    *out =
        cm_cbor_is(v, CM_CBOR_NINT) ? -1 - (int64_t)node_of(v)->value : (int64_t)node_of(v)->value;
    return CM_OK;
}

enum cm_status cm_cbor_bool(struct cm_cbor_value v, bool *out)
{
    if (!cm_cbor_is(v, CM_CBOR_TRUE) && !cm_cbor_is(v, CM_CBOR_FALSE)) {
        return CM_ERR_MISMATCH;
    }
    *out = cm_cbor_is(v, CM_CBOR_TRUE);
    return CM_OK;
}

enum cm_status cm_cbor_tag(struct cm_cbor_value v, uint64_t *out)
{
    if (!cm_cbor_is(v, CM_CBOR_TAG)) {
        return CM_ERR_MISMATCH;
    }
    *out = node_of(v)->value;
    return CM_OK;
}

static void head(struct cm_wr *w, unsigned major, uint64_t v)
{
    uint8_t type = (uint8_t)(major << 5);

    if (v < 24) {
        cm_wr_u8(w, (uint8_t)(type | v));
    } else if (v <= UINT8_MAX) {
        cm_wr_u8(w, type | 24);
        cm_wr_u8(w, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        cm_wr_u8(w, type | 25);
        cm_wr_u16be(w, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        cm_wr_u8(w, type | 26);
        cm_wr_u32be(w, (uint32_t)v);
    } else {
        cm_wr_u8(w, type | 27);
        cm_wr_u64be(w, v);
    }
}

void cm_cbor_wr_u64(struct cm_wr *w, uint64_t v)
{
    head(w, 0, v);
}

void cm_cbor_wr_i64(struct cm_wr *w, int64_t v)
{
    if (v < 0) {
        head(w, 1, (uint64_t)(-1 - v));
    } else {
        head(w, 0, (uint64_t)v);
    }
}

void cm_cbor_wr_bytes(struct cm_wr *w, struct cm_span bytes)
{
    head(w, 2, bytes.len);
    cm_wr_bytes(w, bytes.ptr, bytes.len);
}

void cm_cbor_wr_bytes_head(struct cm_wr *w, uint64_t len)
{
    head(w, 2, len);
}

void cm_cbor_wr_text(struct cm_wr *w, const char *text)
{
    size_t len = strlen(text);

    head(w, 3, len);
    cm_wr_bytes(w, text, len);
}

void cm_cbor_wr_array(struct cm_wr *w, uint64_t count)
{
    head(w, 4, count);
}

void cm_cbor_wr_map(struct cm_wr *w, uint64_t pairs)
{
    head(w, 5, pairs);
}

void cm_cbor_wr_tag(struct cm_wr *w, uint64_t tag)
{
    head(w, 6, tag);
}

void cm_cbor_wr_bool(struct cm_wr *w, bool v)
{
    head(w, 7, v ? 21 : 20);
}

void cm_cbor_wr_null(struct cm_wr *w)
{
    head(w, 7, 22);
}
