/* See decide_seen.h. Found by SHA-256, in sets of a few; the oldest of a set makes room. */
#include "decide/decide_seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

#define SETS 512u
#define WAYS 4u

struct entry {
    uint8_t digest[CM_SHA256_SIZE];
    struct cm_want *want; /* NULL: free */
};

struct cm_seen {
    pthread_mutex_t lock;
    struct entry sets[SETS][WAYS];
    uint8_t next[SETS]; /* the way to be replaced */
};

enum cm_status cm_seen_create(struct cm_seen **out)
{
    struct cm_seen *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return CM_ERR_PLATFORM;
    }
    *out = s;
    return CM_OK;
}

void cm_seen_clear(struct cm_seen *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SETS; i++) {
        for (size_t k = 0; k < WAYS; k++) {
            free(s->sets[i][k].want);
            s->sets[i][k].want = NULL;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void cm_seen_free(struct cm_seen *s)
{
    if (s != NULL) {
        cm_seen_clear(s);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

static size_t set_of(const uint8_t digest[CM_SHA256_SIZE])
{
    return (size_t)(digest[0] | digest[1] << 8) % SETS;
}

/* With the lock. */
static struct entry *find(struct cm_seen *s, const uint8_t digest[CM_SHA256_SIZE], bool tdx)
{
    struct entry *set = s->sets[set_of(digest)];

    for (size_t k = 0; k < WAYS; k++) {
        if (set[k].want != NULL && set[k].want->key.tdx == tdx &&
            memcmp(set[k].digest, digest, CM_SHA256_SIZE) == 0) {
            return &set[k];
        }
    }
    return NULL;
}

bool cm_seen_find(struct cm_seen *s, struct cm_span chain, bool tdx, struct cm_want *out)
{
    uint8_t digest[CM_SHA256_SIZE];
    const struct entry *e = NULL;

    if (cm_sha256_of(chain, digest) != CM_OK) {
        return false;
    }
    (void)pthread_mutex_lock(&s->lock);
    e = find(s, digest, tdx);
    if (e != NULL) {
        *out = *e->want;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return e != NULL;
}

void cm_seen_keep(struct cm_seen *s, struct cm_span chain, const struct cm_want *want)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct cm_want *copy = malloc(sizeof(*copy));
    struct entry *e = NULL;
    size_t set = 0;

    if (copy == NULL || cm_sha256_of(chain, digest) != CM_OK) {
        free(copy);
        return; /* it costs time again, no more */
    }
    *copy = *want;
    set = set_of(digest);
    (void)pthread_mutex_lock(&s->lock);
    if (find(s, digest, want->key.tdx) == NULL) {
        e = &s->sets[set][s->next[set]];
        s->next[set] = (uint8_t)((s->next[set] + 1u) % WAYS);
        free(e->want);
        e->want = copy;
        memcpy(e->digest, digest, sizeof(digest));
        copy = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    free(copy);
}
