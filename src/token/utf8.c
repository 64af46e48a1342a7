/* Strict UTF-8; see utf8.h. Untrusted: every byte. */
#include "token/utf8.h"

#include <string.h>

size_t cm_utf8_decode(struct cm_span s, uint32_t *code_point)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t cp = 0;
    size_t len = 0;

    if (s.len == 0) {
        return 0;
    }
    if (s.ptr[0] < 0x80) {
        *code_point = s.ptr[0];
        return 1;
    }
    if ((s.ptr[0] & 0xe0) == 0xc0) {
        len = 2;
        cp = s.ptr[0] & 0x1fu;
    } else if ((s.ptr[0] & 0xf0) == 0xe0) {
        len = 3;
        cp = s.ptr[0] & 0x0fu;
    } else if ((s.ptr[0] & 0xf8) == 0xf0) {
        len = 4;
        cp = s.ptr[0] & 0x07u;
    }
    if (len == 0 || len > s.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
        cp = (cp << 6) | (s.ptr[i] & 0x3fu);
    }
    if (cp < smallest[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
        return 0;
    }
    *code_point = cp;
    return len;
}

size_t cm_utf8_encode(uint32_t code_point, uint8_t out[4])
{
    uint32_t cp = code_point;

    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xc0 | (cp >> 6));
        out[1] = (uint8_t)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xe0 | (cp >> 12));
        out[1] = (uint8_t)(0x80 | ((cp >> 6) & 0x3f));
        out[2] = (uint8_t)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | (cp >> 18));
    out[1] = (uint8_t)(0x80 | ((cp >> 12) & 0x3f));
    out[2] = (uint8_t)(0x80 | ((cp >> 6) & 0x3f));
    out[3] = (uint8_t)(0x80 | (cp & 0x3f));
    return 4;
}

/* How many bytes at the beginning are ASCII, in whole words of eight. */
static size_t ascii_words(struct cm_span s)
{
    size_t n = 0;

    for (uint64_t word = 0; s.len - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, s.ptr + n, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return n;
}

bool cm_utf8_valid(struct cm_span s)
{
    uint32_t cp = 0;

    while (s.len != 0) {
        size_t n = ascii_words(s);

        n = n != 0 ? n : cm_utf8_decode(s, &cp);

        if (n == 0) {
            return false;
        }
        s.ptr += n;
        s.len -= n;
    }
    return true;
}

void cm_utf8_plain(char *out, size_t cap, const char *text)
{
    struct cm_span s = cm_span_make(text, strlen(text));
    size_t used = 0;

    while (s.len != 0) {
        uint32_t c = 0;
        size_t n = cm_utf8_decode(s, &c);
        const bool good = n != 0 && c >= ' ' && c != 0x7f && !(c >= 0x80 && c < 0xa0);
        const char *from = good ? (const char *)s.ptr : "?";
        const size_t take = good ? n : 1;

        if (used + take >= cap) {
            break;
        }
        memcpy(out + used, from, take);
        used += take;
        n = n == 0 ? 1 : n;
        s = cm_span_make(s.ptr + n, s.len - n);
    }
    out[used] = '\0';
}
