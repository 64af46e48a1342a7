/* Group commit; see store_writer.h. */
#include "store/store_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/try.h"
#include "store/schema.h"

#define BATCH        256
#define PATIENCE_S   8 /* shorter than a client's */
#define PATIENCE_S_T 2 /* where the store was in trouble before */
#define BETWEEN_NS   100000000L
#define TRIAL        32768 /* bytes: a store that has no more room than that is full */
#define GATHER_NS    1000000L
#define GATHER_TIMES 4

struct cm_writer {
    struct cm_db *db;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct cm_change *first; /* under lock */
    struct cm_change **last; /* under lock */
    size_t waiting;          /* under lock: how many they are */
    bool stop;               /* under lock */
    bool trouble;            /* changed by the writer's thread alone, under lock */
    struct cm_why why;       /* of trouble, under lock */
};

/* What has failed for want of room may have ended the whole transaction: that is why, and not that it has ended. */
static enum cm_status undo(struct cm_db *db, const struct cm_change *c, struct cm_why *why)
{
    enum cm_status st = cm_db_part_undo(db, why);

    if (st != CM_OK && c->st == CM_ERR_IO) {
        *why = c->why;
        st = CM_ERR_IO;
    }
    return st;
}

/* Each change in a part of its own: one that fails takes none with it. */
static enum cm_status run_all(struct cm_db *db, struct cm_change *list, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_begin(db, why));
    for (struct cm_change *c = list; c != NULL; c = c->next) {
        c->why.text[0] = '\0';
        CM_TRY(cm_db_part(db, why));
        c->st = c->run(db, c->arg, &c->why);
        if (c->st == CM_ERR_BUSY) { /* a conflict, or the server is gone: all of it again */
            *why = c->why;
            st = CM_ERR_BUSY;
            goto out;
        }
        CM_TRY(c->st == CM_OK ? cm_db_part_keep(db, why) : undo(db, c, why));
    }
out:
    if (st != CM_OK) {
        cm_db_rollback(db);
    }
    return st;
}

static void nap(long ns)
{
    const struct timespec t = {0, ns};

    (void)nanosleep(&t, NULL);
}

static time_t seconds(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void set_trouble(struct cm_writer *w, const struct cm_why *why)
{
    (void)pthread_mutex_lock(&w->lock);
    w->trouble = why != NULL;
    if (why != NULL) {
        w->why = *why;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* st: of the transaction. Whoever is told of its end finds the store's state as it is behind it. */
static void note_end(struct cm_writer *w, const struct cm_change *list, enum cm_status st,
                     const struct cm_why *why)
{
    bool written = false;

    for (; st == CM_OK && list != NULL; list = list->next) {
        if (list->st == CM_ERR_IO) {
            st = CM_ERR_IO;
            why = &list->why;
        }
        written = written || list->st == CM_OK;
    }
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        set_trouble(w, why);
    } else if (st == CM_OK && written && w->trouble) {
        set_trouble(w, NULL);
    }
}

/* Something is written and taken away again, so that it shows when there is room, though nobody writes. */
static void try_store(struct cm_writer *w)
{
    static const uint8_t bytes[TRIAL];
    const struct cm_db_value values[] = {cm_db_text("store.trial"),
                                         cm_db_blob(cm_span_make(bytes, sizeof(bytes)))};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_begin(w->db, &why));
    CM_TRY(cm_db_run(w->db, "INSERT INTO setting (name, value) VALUES (?, ?)",
                     cm_db_with(values, 2), cm_db_nowhere(), &why));
    CM_TRY(cm_db_run(w->db, "DELETE FROM setting WHERE name = ?", cm_db_with(values, 1),
                     cm_db_nowhere(), &why));
    CM_TRY(cm_db_commit(w->db, &why));
out:
    cm_db_rollback(w->db);
    if (st != CM_ERR_NOMEM) {
        set_trouble(w, st == CM_OK ? NULL : &why);
    }
}

static void commit_all(struct cm_writer *w, struct cm_change *list)
{
    const time_t end = seconds() + (w->trouble ? PATIENCE_S_T : PATIENCE_S);
    struct cm_why why = {""};
    enum cm_status st = run_all(w->db, list, &why);

    while (st == CM_ERR_BUSY && seconds() < end) {
        nap(BETWEEN_NS);
        why.text[0] = '\0';
        st = run_all(w->db, list, &why);
    }
    if (st == CM_OK) {
        st = cm_db_commit(w->db, &why); /* not again: if it was lost, nobody knows how it ended */
    }
    note_end(w, list, st, &why);
    while (list != NULL) {
        struct cm_change *next = list->next; /* done() may free it */

        if (st != CM_OK) {
            list->st = st;
            list->why = why;
        }
        list->done(list->arg, list->st, &list->why);
        list = next;
    }
}

/* Until there is a change or the end; under lock. In trouble for a second at most. @return false: for that long */
static bool await(struct cm_writer *w)
{
    struct timespec until = {0, 0};
    int error = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    while (w->first == NULL && !w->stop && error == 0) {
        error = w->trouble ? pthread_cond_timedwait(&w->more, &w->lock, &until)
                           : pthread_cond_wait(&w->more, &w->lock);
    }
    return w->first != NULL || w->stop;
}

/* At most BATCH changes; NULL: there are none, and there will be none. *count: how many. */
static struct cm_change *take(struct cm_writer *w, size_t *count)
{
    struct cm_change *list = NULL;
    struct cm_change **end = &w->first;

    *count = 0;
    (void)pthread_mutex_lock(&w->lock);
    while (!await(w)) {
        (void)pthread_mutex_unlock(&w->lock);
        try_store(w);
        (void)pthread_mutex_lock(&w->lock);
    }
    while (*count < BATCH && *end != NULL) {
        end = &(*end)->next;
        (*count)++;
    }
    w->waiting -= *count;
    list = w->first;
    if (list != NULL) {
        w->first = *end;
        *end = NULL;
        if (w->first == NULL) {
            w->last = &w->first;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    return list;
}

static size_t waiting(struct cm_writer *w)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&w->lock);
    count = w->waiting;
    (void)pthread_mutex_unlock(&w->lock);
    return count;
}

/*
 * A commit costs the processor several times what a change in it does. So where the last one had several, the
 * next begins when a while has brought no more, or after a few such whiles.
 */
static void gather(struct cm_writer *w)
{
    size_t before = 0;
    size_t now = waiting(w);

    for (int i = 0; i < GATHER_TIMES && now < BATCH && (i == 0 || now != before); i++) {
        before = now;
        nap(GATHER_NS);
        now = waiting(w);
    }
}

static void *write_on(void *arg)
{
    struct cm_writer *w = arg;
    struct cm_change *list = NULL;
    size_t count = 0;

    while ((list = take(w, &count)) != NULL) {
        commit_all(w, list);
        if (count > 1) {
            gather(w);
        }
    }
    return NULL;
}

enum cm_status cm_writer_start(const char *where, struct cm_writer **out, struct cm_why *why)
{
    struct cm_writer *w = calloc(1, sizeof(*w));
    pthread_condattr_t steady;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (w == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&steady);
    (void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->more, &steady);
    (void)pthread_condattr_destroy(&steady);
    w->last = &w->first;
    CM_TRY(cm_db_open(where, &w->db, why));
    CM_TRY(cm_schema_apply(w->db, why));
    if (pthread_create(&w->thread, NULL, write_on, w) != 0) {
        st = CM_ERR_PLATFORM;
        goto out;
    }
    *out = w;
    return CM_OK;
out:
    cm_db_close(w->db);
    free(w);
    return st;
}

void cm_writer_add(struct cm_writer *w, struct cm_change *change)
{
    const struct cm_why ending = {"the program is ending"};
    bool stop = false;

    change->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    stop = w->stop;
    if (!stop) {
        *w->last = change;
        w->last = &change->next;
        w->waiting++;
        (void)pthread_cond_signal(&w->more);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (stop) {
        change->done(change->arg, CM_ERR_STATE, &ending);
    }
}

struct waiting {
    enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    enum cm_status st;
    struct cm_why *why;
};

static enum cm_status waiting_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct waiting *a = arg;

    return a->run(db, a->arg, why);
}

static void waiting_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct waiting *a = arg;

    (void)pthread_mutex_lock(&a->lock);
    a->st = st;
    if (st != CM_OK) {
        cm_why_set(a->why, "%s", why->text);
    }
    a->is_over = true;
    (void)pthread_cond_signal(&a->over);
    (void)pthread_mutex_unlock(&a->lock);
}

enum cm_status cm_writer_do(struct cm_writer *w,
                            enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why),
                            void *arg, struct cm_why *why)
{
    struct waiting a = {.run = run, .arg = arg, .why = why};
    struct cm_change change = {.run = waiting_run, .done = waiting_done, .arg = &a};

    (void)pthread_mutex_init(&a.lock, NULL);
    (void)pthread_cond_init(&a.over, NULL);
    cm_writer_add(w, &change);
    (void)pthread_mutex_lock(&a.lock);
    while (!a.is_over) {
        (void)pthread_cond_wait(&a.over, &a.lock);
    }
    (void)pthread_mutex_unlock(&a.lock);
    (void)pthread_cond_destroy(&a.over);
    (void)pthread_mutex_destroy(&a.lock);
    return a.st;
}

bool cm_writer_trouble(struct cm_writer *w, struct cm_why *why)
{
    bool trouble = false;

    (void)pthread_mutex_lock(&w->lock);
    trouble = w->trouble;
    if (trouble && why != NULL) {
        *why = w->why;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return trouble;
}

void cm_writer_stop(struct cm_writer *w)
{
    if (w == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    cm_db_close(w->db);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}
