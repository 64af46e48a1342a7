/*
 * Secure key release as it should be: each kind of key by each way of wrapping, opened again by other code
 * and by the enclave's key alone; secrets; and what is remembered of it.
 */
#include "harness.h"

#include "vault_kit.h"

#define KEY_SIZE_MAX 4096

/* The private part of a released key as a key of OpenSSL's. */
static EVP_PKEY *key_of(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
    EVP_PKEY *key = info == NULL || at != der + len ? NULL : EVP_PKCS82PKEY(info);

    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

/* A number of the key as the JWK of the answer has it. */
static void check_number(const EVP_PKEY *key, const char *param, const char *want)
{
    BIGNUM *n = NULL;
    uint8_t bytes[1024];
    char *text = NULL;

    CHECK(EVP_PKEY_get_bn_param(key, param, &n) == 1);
    text = b64(bytes, (size_t)BN_bn2binpad(n, bytes, (int)(strlen(want) * 3 / 4)));
    CHECK_STR(text, want);
    free(text);
    BN_free(n);
}

static void release_one(const char *name, const char *enc, unsigned bits)
{
    static uint8_t out[KEY_SIZE_MAX];
    char path[128] = "";
    char number[800] = "";
    bool rsa = false;
    bool oct = false;
    json_t *claims = good_claims(NULL);
    char *token = NULL;
    json_t *payload = NULL;
    EVP_PKEY *key = NULL;
    size_t n = 0;

    (void)json_object_set_new(json_object_get(claims, "x-ms-runtime"), "keys",
                              json_pack("[{s:s}, o]", "kty", "EC",
                                        tee_jwk(tee_key(bits)))); /* the first that can be used */
    token = own_token(claims);
    (void)snprintf(path, sizeof(path), "/keys/%s" API, name);
    REQUIRE(kit_get(path, "client")->status == 200);
    rsa = kit_string("key.n") != NULL;
    oct = !rsa && kit_string("key.x") == NULL;
    (void)snprintf(number, sizeof(number), "%s",
                   rsa   ? kit_string("key.n")
                   : oct ? ""
                         : kit_string("key.x"));
    (void)snprintf(path, sizeof(path), "/keys/%s/release" API, name);
    CHECK_EQ(ask_release(path, token, enc, "n-123")->status, 200);
    free(token);
    enc = enc == NULL ? "CKM_RSA_AES_KEY_WRAP" : enc;
    n = open_released(tee_key(bits), enc, out, sizeof(out));
    CHECK(n != 0);
    if (oct) {
        CHECK_EQ(n, 32);
    } else {
        key = key_of(out, n);
        REQUIRE(key != NULL);
        check_number(key, rsa ? "n" : "qx", number);
        EVP_PKEY_free(key);
    }
    payload = released_payload();
    REQUIRE(payload != NULL);
    CHECK_STR(json_string_value(json_object_get(json_object_get(payload, "request"), "enc")), enc);
    CHECK_STR(json_string_value(json_object_get(json_object_get(payload, "request"), "nonce")),
              "n-123");
    CHECK_STR(
        json_string_value(json_object_get(json_object_get(payload, "request"), "api-version")),
        "7.4");
    json_decref(payload);
}

TEST(each_kind_by_each_way)
{
    static const struct {
        const char *name;
        const char *kty;
        const char *more;
        int more_is;
        const char *crv;
    } kinds[] = {
        {"rsa2", "RSA-HSM", "key_size", 2048, NULL}, {"rsa3", "RSA", "key_size", 3072, NULL},
        {"rsa4", "RSA", "key_size", 4096, NULL},     {"ec256", "EC", NULL, 0, "P-256"},
        {"ec384", "EC-HSM", NULL, 0, "P-384"},       {"ec521", "EC", NULL, 0, "P-521"},
        {"oct", "oct-HSM", "key_size", 256, NULL},
    };
    static const char *const encs[] = {NULL, "CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256",
                                       "RSA_AES_KEY_WRAP_384"};

    start_vault();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char path[64] = "";
        json_t *body = json_pack("{s:s, s:s*, s:{s:b}, s:o}", "kty", kinds[i].kty, "crv",
                                 kinds[i].crv, "attributes", "exportable", 1, "release_policy",
                                 policy_json(policy_text(NULL, NULL), false));

        if (kinds[i].more != NULL) {
            (void)json_object_set_new(body, kinds[i].more, json_integer(kinds[i].more_is));
        }
        (void)snprintf(path, sizeof(path), "/keys/%s/create" API, kinds[i].name);
        REQUIRE(kit_post_json(path, "author", body)->status == 200);
        for (size_t e = 0; e < 4; e++) {
            release_one(kinds[i].name, encs[e], e == 2 ? 3072 : e == 3 ? 4096 : 2048);
        }
    }
}

TEST(the_answer_is_as_key_vault_gives_it)
{
    uint8_t out[64];
    char *token = NULL;
    char kid[256] = "";
    char path[256] = "";
    json_t *payload = NULL;
    json_t *key = NULL;

    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, NULL)))->status ==
            200);
    (void)snprintf(kid, sizeof(kid), "%s", kit_string("key.kid"));
    token = own_token(good_claims(NULL));
    (void)snprintf(path, sizeof(path), "/keys/k/%s/release" API, strrchr(kid, '/') + 1);
    CHECK_EQ(ask_release(path, token, NULL, NULL)->status, 200);
    CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 32);
    CHECK_MEM(out, SECRET_BYTES, 32);
    CHECK_EQ(open_released(tee_key(3072), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 0);
    payload = released_payload();
    REQUIRE(payload != NULL);
    CHECK(json_object_get(json_object_get(payload, "request"), "nonce") == NULL);
    CHECK_STR(json_string_value(json_object_get(json_object_get(payload, "request"), "kid")), kid);
    key = json_object_get(json_object_get(payload, "response"), "key");
    CHECK(json_is_true(json_object_get(json_object_get(key, "attributes"), "exportable")));
    CHECK(json_is_string(json_object_get(json_object_get(key, "release_policy"), "data")));
    key = json_object_get(key, "key");
    CHECK_EQ(json_object_size(key), 4);
    CHECK_STR(json_string_value(json_object_get(key, "kid")), kid);
    CHECK_STR(json_string_value(json_object_get(key, "kty")), "oct-HSM");
    CHECK_STR(json_string_value(json_array_get(json_object_get(key, "key_ops"), 1)), "decrypt");
    json_decref(payload);
    /* twice the same: never the same ciphertext */
    {
        char *first = strdup(kit_string("value"));

        CHECK_EQ(ask_release(path, token, NULL, NULL)->status, 200);
        CHECK(strcmp(first, kit_string("value")) != 0);
        free(first);
    }
    free(token);
}

/* Keys that others made: the same private key comes out as went in. */
TEST(imported_keys_are_released_as_they_came)
{
    static const struct {
        enum cm_curve curve;
        const char *crv;
        size_t size;
    } curves[] = {
        {CM_CURVE_P256, "P-256", 32}, {CM_CURVE_P384, "P-384", 48}, {CM_CURVE_P521, "P-521", 66}};
    static uint8_t out[KEY_SIZE_MAX];
    char *token = NULL;

    start_vault();
    token = own_token(good_claims(NULL));
    for (size_t i = 0; i < 3; i++) {
        struct cm_privkey *key = NULL;
        char *numbers[3] = {NULL};
        static const char *const params[] = {"qx", "qy", "priv"};
        EVP_PKEY *back = NULL;
        size_t n = 0;

        REQUIRE(cm_privkey_generate(curves[i].curve, 0, &key) == CM_OK);
        for (size_t k = 0; k < 3; k++) {
            BIGNUM *b = NULL;
            uint8_t bytes[66];

            REQUIRE(EVP_PKEY_get_bn_param(cm_privkey_evp(key), params[k], &b) == 1);
            (void)BN_bn2binpad(b, bytes, (int)curves[i].size);
            numbers[k] = b64(bytes, curves[i].size);
            BN_free(b);
        }
        CHECK_EQ(put_json("/keys/ec" API, "author",
                          json_pack("{s:b, s:{s:s, s:s, s:s, s:s, s:s}, s:{s:b}, s:o}", "hsm", 1,
                                    "key", "kty", "EC", "crv", curves[i].crv, "x", numbers[0], "y",
                                    numbers[1], "d", numbers[2], "attributes", "exportable", 1,
                                    "release_policy", policy_json(policy_text(NULL, NULL), false)))
                     ->status,
                 200);
        CHECK_STR(kit_string("key.kty"), "EC-HSM");
        CHECK_STR(kit_string("key.x"), numbers[0]);
        CHECK(strstr(kit_last()->body, numbers[2]) == NULL);
        CHECK_EQ(ask_release("/keys/ec/release" API, token, "RSA_AES_KEY_WRAP_256", NULL)->status,
                 200);
        n = open_released(tee_key(2048), "RSA_AES_KEY_WRAP_256", out, sizeof(out));
        back = key_of(out, n);
        CHECK(back != NULL && EVP_PKEY_eq(back, cm_privkey_evp(key)) == 1);
        EVP_PKEY_free(back);
        /* with another point, it is no key */
        CHECK_EQ(
            put_json("/keys/bad" API, "author",
                     json_pack("{s:{s:s, s:s, s:s, s:s, s:s}}", "key", "kty", "EC", "crv",
                               curves[i].crv, "x", numbers[0], "y", numbers[1], "d", numbers[0]))
                ->status,
            400);
        CHECK(strstr(kit_last()->body, numbers[0]) == NULL);
        for (size_t k = 0; k < 3; k++) {
            free(numbers[k]);
        }
        cm_privkey_free(key);
    }
    free(token);
}

static json_t *rsa_jwk(const struct cm_privkey *key)
{
    static const struct {
        const char *jwk;
        const char *param;
    } parts[] = {{"n", "n"},
                 {"e", "e"},
                 {"d", "d"},
                 {"p", "rsa-factor1"},
                 {"q", "rsa-factor2"},
                 {"dp", "rsa-exponent1"},
                 {"dq", "rsa-exponent2"},
                 {"qi", "rsa-coefficient1"}};
    json_t *out = json_pack("{s:s}", "kty", "RSA");

    for (size_t i = 0; i < 8; i++) {
        BIGNUM *b = NULL;
        uint8_t bytes[1024];
        char *text = NULL;

        if (EVP_PKEY_get_bn_param(cm_privkey_evp(key), parts[i].param, &b) != 1) {
            abort();
        }
        text = b64(bytes, (size_t)BN_bn2bin(b, bytes));
        (void)json_object_set_new(out, parts[i].jwk, json_string(text));
        free(text);
        BN_free(b);
    }
    return out;
}

TEST(imported_rsa_keys_are_checked)
{
    static const char *const parts[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    static uint8_t out[KEY_SIZE_MAX];
    json_t *jwk = NULL;
    EVP_PKEY *back = NULL;
    char *token = NULL;
    size_t n = 0;

    start_vault();
    jwk = rsa_jwk(tee_key(2048));
    CHECK_EQ(put_json("/keys/rsa" API, "author",
                      json_pack("{s:O, s:{s:b}, s:o}", "key", jwk, "attributes", "exportable", 1,
                                "release_policy", policy_json(policy_text(NULL, NULL), false)))
                 ->status,
             200);
    CHECK_STR(kit_string("key.kty"), "RSA");
    token = own_token(good_claims(NULL));
    CHECK_EQ(ask_release("/keys/rsa/release" API, token, NULL, NULL)->status, 200);
    n = open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out));
    back = key_of(out, n);
    CHECK(back != NULL && EVP_PKEY_eq(back, cm_privkey_evp(tee_key(2048))) == 1);
    EVP_PKEY_free(back);
    for (size_t i = 0; i < 8; i++) {
        json_t *bad = json_deep_copy(jwk);
        const char *text = json_string_value(json_object_get(bad, parts[i]));
        char *changed = strdup(text);

        (void)json_object_del(bad, parts[i]);
        CHECK_EQ(put_json("/keys/bad" API, "author", json_pack("{s:O}", "key", bad))->status, 400);
        changed[strlen(changed) / 2] = changed[strlen(changed) / 2] == 'A' ? 'B' : 'A';
        (void)json_object_set_new(bad, parts[i], json_string(changed));
        CHECK_EQ(put_json("/keys/bad" API, "author", json_pack("{s:o}", "key", bad))->status, 400);
        CHECK(strstr(kit_last()->body, changed) == NULL);
        free(changed);
    }
    CHECK_EQ(
        kit_put("/keys/bad" API, "author", "{\"key\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}")->status,
        400);
    CHECK_EQ(kit_put("/keys/bad" API, "author", "{\"key\":{\"kty\":\"oct\"}}")->status, 400);
    CHECK_EQ(kit_put("/keys/bad" API, "author", "{\"key\":5}")->status, 400);
    CHECK_EQ(kit_put("/keys/bad" API, "author", "{}")->status, 400);
    json_decref(jwk);
    free(token);
}

/* Of either alphabet, padded or not: but one text is of one, and its padding is whole. */
TEST(keys_are_base64_of_any_dress)
{
    static const struct {
        const char *k;
        int status;
    } dresses[] = {
        {"-_8CAwQFBgcICQoLDA0ODw", 200},   {"+/8CAwQFBgcICQoLDA0ODw==", 200},
        {"-_8CAwQFBgcICQoLDA0ODw==", 200}, {"+/8CAwQFBgcICQoLDA0ODw", 200},
        {"-/8CAwQFBgcICQoLDA0ODw", 400},   {"+_8CAwQFBgcICQoLDA0ODw==", 400},
        {"-_8CAwQFBgcICQoLDA0ODw=", 400},  {"-_8CAwQFBgcICQoLDA0ODw===", 400},
        {"-_8CAwQFBgcICQoLDA0ODx", 400},
    };

    start_vault();
    for (size_t i = 0; i < sizeof(dresses) / sizeof(dresses[0]); i++) {
        const int got =
            put_json("/keys/dressed" API, "author",
                     json_pack("{s:{s:s, s:s}}", "key", "kty", "oct", "k", dresses[i].k))
                ->status;

        if (got != dresses[i].status) {
            TEST_FAIL("%s: %d", dresses[i].k, got);
        }
    }
}

TEST(keys_to_encrypt_to_as_tokens_have_them)
{
    static const struct {
        const char *name;
        const char *value; /* JSON; NULL: taken away */
    } cases[] = {
        {"key_ops", "[\"encrypt\",\"wrapKey\"]"},
        {"key_ops", "\"encrypt\""}, /* bare, as some libraries write it */
        {"key_use", "\"enc\""},
        {"use", "\"enc\""},
    };
    uint8_t out[64];

    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, NULL)))->status ==
            200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *claims = good_claims(NULL);
        json_t *jwk =
            json_array_get(json_object_get(json_object_get(claims, "x-ms-runtime"), "keys"), 0);
        char *token = NULL;

        (void)json_object_del(jwk, "key_ops");
        (void)json_object_set_new(jwk, cases[i].name,
                                  json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        token = own_token(claims);
        CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 200);
        CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 32);
        free(token);
    }
    /* old tokens have the enclave's held data instead */
    for (int whole = 0; whole < 2; whole++) {
        json_t *claims = good_claims(NULL);
        json_t *held = whole != 0 ? tee_jwk(tee_key(2048))
                                  : json_pack("{s:[o]}", "keys", tee_jwk(tee_key(2048)));
        char *text = json_dumps(held, 0);
        char *coded = b64(text, strlen(text));
        char *token = NULL;

        (void)json_object_del(claims, "x-ms-runtime");
        (void)json_object_set_new(claims, "aas-ehd", json_string(coded));
        token = own_token(claims);
        CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 200);
        CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 32);
        json_decref(held);
        free(text);
        free(coded);
        free(token);
    }
}

TEST(secrets_with_a_release_policy)
{
    uint8_t out[64];
    char *token = NULL;

    start_vault();
    CHECK_EQ(put_json("/secrets/s" API, "author",
                      json_pack("{s:s, s:o}", "value", "the value", "release_policy",
                                policy_json(policy_text(NULL, NULL), true)))
                 ->status,
             200);
    CHECK(kit_json("value") == NULL && kit_json("release_policy") != NULL);
    CHECK_EQ(kit_get("/secrets/s" API, "admin")->status, 403);
    CHECK(strstr(kit_last()->body, "the value") == NULL);
    token = own_token(good_claims(NULL));
    CHECK_EQ(ask_release("/secrets/s/release" API, token, "RSA_AES_KEY_WRAP_384", NULL)->status,
             200);
    CHECK_EQ(open_released(tee_key(2048), "RSA_AES_KEY_WRAP_384", out, sizeof(out)), 9);
    CHECK_MEM(out, "the value", 9);
    free(token);
    token = own_token(good_claims("https://elsewhere.test"));
    CHECK_EQ(ask_release("/secrets/s/release" API, token, NULL, NULL)->status, 403);
    free(token);
    CHECK_EQ(kit_put("/secrets/plain" API, "author", "{\"value\":\"v\"}")->status, 200);
    token = own_token(good_claims(NULL));
    CHECK_EQ(ask_release("/secrets/plain/release" API, token, NULL, NULL)->status, 403);
    CHECK_STR(kit_string("error.innererror.code"), "NoReleasePolicy");
    free(token);
}

/* -------------------------------------------------------------------- history */

static enum cm_status read_show(struct cm_db *db, void *arg, struct cm_why *why)
{
    json_t **out = arg;
    const struct cm_vault_releases all = {.limit = 2};
    enum cm_status st = cm_vault_show(db, CM_VAULT_KEY, "K", &out[0], why);

    st = st == CM_OK ? cm_vault_show_list(db, CM_VAULT_KEY, "", 10, &out[1], why) : st;
    return st == CM_OK ? cm_vault_releases_show(db, &all, &out[2], why) : st;
}

TEST(the_dashboard_sees_who_gets_it_and_who_got_it)
{
    json_t *out[3] = {NULL, NULL, NULL};
    json_t *item = NULL;
    char *good = NULL;
    char *bad = NULL;
    json_t *claims = NULL;

    start_vault();
    REQUIRE(
        put_json("/keys/k" API, "author",
                 secret_import(policy_text(NULL, "{\"claim\":\"x-ms-sgx-mrenclave\",\"equals\":"
                                                 "\"aa\"},{\"anyOf\":[{\"claim\":\"a\",\"exists\":"
                                                 "false},{\"claim\":\"b\",\"greater\":3}]}")))
            ->status == 200);
    good = own_token(good_claims(NULL));
    claims = good_claims(NULL);
    (void)json_object_set_new(claims, "x-ms-sgx-mrenclave", json_string("bb"));
    bad = own_token(claims);
    CHECK_EQ(ask_release("/keys/k/release" API, good, NULL, NULL)->status, 200);
    CHECK_EQ(ask_release("/keys/k/release" API, bad, NULL, NULL)->status, 403);
    CHECK_EQ(ask_release("/keys/k/release" API, good, "RSA_AES_KEY_WRAP_384", NULL)->status, 200);
    REQUIRE(cm_service_read(kit_service(), read_show, out, NULL) == CM_OK);
    {
        char want[512] = "";

        (void)snprintf(
            want, sizeof(want),
            "tokens of %s whose x-ms-sgx-mrenclave is \"aa\" and (a is absent or b is more "
            "than 3)",
            kit_url());
        CHECK_STR(json_string_value(json_array_get(json_object_get(out[0], "release_to"), 0)),
                  want);
    }
    CHECK_EQ(json_integer_value(json_object_get(out[0], "released")), 2);
    CHECK_EQ(json_integer_value(json_object_get(out[0], "withheld")), 1);
    item = json_array_get(json_object_get(out[1], "items"), 0);
    CHECK_EQ(json_integer_value(json_object_get(item, "size")), 256);
    CHECK_EQ(json_integer_value(json_object_get(item, "last_release")), (json_int_t)kit_now());
    CHECK_EQ(json_array_size(json_object_get(out[2], "items")), 2);
    CHECK(json_is_string(json_object_get(out[2], "next")));
    item = json_array_get(json_object_get(out[2], "items"), 0);
    CHECK_STR(json_string_value(json_object_get(item, "wrap")), "RSA_AES_KEY_WRAP_384");
    CHECK_STR(json_string_value(json_object_get(item, "client")), "client");
    CHECK_STR(json_string_value(json_object_get(item, "attestation")),
              "0123456789abcdef0123456789abcdef");
    for (size_t i = 0; i < 3; i++) {
        json_decref(out[i]);
    }
    free(good);
    free(bad);
}

TEST_MAIN
