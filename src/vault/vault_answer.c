/* How keys and secrets are written in answers; see vault_form.h. Never their material. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "token/base64.h"
#include "vault/vault_form.h"

#define URL_CAP 768

static const char *collection(const struct cm_vault_item *item, bool deleted)
{
    if (item->kind == CM_VAULT_KEY) {
        return deleted ? "deletedkeys" : "keys";
    }
    return deleted ? "deletedsecrets" : "secrets";
}

json_t *cm_vault_id(const char *base, const struct cm_vault_item *item, const char *version)
{
    char url[URL_CAP] = "";

    (void)snprintf(url, sizeof(url), "%s/%s/%s%s%s", base, collection(item, false), item->shown,
                   version[0] == '\0' ? "" : "/", version);
    return json_string(url);
}

/* A builder that remembers that something was missing. */
struct object {
    json_t *json;
    bool bad;
};

static struct object begin(void)
{
    struct object o = {json_object(), false};

    o.bad = o.json == NULL;
    return o;
}

static void put(struct object *o, const char *name, json_t *value)
{
    if (json_object_set_new(o->json, name, value) != 0) { /* also: either is NULL */
        o->bad = true;
    }
}

static json_t *end(struct object *o)
{
    if (o->bad) {
        json_decref(o->json);
        o->json = NULL;
    }
    return o->json;
}

json_t *cm_vault_attributes(const struct cm_vault_item *item)
{
    struct object o = begin();

    put(&o, "enabled", json_boolean(item->enabled));
    if (item->nbf != 0) {
        put(&o, "nbf", json_integer(item->nbf));
    }
    if (item->expires != 0) {
        put(&o, "exp", json_integer(item->expires));
    }
    put(&o, "created", json_integer(item->created));
    put(&o, "updated", json_integer(item->updated));
    put(&o, "recoveryLevel", json_string("Recoverable+Purgeable"));
    put(&o, "recoverableDays", json_integer(CM_VAULT_KEEP_DAYS));
    if (item->kind == CM_VAULT_KEY) {
        put(&o, "exportable", json_boolean(item->exportable));
    }
    return end(&o);
}

json_t *cm_vault_policy(const struct cm_vault_item *item)
{
    struct object o = begin();

    put(&o, "contentType", json_string(item->policy_type));
    put(&o, "data",
        cm_call_base64url(
            cm_span_make(item->policy, item->policy == NULL ? 0 : strlen(item->policy))));
    put(&o, "immutable", json_boolean(item->immutable));
    return end(&o);
}

/* The public key as a JWK: detail has its members. */
static json_t *public_key(const char *base, const struct cm_vault_item *item)
{
    json_t *out = json_deep_copy(item->detail);
    struct object o = {out, out == NULL};

    put(&o, "kid", cm_vault_id(base, item, item->version));
    if (!json_is_array(json_object_get(out, "key_ops"))) {
        put(&o, "key_ops", json_array());
    }
    return end(&o);
}

static void put_deleted(struct object *o, const char *base, const struct cm_vault_item *item)
{
    char url[URL_CAP] = "";

    (void)snprintf(url, sizeof(url), "%s/%s/%s", base, collection(item, true), item->shown);
    put(o, "recoveryId", json_string(url));
    put(o, "deletedDate", json_integer(item->deleted));
    put(o, "scheduledPurgeDate", json_integer(item->purge));
}

static void put_tags(struct object *o, const struct cm_vault_item *item)
{
    if (json_object_size(item->tags) != 0) {
        put(o, "tags", json_incref(item->tags));
    }
}

static void put_content_type(struct object *o, const struct cm_vault_item *item)
{
    json_t *type = json_object_get(item->detail, "contentType");

    if (type != NULL) {
        put(o, "contentType", json_incref(type));
    }
}

json_t *cm_vault_bundle(const char *base, const struct cm_vault_item *item)
{
    struct object o = begin();

    if (item->kind == CM_VAULT_KEY) {
        put(&o, "key", public_key(base, item));
    } else {
        put(&o, "id", cm_vault_id(base, item, item->version));
        put_content_type(&o, item);
    }
    put(&o, "attributes", cm_vault_attributes(item));
    put_tags(&o, item);
    if (item->policy != NULL) {
        put(&o, "release_policy", cm_vault_policy(item));
    }
    if (item->deleted != 0) {
        put_deleted(&o, base, item);
    }
    return end(&o);
}

json_t *cm_vault_line(const char *base, const struct cm_vault_item *item, bool with_version)
{
    struct object o = begin();

    put(&o, item->kind == CM_VAULT_KEY ? "kid" : "id",
        cm_vault_id(base, item, with_version ? item->version : ""));
    put(&o, "attributes", cm_vault_attributes(item));
    put_tags(&o, item);
    if (item->kind == CM_VAULT_SECRET) {
        put_content_type(&o, item);
    }
    if (item->deleted != 0) {
        put_deleted(&o, base, item);
    }
    return end(&o);
}
