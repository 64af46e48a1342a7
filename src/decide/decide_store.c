/* What the module keeps in the store beside the log: collateral, floors, sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_module.h"

void cm_decide_begin(struct cm_decide_module_state *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->pending++;
    (void)pthread_mutex_unlock(&m->lock);
}

void cm_decide_end(struct cm_decide_module_state *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->pending--;
    if (m->pending == 0) {
        (void)pthread_cond_broadcast(&m->idle);
    }
    (void)pthread_mutex_unlock(&m->lock);
}

/* ------------------------------------------------------------- collateral */

struct loading {
    const char *name;
    struct cm_kept *kept;
    enum cm_status st;
    struct cm_why why;
};

static bool take_kept(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct loading *l = arg;

    l->st = count == 1 ? cm_kept_read(columns[0].bytes, &l->kept, &l->why) : CM_ERR_FORMAT;
    if (l->st == CM_OK && strcmp(l->kept->want.name, l->name) != 0) {
        cm_kept_drop(l->kept);
        l->kept = NULL;
        l->st = CM_ERR_FORMAT;
    }
    return false;
}

static enum cm_status load_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct loading *l = arg;
    const struct cm_db_value v = cm_db_text(l->name);

    return cm_db_run(db, "SELECT bytes FROM collateral WHERE name = ?", cm_db_with(&v, 1),
                     cm_db_into(take_kept, l), why);
}

enum cm_status cm_decide_load(void *arg, const char *name, struct cm_kept **out, struct cm_why *why)
{
    struct cm_decide_module_state *m = arg;
    struct loading l = {.name = name, .st = CM_ERR_NOTFOUND};
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_service_read(m->service, load_run, &l, why));
    CM_TRY(l.st);
    *out = l.kept;
out:
    return st;
}

struct saving {
    struct cm_service *service;
    const struct cm_kept *kept;
    uint8_t *bytes;
    size_t len;
};

static enum cm_status save_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct saving *s = arg;
    const uint64_t after = s->kept->facts.not_after;
    const struct cm_db_value v[] = {cm_db_text(s->kept->want.name),
                                    cm_db_blob(cm_span_make(s->bytes, s->len)),
                                    cm_db_int((int64_t)s->kept->fetched),
                                    cm_db_int(after > INT64_MAX ? INT64_MAX : (int64_t)after),
                                    cm_db_int((int64_t)s->kept->fetched)};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "INSERT INTO collateral (name, bytes, fetched, not_after, used)"
                     " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                     " bytes = excluded.bytes, fetched = excluded.fetched,"
                     " not_after = excluded.not_after, used = excluded.used",
                     cm_db_with(v, 5), cm_db_nowhere(), why));
    CM_TRY(cm_service_touch(s->service, db, CM_TOPIC_COLLATERAL, why));
out:
    return st;
}

enum cm_status cm_decide_save(void *arg, const struct cm_kept *kept, struct cm_why *why)
{
    struct cm_decide_module_state *m = arg;
    struct saving s = {.service = m->service, .kept = kept};
    enum cm_status st = CM_OK;

    CM_TRY(cm_kept_write(kept, &s.bytes, &s.len));
    CM_TRY(cm_service_write(m->service, save_run, &s, why));
out:
    free(s.bytes);
    return st;
}

/* Names, and when each was used. */
struct used {
    struct used_one {
        char name[CM_KEPT_NAME];
        uint64_t when;
    } * list;
    size_t count;
    uint64_t since;
    uint64_t now;
    struct cm_keeper *keeper;
};

static void add_used(struct used *u, const char *name, uint64_t when)
{
    if (u->count < CM_KEEPER_MAX) {
        struct used_one *one = &u->list[u->count++];

        one->when = when;
        (void)snprintf(one->name, sizeof(one->name), "%s", name);
    }
}

/* What the store has newer than we: its name; bytes are read of those only. */
static bool take_newer(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct used *u = arg;
    struct cm_kept *have = NULL;

    if (count != 3 || columns[0].bytes.len >= CM_KEPT_NAME) {
        return true;
    }
    have = cm_keeper_peek(u->keeper, (const char *)columns[0].bytes.ptr);
    if (have == NULL || (int64_t)have->fetched < columns[1].number) {
        add_used(u, (const char *)columns[0].bytes.ptr, (uint64_t)columns[2].number);
    }
    cm_kept_drop(have);
    return true;
}

/* What is damaged or older is passed over: it is asked for again. */
static enum cm_status list_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct used *u = arg;
    enum cm_status st = cm_db_run(db, "SELECT name, fetched, used FROM collateral ORDER BY name",
                                  cm_db_none(), cm_db_into(take_newer, u), why);

    for (size_t i = 0; st == CM_OK && i < u->count; i++) {
        struct loading l = {.name = u->list[i].name, .st = CM_ERR_NOTFOUND};

        st = load_run(db, &l, why);
        if (st == CM_OK && l.st == CM_OK) {
            (void)!cm_keeper_put(u->keeper, l.kept, u->list[i].when, NULL);
            cm_kept_drop(l.kept);
        }
    }
    return st;
}

enum cm_status cm_decide_load_all(struct cm_decide_module_state *m, struct cm_why *why)
{
    struct used u = {.list = calloc(CM_KEEPER_MAX, sizeof(*u.list)),
                     .keeper = cm_engine_keeper(m->engine)};
    enum cm_status st =
        u.list == NULL ? CM_ERR_NOMEM : cm_service_read(m->service, list_run, &u, why);

    free(u.list);
    return st;
}

static void take_used(void *arg, const struct cm_keeper_state *state)
{
    struct used *u = arg;

    if (state->kept != NULL && state->used >= u->since) {
        add_used(u, state->name, state->used);
    }
}

static enum cm_status used_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct used *u = arg;
    struct cm_db_value v[3];
    const uint64_t unused = CM_KEEPER_UNUSED;
    enum cm_status st = CM_OK;

    for (size_t i = 0; st == CM_OK && i < u->count; i++) {
        v[0] = cm_db_int((int64_t)u->list[i].when);
        v[1] = cm_db_text(u->list[i].name);
        v[2] = v[0];
        st = cm_db_run(db, "UPDATE collateral SET used = ? WHERE name = ? AND used < ?",
                       cm_db_with(v, 3), cm_db_nowhere(), why);
    }
    if (st == CM_OK && u->now > unused) { /* by any instance */
        v[0] = cm_db_int((int64_t)(u->now - unused));
        st = cm_db_run(db, "DELETE FROM collateral WHERE used < ?", cm_db_with(v, 1),
                       cm_db_nowhere(), why);
    }
    return st;
}

enum cm_status cm_decide_mark_used(struct cm_decide_module_state *m, uint64_t since, uint64_t now,
                                   struct cm_why *why)
{
    struct used u = {.list = calloc(CM_KEEPER_MAX, sizeof(*u.list)), .since = since, .now = now};
    enum cm_status st = CM_ERR_NOMEM;

    if (u.list != NULL) {
        cm_keeper_each(cm_engine_keeper(m->engine), take_used, &u);
        st = cm_service_write(m->service, used_run, &u, why);
    }
    free(u.list);
    return st;
}

/* ------------------------------------------------------------------ floors */

static enum cm_status floors_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cm_decide_module_state *m = arg;
    enum cm_status st = CM_OK;

    CM_TRY(cm_floors_write(cm_engine_floors(m->engine), db, why));
    CM_TRY(cm_service_touch(m->service, db, CM_TOPIC_FLOORS, why));
out:
    return st;
}

static void floors_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct cm_decide_module_state *m = arg;

    (void)why;
    if (st == CM_OK) { /* else the next tick tries again */
        cm_floors_written(cm_engine_floors(m->engine));
    }
    atomic_store(&m->floors_writing, false);
    cm_decide_end(m);
}

void cm_decide_save_floors(struct cm_decide_module_state *m)
{
    bool idle = false;

    if (!cm_floors_dirty(cm_engine_floors(m->engine)) ||
        !atomic_compare_exchange_strong(&m->floors_writing, &idle, true)) {
        return;
    }
    cm_decide_begin(m);
    m->floors_change = (struct cm_change){.run = floors_run, .done = floors_done, .arg = m};
    cm_service_write_later(m->service, &m->floors_change);
}

static enum cm_status floors_read_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cm_decide_module_state *m = arg;

    return cm_floors_read(cm_engine_floors(m->engine), db, why);
}

enum cm_status cm_decide_load_floors(struct cm_decide_module_state *m, struct cm_why *why)
{
    return cm_service_read(m->service, floors_read_run, m, why);
}

/* ---------------------------------------------------------------- enrolled */

static enum cm_status enrolled_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_enrolled_read(db, arg, why);
}

enum cm_status cm_decide_load_enrolled(struct cm_decide_module_state *m, struct cm_why *why)
{
    struct cm_enrolled_set *set = NULL;
    enum cm_status st = cm_service_read(m->service, enrolled_run, &set, why);

    if (st == CM_OK) {
        cm_engine_enrol(m->engine, set);
    }
    return st;
}

/* -------------------------------------------------------------------- sums */

struct flush {
    struct cm_change change;
    struct cm_decide_module_state *m;
    struct cm_deltas *deltas;
};

static enum cm_status flush_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct flush *f = arg;

    return cm_deltas_write(db, f->deltas, why);
}

static void flush_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct flush *f = arg;
    struct cm_decide_module_state *m = f->m;

    (void)why;
    if (st == CM_OK) {
        cm_deltas_free(f->deltas);
    } else {
        cm_stats_give_back(m->stats, f->deltas);
    }
    free(f);
    cm_decide_end(m);
}

void cm_decide_flush(struct cm_decide_module_state *m)
{
    struct flush *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return; /* the next time */
    }
    f->m = m;
    f->deltas = cm_stats_take(m->stats, cm_service_now(m->service));
    if (f->deltas == NULL) {
        free(f);
        return;
    }
    cm_decide_begin(m);
    f->change = (struct cm_change){.run = flush_run, .done = flush_done, .arg = f};
    cm_service_write_later(m->service, &f->change);
}

enum cm_status cm_decide_flush_now(struct cm_decide_module_state *m, struct cm_why *why)
{
    struct flush f = {.m = m};
    enum cm_status st = CM_OK;

    f.deltas = cm_stats_take(m->stats, cm_service_now(m->service));
    if (f.deltas == NULL) {
        return CM_OK;
    }
    st = cm_service_write(m->service, flush_run, &f, why);
    if (st == CM_OK) {
        cm_deltas_free(f.deltas);
    } else {
        cm_stats_give_back(m->stats, f.deltas);
    }
    return st;
}
