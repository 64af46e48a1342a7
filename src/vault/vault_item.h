/* Private to src/vault: keys and secrets as they stand in the store. */
#ifndef CM_VAULT_VAULT_ITEM_H
#define CM_VAULT_VAULT_ITEM_H

#include <jansson.h>

#include "service/service_call.h"

enum cm_vault_kind { CM_VAULT_KEY, CM_VAULT_SECRET, CM_VAULT_RESOURCE /* the key broker's */ };

#define CM_VAULT_NAME_MAX    127
#define CM_VAULT_VERSION_LEN 32
#define CM_VAULT_KEEP_DAYS   90
#define CM_VAULT_TOPIC       "vault"

/* A version of a key or a secret. All pointers are its own. */
struct cm_vault_item {
    enum cm_vault_kind kind;
    char name[CM_VAULT_NAME_MAX + 1];  /* in small letters */
    char shown[CM_VAULT_NAME_MAX + 1]; /* as it was given */
    char version[CM_VAULT_VERSION_LEN + 1];
    int64_t number;
    bool enabled;
    bool exportable;
    bool immutable; /* the release policy of this version */
    int64_t nbf;    /* seconds since 1970; 0: none */
    int64_t expires;
    int64_t created;
    int64_t updated;
    int64_t deleted; /* 0: it is not */
    int64_t purge;
    json_t *detail;    /* a key: kty, key_ops and its public members; a secret: contentType */
    json_t *tags;      /* an object; may be empty */
    char *policy;      /* the release policy's JSON; NULL: none */
    char *policy_type; /* its content type */
    uint8_t *blob;     /* wrapped under cm_vault_blob_name() */
    size_t blob_len;
};

/** Accepts what was zeroed. */
void cm_vault_item_clear(struct cm_vault_item *item);

/**
 * Whether a text is the name of a key or secret: letters, digits and hyphens.
 * @param out  the name in small letters
 */
bool cm_vault_name(const char *text, char out[CM_VAULT_NAME_MAX + 1]);
/** Whether it is a version: 32 digits; in small letters. */
bool cm_vault_version(const char *text, char out[CM_VAULT_VERSION_LEN + 1]);

#define CM_VAULT_BLOB_NAME_CAP 192
/** Under which name the item's secret rests: see keep.h. */
void cm_vault_blob_name(const struct cm_vault_item *item, char out[CM_VAULT_BLOB_NAME_CAP]);

/* ------------------------------------------------------------------ reading */

/**
 * One version; version "": the current one. Also of what is deleted: see item->deleted.
 * @param out  set on CM_OK; end it with cm_vault_item_clear()
 * @retval CM_ERR_NOTFOUND
 */
CM_MUST_USE enum cm_status cm_vault_load(struct cm_db *db, enum cm_vault_kind kind,
                                         const char *name, const char *version,
                                         struct cm_vault_item *out, struct cm_why *why);

/**
 * The same within a change, and nobody else changes, deletes or purges it until that change ends: neither
 * here nor from another instance over the same store.
 */
CM_MUST_USE enum cm_status cm_vault_hold(struct cm_db *db, enum cm_vault_kind kind,
                                         const char *name, const char *version,
                                         struct cm_vault_item *out, struct cm_why *why);

/** The item belongs to the caller only if it takes its pointers away. @return false: enough */
typedef bool cm_vault_each(void *arg, struct cm_vault_item *item);

struct cm_vault_range {
    enum cm_vault_kind kind;
    const char *name; /* of objects: behind this one; of versions: this one's */
    int64_t number;   /* of versions: behind this one */
    int64_t limit;
};
enum cm_vault_which { CM_VAULT_LIVE, CM_VAULT_DELETED, CM_VAULT_ALL };
/** The current version of each object, by name. */
CM_MUST_USE enum cm_status cm_vault_list(struct cm_db *db, const struct cm_vault_range *range,
                                         enum cm_vault_which which, cm_vault_each *each, void *arg,
                                         struct cm_why *why);
/** The versions of an object, the oldest first. */
CM_MUST_USE enum cm_status cm_vault_versions(struct cm_db *db, const struct cm_vault_range *range,
                                             cm_vault_each *each, void *arg, struct cm_why *why);

/* ------------------------------------------------------------------ writing */

/**
 * Add a version behind the others, and the object when there is none. item->number is set.
 * @retval CM_ERR_EXISTS  an object of this name is deleted: it must be recovered or purged first
 */
CM_MUST_USE enum cm_status cm_vault_insert(struct cm_db *db, struct cm_vault_item *item,
                                           struct cm_why *why);
/** Attributes, operations, tags and policy of a version. */
CM_MUST_USE enum cm_status cm_vault_update(struct cm_db *db, const struct cm_vault_item *item,
                                           struct cm_why *why);
/** deleted and purge of an object. */
CM_MUST_USE enum cm_status cm_vault_mark(struct cm_db *db, const struct cm_vault_item *item,
                                         struct cm_why *why);
/** Take an object away with all its versions. */
CM_MUST_USE enum cm_status cm_vault_purge(struct cm_db *db, enum cm_vault_kind kind,
                                          const char *name, struct cm_why *why);
/** The same with all whose time has come. */
CM_MUST_USE enum cm_status cm_vault_purge_due(struct cm_db *db, int64_t now, struct cm_why *why);

#endif
