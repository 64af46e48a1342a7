/* Private to src/vault: what the handlers of its API have in common. */
#ifndef CM_VAULT_VAULT_CALL_H
#define CM_VAULT_VAULT_CALL_H

#include <stdatomic.h>

#include "vault/vault.h"
#include "vault/vault_form.h"
#include "vault/vault_issuer.h"
#include "vault/vault_material.h"

/** The state of the module. */
struct cm_vault {
    struct cm_service *service;
    struct cm_vault_jwks *jwks;
    atomic_ullong released; /* by this instance since it started */
    atomic_ullong withheld;
    uint64_t retired; /* when old rows of the history last went; the tick's */
};

/** Name and version of a path, good and in small letters. */
struct cm_vault_path {
    enum cm_vault_kind kind;
    char name[CM_VAULT_NAME_MAX + 1];
    char version[CM_VAULT_VERSION_LEN + 1]; /* "": none */
};

/**
 * Begin a call: api-version must be there, whatever it says; the path's name and version must be ones.
 * @return false: the call HAS BEEN ANSWERED
 */
bool cm_vault_begin(struct cm_call *call, enum cm_vault_kind kind, struct cm_vault_path *out);

/** Answer a failure by Key Vault's codes. */
void cm_vault_fail(struct cm_call *call, enum cm_vault_kind kind, enum cm_status st,
                   const struct cm_why *why);

/**
 * Read a version that is not deleted (deleted: that is).
 * @return false: the call HAS BEEN ANSWERED, with 404 when there is none
 */
bool cm_vault_find(struct cm_call *call, const struct cm_vault_path *path, bool deleted,
                   struct cm_vault_item *out);

/** Answer 200 with an item's bundle. */
void cm_vault_answer(struct cm_call *call, const struct cm_vault_item *item);

/** "key/NAME" or "key/NAME/VERSION", for the audit. */
#define CM_VAULT_OBJECT_CAP 192
void cm_vault_object(const struct cm_vault_item *item, char out[CM_VAULT_OBJECT_CAP]);

/**
 * A new version that is still to be put into the store: its number apart, everything of it.
 * @param plain  what is secret of it
 * @param out    name and kind are set by the caller; the rest must be zero
 */
CM_MUST_USE enum cm_status cm_vault_fill(struct cm_call *call, const struct cm_vault_change *change,
                                         json_t *detail, struct cm_span plain,
                                         struct cm_vault_item *out, struct cm_why *why);

/**
 * cm_vault_insert(), if the call may have the item's release policy behind that of the current version: one that
 * differs changes to whom what is under this name may go. @retval CM_ERR_DENIED
 */
CM_MUST_USE enum cm_status cm_vault_add(const struct cm_call *call, struct cm_db *db,
                                        struct cm_vault_item *item, struct cm_why *why);

/** What is secret of an item. Wiped and freed by the caller. @retval CM_ERR_SIGNATURE damaged */
CM_MUST_USE enum cm_status cm_vault_open(struct cm_call *call, const struct cm_vault_item *item,
                                         uint8_t **out, size_t *len);

/** Overwrite a text of a body that was secret. */
void cm_vault_forget(json_t *object, const char *name);

/* Handlers, by file */
void cm_vault_key_create(struct cm_call *call, void *state);
void cm_vault_key_import(struct cm_call *call, void *state);
void cm_vault_key_rotate(struct cm_call *call, void *state);
void cm_vault_key_get(struct cm_call *call, void *state);
void cm_vault_key_patch(struct cm_call *call, void *state);
void cm_vault_key_release(struct cm_call *call, void *state);

void cm_vault_secret_set(struct cm_call *call, void *state);
void cm_vault_secret_get(struct cm_call *call, void *state);
void cm_vault_secret_patch(struct cm_call *call, void *state);
void cm_vault_secret_release(struct cm_call *call, void *state);

void cm_vault_key_delete(struct cm_call *call, void *state);
void cm_vault_key_get_deleted(struct cm_call *call, void *state);
void cm_vault_key_recover(struct cm_call *call, void *state);
void cm_vault_key_purge(struct cm_call *call, void *state);
void cm_vault_key_list(struct cm_call *call, void *state);
void cm_vault_key_versions(struct cm_call *call, void *state);
void cm_vault_key_list_deleted(struct cm_call *call, void *state);
void cm_vault_secret_delete(struct cm_call *call, void *state);
void cm_vault_secret_get_deleted(struct cm_call *call, void *state);
void cm_vault_secret_recover(struct cm_call *call, void *state);
void cm_vault_secret_purge(struct cm_call *call, void *state);
void cm_vault_secret_list(struct cm_call *call, void *state);
void cm_vault_secret_versions(struct cm_call *call, void *state);
void cm_vault_secret_list_deleted(struct cm_call *call, void *state);

/** PATCH of a version: both kinds. */
void cm_vault_patch(struct cm_call *call, enum cm_vault_kind kind);

#endif
