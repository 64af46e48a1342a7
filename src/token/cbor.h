/*
 * A strict CBOR reader (RFC 8949) and a writer of deterministic CBOR.
 *
 * The reader fills a caller's array of nodes and keeps for every item the exact bytes it stands in:
 * signatures are checked over those. The same code runs in the host and in an enclave.
 *
 * Refused beyond well-formedness: strings of indefinite length, map keys other than integers,
 * strings and simple values, duplicate map keys, malformed UTF-8 in text, bytes after the item,
 * nesting deeper than CM_CBOR_MAX_DEPTH, maps of more than CM_CBOR_MAX_PAIRS, inputs above
 * CM_CBOR_MAX_INPUT, more items than the caller gave nodes. Arrays and maps of indefinite length
 * are accepted (AWS Nitro makes them) unless CM_CBOR_DETERMINISTIC is asked for.
 */
#ifndef CM_TOKEN_CBOR_H
#define CM_TOKEN_CBOR_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"
#include "common/writer.h"

#define CM_CBOR_MAX_DEPTH 32
#define CM_CBOR_MAX_INPUT (16u << 20)
#define CM_CBOR_MAX_PAIRS 1024

/** Also refuse what RFC 8949 section 4.2.1 (core deterministic encoding) excludes. */
#define CM_CBOR_DETERMINISTIC 1u

enum cm_cbor_type {
    CM_CBOR_UINT,
    CM_CBOR_NINT, /* -1 - value */
    CM_CBOR_BYTES,
    CM_CBOR_TEXT,
    CM_CBOR_ARRAY,
    CM_CBOR_MAP,
    CM_CBOR_TAG, /* one item inside */
    CM_CBOR_FALSE,
    CM_CBOR_TRUE,
    CM_CBOR_NULL,
    CM_CBOR_UNDEFINED,
    CM_CBOR_SIMPLE, /* an unassigned simple value */
    CM_CBOR_FLOAT,  /* kept as its bytes */
};

/* One item. Private to cbor.c; callers hold the array and use the functions. */
struct cm_cbor_node {
    uint64_t value;  /* integer, string length, tag number, simple value, announced count */
    uint32_t off;    /* of the head */
    uint32_t len;    /* head and content */
    uint32_t head;   /* bytes of the head */
    uint32_t next;   /* index of the node behind this one and all that it holds */
    uint32_t parent; /* index of the container; own index for the root */
    uint32_t count;  /* elements, or pairs */
    uint16_t type;   /* enum cm_cbor_type */
    bool indefinite;
    bool value_due; /* a map whose next item is a value */
};

struct cm_cbor {
    struct cm_span input;
    const struct cm_cbor_node *nodes;
    size_t count;
};

/** An item in a parsed input. doc NULL means "absent"; every function below takes it so. */
struct cm_cbor_value {
    const struct cm_cbor *doc;
    uint32_t at;
};

/**
 * Parse a whole input, which must be exactly one item.
 *
 * @param input  UNTRUSTED; borrowed as long as out is used.
 * @param nodes  the caller's array of max nodes; an input has at most one node a byte.
 * @param flags  0 or CM_CBOR_DETERMINISTIC.
 * @param out    set only on CM_OK; refers to input and nodes.
 *
 * @retval CM_ERR_FORMAT not well formed   @retval CM_ERR_LIMIT one of the limits above
 * @retval CM_ERR_UNSUPPORTED well formed but refused: see the list above
 *
 * Thread-safe. No allocation, no recursion. Enclave-safe.
 */
CM_MUST_USE enum cm_status cm_cbor_parse(struct cm_span input, struct cm_cbor_node *nodes,
                                         size_t max, unsigned flags, struct cm_cbor *out,
                                         struct cm_why *why);

struct cm_cbor_value cm_cbor_root(const struct cm_cbor *doc);

bool cm_cbor_is(struct cm_cbor_value v, enum cm_cbor_type type);

/** The exact encoding of an item; {NULL, 0} when absent. */
struct cm_span cm_cbor_encoding(struct cm_cbor_value v);

/** Elements of an array, pairs of a map, 1 for a tag; 0 for anything else. */
size_t cm_cbor_count(struct cm_cbor_value v);

/** First element, first key, or the tagged item; absent when empty. */
struct cm_cbor_value cm_cbor_first(struct cm_cbor_value v);

/** What follows in the container; keys and values of a map alternate. Absent at the end. */
struct cm_cbor_value cm_cbor_next(struct cm_cbor_value v);

/** The value under an integer or a text key; absent if there is none. */
struct cm_cbor_value cm_cbor_get(struct cm_cbor_value map, int64_t key);
struct cm_cbor_value cm_cbor_get_text(struct cm_cbor_value map, const char *key);

/** The content of a byte string / of a text. @retval CM_ERR_MISMATCH absent or of another type */
CM_MUST_USE enum cm_status cm_cbor_bytes(struct cm_cbor_value v, struct cm_span *out);
CM_MUST_USE enum cm_status cm_cbor_text(struct cm_cbor_value v, struct cm_span *out);

/** Whether v is a text equal to the NUL-terminated one. */
bool cm_cbor_equal(struct cm_cbor_value v, const char *text);

/** @retval CM_ERR_MISMATCH absent or not an integer   @retval CM_ERR_OVERFLOW out of range */
CM_MUST_USE enum cm_status cm_cbor_u64(struct cm_cbor_value v, uint64_t *out);
CM_MUST_USE enum cm_status cm_cbor_i64(struct cm_cbor_value v, int64_t *out);
CM_MUST_USE enum cm_status cm_cbor_bool(struct cm_cbor_value v, bool *out);

/** The number of a tag. */
CM_MUST_USE enum cm_status cm_cbor_tag(struct cm_cbor_value v, uint64_t *out);

/*
 * Writing: heads of shortest form and definite length, into a sticky writer. The caller orders map
 * keys and writes as many items as it announced.
 */
void cm_cbor_wr_u64(struct cm_wr *w, uint64_t v);
void cm_cbor_wr_i64(struct cm_wr *w, int64_t v);
void cm_cbor_wr_bytes(struct cm_wr *w, struct cm_span bytes);
/** Only the head of a byte string: its len bytes must follow. */
void cm_cbor_wr_bytes_head(struct cm_wr *w, uint64_t len);
void cm_cbor_wr_text(struct cm_wr *w, const char *text);
void cm_cbor_wr_array(struct cm_wr *w, uint64_t count);
void cm_cbor_wr_map(struct cm_wr *w, uint64_t pairs);
void cm_cbor_wr_tag(struct cm_wr *w, uint64_t tag);
void cm_cbor_wr_bool(struct cm_wr *w, bool v);
void cm_cbor_wr_null(struct cm_wr *w);

#endif
