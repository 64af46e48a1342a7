/* The module's routes; see maa.h. */
#include "maa/maa_private.h"

#define ATTEST(where, how)                                                           \
    {                                                                                \
        .methods = CM_WEB_POST, .path = (where), .api = CM_API_MAA, .at_once = true, \
        .serve = (how)                                                               \
    }
#define POLICY(what, where, who, how)                                                         \
    {                                                                                         \
        .methods = (what), .path = (where), .roles = (who), .api = CM_API_MAA, .serve = (how) \
    }
#define PUBLIC(where, form, how)                                                              \
    {                                                                                         \
        .methods = CM_WEB_GET, .path = (where), .api = (form), .at_once = true, .cors = true, \
        .serve = (how)                                                                        \
    }
#define NATIVE(where, how)                                                              \
    {                                                                                   \
        .methods = CM_WEB_POST, .path = (where), .api = CM_API_NATIVE, .at_once = true, \
        .serve = (how)                                                                  \
    }

static const struct cm_route routes[] = {
    ATTEST("/attest/SgxEnclave", cm_maa_attest_sgx),
    ATTEST("/attest/OpenEnclave", cm_maa_attest_oe),
    ATTEST("/attest/SevSnpVm", cm_maa_attest_snp),
    ATTEST("/attest/TdxVm", cm_maa_attest_tdx),
    ATTEST("/attest/AzureGuest", cm_maa_attest_guest),
    ATTEST("/attest/Tpm", cm_maa_attest_tpm),
    /* the paths of 2018 */
    ATTEST("/attest/Tee/SgxEnclave", cm_maa_attest_sgx),
    ATTEST("/attest/Tee/OpenEnclave", cm_maa_attest_oe),

    POLICY(CM_WEB_GET, "/policies/{type}", CM_ROLE_READERS, cm_maa_policy_get),
    POLICY(CM_WEB_PUT, "/policies/{type}", CM_ROLE_WRITERS, cm_maa_policy_set),
    POLICY(CM_WEB_POST, "/policies/{type}:reset", CM_ROLE_WRITERS, cm_maa_policy_reset),
    POLICY(CM_WEB_GET, "/certificates", CM_ROLE_READERS, cm_maa_certificates_get),
    POLICY(CM_WEB_POST, "/certificates:add", CM_ROLE_WRITERS, cm_maa_certificates_add),
    POLICY(CM_WEB_POST, "/certificates:remove", CM_ROLE_WRITERS, cm_maa_certificates_remove),
    POLICY(CM_WEB_GET, "/tcbbaselines/{type}", CM_ROLE_READERS, cm_maa_baselines),

    PUBLIC("/certs", CM_API_MAA, cm_maa_certs),
    PUBLIC("/.well-known/openid-configuration", CM_API_MAA, cm_maa_metadata),
    PUBLIC("/.well-known/jwks.json", CM_API_NATIVE, cm_maa_native_keys),

    NATIVE("/api/v1/attest", cm_maa_native_attest),
    NATIVE("/api/v1/nonce", cm_maa_native_nonce),
};

const struct cm_module cm_maa_module = {
    .name = "maa",
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
};
