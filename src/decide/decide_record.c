/* Rows of attestations; see decide_record.h. */
#include "decide/decide_record.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "crypto/crypto.h"

#define SETS     256u
#define WAYS     4u
#define DAY      INT64_C(86400)
#define FEW_LIFE INT64_C(600)
#define ID_SHIFT 28
#define AT_ONCE  2000       /* rows that one retention step takes away */
#define JUNK     "evidence" /* the stage of rows that anybody can have written, without a TEE */

/* Rows that are kept apart from others, by what it takes to have them written; bases have them in `refused`. */
enum kind {
    PERMITTED = 0,
    JUNK_ROWS = 1, /* anything */
    DENIED = 2,    /* genuine evidence of any TEE */
};

/* The items of one explanation, written once, to which others refer. Immutable but for `stored`. */
struct cm_base {
    atomic_uint refs;
    atomic_bool stored; /* on the disk */
    enum kind kind;     /* of its rows: it goes with them */
    uint64_t key;       /* of its like */
    int64_t time;
    char hash[33];
    struct cm_items items;
};

struct cm_bases {
    pthread_mutex_t lock;
    struct cm_base *sets[SETS][WAYS];
    uint8_t next[SETS];
};

static void base_drop(struct cm_base *b)
{
    if (b != NULL && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
        cm_items_free(&b->items);
        free(b);
    }
}

static struct cm_base *base_hold(struct cm_base *b)
{
    (void)atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

enum cm_status cm_bases_create(struct cm_bases **out)
{
    struct cm_bases *b = calloc(1, sizeof(*b));

    *out = NULL;
    if (b == NULL) {
        return CM_ERR_NOMEM;
    }
    if (pthread_mutex_init(&b->lock, NULL) != 0) {
        free(b);
        return CM_ERR_PLATFORM;
    }
    *out = b;
    return CM_OK;
}

void cm_bases_clear(struct cm_bases *b)
{
    (void)pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < SETS; i++) {
        for (size_t k = 0; k < WAYS; k++) {
            base_drop(b->sets[i][k]);
            b->sets[i][k] = NULL;
        }
    }
    (void)pthread_mutex_unlock(&b->lock);
}

void cm_bases_free(struct cm_bases *b)
{
    if (b != NULL) {
        cm_bases_clear(b);
        (void)pthread_mutex_destroy(&b->lock);
        free(b);
    }
}

/* Explanations that are likely to be alike: of one program, on one platform, judged alike. */
static uint64_t likeness(const struct cm_facts *f)
{
    const char *const texts[] = {f->tee, f->measurement, f->platform, f->policy_hash,
                                 f->api, f->cause,       f->tcb,      f->stage};
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (const char *p = texts[i];; p++) {
            h = (h ^ (uint8_t)*p) * UINT64_C(1099511628211);
            if (*p == '\0') {
                break;
            }
        }
    }
    return h;
}

static enum kind kind_of(const struct cm_facts *f)
{
    return strcmp(f->stage, JUNK) == 0 ? JUNK_ROWS : f->ok ? PERMITTED : DENIED;
}

/*
 * How long a base is used: so that rows that are kept have theirs (cm_record_retire()). Of what was refused, each
 * piece of which can be made to need a base of its own, they go soon after the rows: 20 KB each would fill the disk.
 */
static int64_t base_life(enum kind kind)
{
    return kind == PERMITTED ? DAY : FEW_LIFE;
}

static struct cm_base *base_find(struct cm_bases *b, uint64_t key, enum kind kind, int64_t now)
{
    struct cm_base *out = NULL;

    (void)pthread_mutex_lock(&b->lock);
    for (size_t k = 0; k < WAYS && out == NULL; k++) {
        struct cm_base *one = b->sets[key % SETS][k];

        if (one != NULL && one->key == key && one->kind == kind && one->time <= now &&
            now - one->time < base_life(kind)) {
            out = base_hold(one);
        }
    }
    (void)pthread_mutex_unlock(&b->lock);
    return out;
}

static void base_keep(struct cm_bases *b, struct cm_base *one)
{
    const size_t set = one->key % SETS;
    size_t way = WAYS;

    (void)pthread_mutex_lock(&b->lock);
    for (size_t k = 0; k < WAYS && way == WAYS; k++) {
        if (b->sets[set][k] != NULL && b->sets[set][k]->key == one->key) {
            way = k;
        }
    }
    if (way == WAYS) {
        way = b->next[set];
        b->next[set] = (uint8_t)((way + 1) % WAYS);
    }
    base_drop(b->sets[set][way]);
    b->sets[set][way] = base_hold(one);
    (void)pthread_mutex_unlock(&b->lock);
}

/* @param items  taken over on CM_OK */
static enum cm_status base_make(struct cm_items *items, uint64_t key, const struct cm_facts *f,
                                struct cm_base **out)
{
    const int64_t now = f->time;
    const int64_t kind = kind_of(f);
    struct cm_base *b = calloc(1, sizeof(*b));
    struct cm_sha256 *h = NULL;
    uint8_t digest[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (b == NULL) {
        return CM_ERR_NOMEM;
    }
    atomic_init(&b->refs, 1);
    atomic_init(&b->stored, false);
    b->key = key;
    b->time = now;
    b->kind = kind_of(f);
    /* time and kind are part of the name: rows find a base that is as old as they, and goes with them */
    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, &now, sizeof(now)));
    CM_TRY(cm_sha256_update(h, &kind, sizeof(kind)));
    CM_TRY(cm_sha256_update(h, items->text, items->len));
    CM_TRY(cm_sha256_final(h, digest));
    cm_hex_encode(cm_span_make(digest, 16), CM_HEX_LOWER, b->hash);
    b->items = *items;
    memset(items, 0, sizeof(*items));
    *out = b;
    b = NULL;
out:
    cm_sha256_free(h);
    base_drop(b);
    return st;
}

int64_t cm_record_first_id(uint64_t time)
{
    return (int64_t)(time << ID_SHIFT);
}

int64_t cm_record_id(struct cm_record_ids *ids, uint64_t now)
{
    const int64_t from = cm_record_first_id(now) | ids->who;
    int64_t last = atomic_load_explicit(&ids->last, memory_order_relaxed);
    int64_t next = 0;

    do {
        next = last + 256 > from ? last + 256 : from;
    } while (!atomic_compare_exchange_weak(&ids->last, &last, next));
    return next;
}

enum cm_status cm_record_make(struct cm_bases *b, const struct cm_decision *d,
                              const struct cm_decide_job *job, int64_t id, struct cm_record *out)
{
    struct cm_items items = {NULL, 0, NULL, 0};
    struct cm_base *base = NULL;
    uint64_t key = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    out->id = id;
    cm_facts_of(d, job, &out->facts);
    CM_TRY(cm_items_of(d, job, &items));
    key = likeness(&out->facts);
    base = base_find(b, key, kind_of(&out->facts), out->facts.time);
    if (base != NULL) {
        CM_TRY(cm_items_diff(&base->items, &items, &out->delta, &out->delta_len));
    }
    if (base == NULL || out->delta_len > 1024 + items.len / 2) { /* not alike after all */
        const struct cm_items *now = NULL;

        base_drop(base);
        base = NULL;
        free(out->delta);
        out->delta = NULL;
        CM_TRY(base_make(&items, key, &out->facts, &base));
        now = &base->items;
        CM_TRY(cm_items_diff(now, now, &out->delta, &out->delta_len));
        base_keep(b, base);
    }
    out->base = base;
    base = NULL;
out:
    base_drop(base);
    cm_items_free(&items);
    if (st != CM_OK) {
        cm_record_free(out);
    }
    return st;
}

void cm_record_free(struct cm_record *r)
{
    base_drop(r->base);
    free(r->delta);
    memset(r, 0, sizeof(*r));
}

void cm_record_written(const struct cm_record *r)
{
    atomic_store(&r->base->stored, true);
}

static enum cm_status write_base(struct cm_db *db, const struct cm_base *b, struct cm_why *why)
{
    const struct cm_db_value v[] = {cm_db_text(b->hash), cm_db_int(b->time),
                                    cm_db_blob(cm_span_make(b->items.text, b->items.len)),
                                    cm_db_int((int64_t)b->kind)};

    return cm_db_run(db,
                     "INSERT INTO attestation_base (hash, time, items, refused) VALUES (?, ?, ?, ?)"
                     " ON CONFLICT (hash) DO NOTHING",
                     cm_db_with(v, 4), cm_db_nowhere(), why);
}

enum cm_status cm_record_write(struct cm_db *db, const struct cm_record *r, struct cm_why *why)
{
    const struct cm_facts *f = &r->facts;
    struct cm_db_value v[] = {
        cm_db_int(r->id),
        cm_db_int(f->time),
        cm_db_text(f->token),
        cm_db_text(f->api),
        cm_db_text(f->tee),
        cm_db_int(f->ok ? 1 : 0),
        cm_db_int(f->status),
        cm_db_text(f->stage),
        cm_db_text(f->reason),
        cm_db_text(f->client),
        cm_db_text(f->measurement),
        cm_db_text(f->label),
        cm_db_text(f->signer),
        cm_db_text(f->platform),
        cm_db_text(f->tcb),
        cm_db_int(f->emulated ? 1 : 0),
        cm_db_int((int64_t)(f->took_ns / 1000)),
        cm_db_text(f->policy_type),
        cm_db_int(f->policy_version),
        cm_db_text(f->policy_hash),
        cm_db_text(r->base->hash),
        cm_db_blob(cm_span_make(r->delta, r->delta_len)),
    };
    enum cm_status st = CM_OK;

    if (!atomic_load(&r->base->stored)) {
        CM_TRY(write_base(db, r->base, why));
    }
    for (int tries = 0; tries < 64; tries++) { /* another instance may have counted alike */
        CM_TRY(cm_db_run(db,
                         "INSERT INTO attestation (id, time, token, api, tee, ok, status, stage,"
                         " reason, client, measurement, label, signer, platform, tcb, emulated,"
                         " took_us, policy_type, policy_version, policy_hash, base, delta) VALUES"
                         " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                         " ON CONFLICT (id) DO NOTHING",
                         cm_db_with(v, sizeof(v) / sizeof(v[0])), cm_db_nowhere(), why));
        if (cm_db_changed(db) == 1) {
            goto out;
        }
        v[0].number++;
    }
    cm_why_set(why, "no number is free for a record");
    st = CM_ERR_EXISTS;
out:
    return st;
}

/* --------------------------------------------------------------- retention */

static bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 && columns[0].type == CM_DB_INT ? columns[0].number : 0;
    return false;
}

/* A row's number or time; 0: there is none. */
static enum cm_status ask_number(struct cm_db *db, const char *sql, const int64_t *value,
                                 int64_t *out, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_int(value == NULL ? 0 : *value);

    *out = 0;
    return cm_db_run(db, sql, cm_db_with(&v, value == NULL ? 0 : 1), cm_db_into(take_number, out),
                     why);
}

static enum cm_status delete_below(struct cm_db *db, const char *sql, int64_t limit,
                                   struct cm_why *why)
{
    const struct cm_db_value v = cm_db_int(limit);

    return cm_db_run(db, sql, cm_db_with(&v, 1), cm_db_nowhere(), why);
}

/* Of a kind; each statement has an index of its own (schema_decide.c). */
struct retirement {
    const char *newest;
    const char *oldest;
    const char *first_time;
    const char *take;
    const char *take_bases;
    enum kind kind;
};

#define RETIREMENT(which, refused, kind)                                                  \
    {                                                                                     \
        "SELECT id FROM attestation WHERE " which " ORDER BY id DESC LIMIT 1 OFFSET ?",   \
            "SELECT id FROM attestation WHERE " which " ORDER BY id LIMIT 1 OFFSET ?",    \
            "SELECT time FROM attestation WHERE " which " ORDER BY id LIMIT 1",           \
            "DELETE FROM attestation WHERE " which " AND id < ?",                         \
            "DELETE FROM attestation_base WHERE refused = " refused " AND time < ?", kind \
    }

static const struct retirement junk = RETIREMENT("stage = '" JUNK "'", "1", JUNK_ROWS);
static const struct retirement denied = RETIREMENT("stage <> '" JUNK "' AND ok = 0", "2", DENIED);
static const struct retirement permitted =
    RETIREMENT("stage <> '" JUNK "' AND ok = 1", "0", PERMITTED);

/* Those below `keep` and beyond the newest `rows`. @param more  as of cm_record_retire() */
static enum cm_status retire_kind(struct cm_db *db, const struct retirement *kind, int64_t keep,
                                  uint64_t rows, bool *more, struct cm_why *why)
{
    const int64_t beyond = (int64_t)rows;
    const int64_t at_once = AT_ONCE;
    int64_t id = 0;
    int64_t upto = 0;
    int64_t oldest = 0;
    enum cm_status st = CM_OK;

    CM_TRY(ask_number(db, kind->newest, &beyond, &id, why));
    keep = id >= keep ? id + 1 : keep;
    /* a few at a time: nobody waits long for the write lock */
    CM_TRY(ask_number(db, kind->oldest, &at_once, &upto, why));
    if (upto != 0 && upto < keep) {
        keep = upto;
        *more = true;
    }
    CM_TRY(delete_below(db, kind->take, keep, why));
    if (*more) {
        goto out;
    }
    CM_TRY(ask_number(db, kind->first_time, NULL, &oldest, why));
    if (oldest != 0) { /* a row's base is at most one life older than the row */
        CM_TRY(delete_below(db, kind->take_bases, oldest - 2 * base_life(kind->kind), why));
    }
out:
    return st;
}

enum cm_status cm_record_retire(struct cm_db *db, uint64_t now, const struct cm_retention *keep,
                                bool *more, struct cm_why *why)
{
    const uint64_t age = keep->days * DAY;
    const int64_t from = now > age ? cm_record_first_id(now - age) : 0;
    const int64_t minute = now > age ? (int64_t)(now - age) / 60 : 0;
    enum cm_status st = CM_OK;

    *more = false;
    CM_TRY(retire_kind(db, &junk, from, keep->refused_rows, more, why));
    if (*more) {
        goto out;
    }
    CM_TRY(retire_kind(db, &denied, from, keep->denied_rows, more, why));
    if (*more) {
        goto out;
    }
    CM_TRY(retire_kind(db, &permitted, from, keep->rows, more, why));
    if (*more) {
        goto out;
    }
    CM_TRY(delete_below(db, "DELETE FROM attestation_minute WHERE minute < ?", minute, why));
    CM_TRY(delete_below(db, "DELETE FROM attestation_denial WHERE minute < ?", minute, why));
out:
    return st;
}
