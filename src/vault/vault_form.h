/* Private to src/vault: what requests say, and how answers are written. Untrusted: every body. */
#ifndef CM_VAULT_VAULT_FORM_H
#define CM_VAULT_VAULT_FORM_H

#include "vault/vault_item.h"

/* ----------------------------------------------------------------- requests */

/* Attributes, operations, tags and release policy of a body; what is absent stays as it is. Pointers to JSON
 * are borrowed from the body. */
struct cm_vault_change {
    bool has_enabled;
    bool enabled;
    bool has_nbf;
    int64_t nbf;
    bool has_expires;
    int64_t expires;
    bool has_exportable;
    bool exportable;
    json_t *ops;              /* NULL: absent */
    json_t *tags;             /* NULL: absent */
    const char *content_type; /* of a secret; NULL: absent */
    char *policy; /* its JSON, parsed and good; NULL: absent. Freed by cm_vault_change_clear() */
    const char *policy_type;
    bool immutable;
};

/**
 * Read the members that keys and secrets have in common.
 *
 * @param body  UNTRUSTED; must outlive out. Members that are not known are left alone, as Key Vault does.
 * @param out   end it with cm_vault_change_clear(), also after a failure
 * @retval CM_ERR_PARAM   a member of the wrong type or value; why names it
 * @retval CM_ERR_SYNTAX  the release policy: why says line and column   @retval CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_vault_change_parse(json_t *body, struct cm_vault_change *out,
                                                 struct cm_why *why);
void cm_vault_change_clear(struct cm_vault_change *change);

/**
 * Put a change on an item, new or old.
 * @retval CM_ERR_PARAM   it cannot be exported without a release policy; exportable of an old one
 * @retval CM_ERR_STATE   the release policy is immutable   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_vault_change_apply(const struct cm_vault_change *change,
                                                 struct cm_vault_item *item, bool is_new,
                                                 struct cm_why *why);

/**
 * base64 of either alphabet (not of both), padded or not, into new memory, which the caller wipes and frees.
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_vault_base64(const char *text, size_t max, uint8_t **out,
                                           size_t *len);

/* ------------------------------------------------------------------ answers */

/** "BASE/keys/NAME[/VERSION]"; version "": without. A new reference; NULL: out of memory. */
json_t *cm_vault_id(const char *base, const struct cm_vault_item *item, const char *version);
json_t *cm_vault_attributes(const struct cm_vault_item *item);
/** {contentType, data, immutable}; NULL: none, or out of memory. */
json_t *cm_vault_policy(const struct cm_vault_item *item);

/** A key as Key Vault's KeyBundle, a secret without its value as SecretBundle; what is deleted with what
 * deleted ones have. A new reference; NULL: out of memory. */
json_t *cm_vault_bundle(const char *base, const struct cm_vault_item *item);
/** The same as an item of a list; with_version: of a list of versions. */
json_t *cm_vault_line(const char *base, const struct cm_vault_item *item, bool with_version);

#endif
