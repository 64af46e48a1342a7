/* What tests of whom the vault believes share: keys of another issuer, and that issuer as a second service. */
#ifndef CM_TESTS_VAULT_ISSUER_KIT_H
#define CM_TESTS_VAULT_ISSUER_KIT_H

#include "harness.h"

#include "kit_cert.h"
#include "vault_kit.h"

/* A key of another issuer, as JWK with or without its alg. */
static inline json_t *issuer_jwk(const struct cm_privkey *key, const char *kid, const char *alg)
{
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66];
    uint8_t y[66];
    size_t n = 0;
    json_t *out = NULL;

    if (cm_privkey_public(key, &pub) == CM_OK && cm_pubkey_ec(pub, &curve, x, y, &n) == CM_OK) {
        char *x64 = b64(x, n);
        char *y64 = b64(y, n);

        out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "kty", "EC", "crv", "P-256", "kid", kid,
                        "x", x64, "y", y64, "alg", alg);
        free(x64);
        free(y64);
    } else {
        char *m = modulus(key);

        out = json_pack("{s:s, s:s, s:s, s:s, s:s*}", "kty", "RSA", "kid", kid, "n", m, "e", "AQAB",
                        "alg", alg);
        free(m);
    }
    cm_pubkey_free(pub);
    return out;
}

/* An issuer of its own: a second service, which publishes keys as it is told. */
static json_t *published;
static char metadata_says[256];
static int asked;
static void (*meanwhile)(void); /* what happens in the vault while it waits for keys */

static inline void serve_metadata(struct cm_call *call, void *state)
{
    (void)state;
    asked++;
    cm_call_answer_json(call, 200, json_pack("{s:s}", "jwks_uri", metadata_says));
}

static inline void serve_keys(struct cm_call *call, void *state)
{
    (void)state;
    if (meanwhile != NULL) {
        meanwhile();
    }
    cm_call_answer_json(call, 200, json_deep_copy(published));
}

static const struct cm_route issuer_routes[] = {
    {CM_WEB_GET, "/.well-known/openid-configuration", 0, CM_API_NATIVE, true, serve_metadata,
     false},
    {CM_WEB_GET, "/certs", 0, CM_API_NATIVE, true, serve_keys, false},
};
static const struct cm_module issuer_module = {
    .name = "issuer", .routes = issuer_routes, .route_count = 2};
static const struct cm_module *const issuer_modules[] = {&issuer_module, NULL};

/* One certificate for both issuers: TLS would let us go from one to the other. */
static inline void shared_tls(struct cm_service *service, char **ca, char **cert, char **key)
{
    static const char *const names[] = {"localhost", NULL};
    static char *made[3];

    (void)service;
    if (made[0] == NULL) {
        kit_make_certificate(names, &made[0], &made[1], &made[2]);
    }
    *ca = strdup(made[0]);
    *cert = strdup(made[1]);
    *key = strdup(made[2]);
}

/* An issuer at a loopback address, on the vault's list, with one key "1". The vault is asked again. */
static inline struct kit *list_issuer(const struct cm_privkey *key, char address[128])
{
    const struct kit_options options = {.modules = issuer_modules, .tls = shared_tls};
    struct kit *vault = kit_current();
    struct kit *issuer = kit_open(&options);
    char ca[256] = "";

    kit_use(issuer);
    (void)snprintf(address, 128, "%s", kit_url());
    (void)snprintf(metadata_says, sizeof(metadata_says), "%s/certs", address);
    (void)snprintf(ca, sizeof(ca), "%s", kit_ca_file());
    json_decref(published);
    published = json_pack("{s:[o]}", "keys", issuer_jwk(key, "1", "ES256"));
    asked = 0;
    kit_use(vault);
    CHECK_EQ(kit_post_json("/vault/issuers", "admin",
                           json_pack("{s:s, s:s}", "issuer", address, "ca_file", ca))
                 ->status,
             200);
    return issuer;
}

#endif
