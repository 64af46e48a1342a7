/*
 * The store as modules see it: reading on a connection that is at hand, writing by the one writer, and
 * topics: what a transaction has touched is told to this instance's modules before whoever wrote goes on,
 * and to other instances' when they hear of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "service/service_private.h"

struct service_change {
    struct cm_change change; /* the writer's */
    struct cm_service *service;
    enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why);
    void *arg;
    char topics[MAX_TOPICS][TOPIC_MAX];
    size_t topic_count;
    struct cm_change *later; /* of cm_service_write_later(); NULL */
    enum cm_status st;
    struct cm_why why;
};

/* ------------------------------------------------------------------- topics */

void cm_service_changed(struct cm_service *s, const char *topic)
{
    (void)pthread_mutex_lock(&s->changed_lock);
    for (size_t i = 0; i < s->started; i++) {
        if (s->modules[i]->changed != NULL) {
            s->modules[i]->changed(s->states[i], topic);
        }
    }
    (void)pthread_mutex_unlock(&s->changed_lock);
}

static void tell_all(struct service_change *c)
{
    for (size_t i = 0; i < c->topic_count; i++) {
        cm_service_changed(c->service, c->topics[i]);
    }
}

static void add_topic(struct service_change *c, const char *topic)
{
    for (size_t i = 0; i < c->topic_count; i++) {
        if (strcmp(c->topics[i], topic) == 0) {
            return;
        }
    }
    if (c->topic_count == MAX_TOPICS) { /* too many to name */
        c->topic_count = 0;
        topic = "*";
    }
    (void)snprintf(c->topics[c->topic_count++], TOPIC_MAX, "%s", topic);
}

enum cm_status cm_service_touch(struct cm_service *s, struct cm_db *db, const char *topic,
                                struct cm_why *why)
{
    char note[CM_DB_NOTE_MAX] = "";

    if (strlen(topic) >= TOPIC_MAX || topic[0] == '\0' || s->writing == NULL) {
        cm_why_set(why, "a topic is a short text, touched within a change");
        return CM_ERR_PARAM;
    }
    add_topic(s->writing, topic);
    (void)snprintf(note, sizeof(note), "%s %s", s->instance, topic);
    return cm_db_note(db, note, why);
}

struct heard {
    struct cm_service *service;
    char topic[TOPIC_MAX];
};

static void tell_heard(void *arg)
{
    struct heard *h = arg;

    cm_service_changed(h->service, h->topic);
    free(h);
}

/* On the watch's thread, of any instance's transaction; ours have been told already. */
static void on_note(void *arg, const char *text)
{
    struct cm_service *s = arg;
    const char *space = strchr(text, ' ');
    struct heard *h = NULL;
    struct service_work work = {.run = tell_heard};

    if (space != NULL && (size_t)(space - text) == strlen(s->instance) &&
        memcmp(text, s->instance, strlen(s->instance)) == 0) {
        return;
    }
    h = calloc(1, sizeof(*h));
    if (h == NULL) {
        cm_service_changed(s, "*");
        return;
    }
    h->service = s;
    (void)snprintf(h->topic, sizeof(h->topic), "%s", space == NULL ? "*" : space + 1);
    work.arg = h;
    if (cm_workers_add(s, &work, false) != CM_OK) {
        tell_heard(h);
    }
}

/* ------------------------------------------------------------------- writing */

static enum cm_status change_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct service_change *c = arg;
    enum cm_status st = CM_OK;

    c->topic_count = 0; /* it may run again */
    c->service->writing = c;
    st = c->run(db, c->arg, why);
    c->service->writing = NULL;
    return st;
}

enum cm_status cm_service_write(struct cm_service *s,
                                enum cm_status (*run)(struct cm_db *db, void *arg,
                                                      struct cm_why *why),
                                void *arg, struct cm_why *why)
{
    struct service_change c = {.service = s, .run = run, .arg = arg};
    enum cm_status st = cm_writer_do(s->writer, change_run, &c, why);

    if (st == CM_OK) {
        tell_all(&c);
    }
    return st;
}

static void finish_later(void *arg)
{
    struct service_change *c = arg;

    if (c->st == CM_OK) {
        tell_all(c);
    }
    c->later->done(c->later->arg, c->st, &c->why);
    free(c);
}

/* On the writer's thread: what touched topics ends on a worker. */
static void change_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct service_change *c = arg;
    const struct service_work work = {.run = finish_later, .arg = c};

    c->st = st;
    c->why = *why;
    if (st != CM_OK || c->topic_count == 0 || cm_workers_add(c->service, &work, false) != CM_OK) {
        finish_later(c);
    }
}

void cm_service_write_later(struct cm_service *s, struct cm_change *change)
{
    struct service_change *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        const struct cm_why why = {"out of memory"};

        change->done(change->arg, CM_ERR_NOMEM, &why);
        return;
    }
    c->service = s;
    c->run = change->run;
    c->arg = change->arg;
    c->later = change;
    c->change = (struct cm_change){.run = change_run, .done = change_done, .arg = c};
    cm_writer_add(s->writer, &c->change);
}

/* ------------------------------------------------------------------- reading */

static enum cm_status
read_with(struct cm_db *db, enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why),
          void *arg, struct cm_why *why)
{
    enum cm_status st = cm_db_begin_reading(db, NULL);

    if (st == CM_ERR_STATE) { /* within another */
        return run(db, arg, why);
    }
    if (st != CM_OK) { /* a lost connection shows here first, and is found again */
        CM_TRY(cm_db_begin_reading(db, why));
    }
    CM_TRY(run(db, arg, why));
    CM_TRY(cm_db_commit(db, why));
out:
    cm_db_rollback(db);
    return st;
}

enum cm_status cm_service_read(struct cm_service *s,
                               enum cm_status (*run)(struct cm_db *db, void *arg,
                                                     struct cm_why *why),
                               void *arg, struct cm_why *why)
{
    struct cm_db *mine = cm_workers_db(s);
    enum cm_status st = CM_OK;

    if (mine != NULL) {
        return read_with(mine, run, arg, why);
    }
    (void)pthread_mutex_lock(&s->spare_lock);
    if (s->spare == NULL) {
        st = cm_db_open(s->config.store, &s->spare, why);
    }
    if (st == CM_OK) {
        st = read_with(s->spare, run, arg, why);
    }
    (void)pthread_mutex_unlock(&s->spare_lock);
    return st;
}

static enum cm_status read_head(struct cm_db *db, void *unused, struct cm_why *why)
{
    (void)unused;
    return cm_db_run(db, "SELECT seq FROM audit_head", cm_db_none(), cm_db_nowhere(), why);
}

bool cm_service_told(const struct cm_why *why)
{
    return why != NULL &&
           (strcmp(why->text, CM_DB_FULL) == 0 || strcmp(why->text, CM_DB_LOCKED) == 0);
}

bool cm_service_store_ready(struct cm_service *s, struct cm_why *why)
{
    struct cm_why inner = {""};

    why->text[0] = '\0';
    if (cm_service_read(s, read_head, NULL, &inner) != CM_OK) {
        cm_why_set(why, "not reachable");
    } else if (cm_writer_trouble(s->writer, &inner)) {
        cm_why_set(why, "%s", cm_service_told(&inner) ? inner.text : "cannot be written");
    } else {
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ settings */

struct setting {
    char *out;
    size_t cap;
    enum cm_status st;
};

static bool read_setting(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct setting *a = arg;

    a->st = count != 1 || columns[0].bytes.len >= a->cap ? CM_ERR_SPACE : CM_OK;
    if (a->st == CM_OK) {
        if (columns[0].bytes.len != 0) {
            memcpy(a->out, columns[0].bytes.ptr, columns[0].bytes.len);
        }
        a->out[columns[0].bytes.len] = '\0';
    }
    return false;
}

enum cm_status cm_setting_get(struct cm_db *db, const char *name, char *out, size_t cap,
                              struct cm_why *why)
{
    struct setting a = {.cap = cap, .st = CM_ERR_NOTFOUND};
    const struct cm_db_value key = cm_db_text(name);
    enum cm_status st = CM_OK;

    a.out = out;
    CM_TRY(cm_db_run(db, "SELECT value FROM setting WHERE name = ?", cm_db_with(&key, 1),
                     cm_db_into(read_setting, &a), why));
    st = a.st;
out:
    return st;
}

enum cm_status cm_setting_put(struct cm_db *db, const char *name, const char *value,
                              struct cm_why *why)
{
    const struct cm_db_value values[2] = {cm_db_text(name),
                                          cm_db_blob(cm_span_make(value, strlen(value)))};

    return cm_db_run(db,
                     "INSERT INTO setting (name, value) VALUES (?, ?)"
                     " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                     cm_db_with(values, 2), cm_db_nowhere(), why);
}

/* --------------------------------------------------------------- start, stop */

enum cm_status cm_service_store_start(struct cm_service *s, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_writer_start(s->config.store, &s->writer, why));
    CM_TRY(cm_db_watch_start(s->config.store, on_note, s, &s->watch, why));
out:
    return st;
}

void cm_service_store_stop(struct cm_service *s)
{
    cm_writer_stop(s->writer);
    s->writer = NULL;
    cm_db_close(s->spare);
    s->spare = NULL;
}
