/* Private to src/identity: the CA and the keys as they rest in the store. */
#ifndef CM_IDENTITY_IDENTITY_STORE_H
#define CM_IDENTITY_IDENTITY_STORE_H

#include "crypto/pubkey.h"
#include "identity/identity.h"
#include "identity/identity_x509.h"

#define CM_IDENTITY_MAX_ROWS 256
/** What is told to all instances when keys change. */
#define CM_IDENTITY_TOPIC "identity"

struct cm_identity_row {
    char kid[CM_CERT_KID_CAP];
    char signer[16];
    char *name; /* whom the certificate names */
    char *cert; /* PEM chain, leaf first */
    uint8_t *wrapped;
    size_t wrapped_len;
    int64_t made;    /* seconds since 1970 */
    int64_t retired; /* 0: it signs */
};
void cm_identity_row_free(struct cm_identity_row *row);

struct cm_identity_rows {
    struct cm_identity_row *ca; /* NULL: not made yet; kid, signer and name are empty */
    struct cm_identity_row **keys;
    size_t count;
    enum cm_status st; /* while they are read */
};
void cm_identity_rows_free(struct cm_identity_rows *rows);

/** All that is in the store. @retval CM_ERR_LIMIT too many @retval CM_ERR_FORMAT damaged */
CM_MUST_USE enum cm_status cm_identity_read(struct cm_service *s, struct cm_identity_rows *out,
                                            struct cm_why *why);

/** The names of the wrapped private keys. A row that was put under another name does not unwrap. */
#define CM_IDENTITY_WRAP_CAP 96
void cm_identity_wrap_name(const char *signer, const char *kid, char out[CM_IDENTITY_WRAP_CAP]);

/** Wrap a private key into a row. */
CM_MUST_USE enum cm_status cm_identity_wrap(const struct cm_keep *keep,
                                            const struct cm_privkey *key,
                                            struct cm_identity_row *row, struct cm_why *why);
/** @retval CM_ERR_SIGNATURE  not wrapped under this root key and name, or not the certificate's key */
CM_MUST_USE enum cm_status cm_identity_unwrap(const struct cm_keep *keep,
                                              const struct cm_identity_row *row,
                                              struct cm_privkey **out, struct cm_why *why);

/** A change of the current key, for cm_service_write() and cm_call_write(). */
struct cm_identity_change {
    struct cm_service *service;
    const struct cm_identity_row *row; /* what signs from now on */
    const char
        *seen; /* the kid that signs so far; NULL: none. When that has changed, nothing is done */
};
enum cm_status cm_identity_change_run(struct cm_db *db, void *change, struct cm_why *why);

/** Put the CA there, unless there is one. */
enum cm_status cm_identity_put_ca(struct cm_db *db, void *row, struct cm_why *why);

struct cm_identity_prune {
    struct cm_service *service;
    int64_t before; /* what was retired before is dropped */
};
enum cm_status cm_identity_prune_run(struct cm_db *db, void *prune, struct cm_why *why);

#endif
