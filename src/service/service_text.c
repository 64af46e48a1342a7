/* Texts of anybody's making as JSON. */
#include <string.h>

#include "service/service_private.h"

/* The length of the character at the beginning; 0: it is none. NUL ends the text and is no continuation. */
static size_t character(const unsigned char *c)
{
    const size_t len = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

    if (c[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0u) != 0x80u) {
            return 0;
        }
    }
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)) {
        return 0; /* longer than needed, a surrogate, beyond the last */
    }
    return len;
}

size_t cm_service_quote(char *out, size_t cap, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t n = 0;

    out[n++] = '"';
    while (*at != '\0') {
        size_t len = character(at);
        const bool bad = len == 0 || at[0] < 0x20 || at[0] == 0x7f;
        const bool escape = at[0] == '"' || at[0] == '\\';

        len = bad ? 1 : len;
        if (n + len + (escape ? 1 : 0) + 2 > cap) {
            break;
        }
        if (escape) {
            out[n++] = '\\';
        }
        if (bad) {
            out[n] = '?';
        } else {
            memcpy(out + n, at, len);
        }
        n += len;
        at += len;
    }
    out[n++] = '"';
    out[n] = '\0';
    return n;
}
