/* The module: its routes. */
#include <stdlib.h>

#include "console/console_private.h"

#define ANYONE 0
/* what is read from memory and never waits is answered on the loop */
#define GET(path, serve)                                                                 \
    {                                                                                    \
        CM_WEB_GET, "/api/v1/" path, CM_ROLE_READERS, CM_API_NATIVE, false, serve, false \
    }
#define ASK(path, serve)                                                                  \
    {                                                                                     \
        CM_WEB_POST, "/api/v1/" path, CM_ROLE_READERS, CM_API_NATIVE, false, serve, false \
    }
#define WRITE(method, path, roles, serve)                                  \
    {                                                                      \
        method, "/api/v1/" path, roles, CM_API_NATIVE, false, serve, false \
    }
#define FILES(path, serve)                                          \
    {                                                               \
        CM_WEB_GET, path, ANYONE, CM_API_NATIVE, true, serve, false \
    }

static const struct cm_route console_routes[] = {
    FILES("/", cm_console_root),
    FILES("/dashboard", cm_console_file),
    FILES("/dashboard/{file...}", cm_console_file),
    GET("overview", cm_console_overview),
    GET("attestations", cm_console_attestations),
    GET("attestations/{id}", cm_console_attestation),
    ASK("attestations/{id}/replay", cm_console_replay),
    GET("inventory", cm_console_inventory),
    GET("inventory/{id}", cm_console_inventory_one),
    WRITE(CM_WEB_POST, "inventory/{id}/trust", CM_ROLE_AUTHOR, cm_console_trust),
    GET("platforms", cm_console_platforms),
    GET("collateral", cm_console_collateral),
    GET("collateral/export", cm_console_collateral_export),
    WRITE(CM_WEB_POST, "collateral/import", CM_ROLE_ADMIN, cm_console_collateral_import),
    GET("policies", cm_console_policies),
    GET("policies/{type}", cm_console_policy),
    ASK("policies/{type}/check", cm_console_policy_check),
    ASK("policies/{type}/what-if", cm_console_what_if),
    WRITE(CM_WEB_PUT, "policies/{type}", CM_ROLE_AUTHOR, cm_console_policy_put),
    WRITE(CM_WEB_POST, "policies/{type}/versions/{version}/approve", CM_ROLE_APPROVER,
          cm_console_policy_approve),
    WRITE(CM_WEB_POST, "policies/{type}/versions/{version}/reject", CM_ROLE_APPROVER,
          cm_console_policy_reject),
    WRITE(CM_WEB_POST, "policies/{type}/versions/{version}/restore", CM_ROLE_AUTHOR,
          cm_console_policy_restore),
    GET("settings/policies", cm_console_mode),
    WRITE(CM_WEB_PUT, "settings/policies", CM_ROLE_ADMIN, cm_console_mode_put),
    WRITE(CM_WEB_POST, "settings/policies/certificates", CM_ROLE_ADMIN,
          cm_console_certificate_post),
    GET("keys", cm_console_keys),
    GET("keys/{name}", cm_console_key),
    WRITE(CM_WEB_POST, "keys/{name}/rotate", CM_ROLE_AUTHOR, cm_console_key_rotate),
    WRITE(CM_WEB_POST, "keys/{name}/enable", CM_ROLE_AUTHOR, cm_console_key_enable),
    WRITE(CM_WEB_POST, "keys/{name}/disable", CM_ROLE_AUTHOR, cm_console_key_disable),
    GET("secrets", cm_console_secrets),
    GET("secrets/{name}", cm_console_secret),
    GET("releases", cm_console_releases),
    GET("resources", cm_console_resources),
    GET("references", cm_console_references),
    GET("references/{id}", cm_console_reference),
    WRITE(CM_WEB_POST, "references", CM_ROLE_AUTHOR, cm_console_reference_post),
    WRITE(CM_WEB_DELETE, "references/{id}", CM_ROLE_AUTHOR, cm_console_reference_delete),
    ASK("try/evidence", cm_console_try_evidence),
    ASK("try/token", cm_console_try_token),
};

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct console *c = calloc(1, sizeof(*c));

    (void)why;
    if (c == NULL) {
        return CM_ERR_NOMEM;
    }
    c->service = s;
    c->started = cm_service_now(s);
    *state = c;
    return CM_OK;
}

const struct cm_module cm_console_module = {
    .name = "console",
    .routes = console_routes,
    .route_count = sizeof(console_routes) / sizeof(console_routes[0]),
    .start = start,
    .stop = free,
};
