/*
 * Workers: threads that may wait, each with a connection to the store of its own. Their queue is bounded,
 * and what has waited longer than a client does is not begun.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/try.h"
#include "service/service_private.h"

#define LONGEST_WAIT 60u /* seconds that a client is told to wait */

static _Thread_local const struct cm_service *my_service;
static _Thread_local struct cm_db *my_db;

struct cm_db *cm_workers_db(const struct cm_service *s)
{
    return my_service == s ? my_db : NULL;
}

static void serve_call(struct service_call *c, struct cm_db *db, uint64_t waited)
{
    if (waited > MAX_AGE_NS) {
        cm_service_busy(&c->call, "the request has waited too long; try again");
    } else {
        cm_service_run_call(c, db);
    }
}

/* took: by the work before; 0: there was none. NULL: there is no more, and there will be none. */
static struct service_work *take(struct service_workers *w, uint64_t took)
{
    struct service_work *work = NULL;

    (void)pthread_mutex_lock(&w->lock);
    if (took != 0) {
        w->mean_ns = w->mean_ns == 0 ? took : w->mean_ns - w->mean_ns / 16 + took / 16;
    }
    while (w->first == NULL && !w->stop) {
        (void)pthread_cond_wait(&w->more, &w->lock);
    }
    work = w->first;
    if (work != NULL) {
        w->first = work->next;
        w->waiting--;
        if (w->first == NULL) {
            w->last = &w->first;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    return work;
}

static void *work_on(void *arg)
{
    struct service_workers *w = arg;
    struct service_work *work = NULL;
    uint64_t took = 0;

    my_service = w->service;
    if (cm_db_open(w->service->config.store, &my_db, NULL) != CM_OK) {
        my_db = NULL;
    }
    while ((work = take(w, took)) != NULL) {
        const uint64_t began = cm_service_ns();

        if (my_db == NULL && cm_db_open(w->service->config.store, &my_db, NULL) != CM_OK) {
            my_db = NULL; /* PostgreSQL may come back; what needs it says that it is not there */
        }
        if (work->call == NULL) {
            work->run(work->arg);
        } else if (my_db == NULL) {
            cm_call_fail_status(&work->call->call, CM_ERR_BUSY, NULL);
        } else {
            serve_call(work->call, my_db, began - work->since_ns);
        }
        if (my_db != NULL) {
            cm_db_rollback(my_db); /* nothing of one call is left to the next */
        }
        free(work);
        took = cm_service_ns() - began;
    }
    cm_db_close(my_db);
    my_db = NULL;
    my_service = NULL;
    return NULL;
}

unsigned cm_workers_wait(struct cm_service *s)
{
    struct service_workers *w = &s->workers;
    uint64_t seconds = 0;

    (void)pthread_mutex_lock(&w->lock);
    seconds = (uint64_t)w->waiting * (w->mean_ns / 1000) / (w->count == 0 ? 1 : w->count) / 1000000;
    (void)pthread_mutex_unlock(&w->lock);
    return seconds >= LONGEST_WAIT ? LONGEST_WAIT : (unsigned)seconds + 1;
}

void cm_service_busy(struct cm_call *call, const char *message)
{
    char seconds[16] = "";

    (void)snprintf(seconds, sizeof(seconds), "%u", cm_workers_wait(call->service));
    cm_call_header(call, "Retry-After", seconds);
    cm_call_fail(call, 503, "ServerBusy", "%s", message);
}

enum cm_status cm_workers_start(struct cm_service *s, unsigned count, struct cm_why *why)
{
    struct service_workers *w = &s->workers;
    sigset_t all;
    sigset_t before;
    enum cm_status st = CM_OK;

    w->service = s;
    w->last = &w->first;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    while (w->count < count && w->count < MAX_WORKERS && st == CM_OK) {
        if (pthread_create(&w->threads[w->count], NULL, work_on, w) == 0) {
            w->count++;
        } else {
            cm_why_set(why, "no thread for a worker");
            st = CM_ERR_PLATFORM;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}

void cm_workers_stop(struct cm_service *s)
{
    struct service_workers *w = &s->workers;

    if (w->service == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++) {
        (void)pthread_join(w->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    w->service = NULL;
    w->count = 0;
}

enum cm_status cm_workers_add(struct cm_service *s, const struct service_work *what, bool bounded)
{
    struct service_workers *w = &s->workers;
    struct service_work *work = malloc(sizeof(*work));
    enum cm_status st = CM_OK;

    if (work == NULL) {
        return CM_ERR_NOMEM;
    }
    *work = *what;
    work->since_ns = cm_service_ns();
    work->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    if (w->stop || (bounded && w->waiting >= MAX_WAITING)) {
        st = CM_ERR_BUSY;
    } else {
        *w->last = work;
        w->last = &work->next;
        w->waiting++;
        (void)pthread_cond_signal(&w->more);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (st != CM_OK) {
        free(work);
    }
    return st;
}

enum cm_status cm_service_work(struct cm_service *s, void (*run)(void *arg), void *arg)
{
    const struct service_work work = {.run = run, .arg = arg};

    return cm_workers_add(s, &work, true);
}
