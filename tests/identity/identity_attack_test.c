/* Somebody who can write the store, or who has another root key, gets no token accepted and no key (I6). */
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "identity/identity_keys.h"
#include "identity_kit.h"
#include "token/jws.h"

/* Another service over the same store; what its start comes to. */
static enum cm_status start_beside(struct cm_keep *keep, const char *host, struct cm_why *why)
{
    struct cm_service_config config = *cm_service_config(kit_service());
    const char *const hosts[] = {host, NULL};
    struct cm_service *s = NULL;
    enum cm_status st = CM_OK;

    config.keep = keep;
    if (host != NULL) {
        config.more_hosts = hosts;
    }
    why->text[0] = '\0';
    st = cm_service_create(&config, &s, why);
    cm_service_stop(s, 1);
    return st;
}

TEST(another_root_key_opens_nothing)
{
    struct cm_keep *other = NULL;
    struct cm_why why = {""};
    char root[300] = "";
    char store[300] = "";

    start_identity();
    (void)snprintf(root, sizeof(root), "%s.other", kit_root);
    (void)snprintf(store, sizeof(store), "sqlite:%s.db", kit_root);
    other = open_keep(store, root); /* as good a key as ours, of another store */
    CHECK_EQ(start_beside(other, NULL, &why), CM_ERR_SIGNATURE);
    CHECK(strstr(why.text, "another root key") != NULL);
    CHECK_EQ(start_beside(NULL, NULL, &why), CM_ERR_PARAM);
    CHECK_EQ(start_beside(kit_keep, NULL, &why), CM_OK);
    cm_keep_close(other);
    (void)unlink(root);
    (void)unlink(store + strlen("sqlite:"));
    stop_identity();
}

/* What becomes of a start over a store that was changed so; the store is as before afterwards. */
static enum cm_status start_over(const char *const *changes, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    on_store("CREATE TABLE saved_ca AS SELECT * FROM identity_ca");
    on_store("CREATE TABLE saved_key AS SELECT * FROM identity_key");
    for (size_t i = 0; changes[i] != NULL; i++) {
        on_store(changes[i]);
    }
    st = start_beside(kit_keep, NULL, why);
    on_store("DELETE FROM identity_ca");
    on_store("DELETE FROM identity_key");
    on_store("INSERT INTO identity_ca SELECT * FROM saved_ca");
    on_store("INSERT INTO identity_key SELECT * FROM saved_key");
    on_store("DROP TABLE saved_ca");
    on_store("DROP TABLE saved_key");
    return st;
}

TEST(a_key_counts_only_in_its_own_place)
{
    static const char *const places[][3] = {
        {"UPDATE identity_key SET wrapped = (SELECT k.wrapped FROM identity_key k"
         " WHERE k.signer = 'release') WHERE signer = 'token'"},
        /* a result is not signed by what releases keys */
        {"DELETE FROM identity_key WHERE signer = 'result'",
         "UPDATE identity_key SET signer = 'result' WHERE signer = 'release'"},
        {"UPDATE identity_ca SET cert = (SELECT cert FROM identity_key WHERE signer = 'token')"},
        /* the certificate of one key, the private part of another */
        {"UPDATE identity_key SET cert = (SELECT k.cert FROM identity_key k"
         " WHERE k.signer = 'token') WHERE signer = 'release'"},
    };
    static const char *const nothing[] = {NULL};
    struct cm_why why = {""};

    start_identity();
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CHECK_EQ(start_over(places[i], &why), CM_ERR_SIGNATURE);
    }
    CHECK_EQ(start_over(nothing, &why), CM_OK);
    stop_identity();
}

TEST(damage_is_said)
{
    static const char *const damages[][2] = {
        {"UPDATE identity_key SET made = -1"},
        {"UPDATE identity_key SET cert = 'none'"},
        {"UPDATE identity_key SET wrapped = ''"},
        {"UPDATE identity_key SET signer = 'somebody' WHERE signer = 'token'"},
        {"UPDATE identity_ca SET cert = ''"},
    };

    start_identity();
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct cm_why why = {""};

        CHECK(start_over(damages[i], &why) != CM_OK);
        CHECK(why.text[0] != '\0');
    }
    stop_identity();
}

/* Key and certificate of a stranger as a row that was retired a second ago. */
static enum cm_status put_forged(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct cm_identity_row *row = arg;
    const struct cm_db_value v[] = {cm_db_text(row->kid), cm_db_text(row->cert),
                                    cm_db_blob(cm_span_make(row->wrapped, row->wrapped_len)),
                                    cm_db_int(row->made), cm_db_int(row->made)};

    return cm_db_run(db,
                     "INSERT INTO identity_key (kid, signer, name, cert, wrapped, made, retired)"
                     " VALUES (?, 'result', 'x', ?, ?, ?, ?)",
                     cm_db_with(v, 5), cm_db_nowhere(), why);
}

static char *forge_token(const struct cm_privkey *key, const char *kid)
{
    static char token[4096];
    char header[200] = "";

    (void)snprintf(header, sizeof(header), "\"kid\":\"%s\"", kid);
    if (cm_jws_sign(key, CM_SIG_ES256, header, cm_span_make("{\"a\":1}", 7), token,
                    sizeof(token)) != CM_OK) {
        abort();
    }
    return token;
}

TEST(a_strangers_key_in_the_store_is_no_key_of_the_service)
{
    struct cm_identity_row row = {.signer = "result", .made = (int64_t)time(NULL)};
    struct cm_cert_wanted want = {.use = CM_CERT_TOKEN, .cn = "x", .not_after = 4000000000u};
    struct cm_privkey *key = NULL;
    struct cm_keep *other = NULL;
    struct cm_why why = {""};
    char root[300] = "";
    char store[300] = "";

    start_identity();
    (void)snprintf(root, sizeof(root), "%s.other", kit_root);
    (void)snprintf(store, sizeof(store), "sqlite:%s.db", kit_root);
    other = open_keep(store, root);
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &key) == CM_OK);
    want.key = key;
    CHECK_EQ(cm_cert_make(&want, &row.cert, &why), CM_OK);
    CHECK_EQ(cm_cert_kid(key, row.kid), CM_OK);
    CHECK_EQ(cm_identity_wrap(other, key, &row, &why), CM_OK);
    CHECK_EQ(cm_service_write(kit_service(), put_forged, &row, &why), CM_OK);
    cm_service_tick(kit_service()); /* it reads the store anew, and keeps what it had */
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_RESULT, forge_token(key, row.kid)),
             CM_ERR_SIGNATURE);
    CHECK_EQ(published(kit_service(), CM_SIGNER_RESULT), 1);
    CHECK_EQ(start_beside(kit_keep, NULL, &why), CM_ERR_SIGNATURE);
    free(row.cert);
    free(row.wrapped);
    cm_privkey_free(key);
    cm_keep_close(other);
    (void)unlink(root);
    (void)unlink(store + strlen("sqlite:"));
    stop_identity();
}

/* Whether bytes stand in a file of the store. */
static bool stands_in(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long size = 0;
    bool found = false;

    if (f == NULL) {
        return false;
    }
    (void)fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    text = malloc((size_t)size + 1);
    size = (long)fread(text, 1, (size_t)size, f);
    found = memmem(text, (size_t)size, bytes, len) != NULL;
    (void)fclose(f);
    free(text);
    return found;
}

static size_t prime_of(const struct cm_privkey *key, uint8_t out[256])
{
    BIGNUM *n = NULL;
    size_t len = 0;

    if (EVP_PKEY_get_bn_param(cm_privkey_evp(key), OSSL_PKEY_PARAM_RSA_FACTOR1, &n) == 1) {
        len = (size_t)BN_bn2bin(n, out);
    }
    BN_clear_free(n);
    return len;
}

TEST(no_private_number_stands_in_the_store)
{
    struct cm_identity_rows rows = {0};
    struct cm_why why = {""};
    size_t searched = 0;

    start_identity();
    if (strncmp(kit_store(), "sqlite:", 7) != 0) {
        stop_identity();
        SKIP("the store is not a file");
    }
    CHECK_EQ(cm_identity_read(kit_service(), &rows, &why), CM_OK);
    for (size_t i = 0; i < rows.count; i++) {
        struct cm_privkey *key = NULL;
        uint8_t prime[256];
        char path[300] = "";
        size_t len = 0;

        CHECK_EQ(cm_identity_unwrap(kit_keep, rows.keys[i], &key, &why), CM_OK);
        len = prime_of(key, prime);
        if (len != 0) {
            searched++;
            (void)snprintf(path, sizeof(path), "%s", kit_store() + 7);
            CHECK(
                stands_in(path, (const uint8_t *)"identity_key", 12)); /* the search does search */
            CHECK(!stands_in(path, prime, len));
            (void)snprintf(path, sizeof(path), "%s-wal", kit_store() + 7);
            CHECK(!stands_in(path, prime, len));
            CHECK(!stands_in(path, (const uint8_t *)"PRIVATE KEY", 11));
        }
        cm_privkey_free(key);
    }
    CHECK_EQ(searched, 2);
    cm_identity_rows_free(&rows);
    stop_identity();
}

TEST(a_name_that_is_none_is_refused_at_the_start)
{
    static const char *const names[] = {"two words", "a,b", "", "x\ny", "a*b"};
    struct cm_why why = {""};

    start_identity();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_EQ(start_beside(kit_keep, names[i], &why), CM_ERR_PARAM);
        CHECK(strstr(why.text, "no host name") != NULL);
    }
    CHECK_EQ(start_beside(kit_keep, "[2001:db8::1]:443", &why), CM_OK);
    stop_identity();
}

TEST_MAIN
