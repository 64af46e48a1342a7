/* Enrolled keys in every form that tools write them; see enrolled.h. The files are the caller's. */
#include "evidence/enrolled.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/hex.h"
#include "common/try.h"
#include "evidence/cert_cache.h"
#include "evidence/x509.h"
#include "token/cose_key.h"
#include "token/jws.h"

#define MAX_ID    64 /* bytes of an identity */
#define MAX_NODES 65536

/* A search: the same walk is made for keys that name the device, then for those that name nobody. */
struct search {
    const struct cm_enrolled_query *query;
    cm_enrolled_try try_key;
    void *ctx;
    struct cm_why *why;
    bool named;   /* which of the two walks this is */
    bool matched; /* something was tried */
    size_t tried;
    enum cm_status last; /* CM_ERR_NOTFOUND until something was tried */
};

/* What a key's own file says about whose it is. */
enum owner { OWNER_NOBODY, OWNER_WANTED, OWNER_OTHER };

static bool selected(const struct search *s, enum owner owner)
{
    return owner == (s->named ? OWNER_WANTED : OWNER_NOBODY);
}

/* A key as it stands in a file: how to make it, and the bytes that it is known by. */
struct item {
    struct cm_span encoded;
    enum cm_status (*make)(const struct item *item, struct cm_pubkey **out);
    struct cm_json_value jwk;
    struct cm_cbor_value cose;
};

static enum cm_status make_spki(const struct item *item, struct cm_pubkey **out)
{
    return cm_pubkey_from_spki(item->encoded, out);
}

static enum cm_status make_jwk(const struct item *item, struct cm_pubkey **out)
{
    return cm_jwk_parse(item->jwk, out);
}

static enum cm_status make_cose(const struct item *item, struct cm_pubkey **out)
{
    return cm_cose_key_parse(item->cose, out);
}

/* Make a key and give it away to be tried. True: look no further. */
static bool tried(struct search *s, const struct item *item)
{
    struct cm_cert_cache *cache = s->query->cache;
    struct cm_pubkey *key = NULL;
    enum cm_status st = CM_OK;

    if (s->tried++ == CM_ENROLLED_MAX_TRIED) {
        cm_why_set(s->why, "more keys to try than %d", CM_ENROLLED_MAX_TRIED);
        s->last = CM_ERR_LIMIT;
        return true;
    }
    if (cache != NULL) {
        key = cm_cert_cache_find_key(cache, item->encoded);
    }
    if (key == NULL) {
        st = item->make(item, &key);
    }
    if (st != CM_OK) {
        cm_why_set(s->why, "an enrolled key is malformed, or its point is not on the curve");
    } else {
        st = s->try_key(s->ctx, key);
    }
    if (st == CM_OK && cache != NULL) {
        cm_cert_cache_keep_key(cache, item->encoded, key);
    }
    cm_pubkey_free(key);
    s->matched = true;
    s->last = st;
    return st == CM_OK;
}

static bool try_spki(struct search *s, struct cm_span der)
{
    const struct item item = {.encoded = der, .make = make_spki};

    return tried(s, &item);
}

static enum cm_status walk_pem(struct search *s, struct cm_span text)
{
    uint8_t der[4096];
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (s->named) {
        return CM_OK;
    }
    do {
        CM_TRY(cm_pem_next(&text, "PUBLIC KEY", der, sizeof(der), &len));
    } while (len != 0 && !try_spki(s, cm_span_make(der, len)));
out:
    if (st != CM_OK) {
        cm_why_set(s->why, "a file of keys holds more than PUBLIC KEY blocks");
    }
    return st;
}

/* Whether an identity in hexadecimal is the wanted one; nothing said fits everything. */
static enum owner owner_of(struct cm_json_value id, struct cm_span want)
{
    uint8_t bytes[MAX_ID] = {0};
    struct cm_span text = {NULL, 0};

    if (id.doc == NULL) {
        return OWNER_NOBODY;
    }
    if (cm_json_plain(id, &text) != CM_OK || text.len / 2 > MAX_ID ||
        !cm_hex_decode(text, bytes, text.len / 2) || want.ptr == NULL || text.len / 2 != want.len ||
        memcmp(bytes, want.ptr, want.len) != 0) {
        return OWNER_OTHER;
    }
    return OWNER_WANTED;
}

static bool try_jwk(struct search *s, struct cm_json_value item)
{
    struct cm_json_value inner = cm_json_get(item, "pkey");
    enum owner instance = owner_of(cm_json_get(item, "instance-id"), s->query->instance_id);
    enum owner make = owner_of(cm_json_get(item, "implementation-id"), s->query->implementation_id);
    struct item one = {.make = make_jwk, .jwk = inner.doc != NULL ? inner : item};

    if (make == OWNER_OTHER || !selected(s, instance)) {
        return false;
    }
    one.encoded = cm_json_bytes(one.jwk);
    return tried(s, &one);
}

static void walk_json_value(struct search *s, struct cm_json_value root)
{
    struct cm_json_value keys = cm_json_get(root, "keys");

    if (keys.doc != NULL) {
        root = keys;
    }
    if (cm_json_is(root, CM_JSON_OBJECT)) {
        (void)try_jwk(s, root);
        return;
    }
    for (struct cm_json_value v = cm_json_first(root); v.doc != NULL; v = cm_json_next(v)) {
        if (try_jwk(s, v)) {
            return;
        }
    }
}

static enum cm_status walk_json(struct search *s, struct cm_span text)
{
    size_t max = text.len / 2 + 1 < MAX_NODES ? text.len / 2 + 1 : MAX_NODES;
    struct cm_json_node *nodes = calloc(max, sizeof(*nodes));
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, max, &doc, s->why));
    walk_json_value(s, cm_json_root(&doc));
out:
    free(nodes);
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}

static bool try_cose(struct search *s, struct cm_cbor_value item)
{
    const struct item one = {.encoded = cm_cbor_encoding(item), .make = make_cose, .cose = item};

    return tried(s, &one);
}

static enum cm_status walk_cbor(struct search *s, struct cm_span bytes)
{
    size_t max = bytes.len < MAX_NODES ? bytes.len : MAX_NODES;
    struct cm_cbor_node *nodes = NULL;
    struct cm_cbor_value root = {NULL, 0};
    struct cm_cbor doc;
    enum cm_status st = CM_OK;

    if (s->named) {
        return CM_OK;
    }
    nodes = calloc(max, sizeof(*nodes));
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_cbor_parse(bytes, nodes, max, 0, &doc, s->why));
    root = cm_cbor_root(&doc);
    if (!cm_cbor_is(root, CM_CBOR_ARRAY)) {
        (void)try_cose(s, root);
        goto out;
    }
    for (struct cm_cbor_value v = cm_cbor_first(root); v.doc != NULL; v = cm_cbor_next(v)) {
        if (try_cose(s, v)) {
            break;
        }
    }
out:
    free(nodes);
    return st;
}

static enum cm_status walk_file(struct search *s, struct cm_span file)
{
    size_t at = 0;

    if (file.len > CM_ENROLLED_MAX_BYTES) {
        return CM_ERR_LIMIT;
    }
    while (at < file.len && (file.ptr[at] == ' ' || file.ptr[at] == '\n' || file.ptr[at] == '\r' ||
                             file.ptr[at] == '\t')) {
        at++;
    }
    if (at == file.len) {
        return CM_ERR_FORMAT;
    }
    switch (file.ptr[at]) {
    case '-':
        return walk_pem(s, file);
    case '{':
    case '[':
        return walk_json(s, file);
    case 0x30: /* SEQUENCE */
        if (!s->named) {
            (void)try_spki(s, file);
        }
        return CM_OK;
    default:
        /* a map or an array in CBOR */
        return file.ptr[at] >= 0x80 && file.ptr[at] <= 0xbf ? walk_cbor(s, file) : CM_ERR_FORMAT;
    }
}

static enum cm_status walk_all(struct search *s, const struct cm_material *materials, size_t count)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < count && st == CM_OK && !(s->matched && s->last == CM_OK); i++) {
        if (materials[i].kind == CM_MATERIAL_KEY) {
            st = walk_file(s, materials[i].bytes);
            if (st != CM_OK) {
                cm_why_set(s->why, "%s: not a file of public keys",
                           materials[i].name == NULL ? "a key" : materials[i].name);
            }
        }
    }
    return st;
}

enum cm_status cm_enrolled_find(const struct cm_material *materials, size_t count,
                                const struct cm_enrolled_query *query, cm_enrolled_try try_key,
                                void *ctx, struct cm_why *why)
{
    struct search s = {.query = query, .try_key = try_key, .ctx = ctx, .why = why};
    enum cm_status st = CM_OK;

    s.last = CM_ERR_NOTFOUND;
    s.named = true;
    CM_TRY(walk_all(&s, materials, count));
    if (!s.matched) {
        s.named = false;
        CM_TRY(walk_all(&s, materials, count));
    }
    st = s.last;
    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "no enrolled key for this device was given");
    }
out:
    return st;
}

enum cm_status cm_enrolled_find_in(struct cm_span file, const struct cm_enrolled_query *query,
                                   cm_enrolled_try try_key, void *ctx, struct cm_why *why)
{
    const struct cm_material one = {CM_MATERIAL_KEY, NULL, file};

    return cm_enrolled_find(&one, 1, query, try_key, ctx, why);
}
