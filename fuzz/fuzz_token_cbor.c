/*
 * The strict CBOR reader beside libcbor: whatever ours accepts, libcbor accepts over the same bytes;
 * what ours calls malformed, libcbor does not take whole.
 */
#include <cbor.h>
#include <stdlib.h>
#include <string.h>

#include "token/cbor.h"

#define MAX_NODES 4096
static struct cm_cbor_node nodes[MAX_NODES];

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Every item is reached once, and lies inside its container's bytes. */
static size_t walk(struct cm_cbor_value v, struct cm_span within)
{
    struct cm_span own = cm_cbor_encoding(v);
    size_t seen = 1;

    if (own.ptr < within.ptr || own.ptr + own.len > within.ptr + within.len || own.len == 0) {
        abort();
    }
    for (struct cm_cbor_value e = cm_cbor_first(v); e.doc != NULL; e = cm_cbor_next(e)) {
        seen += walk(e, own);
    }
    return seen;
}

/* libcbor refuses unassigned tags below 24 and simple values that RFC 8949 leaves open. */
static bool beyond_libcbor(const struct cm_cbor *doc)
{
    for (size_t i = 0; i < doc->count; i++) {
        if (nodes[i].type == CM_CBOR_TAG || nodes[i].type == CM_CBOR_SIMPLE) {
            return true;
        }
    }
    return false;
}

/* libcbor allocates what a container announces before it has seen it. */
static bool announces_much(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((data[i] & 0xdeu) == 0x9au) { /* heads of arrays and maps with 4 or 8 bytes of count */
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cbor_load_result result;
    struct cm_cbor doc;
    enum cm_status st = cm_cbor_parse(cm_span_make(data, size), nodes, MAX_NODES, 0, &doc, NULL);
    cbor_item_t *item = NULL;
    bool whole = false;

    if (size == 0 || (st != CM_OK && announces_much(data, size))) {
        return 0;
    }
    item = cbor_load(data, size, &result);
    whole = item != NULL && result.read == size;

    if (st == CM_OK && walk(cm_cbor_root(&doc), cm_span_make(data, size)) != doc.count) {
        abort();
    }
    if (st == CM_OK && !whole && !beyond_libcbor(&doc)) {
        abort();
    }
    if (st == CM_ERR_FORMAT && whole) {
        abort();
    }
    if (item != NULL) {
        cbor_decref(&item);
    }
    return 0;
}
