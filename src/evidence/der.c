/* Strict DER; see der.h. Untrusted: every byte. */
#include "evidence/der.h"

#include <string.h>

struct cm_span cm_der_take(struct cm_rd *r, uint8_t tag)
{
    uint8_t first = 0;
    size_t len = 0;

    if (cm_rd_u8(r) != tag) {
        r->bad = true;
    }
    first = cm_rd_u8(r);
    len = first;
    if (first == 0x81) {
        len = cm_rd_u8(r);
        r->bad = r->bad || len < 0x80; /* the short form was due */
    } else if (first == 0x82) {
        len = cm_rd_u16be(r);
        r->bad = r->bad || len < 0x100;
    } else if (first == 0x83) {
        len = (size_t)cm_rd_u8(r) << 16;
        len |= cm_rd_u16be(r);
        r->bad = r->bad || len < 0x10000;
    } else if (first >= 0x80) { /* indefinite, or longer than anything we read */
        r->bad = true;
    }
    return cm_rd_take(r, len);
}

struct cm_span cm_der_element(struct cm_rd *r, uint8_t tag)
{
    const uint8_t *start = r->ptr;
    size_t left = r->left;

    (void)cm_der_take(r, tag);
    return r->bad ? cm_span_make(NULL, 0) : cm_span_make(start, left - r->left);
}

struct cm_span cm_der_oid(struct cm_rd *r)
{
    struct cm_span s = cm_der_take(r, CM_DER_OID);
    bool begins = true; /* of an arc: seven bits a byte, the top bit says that more follow */

    for (size_t i = 0; i < s.len; i++) {
        r->bad = r->bad || (begins && s.ptr[i] == 0x80);
        begins = (s.ptr[i] & 0x80) == 0;
    }
    r->bad = r->bad || !begins || s.len == 0;
    return r->bad ? cm_span_make(NULL, 0) : s;
}

bool cm_der_next_is(const struct cm_rd *r, uint8_t tag)
{
    return !r->bad && r->left != 0 && r->ptr[0] == tag;
}

struct cm_rd cm_der_enter(struct cm_rd *r, uint8_t tag)
{
    struct cm_rd inner = cm_rd_init(cm_der_take(r, tag));

    inner.bad = r->bad;
    return inner;
}

uint64_t cm_der_uint(struct cm_rd *r, uint8_t tag, uint64_t max)
{
    struct cm_span s = cm_der_take(r, tag);
    uint64_t v = 0;

    if (s.len == 0 || s.len > 8 || (s.ptr[0] & 0x80) != 0 ||
        (s.len > 1 && s.ptr[0] == 0 && (s.ptr[1] & 0x80) == 0)) {
        r->bad = true;
        return 0;
    }
    for (size_t i = 0; i < s.len; i++) {
        v = (v << 8) | s.ptr[i];
    }
    if (v > max) {
        r->bad = true;
        return 0;
    }
    return v;
}

struct cm_span cm_der_integer(struct cm_rd *r)
{
    struct cm_span s = cm_der_take(r, CM_DER_INTEGER);

    /* the first nine bits must not all be equal (X.690 8.3.2): one number has one form */
    if (s.len == 0 || (s.len > 1 && (s.ptr[0] == 0 || s.ptr[0] == 0xff) &&
                       (s.ptr[0] & 0x80) == (s.ptr[1] & 0x80))) {
        r->bad = true;
        return (struct cm_span){NULL, 0};
    }
    return s;
}

bool cm_der_bool(struct cm_rd *r)
{
    struct cm_span s = cm_der_take(r, CM_DER_BOOLEAN);

    if (s.len != 1 || (s.ptr[0] != 0 && s.ptr[0] != 0xff)) {
        r->bad = true;
        return false;
    }
    return s.ptr[0] != 0;
}

void cm_der_positive(struct cm_rd *r, uint8_t *out, size_t size)
{
    struct cm_span s = cm_der_take(r, CM_DER_INTEGER);

    if (s.len != 0 && s.ptr[0] == 0) {
        if (s.len < 2 || (s.ptr[1] & 0x80) == 0) { /* zero, or not minimal */
            r->bad = true;
            return;
        }
        s.ptr++;
        s.len--;
    } else if (s.len != 0 && (s.ptr[0] & 0x80) != 0) {
        r->bad = true;
    }
    if (s.len == 0 || s.len > size) {
        r->bad = true;
    }
    if (!r->bad) {
        memset(out, 0, size - s.len);
        memcpy(out + size - s.len, s.ptr, s.len);
    }
}
