/* Taking CoRIM files apart; see corim.h. They are the caller's, and still every byte is checked. */
#include <string.h>

#include "common/try.h"
#include "corim/corim_rules.h"

#define TAG_EPOCH           1
#define TAG_URI             32
#define TAG_CORIM           500
#define TAG_UNSIGNED        501
#define TAG_SIGNED          502
#define TAG_COMID           506

#define MANIFEST_ID         0
#define MANIFEST_TAGS       1
#define MANIFEST_PROFILE    3
#define MANIFEST_VALIDITY   4

#define HEADER_CONTENT_TYPE 3
#define HEADER_META         8
#define META_VALIDITY       1
#define META_NODES          64

#define VALIDITY_NOT_BEFORE 0
#define VALIDITY_NOT_AFTER  1

static const struct cm_cbor_limits limits = {CM_CORIM_MAX_BYTES, 262144};

static const struct {
    const char *uri;
    enum cm_corim_profile profile;
} profiles[] = {
    {"tag:arm.com,2025:cca_platform#1.0.0", CM_CORIM_PROFILE_CCA_PLATFORM},
    {"tag:arm.com,2025:cca_realm#1.0.0", CM_CORIM_PROFILE_CCA_REALM},
    {"tag:arm.com,2025:psa#1.0.0", CM_CORIM_PROFILE_PSA},
};

bool cm_corim_recognise(struct cm_span bytes)
{
    uint8_t first = bytes.len == 0 ? 0 : bytes.ptr[0];

    if (first == 0xd9 && bytes.len >= 3) { /* a tag of two bytes: 500 to 506 */
        return bytes.ptr[1] == 0x01 && bytes.ptr[2] >= 0xf4 && bytes.ptr[2] <= 0xfa;
    }
    return first == 0xd2 || (first & 0xe0) == 0xa0; /* COSE_Sign1, or a map */
}

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "CoRIM: %s", what);
    return CM_ERR_FORMAT;
}

static enum cm_status read_time(struct cm_cbor_value v, bool *has, uint64_t *out,
                                struct cm_why *why)
{
    struct cm_cbor_value inner = cm_corim_untag(v, TAG_EPOCH);

    if (v.doc == NULL) {
        return CM_OK;
    }
    *has = true;
    return cm_cbor_u64(inner.doc != NULL ? inner : v, out) == CM_OK
               ? CM_OK
               : bad(why, "a time that is not in seconds since 1970");
}

/* A period; where there are two, the narrower holds. */
static enum cm_status read_validity(struct cm_corim *c, struct cm_cbor_value v, struct cm_why *why)
{
    bool has_from = false;
    bool has_to = false;
    uint64_t from = 0;
    uint64_t to = 0;
    enum cm_status st = CM_OK;

    if (v.doc == NULL) {
        return CM_OK;
    }
    if (!cm_cbor_is(v, CM_CBOR_MAP)) {
        return bad(why, "a malformed period of validity");
    }
    CM_TRY(read_time(cm_cbor_get(v, VALIDITY_NOT_BEFORE), &has_from, &from, why));
    CM_TRY(read_time(cm_cbor_get(v, VALIDITY_NOT_AFTER), &has_to, &to, why));
    if (has_from && (!c->has_not_before || from > c->not_before)) {
        c->has_not_before = true;
        c->not_before = from;
    }
    if (has_to && (!c->has_not_after || to < c->not_after)) {
        c->has_not_after = true;
        c->not_after = to;
    }
out:
    return st;
}

static void read_profile(struct cm_corim *c, struct cm_cbor_value v)
{
    struct cm_cbor_value uri = {NULL, 0};

    if (cm_cbor_is(v, CM_CBOR_ARRAY)) { /* earlier drafts had a list */
        v = cm_cbor_first(v);
    }
    uri = cm_corim_untag(v, TAG_URI);
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (cm_cbor_equal(uri, profiles[i].uri)) {
            c->profile = profiles[i].profile;
        }
    }
}

static enum cm_status add_mid(struct cm_corim *c, struct cm_span bytes, struct cm_why *why)
{
    struct cm_cbor_own *own = &c->tags[c->tag_count];
    struct cm_cbor_value root = {NULL, 0};
    struct cm_cbor_value inner = {NULL, 0};
    enum cm_status st = CM_OK;

    c->tag_count++;
    CM_TRY(cm_cbor_own_parse(bytes, limits, own, why));
    root = cm_cbor_root(&own->doc);
    inner = cm_corim_untag(root, TAG_COMID);
    st = cm_corim_check_mid(inner.doc != NULL ? inner : root, c->profile, why);
out:
    return st;
}

static enum cm_status read_tags(struct cm_corim *c, struct cm_cbor_value tags, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(tags, CM_CBOR_ARRAY) || cm_cbor_count(tags) == 0) {
        return bad(why, "no tags");
    }
    for (struct cm_cbor_value v = cm_cbor_first(tags); v.doc != NULL; v = cm_cbor_next(v)) {
        struct cm_span mid = cm_corim_tagged(v, TAG_COMID);
        struct cm_span other = {NULL, 0};
        uint64_t tag = 0;

        if (cm_cbor_bytes(v, &other) == CM_OK && other.len > 3 && other.ptr[0] == 0xd9 &&
            other.ptr[1] == 0x01 && other.ptr[2] == 0xfa) {
            mid = other; /* earlier drafts had the tag inside */
        } else if (mid.ptr == NULL &&
                   cm_cbor_bytes(cm_cbor_tag(v, &tag) == CM_OK ? cm_cbor_first(v) : v, &other) !=
                       CM_OK) {
            return bad(why, "a tag that is not a byte string");
        }
        if (mid.ptr == NULL) {
            continue; /* another kind of tag: not ours to judge, and nothing is taken from it */
        }
        if (c->tag_count == CM_CORIM_MAX_TAGS) {
            return CM_ERR_LIMIT;
        }
        CM_TRY(add_mid(c, mid, why));
    }
out:
    return st;
}

static enum cm_status read_manifest(struct cm_corim *c, struct cm_cbor_value m, struct cm_why *why)
{
    struct cm_cbor_value id = cm_cbor_get(m, MANIFEST_ID);
    struct cm_span s = {NULL, 0};
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(m, CM_CBOR_MAP) || !((cm_cbor_bytes(id, &s) == CM_OK && s.len == 16) ||
                                         (cm_cbor_text(id, &s) == CM_OK && s.len != 0))) {
        return bad(why, "no identity");
    }
    read_profile(c, cm_cbor_get(m, MANIFEST_PROFILE));
    CM_TRY(read_validity(c, cm_cbor_get(m, MANIFEST_VALIDITY), why));
    st = read_tags(c, cm_cbor_get(m, MANIFEST_TAGS), why);
out:
    return st;
}

static enum cm_status read_meta(struct cm_corim *c, struct cm_cbor_value header, struct cm_why *why)
{
    struct cm_cbor_node nodes[META_NODES];
    struct cm_cbor_value type = cm_cbor_get(header, HEADER_CONTENT_TYPE);
    struct cm_span meta = {NULL, 0};
    struct cm_cbor doc;
    enum cm_status st = CM_OK;

    if (!cm_cbor_equal(type, "application/rim+cbor") &&
        !cm_cbor_equal(type, "application/corim-unsigned+cbor")) {
        return bad(why, "what is signed does not say that it is a manifest");
    }
    if (cm_cbor_bytes(cm_cbor_get(header, HEADER_META), &meta) != CM_OK) {
        return bad(why, "no meta header");
    }
    CM_TRY(cm_cbor_parse(meta, nodes, META_NODES, 0, &doc, why));
    st = read_validity(c, cm_cbor_get(cm_cbor_root(&doc), META_VALIDITY), why);
out:
    return st;
}

static enum cm_status read_signed(struct cm_corim *c, struct cm_cbor_value message,
                                  struct cm_why *why)
{
    struct cm_cbor_value root = {NULL, 0};
    enum cm_status st = CM_OK;

    c->is_signed = true;
    CM_TRY(cm_cose_sign1_parse(message, &c->sign1, why));
    CM_TRY(read_meta(c, cm_cbor_root(&c->sign1.protected_header), why));
    if (c->sign1.detached) {
        return bad(why, "a signature without a manifest");
    }
    CM_TRY(cm_cbor_own_parse(c->sign1.payload, limits, &c->manifest, why));
    root = cm_corim_untag(cm_cbor_root(&c->manifest.doc), TAG_UNSIGNED);
    st = read_manifest(c, root, why);
out:
    return st;
}

enum cm_status cm_corim_parse(struct cm_span bytes, struct cm_corim *out, struct cm_why *why)
{
    struct cm_cbor_value root = {NULL, 0};
    struct cm_cbor_value inner = {NULL, 0};
    uint64_t tag = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_cbor_own_parse(bytes, limits, &out->message, why));
    root = cm_cbor_root(&out->message.doc);
    inner = cm_corim_untag(root, TAG_CORIM);
    root = inner.doc != NULL ? inner : root;
    inner = cm_corim_untag(root, TAG_SIGNED);
    if (inner.doc != NULL || (cm_cbor_tag(root, &tag) == CM_OK && tag == CM_COSE_TAG_SIGN1)) {
        st = read_signed(out, inner.doc != NULL ? inner : root, why);
        goto out;
    }
    inner = cm_corim_untag(root, TAG_UNSIGNED);
    if (inner.doc != NULL) {
        st = read_manifest(out, inner, why);
        goto out;
    }
    st = add_mid(out, bytes, why);
out:
    return st;
}

void cm_corim_free(struct cm_corim *c)
{
    cm_cbor_own_free(&c->message);
    cm_cbor_own_free(&c->manifest);
    for (size_t i = 0; i < c->tag_count; i++) {
        cm_cbor_own_free(&c->tags[i]);
    }
    c->tag_count = 0;
}
