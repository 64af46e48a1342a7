/* Putting DER together byte by byte, for tests of what must be refused. */
#ifndef CM_TESTS_DER_PARTS_H
#define CM_TESTS_DER_PARTS_H

#include "expect.h"

#define B(text)                                   \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

/* SEQUENCE { OID ecdsa-with-SHA256 } */
#define ALG "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
/* CN=CA */
#define NAME                                               \
    "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02" \
    "CA"
#define TIMES          \
    "\x30\x1e\x17\x0d" \
    "230101000000Z"    \
    "\x17\x0d"         \
    "330101000000Z"
/* no unused bits; r = 1, s = 1 */
#define SIG "\x00\x30\x06\x02\x01\x01\x02\x01\x01"
struct out {
    uint8_t b[4096];
    size_t len;
};

static inline void add(struct out *o, struct cm_span s)
{
    if (s.len != 0) {
        memcpy(o->b + o->len, s.ptr, s.len);
        o->len += s.len;
    }
}

static inline void wrap(struct out *o, uint8_t tag, const struct out *content)
{
    size_t n = content->len;

    o->b[o->len++] = tag;
    if (n >= 256) {
        o->b[o->len++] = 0x82;
        o->b[o->len++] = (uint8_t)(n >> 8);
    } else if (n >= 128) {
        o->b[o->len++] = 0x81;
    }
    o->b[o->len++] = (uint8_t)n;
    add(o, cm_span_make(content->b, n));
}

#endif
