/*
 * See decide_keeper.h. One lock over a table by name; nobody holds it while he waits. Who fetches marks the
 * slot busy, and others that may wait do so for his result.
 */
#include "decide/decide_keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/try.h"
#include "decide/decide_spend.h"

#define BUCKETS   1024u
#define DAY       UINT64_C(86400)
#define USED      (7 * DAY) /* lately: what was used since then is renewed, and must be fresh */
#define AGE_MAX   DAY       /* renewed when this old, though it is valid for longer */
#define RETRY_MIN UINT64_C(30)
#define RETRY_MAX UINT64_C(3600)
#define PER_TICK  64u /* renewals at most in one tick */

struct slot {
    struct slot *next;   /* in its bucket */
    struct cm_want want; /* the name is the key */
    struct cm_kept *kept;
    uint64_t used;
    uint64_t refresh; /* when it is to be renewed */
    uint64_t retry;   /* not before, after a failure */
    uint64_t failures;
    enum cm_status st;
    struct cm_why why;
    uint64_t began_ms; /* the fetch under way, by the clock that does not jump */
    unsigned users;    /* threads that have the slot in hand */
    bool busy;         /* one of them fetches */
};

struct cm_keeper {
    struct cm_keeper_ops ops;
    pthread_mutex_t lock;
    pthread_cond_t over; /* some fetch has ended */
    struct slot *buckets[BUCKETS];
    size_t count;
    struct cm_spending unvouched; /* fetches of what nobody vouches for */
    bool unvouched_busy;          /* one of them is under way */
    unsigned waiting;             /* threads that fetch, or wait for who does */
    struct cm_keeper_counts counts;
};

enum cm_status cm_keeper_create(const struct cm_keeper_ops *ops, struct cm_keeper **out)
{
    struct cm_keeper *k = calloc(1, sizeof(*k));

    *out = NULL;
    if (k == NULL) {
        return CM_ERR_NOMEM;
    }
    if (pthread_mutex_init(&k->lock, NULL) != 0) {
        free(k);
        return CM_ERR_PLATFORM;
    }
    if (pthread_cond_init(&k->over, NULL) != 0) {
        (void)pthread_mutex_destroy(&k->lock);
        free(k);
        return CM_ERR_PLATFORM;
    }
    k->ops = *ops;
    *out = k;
    return CM_OK;
}

static void slot_free(struct slot *s)
{
    cm_kept_drop(s->kept);
    free(s);
}

void cm_keeper_free(struct cm_keeper *k)
{
    if (k == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (k->buckets[i] != NULL) {
            struct slot *next = k->buckets[i]->next;

            slot_free(k->buckets[i]);
            k->buckets[i] = next;
        }
    }
    (void)pthread_cond_destroy(&k->over);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

/* ------------------------------------------------------------ with the lock */

static size_t bucket_of(const char *name)
{
    uint32_t h = 2166136261u;

    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 16777619u;
    }
    return h % BUCKETS;
}

static struct slot *find(struct cm_keeper *k, const char *name)
{
    for (struct slot *s = k->buckets[bucket_of(name)]; s != NULL; s = s->next) {
        if (strcmp(s->want.name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

static void take_out(struct cm_keeper *k, struct slot *s)
{
    struct slot **at = &k->buckets[bucket_of(s->want.name)];

    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    k->count--;
    slot_free(s);
}

/* Room for one more: the least recently used goes, and what nobody ever got before what is there. */
static bool make_room(struct cm_keeper *k)
{
    struct slot *worst = NULL;

    if (k->count < CM_KEEPER_MAX) {
        return true;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct slot *s = k->buckets[i]; s != NULL; s = s->next) {
            bool empty = s->kept == NULL;
            bool worse = worst == NULL || (empty && worst->kept != NULL) ||
                         (empty == (worst->kept == NULL) && s->used < worst->used);

            if (s->users == 0 && worse) {
                worst = s;
            }
        }
    }
    if (worst == NULL) {
        return false;
    }
    take_out(k, worst);
    return true;
}

static struct slot *add(struct cm_keeper *k, const struct cm_want *want, uint64_t now)
{
    struct slot *s = make_room(k) ? calloc(1, sizeof(*s)) : NULL;
    size_t b = bucket_of(want->name);

    if (s != NULL) {
        s->want = *want;
        s->used = now;
        s->next = k->buckets[b];
        k->buckets[b] = s;
        k->count++;
    }
    return s;
}

/* Before it expires, and at the latest when it is a day old; not all instances at once. */
static uint64_t refresh_time(const struct cm_kept *kept)
{
    uint64_t life = kept->facts.not_after > kept->fetched && kept->facts.not_after != CM_KEPT_NEVER
                        ? kept->facts.not_after - kept->fetched
                        : 0;
    uint64_t after = AGE_MAX;
    uint32_t dice = 0;

    if (kept->want.kind == CM_KEPT_SNP_KEY) {
        return CM_KEPT_NEVER; /* a chip's certificate of one TCB is what it is */
    }
    if (life != 0 && life / 2 < after) {
        after = life / 2;
    }
    (void)!getrandom(&dice, sizeof(dice), 0);
    return kept->fetched + after - after / 5 * (dice % 1024) / 1024;
}

static bool stale(const struct cm_kept *kept, uint64_t now)
{
    return now > kept->facts.not_after;
}

/* Take what is newer. @return CM_ERR_POLICY: it is not */
static enum cm_status install(struct cm_keeper *k, struct slot *s, struct cm_kept *kept,
                              struct cm_why *why)
{
    if (s->kept != NULL && cm_kept_follows(s->kept, kept, why) != CM_OK) {
        k->counts.rolled_back++;
        return CM_ERR_POLICY;
    }
    cm_kept_drop(s->kept);
    s->kept = cm_kept_hold(kept);
    s->refresh = refresh_time(kept);
    s->retry = 0;
    s->failures = 0;
    s->st = CM_OK;
    s->why.text[0] = '\0';
    return CM_OK;
}

static void note_failure(struct cm_keeper *k, struct slot *s, uint64_t now, enum cm_status st,
                         const struct cm_why *why)
{
    uint64_t wait = RETRY_MIN << (s->failures < 7 ? s->failures : 7);

    /* a source that is busy cannot be had; our own BUSY says that nothing is known of the source */
    s->st = st == CM_ERR_BUSY ? CM_ERR_IO : st;
    s->why = *why;
    if (st == CM_ERR_NOMEM) { /* ours, not the source's */
        return;
    }
    k->counts.failed++;
    s->failures++;
    s->retry = now + (wait > RETRY_MAX ? RETRY_MAX : wait);
}

/* A clock that was set back must not keep a source from being asked. */
static bool backing_off(const struct slot *s, uint64_t now)
{
    return s->failures != 0 && now < s->retry && s->retry - now <= RETRY_MAX;
}

/* Whether something that nobody vouches for may be fetched now, by this thread. */
static bool may_fetch(struct cm_keeper *k, const struct slot *s, const struct cm_keeper_ask *ask,
                      struct cm_why *why)
{
    if (ask->vouched) {
        return true;
    }
    if (k->unvouched_busy || (s != NULL && s->busy)) { /* a thread each would be all of them */
        cm_why_set(why, "another unknown platform is being asked for: try again");
        return false;
    }
    if ((s == NULL || s->kept == NULL) && !cm_spend(&k->unvouched, ask->now, ask->client)) {
        cm_why_set(why, "too many unknown platforms are being asked for: try again in a minute");
        return false;
    }
    return true;
}

/* --------------------------------------------------------------- fetching */

/* Another instance may have been there already. */
static bool load_newer(struct cm_keeper *k, const struct cm_want *want, const struct cm_kept *have,
                       uint64_t now, struct cm_kept **out)
{
    struct cm_kept *stored = NULL;

    if (k->ops.load(k->ops.arg, want->name, &stored, NULL) != CM_OK) {
        return false;
    }
    if (stale(stored, now) || now >= refresh_time(stored) ||
        (have != NULL && cm_kept_follows(have, stored, NULL) != CM_OK)) {
        cm_kept_drop(stored);
        return false;
    }
    *out = stored;
    return true;
}

/*
 * Called with the lock and the slot busy by the caller; returns with the lock. From the store if
 * somebody else has renewed it, else from the source.
 */
static enum cm_status renew(struct cm_keeper *k, struct slot *s, uint64_t now,
                            struct cm_span issuers)
{
    struct cm_kept *have = cm_kept_hold(s->kept);
    struct cm_kept *got = NULL;
    struct cm_why why = {""};
    bool fetched = false;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_unlock(&k->lock);
    if (!load_newer(k, &s->want, have, now, &got)) {
        if (have != NULL && have->part[CM_PART_PCK_CHAIN].len != 0) {
            issuers = have->part[CM_PART_PCK_CHAIN];
        }
        st = k->ops.fetch(k->ops.arg, now, &s->want, issuers, &got, &why);
        fetched = st == CM_OK;
    }
    if (fetched && have != NULL) {
        st = cm_kept_follows(have, got, &why); /* before others get to see it */
    }
    if (fetched && st == CM_OK) {
        struct cm_why saved = {""};

        if (k->ops.save(k->ops.arg, got, &saved) != CM_OK) {
            k->ops.tell(k->ops.arg, s->want.name, saved.text);
        }
    }
    if (st != CM_OK) {
        if (why.text[0] == '\0') {
            cm_why_set(&why, "%s", cm_status_str(st));
        }
        k->ops.tell(k->ops.arg, s->want.name, why.text);
    }
    (void)pthread_mutex_lock(&k->lock);
    if (st == CM_OK) {
        st = install(k, s, got, &why);
        k->counts.fetched += fetched ? 1 : 0;
    } else if (st == CM_ERR_POLICY) {
        k->counts.rolled_back++;
    }
    if (st != CM_OK) {
        note_failure(k, s, now, st, &why);
    }
    cm_kept_drop(got);
    cm_kept_drop(have);
    return st;
}

static uint64_t clock_ms(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* With the lock: wait for a fetch that began a moment ago until it is no longer young. @return whether it has ended */
static bool outwait(struct cm_keeper *k, struct slot *s)
{
    const uint64_t until = s->began_ms + k->ops.patience_ms;
    const struct timespec end = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};

    s->users++;
    while (s->busy && clock_ms() < until) {
        (void)pthread_cond_clockwait(&k->over, &k->lock, CLOCK_MONOTONIC, &end);
    }
    s->users--;
    return !s->busy;
}

/* With the lock: wait for who fetches, or fetch. */
static void obtain(struct cm_keeper *k, struct slot *s, uint64_t now, struct cm_span issuers)
{
    s->users++;
    if (s->busy) {
        while (s->busy) {
            (void)pthread_cond_wait(&k->over, &k->lock);
        }
    } else {
        s->busy = true;
        s->began_ms = clock_ms();
        (void)renew(k, s, now, issuers);
        s->busy = false;
        (void)pthread_cond_broadcast(&k->over);
    }
    s->users--;
}

/* With the lock: what is there must be fetched, and who asks can do so. @return NULL: *st says why not */
static struct slot *fetch_slot(struct cm_keeper *k, struct slot *s, const struct cm_want *want,
                               const struct cm_keeper_ask *ask, struct cm_why *why,
                               enum cm_status *st)
{
    *st = CM_ERR_BUSY;
    if (!ask->may_wait) {
        return NULL;
    }
    if (k->ops.waiters != 0 && k->waiting >= k->ops.waiters) {
        /* a source that is slow must not have all threads: what needs none of it is served meanwhile */
        if (ask->vouched && s != NULL && s->busy && outwait(k, s)) {
            *st = CM_OK;
            return s;
        }
        cm_why_set(why, "collateral is being fetched for others: try again");
        return NULL;
    }
    if (!may_fetch(k, s, ask, why)) {
        return NULL;
    }
    s = s != NULL ? s : add(k, want, ask->now);
    if (s == NULL) {
        *st = CM_ERR_NOMEM;
        return NULL;
    }
    if (!ask->vouched) {
        k->unvouched_busy = true;
    }
    k->waiting++;
    obtain(k, s, ask->now, ask->issuers);
    k->waiting--;
    if (!ask->vouched) { /* it was ours: while it is set no other gets here */
        k->unvouched_busy = false;
    }
    *st = CM_OK;
    return s;
}

enum cm_status cm_keeper_get(struct cm_keeper *k, const struct cm_want *want,
                             const struct cm_keeper_ask *ask, struct cm_kept **out,
                             struct cm_why *why)
{
    struct slot *s = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    (void)pthread_mutex_lock(&k->lock);
    s = find(k, want->name);
    if (s == NULL || ((s->kept == NULL || stale(s->kept, ask->now)) && !backing_off(s, ask->now))) {
        s = fetch_slot(k, s, want, ask, why, &st);
    }
    if (s == NULL) {
        goto out;
    }
    s->used = ask->now;
    *out = cm_kept_hold(s->kept);
    if (s->failures != 0) {
        cm_why_set(why, "%s", s->why.text);
    }
    st = *out != NULL ? CM_OK : s->st;
out:
    (void)pthread_mutex_unlock(&k->lock);
    return st;
}

struct cm_kept *cm_keeper_peek(struct cm_keeper *k, const char *name)
{
    struct cm_kept *out = NULL;
    struct slot *s = NULL;

    (void)pthread_mutex_lock(&k->lock);
    s = find(k, name);
    out = s == NULL ? NULL : cm_kept_hold(s->kept);
    (void)pthread_mutex_unlock(&k->lock);
    return out;
}

enum cm_status cm_keeper_put(struct cm_keeper *k, struct cm_kept *kept, uint64_t used,
                             struct cm_why *why)
{
    struct slot *s = NULL;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&k->lock);
    s = find(k, kept->want.name);
    if (s == NULL) {
        s = add(k, &kept->want, used);
    }
    st = s == NULL ? CM_ERR_NOMEM : install(k, s, kept, why);
    (void)pthread_mutex_unlock(&k->lock);
    return st;
}

/* ------------------------------------------------------------------- tick */

static bool due(const struct slot *s, uint64_t now)
{
    return s->kept != NULL && !s->busy && now >= s->refresh && !backing_off(s, now) &&
           s->used + USED > now;
}

/* With the lock: one that is due, or NULL. */
static struct slot *next_due(struct cm_keeper *k, uint64_t now)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct slot *s = k->buckets[i]; s != NULL; s = s->next) {
            if (due(s, now)) {
                return s;
            }
        }
    }
    return NULL;
}

static void forget(struct cm_keeper *k, uint64_t now)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct slot *next = NULL;

        for (struct slot *s = k->buckets[i]; s != NULL; s = next) {
            uint64_t keep = s->kept == NULL ? RETRY_MAX : CM_KEEPER_UNUSED;

            next = s->next;
            if (s->users == 0 && !s->busy && s->used + keep < now) {
                take_out(k, s);
            }
        }
    }
}

void cm_keeper_tick(struct cm_keeper *k, uint64_t now)
{
    struct slot *s = NULL;

    (void)pthread_mutex_lock(&k->lock);
    forget(k, now);
    for (unsigned i = 0; i < PER_TICK && (s = next_due(k, now)) != NULL; i++) {
        obtain(k, s, now, cm_span_make(NULL, 0));
    }
    (void)pthread_mutex_unlock(&k->lock);
}

void cm_keeper_retry(struct cm_keeper *k)
{
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct slot *s = k->buckets[i]; s != NULL; s = s->next) {
            s->retry = 0;
        }
    }
    (void)pthread_mutex_unlock(&k->lock);
}

/* ------------------------------------------------------------------ people */

void cm_keeper_each(struct cm_keeper *k, cm_keeper_each_fn *fn, void *arg)
{
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct slot *s = k->buckets[i]; s != NULL; s = s->next) {
            const struct cm_keeper_state state = {s->kept, s->want.name, s->used, s->failures,
                                                  s->why.text};

            fn(arg, &state);
        }
    }
    (void)pthread_mutex_unlock(&k->lock);
}

bool cm_keeper_fresh(struct cm_keeper *k, uint64_t now, uint64_t grace, struct cm_why *why)
{
    bool fresh = true;

    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; fresh && i < BUCKETS; i++) {
        for (const struct slot *s = k->buckets[i]; fresh && s != NULL; s = s->next) {
            if (s->kept != NULL && s->used + USED > now && stale(s->kept, now) &&
                now - s->kept->facts.not_after > grace) {
                fresh = false;
                cm_why_set(why, "%.100s is stale since %llu s%s%.100s", s->want.name,
                           (unsigned long long)(now - s->kept->facts.not_after),
                           s->failures != 0 ? ": " : "", s->failures != 0 ? s->why.text : "");
            }
        }
    }
    (void)pthread_mutex_unlock(&k->lock);
    return fresh;
}

struct cm_keeper_counts cm_keeper_counts(struct cm_keeper *k)
{
    struct cm_keeper_counts out;

    (void)pthread_mutex_lock(&k->lock);
    out = k->counts;
    (void)pthread_mutex_unlock(&k->lock);
    return out;
}
