/* The sticky reader; see reader.h. cm_rd_take is the one place that moves the cursor. */
#include "common/reader.h"

#include <string.h>

struct cm_rd cm_rd_init(struct cm_span in)
{
    struct cm_rd r = {in.ptr, in.len, false};

    return r;
}

struct cm_span cm_rd_take(struct cm_rd *r, size_t n)
{
    struct cm_span out = {NULL, 0};

    if (r->bad || n > r->left) { /* lengths are compared, never pointers */
        r->bad = true;
        return out;
    }
    out.ptr = r->ptr;
    out.len = n;
    if (n != 0) { /* NULL + 0 is undefined in C */
        r->ptr += n;
        r->left -= n;
    }
    return out;
}

struct cm_span cm_rd_rest(struct cm_rd *r)
{
    return cm_rd_take(r, r->left);
}

void cm_rd_copy(struct cm_rd *r, void *out, size_t n)
{
    struct cm_span s = cm_rd_take(r, n);

    if (n == 0) {
        return;
    }
    if (r->bad) {
        memset(out, 0, n);
    } else {
        memcpy(out, s.ptr, n);
    }
}

void cm_rd_zero(struct cm_rd *r, size_t n)
{
    struct cm_span s = cm_rd_take(r, n);

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != 0) {
            r->bad = true;
        }
    }
}

struct cm_rd cm_rd_sub(struct cm_rd *r, size_t n)
{
    struct cm_rd sub = cm_rd_init(cm_rd_take(r, n));

    sub.bad = r->bad;
    return sub;
}

static uint64_t rd_le(struct cm_rd *r, size_t n)
{
    struct cm_span s = cm_rd_take(r, n);
    uint64_t v = 0;

    for (size_t i = s.len; i > 0; i--) {
        v = (v << 8) | s.ptr[i - 1];
    }
    return v;
}

static uint64_t rd_be(struct cm_rd *r, size_t n)
{
    struct cm_span s = cm_rd_take(r, n);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++) {
        v = (v << 8) | s.ptr[i];
    }
    return v;
}

uint8_t cm_rd_u8(struct cm_rd *r)
{
    return (uint8_t)rd_le(r, 1);
}

uint16_t cm_rd_u16le(struct cm_rd *r)
{
    return (uint16_t)rd_le(r, 2);
}

uint32_t cm_rd_u32le(struct cm_rd *r)
{
    return (uint32_t)rd_le(r, 4);
}

uint64_t cm_rd_u64le(struct cm_rd *r)
{
    return rd_le(r, 8);
}

uint16_t cm_rd_u16be(struct cm_rd *r)
{
    return (uint16_t)rd_be(r, 2);
}

uint32_t cm_rd_u32be(struct cm_rd *r)
{
    return (uint32_t)rd_be(r, 4);
}

uint64_t cm_rd_u64be(struct cm_rd *r)
{
    return rd_be(r, 8);
}

enum cm_status cm_rd_finish(const struct cm_rd *r)
{
    return (r->bad || r->left != 0) ? CM_ERR_FORMAT : CM_OK;
}
