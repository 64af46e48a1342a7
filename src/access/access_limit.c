/* See access_limit.h. */
#include "access/access_limit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "crypto/keyenc.h"

#define WAYS    8
#define KEY_LEN 16
#define DOUBLES 20 /* 2^20 s is beyond every "longest" */

struct entry {
    uint8_t key[KEY_LEN]; /* of the secret and the text; all zero: free */
    uint64_t seen_ms;
    uint64_t until_ms; /* of a delay */
    uint64_t milli;    /* a bucket's tokens, in thousandths */
    unsigned failures;
};

struct cm_limit {
    pthread_mutex_t lock;
    size_t rows;
    uint8_t secret[CM_SHA256_SIZE];
    struct entry entries[];
};

enum cm_status cm_limit_create(size_t rows, struct cm_limit **out)
{
    struct cm_limit *l = calloc(1, sizeof(*l) + rows * WAYS * sizeof(struct entry));
    enum cm_status st = CM_OK;

    *out = NULL;
    if (l == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)pthread_mutex_init(&l->lock, NULL);
    l->rows = rows;
    CM_TRY(cm_random_bytes(l->secret, sizeof(l->secret)));
    *out = l;
    l = NULL;
out:
    cm_limit_free(l);
    return st;
}

void cm_limit_free(struct cm_limit *l)
{
    if (l != NULL) {
        (void)pthread_mutex_destroy(&l->lock);
        cm_wipe(l->secret, sizeof(l->secret));
        free(l);
    }
}

/* The key's entry, or its place when make; NULL: it has none. Under the lock. */
static struct entry *find(struct cm_limit *l, const uint8_t digest[CM_SHA256_SIZE], bool make)
{
    static const uint8_t none[KEY_LEN];
    uint64_t row = 0;
    struct entry *e = NULL;
    struct entry *oldest = NULL;

    memcpy(&row, digest + KEY_LEN, sizeof(row));
    e = &l->entries[(row & (l->rows - 1)) * WAYS];
    oldest = e;
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(e[i].key, digest, KEY_LEN) == 0) {
            return &e[i];
        }
        if (memcmp(e[i].key, none, KEY_LEN) == 0) {
            e[i].seen_ms = 0;
        }
        if (e[i].seen_ms < oldest->seen_ms) {
            oldest = &e[i];
        }
    }
    if (!make) {
        return NULL;
    }
    memset(oldest, 0, sizeof(*oldest));
    memcpy(oldest->key, digest, KEY_LEN);
    return oldest;
}

static bool digest_of(const struct cm_limit *l, const char *key, uint8_t out[CM_SHA256_SIZE])
{
    const struct cm_span secret = {l->secret, sizeof(l->secret)};

    return cm_kdf_counter(secret, cm_span_make(key, strlen(key)), out) == CM_OK;
}

bool cm_limit_take(struct cm_limit *l, const char *key, uint64_t now_ms, unsigned rate,
                   unsigned burst)
{
    uint8_t digest[CM_SHA256_SIZE];
    const uint64_t full = (uint64_t)burst * 1000;
    struct entry *e = NULL;
    bool took = false;

    if (rate == 0) {
        return true;
    }
    if (!digest_of(l, key, digest)) {
        return false;
    }
    (void)pthread_mutex_lock(&l->lock);
    e = find(l, digest, false);
    if (e == NULL) {
        e = find(l, digest, true);
        e->milli = full;
        e->seen_ms = now_ms;
    }
    if (now_ms > e->seen_ms) {
        const uint64_t passed = now_ms - e->seen_ms;

        /* a milli-token is what a rate of 1 brings in a millisecond */
        e->milli = passed >= full / rate + 1 ? full : e->milli + passed * rate;
        e->seen_ms = now_ms;
    }
    e->milli = e->milli > full ? full : e->milli;
    took = e->milli >= 1000;
    e->milli -= took ? 1000 : 0;
    (void)pthread_mutex_unlock(&l->lock);
    return took;
}

unsigned cm_limit_wait(struct cm_limit *l, const char *key, uint64_t now_ms,
                       const struct cm_limit_delay *d)
{
    uint8_t digest[CM_SHA256_SIZE];
    const struct entry *e = NULL;
    unsigned wait = 0;

    if (!digest_of(l, key, digest)) {
        return 1;
    }
    (void)pthread_mutex_lock(&l->lock);
    e = find(l, digest, false);
    if (e != NULL && e->failures > d->free && e->until_ms > now_ms) {
        wait = (unsigned)((e->until_ms - now_ms + 999) / 1000);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return wait;
}

void cm_limit_failed(struct cm_limit *l, const char *key, uint64_t now_ms,
                     const struct cm_limit_delay *d)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct entry *e = NULL;

    if (!digest_of(l, key, digest)) {
        return;
    }
    (void)pthread_mutex_lock(&l->lock);
    e = find(l, digest, true);
    if (now_ms > e->seen_ms && now_ms - e->seen_ms > (uint64_t)d->forget * 1000) {
        e->failures = 0;
    }
    e->seen_ms = now_ms;
    e->failures += e->failures < UINT32_MAX ? 1 : 0;
    if (e->failures > d->free) {
        const unsigned doubles = e->failures - d->free - 1;
        const uint64_t delay = doubles < DOUBLES ? (uint64_t)1 << doubles : d->longest;

        e->until_ms = now_ms + 1000 * (delay < d->longest ? delay : d->longest);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

void cm_limit_forgive(struct cm_limit *l, const char *key)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct entry *e = NULL;

    if (digest_of(l, key, digest)) {
        (void)pthread_mutex_lock(&l->lock);
        e = find(l, digest, false);
        if (e != NULL && e->failures != 0) {
            e->failures--;
        }
        (void)pthread_mutex_unlock(&l->lock);
    }
}

void cm_limit_reset(struct cm_limit *l, const char *key)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct entry *e = NULL;

    if (digest_of(l, key, digest)) {
        (void)pthread_mutex_lock(&l->lock);
        e = find(l, digest, false);
        if (e != NULL) {
            memset(e, 0, sizeof(*e));
        }
        (void)pthread_mutex_unlock(&l->lock);
    }
}

void cm_limit_remember(struct cm_limit *l, const char *key, uint64_t now_ms)
{
    uint8_t digest[CM_SHA256_SIZE];

    if (digest_of(l, key, digest)) {
        (void)pthread_mutex_lock(&l->lock);
        find(l, digest, true)->seen_ms = now_ms;
        (void)pthread_mutex_unlock(&l->lock);
    }
}

bool cm_limit_remembers(struct cm_limit *l, const char *key)
{
    uint8_t digest[CM_SHA256_SIZE];
    bool found = false;

    if (digest_of(l, key, digest)) {
        (void)pthread_mutex_lock(&l->lock);
        found = find(l, digest, false) != NULL;
        (void)pthread_mutex_unlock(&l->lock);
    }
    return found;
}

void cm_limit_peer(const char *address, char out[CM_LIMIT_PEER])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in6_addr six;

    if (inet_pton(AF_INET6, address, &six) == 1) {
        if (memcmp(six.s6_addr, mapped, sizeof(mapped)) != 0) {
            memset(six.s6_addr + 8, 0, 8);
            (void)inet_ntop(AF_INET6, &six, out, CM_LIMIT_PEER);
        } else { /* IPv4 through a socket of both: the whole of it is one */
            (void)inet_ntop(AF_INET, six.s6_addr + 12, out, CM_LIMIT_PEER);
        }
    } else {
        (void)snprintf(out, CM_LIMIT_PEER, "%s", address);
    }
}
