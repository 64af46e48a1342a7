/*
 * Verified platforms, kept; see casemate/dcap.h. An entry owns a copy of all bytes that made it, and
 * is found only by equality of all of them, so a stranger's collateral can never stand in for
 * another's. Entries in use are not freed: they are dropped from the list and freed by the last user.
 */
#include "evidence/dcap_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/same.h"
#include "common/try.h"

#define PARTS     7
#define MAX_BYTES (4u << 20) /* of one platform's parts together */

struct cm_dcap_entry {
    struct cm_dcap_entry *next;
    struct cm_platform *platform;
    uint8_t *bytes;
    struct cm_span parts[PARTS];
    size_t users;
    bool listed;
};

struct cm_dcap_cache {
    pthread_mutex_t lock;
    struct cm_dcap_entry *first; /* most recently used first */
    size_t count;
    size_t max;
};

static void entry_free(struct cm_dcap_entry *e)
{
    if (e != NULL) {
        cm_platform_free(e->platform);
        free(e->bytes);
        free(e);
    }
}

enum cm_status cm_dcap_cache_create(size_t max_platforms, struct cm_dcap_cache **out)
{
    struct cm_dcap_cache *cache = NULL;

    *out = NULL;
    if (max_platforms == 0) {
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
    cache->max = max_platforms;
    *out = cache;
    return CM_OK;
}

void cm_dcap_cache_free(struct cm_dcap_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->first != NULL) {
        struct cm_dcap_entry *next = cache->first->next;

        entry_free(cache->first);
        cache->first = next;
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void list_parts(struct cm_span chain, const struct cm_dcap_collateral *col,
                       struct cm_span parts[PARTS])
{
    parts[0] = chain;
    parts[1] = col->tcb_info;
    parts[2] = col->tcb_info_chain;
    parts[3] = col->qe_identity;
    parts[4] = col->qe_identity_chain;
    parts[5] = col->root_ca_crl;
    parts[6] = col->pck_crl;
}

static bool same(const struct cm_dcap_entry *e, const struct cm_span parts[PARTS])
{
    for (size_t i = 0; i < PARTS; i++) {
        if (!cm_span_same(e->parts[i], parts[i])) {
            return false;
        }
    }
    return true;
}

/* With the lock held. */
static struct cm_dcap_entry *find(struct cm_dcap_cache *cache, const struct cm_span parts[PARTS])
{
    for (struct cm_dcap_entry **at = &cache->first; *at != NULL; at = &(*at)->next) {
        struct cm_dcap_entry *e = *at;

        if (same(e, parts)) {
            *at = e->next; /* to the front */
            e->next = cache->first;
            cache->first = e;
            e->users++;
            return e;
        }
    }
    return NULL;
}

/* With the lock held: drop the least recently used ones beyond the maximum. */
static void trim(struct cm_dcap_cache *cache)
{
    while (cache->first != NULL && cache->count > cache->max) {
        struct cm_dcap_entry **at = &cache->first;
        struct cm_dcap_entry *last = NULL;

        while ((*at)->next != NULL) {
            at = &(*at)->next;
        }
        last = *at;
        *at = NULL;
        cache->count--;
        last->listed = false;
        if (last->users == 0) {
            entry_free(last);
        }
    }
}

/* A platform that owns its bytes, not yet in any list. */
static enum cm_status entry_make(const struct cm_span parts[PARTS], struct cm_dcap_entry **out)
{
    struct cm_dcap_collateral own = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},
                                     {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct cm_dcap_entry *e = calloc(1, sizeof(*e));
    size_t total = 0;
    size_t at = 0;
    enum cm_status st = CM_ERR_NOMEM;

    for (size_t i = 0; i < PARTS; i++) {
        if (cm_add_ovf(total, parts[i].len, &total) || total > MAX_BYTES) {
            free(e);
            return CM_ERR_LIMIT;
        }
    }
    if (e == NULL || (e->bytes = malloc(total + 1)) == NULL) {
        goto out;
    }
    for (size_t i = 0; i < PARTS; i++) {
        e->parts[i] = cm_span_make(e->bytes + at, parts[i].len);
        if (parts[i].len != 0) {
            memcpy(e->bytes + at, parts[i].ptr, parts[i].len);
        }
        at += parts[i].len;
    }
    own.tcb_info = e->parts[1];
    own.tcb_info_chain = e->parts[2];
    own.qe_identity = e->parts[3];
    own.qe_identity_chain = e->parts[4];
    own.root_ca_crl = e->parts[5];
    own.pck_crl = e->parts[6];
    CM_TRY(cm_platform_make(e->parts[0], &own, &e->platform));
    *out = e;
    e = NULL;
out:
    entry_free(e);
    return st;
}

static bool all_passed(const struct cm_platform *p)
{
    for (size_t i = 0; i < p->check_count; i++) {
        if (p->checks[i].status != CM_OK) {
            return false;
        }
    }
    return true;
}

/* Keep a new entry, or use the one that another thread kept meanwhile. */
static struct cm_dcap_entry *keep(struct cm_dcap_cache *cache, struct cm_dcap_entry *e)
{
    struct cm_dcap_entry *other = find(cache, e->parts);

    if (other != NULL) {
        entry_free(e);
        return other;
    }
    e->users = 1;
    e->listed = true;
    e->next = cache->first;
    cache->first = e;
    cache->count++;
    trim(cache);
    return e;
}

enum cm_status cm_platform_acquire(struct cm_dcap_cache *cache, struct cm_span pck_chain,
                                   const struct cm_dcap_collateral *col,
                                   struct cm_platform_ref *out)
{
    struct cm_span parts[PARTS];
    struct cm_dcap_entry *e = NULL;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (cache == NULL) {
        CM_TRY(cm_platform_make(pck_chain, col, &out->own));
        out->platform = out->own;
        return CM_OK;
    }
    list_parts(pck_chain, col, parts);
    (void)pthread_mutex_lock(&cache->lock);
    e = find(cache, parts);
    (void)pthread_mutex_unlock(&cache->lock);
    if (e == NULL) {
        CM_TRY(entry_make(parts, &e));
        if (all_passed(
                e->platform)) { /* what failed is not worth a place, and could push others out */
            (void)pthread_mutex_lock(&cache->lock);
            e = keep(cache, e);
            (void)pthread_mutex_unlock(&cache->lock);
        } else {
            e->users = 1;
        }
    }
    out->cache = cache;
    out->entry = e;
    out->platform = e->platform;
out:
    return st;
}

void cm_platform_release(struct cm_platform_ref *ref)
{
    struct cm_dcap_entry *dead = NULL;

    if (ref->entry != NULL) {
        (void)pthread_mutex_lock(&ref->cache->lock);
        ref->entry->users--;
        if (ref->entry->users == 0 && !ref->entry->listed) {
            dead = ref->entry;
        }
        (void)pthread_mutex_unlock(&ref->cache->lock);
    }
    entry_free(dead);
    cm_platform_free(ref->own);
    memset(ref, 0, sizeof(*ref));
}
