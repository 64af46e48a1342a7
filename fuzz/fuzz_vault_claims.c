/* Claims of a token that verified: the attester chose many of them. A key comes out only with a name. */
#include <stdlib.h>
#include <string.h>

#include "vault/vault_target.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_vault_target t = {.issuer = "https://h"};
    struct cm_vault_refusal refusal = {NULL, {""}};
    struct cm_pubkey *key = NULL;
    char kid[257] = "";

    t.claims = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(t.claims)) {
        json_t *facts = cm_vault_target_facts(&t);
        enum cm_status st = cm_vault_target_key(&t, &key, kid, &refusal);

        (void)cm_vault_target_emulated(&t);
        if ((st == CM_OK) != (key != NULL) || (st == CM_OK) != (kid[0] != '\0') ||
            (st != CM_OK && refusal.code == NULL)) {
            abort();
        }
        cm_pubkey_free(key);
        json_decref(facts);
    }
    cm_vault_target_clear(&t);
    return 0;
}
