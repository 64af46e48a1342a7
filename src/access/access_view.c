/* The copy of the store that callers are looked up in; see access_private.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/access_private.h"
#include "common/try.h"

#define SLACK 120 /* seconds: others write down who was seen every 30 */

uint64_t cm_access_ms(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct access_view *cm_access_view(struct access *a)
{
    struct access_view *v = NULL;

    (void)pthread_mutex_lock(&a->lock);
    v = a->view;
    (void)atomic_fetch_add(&v->refs, 1);
    (void)pthread_mutex_unlock(&a->lock);
    return v;
}

void cm_access_view_put(struct access_view *v)
{
    if (v != NULL && atomic_fetch_sub(&v->refs, 1) == 1) {
        free(v->accounts);
        free(v->sessions);
        free(v->tokens);
        free(v);
    }
}

/* ------------------------------------------------------------------ look-ups */

static int by_name(const void *key, const void *account)
{
    return strcmp(key, ((const struct access_account *)account)->name);
}

/* hashes are the first member of both; of random secrets, so comparing them tells nothing */
static int by_hash(const void *key, const void *element)
{
    return memcmp(key, element, CM_SHA256_SIZE);
}

const struct access_account *cm_access_account_find(const struct access_view *v, const char *name)
{
    return v->account_count == 0
               ? NULL
               : bsearch(name, v->accounts, v->account_count, sizeof(*v->accounts), by_name);
}

struct access_session *cm_access_session_find(const struct access_view *v,
                                              const uint8_t hash[CM_SHA256_SIZE])
{
    return v->session_count == 0
               ? NULL
               : bsearch(hash, v->sessions, v->session_count, sizeof(*v->sessions), by_hash);
}

struct access_token *cm_access_token_find(const struct access_view *v,
                                          const uint8_t hash[CM_SHA256_SIZE])
{
    return v->token_count == 0
               ? NULL
               : bsearch(hash, v->tokens, v->token_count, sizeof(*v->tokens), by_hash);
}

/* ------------------------------------------------------------------- loading */

struct loading {
    struct access_view *v;
    size_t room;
    enum cm_status st;
    char settings[CM_ACCESS_SETTING_SIZE];
};

/* Room for one more element; NULL: none, and the loading has failed. */
static void *more(struct loading *l, void *array, size_t count, size_t size)
{
    void *out = array;

    if (count == l->room) {
        l->room = l->room == 0 ? 64 : 2 * l->room;
        out = reallocarray(array, l->room, size);
        if (out == NULL) {
            l->st = CM_ERR_NOMEM;
        }
    }
    return out;
}

static bool take_text(const struct cm_db_value *c, char *out, size_t cap)
{
    const bool good = c->type == CM_DB_TEXT && c->bytes.len < cap;

    if (good) {
        memcpy(out, c->bytes.ptr, c->bytes.len);
        out[c->bytes.len] = '\0';
    }
    return good;
}

static bool take_hash(const struct cm_db_value *c, uint8_t out[CM_SHA256_SIZE])
{
    const bool good = c->type == CM_DB_BLOB && c->bytes.len == CM_SHA256_SIZE;

    if (good) {
        memcpy(out, c->bytes.ptr, CM_SHA256_SIZE);
    }
    return good;
}

static bool on_account(void *arg, const struct cm_db_value *c, size_t count)
{
    struct loading *l = arg;
    struct access_view *v = l->v;
    struct access_account *all =
        more(l, v->accounts, v->account_count, sizeof(struct access_account));
    struct access_account *e = NULL;

    if (all == NULL) {
        return false;
    }
    v->accounts = all;
    e = &all[v->account_count];
    memset(e, 0, sizeof(*e));
    if (count != 5 || !take_text(&c[0], e->name, sizeof(e->name))) {
        l->st = CM_ERR_FORMAT;
        return false;
    }
    e->roles = (unsigned)c[1].number & CM_ACCESS_ROLES_ALL;
    e->disabled = c[2].number != 0;
    e->created = (uint64_t)c[3].number;
    e->seen = (uint64_t)c[4].number;
    v->account_count++;
    return true;
}

static bool on_session(void *arg, const struct cm_db_value *c, size_t count)
{
    struct loading *l = arg;
    struct access_view *v = l->v;
    struct access_session *all =
        more(l, v->sessions, v->session_count, sizeof(struct access_session));
    struct access_session *e = NULL;

    if (all == NULL) {
        return false;
    }
    v->sessions = all;
    e = &all[v->session_count];
    memset(e, 0, sizeof(*e));
    if (count != 4 || !take_hash(&c[0], e->hash) ||
        !take_text(&c[1], e->account, sizeof(e->account))) {
        l->st = CM_ERR_FORMAT;
        return false;
    }
    e->created = (uint64_t)c[2].number;
    e->stored = (uint64_t)c[3].number;
    atomic_init(&e->seen, e->stored);
    v->session_count++;
    return true;
}

static bool on_token(void *arg, const struct cm_db_value *c, size_t count)
{
    struct loading *l = arg;
    struct access_view *v = l->v;
    struct access_token *all = more(l, v->tokens, v->token_count, sizeof(struct access_token));
    struct access_token *e = NULL;

    if (all == NULL) {
        return false;
    }
    v->tokens = all;
    e = &all[v->token_count];
    memset(e, 0, sizeof(*e));
    if (count != 8 || !take_hash(&c[0], e->hash) || !take_text(&c[1], e->id, sizeof(e->id)) ||
        !take_text(&c[2], e->name, sizeof(e->name)) ||
        !take_text(&c[4], e->creator, sizeof(e->creator))) {
        l->st = CM_ERR_FORMAT;
        return false;
    }
    e->roles = (unsigned)c[3].number & CM_ACCESS_ROLES_ALL;
    e->created = (uint64_t)c[5].number;
    e->expires = (uint64_t)c[6].number;
    e->stored = (uint64_t)c[7].number;
    atomic_init(&e->seen, e->stored);
    v->token_count++;
    return true;
}

static enum cm_status load_settings(struct cm_db *db, struct loading *l, struct cm_why *why)
{
    json_t *json = NULL;
    enum cm_status st =
        cm_setting_get(db, CM_ACCESS_SETTING, l->settings, sizeof(l->settings), why);

    if (st == CM_ERR_NOTFOUND) {
        if (why != NULL) {
            why->text[0] = '\0';
        }
        cm_access_settings_default(&l->v->settings);
        return CM_OK;
    }
    if (st != CM_OK) {
        return st;
    }
    json = json_loads(l->settings, JSON_REJECT_DUPLICATES, NULL);
    st = cm_access_settings_parse(json, &l->v->settings, why);
    json_decref(json);
    return st == CM_ERR_PARAM ? CM_ERR_FORMAT : st;
}

static enum cm_status load(struct cm_db *db, void *arg, struct cm_why *why)
{
    static const struct {
        const char *sql;
        cm_db_row *row;
    } parts[] = {
        {"SELECT name, roles, disabled, created, seen FROM access_account ORDER BY name",
         on_account},
        {"SELECT hash, account, created, seen FROM access_session", on_session},
        {"SELECT hash, id, name, roles, creator, created, expires, seen FROM access_token",
         on_token},
    };
    struct loading *l = arg;
    enum cm_status st = CM_OK;

    CM_TRY(load_settings(db, l, why));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        l->room = 0;
        CM_TRY(cm_db_run(db, parts[i].sql, cm_db_none(), cm_db_into(parts[i].row, l), why));
        CM_TRY(l->st);
    }
out:
    return st;
}

static int compare_names(const void *x, const void *y)
{
    return strcmp(((const struct access_account *)x)->name,
                  ((const struct access_account *)y)->name);
}

static void sort(struct access_view *v)
{
    /* databases sort texts by their own rules */
    if (v->account_count != 0) {
        qsort(v->accounts, v->account_count, sizeof(*v->accounts), compare_names);
    }
    if (v->session_count != 0) {
        qsort(v->sessions, v->session_count, sizeof(*v->sessions), by_hash);
    }
    if (v->token_count != 0) {
        qsort(v->tokens, v->token_count, sizeof(*v->tokens), by_hash);
    }
}

static uint64_t later(uint64_t x, uint64_t y)
{
    return x > y ? x : y;
}

/* What was seen here and is not in the store yet. Under the lock. */
static void carry_over(const struct access_view *from, struct access_view *to)
{
    for (size_t i = 0; from != NULL && i < from->session_count; i++) {
        struct access_session *e = cm_access_session_find(to, from->sessions[i].hash);

        if (e != NULL) {
            atomic_store(&e->seen,
                         later(atomic_load(&e->seen), atomic_load(&from->sessions[i].seen)));
        }
    }
    for (size_t i = 0; from != NULL && i < from->token_count; i++) {
        struct access_token *e = cm_access_token_find(to, from->tokens[i].hash);

        if (e != NULL) {
            atomic_store(&e->seen,
                         later(atomic_load(&e->seen), atomic_load(&from->tokens[i].seen)));
        }
    }
}

enum cm_status cm_access_renew(struct access *a, struct cm_why *why)
{
    struct loading *l = calloc(1, sizeof(*l));
    struct access_view *old = NULL;
    enum cm_status st = CM_OK;

    if (l == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)pthread_mutex_lock(&a->load);
    l->v = calloc(1, sizeof(*l->v));
    if (l->v == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    atomic_init(&l->v->refs, 1);
    CM_TRY(cm_service_read(a->service, load, l, why));
    sort(l->v);
    (void)pthread_mutex_lock(&a->lock);
    old = a->view;
    carry_over(old, l->v);
    a->view = l->v;
    l->v = NULL;
    (void)pthread_mutex_unlock(&a->lock);
    cm_access_view_put(old);
    atomic_store(&a->renewed_ms, cm_access_ms());
    atomic_store(&a->stale, false);
out:
    (void)pthread_mutex_unlock(&a->load);
    cm_access_view_put(l->v);
    free(l);
    return st;
}

bool cm_access_fresh(struct access *a)
{
    return !atomic_load(&a->stale) &&
           cm_access_ms() - atomic_load(&a->renewed_ms) <= atomic_load(&a->longest_ms);
}

/* -------------------------------------------------------------- times of use */

struct seen {
    const struct access_view *v;
    uint64_t now;
};

static enum cm_status write_one(struct cm_db *db, const char *sql,
                                const uint8_t hash[CM_SHA256_SIZE], uint64_t seen,
                                struct cm_why *why)
{
    const struct cm_db_value values[] = {
        cm_db_int((int64_t)seen),
        cm_db_blob(cm_span_make(hash, CM_SHA256_SIZE)),
        cm_db_int((int64_t)seen),
    };

    return cm_db_run(db, sql, cm_db_with(values, 3), cm_db_nowhere(), why);
}

static enum cm_status write_seen(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct seen *s = arg;
    const struct access_view *v = s->v;
    const struct cm_db_value ended[] = {
        cm_db_int((int64_t)s->now - (int64_t)v->settings.session_max),
        cm_db_int((int64_t)s->now - (int64_t)v->settings.session_idle - SLACK),
    };
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < v->session_count && st == CM_OK; i++) {
        const struct access_session *e = &v->sessions[i];
        const uint64_t seen = atomic_load(&e->seen);

        if (seen > e->stored) {
            st = write_one(db, "UPDATE access_session SET seen = ? WHERE hash = ? AND seen < ?",
                           e->hash, seen, why);
        }
    }
    for (size_t i = 0; i < v->token_count && st == CM_OK; i++) {
        const struct access_token *e = &v->tokens[i];
        const uint64_t seen = atomic_load(&e->seen);

        if (seen > e->stored) {
            st = write_one(db, "UPDATE access_token SET seen = ? WHERE hash = ? AND seen < ?",
                           e->hash, seen, why);
        }
    }
    if (st == CM_OK) {
        st = cm_db_run(db, "DELETE FROM access_session WHERE created <= ? OR seen <= ?",
                       cm_db_with(ended, 2), cm_db_nowhere(), why);
    }
    return st;
}

static bool anything_to_write(const struct seen *s)
{
    const struct cm_access_settings *set = &s->v->settings;

    for (size_t i = 0; i < s->v->session_count; i++) {
        const struct access_session *e = &s->v->sessions[i];
        const uint64_t seen = atomic_load(&e->seen);

        if (seen > e->stored || e->created + set->session_max <= s->now ||
            seen + set->session_idle + SLACK <= s->now) {
            return true;
        }
    }
    for (size_t i = 0; i < s->v->token_count; i++) {
        if (atomic_load(&s->v->tokens[i].seen) > s->v->tokens[i].stored) {
            return true;
        }
    }
    return false;
}

void cm_access_view_tick(struct access *a, uint64_t now)
{
    struct cm_why why = {""};
    struct access_view *v = cm_access_view(a);
    struct seen s = {v, now};
    enum cm_status st = CM_OK;

    if (anything_to_write(&s)) {
        st = cm_service_write(a->service, write_seen, &s, &why);
    }
    cm_access_view_put(v);
    if (st == CM_OK) {
        st = cm_access_renew(a, &why);
    }
    if (st != CM_OK) {
        cm_service_log(a->service, CM_LOG_WARNING, "access tick failed",
                       (const char *const[]){"why", why.text}, 1);
    }
}
