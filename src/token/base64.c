/* Strict base64; see base64.h. Untrusted: the text. */
#include "token/base64.h"

#include <stdbool.h>
#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* of the characters that both alphabets have; text is public, so looking it up tells nobody anything */
/* clang-format off */
static const int8_t values[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
};
/* clang-format on */

static int value_of(uint8_t c, bool url)
{
    if (c < sizeof(values) && values[c] >= 0) {
        return values[c];
    }
    if (c == (url ? '-' : '+')) {
        return 62;
    }
    if (c == (url ? '_' : '/')) {
        return 63;
    }
    return -1;
}

static enum cm_status decode(struct cm_span text, bool url, uint8_t *out, size_t cap, size_t *len)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t used = 0;

    if (text.len % 4 == 1) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < text.len; i++) {
        int v = value_of(text.ptr[i], url);

        if (v < 0) {
            return CM_ERR_FORMAT;
        }
        bits = (bits << 6) | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            if (used == cap) {
                return CM_ERR_SPACE;
            }
            have -= 8;
            out[used++] = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    if (bits != 0) { /* the same bytes must have one encoding only */
        return CM_ERR_FORMAT;
    }
    *len = used;
    return CM_OK;
}

enum cm_status cm_base64url_decode(struct cm_span text, uint8_t *out, size_t cap, size_t *len)
{
    return decode(text, true, out, cap, len);
}

enum cm_status cm_base64_decode(struct cm_span text, uint8_t *out, size_t cap, size_t *len)
{
    if (text.len % 4 != 0) {
        return CM_ERR_FORMAT;
    }
    for (int i = 0; i < 2 && text.len != 0 && text.ptr[text.len - 1] == '='; i++) {
        text.len--;
    }
    return decode(text, false, out, cap, len);
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
