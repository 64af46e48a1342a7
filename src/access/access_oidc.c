/*
 * The provider of identities: its key set, fetched on a worker from the one address that an admin has set, and
 * tokens verified with what is in memory. Nothing that a token says is ever fetched.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_private.h"
#include "collateral/collateral_http.h"
#include "common/try.h"

#define REFRESH    600   /* seconds after which keys are fetched anew */
#define KEEP       86400 /* and after which they count no more when that fails */
#define AGAIN_MS   30000 /* between two fetches, whoever asks */
#define TIMEOUT_MS 10000

void cm_access_keys_put(struct access_keys *k)
{
    if (k != NULL && atomic_fetch_sub(&k->refs, 1) == 1) {
        cm_jwks_free(&k->set);
        free(k);
    }
}

static struct access_keys *keys_get(struct access *a)
{
    struct access_keys *k = NULL;

    (void)pthread_mutex_lock(&a->lock);
    k = a->keys;
    if (k != NULL) {
        (void)atomic_fetch_add(&k->refs, 1);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return k;
}

/* --------------------------------------------------------------------- fetch */

static enum cm_status get(const struct cm_oidc *oidc, struct access_keys *k, struct cm_why *why)
{
    const struct cm_http_options options = {
        .ca_file = oidc->ca_file[0] == '\0' ? NULL : oidc->ca_file,
        .timeout_ms = TIMEOUT_MS,
    };
    struct cm_http *http = NULL;
    struct cm_http_answer answer;
    enum cm_status st = CM_OK;

    CM_TRY(cm_http_create(&options, &http, why));
    CM_TRY(cm_http_get(http, oidc->jwks_uri, NULL, &answer, why));
    CM_TRY(cm_jwks_parse(answer.body, &k->set, why));
out:
    cm_http_free(http);
    return st;
}

static void fetch(struct access *a, const struct access_view *v)
{
    const struct cm_oidc *oidc = &v->settings.oidc;
    struct access_keys *k = calloc(1, sizeof(*k));
    struct access_keys *old = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_ERR_NOMEM;

    if (k != NULL) {
        atomic_init(&k->refs, 1);
        memcpy(k->jwks_uri, oidc->jwks_uri, sizeof(k->jwks_uri));
        st = get(oidc, k, &why);
    }
    if (st != CM_OK) {
        cm_access_keys_put(k);
        cm_service_log(a->service, CM_LOG_WARNING, "the key set of the identity provider",
                       (const char *const[]){"url", oidc->jwks_uri, "why",
                                             why.text[0] != '\0' ? why.text : cm_status_str(st)},
                       2);
        return;
    }
    k->fetched = cm_service_now(a->service);
    (void)pthread_mutex_lock(&a->lock);
    old = a->keys;
    a->keys = k;
    (void)pthread_mutex_unlock(&a->lock);
    cm_access_keys_put(old);
}

static bool usable(const struct access_keys *k, const struct cm_oidc *oidc, uint64_t now)
{
    return k != NULL && strcmp(k->jwks_uri, oidc->jwks_uri) == 0 && now < k->fetched + KEEP;
}

/* Fetch, if another key may be there: not more often than AGAIN_MS, whatever is asked of us. */
static void renew(struct access *a, const struct access_view *v, uint64_t not_before)
{
    struct access_keys *k = keys_get(a);
    const uint64_t now = cm_service_now(a->service);
    const bool fresh = usable(k, &v->settings.oidc, now) && now < k->fetched + not_before;
    /* another provider was set: nothing of the old one holds it up */
    const bool other = k == NULL || strcmp(k->jwks_uri, v->settings.oidc.jwks_uri) != 0;
    const uint64_t tried = atomic_load(&a->tried_ms);

    cm_access_keys_put(k);
    if (v->settings.oidc.issuer[0] != '\0' && !fresh &&
        (tried == 0 || other || cm_access_ms() - tried >= AGAIN_MS)) {
        atomic_store(&a->tried_ms, cm_access_ms());
        fetch(a, v);
    }
}

void cm_access_oidc_tick(struct access *a)
{
    struct access_view *v = cm_access_view(a);

    (void)pthread_mutex_lock(&a->fetch);
    renew(a, v, REFRESH);
    (void)pthread_mutex_unlock(&a->fetch);
    cm_access_view_put(v);
}

static void fetch_now(void *arg)
{
    struct access *a = arg;
    struct access_view *v = cm_access_view(a);

    (void)pthread_mutex_lock(&a->fetch);
    renew(a, v, 0);
    (void)pthread_mutex_unlock(&a->fetch);
    cm_access_view_put(v);
    atomic_store(&a->fetching, false);
}

/* A token names a key that is not there: the provider may have changed it. On a loop. */
static void want_keys(struct access *a)
{
    const uint64_t tried = atomic_load(&a->tried_ms);

    if ((tried == 0 || cm_access_ms() - tried >= AGAIN_MS) &&
        !atomic_exchange(&a->fetching, true) &&
        cm_service_work(a->service, fetch_now, a) != CM_OK) {
        atomic_store(&a->fetching, false);
    }
}

/* -------------------------------------------------------------------- tokens */

enum cm_status cm_access_oidc(struct access *a, const struct access_view *v, const char *token,
                              uint64_t now, struct cm_who *out, struct cm_why *why)
{
    const struct cm_oidc *oidc = &v->settings.oidc;
    struct access_keys *k = NULL;
    enum cm_status st = CM_OK;

    if (oidc->issuer[0] == '\0') {
        cm_why_set(why, "no provider of identities is set");
        return CM_ERR_NOTFOUND;
    }
    k = keys_get(a);
    if (usable(k, oidc, now)) {
        st = cm_jwt_verify(cm_span_make(token, strlen(token)), oidc, &k->set, now, out, why);
    } else {
        cm_why_set(why, "the provider's keys are not at hand");
        st = CM_ERR_NOTFOUND;
    }
    cm_access_keys_put(k);
    if (st == CM_ERR_NOTFOUND) {
        want_keys(a);
    }
    return st;
}
