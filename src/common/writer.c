/* The sticky writer; see writer.h. wr_room is the one place that moves the cursor. */
#include "common/writer.h"

#include <string.h>

struct cm_wr cm_wr_init(void *buf, size_t cap)
{
    struct cm_wr w = {(uint8_t *)buf, 0, cap, false};

    return w;
}

static uint8_t *wr_room(struct cm_wr *w, size_t n)
{
    uint8_t *at = NULL;

    if (w->bad || n > w->cap - w->used) {
        w->bad = true;
        return NULL;
    }
    at = w->start + w->used;
    w->used += n;
    return at;
}

void cm_wr_bytes(struct cm_wr *w, const void *src, size_t n)
{
    uint8_t *at = NULL;

    if (n == 0) {
        return;
    }
    at = wr_room(w, n);
    if (at != NULL) {
        memcpy(at, src, n);
    }
}

void cm_wr_fill(struct cm_wr *w, uint8_t value, size_t n)
{
    uint8_t *at = NULL;

    if (n == 0) {
        return;
    }
    at = wr_room(w, n);
    if (at != NULL) {
        memset(at, value, n);
    }
}

static void wr_le(struct cm_wr *w, uint64_t v, size_t n)
{
    uint8_t *at = wr_room(w, n);

    for (size_t i = 0; at != NULL && i < n; i++) {
        at[i] = (uint8_t)(v >> (8 * i));
    }
}

static void wr_be(struct cm_wr *w, uint64_t v, size_t n)
{
    uint8_t *at = wr_room(w, n);

    for (size_t i = 0; at != NULL && i < n; i++) {
        at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    }
}

void cm_wr_u8(struct cm_wr *w, uint8_t v)
{
    uint8_t *at = wr_room(w, 1);

    if (at != NULL) {
        *at = v;
    }
}

void cm_wr_u16le(struct cm_wr *w, uint16_t v)
{
    wr_le(w, v, 2);
}

void cm_wr_u32le(struct cm_wr *w, uint32_t v)
{
    wr_le(w, v, 4);
}

void cm_wr_u64le(struct cm_wr *w, uint64_t v)
{
    wr_le(w, v, 8);
}

void cm_wr_u16be(struct cm_wr *w, uint16_t v)
{
    wr_be(w, v, 2);
}

void cm_wr_u32be(struct cm_wr *w, uint32_t v)
{
    wr_be(w, v, 4);
}

void cm_wr_u64be(struct cm_wr *w, uint64_t v)
{
    wr_be(w, v, 8);
}

enum cm_status cm_wr_finish(const struct cm_wr *w)
{
    return w->bad ? CM_ERR_SPACE : CM_OK;
}
