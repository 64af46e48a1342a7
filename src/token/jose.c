/* What JWS and JWE have in common; see jose.h. Untrusted: every byte. */
#include "token/jose.h"

#include <string.h>

#include "common/try.h"
#include "crypto/pubkey.h"
#include "token/base64.h"

struct cm_span cm_jose_part(struct cm_span *rest, bool *dot)
{
    struct cm_span part = *rest;
    const uint8_t *hit = rest->len == 0 ? NULL : memchr(rest->ptr, '.', rest->len);

    *dot = hit != NULL;
    if (hit != NULL) {
        part.len = (size_t)(hit - rest->ptr);
    }
    if (rest->len != 0) { /* NULL + 0 is undefined in C */
        rest->ptr += part.len + (*dot ? 1 : 0);
        rest->len -= part.len + (*dot ? 1 : 0);
    }
    return part;
}

enum cm_status cm_jose_parse_header(const struct cm_jose_header *h, struct cm_span text,
                                    struct cm_json *out, struct cm_why *why)
{
    static const char *const refused[] = {"crit", "b64", "zip"};
    struct cm_json_value root = {NULL, 0};
    size_t len = 0;
    enum cm_status st = cm_base64url_decode(text, h->bytes, h->cap, &len);

    if (st != CM_OK) {
        cm_why_set(why, "%s: the header is not base64url, or too long", h->what);
        return st == CM_ERR_SPACE ? CM_ERR_LIMIT : st;
    }
    CM_TRY(cm_json_parse(cm_span_make(h->bytes, len), h->nodes, h->node_count, out, why));
    root = cm_json_root(out);
    if (!cm_json_is(root, CM_JSON_OBJECT)) {
        cm_why_set(why, "%s: the header is not an object", h->what);
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (cm_json_get(root, refused[i]).doc != NULL) {
            cm_why_set(why, "%s: header member %s is not supported", h->what, refused[i]);
            return CM_ERR_UNSUPPORTED;
        }
    }
out:
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}

enum cm_status cm_jose_octets(struct cm_json_value object, const char *name, uint8_t *buf,
                              size_t cap, struct cm_span *out)
{
    struct cm_span text = {NULL, 0};
    size_t len = 0;
    enum cm_status st = cm_json_plain(cm_json_get(object, name), &text);

    if (st == CM_OK) {
        st = cm_base64url_decode(text, buf, cap, &len);
    }
    *out = cm_span_make(buf, len);
    return st == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

enum cm_status cm_jose_append(struct cm_wr *w, struct cm_span data)
{
    size_t len = 0;
    enum cm_status st =
        cm_base64url_encode(data, (char *)(w->start + w->used), w->cap - w->used, &len);

    if (st == CM_OK) {
        w->used += len;
    }
    return st;
}

const char *cm_jose_curve_name(unsigned curve)
{
    static const char *const names[] = {
        [CM_CURVE_P256] = "P-256", [CM_CURVE_P384] = "P-384", [CM_CURVE_P521] = "P-521"};

    return curve < sizeof(names) / sizeof(names[0]) ? names[curve] : NULL;
}
