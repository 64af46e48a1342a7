/*
 * Certificates kept between verifications; see casemate/verify.h. Found by equality of all bytes, in the
 * bucket of the last one: it is the signature's, and only what a trusted issuer signed is kept, so nobody
 * chooses where it goes. A certificate is shared by its count of users, so one that is dropped while it is
 * in use lives on with its last user.
 */
#include "evidence/cert_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/same.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"

#define BUCKETS 256 /* picked by a certificate's last byte */
#define KEYS    16
#define MAX_KEY 1024 /* bytes of a key's encoding that are kept */

struct entry {
    struct entry *next; /* in its bucket */
    struct entry *newer;
    struct entry *older;
    struct cm_cert *cert;
};

struct kept_key {
    struct cm_pubkey *key; /* NULL: free */
    uint64_t used;
    uint8_t *encoded;
    size_t len;
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
        free(cache->keys[i].encoded);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* The following work with the lock held. */
static struct entry **bucket_of(struct cm_cert_cache *cache, struct cm_span der)
{
    return &cache->buckets[der.len == 0 ? 0 : der.ptr[der.len - 1]];
}

static struct entry *look_up(struct cm_cert_cache *cache, struct cm_span der)
{
    for (struct entry *e = *bucket_of(cache, der); e != NULL; e = e->next) {
        if (cm_span_same(cm_cert_der(e->cert), der)) {
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
    struct entry **at = bucket_of(cache, cm_cert_der(e->cert));

    while (*at != NULL && *at != e) {
        at = &(*at)->next;
    }
    if (*at != NULL) { /* always: it stands in its bucket */
        *at = e->next;
    }
    take_out(cache, e);
    cache->count--;
    cm_cert_release(e->cert);
    free(e);
}

struct cm_cert *cm_cert_cache_find(struct cm_cert_cache *cache, struct cm_span der)
{
    struct cm_cert *cert = NULL;
    struct entry *e = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    e = look_up(cache, der);
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
    struct entry *e = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    if (look_up(cache, cm_cert_der(cert)) == NULL) {
        e = calloc(1, sizeof(*e));
    }
    if (e != NULL) {
        if (cache->count == cache->max) {
            drop_oldest(cache);
        }
        /* shared from now on: only users and mark change. NOLINTNEXTLINE(performance-no-int-to-ptr) */
        e->cert = (struct cm_cert *)(uintptr_t)cert;
        cm_cert_hold(e->cert);
        e->next = *bucket_of(cache, cm_cert_der(cert));
        *bucket_of(cache, cm_cert_der(cert)) = e;
        put_first(cache, e);
        cache->count++;
    }
    (void)pthread_mutex_unlock(&cache->lock);
}

static bool made_of(const struct kept_key *k, struct cm_span encoded)
{
    return k->key != NULL && cm_span_same(cm_span_make(k->encoded, k->len), encoded);
}

struct cm_pubkey *cm_cert_cache_find_key(struct cm_cert_cache *cache, struct cm_span encoded)
{
    struct cm_pubkey *key = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < KEYS && key == NULL; i++) {
        struct kept_key *k = &cache->keys[i];

        if (made_of(k, encoded)) {
            k->used = ++cache->clock;
            key = cm_pubkey_share(k->key);
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return key;
}

/* The place of these bytes, or else the one that was used longest ago. */
static struct kept_key *place_of(struct cm_cert_cache *cache, struct cm_span encoded)
{
    struct kept_key *oldest = &cache->keys[0];

    for (size_t i = 0; i < KEYS; i++) {
        struct kept_key *k = &cache->keys[i];

        if (made_of(k, encoded)) {
            return k;
        }
        oldest = k->used < oldest->used ? k : oldest;
    }
    return oldest;
}

void cm_cert_cache_keep_key(struct cm_cert_cache *cache, struct cm_span encoded,
                            const struct cm_pubkey *key)
{
    struct kept_key made = {.len = encoded.len};
    struct kept_key *k = NULL;

    (void)pthread_mutex_lock(&cache->lock);
    k = place_of(cache, encoded);
    if (made_of(k, encoded)) {
        k->used = ++cache->clock;
    } else if (encoded.len != 0 && encoded.len <= MAX_KEY) {
        made.key = cm_pubkey_share(key);
        made.encoded = malloc(encoded.len);
        if (made.key != NULL && made.encoded != NULL) {
            struct kept_key old = *k;

            memcpy(made.encoded, encoded.ptr, encoded.len);
            made.used = ++cache->clock;
            *k = made;
            made = old;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    cm_pubkey_free(made.key);
    free(made.encoded);
}
