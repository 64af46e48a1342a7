/* Strict base64; see base64.h. Untrusted: the text. */
#include "token/base64.h"

#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define STD_ONLY 0x40u   /* of '+' and '/' */
#define URL_ONLY 0x80u   /* of '-' and '_' */
#define NO_CHAR  0xc0u   /* refused by both */
#define MIXED    NO_CHAR /* what is refused where either alphabet's characters are taken */

/* text is public, so looking it up tells nobody anything */
/* clang-format off */
static const uint8_t values[128] = {
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0x7e, 0xc0, 0xbe, 0xc0, 0x7f,
    0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,
    0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0xc0, 0xc0, 0xc0, 0xc0, 0xbf,
    0xc0, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
};
/* clang-format on */

static unsigned value_of(uint8_t c, unsigned refused)
{
    const unsigned v = c < sizeof(values) ? values[c] : NO_CHAR;

    return refused == MIXED && v != NO_CHAR ? v & 63 : v;
}

/* Groups of four characters; what is left of the text is behind them. */
static enum cm_status decode_groups(struct cm_span *text, unsigned refused, uint8_t *out,
                                    size_t cap, size_t *used)
{
    while (text->len >= 4) {
        const unsigned a = value_of(text->ptr[0], refused);
        const unsigned b = value_of(text->ptr[1], refused);
        const unsigned c = value_of(text->ptr[2], refused);
        const unsigned d = value_of(text->ptr[3], refused);

        if (((a | b | c | d) & refused) != 0) {
            return CM_ERR_FORMAT;
        }
        if (cap - *used < 3) {
            return CM_ERR_SPACE;
        }
        out[(*used)++] = (uint8_t)(a << 2 | (b >> 4 & 3));
        out[(*used)++] = (uint8_t)(b << 4 | (c >> 2 & 15));
        out[(*used)++] = (uint8_t)(c << 6 | (d & 63));
        text->ptr += 4;
        text->len -= 4;
    }
    return CM_OK;
}

static enum cm_status decode(struct cm_span text, unsigned refused, uint8_t *out, size_t cap,
                             size_t *len)
{
    unsigned bits = 0;
    size_t used = 0;
    enum cm_status st = text.len % 4 == 1 ? CM_ERR_FORMAT : CM_OK;

    if (st == CM_OK) {
        st = decode_groups(&text, refused, out, cap, &used);
    }
    if (st != CM_OK) {
        return st;
    }
    for (size_t i = 0; i < text.len; i++) { /* two or three */
        const unsigned v = value_of(text.ptr[i], refused);

        if ((v & refused) != 0) {
            return CM_ERR_FORMAT;
        }
        bits = bits << 6 | (v & 63);
    }
    if (text.len != 0) {
        const unsigned spare = text.len == 2 ? 4 : 2;
        const size_t bytes = text.len - 1;

        if ((bits & ((1u << spare) - 1)) != 0) { /* the same bytes must have one encoding only */
            return CM_ERR_FORMAT;
        }
        if (cap - used < bytes) {
            return CM_ERR_SPACE;
        }
        for (size_t i = bytes; i-- != 0;) {
            out[used++] = (uint8_t)(bits >> spare >> (8 * i));
        }
    }
    *len = used;
    return CM_OK;
}

enum cm_status cm_base64url_decode(struct cm_span text, uint8_t *out, size_t cap, size_t *len)
{
    return decode(text, STD_ONLY, out, cap, len);
}

/* Of whole groups: the last one's padding is at most two characters. */
static struct cm_span unpadded(struct cm_span text)
{
    for (int i = 0; i < 2 && text.len != 0 && text.ptr[text.len - 1] == '='; i++) {
        text.len--;
    }
    return text;
}

enum cm_status cm_base64_decode(struct cm_span text, uint8_t *out, size_t cap, size_t *len)
{
    if (text.len % 4 != 0) {
        return CM_ERR_FORMAT;
    }
    return decode(unpadded(text), URL_ONLY, out, cap, len);
}

enum cm_status cm_base64_any_decode(struct cm_span text, bool mixed, uint8_t *out, size_t cap,
                                    size_t *len)
{
    unsigned refused = mixed ? MIXED : URL_ONLY;

    for (size_t i = 0; !mixed && i < text.len; i++) {
        if (text.ptr[i] == '-' || text.ptr[i] == '_') {
            refused = STD_ONLY;
            break;
        }
    }
    return decode(text.len % 4 == 0 ? unpadded(text) : text, refused, out, cap, len);
}

static enum cm_status encode(struct cm_span data, bool url, char *out, size_t cap, size_t *len)
{
    const char *alphabet = url ? url_alphabet : std_alphabet;
    size_t full = CM_BASE64_ENCODED(data.len);
    size_t pad = data.len % 3 == 0 ? 0 : 3 - data.len % 3;
    size_t need = url ? full - pad : full;
    size_t used = 0;

    if (data.len > SIZE_MAX / 2 || need > cap) {
        return CM_ERR_SPACE;
    }
    for (size_t i = 0; i < data.len; i += 3) {
        uint32_t bits = (uint32_t)data.ptr[i] << 16;

        bits |= i + 1 < data.len ? (uint32_t)data.ptr[i + 1] << 8 : 0;
        bits |= i + 2 < data.len ? data.ptr[i + 2] : 0;
        for (unsigned k = 0; k < 4 && used < full - pad; k++) {
            out[used++] = alphabet[(bits >> (18 - 6 * k)) & 63];
        }
    }
    while (used < need) {
        out[used++] = '=';
    }
    *len = need;
    return CM_OK;
}

enum cm_status cm_base64url_encode(struct cm_span data, char *out, size_t cap, size_t *len)
{
    return encode(data, true, out, cap, len);
}

enum cm_status cm_base64_encode(struct cm_span data, char *out, size_t cap, size_t *len)
{
    return encode(data, false, out, cap, len);
}

static void pem_mark(struct cm_wr *wr, const char *what, const char *label)
{
    cm_wr_bytes(wr, what, strlen(what));
    cm_wr_bytes(wr, label, strlen(label));
    cm_wr_bytes(wr, "-----\n", 6);
}

void cm_pem_write(struct cm_wr *wr, const char *label, struct cm_span data)
{
    enum { LINE = 48 }; /* bytes that make a line of 64 characters */

    pem_mark(wr, "-----BEGIN ", label);
    for (size_t at = 0; at < data.len; at += LINE) {
        size_t n = data.len - at < LINE ? data.len - at : LINE;
        char line[CM_BASE64_ENCODED(LINE)];
        size_t len = 0;

        if (cm_base64_encode(cm_span_make(data.ptr + at, n), line, sizeof(line), &len) != CM_OK) {
            wr->bad = true; /* cannot be: the line has its room */
            return;
        }
        cm_wr_bytes(wr, line, len);
        cm_wr_u8(wr, '\n');
    }
    pem_mark(wr, "-----END ", label);
}
