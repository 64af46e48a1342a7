/*
 * Reference values and keys that evidence is held to (decide_enrol.h), with what is in them, for people. What
 * they mean is src/verify's; here they are only read. Untrusted in form: the files.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "console/console_private.h"
#include "corim/corim_rules.h"
#include "decide/decide_enrol.h"
#include "token/base64.h"

#define MAX_ENTRIES 1000
#define MAX_VALUE   512 /* bytes of one that are shown */

/* What is found in a file. */
struct found {
    json_t *entries; /* NULL: they are only counted */
    size_t values;
    size_t keys;
    json_t *tag_id;
    bool is_signed;
    json_t *from;
    json_t *until;
    const char *state;
};

struct value {
    const char *environment;
    const char *label;
    const char *alg; /* NULL: none */
    const char *text;
    json_t *svn;
};

static void add(struct found *f, const struct value *v)
{
    f->values++;
    if (f->entries != NULL && json_array_size(f->entries) < MAX_ENTRIES) {
        (void)json_array_append_new(f->entries, json_pack("{ss ss ss? ss sO?}", "environment",
                                                          v->environment, "label", v->label, "alg",
                                                          v->alg, "value", v->text, "svn", v->svn));
    }
}

/* --------------------------------------------------------------------- JSON */

static void read_json(struct cm_span content, struct found *f)
{
    json_t *whole = json_loadb((const char *)content.ptr, content.len, 0, NULL);
    const json_t *list = json_object_get(whole, "measurements");
    const json_t *keys = json_object_get(whole, "keys");

    f->keys = json_is_array(keys) ? json_array_size(keys) : 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        const json_t *values = json_object_get(m, "values");
        const char *submod = json_string_value(json_object_get(m, "submod"));
        const char *label = json_string_value(json_object_get(m, "label"));

        for (size_t n = 0; n < json_array_size(values); n++) {
            const char *text = json_string_value(json_array_get(values, n));
            const struct value v = {submod == NULL ? "" : submod, label == NULL ? "" : label,
                                    json_string_value(json_object_get(m, "alg")),
                                    text == NULL ? "" : text, NULL};

            add(f, &v);
        }
    }
    json_decref(whole);
}

/* -------------------------------------------------------------------- CoRIM */

static void hex_of(struct cm_span bytes, char out[2 * MAX_VALUE + 1])
{
    bytes.len = bytes.len > MAX_VALUE ? MAX_VALUE : bytes.len;
    cm_hex_encode(bytes, CM_HEX_LOWER, out);
}

/* A text, or a number in decimal; "" for anything else. */
static void text_of(struct cm_cbor_value v, char *out, size_t cap)
{
    struct cm_span text = {NULL, 0};
    uint64_t number = 0;

    out[0] = '\0';
    if (cm_cbor_text(v, &text) == CM_OK) {
        (void)snprintf(out, cap, "%.*s", (int)(text.len < cap ? text.len : cap - 1),
                       (const char *)text.ptr);
    } else if (cm_cbor_u64(v, &number) == CM_OK) {
        (void)snprintf(out, cap, "%llu", (unsigned long long)number);
    }
}

/* What an environment names: vendor and model, or else the beginning of its class id. */
static void environment_of(struct cm_cbor_value env, char out[160])
{
    static const uint64_t tags[] = {TAG_UUID, TAG_OID, TAG_BYTES, TAG_IMPL_ID};
    const struct cm_cbor_value class = cm_cbor_get(env, ENV_CLASS);
    char vendor[64] = "";
    char model[64] = "";
    char id[2 * MAX_VALUE + 1] = "";

    text_of(cm_cbor_get(class, CLASS_VENDOR), vendor, sizeof(vendor));
    text_of(cm_cbor_get(class, CLASS_MODEL), model, sizeof(model));
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        const struct cm_span bytes = cm_corim_tagged(cm_cbor_get(class, CLASS_ID), tags[i]);

        if (bytes.ptr != NULL) {
            hex_of(bytes, id);
        }
    }
    (void)snprintf(out, 160, "%s%s%s%s%.20s", vendor, vendor[0] != '\0' ? " " : "", model,
                   model[0] != '\0' && id[0] != '\0' ? " " : "", id);
}

static json_t *svn_of(struct cm_cbor_value values)
{
    const struct cm_cbor_value v = cm_cbor_get(values, VAL_SVN);
    const struct cm_cbor_value exact = cm_corim_untag(v, TAG_SVN);
    const struct cm_cbor_value least = cm_corim_untag(v, TAG_MIN_SVN);
    uint64_t n = 0;

    return cm_cbor_u64(exact.doc != NULL   ? exact
                       : least.doc != NULL ? least
                                           : v,
                       &n) == CM_OK
               ? json_integer((json_int_t)n)
               : NULL;
}

static void read_measurement(struct cm_cbor_value m, const char *environment, struct found *f)
{
    const struct cm_cbor_value values = cm_cbor_get(m, MEAS_VALUES);
    const struct cm_cbor_value digests = cm_cbor_get(values, VAL_DIGESTS);
    const struct cm_span raw = cm_corim_tagged(cm_cbor_get(values, VAL_RAW), TAG_BYTES);
    char label[96] = "";
    char alg[32] = "";
    char text[2 * MAX_VALUE + 1] = "";
    struct value v = {environment, label, NULL, text, svn_of(values)};
    bool any = false;

    text_of(cm_cbor_get(m, MEAS_KEY), label, sizeof(label));
    if (label[0] == '\0') {
        text_of(cm_cbor_get(values, VAL_NAME), label, sizeof(label));
    }
    for (struct cm_cbor_value d = cm_cbor_first(digests); d.doc != NULL; d = cm_cbor_next(d)) {
        struct cm_span bytes = {NULL, 0};

        if (cm_cbor_bytes(cm_cbor_next(cm_cbor_first(d)), &bytes) == CM_OK) {
            cm_corim_hash_name(cm_cbor_first(d), alg);
            v.alg = alg;
            hex_of(bytes, text);
            add(f, &v);
            any = true;
        }
    }
    v.alg = NULL;
    if (raw.ptr != NULL) {
        hex_of(raw, text);
        add(f, &v);
        any = true;
    }
    if (!any && v.svn != NULL) {
        text[0] = '\0';
        add(f, &v);
    }
    json_decref(v.svn);
}

/* Triples of an environment and measurements: one, or an array of them. */
static void read_triples(struct cm_cbor_value triples, struct found *f)
{
    for (struct cm_cbor_value t = cm_cbor_first(triples); t.doc != NULL; t = cm_cbor_next(t)) {
        const struct cm_cbor_value env = cm_cbor_first(t);
        const struct cm_cbor_value second = cm_cbor_next(env);
        char environment[160] = "";

        environment_of(env, environment);
        if (cm_cbor_is(second, CM_CBOR_MAP)) {
            read_measurement(second, environment, f);
        }
        for (struct cm_cbor_value m = cm_cbor_is(second, CM_CBOR_ARRAY)
                                          ? cm_cbor_first(second)
                                          : (struct cm_cbor_value){NULL, 0};
             m.doc != NULL; m = cm_cbor_next(m)) {
            read_measurement(m, environment, f);
        }
    }
}

static void read_tag(struct cm_cbor_value mid, struct found *f)
{
    const struct cm_cbor_value triples = cm_cbor_get(mid, MID_TRIPLES);
    const struct cm_cbor_value id = cm_cbor_get(cm_cbor_get(mid, MID_TAG_IDENTITY), 0);
    struct cm_span bytes = {NULL, 0};
    char text[2 * MAX_VALUE + 1] = "";

    text_of(id, text, sizeof(text));
    if (text[0] == '\0' && cm_cbor_bytes(id, &bytes) == CM_OK) {
        hex_of(bytes, text);
    }
    if (f->tag_id == NULL && text[0] != '\0') {
        f->tag_id = json_string(text);
    }
    f->keys += cm_cbor_count(cm_cbor_get(triples, TRIPLES_ATTEST_KEY));
    read_triples(cm_cbor_get(triples, TRIPLES_REFERENCE), f);
}

static enum cm_status read_corim(struct cm_span content, uint64_t now, struct found *f)
{
    struct cm_corim *c = calloc(1, sizeof(*c));
    enum cm_status st = CM_OK;

    if (c == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_corim_parse(content, c, NULL);
    for (size_t i = 0; st == CM_OK && i < c->tag_count; i++) {
        struct cm_cbor_value root = cm_cbor_root(&c->tags[i].doc);

        while (cm_cbor_is(root, CM_CBOR_TAG)) {
            root = cm_cbor_first(root);
        }
        read_tag(root, f);
    }
    if (st == CM_OK) {
        f->is_signed = c->is_signed;
        f->from = c->has_not_before ? json_integer((json_int_t)c->not_before) : NULL;
        f->until = c->has_not_after ? json_integer((json_int_t)c->not_after) : NULL;
        f->state = c->has_not_after && now > c->not_after     ? "expired"
                   : c->has_not_before && now < c->not_before ? "not-yet"
                                                              : "valid";
    }
    f->state = st == CM_OK ? f->state : "malformed"; /* of a program that knew less */
    cm_corim_free(c);
    free(c);
    return st == CM_ERR_NOMEM ? st : CM_OK;
}

/* ----------------------------------------------------------------- together */

/* Into an item: what its file holds. */
static enum cm_status describe(json_t *item, struct cm_span content, uint64_t now, bool entries)
{
    const char *kind = json_string_value(json_object_get(item, "kind"));
    struct found f = {.entries = entries ? json_array() : NULL, .state = "valid"};
    json_t *more = NULL;
    enum cm_status st = CM_OK;

    if (kind != NULL && strcmp(kind, "corim") == 0) {
        CM_TRY(read_corim(content, now, &f));
    } else {
        read_json(content, &f);
        f.keys = f.keys == 0 && kind != NULL && strcmp(kind, "key") == 0 ? 1 : f.keys;
    }
    more = json_pack("{sO? sn sb sO? sO? ss sI sI}", "tag_id", f.tag_id, "issuer", "signed",
                     f.is_signed, "valid_from", f.from, "valid_until", f.until, "state", f.state,
                     "values", (json_int_t)f.values, "keys", (json_int_t)f.keys);
    if (more == NULL || json_object_update(item, more) != 0 ||
        (entries && json_object_set(item, "entries", f.entries) != 0)) {
        st = CM_ERR_NOMEM;
    }
out:
    json_decref(more);
    json_decref(f.entries);
    json_decref(f.tag_id);
    json_decref(f.from);
    json_decref(f.until);
    return st;
}

/* Standard base64 to bytes; the caller frees them. */
static enum cm_status decode(const char *text, uint8_t **out, size_t *len)
{
    const size_t n = text == NULL ? 0 : strlen(text);
    enum cm_status st = CM_OK;

    *out = NULL;
    if (n == 0) {
        return CM_ERR_FORMAT;
    }
    *out = malloc(n);
    if (*out == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_base64_decode(cm_span_make(text, n), *out, n, len);
    if (st != CM_OK) {
        free(*out);
        *out = NULL;
        st = CM_ERR_FORMAT;
    }
    return st;
}

/* An enrolled one with what is in it. The caller owns *out. */
static enum cm_status one(struct cm_call *call, const char *id, bool entries, json_t **out,
                          struct cm_why *why)
{
    json_t *item = NULL;
    uint8_t *content = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_decide_enrolled_one(call->db, id, &item, why));
    CM_TRY(decode(json_string_value(json_object_get(item, "content")), &content, &len));
    (void)json_object_del(item, "content");
    CM_TRY(describe(item, cm_span_make(content, len), call->now, entries));
    *out = item;
    item = NULL;
out:
    json_decref(item);
    free(content);
    return st;
}

/* by name: the cursor is the last one of the page before */
void cm_console_references(struct cm_call *call, void *state)
{
    const char *after = cm_web_query(call->req, "cursor");
    json_t *all = NULL;
    json_t *items = json_array();
    json_t *next = NULL;
    struct cm_why why = {""};
    unsigned limit = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &limit)) {
        json_decref(items);
        return;
    }
    st = cm_decide_enrolled(call->db, &all, &why);
    for (size_t i = 0; st == CM_OK && i < json_array_size(all); i++) {
        const json_t *e = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(e, "name"));
        json_t *item = NULL;

        if (after != NULL && strcmp(name, after) <= 0) {
            continue;
        }
        if (json_array_size(items) == limit) {
            next = json_incref(
                json_object_get(json_array_get(items, json_array_size(items) - 1), "name"));
            break;
        }
        st = one(call, json_string_value(json_object_get(e, "id")), false, &item, &why);
        if (st == CM_OK) {
            (void)json_array_append_new(items, item);
        }
    }
    json_decref(all);
    cm_console_answer(call, st, json_pack("{so so?}", "items", items, "next", next), &why);
}

void cm_console_reference(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    const enum cm_status st = one(call, cm_call_param(call, "id"), true, &out, &why);

    (void)state;
    cm_console_answer(call, st, out, &why);
}

/*
 * A CoRIM must be one before anything is held to it, and its profile says whose evidence it is about where
 * the request does not.
 */
static enum cm_status check_corim(struct cm_span content, const char **type, struct cm_why *why)
{
    struct cm_corim *c = NULL;
    enum cm_status st = CM_OK;

    if (!cm_corim_recognise(content)) {
        return CM_OK;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_corim_parse(content, c, why);
    if (st == CM_OK && *type == NULL && c->profile != CM_CORIM_PROFILE_NONE) {
        *type = c->profile == CM_CORIM_PROFILE_PSA ? "Psa" : "Cca";
    }
    cm_corim_free(c);
    free(c);
    return st == CM_OK || st == CM_ERR_NOMEM ? st : CM_ERR_FORMAT;
}

static enum cm_status enrol(struct cm_call *call, const json_t *body, json_t **out,
                            struct cm_why *why)
{
    const char *name = cm_access_text(body, "name");
    const char *type = cm_access_text(body, "type");
    uint8_t *content = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(decode(cm_access_text(body, "content"), &content, &len));
    CM_TRY(check_corim(cm_span_make(content, len), &type, why));
    if (name == NULL || type == NULL) {
        cm_why_set(why, "a name, and the type of the policies whose evidence is held to it");
        st = CM_ERR_PARAM;
        goto out;
    }
    CM_TRY(cm_decide_enrol(call, name, type, cm_span_make(content, len), out, why));
    st = describe(*out, cm_span_make(content, len), call->now, true);
out:
    free(content);
    return st;
}

void cm_console_reference_post(struct cm_call *call, void *state)
{
    static const char *const names[] = {"name", "type", "content", NULL};
    json_t *body = cm_access_body(call, names);
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    st = enrol(call, body, &out, &why);
    if (st == CM_ERR_FORMAT || st == CM_ERR_SYNTAX) {
        json_decref(out);
        cm_call_fail(call, 400, "EvidenceFormat", "%s",
                     why.text[0] != '\0' ? why.text
                                         : "neither a CoRIM, nor reference values, nor keys");
    } else {
        cm_console_answer(call, st, out, &why);
    }
}

void cm_console_reference_delete(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    const enum cm_status st = cm_decide_unenrol(call, cm_call_param(call, "id"), &why);

    (void)state;
    if (st == CM_OK) {
        cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
    } else {
        cm_call_fail_status(call, st, &why);
    }
}
