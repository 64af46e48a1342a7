/*
 * Certificates kept between verifications; see casemate/verify.h. Found by their SHA-256 and then by
 * equality of all bytes. A certificate is shared by its count of users, so one that is dropped while
 * it is in use lives on with its last user.
 */
#include "evidence/cert_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"

#define BUCKETS 256 /* picked by a digest's first byte */
#define KEYS    16

struct entry {
    struct entry *next; /* in its bucket */
    struct entry *newer;
    struct entry *older;
    struct cm_cert *cert;
    uint8_t digest[CM_SHA256_SIZE];
};

struct kept_key {
    struct cm_pubkey *key; /* NULL: free */
    uint64_t used;
    uint8_t digest[CM_SHA256_SIZE];
};

struct cm_cert_cache {
    pthread_mutex_t lock;
    struct kept_key keys[KEYS];
    uint64_t clock; /* of their use */
    struct entry *buckets[BUCKETS];
    struct entry *newest;
    struct entry *oldest;
    size_t count;
    size_t max;
};

enum cm_status cm_cert_cache_create(size_t max_certs, struct cm_cert_cache **out)
{
    struct cm_cert_cache *cache = NULL;

    *out = NULL;
    if (max_certs == 0) {
        return CM_ERR_PARAM;
    }
    cache = calloc(1, sizeof(*cache));
    if (cache == NULL) {
        return CM_ERR_NOMEM;
    }
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        return CM_ERR_PLATFORM;
    }
    cache->max = max_certs;
    *out = cache;
    return CM_OK;
}

void cm_cert_cache_free(struct cm_cert_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->newest != NULL) {
        struct entry *e = cache->newest;

        cache->newest = e->older;
        cm_cert_release(e->cert);
        free(e);
    }
    for (size_t i = 0; i < KEYS; i++) {
        cm_pubkey_free(cache->keys[i].key);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* The following work with the lock held. */
static struct entry *look_up(struct cm_cert_cache *cache, struct cm_span der,
                             const uint8_t digest[CM_SHA256_SIZE])
{
    for (struct entry *e = cache->buckets[digest[0]]; e != NULL; e = e->next) {
        if (memcmp(e->digest, digest, CM_SHA256_SIZE) == 0 && e->cert->der_len == der.len &&
            memcmp(e->cert->der, der.ptr, der.len) == 0) {
            return e;
        }
    }
    return NULL;
}

static void take_out(struct cm_cert_cache *cache, struct entry *e)
{
    *(e->newer == NULL ? &cache->newest : &e->newer->older) = e->older;
    *(e->older == NULL ? &cache->oldest : &e->older->newer) = e->newer;
    e->newer = NULL;
    e->older = NULL;
}

static void put_first(struct cm_cert_cache *cache, struct entry *e)
{
    e->older = cache->newest;
    *(cache->newest == NULL ? &cache->oldest : &cache->newest->newer) = e;
    cache->newest = e;
}

static void drop_oldest(struct cm_cert_cache *cache)
{
    struct entry *e = cache->oldest;
    struct entry **at = &cache->buckets[e->digest[0]];

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    take_out(cache, e);
    cache->count--;
    cm_cert_release(e->cert);
    free(e);
}

struct cm_cert *cm_cert_cache_find(struct cm_cert_cache *cache, struct cm_span der)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct cm_cert *cert = NULL;
    struct entry *e = NULL;

    if (cm_sha256_of(der, digest) != CM_OK) {
        return NULL;
    }
    (void)pthread_mutex_lock(&cache->lock);
    e = look_up(cache, der, digest);
    if (e != NULL) {
        take_out(cache, e);
        put_first(cache, e);
        cert = e->cert;
        cm_cert_hold(cert);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return cert;
}

void cm_cert_cache_keep(struct cm_cert_cache *cache, const struct cm_cert *cert)
{
    struct entry *e = calloc(1, sizeof(*e));

    if (e == NULL || cm_sha256_of(cm_cert_der(cert), e->digest) != CM_OK) {
        free(e);
        return;
    }
    /* shared from now on: only users and mark change. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    e->cert = (struct cm_cert *)(uintptr_t)cert;
    (void)pthread_mutex_lock(&cache->lock);
    if (look_up(cache, cm_cert_der(cert), e->digest) == NULL) {
        if (cache->count == cache->max) {
            drop_oldest(cache);
        }
        cm_cert_hold(e->cert);
        e->next = cache->buckets[e->digest[0]];
        cache->buckets[e->digest[0]] = e;
        put_first(cache, e);
        cache->count++;
        e = NULL;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    free(e);
}

struct cm_pubkey *cm_cert_cache_find_key(struct cm_cert_cache *cache, const uint8_t digest[32])
{
    struct cm_pubkey *key = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < KEYS && key == NULL; i++) {
        struct kept_key *k = &cache->keys[i];

        if (k->key != NULL && memcmp(k->digest, digest, CM_SHA256_SIZE) == 0) {
            k->used = ++cache->clock;
            key = cm_pubkey_share(k->key);
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return key;
}

void cm_cert_cache_keep_key(struct cm_cert_cache *cache, const uint8_t digest[32],
                            const struct cm_pubkey *key)
{
    struct cm_pubkey *copy = cm_pubkey_share(key);
    size_t at = 0;

    if (copy == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < KEYS; i++) {
        struct kept_key *k = &cache->keys[i];

        if (k->key != NULL && memcmp(k->digest, digest, CM_SHA256_SIZE) == 0) {
            at = i;
            break;
        }
        at = k->used < cache->keys[at].used ? i : at;
    }
    cm_pubkey_free(cache->keys[at].key);
    cache->keys[at].key = copy;
    cache->keys[at].used = ++cache->clock;
    memcpy(cache->keys[at].digest, digest, CM_SHA256_SIZE);
    (void)pthread_mutex_unlock(&cache->lock);
}
