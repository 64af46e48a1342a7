/* The module: its routes and its life; see kbs.h. */
#include "kbs/kbs.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "kbs/kbs_private.h"

static void stop(void *state)
{
    struct cm_kbs *kbs = state;

    json_decref(kbs->references);
    cm_wipe(kbs->secret, sizeof(kbs->secret));
    (void)pthread_mutex_destroy(&kbs->lock);
    free(kbs);
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct cm_kbs *kbs = calloc(1, sizeof(*kbs));
    enum cm_status st = CM_OK;

    if (kbs == NULL || pthread_mutex_init(&kbs->lock, NULL) != 0) {
        free(kbs);
        return CM_ERR_NOMEM;
    }
    kbs->service = s;
    if (cm_service_config(s)->keep == NULL) {
        cm_why_set(why, "without a root key the key broker keeps no resources");
        st = CM_ERR_PARAM;
        goto out;
    }
    CM_TRY(cm_kbs_secret_open(kbs, why));
    CM_TRY(cm_kbs_references_load(kbs, why));
    *state = kbs;
    kbs = NULL;
out:
    if (kbs != NULL) {
        stop(kbs);
    }
    return st;
}

static void changed(void *state, const char *topic)
{
    struct cm_kbs *kbs = state;
    struct cm_why why = {""};

    if ((strcmp(topic, CM_KBS_TOPIC) == 0 || strcmp(topic, "*") == 0) &&
        cm_kbs_references_load(kbs, &why) != CM_OK) {
        cm_service_log(kbs->service, CM_LOG_ERROR, "kbs.references",
                       (const char *const[]){"why", why.text}, 1);
    }
}

static void tick(void *state, uint64_t now)
{
    struct cm_kbs *kbs = state;
    struct cm_why why = {""};

    if (cm_service_write(kbs->service, cm_kbs_prune_run, &now, &why) != CM_OK) {
        cm_service_log(kbs->service, CM_LOG_ERROR, "kbs.sessions",
                       (const char *const[]){"why", why.text}, 1);
    }
}

static void metrics(void *state, FILE *out)
{
    static const char *const names[CM_KBS_COUNTS][2] = {
        [CM_KBS_CHALLENGED] = {"casemate_kbs_challenges_total", "Challenges given to guests."},
        [CM_KBS_ATTESTED] = {"casemate_kbs_attestations_total", "Guests that got a token."},
        [CM_KBS_REFUSED] = {"casemate_kbs_refusals_total", "Guests that got none."},
        [CM_KBS_RELEASED] = {"casemate_kbs_releases_total", "Resources given to guests."},
        [CM_KBS_UNNOTED] = {"casemate_kbs_unnoted_total",
                            "Denials of paths without a resource, beyond those written down."},
        [CM_KBS_WITHHELD] = {"casemate_kbs_denials_total", "Resources that the policy withheld."},
    };
    struct cm_kbs *kbs = state;

    for (unsigned i = 0; i < CM_KBS_COUNTS; i++) {
        (void)fprintf(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", names[i][0], names[i][1],
                      names[i][0], names[i][0], atomic_load(&kbs->counts[i]));
    }
}

#define KBS(m, p, r, f)                                                                     \
    {                                                                                       \
        .methods = (m), .path = "/kbs/v0/" p, .roles = (r), .api = CM_API_KBS, .serve = (f) \
    }
#define RESOURCE "resource/{repository}/{type}/{tag}"

static const struct cm_route routes[] = {
    {.methods = CM_WEB_POST,
     .path = "/kbs/v0/auth",
     .api = CM_API_KBS,
     .at_once = true,
     .serve = cm_kbs_serve_auth},
    KBS(CM_WEB_POST, "attest", 0, cm_kbs_serve_attest),
    KBS(CM_WEB_GET, RESOURCE, 0, cm_kbs_serve_resource),
    KBS(CM_WEB_POST | CM_WEB_PUT, RESOURCE, CM_ROLE_WRITERS, cm_kbs_serve_resource_put),
    KBS(CM_WEB_DELETE, RESOURCE, CM_ROLE_WRITERS, cm_kbs_serve_resource_delete),
    KBS(CM_WEB_GET, "resources", CM_ROLE_READERS, cm_kbs_serve_resource_list),
    KBS(CM_WEB_GET, "resource-policy", CM_ROLE_READERS, cm_kbs_serve_resource_policy),
    KBS(CM_WEB_GET, "resource-policy/{name}", CM_ROLE_READERS, cm_kbs_serve_resource_policy),
    KBS(CM_WEB_POST, "resource-policy", CM_ROLE_WRITERS, cm_kbs_serve_resource_policy_put),
    KBS(CM_WEB_GET, "attestation-policies", CM_ROLE_READERS, cm_kbs_serve_attestation_policy_list),
    KBS(CM_WEB_GET, "attestation-policy/{id}", CM_ROLE_READERS, cm_kbs_serve_attestation_policy),
    KBS(CM_WEB_POST, "attestation-policy", CM_ROLE_WRITERS, cm_kbs_serve_attestation_policy_put),
    KBS(CM_WEB_GET, "reference-value", CM_ROLE_READERS, cm_kbs_serve_reference_list),
    KBS(CM_WEB_GET, "reference-value/{name}", CM_ROLE_READERS, cm_kbs_serve_reference),
    KBS(CM_WEB_POST, "reference-value", CM_ROLE_WRITERS, cm_kbs_serve_reference_put),
    KBS(CM_WEB_DELETE, "reference-value/{name}", CM_ROLE_WRITERS, cm_kbs_serve_reference_delete),
};

const struct cm_module cm_kbs_module = {
    .name = "kbs",
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
    .start = start,
    .stop = stop,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
};
