/* The module: its start, its rotation by age, its routes; see identity.h. */
#include "identity/identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "identity/identity_keys.h"
#include "service/service_call.h"

#define DAY         UINT64_C(86400)
#define TLS_LIFE    (90u * DAY)
#define RENEW       (30u * DAY) /* before the end of a certificate */
#define ROTATE_DAYS 90u
#define PEM_MAX     8192

static struct cm_identity *identity_of(struct cm_service *s)
{
    return cm_service_module(s, cm_identity_module.name);
}

const char *cm_identity_ca_pem(struct cm_service *s)
{
    return identity_of(s)->ca_pem;
}

/* ---------------------------------------------------------------- rotation */

/* The kid and name of what signs; "" when nothing does. */
static void current_of(struct cm_identity *id, enum cm_signer signer, char kid[CM_CERT_KID_CAP],
                       bool *named)
{
    struct cm_identity_set *set = cm_identity_set_hold(id);
    const struct cm_identity_key *key = set == NULL ? NULL : set->current[signer];

    kid[0] = '\0';
    *named = false;
    if (key != NULL) {
        memcpy(kid, key->kid, CM_CERT_KID_CAP);
        *named = strcmp(key->name, cm_identity_name_of(id, signer)) == 0;
    }
    cm_identity_set_release(set);
}

/* With call: as the caller's own doing, with an audit record. */
static enum cm_status rotate(struct cm_identity *id, enum cm_signer signer, struct cm_call *call,
                             struct cm_why *why)
{
    struct cm_identity_row *row = NULL;
    struct cm_identity_change change = {.service = id->service};
    char seen[CM_CERT_KID_CAP] = "";
    bool named = false;
    enum cm_status st = CM_OK;

    current_of(id, signer, seen, &named);
    change.seen = seen[0] == '\0' ? NULL : seen;
    CM_TRY(cm_identity_new_key(id, signer, &row, why));
    change.row = row;
    if (call == NULL) {
        CM_TRY(cm_service_write(id->service, cm_identity_change_run, &change, why));
    } else {
        CM_TRY(cm_call_write(call, cm_identity_change_run, &change, "key.rotate", row->signer, NULL,
                             why));
    }
    st = cm_identity_reload(id, why);
out:
    cm_identity_row_free(row);
    return st;
}

enum cm_status cm_identity_rotate(struct cm_service *s, enum cm_signer signer, struct cm_why *why)
{
    return rotate(identity_of(s), signer, NULL, why);
}

/* Old enough, or its certificate ends soon and another one would last longer. */
static bool is_due(const struct cm_identity *id, const struct cm_identity_key *key, uint64_t days,
                   uint64_t now)
{
    return key == NULL || now >= key->made + days * DAY ||
           (now + RENEW >= key->not_after && key->not_after != id->ca_not_after);
}

static enum cm_status keep_young(struct cm_identity *id, uint64_t now, struct cm_why *why)
{
    struct cm_identity_set *set = cm_identity_set_hold(id);
    struct cm_identity_prune prune = {id->service, (int64_t)now - CM_IDENTITY_PUBLISHED};
    bool due[CM_SIGNERS] = {false};
    bool old = false;
    const unsigned said = cm_service_config(id->service)->rotate_days;
    const uint64_t days = said != 0 ? said : ROTATE_DAYS;
    enum cm_status st = CM_OK;

    for (unsigned i = 0; set != NULL && i < CM_SIGNERS; i++) {
        due[i] = is_due(id, set->current[i], days, now);
    }
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        old = old || !cm_identity_published(&set->keys[i], now);
    }
    cm_identity_set_release(set);
    for (unsigned i = 0; st == CM_OK && i < CM_SIGNERS; i++) {
        if (due[i]) {
            st = rotate(id, (enum cm_signer)i, NULL, why);
        }
    }
    if (st == CM_OK && old) {
        st = cm_service_write(id->service, cm_identity_prune_run, &prune, why);
    }
    return st;
}

/* --------------------------------------------------------------------- TLS */

static enum cm_status tls_cert(struct cm_identity *id, const struct cm_privkey *key, char **pem,
                               uint64_t *not_after, struct cm_why *why)
{
    uint64_t now = cm_service_now(id->service);
    struct cm_cert_wanted want = {.use = CM_CERT_TLS,
                                  .cn = id->names.list[0],
                                  .key = key,
                                  .issuer_pem = id->ca_pem,
                                  .issuer_key = id->ca_key,
                                  .not_before = now < DAY ? 0 : now - DAY,
                                  .not_after = now + TLS_LIFE,
                                  .names = id->names.list};
    char *leaf = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (want.not_after > id->ca_not_after) {
        want.not_after = id->ca_not_after;
    }
    CM_TRY(cm_cert_make(&want, &leaf, why));
    len = strlen(leaf);
    *pem = realloc(leaf, len + strlen(id->ca_pem) + 1);
    if (*pem == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    leaf = NULL;
    memcpy(*pem + len, id->ca_pem, strlen(id->ca_pem) + 1);
    *not_after = want.not_after;
out:
    free(leaf);
    return st;
}

enum cm_status cm_identity_tls(struct cm_service *s, char **cert_pem, char **key_pem,
                               struct cm_why *why)
{
    struct cm_identity *id = identity_of(s);
    struct cm_privkey *key = NULL;
    uint64_t not_after = 0;
    enum cm_status st = CM_OK;

    *cert_pem = NULL;
    *key_pem = calloc(1, PEM_MAX);
    if (*key_pem == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_privkey_generate(CM_CURVE_P256, 0, &key));
    CM_TRY(cm_privkey_pem(key, *key_pem, PEM_MAX));
    CM_TRY(tls_cert(id, key, cert_pem, &not_after, why));
    (void)pthread_mutex_lock(&id->lock);
    id->serves = true;
    id->tls_not_after = not_after;
    id->tls_renew = not_after == id->ca_not_after ? not_after : not_after - RENEW;
    (void)pthread_mutex_unlock(&id->lock);
out:
    cm_privkey_free(key);
    if (st != CM_OK) {
        cm_wipe(*key_pem, PEM_MAX);
        free(*key_pem);
        *key_pem = NULL;
    }
    return st;
}

void cm_identity_tls_leave(struct cm_service *s)
{
    struct cm_identity *id = identity_of(s);

    (void)pthread_mutex_lock(&id->lock);
    id->serves = false;
    (void)pthread_mutex_unlock(&id->lock);
}

static enum cm_status renew_tls(struct cm_identity *id, uint64_t now, struct cm_why *why)
{
    char *cert = NULL;
    char *key = NULL;
    bool due = false;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&id->lock);
    due = id->serves && now >= id->tls_renew;
    (void)pthread_mutex_unlock(&id->lock);
    if (!due) {
        return CM_OK;
    }
    CM_TRY(cm_identity_tls(id->service, &cert, &key, why));
    st = cm_service_renew_tls(id->service, cert, key, why);
out:
    if (key != NULL) {
        cm_wipe(key, strlen(key));
    }
    free(key);
    free(cert);
    return st;
}

/* ------------------------------------------------------------------ module */

static void stop(void *state)
{
    struct cm_identity *id = state;

    cm_identity_set_release(id->set);
    cm_privkey_free(id->ca_key);
    free(id->ca_pem);
    free(id->names_text);
    (void)pthread_mutex_destroy(&id->lock);
    free(id);
}

/* Keys that are missing, or that name what the service is no longer called. */
static enum cm_status complete(struct cm_identity *id, struct cm_why *why)
{
    enum cm_status st = cm_identity_reload(id, why);

    for (unsigned i = 0; st == CM_OK && i < CM_SIGNERS; i++) {
        char kid[CM_CERT_KID_CAP] = "";
        bool named = false;

        current_of(id, (enum cm_signer)i, kid, &named);
        if (!named) {
            st = rotate(id, (enum cm_signer)i, NULL, why);
        }
    }
    return st;
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct cm_identity *id = calloc(1, sizeof(*id));
    enum cm_status st = CM_OK;

    if (id == NULL || pthread_mutex_init(&id->lock, NULL) != 0) {
        free(id);
        return CM_ERR_NOMEM;
    }
    id->service = s;
    if (cm_service_config(s)->keep == NULL) {
        cm_why_set(why, "without a root key the service keeps no keys");
        st = CM_ERR_PARAM;
        goto out;
    }
    CM_TRY(cm_identity_names(cm_service_config(s), &id->names, why));
    id->names_text = cm_identity_names_text(&id->names);
    if (id->names_text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_identity_open_ca(id, why));
    CM_TRY(complete(id, why));
    *state = id;
    id = NULL;
out:
    if (id != NULL) {
        stop(id);
    }
    return st;
}

static void complain(struct cm_identity *id, const char *event, const struct cm_why *why)
{
    const char *fields[] = {"why", why->text};

    cm_service_log(id->service, CM_LOG_ERROR, event, fields, 1);
}

static void changed(void *state, const char *topic)
{
    struct cm_identity *id = state;
    struct cm_why why = {""};

    if ((strcmp(topic, CM_IDENTITY_TOPIC) == 0 || strcmp(topic, "*") == 0) &&
        cm_identity_reload(id, &why) != CM_OK) {
        complain(id, "identity.reload", &why);
    }
}

static void tick(void *state, uint64_t now)
{
    struct cm_identity *id = state;
    struct cm_why why = {""};

    if (keep_young(id, now, &why) != CM_OK) {
        complain(id, "identity.rotate", &why);
    }
    why.text[0] = '\0';
    if (renew_tls(id, now, &why) != CM_OK) {
        complain(id, "identity.tls", &why);
    }
}

static void metrics(void *state, FILE *out)
{
    struct cm_identity *id = state;
    struct cm_identity_set *set = cm_identity_set_hold(id);
    uint64_t now = cm_service_now(id->service);

    (void)fputs("# HELP casemate_signing_key_age_seconds Age of the key that signs.\n"
                "# TYPE casemate_signing_key_age_seconds gauge\n",
                out);
    for (unsigned i = 0; set != NULL && i < CM_SIGNERS; i++) {
        const struct cm_identity_key *key = set->current[i];

        if (key != NULL) {
            (void)fprintf(out, "casemate_signing_key_age_seconds{signer=\"%s\"} %" PRIu64 "\n",
                          cm_signer_kind((enum cm_signer)i)->name,
                          now > key->made ? now - key->made : 0);
        }
    }
    cm_identity_set_release(set);
}

static bool ready(void *state, struct cm_why *why)
{
    struct cm_identity *id = state;

    if (cm_service_now(id->service) >= id->ca_not_after) {
        cm_why_set(why, "the certificate of the service's CA has expired");
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ routes */

static void serve_ca(struct cm_call *call, void *state)
{
    struct cm_identity *id = state;

    cm_call_answer(call, 200, "application/x-pem-file",
                   cm_span_make(id->ca_pem, strlen(id->ca_pem)));
}

static void serve_rotate(struct cm_call *call, void *state)
{
    static const char *const names[] = {"signer", NULL};
    struct cm_identity *id = state;
    struct cm_why why = {""};
    enum cm_signer signer = CM_SIGNER_TOKEN;
    json_t *body = cm_call_json(call);
    char kid[CM_CERT_KID_CAP] = "";
    bool named = false;
    const char *name = NULL;
    enum cm_status st = CM_OK;

    if (body == NULL) {
        return;
    }
    st = cm_json_only(body, "the request", names, &why);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    name = json_string_value(json_object_get(body, "signer"));
    if (name == NULL || !cm_signer_from(name, &signer)) {
        cm_call_fail(call, 400, "InvalidParameter",
                     "signer is not one of token, result and release");
        return;
    }
    st = rotate(id, signer, call, &why);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    current_of(id, signer, kid, &named);
    cm_call_answer_json(call, 200, json_pack("{s:s, s:s}", "signer", name, "kid", kid));
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_GET,
     .path = "/ca.pem",
     .api = CM_API_NATIVE,
     .at_once = true,
     .serve = serve_ca,
     .cors = true},
    {.methods = CM_WEB_POST,
     .path = "/api/v1/keys/rotate",
     .roles = CM_ROLE_ADMIN,
     .api = CM_API_NATIVE,
     .serve = serve_rotate},
};

const struct cm_module cm_identity_module = {
    .name = "identity",
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
    .start = start,
    .stop = stop,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
    .ready = ready,
};
