/* The service's CA, certificates and keys: what they are, that instances share them, and how they age. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "crypto/crypto.h"
#include "identity_kit.h"
#include "token/base64.h"

#define DAY 86400

/* ------------------------------------------------------- certificates by OpenSSL */

static X509 *cert_of_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return x;
}

/* The index-th certificate of the first key's x5c. */
static X509 *cert_of(json_t *set, size_t index)
{
    json_t *key = json_array_get(json_object_get(set, "keys"), 0);
    const char *text = json_string_value(json_array_get(json_object_get(key, "x5c"), index));
    unsigned char der[4096];
    const unsigned char *at = der;
    size_t len = 0;

    if (text == NULL || cm_base64_decode((struct cm_span){(const uint8_t *)text, strlen(text)}, der,
                                         sizeof(der), &len) != CM_OK) {
        return NULL;
    }
    return d2i_X509(NULL, &at, (long)len);
}

static bool verifies(X509 *leaf, X509 *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool good = X509_STORE_add_cert(store, ca) == 1 &&
                X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1 && X509_verify_cert(ctx) == 1;

    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return good;
}

static char *cn_of(X509 *x)
{
    static char text[256];

    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, text, sizeof(text));
    return text;
}

/* base64 of SHA-256 of the public key in PEM with a NUL behind it, made with OpenSSL alone */
static void kid_by_openssl(X509 *x, char out[64])
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char hash[32];
    char *pem = NULL;
    long len = 0;

    (void)PEM_write_bio_PUBKEY(bio, X509_get0_pubkey(x));
    (void)BIO_write(bio, "", 1);
    len = BIO_get_mem_data(bio, &pem);
    (void)EVP_Digest(pem, (size_t)len, hash, NULL, EVP_sha256(), NULL);
    (void)EVP_EncodeBlock((unsigned char *)out, hash, 32);
    BIO_free(bio);
}

TEST(the_token_key_is_what_azures_clients_expect)
{
    json_t *set = NULL;
    json_t *key = NULL;
    X509 *x = NULL;
    char kid[64] = "";

    use_identity();
    set = cm_identity_jwks(kit_service(), CM_SIGNER_TOKEN);
    key = json_array_get(json_object_get(set, "keys"), 0);
    x = cert_of(set, 0);
    REQUIRE(x != NULL);
    CHECK_EQ(json_array_size(json_object_get(set, "keys")), 1);
    CHECK_STR(json_string_value(json_object_get(key, "kty")), "RSA");
    CHECK_STR(json_string_value(json_object_get(key, "alg")), "RS256");
    CHECK_STR(json_string_value(json_object_get(key, "use")), "sig");
    CHECK_STR(json_string_value(json_object_get(key, "e")), "AQAB");
    CHECK_EQ(strlen(json_string_value(json_object_get(key, "n"))), 342);
    CHECK_EQ(json_object_size(key), 7);
    kid_by_openssl(x, kid);
    CHECK_STR(json_string_value(json_object_get(key, "kid")), kid);
    CHECK_STR(cn_of(x), kit_url());
    CHECK_EQ(X509_check_issued(x, x), X509_V_OK);
    CHECK_EQ(X509_check_ca(x), 1);
    CHECK_EQ(X509_get_pathlen(x), 0);
    CHECK((X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0);
    CHECK_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(x)), 2048);
    X509_free(x);
    json_decref(set);
}

TEST(results_and_releases_are_signed_under_the_ca)
{
    static const enum cm_signer signers[] = {CM_SIGNER_RESULT, CM_SIGNER_RELEASE};
    X509 *ca = NULL;

    use_identity();
    ca = cert_of_pem(kit_get("/ca.pem", NULL)->body);
    REQUIRE(ca != NULL);
    CHECK_STR(kit_header("content-type"), "application/x-pem-file");
    CHECK_EQ(X509_check_ca(ca), 1);
    CHECK_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(ca)), 256);
    for (size_t i = 0; i < 2; i++) {
        json_t *set = cm_identity_jwks(kit_service(), signers[i]);
        X509 *leaf = cert_of(set, 0);
        X509 *top = cert_of(set, 1);

        CHECK(verifies(leaf, ca));
        CHECK_EQ(X509_cmp(top, ca), 0);
        CHECK_EQ(X509_check_ca(leaf), 0);
        if (signers[i] == CM_SIGNER_RELEASE) { /* clients look for the vault's host in it */
            CHECK_EQ(X509_check_host(leaf, "bank.vault.test", 0, 0, NULL), 1);
            CHECK_EQ(X509_check_host(leaf, "localhost", 0, 0, NULL), 1);
            CHECK_EQ(X509_check_host(leaf, "else.test", 0, 0, NULL), 0);
        }
        X509_free(leaf);
        X509_free(top);
        json_decref(set);
    }
    X509_free(ca);
}

TEST(a_token_has_the_header_that_was_asked_for)
{
    char *with = NULL;
    char *release = NULL;
    char header[8192] = "";
    char wanted[600] = "";
    char *kid = NULL;
    size_t len = 0;

    use_identity();
    with = sign_as(kit_service(), CM_SIGNER_TOKEN, false);
    release = sign_as(kit_service(), CM_SIGNER_RELEASE, true);
    kid = kid_of(kit_service(), CM_SIGNER_TOKEN);
    CHECK_EQ(cm_base64url_decode((struct cm_span){(const uint8_t *)with, strcspn(with, ".")},
                                 (uint8_t *)header, sizeof(header), &len),
             CM_OK);
    (void)snprintf(
        wanted, sizeof(wanted),
        "{\"alg\":\"RS256\",\"jku\":\"https://a.test/certs\",\"kid\":\"%s\",\"typ\":\"JWT\"}", kid);
    header[len] = '\0';
    CHECK_STR(header, wanted);
    CHECK_EQ(cm_base64url_decode((struct cm_span){(const uint8_t *)release, strcspn(release, ".")},
                                 (uint8_t *)header, sizeof(header), &len),
             CM_OK);
    header[len] = '\0';
    CHECK(strstr(header, "\"x5c\":[\"MII") != NULL);
    CHECK(strstr(header, "\"x5t#S256\":\"") != NULL);
    free(kid);
    free(with);
    free(release);
}

TEST(the_tls_certificate_names_every_host)
{
    X509 *x = NULL;
    char *ca = NULL;
    char *cert = NULL;
    char *key = NULL;

    use_identity();
    own_tls(kit_service(), &ca, &cert, &key);
    x = cert_of_pem(cert);
    REQUIRE(x != NULL);
    CHECK_EQ(X509_check_host(x, "localhost", 0, 0, NULL), 1);
    CHECK_EQ(X509_check_host(x, "mirror.test", 0, 0, NULL), 1);
    CHECK_EQ(X509_check_host(x, "bank.vault.test", 0, 0, NULL), 1);
    CHECK_EQ(X509_check_host(x, "vault.test", 0, 0, NULL), 1);
    CHECK_EQ(X509_check_host(x, "else.test", 0, 0, NULL), 0);
    CHECK_EQ(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 1);
    X509_free(x);
    free(ca);
    free(cert);
    OPENSSL_cleanse(key, strlen(key));
    free(key);
}

TEST(each_signers_tokens_are_its_own)
{
    use_identity();
    for (unsigned i = 0; i < 3; i++) {
        char *token = sign_as(kit_service(), (enum cm_signer)i, true);

        for (unsigned k = 0; k < 3; k++) {
            CHECK_EQ(verify_as(kit_service(), (enum cm_signer)k, token),
                     i == k ? CM_OK : CM_ERR_SIGNATURE);
        }
        token[strlen(token) - 8] = token[strlen(token) - 8] == 'A' ? 'B' : 'A';
        CHECK_EQ(verify_as(kit_service(), (enum cm_signer)i, token), CM_ERR_SIGNATURE);
        free(token);
    }
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, "eyJhbGciOiJub25lIn0.e30."), CM_ERR_FORMAT);
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, "no token"), CM_ERR_FORMAT);
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, ""), CM_ERR_FORMAT);
}

/* --------------------------------------------------------------------- instances */

/* Another service over the same store, under the same URL. */
static struct cm_service *beside(void)
{
    struct cm_service *s = NULL;
    struct cm_why why = {""};

    if (cm_service_create(cm_service_config(kit_service()), &s, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    }
    return s;
}

TEST(a_restart_keeps_every_key)
{
    struct cm_service *other = NULL;
    char *token = NULL;

    use_identity();
    token = sign_as(kit_service(), CM_SIGNER_RESULT, false);
    other = beside();
    REQUIRE(other != NULL);
    CHECK_STR(cm_identity_ca_pem(other), cm_identity_ca_pem(kit_service()));
    CHECK_EQ(verify_as(other, CM_SIGNER_RESULT, token), CM_OK);
    for (unsigned i = 0; i < 3; i++) {
        char *before = kid_of(kit_service(), (enum cm_signer)i);
        char *after = kid_of(other, (enum cm_signer)i);

        CHECK_STR(after, before);
        CHECK_EQ(published(other, (enum cm_signer)i), 1);
        free(after);
        free(before);
    }
    cm_service_stop(other, 1);
    free(token);
}

TEST(what_one_instance_signs_the_other_knows)
{
    struct cm_service *other = NULL;
    char *token = NULL;

    begin_identity();
    other = beside();
    REQUIRE(other != NULL);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", "admin", "{\"signer\":\"result\"}")->status, 200);
    token = sign_as(kit_service(), CM_SIGNER_RESULT, false);
    cm_service_tick(other); /* where nobody tells it */
    CHECK_EQ(verify_as(other, CM_SIGNER_RESULT, token), CM_OK);
    CHECK_EQ(published(other, CM_SIGNER_RESULT), 2);
    cm_service_stop(other, 1);
    free(token);
    stop_identity();
}

struct racer {
    struct cm_service_config config;
    struct cm_service *service;
    struct cm_why why;
    enum cm_status st;
};

static void *race(void *arg)
{
    struct racer *r = arg;

    r->st = cm_service_create(&r->config, &r->service, &r->why);
    return NULL;
}

TEST(instances_that_start_at_once_agree)
{
    struct racer racers[3];
    pthread_t threads[3];

    begin_identity();
    on_store("DELETE FROM identity_ca");
    on_store("DELETE FROM identity_key");
    for (size_t i = 0; i < 3; i++) {
        racers[i] = (struct racer){.config = *cm_service_config(kit_service())};
        (void)pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
        if (racers[i].st != CM_OK) {
            TEST_FAIL("%s", racers[i].why.text);
        }
    }
    for (size_t i = 0; i < 3 && racers[i].st == CM_OK; i++) {
        CHECK_STR(cm_identity_ca_pem(racers[i].service), cm_identity_ca_pem(racers[0].service));
        for (unsigned k = 0; k < 3; k++) {
            char *mine = kid_of(racers[i].service, (enum cm_signer)k);
            char *theirs = kid_of(racers[0].service, (enum cm_signer)k);

            CHECK_STR(mine, theirs);
            free(mine);
            free(theirs);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        cm_service_stop(racers[i].service, 1);
    }
    stop_identity();
}

/* ------------------------------------------------------------------------ age */

TEST(an_admin_rotates_and_the_old_key_stays_for_a_while)
{
    char *old = NULL;
    char *new = NULL;

    begin_identity();
    old = sign_as(kit_service(), CM_SIGNER_TOKEN, false);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", NULL, "{\"signer\":\"token\"}")->status, 401);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", "author", "{\"signer\":\"token\"}")->status, 403);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", "admin", "{\"signer\":\"ca\"}")->status, 400);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", "admin", "{}")->status, 400);
    CHECK_EQ(
        kit_post("/api/v1/keys/rotate", "admin", "{\"signer\":\"token\",\"kid\":\"x\"}")->status,
        400);
    CHECK_EQ(published(kit_service(), CM_SIGNER_TOKEN), 1);
    CHECK_EQ(kit_post("/api/v1/keys/rotate", "admin", "{\"signer\":\"token\"}")->status, 200);
    CHECK_EQ(published(kit_service(), CM_SIGNER_TOKEN), 2);
    new = kid_of(kit_service(), CM_SIGNER_TOKEN);
    (void)kit_post("/api/v1/keys/rotate", "admin", "{\"signer\":\"token\"}");
    CHECK_EQ(published(kit_service(), CM_SIGNER_TOKEN), 3);
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, old), CM_OK);
    kit_step_clock(28800 + DAY - 1);
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, old), CM_OK);
    kit_step_clock(1); /* the second that it is dropped in, also before the store is cleaned */
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, old), CM_ERR_SIGNATURE);
    CHECK_EQ(published(kit_service(), CM_SIGNER_TOKEN), 1);
    kit_step_clock(1);
    cm_service_tick(kit_service());
    kit_step_clock(-DAY); /* a clock that is put back brings nothing back */
    CHECK_EQ(verify_as(kit_service(), CM_SIGNER_TOKEN, old), CM_ERR_SIGNATURE);
    free(old);
    free(new);
    stop_identity();
}

/* Whether the key of releases is another one after so many days. */
static bool rotates_within(int64_t days)
{
    char *before = kid_of(kit_service(), CM_SIGNER_RELEASE);
    char *after = NULL;
    bool other = false;

    kit_step_clock(days * DAY);
    cm_service_tick(kit_service());
    after = kid_of(kit_service(), CM_SIGNER_RELEASE);
    other = strcmp(after, before) != 0;
    free(before);
    free(after);
    return other;
}

static void begin_tuned(void (*tune)(struct cm_service_config *config))
{
    kit_tune = tune;
    begin_identity();
    kit_tune = NULL;
}

TEST(keys_are_rotated_by_age)
{
    begin_identity();
    CHECK(!rotates_within(89));
    CHECK(rotates_within(1));
    stop_identity();
}

static void in_ten_days(struct cm_service_config *config)
{
    config->rotate_days = 10;
}

TEST(the_age_is_configured)
{
    begin_tuned(in_ten_days);
    CHECK(!rotates_within(9));
    CHECK(rotates_within(1));
    stop_identity();
}

static void in_many_years(struct cm_service_config *config)
{
    config->rotate_days = 5000;
}

TEST(keys_are_rotated_before_their_certificate_ends)
{
    begin_tuned(in_many_years);
    CHECK(!rotates_within(900));
    CHECK(rotates_within(170));
    stop_identity();
}

TEST(a_ca_that_has_expired_makes_the_service_unready)
{
    struct cm_why why = {""};
    void *state = NULL;

    begin_identity();
    state = cm_service_module(kit_service(), "identity");
    CHECK(cm_identity_module.ready(state, &why));
    kit_step_clock(3653ll * DAY + 1);
    CHECK(!cm_identity_module.ready(state, &why));
    CHECK(strstr(why.text, "expired") != NULL);
    cm_service_tick(kit_service()); /* no storm of new keys under a CA that ends no later */
    CHECK(published(kit_service(), CM_SIGNER_RELEASE) <= 2);
    stop_identity();
}

TEST(a_service_with_another_name_has_other_keys)
{
    struct kit_options options = identity_options();
    struct kit *first = NULL;
    struct kit *second = NULL;
    json_t *set = NULL;
    X509 *x = NULL;

    begin_identity();
    first = kit_current();
    options.store = kit_store();
    options.host = "renamed.test";
    second = kit_open(&options);
    kit_use(second);
    set = cm_identity_jwks(kit_service(), CM_SIGNER_TOKEN);
    CHECK_EQ(json_array_size(json_object_get(set, "keys")), 2); /* the old one is still published */
    x = cert_of(set, 0);
    CHECK(x != NULL && strcmp(cn_of(x), kit_url()) == 0);
    CHECK_EQ(kit_get("/ca.pem", NULL)->status, 200); /* over TLS under the new name */
    X509_free(x);
    json_decref(set);
    kit_close(second);
    kit_use(first);
    stop_identity();
}

/* The serial number of the certificate that a new connection gets. */
static void served_serial(char out[80])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    BIO *bio = BIO_new_ssl_connect(ctx);
    SSL *ssl = NULL;
    X509 *x = NULL;
    BIGNUM *n = NULL;
    char *hex = NULL;

    (void)BIO_set_conn_hostname(bio, strrchr(kit_url(), '/') + 1);
    if (BIO_do_connect(bio) == 1 && BIO_get_ssl(bio, &ssl) == 1) {
        x = SSL_get1_peer_certificate(ssl);
        n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        hex = BN_bn2hex(n);
    }
    (void)snprintf(out, 80, "%s", hex == NULL ? "" : hex);
    OPENSSL_free(hex);
    BN_free(n);
    X509_free(x);
    BIO_free_all(bio);
    SSL_CTX_free(ctx);
}

TEST(the_tls_certificate_is_renewed_before_its_end)
{
    char first[80] = "";
    char second[80] = "";

    begin_identity();
    served_serial(first);
    CHECK(first[0] != '\0');
    kit_step_clock(59 * DAY);
    cm_service_tick(kit_service());
    served_serial(second);
    CHECK_STR(second, first);
    kit_step_clock(1 * DAY);
    cm_service_tick(kit_service());
    served_serial(second);
    CHECK(second[0] != '\0' && strcmp(second, first) != 0);
    stop_identity();
}

TEST_MAIN
