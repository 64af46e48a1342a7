/* Keys: create, import, rotate, get, update. Untrusted: every body. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "vault/vault_call.h"

struct adding {
    const struct cm_call *call;
    struct cm_vault_item *item;
};

static enum cm_status run_insert(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct adding *a = arg;

    return cm_vault_add(a->call, db, a->item, why);
}

/* For the audit: what kind of key, and to whom it may go. */
static char *detail_of(const struct cm_vault_item *item)
{
    json_t *o = json_pack("{s:O, s:b, s:b, s:s*}", "kty", json_object_get(item->detail, "kty"),
                          "exportable", item->exportable, "immutable", item->immutable,
                          "release_policy", item->policy);
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

    json_decref(o);
    return text;
}

static enum cm_status add(struct cm_call *call, const char *action, struct cm_vault_item *item,
                          struct cm_why *why)
{
    struct adding a = {call, item};
    char object[CM_VAULT_OBJECT_CAP] = "";
    char *detail = detail_of(item);
    enum cm_status st = CM_ERR_NOMEM;

    cm_vault_object(item, object);
    if (detail != NULL) {
        st = cm_call_write(call, run_insert, &a, action, object, detail, why);
    }
    free(detail);
    return st;
}

/* Material, attributes and name become a key in the store, and the answer. */
static void finish(struct cm_call *call, const struct cm_vault_path *path, json_t *body,
                   const struct cm_vault_material *m, const char *action)
{
    struct cm_vault_item item = {.kind = CM_VAULT_KEY};
    struct cm_vault_change change;
    struct cm_why why = {""};
    enum cm_status st = cm_vault_change_parse(body, &change, &why);

    (void)snprintf(item.name, sizeof(item.name), "%s", path->name);
    if (st == CM_OK) {
        st = cm_vault_fill(call, &change, m->jwk, cm_span_make(m->bytes, m->len), &item, &why);
    }
    if (st == CM_OK) {
        st = add(call, action, &item, &why);
    }
    cm_vault_change_clear(&change);
    if (st == CM_OK) {
        cm_vault_answer(call, &item);
    } else {
        cm_vault_fail(call, CM_VAULT_KEY, st, &why);
    }
    cm_vault_item_clear(&item);
}

/* Before a key is made, which takes time: whether it could be kept. */
static bool could_be_kept(struct cm_call *call, json_t *body)
{
    struct cm_vault_item item = {.kind = CM_VAULT_KEY};
    struct cm_vault_change change;
    struct cm_why why = {""};
    enum cm_status st = cm_vault_change_parse(body, &change, &why);

    item.detail = json_object();
    item.tags = json_object();
    if (st == CM_OK) {
        st = item.detail == NULL || item.tags == NULL
                 ? CM_ERR_NOMEM
                 : cm_vault_change_apply(&change, &item, true, &why);
    }
    cm_vault_change_clear(&change);
    cm_vault_item_clear(&item);
    if (st != CM_OK) {
        cm_vault_fail(call, CM_VAULT_KEY, st, &why);
    }
    return st == CM_OK;
}

void cm_vault_key_create(struct cm_call *call, void *state)
{
    struct cm_vault_path path;
    struct cm_vault_material m;
    struct cm_why why = {""};
    json_t *body = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_vault_begin(call, CM_VAULT_KEY, &path)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL || !could_be_kept(call, body)) {
        return;
    }
    st = cm_vault_generate(body, &m, &why);
    if (st == CM_OK) {
        finish(call, &path, body, &m, "key.create");
    } else {
        cm_vault_fail(call, CM_VAULT_KEY, st, &why);
    }
    cm_vault_material_clear(&m);
}

void cm_vault_key_import(struct cm_call *call, void *state)
{
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
    struct cm_vault_path path;
    struct cm_vault_material m;
    struct cm_why why = {""};
    json_t *body = NULL;
    json_t *key = NULL;
    const json_t *hsm = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_vault_begin(call, CM_VAULT_KEY, &path)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    key = json_object_get(body, "key");
    hsm = json_object_get(body, "Hsm");
    hsm = hsm == NULL ? json_object_get(body, "hsm") : hsm;
    st = cm_vault_import(key, json_is_true(hsm), &m, &why);
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        cm_vault_forget(key, secret[i]);
    }
    if (st == CM_OK) {
        finish(call, &path, body, &m, "key.import");
    } else {
        cm_vault_fail(call, CM_VAULT_KEY, st, &why);
    }
    cm_vault_material_clear(&m);
}

void cm_vault_key_get(struct cm_call *call, void *state)
{
    struct cm_vault_path path;
    struct cm_vault_item item = {.number = 0};

    (void)state;
    if (cm_vault_begin(call, CM_VAULT_KEY, &path) && cm_vault_find(call, &path, false, &item)) {
        cm_vault_answer(call, &item);
        cm_vault_item_clear(&item);
    }
}

void cm_vault_key_patch(struct cm_call *call, void *state)
{
    (void)state;
    cm_vault_patch(call, CM_VAULT_KEY);
}

/* -------------------------------------------------------------------- rotate */

/* What was asked for when a key like this was made. A new reference. */
static json_t *wish_of(const struct cm_vault_item *item)
{
    static const struct {
        size_t characters; /* of n in base64url */
        int bits;
    } sizes[] = {{342, 2048}, {512, 3072}, {683, 4096}};
    json_t *out = json_deep_copy(item->detail);
    const size_t n = json_string_length(json_object_get(out, "n"));

    for (size_t i = 0; i < 3; i++) {
        if (n == sizes[i].characters &&
            json_object_set_new(out, "key_size", json_integer(sizes[i].bits)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* The same again under another key. */
static enum cm_status make_next(struct cm_call *call, const struct cm_vault_item *old,
                                const struct cm_vault_material *m, struct cm_vault_item *out,
                                struct cm_why *why)
{
    const struct cm_vault_change change = {
        .has_enabled = true,
        .enabled = true,
        .has_exportable = true,
        .exportable = old->exportable,
        .ops = json_object_get(old->detail, "key_ops"),
        .tags = old->tags,
        .policy = old->policy,
        .policy_type = old->policy_type,
        .immutable = old->immutable,
    };

    out->kind = CM_VAULT_KEY;
    (void)snprintf(out->name, sizeof(out->name), "%s", old->name);
    (void)snprintf(out->shown, sizeof(out->shown), "%s", old->shown);
    return cm_vault_fill(call, &change, m->jwk, cm_span_make(m->bytes, m->len), out, why);
}

static enum cm_status rotate(struct cm_call *call, const char *name, struct cm_vault_item *out,
                             struct cm_why *why)
{
    struct cm_vault_item old = {.kind = CM_VAULT_KEY};
    struct cm_vault_material m = {.bytes = NULL};
    json_t *wish = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_vault_load(call->db, CM_VAULT_KEY, name, "", &old, why));
    if (old.deleted != 0) {
        cm_why_set(why, "%s is deleted", old.shown);
        CM_TRY(CM_ERR_NOTFOUND);
    }
    wish = wish_of(&old);
    CM_TRY(wish == NULL ? CM_ERR_NOMEM : cm_vault_generate(wish, &m, why));
    CM_TRY(make_next(call, &old, &m, out, why));
    CM_TRY(add(call, "key.rotate", out, why));
out:
    json_decref(wish);
    cm_vault_material_clear(&m);
    cm_vault_item_clear(&old);
    return st;
}

enum cm_status cm_vault_rotate(struct cm_call *call, const char *name, struct cm_why *why)
{
    struct cm_vault_item item = {.kind = CM_VAULT_KEY};
    char small[CM_VAULT_NAME_MAX + 1] = "";
    enum cm_status st = CM_ERR_NOTFOUND;

    if (cm_vault_name(name, small)) {
        st = rotate(call, small, &item, why);
    }
    cm_vault_item_clear(&item);
    return st;
}

void cm_vault_key_rotate(struct cm_call *call, void *state)
{
    struct cm_vault_item item = {.kind = CM_VAULT_KEY};
    struct cm_vault_path path;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_vault_begin(call, CM_VAULT_KEY, &path)) {
        return;
    }
    st = rotate(call, path.name, &item, &why);
    if (st == CM_OK) {
        cm_vault_answer(call, &item);
    } else {
        cm_vault_fail(call, CM_VAULT_KEY, st, &why);
    }
    cm_vault_item_clear(&item);
}
