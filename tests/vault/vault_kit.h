/*
 * What the tests of the vault share: a service with identity and vault over a root key in a file, tokens of
 * that service about an enclave of the test's, and the opening of what was released to it.
 */
#ifndef CM_TESTS_VAULT_KIT_H
#define CM_TESTS_VAULT_KIT_H

#include <openssl/x509v3.h>
#include <time.h>
#include <unistd.h>

#include "unwrap_pad.h"

#include "crypto/keyenc.h"
#include "identity/identity.h"
#include "keep/keep.h"
#include "service_kit.h"
#include "token/base64.h"
#include "token/jws.h"
#include "vault/vault.h"

#define API "?api-version=7.4"

/* searched for in everything that leaves the service */
#define SECRET_BYTES "casemate-secret-of-32-bytes-here"
#define SECRET_B64   "Y2FzZW1hdGUtc2VjcmV0LW9mLTMyLWJ5dGVzLWhlcmU"

static const struct cm_module *const vault_modules[] = {&cm_identity_module, &cm_vault_module,
                                                        NULL};

static struct cm_keep *vault_keep;
static char vault_root[300];

static inline void prepare_vault(struct cm_service_config *config)
{
    if (vault_keep == NULL) {
        struct cm_db *db = NULL;
        struct cm_why why = {""};
        char cwd[128] = "";
        char where[320] = "";

        if (getcwd(cwd, sizeof(cwd)) == NULL) {
            abort();
        }
        (void)snprintf(vault_root, sizeof(vault_root), "%s/vault-root-%ld.key", cwd,
                       (long)getpid());
        (void)unlink(vault_root);
        (void)snprintf(where, sizeof(where), "file:%s", vault_root);
        if (cm_db_open(config->store, &db, &why) != CM_OK ||
            cm_keep_open(where, db, &vault_keep, &why) != CM_OK) {
            (void)printf("keep: %s\n", why.text);
            abort();
        }
        cm_db_close(db);
    }
    config->keep = vault_keep;
}

static inline void vault_tls(struct cm_service *s, char **ca, char **cert, char **key)
{
    struct cm_why why = {""};

    *ca = strdup(cm_identity_ca_pem(s));
    if (cm_identity_tls(s, cert, key, &why) != CM_OK) {
        (void)printf("tls: %s\n", why.text);
        abort();
    }
}

static inline struct kit_options vault_options(void)
{
    static const char *const hosts[] = {"kv.vault.test", NULL};

    return (struct kit_options){.modules = vault_modules,
                                .more_hosts = hosts,
                                .vault_domain = "vault.test",
                                .prepare = prepare_vault,
                                .tls = vault_tls};
}

static inline void end_vault(void)
{
    kit_stop();
    cm_keep_close(vault_keep);
    vault_keep = NULL;
    (void)unlink(vault_root);
}

static inline enum cm_status run_sql(struct cm_db *db, void *arg, struct cm_why *why)
{
    static const char *const tables[] = {"DELETE FROM vault_version", "DELETE FROM vault_object",
                                         "DELETE FROM vault_release", "DELETE FROM vault_issuer"};
    enum cm_status st = CM_OK;

    (void)arg;
    for (size_t i = 0; i < 4 && st == CM_OK; i++) {
        st = cm_db_run(db, tables[i], cm_db_none(), cm_db_nowhere(), why);
    }
    return st;
}

/* An empty vault. One service for the whole program: its keys take time. */
static inline void start_vault(void)
{
    const struct kit_options options = vault_options();

    kit_set_clock((uint64_t)time(NULL)); /* the client verifies certificates by the real one */
    if (kit_current() == NULL) {
        (void)kit_start_with(&options);
        (void)atexit(end_vault);
    } else if (cm_service_write(kit_service(), run_sql, NULL, NULL) != CM_OK) {
        abort();
    }
}

/* ------------------------------------------------------------------- bodies */

static inline char *b64(const void *bytes, size_t len)
{
    size_t n = 0;
    char *out = malloc(CM_BASE64_ENCODED(len) + 1);

    if (out == NULL || cm_base64url_encode(cm_span_make(bytes, len), out,
                                           CM_BASE64_ENCODED(len) + 1, &n) != CM_OK) {
        abort();
    }
    out[n] = '\0';
    return out;
}

/* A release policy for tokens of an issuer (NULL: this service) whose claim "who" is "enclave". */
static inline char *policy_text(const char *issuer, const char *condition)
{
    static char text[2048];

    (void)snprintf(text, sizeof(text),
                   "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"%s\",\"allOf\":[%s]}]}",
                   issuer == NULL ? kit_url() : issuer,
                   condition == NULL ? "{\"claim\":\"x-ms-sgx-mrenclave\",\"equals\":\"aa\"}"
                                     : condition);
    return text;
}

static inline json_t *policy_json(const char *text, bool immutable)
{
    char *data = b64(text, strlen(text));
    json_t *out = json_pack("{s:s, s:s, s:b}", "contentType", "application/json; charset=utf-8",
                            "data", data, "immutable", immutable);

    free(data);
    return out;
}

/* The body of an import of the secret bytes. */
static inline json_t *secret_import(const char *policy)
{
    return json_pack("{s:{s:s, s:s, s:[s,s]}, s:{s:b}, s:o}", "key", "kty", "oct-HSM", "k",
                     SECRET_B64, "key_ops", "encrypt", "decrypt", "attributes", "exportable", 1,
                     "release_policy", policy_json(policy, false));
}

static inline struct kit_answer *put_json(const char *path, const char *token, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    struct kit_answer *a = NULL;

    json_decref(body);
    if (text == NULL) {
        abort();
    }
    a = kit_put(path, token, text);
    free(text);
    return a;
}

static inline struct kit_answer *patch_json(const char *path, const char *token, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    struct kit_answer *a = NULL;

    json_decref(body);
    if (text == NULL) {
        abort();
    }
    a = kit_patch(path, token, text);
    free(text);
    return a;
}

/* ------------------------------------------------------------------ enclaves */

/* The key of the test's enclave, and others. Made once: RSA takes its time. */
static inline struct cm_privkey *tee_key(unsigned bits)
{
    static struct cm_privkey *keys[3];
    size_t i = bits == 2048 ? 0 : bits == 3072 ? 1 : 2;

    if (keys[i] == NULL && cm_privkey_generate(CM_CURVE_P256, bits, &keys[i]) != CM_OK) {
        abort();
    }
    return keys[i];
}

/* base64url of n of a key, whose e is 65537. */
static inline char *modulus(const struct cm_privkey *key)
{
    BIGNUM *n = NULL;
    uint8_t bytes[1024];
    int len = 0;

    if (EVP_PKEY_get_bn_param(cm_privkey_evp(key), "n", &n) != 1) {
        abort();
    }
    len = BN_bn2bin(n, bytes);
    BN_free(n);
    return b64(bytes, (size_t)len);
}

static inline json_t *tee_jwk(const struct cm_privkey *key)
{
    char *n = modulus(key);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "kty", "RSA", "kid", "tee-key", "n", n,
                            "e", "AQAB", "key_ops", "encrypt");

    free(n);
    return out;
}

/* Claims that the usual policy accepts. */
static inline json_t *good_claims(const char *issuer)
{
    const json_int_t now = (json_int_t)kit_now();

    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:b, s:{s:[o]}}", "iss",
                     issuer == NULL ? kit_url() : issuer, "iat", now, "nbf", now, "exp",
                     now + 28800, "jti", "0123456789abcdef0123456789abcdef",
                     "x-ms-attestation-type", "sgx", "x-ms-sgx-mrenclave", "aa",
                     "x-ms-sgx-is-debuggable", 0, "x-ms-runtime", "keys", tee_jwk(tee_key(2048)));
}

/* Sign claims as this service does. Takes the reference; the caller frees. */
static inline char *own_token(json_t *claims)
{
    const struct cm_token_form form = {.type = "JWT", .jku = NULL, .x5c = false};
    char *text = json_dumps(claims, JSON_COMPACT);
    struct cm_why why = {""};
    char *out = NULL;

    json_decref(claims);
    if (text == NULL || cm_identity_sign(kit_service(), CM_SIGNER_TOKEN, &form,
                                         cm_span_make(text, strlen(text)), &out, &why) != CM_OK) {
        (void)printf("sign: %s\n", why.text);
        abort();
    }
    free(text);
    return out;
}

/* Sign them with any key. */
static inline char *other_token(const struct cm_privkey *key, enum cm_sig_alg alg,
                                const char *header, json_t *claims)
{
    char *text = json_dumps(claims, JSON_COMPACT);
    size_t cap = 65536;
    char *out = malloc(cap);

    json_decref(claims);
    if (text == NULL || out == NULL ||
        cm_jws_sign(key, alg, header, cm_span_make(text, strlen(text)), out, cap) != CM_OK) {
        abort();
    }
    free(text);
    return out;
}

static inline struct kit_answer *ask_release(const char *path, const char *token, const char *enc,
                                             const char *nonce)
{
    return kit_post_json(
        path, "client",
        json_pack("{s:s, s:s*, s:s*}", "target", token, "enc", enc, "nonce", nonce));
}

/* ------------------------------------------------------------------- opening */

static inline json_t *part_json(struct cm_span text)
{
    uint8_t *bytes = malloc(text.len + 1);
    size_t n = 0;
    json_t *out = NULL;

    if (bytes == NULL || cm_base64url_decode(text, bytes, text.len + 1, &n) != CM_OK) {
        free(bytes);
        return NULL;
    }
    out = json_loadb((const char *)bytes, n, 0, NULL);
    free(bytes);
    return out;
}

/* The payload of the JWS of the last answer, verified by the certificate in its header. A new reference. */
static inline json_t *released_payload(void)
{
    const char *value = kit_string("value");
    struct cm_jws *jws = malloc(sizeof(*jws));
    struct cm_span text = {NULL, 0};
    struct cm_why why = {""};
    json_t *header = NULL;
    json_t *payload = NULL;
    const char *leaf = NULL;
    const unsigned char *at = NULL;
    uint8_t der[4096];
    size_t len = 0;
    X509 *cert = NULL;
    struct cm_pubkey *key = NULL;

    if (value != NULL && jws != NULL &&
        cm_jws_parse(cm_span_make(value, strlen(value)), jws, &why) == CM_OK) {
        text = cm_span_make(value, strcspn(value, "."));
        header = part_json(text);
        leaf = json_string_value(json_array_get(json_object_get(header, "x5c"), 0));
    }
    if (leaf != NULL &&
        cm_base64_decode(cm_span_make(leaf, strlen(leaf)), der, sizeof(der), &len) == CM_OK) {
        at = der;
        cert = d2i_X509(NULL, &at, (long)len);
    }
    if (cert != NULL && cm_pubkey_from_evp(X509_get0_pubkey(cert), &key) == CM_OK &&
        cm_jws_verify(jws, key, CM_SIG_RS256) == CM_OK &&
        X509_check_host(cert, "kv.vault.test", 0, 0, NULL) == 1) {
        payload = part_json(jws->payload_text);
    }
    cm_pubkey_free(key);
    X509_free(cert);
    json_decref(header);
    free(jws);
    return payload;
}

/* What the last answer released to a key, opened by it. The length; 0: not opened. */
static inline size_t open_released(const struct cm_privkey *key, const char *enc, uint8_t *out,
                                   size_t cap)
{
    static const struct {
        const char *enc;
        enum cm_oaep oaep;
    } encs[] = {{"CKM_RSA_AES_KEY_WRAP", CM_OAEP_SHA1},
                {"RSA_AES_KEY_WRAP_256", CM_OAEP_SHA256},
                {"RSA_AES_KEY_WRAP_384", CM_OAEP_SHA384}};
    json_t *payload = released_payload();
    json_t *k =
        json_object_get(json_object_get(json_object_get(payload, "response"), "key"), "key");
    const char *hsm = json_string_value(json_object_get(k, "key_hsm"));
    json_t *box = hsm == NULL ? NULL : part_json(cm_span_make(hsm, strlen(hsm)));
    json_t *header = json_object_get(box, "header");
    const char *text = json_string_value(json_object_get(box, "ciphertext"));
    const char *said = json_string_value(json_object_get(header, "enc"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    uint8_t cipher[8192];
    uint8_t kek[CM_KEYENC_MAX_RSA];
    size_t len = 0;
    size_t n = 0;
    size_t head = (size_t)EVP_PKEY_get_size(cm_privkey_evp(key));

    if (text != NULL && said != NULL && strcmp(said, enc) == 0 && kid != NULL &&
        strcmp(kid, "tee-key") == 0 &&
        cm_base64url_decode(cm_span_make(text, strlen(text)), cipher, sizeof(cipher), &len) ==
            CM_OK &&
        len > head && len - head <= cap) {
        for (size_t i = 0; i < 3; i++) {
            if (strcmp(enc, encs[i].enc) == 0 &&
                cm_oaep_decrypt(key, encs[i].oaep, cm_span_make(cipher, head), kek, &n) == CM_OK &&
                n == 32) {
                n = unwrap_pad(kek, cipher + head, len - head, out);
            } else if (strcmp(enc, encs[i].enc) == 0) {
                n = 0;
            }
        }
    }
    json_decref(box);
    json_decref(payload);
    return n;
}

#endif
