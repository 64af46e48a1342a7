/*
 * Tokens of an OpenID provider: its key set (RFC 7517), and the claims of a JWT (RFC 7519) that it signed
 * for us. RS256 and ES256 only; the key is one of the configured set, never one that the token names or
 * brings. No network, no clock, no state.
 */
#ifndef CM_ACCESS_ACCESS_JWT_H
#define CM_ACCESS_ACCESS_JWT_H

#include "service/service_call.h"
#include "token/jws.h"

#define CM_JWKS_MAX       16 /* keys that we can use */
#define CM_OIDC_MAPS      32
#define CM_OIDC_TEXT      256
#define CM_JWT_LEEWAY     60 /* seconds that clocks may differ */
#define CM_JWT_MAX        16384
#define CM_JWT_NAME_LEAD  "oidc:"
#define CM_JWT_MAX_GROUPS 256

struct cm_jwks {
    struct {
        char kid[CM_OIDC_TEXT]; /* "": it has none */
        enum cm_sig_alg alg;
        struct cm_pubkey *key;
    } keys[CM_JWKS_MAX];
    size_t count;
};

/**
 * Keys for signatures of the kinds above; others are passed over.
 * @param text  UNTRUSTED
 * @param out   to be freed with cm_jwks_free(), also after a failure
 * @retval CM_ERR_FORMAT, CM_ERR_SYNTAX  no key set, or two keys of one kid
 * @retval CM_ERR_LIMIT                  more than CM_JWKS_MAX keys that we could use
 * @retval CM_ERR_NOTFOUND               none at all
 */
CM_MUST_USE enum cm_status cm_jwks_parse(struct cm_span text, struct cm_jwks *out,
                                         struct cm_why *why);
void cm_jwks_free(struct cm_jwks *keys);

/** What is known of a provider. */
struct cm_oidc {
    char issuer[CM_OIDC_TEXT]; /* "": there is none */
    char audience[CM_OIDC_TEXT];
    char jwks_uri[CM_OIDC_TEXT];
    char ca_file[CM_OIDC_TEXT];     /* "": the system's */
    char roles_claim[CM_OIDC_TEXT]; /* "a.b": b in the object a */
    char name_claim[CM_OIDC_TEXT];
    struct {
        char value[CM_OIDC_TEXT]; /* of the roles' claim, or one of its elements */
        unsigned roles;
    } maps[CM_OIDC_MAPS];
    size_t map_count;
};

/**
 * Verify a token, and who it says calls: CM_JWT_NAME_LEAD and the name's claim; roles 0 when no value is
 * mapped to one.
 *
 * @param token  UNTRUSTED
 * @param out    set on CM_OK
 * @retval CM_ERR_NOTFOUND   signed with a key that is not in the set: it may have a newer one
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED, CM_ERR_SIGNATURE, CM_ERR_MISMATCH, CM_ERR_EXPIRED
 */
CM_MUST_USE enum cm_status cm_jwt_verify(struct cm_span token, const struct cm_oidc *oidc,
                                         const struct cm_jwks *keys, uint64_t now,
                                         struct cm_who *out, struct cm_why *why);

#endif
