/* What requests to the vault say; see vault_form.h. */
#include "vault/vault_form.h"

#include <casemate/release.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "token/base64.h"

#define MAX_TAGS     15
#define MAX_TAG_TEXT 256
#define MAX_OPS      8
#define MAX_TIME     253402300799 /* the year 9999 */
#define MAX_TYPE     255
#define POLICY_TYPE  "application/json; charset=utf-8"

enum cm_status cm_vault_base64(const char *text, size_t max, uint8_t **out, size_t *len)
{
    size_t n = strlen(text);
    uint8_t *bytes = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    *len = 0;
    if (n > CM_BASE64_ENCODED(max)) {
        return CM_ERR_LIMIT;
    }
    bytes = malloc(n + 1);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_base64_any_decode(cm_span_make(text, n), false, bytes, n + 1, len);
    if (st != CM_OK) {
        cm_wipe(bytes, n); /* a key's beginning, perhaps */
        free(bytes);
        return st;
    }
    *out = bytes;
    return CM_OK;
}

/* --------------------------------------------------------------- attributes */

static enum cm_status wrong(const char *what, struct cm_why *why)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_PARAM;
}

static enum cm_status read_bool(json_t *object, const char *name, bool *has, bool *out,
                                struct cm_why *why)
{
    const json_t *v = json_object_get(object, name);

    *has = v != NULL && !json_is_null(v);
    if (*has && !json_is_boolean(v)) {
        cm_why_set(why, "%s must be true or false", name);
        return CM_ERR_PARAM;
    }
    *out = *has && json_is_true(v);
    return CM_OK;
}

static enum cm_status read_time(json_t *object, const char *name, bool *has, int64_t *out,
                                struct cm_why *why)
{
    const json_t *v = json_object_get(object, name);

    *has = v != NULL && !json_is_null(v);
    if (*has &&
        (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > MAX_TIME)) {
        cm_why_set(why, "%s must be seconds since 1970", name);
        return CM_ERR_PARAM;
    }
    *out = *has ? json_integer_value(v) : 0;
    return CM_OK;
}

static enum cm_status read_attributes(json_t *body, struct cm_vault_change *out, struct cm_why *why)
{
    json_t *a = json_object_get(body, "attributes");
    enum cm_status st = CM_OK;

    if (a == NULL || json_is_null(a)) {
        return CM_OK;
    }
    if (!json_is_object(a)) {
        return wrong("attributes must be an object", why);
    }
    CM_TRY(read_bool(a, "enabled", &out->has_enabled, &out->enabled, why));
    CM_TRY(read_bool(a, "exportable", &out->has_exportable, &out->exportable, why));
    CM_TRY(read_time(a, "nbf", &out->has_nbf, &out->nbf, why));
    CM_TRY(read_time(a, "exp", &out->has_expires, &out->expires, why));
out:
    return st;
}

static bool is_operation(const char *text)
{
    static const char *const known[MAX_OPS] = {"encrypt", "decrypt",   "sign",   "verify",
                                               "wrapKey", "unwrapKey", "import", "export"};

    for (size_t i = 0; text != NULL && i < MAX_OPS; i++) {
        if (strcmp(text, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum cm_status read_operations(json_t *body, struct cm_vault_change *out, struct cm_why *why)
{
    json_t *ops = json_object_get(body, "key_ops");

    if (ops == NULL && json_is_object(json_object_get(body, "key"))) {
        ops = json_object_get(json_object_get(body, "key"), "key_ops"); /* of an import */
    }
    if (ops == NULL || json_is_null(ops)) {
        return CM_OK;
    }
    if (!json_is_array(ops) || json_array_size(ops) > MAX_OPS) {
        return wrong("key_ops must be an array of operations", why);
    }
    for (size_t i = 0; i < json_array_size(ops); i++) {
        if (!is_operation(json_string_value(json_array_get(ops, i)))) {
            return wrong("key_ops has an operation that is not known", why);
        }
    }
    out->ops = ops;
    return CM_OK;
}

static enum cm_status read_tags(json_t *body, struct cm_vault_change *out, struct cm_why *why)
{
    json_t *tags = json_object_get(body, "tags");
    const char *name = NULL;
    json_t *value = NULL;

    if (tags == NULL || json_is_null(tags)) {
        return CM_OK;
    }
    if (!json_is_object(tags) || json_object_size(tags) > MAX_TAGS) {
        return wrong("tags must be an object of at most 15 texts", why);
    }
    json_object_foreach(tags, name, value)
    {
        if (!json_is_string(value) || json_string_length(value) > MAX_TAG_TEXT ||
            strlen(name) > MAX_TAG_TEXT ||
            strlen(json_string_value(value)) != json_string_length(value)) {
            return wrong("a tag is a name and a text of at most 256 bytes", why);
        }
    }
    out->tags = tags;
    return CM_OK;
}

/* ----------------------------------------------------------- release policy */

/* Parsed here and now: a policy that cannot be evaluated is never stored. */
static enum cm_status check_policy(struct cm_span text, bool *immutable, struct cm_why *why)
{
    struct cm_policy_error error = {.text = ""};
    struct cm_release *release = NULL;
    enum cm_status st = cm_release_parse(text, &release, &error);

    if (st == CM_OK) {
        *immutable = *immutable || cm_release_immutable(release);
        cm_release_free(release);
    } else if (st != CM_ERR_NOMEM) {
        cm_why_set(why, "release_policy: line %zu, column %zu: %s", error.line, error.column,
                   error.text);
        st = CM_ERR_SYNTAX;
    }
    return st;
}

static enum cm_status read_policy(json_t *body, struct cm_vault_change *out, struct cm_why *why)
{
    json_t *p = json_object_get(body, "release_policy");
    const json_t *type = json_object_get(p, "contentType");
    const char *data = json_string_value(json_object_get(p, "data"));
    uint8_t *text = NULL;
    size_t len = 0;
    bool has = false;
    enum cm_status st = CM_OK;

    if (p == NULL || json_is_null(p)) {
        return CM_OK;
    }
    if (!json_is_object(p) || data == NULL ||
        (type != NULL && !json_is_null(type) && !json_is_string(type)) ||
        json_string_length(type) > MAX_TYPE) {
        return wrong("release_policy must be {\"contentType\", \"data\", \"immutable\"}", why);
    }
    CM_TRY(read_bool(p, "immutable", &has, &out->immutable, why));
    st = cm_vault_base64(data, CM_POLICY_MAX_TEXT, &text, &len);
    if (st == CM_ERR_FORMAT || st == CM_ERR_LIMIT) {
        cm_why_set(why, "release_policy: data is not base64url of at most 64 KiB");
        st = CM_ERR_PARAM;
    }
    CM_TRY(st);
    CM_TRY(check_policy(cm_span_make(text, len), &out->immutable, why));
    out->policy = strndup((const char *)text, len); /* UTF-8 without NUL: it was parsed */
    out->policy_type = json_is_string(type) ? json_string_value(type) : POLICY_TYPE;
    if (out->policy == NULL) {
        st = CM_ERR_NOMEM;
    }
out:
    free(text);
    return st;
}

static enum cm_status read_content_type(json_t *body, struct cm_vault_change *out,
                                        struct cm_why *why)
{
    const json_t *type = json_object_get(body, "contentType");

    if (type == NULL || json_is_null(type)) {
        return CM_OK;
    }
    if (!json_is_string(type) || json_string_length(type) > MAX_TYPE) {
        return wrong("contentType must be a text of at most 255 bytes", why);
    }
    out->content_type = json_string_value(type);
    return CM_OK;
}

enum cm_status cm_vault_change_parse(json_t *body, struct cm_vault_change *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(read_attributes(body, out, why));
    CM_TRY(read_operations(body, out, why));
    CM_TRY(read_tags(body, out, why));
    CM_TRY(read_content_type(body, out, why));
    CM_TRY(read_policy(body, out, why));
out:
    return st;
}

void cm_vault_change_clear(struct cm_vault_change *change)
{
    free(change->policy);
    memset(change, 0, sizeof(*change));
}

/* -------------------------------------------------------------------- apply */

static enum cm_status apply_policy(const struct cm_vault_change *change, struct cm_vault_item *item,
                                   struct cm_why *why)
{
    char *policy = NULL;
    char *type = NULL;

    if (change->policy == NULL) {
        return CM_OK;
    }
    if (item->immutable && item->policy != NULL) {
        if (strcmp(item->policy, change->policy) == 0) {
            return CM_OK;
        }
        cm_why_set(why, "the release policy of this version is immutable");
        return CM_ERR_STATE;
    }
    policy = strdup(change->policy);
    type = strdup(change->policy_type);
    if (policy == NULL || type == NULL) {
        free(policy);
        free(type);
        return CM_ERR_NOMEM;
    }
    free(item->policy);
    free(item->policy_type);
    item->policy = policy;
    item->policy_type = type;
    item->immutable = change->immutable;
    return CM_OK;
}

enum cm_status cm_vault_change_apply(const struct cm_vault_change *change,
                                     struct cm_vault_item *item, bool is_new, struct cm_why *why)
{
    int bad = 0;
    enum cm_status st = CM_OK;

    if (!is_new && change->has_exportable && change->exportable != item->exportable) {
        cm_why_set(why, "exportable is decided when a key is made");
        return CM_ERR_PARAM;
    }
    item->enabled = change->has_enabled ? change->enabled : item->enabled;
    item->nbf = change->has_nbf ? change->nbf : item->nbf;
    item->expires = change->has_expires ? change->expires : item->expires;
    item->exportable = is_new ? change->exportable : item->exportable;
    if (change->ops != NULL) {
        bad |= json_object_set_new(item->detail, "key_ops", json_deep_copy(change->ops));
    }
    if (change->content_type != NULL) {
        bad |= json_object_set_new(item->detail, "contentType", json_string(change->content_type));
    }
    if (change->tags != NULL) {
        json_decref(item->tags);
        item->tags = json_deep_copy(change->tags);
        bad |= item->tags == NULL ? -1 : 0;
    }
    if (bad != 0) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(apply_policy(change, item, why));
    if (item->kind == CM_VAULT_KEY && item->exportable && item->policy == NULL) {
        cm_why_set(why, "Exportable keys must have release policy");
        st = CM_ERR_PARAM;
    }
out:
    return st;
}
