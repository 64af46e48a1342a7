/* See db_watch.h: a connection of its own that listens, found again by itself when it is lost. */
#include "store/db_watch.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/try.h"

#define CHANNEL  "casemate"
#define AGAIN_MS 500

struct cm_db_watch {
    PGconn *conn;
    cm_db_noted *noted;
    void *arg;
    int stop; /* eventfd */
    pthread_t thread;
};

static bool listens(struct cm_db_watch *w)
{
    PGresult *r = NULL;
    bool good = false;

    if (PQstatus(w->conn) == CONNECTION_OK) {
        r = PQexec(w->conn, "LISTEN " CHANNEL);
        good = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    return good;
}

/* false: it is time to stop. */
static bool wait_for(const struct cm_db_watch *w, int fd, int ms)
{
    struct pollfd p[2] = {{w->stop, POLLIN, 0}, {fd, POLLIN, 0}};

    (void)poll(p, fd < 0 ? 1 : 2, ms);
    return (p[0].revents & POLLIN) == 0;
}

static void give_notes(struct cm_db_watch *w)
{
    PGnotify *n = NULL;

    while ((n = PQnotifies(w->conn)) != NULL) {
        w->noted(w->arg, n->extra);
        PQfreemem(n);
    }
}

/* false: it is time to stop. */
static bool find_again(struct cm_db_watch *w)
{
    do {
        if (!wait_for(w, -1, AGAIN_MS)) {
            return false;
        }
        PQreset(w->conn);
    } while (!listens(w));
    w->noted(w->arg, "*");
    return true;
}

static void *watch_on(void *arg)
{
    struct cm_db_watch *w = arg;
    bool lost = false;

    while (lost ? find_again(w) : wait_for(w, PQsocket(w->conn), -1)) {
        lost = PQconsumeInput(w->conn) != 1 || PQstatus(w->conn) != CONNECTION_OK;
        give_notes(w);
    }
    return NULL;
}

static void watch_free(struct cm_db_watch *w)
{
    PQfinish(w->conn);
    if (w->stop >= 0) {
        (void)close(w->stop);
    }
    free(w);
}

static void quiet(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

enum cm_status cm_db_watch_start(const char *where, cm_db_noted *noted, void *arg,
                                 struct cm_db_watch **out, struct cm_why *why)
{
    static const char *const names[] = {"connect_timeout", "dbname", NULL};
    const char *const values[] = {"5", where, NULL};
    struct cm_db_watch *w = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (strncmp(where, "sqlite:", 7) == 0) {
        return CM_OK;
    }
    w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return CM_ERR_NOMEM;
    }
    w->noted = noted;
    w->arg = arg;
    w->stop = eventfd(0, EFD_CLOEXEC);
    w->conn = PQconnectdbParams(names, values, 1);
    if (w->stop < 0 || w->conn == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    (void)PQsetNoticeReceiver(w->conn, quiet, NULL);
    if (!listens(w)) {
        cm_why_set(why, "store: it does not tell of changes (LISTEN)");
        st = CM_ERR_BUSY;
        goto out;
    }
    if (pthread_create(&w->thread, NULL, watch_on, w) != 0) {
        st = CM_ERR_PLATFORM;
        goto out;
    }
    *out = w;
    w = NULL;
out:
    if (w != NULL) {
        watch_free(w);
    }
    return st;
}

void cm_db_watch_stop(struct cm_db_watch *w)
{
    const uint64_t one = 1;

    if (w != NULL) {
        (void)!write(w->stop, &one, sizeof(one));
        (void)pthread_join(w->thread, NULL);
        watch_free(w);
    }
}

enum cm_status cm_db_note(struct cm_db *db, const char *text, struct cm_why *why)
{
    const struct cm_db_value value = cm_db_text(text);

    if (!cm_db_shared(db)) {
        return CM_OK;
    }
    if (strlen(text) > CM_DB_NOTE_MAX) {
        return CM_ERR_LIMIT;
    }
    return cm_db_run(db, "SELECT pg_notify('" CHANNEL "', ?)", cm_db_with(&value, 1),
                     cm_db_nowhere(), why);
}
