/* A strict DER cursor for the few structures that we read ourselves (X.690, definite, minimal). */
#ifndef CM_EVIDENCE_DER_H
#define CM_EVIDENCE_DER_H

#include "common/reader.h"

#define CM_DER_BOOLEAN     0x01
#define CM_DER_INTEGER     0x02
#define CM_DER_BITS        0x03
#define CM_DER_OCTETS      0x04
#define CM_DER_NULL        0x05
#define CM_DER_OID         0x06
#define CM_DER_ENUM        0x0a
#define CM_DER_UTF8        0x0c
#define CM_DER_PRINTABLE   0x13
#define CM_DER_IA5         0x16
#define CM_DER_UTC_TIME    0x17
#define CM_DER_TIME        0x18
#define CM_DER_SEQUENCE    0x30
#define CM_DER_SET         0x31
#define CM_DER_CONTEXT(n)  (0x80 | (n)) /* implicit, primitive */
#define CM_DER_EXPLICIT(n) (0xa0 | (n))

/** The content of the next element, which must have this tag; makes the reader bad otherwise. */
struct cm_span cm_der_take(struct cm_rd *r, uint8_t tag);

/** The whole next element, tag and length included. */
struct cm_span cm_der_element(struct cm_rd *r, uint8_t tag);

/** The content of an OBJECT IDENTIFIER: whole arcs, each without leading zeros. */
struct cm_span cm_der_oid(struct cm_rd *r);

/** Whether the next element has this tag. */
bool cm_der_next_is(const struct cm_rd *r, uint8_t tag);

/** A reader over the content of the next element. */
struct cm_rd cm_der_enter(struct cm_rd *r, uint8_t tag);

/** A non-negative INTEGER or ENUMERATED of minimal form, at most max; bad otherwise. */
uint64_t cm_der_uint(struct cm_rd *r, uint8_t tag, uint64_t max);

/** The content of an INTEGER of any sign, in minimal form. */
struct cm_span cm_der_integer(struct cm_rd *r);

/** A positive INTEGER of minimal form, right-aligned in size bytes; bad when it does not fit. */
void cm_der_positive(struct cm_rd *r, uint8_t *out, size_t size);

/** A BOOLEAN (00 or FF). */
bool cm_der_bool(struct cm_rd *r);

#endif
