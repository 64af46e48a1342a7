/* What the tests of the service's identity share: a service with that module over a root key in a file. */
#ifndef CM_TESTS_IDENTITY_KIT_H
#define CM_TESTS_IDENTITY_KIT_H

#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "identity/identity.h"
#include "keep/keep.h"
#include "service_kit.h"

static const struct cm_module *const identity_modules[] = {&cm_identity_module, NULL};

/* the root key of the stores of this program's services: one file a store */
static struct cm_keep *kit_keep;
static char kit_root[256];

static inline struct cm_keep *open_keep(const char *store, const char *root)
{
    struct cm_db *db = NULL;
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    char where[300] = "";

    (void)snprintf(where, sizeof(where), "file:%s", root);
    if (cm_db_open(store, &db, &why) != CM_OK || cm_keep_open(where, db, &keep, &why) != CM_OK) {
        (void)printf("keep: %s\n", why.text);
        abort();
    }
    cm_db_close(db);
    return keep;
}

/* Before a service is made: its store's root key, made with the store. */
static inline void prepare_keep(struct cm_service_config *config)
{
    if (kit_keep == NULL) {
        char cwd[128] = "";

        if (getcwd(cwd, sizeof(cwd)) == NULL) {
            abort();
        }
        (void)snprintf(kit_root, sizeof(kit_root), "%s/identity-root-%ld.key", cwd, (long)getpid());
        (void)unlink(kit_root);
        kit_keep = open_keep(config->store, kit_root);
    }
    config->keep = kit_keep;
}

static inline void own_tls(struct cm_service *s, char **ca_pem, char **cert_pem, char **key_pem)
{
    struct cm_why why = {""};

    *ca_pem = strdup(cm_identity_ca_pem(s));
    if (cm_identity_tls(s, cert_pem, key_pem, &why) != CM_OK) {
        (void)printf("tls: %s\n", why.text);
        abort();
    }
}

static const char *const identity_hosts[] = {"mirror.test", NULL};

static inline struct kit_options identity_options(void)
{
    return (struct kit_options){.modules = identity_modules,
                                .more_hosts = identity_hosts,
                                .vault_domain = "vault.test",
                                .prepare = prepare_keep,
                                .tls = own_tls};
}

static inline void start_identity(void)
{
    const struct kit_options options = identity_options();

    kit_set_clock((uint64_t)time(NULL)); /* the client verifies certificates by the real one */
    (void)kit_start_with(&options);
}

static inline void stop_identity(void)
{
    kit_stop();
    cm_keep_close(kit_keep);
    kit_keep = NULL;
    (void)unlink(kit_root);
}

/* For tests that only look: one service for all of them, since making keys takes its time. Until one of the
 * others comes, which stops it. */
static inline void use_identity(void)
{
    if (kit_current() == NULL) {
        start_identity();
    }
}

static inline void begin_identity(void)
{
    if (kit_current() != NULL) {
        stop_identity();
    }
    start_identity();
}

static inline char *sign_as(struct cm_service *s, enum cm_signer signer, bool x5c)
{
    const struct cm_token_form form = {"JWT", "https://a.test/certs", x5c};
    static const char payload[] = "{\"a\":1}";
    struct cm_why why = {""};
    char *token = NULL;

    if (cm_identity_sign(s, signer, &form, (struct cm_span){(const uint8_t *)payload, 7}, &token,
                         &why) != CM_OK) {
        (void)printf("sign: %s\n", why.text);
        return strdup("");
    }
    return token;
}

static inline enum cm_status verify_as(struct cm_service *s, enum cm_signer signer,
                                       const char *token)
{
    struct cm_why why = {""};
    json_t *payload = NULL;
    enum cm_status st = cm_identity_verify(
        s, signer, (struct cm_span){(const uint8_t *)token, strlen(token)}, &payload, &why);

    if (st == CM_OK && json_integer_value(json_object_get(payload, "a")) != 1) {
        st = CM_ERR_STATE;
    }
    json_decref(payload);
    return st;
}

/* The kid that signs; the caller frees it. */
static inline char *kid_of(struct cm_service *s, enum cm_signer signer)
{
    json_t *set = cm_identity_jwks(s, signer);
    const char *kid =
        json_string_value(json_object_get(json_array_get(json_object_get(set, "keys"), 0), "kid"));
    char *copy = strdup(kid == NULL ? "" : kid);

    json_decref(set);
    return copy;
}

static inline size_t published(struct cm_service *s, enum cm_signer signer)
{
    json_t *set = cm_identity_jwks(s, signer);
    size_t n = json_array_size(json_object_get(set, "keys"));

    json_decref(set);
    return n;
}

/* One statement on the store of the running service, behind its back. */
static inline void on_store(const char *sql)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(kit_store(), &db, &why) != CM_OK ||
        cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), &why) != CM_OK) {
        (void)printf("%s: %s\n", sql, why.text);
        abort();
    }
    cm_db_close(db);
}

#endif
