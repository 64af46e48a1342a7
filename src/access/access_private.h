/* Private to src/access: the state of the module, and what its files ask of one another. */
#ifndef CM_ACCESS_ACCESS_PRIVATE_H
#define CM_ACCESS_ACCESS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/access.h"
#include "access/access_body.h"
#include "access/access_limit.h"
#include "access/access_roles.h"
#include "access/access_settings.h"
#include "crypto/crypto.h"

#define ACCESS_TOPIC      "access"
#define ACCESS_SECRET     32 /* random bytes of a session and of a token */
#define ACCESS_SECRET_B64 43 /* the same in base64url */
#define ACCESS_ID         33 /* hex digits of a session's or a token's id, and NUL */
#define ACCESS_COOKIE     "__Host-casemate"
#define ACCESS_TOKEN_LEAD "cmt_" /* by which scanners for secrets know it */

/* ----------------------------------------------------- the copy in memory */

struct access_account {
    char name[CM_ACCESS_NAME_MAX + 1];
    unsigned roles;
    bool disabled;
    uint64_t created;
    uint64_t seen; /* last log-in */
};

struct access_session {
    uint8_t hash[CM_SHA256_SIZE];
    char account[CM_ACCESS_NAME_MAX + 1];
    uint64_t created;
    _Atomic uint64_t seen;
    uint64_t stored; /* of seen, in the store */
};

struct access_token {
    uint8_t hash[CM_SHA256_SIZE];
    char id[ACCESS_ID];
    char name[CM_ACCESS_NAME_MAX + 1];
    char creator[CM_WHO_MAX];
    unsigned roles;
    uint64_t created;
    uint64_t expires;
    _Atomic uint64_t seen;
    uint64_t stored;
};

/* Of the store, at one time. Only the times of use change. Counted. */
struct access_view {
    atomic_uint refs;
    struct cm_access_settings settings;
    struct access_account *accounts; /* by name */
    size_t account_count;
    struct access_session *sessions; /* by hash */
    size_t session_count;
    struct access_token *tokens; /* by hash */
    size_t token_count;
};

/* The provider's keys, as they were fetched. Counted. */
struct access_keys {
    atomic_uint refs;
    char jwks_uri[CM_OIDC_TEXT];
    uint64_t fetched;
    struct cm_jwks set;
};

struct access {
    struct cm_service *service;
    pthread_mutex_t lock; /* of view and keys; never held for long */
    pthread_mutex_t load; /* one renewal at a time: the last one reads last */
    pthread_mutex_t fetch;
    struct access_view *view;
    struct access_keys *keys; /* NULL: none yet */
    atomic_bool fetching;
    _Atomic uint64_t tried_ms;   /* the last fetch, of the clock that does not jump */
    atomic_bool stale;           /* it has changed, and could not be read */
    _Atomic uint64_t renewed_ms; /* the last time that it could */
    _Atomic uint64_t longest_ms; /* for which it counts then */
    struct cm_limit *peers;
    struct cm_limit *tries;
    char setup_file[4096];
    _Atomic uint64_t setup_until; /* 0: there is no code */
    uint64_t cut; /* when the audit log was last looked at for old records; the tick's */
    _Atomic uint64_t logins;
    _Atomic uint64_t refused;
    _Atomic uint64_t throttled;
    _Atomic uint64_t limited;
};

/** The state behind a service; NULL: it has no such module. */
struct access *cm_access_of(struct cm_service *s);

/** The newest copy; cm_access_view_put() ends its use. Never NULL after start. */
struct access_view *cm_access_view(struct access *a);
void cm_access_view_put(struct access_view *v);
/** Read it anew. On a worker. */
CM_MUST_USE enum cm_status cm_access_renew(struct access *a, struct cm_why *why);
/** Whether the copy may be believed: not after a change that could not be read, nor without the store for long. */
bool cm_access_fresh(struct access *a);
/** Write down who was seen, forget sessions that ended, and read it anew. On a worker. */
void cm_access_view_tick(struct access *a, uint64_t now);

const struct access_account *cm_access_account_find(const struct access_view *v, const char *name);
struct access_session *cm_access_session_find(const struct access_view *v,
                                              const uint8_t hash[CM_SHA256_SIZE]);
struct access_token *cm_access_token_find(const struct access_view *v,
                                          const uint8_t hash[CM_SHA256_SIZE]);

/** Milliseconds of a clock that does not jump. */
uint64_t cm_access_ms(void);

/* ---------------------------------------------------------------- requests */

/** The session's secret in the request's cookie. @return false: none, or several */
bool cm_access_cookie(const struct cm_call *call, char out[ACCESS_SECRET_B64 + 1]);
/** What x-csrf-token must be in a session; its time does not depend on the secret's value. */
CM_MUST_USE enum cm_status cm_access_csrf(const char *secret, char out[ACCESS_SECRET_B64 + 1]);
/** Whether a browser says that the request comes from a page of ours, or says nothing. */
bool cm_access_same_origin(const struct cm_call *call);
CM_MUST_USE enum cm_status cm_access_hash_text(const char *text, uint8_t out[CM_SHA256_SIZE]);

/** A bearer token's or a session's random text; and a random id. */
CM_MUST_USE enum cm_status cm_access_random(char out[ACCESS_SECRET_B64 + 1]);
CM_MUST_USE enum cm_status cm_access_random_id(char out[ACCESS_ID]);

/** Within a transaction: whoever else changes accounts waits until its end. */
CM_MUST_USE enum cm_status cm_access_guard(struct cm_db *db, struct cm_why *why);
/** Within a transaction: how many enabled admins there are. */
CM_MUST_USE enum cm_status cm_access_admins(struct cm_db *db, int64_t *out, struct cm_why *why);

/** An account to be written. */
struct access_new {
    struct cm_service *service;
    char name[CM_ACCESS_NAME_MAX + 1];
    char hash[CM_PASSWORD_HASH_CAP];
    unsigned roles;
    uint64_t now;
};
/** Within a transaction. @retval CM_ERR_EXISTS */
CM_MUST_USE enum cm_status cm_access_insert(struct cm_db *db, const struct access_new *n,
                                            struct cm_why *why);
/** Check and hash what an account is made of. @retval CM_ERR_PARAM, CM_ERR_BUSY */
CM_MUST_USE enum cm_status cm_access_new_make(struct access *a, const char *name, unsigned roles,
                                              const char *password, struct access_new *out,
                                              struct cm_why *why);

/** Begin a session of an account with this password's hash and answer as GET me does; or why not. */
void cm_access_session_begin(struct cm_call *call, struct access *a, const char *name,
                             const char *hash);
/** Who is asking, as the dashboard wants it. secret: of the session, NULL: none. */
void cm_access_answer_me(struct cm_call *call, struct access *a, const char *secret);

/** How many failures are free, and how long one waits then. */
extern const struct cm_limit_delay cm_access_peer_delay;
extern const struct cm_limit_delay cm_access_account_delay;
/** Answer 429. */
void cm_access_throttle(struct cm_call *call, struct access *a, unsigned seconds);

/* -------------------------------------------------------------- set-up, OIDC */

CM_MUST_USE enum cm_status cm_access_setup_start(struct access *a, struct cm_why *why);
void cm_access_setup_tick(struct access *a, uint64_t now);
bool cm_access_setup_needed(const struct access_view *v);

/** Who a token of the provider says calls. From memory. @retval as of cm_jwt_verify() */
CM_MUST_USE enum cm_status cm_access_oidc(struct access *a, const struct access_view *v,
                                          const char *token, uint64_t now, struct cm_who *out,
                                          struct cm_why *why);
void cm_access_oidc_tick(struct access *a);
void cm_access_keys_put(struct access_keys *k);

/* ------------------------------------------------------------------ handlers */

void cm_access_get_me(struct cm_call *call, void *state);
void cm_access_post_setup(struct cm_call *call, void *state);
void cm_access_post_login(struct cm_call *call, void *state);
void cm_access_post_logout(struct cm_call *call, void *state);
void cm_access_post_password(struct cm_call *call, void *state);
void cm_access_get_accounts(struct cm_call *call, void *state);
void cm_access_post_accounts(struct cm_call *call, void *state);
void cm_access_put_account(struct cm_call *call, void *state);
void cm_access_get_tokens(struct cm_call *call, void *state);
void cm_access_post_tokens(struct cm_call *call, void *state);
void cm_access_delete_token(struct cm_call *call, void *state);
void cm_access_get_settings(struct cm_call *call, void *state);
void cm_access_put_settings(struct cm_call *call, void *state);
void cm_access_get_audit(struct cm_call *call, void *state);
/** Cut off what audit_days says is old. On a worker. */
void cm_access_audit_tick(struct access *a, uint64_t now);
void cm_access_post_audit_verify(struct cm_call *call, void *state);
void cm_access_get_audit_export(struct cm_call *call, void *state);

#endif
