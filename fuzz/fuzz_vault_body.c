/* Bodies of the vault's API: attributes, release policies, JWKs to import. What is taken is whole. */
#include <stdlib.h>
#include <string.h>

#include "vault/vault_form.h"
#include "vault/vault_issuer.h"
#include "vault/vault_material.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* What was taken fits an item, old or new; it is exportable only with a policy. */
static void try_change(json_t *body)
{
    struct cm_vault_change change;
    struct cm_vault_item item = {.kind = CM_VAULT_KEY};

    item.detail = json_object();
    item.tags = json_object();
    if (cm_vault_change_parse(body, &change, NULL) == CM_OK &&
        cm_vault_change_apply(&change, &item, true, NULL) == CM_OK) {
        json_t *bundle = cm_vault_bundle("https://h", &item);

        if ((item.exportable && item.policy == NULL) || !json_is_object(item.tags)) {
            abort();
        }
        json_decref(bundle);
    }
    cm_vault_change_clear(&change);
    cm_vault_item_clear(&item);
}

static void try_import(json_t *jwk)
{
    struct cm_vault_material m;

    if (cm_vault_import(jwk, false, &m, NULL) == CM_OK &&
        (m.len == 0 || m.len > CM_VAULT_MATERIAL_MAX || json_object_get(m.jwk, "d") != NULL ||
         json_object_get(m.jwk, "k") != NULL)) {
        abort();
    }
    cm_vault_material_clear(&m);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct cm_pubkey *key = NULL;

    if (json_is_object(body)) {
        try_change(body);
        try_import(json_object_get(body, "key"));
        if (cm_vault_jwk_key(json_object_get(body, "key"), &key) != CM_OK && key != NULL) {
            abort();
        }
        cm_pubkey_free(key);
        (void)!cm_vault_jwks_check(body, NULL);
    }
    json_decref(body);
    return 0;
}
