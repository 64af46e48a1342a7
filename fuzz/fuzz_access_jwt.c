/*
 * What a stranger sends to prove who he is: tokens, key sets, set-up codes, settings. The first byte chooses.
 * No input may crash, and no token that a fuzzer makes may be good.
 */
#include <stdlib.h>
#include <string.h>

#include "access/access_jwt.h"
#include "access/access_limit.h"
#include "access/access_settings.h"
#include "access/access_setup.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* A P-256 key whose private half nobody has: its x is the least from 5 on that is on the curve. */
static const char key_set[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
                              "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU\","
                              "\"y\":\"RZJDuapYGAb-kTvOmYF63hHKUDxk2aPFM0FcCDJI-8w\"}]}";

static void token(const unsigned char *data, size_t size)
{
    static struct cm_jwks set;
    static struct cm_oidc oidc;
    struct cm_who who;

    if (set.count == 0) {
        (void)snprintf(oidc.issuer, sizeof(oidc.issuer), "i");
        (void)snprintf(oidc.audience, sizeof(oidc.audience), "a");
        (void)snprintf(oidc.roles_claim, sizeof(oidc.roles_claim), "r.s");
        (void)snprintf(oidc.name_claim, sizeof(oidc.name_claim), "sub");
        if (cm_jwks_parse(cm_span_make(key_set, strlen(key_set)), &set, NULL) != CM_OK) {
            abort();
        }
    }
    if (cm_jwt_verify(cm_span_make(data, size), &oidc, &set, 1782864000, &who, NULL) == CM_OK) {
        abort();
    }
}

static void keys(const unsigned char *data, size_t size)
{
    struct cm_jwks set;

    if (cm_jwks_parse(cm_span_make(data, size), &set, NULL) == CM_OK &&
        (set.count == 0 || set.count > CM_JWKS_MAX)) {
        abort();
    }
    cm_jwks_free(&set);
}

static void code(const unsigned char *data, size_t size)
{
    uint8_t bytes[CM_SETUP_BYTES];
    uint8_t again[CM_SETUP_BYTES];
    char text[CM_SETUP_CAP];
    char peer[CM_LIMIT_PEER];
    char *given = calloc(1, size + 1);

    if (given == NULL) {
        return;
    }
    memcpy(given, data, size);
    cm_limit_peer(given, peer);
    if (cm_setup_parse(given, bytes) == CM_OK) {
        cm_setup_text(bytes, text);
        if (cm_setup_parse(text, again) != CM_OK || memcmp(bytes, again, sizeof(bytes)) != 0) {
            abort();
        }
    }
    free(given);
}

static void settings(const unsigned char *data, size_t size)
{
    static struct cm_access_settings s;
    static struct cm_access_settings again;
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *written = NULL;

    /* without a provider: looking at its address needs libcurl */
    if (json_is_object(json)) {
        (void)json_object_del(json, "oidc");
    }
    if (cm_access_settings_parse(json, &s, NULL) == CM_OK) {
        written = cm_access_settings_json(&s);
        if (cm_access_settings_parse(written, &again, NULL) != CM_OK || again.rate != s.rate ||
            again.cost.memory_kib != s.cost.memory_kib) {
            abort();
        }
    }
    json_decref(written);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static void (*const all[])(const unsigned char *, size_t) = {token, keys, code, settings};

    if (size != 0) {
        all[data[0] % 4](data + 1, size - 1);
    }
    return 0;
}
