/* See decide_floors.h. */
#include "decide/decide_floors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

struct cm_floors {
    pthread_mutex_t lock;
    struct cm_floor_set *now;
    struct cm_floor_set *written; /* what the store has at least */
    struct cm_floor_set *writing; /* what is on its way there */
};

static struct cm_floor_set *set_new(size_t count)
{
    struct cm_floor_set *s = calloc(1, sizeof(*s) + count * sizeof(s->floor[0]));

    if (s != NULL) {
        atomic_init(&s->refs, 1);
        s->count = count;
    }
    return s;
}

static struct cm_floor_set *hold(struct cm_floor_set *set)
{
    (void)atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void cm_floors_drop(struct cm_floor_set *set)
{
    if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        free(set);
    }
}

enum cm_status cm_floors_create(struct cm_floors **out)
{
    struct cm_floors *f = calloc(1, sizeof(*f));

    *out = NULL;
    if (f == NULL) {
        return CM_ERR_NOMEM;
    }
    f->now = set_new(0);
    if (f->now == NULL || pthread_mutex_init(&f->lock, NULL) != 0) {
        cm_floors_drop(f->now);
        free(f);
        return CM_ERR_NOMEM;
    }
    f->written = hold(f->now);
    f->writing = hold(f->now);
    *out = f;
    return CM_OK;
}

void cm_floors_free(struct cm_floors *f)
{
    if (f != NULL) {
        cm_floors_drop(f->now);
        cm_floors_drop(f->written);
        cm_floors_drop(f->writing);
        (void)pthread_mutex_destroy(&f->lock);
        free(f);
    }
}

struct cm_floor_set *cm_floors_hold(struct cm_floors *f)
{
    struct cm_floor_set *out = NULL;

    (void)pthread_mutex_lock(&f->lock);
    out = hold(f->now);
    (void)pthread_mutex_unlock(&f->lock);
    return out;
}

static struct cm_floor *entry(struct cm_floor_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->floor[i].name, name) == 0) {
            return &set->floor[i];
        }
    }
    return NULL;
}

/* A set that has these, too; NULL: no memory, or too many. */
static struct cm_floor_set *merged(struct cm_floor_set *old, const struct cm_floor *more,
                                   size_t count, enum cm_status *st)
{
    struct cm_floor_set *s = set_new(old->count + count);

    *st = CM_ERR_NOMEM;
    if (s == NULL) {
        return NULL;
    }
    memcpy(s->floor, old->floor, old->count * sizeof(s->floor[0]));
    s->count = old->count;
    for (size_t i = 0; i < count; i++) {
        struct cm_floor *e = entry(s, more[i].name);

        if (e == NULL) {
            s->floor[s->count++] = more[i];
        } else if (more[i].value > e->value) {
            e->value = more[i].value;
        }
    }
    *st = CM_OK;
    if (s->count > CM_FLOORS_KEPT) {
        cm_floors_drop(s);
        *st = CM_ERR_LIMIT;
        return NULL;
    }
    return s;
}

/* With the lock: put a set in the place of another. */
static void replace(struct cm_floor_set **at, struct cm_floor_set *set)
{
    cm_floors_drop(*at);
    *at = set;
}

enum cm_status cm_floors_raise(struct cm_floors *f, const struct cm_evidence *ev, bool *rose)
{
    struct cm_floor more[16];
    const struct cm_floor *reached = NULL;
    struct cm_floor_set *set = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    *rose = false;
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; (reached = cm_evidence_floor(ev, i)) != NULL; i++) {
        const struct cm_floor *e = entry(f->now, reached->name);

        if (e == NULL || reached->value > e->value) {
            if (count == sizeof(more) / sizeof(more[0])) {
                st = CM_ERR_LIMIT; /* no verifier reaches so many */
                goto out;
            }
            more[count++] = *reached;
        }
    }
    if (count != 0) {
        set = merged(f->now, more, count, &st);
        if (set == NULL) {
            goto out;
        }
        replace(&f->now, set);
        *rose = true;
    }
out:
    (void)pthread_mutex_unlock(&f->lock);
    return st;
}

/* A floor, unless the store has it. */
static enum cm_status write_one(struct cm_db *db, struct cm_floor_set *written,
                                const struct cm_floor *e, struct cm_why *why)
{
    const struct cm_floor *there = entry(written, e->name);
    const struct cm_db_value v[] = {
        cm_db_text(e->name), cm_db_int(e->value > INT64_MAX ? INT64_MAX : (int64_t)e->value)};

    if (there != NULL && there->value >= e->value) {
        return CM_OK;
    }
    return cm_db_run(db,
                     "INSERT INTO collateral_floor (name, value) VALUES (?, ?) ON CONFLICT (name)"
                     " DO UPDATE SET value = excluded.value"
                     " WHERE collateral_floor.value < excluded.value",
                     cm_db_with(v, 2), cm_db_nowhere(), why);
}

enum cm_status cm_floors_write(struct cm_floors *f, struct cm_db *db, struct cm_why *why)
{
    struct cm_floor_set *now = cm_floors_hold(f);
    struct cm_floor_set *written = NULL;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&f->lock);
    written = hold(f->written);
    replace(&f->writing, hold(now));
    (void)pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < now->count; i++) {
        CM_TRY(write_one(db, written, &now->floor[i], why));
    }
out:
    cm_floors_drop(now);
    cm_floors_drop(written);
    return st;
}

void cm_floors_written(struct cm_floors *f)
{
    (void)pthread_mutex_lock(&f->lock);
    replace(&f->written, hold(f->writing));
    (void)pthread_mutex_unlock(&f->lock);
}

bool cm_floors_dirty(struct cm_floors *f)
{
    bool dirty = false;

    (void)pthread_mutex_lock(&f->lock);
    dirty = f->written != f->now;
    (void)pthread_mutex_unlock(&f->lock);
    return dirty;
}

struct reading {
    struct cm_floor_set *set;
    enum cm_status st;
};

static bool take_row(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct reading *r = arg;
    struct cm_floor_set *set = NULL;
    struct cm_floor one = {{0}, 0};

    if (count != 2 || columns[0].bytes.len >= sizeof(one.name) || columns[1].number < 0) {
        r->st = CM_ERR_FORMAT;
        return false;
    }
    memcpy(one.name, columns[0].bytes.ptr, columns[0].bytes.len);
    one.value = (uint64_t)columns[1].number;
    set = merged(r->set, &one, 1, &r->st);
    if (set != NULL) {
        replace(&r->set, set);
    }
    return r->st == CM_OK;
}

enum cm_status cm_floors_read(struct cm_floors *f, struct cm_db *db, struct cm_why *why)
{
    struct reading r = {.set = set_new(0)};
    struct cm_floor_set *set = NULL;
    enum cm_status st = CM_OK;

    if (r.set == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_db_run(db, "SELECT name, value FROM collateral_floor ORDER BY name", cm_db_none(),
                     cm_db_into(take_row, &r), why));
    CM_TRY(r.st);
    (void)pthread_mutex_lock(&f->lock);
    set = merged(f->now, r.set->floor, r.set->count, &st);
    if (set != NULL) {
        bool clean = f->written == f->now;

        replace(&f->now, set);
        if (clean) {
            replace(&f->written, hold(set));
        }
    }
    (void)pthread_mutex_unlock(&f->lock);
out:
    cm_floors_drop(r.set);
    return st;
}
