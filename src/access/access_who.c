/*
 * Who calls: the secrets that requests carry, looked up by their hash in the copy in memory. On a loop: no
 * waiting. Untrusted: every header.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/access_private.h"
#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "token/base64.h"

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* ------------------------------------------------------------------- secrets */

enum cm_status cm_access_random(char out[ACCESS_SECRET_B64 + 1])
{
    uint8_t bytes[ACCESS_SECRET];
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, ACCESS_SECRET_B64 + 1);
    CM_TRY(cm_random_bytes(bytes, sizeof(bytes)));
    CM_TRY(cm_base64url_encode(cm_span_make(bytes, sizeof(bytes)), out, ACCESS_SECRET_B64, &len));
out:
    cm_wipe(bytes, sizeof(bytes));
    return st;
}

enum cm_status cm_access_random_id(char out[ACCESS_ID])
{
    uint8_t bytes[(ACCESS_ID - 1) / 2];
    enum cm_status st = CM_OK;

    out[0] = '\0';
    CM_TRY(cm_random_bytes(bytes, sizeof(bytes)));
    cm_hex_encode(cm_span_make(bytes, sizeof(bytes)), CM_HEX_LOWER, out);
out:
    return st;
}

enum cm_status cm_access_hash_text(const char *text, uint8_t out[CM_SHA256_SIZE])
{
    return cm_sha256_of(cm_span_make(text, strlen(text)), out);
}

enum cm_status cm_access_csrf(const char *secret, char out[ACCESS_SECRET_B64 + 1])
{
    static const char label[] = "casemate x-csrf-token";
    uint8_t mac[CM_SHA256_SIZE];
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, ACCESS_SECRET_B64 + 1);
    CM_TRY(cm_kdf_counter(cm_span_make(secret, strlen(secret)),
                          cm_span_make(label, sizeof(label) - 1), mac));
    CM_TRY(cm_base64url_encode(cm_span_make(mac, sizeof(mac)), out, ACCESS_SECRET_B64, &len));
out:
    cm_wipe(mac, sizeof(mac));
    return st;
}

/* -------------------------------------------------------------------- headers */

bool cm_access_cookie(const struct cm_call *call, char out[ACCESS_SECRET_B64 + 1])
{
    static const char name[] = ACCESS_COOKIE "=";
    const char *at = cm_web_header(call->req, "Cookie");
    bool found = false;

    while (at != NULL && *at != '\0') {
        const size_t len = strcspn(at, ";");

        if (len >= sizeof(name) - 1 && strncmp(at, name, sizeof(name) - 1) == 0) {
            const char *value = at + sizeof(name) - 1;

            if (found || len - (sizeof(name) - 1) != ACCESS_SECRET_B64 ||
                strspn(value, BASE64URL) < ACCESS_SECRET_B64) {
                return false; /* two: whose is this? */
            }
            memcpy(out, value, ACCESS_SECRET_B64);
            out[ACCESS_SECRET_B64] = '\0';
            found = true;
        }
        at += len;
        at += strspn(at, "; ");
    }
    return found;
}

bool cm_access_same_origin(const struct cm_call *call)
{
    const struct cm_service_config *config = cm_service_config(call->service);
    const char *origin = cm_web_header(call->req, "Origin");
    const char *site = cm_web_header(call->req, "Sec-Fetch-Site");

    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return false;
    }
    if (origin == NULL || strcasecmp(origin, config->public_url) == 0) {
        return true;
    }
    for (size_t i = 0; config->more_hosts != NULL && config->more_hosts[i] != NULL; i++) {
        if (strncasecmp(origin, "https://", 8) == 0 &&
            strcasecmp(origin + 8, config->more_hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool csrf_fits(const struct cm_call *call, const char *secret)
{
    const char *given = cm_web_header(call->req, "x-csrf-token");
    char wanted[ACCESS_SECRET_B64 + 1];
    bool fits = false;

    if (given != NULL && strlen(given) == ACCESS_SECRET_B64 &&
        cm_access_csrf(secret, wanted) == CM_OK) {
        fits = cm_ct_equal(given, wanted, ACCESS_SECRET_B64);
        cm_wipe(wanted, sizeof(wanted));
    }
    return fits;
}

/* --------------------------------------------------------------- who it is */

/* What the dashboard asks by itself does not keep a session alive. */
static bool by_a_person(const struct cm_call *call)
{
    const char *poll = cm_web_query(call->req, "poll");

    return (poll == NULL || strcmp(poll, "1") != 0) &&
           strcasecmp(cm_web_path(call->req), "/api/v1/overview") != 0;
}

static bool session_good(const struct access_view *v, struct access_session *e, uint64_t now)
{
    return e != NULL && now < e->created + v->settings.session_max &&
           now < atomic_load(&e->seen) + v->settings.session_idle;
}

static void by_session(struct cm_call *call, const struct access_view *v, const char *secret)
{
    uint8_t hash[CM_SHA256_SIZE];
    const struct access_account *account = NULL;
    struct access_session *e = NULL;

    if (cm_access_hash_text(secret, hash) != CM_OK) {
        return;
    }
    e = cm_access_session_find(v, hash);
    account = session_good(v, e, call->now) ? cm_access_account_find(v, e->account) : NULL;
    if (account == NULL || account->disabled) {
        call->challenge_error = "the session has ended";
        return;
    }
    if (cm_web_method(call->req) != CM_WEB_GET &&
        (!cm_access_same_origin(call) || !csrf_fits(call, secret))) {
        call->challenge_error = "x-csrf-token is missing or wrong, or another site asks";
        if (call->route->roles != 0) {
            cm_call_fail(call, 403, "CsrfToken", "%s", call->challenge_error);
        }
        return;
    }
    if (by_a_person(call) && call->now > atomic_load(&e->seen)) {
        atomic_store(&e->seen, call->now);
    }
    (void)snprintf(call->who.name, sizeof(call->who.name), "%s", account->name);
    call->who.roles = account->roles;
    call->who.session = true;
}

static void by_token(struct cm_call *call, const struct access_view *v, const char *text)
{
    uint8_t hash[CM_SHA256_SIZE];
    struct access_token *e = NULL;

    if (cm_access_hash_text(text, hash) == CM_OK) {
        e = cm_access_token_find(v, hash);
    }
    if (e == NULL || call->now >= e->expires) {
        call->challenge_error = "the token is unknown, revoked or expired";
        return;
    }
    if (call->now > atomic_load(&e->seen)) {
        atomic_store(&e->seen, call->now);
    }
    (void)snprintf(call->who.name, sizeof(call->who.name), "token:%s", e->name);
    call->who.roles = e->roles;
}

static void by_provider(struct cm_call *call, struct access *a, const struct access_view *v,
                        const char *text)
{
    struct cm_who who = {"", 0, false};
    struct cm_why why = {""};

    if (cm_access_oidc(a, v, text, call->now, &who, &why) == CM_OK) {
        call->who = who;
        return;
    }
    call->challenge_error =
        "the token is not one of this service, nor of its provider of identities";
    if (call->route->roles != 0) { /* else it may be for the route's own API */
        cm_service_log(call->service, CM_LOG_INFO, "token refused",
                       (const char *const[]){"id", call->id, "why", why.text}, 2);
    }
}

/* What stands behind "Bearer"; NULL: another scheme. */
static const char *bearer(const char *header)
{
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        return NULL;
    }
    header += 7;
    return header + strspn(header, " ");
}

void cm_access_authenticate(struct cm_service *s, struct cm_call *call)
{
    struct access *a = cm_access_of(s);
    const char *header = cm_web_header(call->req, "Authorization");
    const char *token = bearer(header);
    char secret[ACCESS_SECRET_B64 + 1];
    struct access_view *v = NULL;

    if (a == NULL || (header == NULL && cm_web_header(call->req, "Cookie") == NULL)) {
        return;
    }
    if (!cm_access_fresh(a)) {
        call->challenge_error = "who calls cannot be looked up now: the store is not reachable";
        if (call->route->roles != 0) {
            cm_web_add_header(call->req, "Retry-After", "5");
            cm_call_fail(call, 503, "ServerBusy", "%s", call->challenge_error);
        }
        return;
    }
    v = cm_access_view(a);
    if (token != NULL && strncmp(token, ACCESS_TOKEN_LEAD, strlen(ACCESS_TOKEN_LEAD)) == 0) {
        by_token(call, v, token);
    } else if (token != NULL) {
        by_provider(call, a, v, token);
    } else if (header != NULL) {
        call->challenge_error = "only Bearer is understood in Authorization";
    } else if (cm_access_cookie(call, secret)) {
        by_session(call, v, secret);
        cm_wipe(secret, sizeof(secret));
    }
    cm_access_view_put(v);
}

bool cm_access_admit(struct cm_service *s, struct cm_call *call)
{
    struct access *a = cm_access_of(s);
    char peer[CM_LIMIT_PEER];
    struct access_view *v = NULL;
    bool good = true;

    if (a == NULL) {
        return true;
    }
    v = cm_access_view(a);
    cm_limit_peer(cm_web_peer(call->req), peer);
    good = cm_limit_take(a->peers, peer, cm_access_ms(), v->settings.rate, v->settings.burst);
    cm_access_view_put(v);
    if (!good) {
        (void)atomic_fetch_add(&a->limited, 1);
        cm_web_add_header(call->req, "Retry-After", "1");
        cm_call_fail(call, 429, "TooManyRequests", "more requests than one address may make");
    }
    return good;
}
