/* What the handlers of the vault's API have in common; see vault_call.h. */
#include "vault/vault_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "keep/keep.h"
#include "rules/rules.h"

/* Whichever it is: all are answered alike. It goes into addresses and answers. */
static bool is_api_version(const char *text)
{
    size_t n = text == NULL ? 0 : strlen(text);

    return n > 0 && n <= 64 &&
           strspn(text, "0123456789.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

bool cm_vault_begin(struct cm_call *call, enum cm_vault_kind kind, struct cm_vault_path *out)
{
    const char *name = cm_call_param(call, "name");
    const char *version = cm_call_param(call, "version");
    const char *api = cm_web_query(call->req, "api-version");

    out->kind = kind;
    out->name[0] = '\0';
    out->version[0] = '\0';
    if (!is_api_version(api)) {
        cm_call_fail(call, 400, "BadParameter", "the query must have one api-version");
        return false;
    }
    if (name[0] != '\0' && !cm_vault_name(name, out->name)) {
        cm_call_fail(call, 400, "BadParameter", "a name has 1 to %d letters, digits and hyphens",
                     CM_VAULT_NAME_MAX);
        return false;
    }
    if (version[0] != '\0' && !cm_vault_version(version, out->version)) {
        cm_call_fail(call, 404, kind == CM_VAULT_KEY ? "KeyNotFound" : "SecretNotFound",
                     "no version has this name: a version has %d hexadecimal digits",
                     CM_VAULT_VERSION_LEN);
        return false;
    }
    return true;
}

void cm_vault_fail(struct cm_call *call, enum cm_vault_kind kind, enum cm_status st,
                   const struct cm_why *why)
{
    if (st == CM_ERR_NOTFOUND) {
        cm_call_fail(call, 404, kind == CM_VAULT_KEY ? "KeyNotFound" : "SecretNotFound", "%s",
                     why->text);
    } else if (st == CM_ERR_SIGNATURE) { /* of a blob: ours, not the caller's */
        cm_call_fail_status(call, CM_ERR_IO, why);
    } else {
        cm_call_fail_status(call, st, why);
    }
}

bool cm_vault_find(struct cm_call *call, const struct cm_vault_path *path, bool deleted,
                   struct cm_vault_item *out)
{
    struct cm_why why = {""};
    enum cm_status st = cm_vault_load(call->db, path->kind, path->name, path->version, out, &why);

    if (st == CM_OK && (out->deleted != 0) != deleted) {
        cm_why_set(&why, "%s is %s", path->name, deleted ? "not deleted" : "deleted");
        cm_vault_item_clear(out);
        st = CM_ERR_NOTFOUND;
    }
    if (st != CM_OK) {
        cm_vault_fail(call, path->kind, st, &why);
    }
    return st == CM_OK;
}

void cm_vault_answer(struct cm_call *call, const struct cm_vault_item *item)
{
    cm_call_answer_json(call, 200, cm_vault_bundle(cm_call_base(call), item));
}

void cm_vault_object(const struct cm_vault_item *item, char out[CM_VAULT_OBJECT_CAP])
{
    (void)snprintf(out, CM_VAULT_OBJECT_CAP, "%s/%s%s%s",
                   item->kind == CM_VAULT_KEY ? "key" : "secret", item->shown,
                   item->version[0] == '\0' ? "" : "/", item->version);
}

/* ------------------------------------------------------------------- secrets */

static enum cm_status wrap_item(struct cm_call *call, struct cm_span plain,
                                struct cm_vault_item *item)
{
    char name[CM_VAULT_BLOB_NAME_CAP] = "";
    size_t cap = plain.len + CM_KEEP_OVERHEAD;

    cm_vault_blob_name(item, name);
    item->blob = malloc(cap);
    if (item->blob == NULL) {
        return CM_ERR_NOMEM;
    }
    return cm_keep_wrap(cm_service_config(call->service)->keep, name, plain, item->blob, cap,
                        &item->blob_len);
}

enum cm_status cm_vault_open(struct cm_call *call, const struct cm_vault_item *item, uint8_t **out,
                             size_t *len)
{
    char name[CM_VAULT_BLOB_NAME_CAP] = "";
    uint8_t *plain = malloc(item->blob_len + 1);
    enum cm_status st = CM_ERR_NOMEM;

    *out = NULL;
    *len = 0;
    if (plain == NULL) {
        return st;
    }
    cm_vault_blob_name(item, name);
    st = cm_keep_unwrap(cm_service_config(call->service)->keep, name,
                        cm_span_make(item->blob, item->blob_len), plain, item->blob_len, len);
    if (st != CM_OK) {
        free(plain);
        return st;
    }
    plain[*len] = '\0';
    *out = plain;
    return CM_OK;
}

enum cm_status cm_vault_fill(struct cm_call *call, const struct cm_vault_change *change,
                             json_t *detail, struct cm_span plain, struct cm_vault_item *out,
                             struct cm_why *why)
{
    uint8_t version[CM_VAULT_VERSION_LEN / 2] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(version, sizeof(version)));
    cm_hex_encode(cm_span_make(version, sizeof(version)), CM_HEX_LOWER, out->version);
    if (out->shown[0] == '\0') {
        (void)snprintf(out->shown, sizeof(out->shown), "%s", cm_call_param(call, "name"));
    }
    out->enabled = true;
    out->created = (int64_t)cm_service_now(call->service);
    out->updated = out->created;
    out->detail = detail == NULL ? json_object() : json_deep_copy(detail);
    out->tags = json_object();
    out->policy_type = strdup("");
    if (out->detail == NULL || out->tags == NULL || out->policy_type == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_vault_change_apply(change, out, true, why));
    CM_TRY(wrap_item(call, plain, out));
out:
    return st;
}

/* To whom a secret may go is as much a policy as those of src/rules; NULL: to nobody. */
static enum cm_status may_trust(const struct cm_call *call, struct cm_db *db, const char *before,
                                const char *after, struct cm_why *why)
{
    const bool same =
        before == NULL || after == NULL ? before == after : strcmp(before, after) == 0;

    return same ? CM_OK : cm_rules_may_trust(call, db, "release policies", why);
}

enum cm_status cm_vault_add(const struct cm_call *call, struct cm_db *db,
                            struct cm_vault_item *item, struct cm_why *why)
{
    struct cm_vault_item current = {.kind = item->kind};
    struct cm_why none = {""};
    enum cm_status st = cm_vault_load(db, item->kind, item->name, "", &current, &none);

    if (st == CM_OK) {
        st = may_trust(call, db, current.policy, item->policy, why);
    } else if (st == CM_ERR_NOTFOUND) {
        st = CM_OK;
    } else {
        cm_why_set(why, "%s", none.text);
    }
    cm_vault_item_clear(&current);
    return st == CM_OK ? cm_vault_insert(db, item, why) : st;
}

void cm_vault_forget(json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);

    if (text != NULL) { /* the text is the body's own, and nobody looks at it any more */
        char *own = NULL;

        memcpy(&own, &text, sizeof(own));
        cm_wipe(own, json_string_length(value));
    }
}

/* --------------------------------------------------------------------- patch */

struct patch {
    const struct cm_call *call;
    const struct cm_vault_path *path;
    const struct cm_vault_change *change;
    int64_t now;
    struct cm_vault_item item; /* as it is now */
};

static enum cm_status run_patch(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct patch *p = arg;
    enum cm_status st = CM_OK;

    cm_vault_item_clear(&p->item);
    CM_TRY(cm_vault_load(db, p->path->kind, p->path->name, p->path->version, &p->item, why));
    if (p->item.deleted != 0) {
        cm_why_set(why, "%s is deleted", p->item.shown);
        CM_TRY(CM_ERR_NOTFOUND);
    }
    if (p->change->policy != NULL) {
        CM_TRY(may_trust(p->call, db, p->item.policy, p->change->policy, why));
    }
    CM_TRY(cm_vault_change_apply(p->change, &p->item, false, why));
    p->item.updated = p->now;
    CM_TRY(cm_vault_update(db, &p->item, why));
out:
    return st;
}

/* What was changed, in the words of the request: never a secret. */
static char *patch_detail(const struct cm_vault_change *c)
{
    json_t *o = json_object();
    char *text = NULL;
    int bad = o == NULL ? -1 : 0;

    if (c->has_enabled) {
        bad |= json_object_set_new(o, "enabled", json_boolean(c->enabled));
    }
    if (c->has_nbf) {
        bad |= json_object_set_new(o, "nbf", json_integer(c->nbf));
    }
    if (c->has_expires) {
        bad |= json_object_set_new(o, "exp", json_integer(c->expires));
    }
    if (c->ops != NULL) {
        bad |= json_object_set(o, "key_ops", c->ops);
    }
    if (c->policy != NULL) {
        bad |= json_object_set_new(o, "release_policy", json_string(c->policy));
        bad |= json_object_set_new(o, "immutable", json_boolean(c->immutable));
    }
    text = bad == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static enum cm_status do_patch(struct cm_call *call, struct patch *p, struct cm_why *why)
{
    char object[CM_VAULT_OBJECT_CAP] = "";
    char *detail = patch_detail(p->change);
    enum cm_status st = CM_ERR_NOMEM;

    (void)snprintf(object, sizeof(object), "%s/%s%s%s",
                   p->path->kind == CM_VAULT_KEY ? "key" : "secret", p->path->name,
                   p->path->version[0] == '\0' ? "" : "/", p->path->version);
    if (detail != NULL) {
        st = cm_call_write(call, run_patch, p,
                           p->path->kind == CM_VAULT_KEY ? "key.update" : "secret.update", object,
                           detail, why);
    }
    free(detail);
    return st;
}

void cm_vault_patch(struct cm_call *call, enum cm_vault_kind kind)
{
    struct cm_vault_path path;
    struct cm_vault_change change;
    struct patch p = {.call = call, .path = &path, .change = &change};
    struct cm_why why = {""};
    json_t *body = NULL;
    enum cm_status st = CM_OK;

    if (!cm_vault_begin(call, kind, &path)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    p.now = (int64_t)cm_service_now(call->service);
    st = cm_vault_change_parse(body, &change, &why);
    if (st == CM_OK) {
        st = do_patch(call, &p, &why);
    }
    cm_vault_change_clear(&change);
    if (st != CM_OK) {
        cm_vault_fail(call, kind, st, &why);
    } else {
        cm_vault_answer(call, &p.item);
    }
    cm_vault_item_clear(&p.item);
}

enum cm_status cm_vault_enable(struct cm_call *call, enum cm_vault_kind kind, const char *name,
                               bool enabled, struct cm_why *why)
{
    struct cm_vault_path path = {.kind = kind};
    const struct cm_vault_change change = {.has_enabled = true, .enabled = enabled};
    struct patch p = {.call = call, .path = &path, .change = &change};
    enum cm_status st = CM_ERR_NOTFOUND;

    p.now = (int64_t)cm_service_now(call->service);
    if (cm_vault_name(name, path.name)) {
        st = do_patch(call, &p, why);
    }
    cm_vault_item_clear(&p.item);
    return st;
}
