/* See decide_stats.h. */
#include "decide/decide_stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "decide/decide_times.h"

#define BUCKETS 512u
#define ENTRIES_MAX \
    4096u         /* of sums that are not written; beyond it some go uncounted in the overview */
#define EVERY 10  /* seconds */
#define KINDS 32u /* of TEE and result, for metrics */

enum delta_kind { DELTA_MINUTE, DELTA_DENIAL, DELTA_SEEN };

struct delta {
    struct delta *next;
    enum delta_kind kind;
    int64_t minute;
    const char *what; /* of SEEN: "measurement", "platform" */
    char key[160];    /* TEE, cause or value */
    char signer[129];
    struct cm_facts now; /* of the latest */
    bool ok;
    int64_t first;
    int64_t last;
    int64_t permitted;
    int64_t refused;
};

struct cm_deltas {
    struct delta *buckets[BUCKETS];
    size_t count;
};

struct cm_stats {
    pthread_mutex_t lock;
    struct cm_deltas *now;
    int64_t taken; /* when they were last taken */
    struct cm_times *times;
    struct {
        char tee[24];
        bool ok;
        uint64_t count;
    } totals[KINDS];
    size_t total_count;
};

enum cm_status cm_stats_create(struct cm_stats **out)
{
    struct cm_stats *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    s->times = cm_times_new();
    if (s->times == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
        cm_times_free(s->times);
        free(s);
        return CM_ERR_NOMEM;
    }
    *out = s;
    return CM_OK;
}

void cm_deltas_free(struct cm_deltas *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (d->buckets[i] != NULL) {
            struct delta *next = d->buckets[i]->next;

            free(d->buckets[i]);
            d->buckets[i] = next;
        }
    }
    free(d);
}

void cm_stats_free(struct cm_stats *s)
{
    if (s != NULL) {
        cm_deltas_free(s->now);
        cm_times_free(s->times);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

/* ------------------------------------------------------------------- sums */

static size_t bucket_of(const struct delta *e)
{
    uint32_t h = 2166136261u ^ (uint32_t)e->kind ^ (uint32_t)e->minute << 8 ^ (e->ok ? 1u : 0u);

    for (const char *p = e->key; *p != '\0'; p++) {
        h = (h ^ (uint8_t)*p) * 16777619u;
    }
    return (h ^ h >> 16) % BUCKETS;
}

static bool same(const struct delta *x, const struct delta *y)
{
    return x->kind == y->kind && x->minute == y->minute &&
           (x->kind != DELTA_MINUTE || x->ok == y->ok) && strcmp(x->key, y->key) == 0 &&
           strcmp(x->signer, y->signer) == 0 &&
           (x->kind != DELTA_SEEN || strcmp(x->what, y->what) == 0);
}

/* The latest says how it is now. */
static void merge(struct delta *into, const struct delta *e)
{
    into->permitted += e->permitted;
    into->refused += e->refused;
    into->first = e->first < into->first ? e->first : into->first;
    if (e->last >= into->last) {
        into->last = e->last;
        into->ok = e->ok;
        into->now = e->now;
    }
}

static void add(struct cm_deltas *d, const struct delta *e)
{
    const struct delta bucket_key = {
        .kind = e->kind, .minute = e->minute, .ok = e->kind == DELTA_MINUTE && e->ok};
    struct delta key = bucket_key;
    struct delta **at = NULL;
    struct delta *one = NULL;

    memcpy(key.key, e->key, sizeof(key.key));
    at = &d->buckets[bucket_of(&key)];
    for (one = *at; one != NULL; one = one->next) {
        if (same(one, e)) {
            merge(one, e);
            return;
        }
    }
    one = d->count < ENTRIES_MAX ? malloc(sizeof(*one)) : NULL;
    if (one != NULL) {
        *one = *e;
        one->next = *at;
        *at = one;
        d->count++;
    }
}

static void start(struct delta *e, enum delta_kind kind, const struct cm_facts *f, const char *key)
{
    memset(e, 0, sizeof(*e));
    e->kind = kind;
    e->ok = f->ok;
    e->permitted = f->ok ? 1 : 0;
    e->refused = f->ok ? 0 : 1;
    e->first = f->time;
    e->last = f->time;
    e->now = *f;
    (void)snprintf(e->key, sizeof(e->key), "%s", key);
}

static void add_seen(struct cm_deltas *d, const struct cm_facts *f, const char *what,
                     const char *value, const char *signer)
{
    struct delta e;

    if (value[0] == '\0') {
        return;
    }
    start(&e, DELTA_SEEN, f, value);
    e.what = what;
    (void)snprintf(e.signer, sizeof(e.signer), "%s", signer);
    add(d, &e);
}

static void count_total(struct cm_stats *s, const struct cm_facts *f)
{
    size_t i = 0;

    while (i < s->total_count &&
           (s->totals[i].ok != f->ok || strcmp(s->totals[i].tee, f->tee) != 0)) {
        i++;
    }
    if (i == KINDS) {
        return;
    }
    if (i == s->total_count) {
        s->total_count++;
        s->totals[i].ok = f->ok;
        memcpy(s->totals[i].tee, f->tee, sizeof(s->totals[i].tee));
    }
    s->totals[i].count++;
}

bool cm_stats_note(struct cm_stats *s, const struct cm_facts *f)
{
    struct delta e;
    bool soon = false;

    (void)pthread_mutex_lock(&s->lock);
    cm_times_note(s->times, f->time / 60, f->took_ns);
    count_total(s, f);
    if (s->now == NULL) {
        s->now = calloc(1, sizeof(*s->now));
    }
    if (s->now != NULL) {
        start(&e, DELTA_MINUTE, f, f->tee);
        e.minute = f->time / 60;
        add(s->now, &e);
        if (!f->ok) {
            start(&e, DELTA_DENIAL, f, f->cause);
            e.minute = f->time / 60;
            add(s->now, &e);
        }
        if (f->genuine) { /* what nobody vouches for could be invented without end */
            add_seen(s->now, f, "measurement", f->measurement, f->signer);
            add_seen(s->now, f, "platform", f->platform, "");
        }
        soon = s->now->count > ENTRIES_MAX / 2 || f->time - s->taken >= EVERY || f->time < s->taken;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return soon;
}

struct cm_deltas *cm_stats_take(struct cm_stats *s, uint64_t now)
{
    struct cm_deltas *out = NULL;

    (void)pthread_mutex_lock(&s->lock);
    out = s->now;
    s->now = NULL;
    s->taken = (int64_t)now;
    (void)pthread_mutex_unlock(&s->lock);
    return out;
}

void cm_stats_give_back(struct cm_stats *s, struct cm_deltas *d)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->now == NULL) {
        s->now = d;
        d = NULL;
    }
    for (size_t i = 0; d != NULL && i < BUCKETS; i++) {
        for (const struct delta *e = d->buckets[i]; e != NULL; e = e->next) {
            add(s->now, e);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    cm_deltas_free(d);
}

static enum cm_status write_count(struct cm_db *db, const struct delta *e, struct cm_why *why)
{
    const struct cm_db_value minute[] = {cm_db_int(e->minute), cm_db_text(e->key),
                                         cm_db_int(e->ok ? 1 : 0),
                                         cm_db_int(e->permitted + e->refused)};
    const struct cm_db_value denial[] = {
        minute[0],
        minute[1],
        cm_db_text(e->now.stage),
        minute[3],
        cm_db_text(e->now.token),
        cm_db_int(e->last),
    };

    if (e->kind == DELTA_MINUTE) {
        return cm_db_run(db,
                         "INSERT INTO attestation_minute (minute, tee, ok, count)"
                         " VALUES (?, ?, ?, ?) ON CONFLICT (minute, tee, ok)"
                         " DO UPDATE SET count = attestation_minute.count + excluded.count",
                         cm_db_with(minute, 4), cm_db_nowhere(), why);
    }
    return cm_db_run(db,
                     "INSERT INTO attestation_denial (minute, cause, stage, count, last_token,"
                     " last_seen) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (minute, cause)"
                     " DO UPDATE SET count = attestation_denial.count + excluded.count,"
                     " last_token = excluded.last_token, last_seen = excluded.last_seen",
                     cm_db_with(denial, 6), cm_db_nowhere(), why);
}

static enum cm_status write_seen(struct cm_db *db, const struct delta *e, struct cm_why *why)
{
    const struct cm_facts *f = &e->now;
    const struct cm_db_value v[] = {
        cm_db_text(e->what),         cm_db_text(e->key),        cm_db_text(e->signer),
        cm_db_text(f->tee),          cm_db_int(e->first),       cm_db_int(e->last),
        cm_db_int(e->permitted),     cm_db_int(e->refused),     cm_db_text(f->tcb),
        cm_db_int(e->ok ? 1 : 0),    cm_db_text(f->reason),     cm_db_int(f->emulated ? 1 : 0),
        cm_db_text(f->label),        cm_db_int(f->product),     cm_db_int(f->svn),
        cm_db_int(f->debug ? 1 : 0), cm_db_text(f->advisories),
    };

    return cm_db_run(
        db,
        "INSERT INTO inventory (kind, value, signer, tee, first_seen, last_seen, permitted,"
        " refused, tcb, ok, reason, emulated, label, product, svn, debug, advisories)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, value, signer) DO UPDATE SET"
        " first_seen = CASE WHEN excluded.first_seen < inventory.first_seen"
        " THEN excluded.first_seen ELSE inventory.first_seen END,"
        " last_seen = CASE WHEN excluded.last_seen > inventory.last_seen"
        " THEN excluded.last_seen ELSE inventory.last_seen END,"
        " permitted = inventory.permitted + excluded.permitted,"
        " refused = inventory.refused + excluded.refused,"
        " tcb = excluded.tcb, ok = excluded.ok, reason = excluded.reason,"
        " emulated = excluded.emulated, product = excluded.product, svn = excluded.svn,"
        " debug = excluded.debug, advisories = excluded.advisories",
        cm_db_with(v, sizeof(v) / sizeof(v[0])), cm_db_nowhere(), why);
}

enum cm_status cm_deltas_write(struct cm_db *db, const struct cm_deltas *d, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct delta *e = d->buckets[i]; st == CM_OK && e != NULL; e = e->next) {
            st = e->kind == DELTA_SEEN ? write_seen(db, e, why) : write_count(db, e, why);
        }
    }
    return st;
}

struct cm_latency cm_stats_latency(struct cm_stats *s)
{
    struct cm_latency out;

    (void)pthread_mutex_lock(&s->lock);
    out = cm_times_all(s->times);
    (void)pthread_mutex_unlock(&s->lock);
    return out;
}

struct cm_latency cm_stats_latency_at(struct cm_stats *s, int64_t first, int64_t count)
{
    struct cm_latency out;

    (void)pthread_mutex_lock(&s->lock);
    out = cm_times_at(s->times, first, count);
    (void)pthread_mutex_unlock(&s->lock);
    return out;
}

void cm_stats_metrics(struct cm_stats *s, FILE *out)
{
    const struct cm_latency l = cm_stats_latency(s);

    (void)fprintf(out, "# HELP casemate_attestations_total Recorded decisions.\n"
                       "# TYPE casemate_attestations_total counter\n");
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->total_count; i++) {
        (void)fprintf(out, "casemate_attestations_total{tee=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                      s->totals[i].tee, s->totals[i].ok ? "accepted" : "refused",
                      s->totals[i].count);
    }
    (void)pthread_mutex_unlock(&s->lock);
    (void)fprintf(out,
                  "# HELP casemate_decision_seconds How long decisions take.\n"
                  "# TYPE casemate_decision_seconds summary\n"
                  "casemate_decision_seconds{quantile=\"0.5\"} %.9f\n"
                  "casemate_decision_seconds{quantile=\"0.99\"} %.9f\n"
                  "casemate_decision_seconds_count %" PRIu64 "\n",
                  l.p50, l.p99, l.count);
}
