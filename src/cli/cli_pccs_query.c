/* Queries of URIs (RFC 3986, as forms write them); see cli_pccs_query.h. Untrusted: every byte. */
#include "cli/cli_pccs_query.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/hex.h"
#include "common/reader.h"
#include "common/same.h"

/* The next character of a value, escapes resolved; makes the reader bad where there is none. */
static char next_char(struct cm_rd *r)
{
    uint8_t c = cm_rd_u8(r);

    if (c == '%') {
        int hi = cm_hex_nibble(cm_rd_u8(r));
        int lo = cm_hex_nibble(cm_rd_u8(r));

        if (hi < 0 || lo < 0) {
            r->bad = true;
            return 0;
        }
        c = (uint8_t)((hi << 4) | lo);
    }
    r->bad = r->bad || c < '!' || c > '~';
    return (char)c;
}

static struct cm_span until(struct cm_rd *r, uint8_t mark)
{
    const uint8_t *end = r->left == 0 ? NULL : memchr(r->ptr, mark, r->left);
    size_t len = end == NULL ? r->left : (size_t)(end - r->ptr);
    struct cm_span out = cm_rd_take(r, len);

    if (end != NULL) {
        (void)cm_rd_u8(r);
    }
    return out;
}

static enum cm_status add(struct cm_span text, struct cm_pccs_query *out)
{
    struct cm_rd r = cm_rd_init(text);
    struct cm_pccs_param *p = &out->param[out->count];
    size_t len = 0;

    if (out->count == CM_PCCS_MAX_PARAMS) {
        return CM_ERR_FORMAT;
    }
    p->name = until(&r, '=');
    for (size_t i = 0; i < out->count; i++) {
        if (cm_span_same(out->param[i].name, p->name)) {
            return CM_ERR_FORMAT; /* which of the two is meant? */
        }
    }
    while (!r.bad && r.left != 0 && len < CM_PCCS_MAX_VALUE) {
        p->value[len++] = next_char(&r);
    }
    p->value[len] = '\0';
    if (cm_rd_finish(&r) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    out->count++;
    return CM_OK;
}

enum cm_status cm_pccs_query_parse(struct cm_span text, struct cm_pccs_query *out)
{
    struct cm_rd r = cm_rd_init(text);

    out->count = 0;
    while (r.left != 0) {
        struct cm_span one = until(&r, '&');

        if (one.len != 0 && add(one, out) != CM_OK) {
            return CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

const char *cm_pccs_query_get(const struct cm_pccs_query *q, const char *name)
{
    struct cm_span want = cm_span_make(name, strlen(name));

    for (size_t i = 0; i < q->count; i++) {
        if (cm_span_same(q->param[i].name, want)) {
            return q->param[i].value;
        }
    }
    return NULL;
}

bool cm_pccs_query_hex(const char *value, uint8_t *out, size_t n)
{
    return cm_hex_decode(cm_span_make(value, strlen(value)), out, n);
}

char *cm_pccs_escape(struct cm_span text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t cap = 0;
    size_t n = 0;
    char *out = NULL;

    if (cm_mul_ovf(text.len, (size_t)3, &cap) || cm_add_ovf(cap, (size_t)1, &cap)) {
        return NULL;
    }
    out = malloc(cap);
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c != 0 && strchr(plain, c) != NULL) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = CM_HEX_UPPER[c >> 4];
            out[n++] = CM_HEX_UPPER[c & 15];
        }
    }
    if (out != NULL) {
        out[n] = '\0';
    }
    return out;
}
