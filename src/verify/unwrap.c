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

static enum cm_status hex(struct cm_span text, uint8_t *out, size_t *len)
{
    *len = text.len / 2;
    return text.len != 0 && cm_hex_decode(text, out, text.len / 2) ? CM_OK : CM_ERR_FORMAT;
}

/* Lines of one length, but for the last; joined in place in out, which holds text.len bytes. */
static enum cm_status base64(struct cm_span text, uint8_t *out, size_t *len)
{
    const size_t cap = text.len;
    struct cm_span line = {NULL, 0};
    size_t width = 0;
    size_t joined = 0;
    bool last = false;

    while (next_line(&text, &line)) {
        if (width == 0) {
            width = line.len;
        }
        if (last || line.len == 0 || line.len > width || line.len % 4 != 0) {
            return CM_ERR_FORMAT;
        }
        last = line.len < width;
        memcpy(out + joined, line.ptr, line.len);
        joined += line.len;
    }
    if (joined == 0) {
        return CM_ERR_FORMAT;
    }
    /* decoded bytes never overtake the characters that they are of */
    return cm_base64_decode(cm_span_make(out, joined), out, cap, len);
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
