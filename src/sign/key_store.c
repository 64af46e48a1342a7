/*
 * Signing keys behind an OpenSSL engine (PKCS#11 tokens in Debian 12) or an
 * OpenSSL 3 provider. The key never enters this process's hands: only its
 * public half and signatures do. Called by tools/oesign.c.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: what HSM vendors ship today */

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "common/try.h"
#include "crypto/crypto.h"
#include "sign/sign.h"

struct cm_key_store {
    ENGINE *engine;
    OSSL_PROVIDER *provider;
    OSSL_PROVIDER *fallback; /* loading any provider by name stops the automatic loading of it */
};

/* The deepest of OpenSSL's reasons, for the text. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason != NULL ? reason : "no reason given";
}

static ENGINE *find_engine(const char *name, const char *load_path)
{
    ENGINE *e = NULL;

    if (load_path == NULL) {
        return ENGINE_by_id(name); /* also looks into OpenSSL's folder of engines */
    }
    e = ENGINE_by_id("dynamic");
    if (e != NULL && (ENGINE_ctrl_cmd_string(e, "SO_PATH", load_path, 0) != 1 ||
                      ENGINE_ctrl_cmd_string(e, "ID", name, 0) != 1 ||
                      ENGINE_ctrl_cmd_string(e, "LOAD", NULL, 0) != 1)) {
        ENGINE_free(e);
        e = NULL;
    }
    return e;
}

static ENGINE *open_engine(const char *name, const char *load_path)
{
    ENGINE *e = NULL;

    ENGINE_load_builtin_engines();
    e = find_engine(name, load_path);
    if (e != NULL && ENGINE_init(e) != 1) {
        ENGINE_free(e);
        e = NULL;
    }
    return e;
}

enum cm_status cm_key_store_open(const char *name, const char *load_path, struct cm_key_store **out,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_key_store *store = NULL;

    *out = NULL;
    store = calloc(1, sizeof(*store));
    if (store == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    store->engine = open_engine(name, load_path);
    if (store->engine == NULL) {
        ERR_clear_error();
        if (load_path != NULL && OSSL_PROVIDER_set_default_search_path(NULL, load_path) != 1) {
            st = CM_ERR_CRYPTO;
            goto out;
        }
        store->provider = OSSL_PROVIDER_load(NULL, name);
        store->fallback = OSSL_PROVIDER_load(NULL, "default");
        if (store->provider == NULL || store->fallback == NULL) {
            cm_why_set(why, "neither an OpenSSL engine nor a provider '%s' can be loaded%s%s (%s)",
                       name, load_path != NULL ? " from " : "", load_path != NULL ? load_path : "",
                       openssl_reason());
            st = CM_ERR_NOTFOUND;
            goto out;
        }
    }
    *out = store;
    store = NULL;
out:
    ERR_clear_error();
    cm_key_store_close(store);
    return st;
}

void cm_key_store_close(struct cm_key_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->engine != NULL) {
        (void)ENGINE_finish(store->engine);
        (void)ENGINE_free(store->engine);
    }
    if (store->provider != NULL) {
        (void)OSSL_PROVIDER_unload(store->provider);
    }
    if (store->fallback != NULL) {
        (void)OSSL_PROVIDER_unload(store->fallback);
    }
    free(store);
}

/* The first private key that the provider's store finds under a URI. */
static EVP_PKEY *key_from_uri(const char *uri)
{
    OSSL_STORE_CTX *ctx = OSSL_STORE_open(uri, UI_OpenSSL(), NULL, NULL, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL) {
        return NULL;
    }
    while (pkey == NULL && OSSL_STORE_eof(ctx) == 0) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(ctx);

        if (info == NULL) {
            break;
        }
        if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
            pkey = OSSL_STORE_INFO_get1_PKEY(info);
        }
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(ctx);
    return pkey;
}

enum cm_status cm_key_store_key(struct cm_key_store *store, const char *key_id,
                                struct cm_rsa_key **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    EVP_PKEY *pkey = NULL;

    *out = NULL;
    pkey = store->engine != NULL
               ? ENGINE_load_private_key(store->engine, key_id, UI_OpenSSL(), NULL)
               : key_from_uri(key_id);
    if (pkey == NULL) {
        cm_why_set(why, "no private key '%s' behind the engine or provider (%s)", key_id,
                   openssl_reason());
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(cm_rsa_key_from_evp(pkey, out, why));
    pkey = NULL;
out:
    ERR_clear_error();
    EVP_PKEY_free(pkey);
    return st;
}
