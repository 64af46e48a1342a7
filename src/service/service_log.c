/*
 * The log: lines are made where they arise and written by a thread of their own, because nobody who serves
 * may wait for whoever reads the log. What does not fit the buffer is counted, and the count is logged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/service_private.h"

#define RING ((size_t)256 * 1024)
#define LINE ((size_t)2048)

struct service_log {
    FILE *to;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool stop;
    uint64_t lost;
    size_t used; /* of fill */
    char *fill;  /* RING bytes; under lock */
    char *write; /* RING bytes; the thread's */
};

static void *log_on(void *arg)
{
    struct service_log *log = arg;
    bool stop = false;

    while (!stop) {
        char *full = NULL;
        size_t len = 0;
        uint64_t lost = 0;

        (void)pthread_mutex_lock(&log->lock);
        while (log->used == 0 && log->lost == 0 && !log->stop) {
            (void)pthread_cond_wait(&log->more, &log->lock);
        }
        full = log->fill;
        len = log->used;
        lost = log->lost;
        stop = log->stop;
        log->fill = log->write;
        log->write = full;
        log->used = 0;
        log->lost = 0;
        (void)pthread_mutex_unlock(&log->lock);
        /* a log that cannot be written to has nobody else to be told of it */
        (void)!fwrite(full, 1, len, log->to);
        if (lost != 0) {
            (void)fprintf(log->to, "{\"event\":\"log lines lost\",\"count\":\"%" PRIu64 "\"}\n",
                          lost);
        }
        (void)fflush(log->to);
    }
    return NULL;
}

enum cm_status cm_service_log_start(struct cm_service *s)
{
    struct service_log *log = calloc(1, sizeof(*log));

    if (log == NULL) {
        return CM_ERR_NOMEM;
    }
    log->to = s->config.log == NULL ? stderr : s->config.log;
    log->fill = malloc(RING);
    log->write = malloc(RING);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_cond_init(&log->more, NULL);
    if (log->fill == NULL || log->write == NULL ||
        pthread_create(&log->thread, NULL, log_on, log) != 0) {
        free(log->fill);
        free(log->write);
        free(log);
        return CM_ERR_NOMEM;
    }
    s->log = log;
    return CM_OK;
}

void cm_service_log_stop(struct cm_service *s)
{
    struct service_log *log = s->log;

    if (log == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&log->lock);
    log->stop = true;
    (void)pthread_cond_signal(&log->more);
    (void)pthread_mutex_unlock(&log->lock);
    (void)pthread_join(log->thread, NULL);
    (void)pthread_cond_destroy(&log->more);
    (void)pthread_mutex_destroy(&log->lock);
    free(log->fill);
    free(log->write);
    free(log);
    s->log = NULL;
}

static size_t time_text(char *out, size_t cap)
{
    struct timespec t = {0, 0};
    struct tm tm;
    size_t n = 0;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (gmtime_r(&t.tv_sec, &tm) == NULL) {
        return 0;
    }
    n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(out + n, cap - n, ".%03ldZ", t.tv_nsec / 1000000);
}

/* What is left of a line for one more of its parts, so that its end always fits. */
static size_t left(size_t n)
{
    return n + 8 < LINE ? LINE - n - 8 : 0;
}

static size_t put_json(char *line, size_t n, const char *name, const char *value)
{
    if (left(n) < strlen(name) + 16) {
        return n;
    }
    line[n++] = ',';
    n += cm_service_quote(line + n, left(n), name);
    line[n++] = ':';
    return n + cm_service_quote(line + n, left(n), value);
}

static size_t put_text(char *line, size_t n, const char *name, const char *value)
{
    const bool plain = value[0] != '\0' && value[strcspn(value, " \"\\=")] == '\0';

    if (left(n) < strlen(name) + 16) {
        return n;
    }
    n += (size_t)snprintf(line + n, left(n), " %s=", name);
    if (plain) { /* it is quoted nevertheless where there is something in it to be escaped */
        const size_t start = n;
        const size_t len = cm_service_quote(line + n, left(n), value);

        memmove(line + start, line + start + 1, len - 2);
        return n + len - 2;
    }
    return n + cm_service_quote(line + n, left(n), value);
}

void cm_service_log(struct cm_service *s, enum cm_log_level level, const char *event,
                    const char *const *fields, size_t field_count)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct service_log *log = s->log;
    const bool json = s->config.log_json;
    char line[LINE] = "";
    size_t n = 0;

    if (log == NULL || level > s->config.log_level) {
        return;
    }
    n = (size_t)snprintf(line, sizeof(line), json ? "{\"time\":\"" : "");
    n += time_text(line + n, sizeof(line) - n);
    if (json) {
        n += (size_t)snprintf(line + n, sizeof(line) - n, "\",\"level\":\"%s\"", names[level]);
        n = put_json(line, n, "event", event);
    } else {
        n += (size_t)snprintf(line + n, sizeof(line) - n, " %s %s", names[level], event);
    }
    for (size_t i = 0; i < field_count; i++) {
        const char *value = fields[2 * i + 1] == NULL ? "" : fields[2 * i + 1];

        n = json ? put_json(line, n, fields[2 * i], value)
                 : put_text(line, n, fields[2 * i], value);
    }
    if (json) {
        line[n++] = '}';
    }
    line[n++] = '\n';
    (void)pthread_mutex_lock(&log->lock);
    if (log->used + n > RING) {
        log->lost++;
    } else {
        memcpy(log->fill + log->used, line, n);
        log->used += n;
    }
    (void)pthread_cond_signal(&log->more);
    (void)pthread_mutex_unlock(&log->lock);
}

/* ----------------------------------------------------------------- floods */

bool cm_service_gate(struct service_gate *g, unsigned long long *more)
{
    const uint64_t now =
        cm_service_ns() / 1000000000 + 1; /* never 0, which no line was written in */
    uint64_t last = atomic_load(&g->second);

    if (last != now && atomic_compare_exchange_strong(&g->second, &last, now)) {
        *more = atomic_exchange(&g->more, 0);
        return true;
    }
    (void)atomic_fetch_add(&g->more, 1);
    return false;
}

static void log_rest(struct cm_service *s, struct service_gate *g, enum cm_log_level level,
                     const char *event)
{
    const unsigned long long more = atomic_exchange(&g->more, 0);
    char text[24] = "";

    if (more != 0) {
        (void)snprintf(text, sizeof(text), "%llu", more);
        cm_service_log(s, level, event, (const char *const[]){"more", text}, 1);
    }
}

void cm_service_log_rest(struct cm_service *s)
{
    log_rest(s, &s->overload, CM_LOG_ERROR, "failed");
    log_rest(s, &s->refused, CM_LOG_INFO, "request");
}
