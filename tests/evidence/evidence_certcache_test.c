/* What the cache of certificates and keys finds, and what it does not. */
#include "harness.h"

#include "certkit.h"
#include "crypto/pubkey.h"
#include "evidence/cert_cache.h"
#include "evidence/x509.h"

#define SIZE 4096

/* Found by all bytes: one that is different in any place is not the one that was kept. */
TEST(the_cache_knows_certificates_and_keys_by_all_their_bytes)
{
    struct cm_cert_cache *cache = NULL;
    struct cm_certs *set = NULL;
    const struct cm_cert *leaf = NULL;
    struct cm_cert *found = NULL;
    struct cm_pubkey *key = NULL;
    uint8_t der[SIZE];
    struct ck_cert spec = {.subject = "leaf", .issuer = "ca", .serial = 4};
    size_t len = 0;

    spec.key = ck_key("p256", 3);
    spec.signer = ck_key("p256", 2);
    len = ck_cert(&spec, der, SIZE);
    REQUIRE(cm_certs_create_general(NULL, &set) == CM_OK);
    REQUIRE(cm_cert_cache_create(2, &cache) == CM_OK);
    REQUIRE(cm_certs_add(set, cm_span_make(der, len), &leaf, 1, NULL) == CM_OK);
    cm_cert_cache_keep(cache, leaf);
    cm_cert_cache_keep_key(cache, cm_span_make(der, len), cm_cert_key(leaf));
    for (size_t i = 0; i < len; i++) {
        der[i] ^= 1;
        CHECK(cm_cert_cache_find(cache, cm_span_make(der, len)) == NULL);
        CHECK(cm_cert_cache_find_key(cache, cm_span_make(der, len)) == NULL);
        der[i] ^= 1;
    }
    CHECK(cm_cert_cache_find(cache, cm_span_make(der, len - 1)) == NULL);
    CHECK(cm_cert_cache_find_key(cache, cm_span_make(der, len - 1)) == NULL);
    CHECK(cm_cert_cache_find(cache, cm_span_make(NULL, 0)) == NULL);
    found = cm_cert_cache_find(cache, cm_span_make(der, len));
    CHECK(found == leaf);
    cm_cert_release(found);
    key = cm_cert_cache_find_key(cache, cm_span_make(der, len));
    CHECK(key != NULL);
    cm_pubkey_free(key);
    for (uint8_t i = 0; i < 40; i++) { /* of keys only so many, the last ones */
        cm_cert_cache_keep_key(cache, cm_span_make(&i, 1), cm_cert_key(leaf));
    }
    CHECK(cm_cert_cache_find_key(cache, cm_span_make(der, len)) == NULL);
    key = cm_cert_cache_find_key(cache, cm_span_make("\x27", 1));
    CHECK(key != NULL);
    cm_pubkey_free(key);
    cm_certs_free(set);
    cm_cert_cache_free(cache);
}

TEST_MAIN
