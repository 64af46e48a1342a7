/* Items as bytes, their differences, and what is made of them again. Untrusted: bytes of the store. */
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/same.h"
#include "common/try.h"
#include "common/writer.h"
#include "decide/decide_items.h"

/* Take a copy of an item's text. */
static enum cm_status append(struct cm_items *t, struct cm_span text)
{
    if (t->count == CM_ITEMS_MAX || text.len > CM_ITEMS_MAX_BYTES - t->len) {
        return CM_ERR_FORMAT;
    }
    if (t->count == t->item_cap) {
        size_t cap = t->item_cap == 0 ? 256 : 2 * t->item_cap;
        struct cm_item *item = realloc(t->item, cap * sizeof(*item));

        if (item == NULL) {
            return CM_ERR_NOMEM;
        }
        t->item = item;
        t->item_cap = cap;
    }
    if (text.len > t->cap - t->len) {
        size_t cap = t->cap == 0 ? 16384 : 2 * t->cap;
        uint8_t *bytes = NULL;

        cap = cap - t->len < text.len ? t->len + text.len : cap;
        bytes = realloc(t->text, cap);
        if (bytes == NULL) {
            return CM_ERR_NOMEM;
        }
        t->text = bytes;
        t->cap = cap;
    }
    if (text.len != 0) {
        memcpy(t->text + t->len, text.ptr, text.len);
    }
    t->item[t->count++] = (struct cm_item){(uint32_t)t->len, (uint32_t)text.len};
    t->len += text.len;
    return CM_OK;
}

enum cm_status cm_items_write(const struct cm_items *items, uint8_t **out, size_t *len)
{
    const size_t cap = 4 + 4 * items->count + items->len;
    uint8_t *bytes = malloc(cap);
    struct cm_wr w = cm_wr_init(bytes, cap);

    *out = NULL;
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_wr_u32le(&w, (uint32_t)items->count);
    for (size_t i = 0; i < items->count; i++) {
        struct cm_span s = cm_items_at(items, i);

        cm_wr_u32le(&w, (uint32_t)s.len);
        cm_wr_bytes(&w, s.ptr, s.len);
    }
    *out = bytes;
    *len = w.used;
    return CM_OK;
}

enum cm_status cm_items_read(struct cm_span bytes, struct cm_items *out)
{
    struct cm_rd rd = cm_rd_init(bytes);
    uint32_t count = cm_rd_u32le(&rd);
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; i < count && !rd.bad; i++) {
        struct cm_span s = cm_rd_take(&rd, cm_rd_u32le(&rd));

        if (!rd.bad) {
            CM_TRY(append(out, s));
        }
    }
    CM_TRY(cm_rd_finish(&rd));
out:
    if (st != CM_OK) {
        cm_items_free(out);
    }
    return st;
}

enum cm_status cm_items_diff(const struct cm_items *base, const struct cm_items *items,
                             uint8_t **out, size_t *len)
{
    size_t cap = 4;
    uint8_t *bytes = NULL;
    struct cm_wr w;

    *out = NULL;
    for (size_t i = 0; i < items->count; i++) {
        if (i >= base->count || !cm_span_same(cm_items_at(items, i), cm_items_at(base, i))) {
            cap += 8 + items->item[i].len;
        }
    }
    bytes = malloc(cap);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(bytes, cap);
    cm_wr_u32le(&w, (uint32_t)items->count);
    for (size_t i = 0; i < items->count; i++) {
        struct cm_span s = cm_items_at(items, i);

        if (i >= base->count || !cm_span_same(s, cm_items_at(base, i))) {
            cm_wr_u32le(&w, (uint32_t)i);
            cm_wr_u32le(&w, (uint32_t)s.len);
            cm_wr_bytes(&w, s.ptr, s.len);
        }
    }
    *out = bytes;
    *len = w.used;
    return CM_OK;
}

enum cm_status cm_items_patch(const struct cm_items *base, struct cm_span diff,
                              struct cm_items *out)
{
    struct cm_rd rd = cm_rd_init(diff);
    const uint32_t count = cm_rd_u32le(&rd);
    uint32_t next = UINT32_MAX;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (rd.bad || count > CM_ITEMS_MAX) {
        return CM_ERR_FORMAT;
    }
    next = rd.left != 0 ? cm_rd_u32le(&rd) : UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct cm_span s = cm_items_at(base, i);

        if (i == next) {
            s = cm_rd_take(&rd, cm_rd_u32le(&rd));
            next = rd.left != 0 ? cm_rd_u32le(&rd) : UINT32_MAX;
        } else if (i >= base->count) {
            rd.bad = true;
        }
        CM_TRY(rd.bad ? CM_ERR_FORMAT : append(out, s));
    }
    CM_TRY(next == UINT32_MAX ? cm_rd_finish(&rd) : CM_ERR_FORMAT);
out:
    if (st != CM_OK) {
        cm_items_free(out);
    }
    return st;
}

json_t *cm_items_json(const struct cm_items *items)
{
    const size_t cap = 2 + items->len + items->count;
    char *text = malloc(cap);
    struct cm_wr w = cm_wr_init(text, cap);
    json_t *out = NULL;

    if (text == NULL) {
        return NULL;
    }
    cm_wr_u8(&w, '[');
    for (size_t i = 0; i < items->count; i++) {
        struct cm_span s = cm_items_at(items, i);

        cm_wr_bytes(&w, ",", i == 0 ? 0 : 1);
        cm_wr_bytes(&w, s.ptr, s.len);
    }
    cm_wr_u8(&w, ']');
    out = json_loadb(text, w.used, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return out;
}

static struct cm_span span_of(const json_t *text)
{
    return cm_span_make(json_string_value(text), json_string_length(text));
}

/* One incoming claim. */
static enum cm_status take_claim(const json_t *item, bool json, struct cm_policy_claims *set)
{
    const json_t *type = json_array_get(item, 1);
    const json_t *value = json_array_get(item, 3);
    const json_int_t issuer = json_integer_value(json_array_get(item, 2));
    const enum cm_policy_issuer by = (enum cm_policy_issuer)issuer;
    char *text = NULL;
    enum cm_status st = CM_ERR_FORMAT;

    if (!json_is_string(type) || value == NULL || issuer < CM_POLICY_CUSTOM ||
        issuer > CM_POLICY_POLICY) {
        return st;
    }
    if (json) {
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        st = text == NULL ? CM_ERR_NOMEM
                          : cm_policy_claims_json(set, json_string_value(type),
                                                  cm_span_make(text, strlen(text)), by);
        free(text);
    } else if (json_is_string(value)) {
        st = cm_policy_claims_text(set, json_string_value(type), span_of(value), by);
    } else if (json_is_integer(value)) {
        st = cm_policy_claims_int(set, json_string_value(type), json_integer_value(value), by);
    } else if (json_is_boolean(value)) {
        st = cm_policy_claims_bool(set, json_string_value(type), json_is_true(value), by);
    }
    return st;
}

enum cm_status cm_items_claims(const struct cm_items *items, struct cm_policy_claims **out)
{
    struct cm_policy_claims *set = NULL;
    json_t *all = cm_items_json(items);
    bool any = false;
    size_t i = 0;
    json_t *item = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (all == NULL) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_policy_claims_create(&set));
    json_array_foreach(all, i, item)
    {
        const char *kind = json_string_value(json_array_get(item, 0));

        if (kind != NULL && (strcmp(kind, "c") == 0 || strcmp(kind, "j") == 0)) {
            CM_TRY(take_claim(item, kind[0] == 'j', set));
            any = true;
        }
    }
    if (!any) {
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    *out = set;
    set = NULL;
out:
    cm_policy_claims_free(set);
    json_decref(all);
    return st;
}
