/*
 * Keys and secrets with release policies: the API of Azure Key Vault (docs/service-vault.md), and secure key
 * release to attested enclaves. The module "vault"; it needs the module "identity". Thread-safe.
 *
 * The functions below are for the dashboard and for others that give things out. None of them shows what is
 * secret.
 */
#ifndef CM_VAULT_VAULT_H
#define CM_VAULT_VAULT_H

#include <jansson.h>

#include "service/service_call.h"
#include "vault/vault_item.h"

extern const struct cm_module cm_vault_module;

/* ----------------------------------------------------------------- releases */

/* Something was given out, or withheld. All borrowed. */
struct cm_vault_release {
    const char *id; /* of the request: cm_call.id */
    int64_t time;
    enum cm_vault_kind kind;
    const char *name;
    const char *version; /* "" when unknown */
    bool released;
    const char *client;      /* who asked */
    const char *api;         /* "vault", "kbs" */
    const char *wrap;        /* how it was encrypted; "" when it was withheld */
    const char *issuer;      /* of the token; "" */
    const char *attestation; /* id of this service's attestation behind it; "" */
    const char *reason;      /* why it was withheld, or by which condition it was released */
};

/** Put it into the history, within the caller's transaction. */
CM_MUST_USE enum cm_status
cm_vault_release_note(struct cm_db *db, const struct cm_vault_release *release, struct cm_why *why);

#define CM_VAULT_HISTORY_DAYS 400u /* when nothing is said */
#define CM_VAULT_HISTORY_WITHHELD \
    100000u /* rows of what was withheld: anybody can have those written */

/**
 * Within a transaction: rows that are older than `before` (seconds since 1970), and the oldest of what was
 * withheld beyond `withheld` rows; a few thousand at once. @param more  set: there are more
 */
CM_MUST_USE enum cm_status cm_vault_releases_retire(struct cm_db *db, int64_t before,
                                                    int64_t withheld, bool *more,
                                                    struct cm_why *why);

/* Which releases are asked for: NULL, -1 and 0 for all. */
struct cm_vault_releases {
    const char *kind; /* "key", "secret", "resource" */
    const char *name;
    const char *result; /* "released", "withheld" */
    const char *client;
    int64_t from; /* seconds since 1970, included */
    int64_t to;
    const char *cursor; /* opaque: what `next` was */
    int64_t limit;      /* 1 to 200 */
};

/**
 * The newest first, as the dashboard's API has them: {"items": [...], "next": ...}.
 * @param out  a new reference @retval CM_ERR_PARAM  a kind, a result or a cursor that is none
 */
CM_MUST_USE enum cm_status cm_vault_releases_show(struct cm_db *db,
                                                  const struct cm_vault_releases *which,
                                                  json_t **out, struct cm_why *why);

/* ------------------------------------------------------------ keys, secrets */

/**
 * Keys or secrets by name, deleted ones with them, as the dashboard's API has them.
 * @param after  behind this name; "" for the first
 * @param out    a new reference: {"items": [...], "next": name or null}
 */
CM_MUST_USE enum cm_status cm_vault_show_list(struct cm_db *db, enum cm_vault_kind kind,
                                              const char *after, int64_t limit, json_t **out,
                                              struct cm_why *why);
/** One, with its release policy, that policy in words ("release_to": sentences), and its history. */
CM_MUST_USE enum cm_status cm_vault_show(struct cm_db *db, enum cm_vault_kind kind,
                                         const char *name, json_t **out, struct cm_why *why);

/**
 * Who gets what this policy stands at, one sentence an authority: "tokens of https://... whose
 * x-ms-attestation-type is \"sgx\" and ...". A new reference to an array; NULL: out of memory.
 */
json_t *cm_vault_words(const char *policy);

/** A new version of a key, like its current one. On a worker; audited as the call's. */
CM_MUST_USE enum cm_status cm_vault_rotate(struct cm_call *call, const char *name,
                                           struct cm_why *why);
/** Whether the current version is given out. On a worker; audited as the call's. */
CM_MUST_USE enum cm_status cm_vault_enable(struct cm_call *call, enum cm_vault_kind kind,
                                           const char *name, bool enabled, struct cm_why *why);

#endif
