/*
 * A strict JSON reader (RFC 8259) for signed and security-relevant text, and a writer.
 *
 * The reader fills a caller's array of nodes and keeps, for every value, the exact bytes it stands
 * in: a signature over a part of the text is checked over those bytes and never over text that was
 * written again. The same code runs in the host and in an enclave.
 *
 * Refused beyond RFC 8259: duplicate member names (compared after unescaping), the code point
 * U+0000, lone surrogates, malformed UTF-8, a byte order mark, bytes after the value, nesting
 * deeper than CM_JSON_MAX_DEPTH, texts above CM_JSON_MAX_TEXT, objects of more than
 * CM_JSON_MAX_MEMBERS members, more values than the caller gave nodes.
 *
 * NOT promised: numbers are kept as text; only exact integers can be read as numbers.
 */
#ifndef CM_TOKEN_JSON_H
#define CM_TOKEN_JSON_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"
#include "common/writer.h"

#define CM_JSON_MAX_DEPTH   32
#define CM_JSON_MAX_TEXT    (16u << 20)
#define CM_JSON_MAX_MEMBERS 1024

enum cm_json_type {
    CM_JSON_NULL,
    CM_JSON_FALSE,
    CM_JSON_TRUE,
    CM_JSON_NUMBER,
    CM_JSON_STRING,
    CM_JSON_ARRAY,
    CM_JSON_OBJECT,
};

/* One value or member name. Private to json.c; callers hold the array and use the functions. */
struct cm_json_node {
    uint32_t off;    /* of the first byte in the text */
    uint32_t len;    /* bytes, quotes and brackets included */
    uint32_t next;   /* index of the node behind this one and all that it holds */
    uint32_t parent; /* index of the array or object; own index for the root */
    uint32_t
        count; /* elements or members; of a string: 1 when it holds escapes; of a number: its value
                        plus 1 when it is digits alone, few enough, else 0 */
    uint32_t hash; /* of a member name, unescaped */
    uint32_t type; /* enum cm_json_type */
};

struct cm_json {
    struct cm_span text;
    const struct cm_json_node *nodes;
    size_t count;
};

/** A value in a parsed text. doc NULL means "absent"; every function below takes it so. */
struct cm_json_value {
    const struct cm_json *doc;
    uint32_t at;
};

/**
 * Parse a whole text.
 *
 * @param text   UNTRUSTED; borrowed as long as out is used.
 * @param nodes  the caller's array of max nodes; a text has at most one node per two bytes, plus one.
 * @param out    set only on CM_OK; refers to text and nodes.
 * @param why    optional; names what is wrong and the byte offset.
 *
 * @retval CM_ERR_SYNTAX not JSON   @retval CM_ERR_FORMAT duplicate name, U+0000, bad UTF-8
 * @retval CM_ERR_LIMIT one of the limits above
 *
 * Thread-safe. No allocation, no recursion. Enclave-safe.
 */
CM_MUST_USE enum cm_status cm_json_parse(struct cm_span text, struct cm_json_node *nodes,
                                         size_t max, struct cm_json *out, struct cm_why *why);

struct cm_json_value cm_json_root(const struct cm_json *doc);

/** Whether the value exists and has this type. */
bool cm_json_is(struct cm_json_value v, enum cm_json_type type);

/** The exact bytes of a value, brackets and quotes included; {NULL, 0} when absent. */
struct cm_span cm_json_bytes(struct cm_json_value v);

/** The member of an object by name (unescaped, NUL-terminated UTF-8); absent if there is none. */
struct cm_json_value cm_json_get(struct cm_json_value object, const char *name);

/** Elements of an array or members of an object; 0 for anything else. */
size_t cm_json_count(struct cm_json_value v);

/** First element (array) or first member name (object); absent when empty. */
struct cm_json_value cm_json_first(struct cm_json_value v);

/**
 * What follows v in its array or object; absent at the end. In an object names and values
 * alternate: the value of a name is cm_json_next(name), the next name is cm_json_next(value).
 */
struct cm_json_value cm_json_next(struct cm_json_value v);

/** Whether a string value, unescaped, equals the NUL-terminated text. */
bool cm_json_equal(struct cm_json_value v, const char *text);

/**
 * Unescape a string into out and end it with NUL.
 * @param len  bytes without the NUL; may be NULL.
 * @retval CM_ERR_MISMATCH absent or not a string   @retval CM_ERR_SPACE it does not fit cap
 */
CM_MUST_USE enum cm_status cm_json_string(struct cm_json_value v, char *out, size_t cap,
                                          size_t *len);

/** The bytes between the quotes of a string that holds no escape; refuses one that does. */
CM_MUST_USE enum cm_status cm_json_plain(struct cm_json_value v, struct cm_span *out);

/**
 * An exact integer: no fraction, no exponent, no "-0".
 * @retval CM_ERR_MISMATCH absent or not an integer   @retval CM_ERR_OVERFLOW out of range
 */
CM_MUST_USE enum cm_status cm_json_u64(struct cm_json_value v, uint64_t *out);
CM_MUST_USE enum cm_status cm_json_i64(struct cm_json_value v, int64_t *out);

/**
 * An array of whole numbers from 0 to 255, as some tools write bytes.
 * @param len  how many; set on CM_OK only.
 * @retval CM_ERR_MISMATCH absent, or not such an array   @retval CM_ERR_SPACE more than cap
 */
CM_MUST_USE enum cm_status cm_json_byte_array(struct cm_json_value v, uint8_t *out, size_t cap,
                                              size_t *len);

/** A boolean. @retval CM_ERR_MISMATCH absent or not a boolean */
CM_MUST_USE enum cm_status cm_json_bool(struct cm_json_value v, bool *out);

/**
 * The writer: compact JSON into a fixed buffer. Misuse (a value where a name must stand, unbalanced
 * ends) makes it bad like lack of room does; text must be UTF-8.
 */
struct cm_json_wr {
    struct cm_wr out;
    uint32_t depth;
    uint32_t is_object; /* bit per level */
    uint32_t not_empty; /* bit per level */
    bool has_name;
    bool done; /* the one root value is complete */
};

struct cm_json_wr cm_json_wr_init(void *buf, size_t cap);
void cm_json_wr_object(struct cm_json_wr *w);
void cm_json_wr_array(struct cm_json_wr *w);
void cm_json_wr_end(struct cm_json_wr *w);
void cm_json_wr_name(struct cm_json_wr *w, const char *name);
void cm_json_wr_text(struct cm_json_wr *w, struct cm_span utf8);
void cm_json_wr_str(struct cm_json_wr *w, const char *text);
void cm_json_wr_u64(struct cm_json_wr *w, uint64_t v);
void cm_json_wr_i64(struct cm_json_wr *w, int64_t v);
void cm_json_wr_bool(struct cm_json_wr *w, bool v);
void cm_json_wr_null(struct cm_json_wr *w);
/** A value that is JSON already, as it is. */
void cm_json_wr_raw(struct cm_json_wr *w, struct cm_span json);

/** CM_OK and the written length when one complete value was written and fitted. */
CM_MUST_USE enum cm_status cm_json_wr_finish(const struct cm_json_wr *w, size_t *len);

#endif
