/*
 * Every allocation that OpenSSL makes for us fails once: the answer is an error or the right
 * result, never a wrong one, and a signature is never accepted for want of memory.
 */
#include "harness.h"
#include "openssl_memory.h"

#include "crypto/crypto.h"
#include "crypto/pubkey.h"

static struct cm_rsa_key *key;
static struct cm_rsa_pub pub;
static const uint8_t digest[CM_SHA256_SIZE] = {1, 2, 3};
static uint8_t signature[CM_RSA3072_SIZE];
static uint8_t bad_signature[CM_RSA3072_SIZE];

/* What each operation writes; big enough for all. */
struct result {
    enum cm_status st;
    uint8_t bytes[2 * CM_RSA3072_SIZE];
};

static void do_sha256(struct result *r)
{
    r->st = cm_sha256_of(cm_span_make("abc", 3), r->bytes);
}

static void do_sha256_copy(struct result *r)
{
    struct cm_sha256 *a = NULL;
    struct cm_sha256 *b = NULL;

    r->st = cm_sha256_create(&a);
    if (r->st == CM_OK) {
        r->st = cm_sha256_update(a, "abc", 3);
    }
    if (r->st == CM_OK) {
        r->st = cm_sha256_copy(a, &b);
    }
    if (r->st == CM_OK) {
        r->st = cm_sha256_final(b, r->bytes);
    }
    cm_sha256_free(a);
    cm_sha256_free(b);
}

static void do_cmac(struct result *r)
{
    r->st = cm_cmac_aes128(digest, cm_span_make("abc", 3), r->bytes);
}

static void do_verify(struct result *r)
{
    r->st = cm_rsa_verify(&pub, digest, signature);
}

static void do_quotients(struct result *r)
{
    r->st = cm_rsa_quotients(&pub, signature, r->bytes, r->bytes + CM_RSA3072_SIZE);
    if (r->st != CM_OK) {
        memset(r->bytes, 0, sizeof(r->bytes)); /* only promised on success */
    }
}

static void do_sign(struct result *r)
{
    r->st = cm_rsa_sign(key, digest, r->bytes);
    if (r->st != CM_OK) {
        memset(r->bytes, 0, sizeof(r->bytes));
    }
}

static void do_gcm_encrypt(struct result *r)
{
    r->st = cm_gcm_encrypt(digest, digest, cm_span_make("aad", 3), cm_span_make(digest, 20),
                           r->bytes, r->bytes + 20);
}

/* A tag that is wrong must not become right for want of memory, and no text may be left. */
static void do_gcm_decrypt(struct result *r)
{
    static struct result sealed = {CM_ERR_STATE, {0}};
    uint8_t bad[CM_GCM_TAG_SIZE];
    uint8_t out[20];

    if (sealed.st != CM_OK) {
        do_gcm_encrypt(&sealed);
    }
    memcpy(bad, sealed.bytes + 20, sizeof(bad));
    bad[0] ^= 1;
    r->st = cm_gcm_decrypt(digest, digest, cm_span_make("aad", 3), cm_span_make(sealed.bytes, 20),
                           sealed.bytes + 20, r->bytes);
    CHECK(cm_gcm_decrypt(digest, digest, cm_span_make("aad", 3), cm_span_make(sealed.bytes, 20),
                         bad, out) != CM_OK);
}

static void do_gcm_of_many(struct result *r)
{
    struct cm_gcm *g = NULL;

    r->st = cm_gcm_create(digest, &g);
    if (r->st == CM_OK) {
        r->st = cm_gcm_seal_with(g, digest, cm_span_make("aad", 3), cm_span_make(digest, 20),
                                 r->bytes, r->bytes + 20);
    } else {
        CHECK(g == NULL);
    }
    cm_gcm_free(g);
}

static void do_kdf(struct result *r)
{
    r->st = cm_kdf_counter(cm_span_make(digest, 16), cm_span_make("data", 4), r->bytes);
}

static void do_ec_number(struct result *r)
{
    struct cm_privkey *pair = NULL;
    struct cm_pubkey *public = NULL;

    r->st = cm_privkey_from_number(CM_CURVE_P256, cm_span_make(digest, sizeof(digest)), &pair);
    if (r->st == CM_OK) {
        r->st = cm_privkey_public(pair, &public);
    }
    if (r->st == CM_OK) {
        r->st = cm_pubkey_pem(public, (char *)r->bytes, sizeof(r->bytes));
    }
    if (r->st != CM_OK) {
        memset(r->bytes, 0, sizeof(r->bytes));
    }
    cm_pubkey_free(public);
    cm_privkey_free(pair);
}

static bool prepare(void)
{
    if (key == NULL && (cm_rsa_key_generate(&key) != CM_OK || cm_rsa_key_pub(key, &pub) != CM_OK ||
                        cm_rsa_sign(key, digest, signature) != CM_OK)) {
        return false;
    }
    memcpy(bad_signature, signature, sizeof(bad_signature));
    bad_signature[7] ^= 1;
    return true;
}

static void fail_each(const char *name, void (*run)(struct result *r))
{
    static const struct result zero;
    struct result good = {CM_OK, {0}};
    long failures = 0;

    run(&good); /* also lets OpenSSL do what it does once */
    CHECK_EQ(good.st, CM_OK);
    for (long k = 1; k < 100000; k++) {
        struct result r = {CM_OK, {0}};
        bool hit = false;

        fail_alloc_at(k);
        run(&r);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        failures += r.st != CM_OK;
        if (memcmp(r.bytes, r.st == CM_OK ? good.bytes : zero.bytes, sizeof(r.bytes)) != 0) {
            TEST_FAIL("%s: wrong output with allocation %ld failing (%s)", name, k,
                      cm_status_str(r.st));
        }
        if (!hit) {
            CHECK_EQ(r.st, CM_OK);
            CHECK(failures > 0);
            return;
        }
    }
    TEST_FAIL("%s: never runs through", name);
}

TEST(hashes_and_macs_fail_cleanly)
{
    fail_each("sha256", do_sha256);
    fail_each("sha256 copy", do_sha256_copy);
    fail_each("cmac", do_cmac);
}

TEST(derived_keys_and_gcm_fail_cleanly)
{
    fail_each("gcm encrypt", do_gcm_encrypt);
    fail_each("gcm decrypt", do_gcm_decrypt);
    fail_each("gcm of many", do_gcm_of_many);
    fail_each("kdf", do_kdf);
    fail_each("ec number", do_ec_number);
}

TEST(rsa_fails_cleanly)
{
    REQUIRE(prepare());
    fail_each("verify", do_verify);
    fail_each("quotients", do_quotients);
    fail_each("sign", do_sign);
}

TEST(a_bad_signature_is_never_accepted)
{
    bool hit = true;

    REQUIRE(prepare());
    for (long k = 1; hit && k < 100000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_rsa_verify(&pub, digest, bad_signature);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(st != CM_OK);
    }
    CHECK(!hit);
}

TEST_MAIN
