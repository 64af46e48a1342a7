/* Evidence as text; see unwrap.h. Untrusted: every byte. */
#include "verify/unwrap.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "token/base64.h"

static bool ends_line(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* Without the line ends (and, from programs in C, the NUL) behind the text. */
static struct cm_span trimmed(struct cm_span text)
{
    while (text.len != 0 && (ends_line(text.ptr[text.len - 1]) || text.ptr[text.len - 1] == '\0')) {
        text.len--;
    }
    return text;
}

/* The next line without its end; false when there is none left. */
static bool next_line(struct cm_span *rest, struct cm_span *line)
{
    const uint8_t *end = NULL;
    size_t n = 0;

    if (rest->len == 0) {
        return false;
    }
    end = memchr(rest->ptr, '\n', rest->len);
    n = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    *line = cm_span_make(rest->ptr, n);
    if (end != NULL) {
        n++;
    }
    *rest = cm_span_make(rest->ptr + n, rest->len - n);
    if (line->len != 0 && line->ptr[line->len - 1] == '\r') {
        line->len--;
    }
    return true;
}

/*
 * Lines of one length, each of whole groups of characters, but for the last; joined in out, which holds
 * text.len bytes. False: they are not so, or none.
 */
static bool join(struct cm_span text, size_t group, uint8_t *out, size_t *joined)
{
    struct cm_span line = {NULL, 0};
    size_t width = 0;
    bool last = false;

    *joined = 0;
    while (next_line(&text, &line)) {
        if (width == 0) {
            width = line.len;
        }
        if (last || line.len == 0 || line.len > width || line.len % group != 0) {
            return false;
        }
        last = line.len < width;
        memcpy(out + *joined, line.ptr, line.len);
        *joined += line.len;
    }
    return *joined != 0;
}

/* In both of these, decoded bytes never overtake the characters that they are of. */
static enum cm_status hex(struct cm_span text, uint8_t *out, size_t *len)
{
    size_t joined = 0;

    if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] == 'x' || text.ptr[1] == 'X')) {
        text = cm_span_make(text.ptr + 2, text.len - 2);
    }
    if (!join(text, 2, out, &joined)) {
        return CM_ERR_FORMAT;
    }
    *len = joined / 2;
    return cm_hex_decode(cm_span_make(out, joined), out, joined / 2) ? CM_OK : CM_ERR_FORMAT;
}

static enum cm_status base64(struct cm_span text, uint8_t *out, size_t *len)
{
    const size_t cap = text.len;
    size_t joined = 0;

    return join(text, 4, out, &joined) ? cm_base64_decode(cm_span_make(out, joined), out, cap, len)
                                       : CM_ERR_FORMAT;
}

static bool begins(struct cm_span s, const char *text)
{
    return s.len >= strlen(text) && memcmp(s.ptr, text, strlen(text)) == 0;
}

/* "-----BEGIN label-----": the label; {NULL, 0} when the line is another. */
static struct cm_span label_of(struct cm_span line, const char *lead)
{
    const size_t n = strlen(lead);

    if (!begins(line, lead) || line.len <= n + 5 ||
        memcmp(line.ptr + line.len - 5, "-----", 5) != 0) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(line.ptr + n, line.len - n - 5);
}

static enum cm_status armour(struct cm_span text, uint8_t *out, size_t *len)
{
    struct cm_span line = {NULL, 0};
    struct cm_span begin = {NULL, 0};
    struct cm_span end = {NULL, 0};
    struct cm_span body = {NULL, 0};

    if (!next_line(&text, &line)) {
        return CM_ERR_FORMAT;
    }
    begin = label_of(line, "-----BEGIN ");
    body.ptr = text.ptr;
    while (begin.ptr != NULL && end.ptr == NULL && next_line(&text, &line)) {
        end = label_of(line, "-----END ");
        if (end.ptr == NULL) {
            body.len = (size_t)(text.ptr - body.ptr);
        }
    }
    if (end.ptr == NULL || text.len != 0 || end.len != begin.len ||
        memcmp(end.ptr, begin.ptr, end.len) != 0) {
        return CM_ERR_FORMAT;
    }
    return base64(trimmed(body), out, len);
}

struct cm_span cm_unmarked(struct cm_span text)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    const uint8_t next = text.len > sizeof(mark) ? text.ptr[sizeof(mark)] : 0;

    if (text.len > sizeof(mark) && memcmp(text.ptr, mark, sizeof(mark)) == 0 && next < 0x7f &&
        (next >= 0x20 || next == '\n' || next == '\r' || next == '\t')) {
        text = cm_span_make(text.ptr + sizeof(mark), text.len - sizeof(mark));
    }
    return text;
}

enum cm_status cm_unwrap(struct cm_span text, enum cm_wrapping form, uint8_t **out, size_t *len)
{
    uint8_t *bytes = NULL;
    enum cm_status st = CM_ERR_FORMAT;

    if (text.len > CM_UNWRAP_MAX) {
        return CM_ERR_LIMIT;
    }
    text = trimmed(text);
    if (text.len == 0) {
        return CM_ERR_FORMAT;
    }
    bytes = malloc(text.len);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    switch (form) {
    case CM_WRAPPING_HEX:
        st = hex(text, bytes, len);
        break;
    case CM_WRAPPING_BASE64:
        st = base64(text, bytes, len);
        break;
    case CM_WRAPPING_BASE64URL:
        st = cm_base64url_decode(text, bytes, text.len, len);
        break;
    case CM_WRAPPING_ARMOUR:
        st = armour(text, bytes, len);
        break;
    case CM_WRAPPING_NONE:
        break;
    }
    if (st != CM_OK) {
        free(bytes);
        return CM_ERR_FORMAT;
    }
    *out = bytes;
    return CM_OK;
}
