/* Secrets: set, get, update. Untrusted: every body. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "vault/vault_call.h"

#define MAX_VALUE 25600 /* bytes, as Key Vault has it */

struct setting {
    const struct cm_call *call;
    struct cm_vault_item *item;
};

static enum cm_status run_insert(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct setting *s = arg;

    return cm_vault_add(s->call, db, s->item, why);
}

/* The bundle with the value in it. */
static void answer_with(struct cm_call *call, const struct cm_vault_item *item,
                        struct cm_span value)
{
    json_t *bundle = cm_vault_bundle(cm_call_base(call), item);

    if (bundle != NULL &&
        json_object_set_new(bundle, "value", json_stringn((const char *)value.ptr, value.len)) !=
            0) {
        json_decref(bundle);
        bundle = NULL;
    }
    cm_call_answer_json(call, 200, bundle == NULL ? NULL : json_incref(bundle));
    cm_vault_forget(bundle, "value");
    json_decref(bundle);
}

static enum cm_status store(struct cm_call *call, struct cm_vault_item *item, json_t *body,
                            struct cm_span value, struct cm_why *why)
{
    struct setting setting = {call, item};
    struct cm_vault_change change;
    char object[CM_VAULT_OBJECT_CAP] = "";
    enum cm_status st = cm_vault_change_parse(body, &change, why);

    if (st == CM_OK) {
        st = cm_vault_fill(call, &change, NULL, value, item, why);
    }
    cm_vault_change_clear(&change);
    if (st == CM_OK) {
        cm_vault_object(item, object);
        st = cm_call_write(call, run_insert, &setting, "secret.set", object,
                           item->policy == NULL ? "" : item->policy, why);
    }
    return st;
}

void cm_vault_secret_set(struct cm_call *call, void *state)
{
    struct cm_vault_item item = {.kind = CM_VAULT_SECRET};
    struct cm_vault_path path;
    struct cm_why why = {""};
    json_t *body = NULL;
    const json_t *value = NULL;
    struct cm_span plain;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_vault_begin(call, CM_VAULT_SECRET, &path)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    value = json_object_get(body, "value");
    if (!json_is_string(value) || json_string_length(value) > MAX_VALUE ||
        json_string_length(value) == 0) {
        cm_call_fail(call, 400, "BadParameter", "value must be a text of 1 to %d bytes", MAX_VALUE);
        cm_vault_forget(body, "value");
        return;
    }
    plain = cm_span_make(json_string_value(value), json_string_length(value));
    (void)snprintf(item.name, sizeof(item.name), "%s", path.name);
    st = store(call, &item, body, plain, &why);
    if (st != CM_OK) {
        cm_vault_fail(call, CM_VAULT_SECRET, st, &why);
    } else if (item.policy != NULL) { /* it goes to enclaves alone from here on */
        cm_vault_answer(call, &item);
    } else {
        answer_with(call, &item, plain);
    }
    cm_vault_forget(body, "value"); /* the call and its body are there until this returns */
    cm_vault_item_clear(&item);
}

void cm_vault_secret_get(struct cm_call *call, void *state)
{
    struct cm_vault_path path;
    struct cm_vault_item item = {.number = 0};
    char object[CM_VAULT_OBJECT_CAP] = "";
    struct cm_why why = {""};
    uint8_t *plain = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_vault_begin(call, CM_VAULT_SECRET, &path) ||
        !cm_vault_find(call, &path, false, &item)) {
        return;
    }
    cm_vault_object(&item, object);
    if (!item.enabled) {
        cm_call_fail(call, 403, "Forbidden", "%s is disabled", item.shown);
    } else if (item.policy != NULL) {
        cm_call_fail(call, 403, "Forbidden",
                     "%s has a release policy: it is released to attested enclaves alone",
                     item.shown);
    } else {
        st = cm_vault_open(call, &item, &plain, &len);
        if (st == CM_OK) { /* before it is given out */
            st = cm_call_write(call, NULL, NULL, "secret.get", object, "", &why);
        }
        if (st == CM_OK) {
            answer_with(call, &item, cm_span_make(plain, len));
        } else {
            cm_vault_fail(call, CM_VAULT_SECRET, st, &why);
        }
    }
    if (plain != NULL) {
        cm_wipe(plain, len);
    }
    free(plain);
    cm_vault_item_clear(&item);
}

void cm_vault_secret_patch(struct cm_call *call, void *state)
{
    (void)state;
    cm_vault_patch(call, CM_VAULT_SECRET);
}
