/*
 * Who calls and what he may do: accounts with passwords and browser sessions, bearer tokens of machines,
 * tokens of an OpenID provider; limits for those who try too often; the API over the audit log. The
 * module "access". Thread-safe.
 *
 * The routes are those of docs/console-api.md under "Access" and "Audit". Names of callers: an
 * account's name as it is, "token:NAME", "oidc:SUBJECT"; no account has a name with ':'.
 *
 * Secrets (session, bearer token, set-up code) have at least 128 random bits and rest as SHA-256,
 * passwords as Argon2id; none is in the log or the audit log.
 */
#ifndef CM_ACCESS_ACCESS_H
#define CM_ACCESS_ACCESS_H

#include "service/service_call.h"

extern const struct cm_module cm_access_module;

/**
 * For struct cm_service_config. Fills call->who from "Authorization: Bearer" or, without it, from the
 * browser's cookie; from memory, without waiting. What was wrong is in call->challenge_error. A session's
 * change whose x-csrf-token is missing or wrong, or that comes from another origin, is answered with 403
 * here (where the route is open to anyone: it goes on as nobody's).
 */
void cm_access_authenticate(struct cm_service *s, struct cm_call *call);

/** For struct cm_service_config: a token bucket for each peer (IPv6: each /64), 429 with Retry-After. */
bool cm_access_admit(struct cm_service *s, struct cm_call *call);

#define CM_ACCESS_TOKEN_CAP 64

/**
 * Make a bearer token, with an audit record: for programs that start a service (`--dev`, tests). Waits.
 *
 * @param name     of what uses it: 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-', '@'
 * @param roles    enum cm_role bits, at least one
 * @param seconds  how long it is good
 * @param out      the token: the one time it is seen. The caller wipes it.
 * @retval CM_ERR_EXISTS  a token that is good has this name   @retval CM_ERR_PARAM
 */
CM_MUST_USE enum cm_status cm_access_token_make(struct cm_service *s, const char *name,
                                                unsigned roles, uint64_t seconds,
                                                char out[CM_ACCESS_TOKEN_CAP], struct cm_why *why);

/**
 * Revoke all tokens that cm_access_token_make() has made, each with an audit record. Waits.
 * @param count  of them; those that had expired are among them
 * @retval as of cm_service_write()
 */
CM_MUST_USE enum cm_status cm_access_tokens_end(struct cm_service *s, size_t *count,
                                                struct cm_why *why);

#endif
