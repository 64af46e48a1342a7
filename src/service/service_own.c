/* What the service says of itself: GET /health, /ready and /metrics. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/service_private.h"

#ifndef CM_VERSION
#define CM_VERSION "unknown"
#endif

/* ----------------------------------------------------------------- counting */

static const int statuses[STATUS_KINDS - 1] = {200, 201, 202, 204, 302, 304, 400, 401, 403, 404,
                                               405, 409, 410, 413, 415, 429, 500, 503, 504};
static const unsigned bucket_us[TIME_BUCKETS] = {500,   1000,   2500,   5000,   10000,   20000,
                                                 50000, 100000, 250000, 500000, 1000000, 5000000};

uint64_t cm_service_ns(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void cm_service_count(struct service_count *count, int status, uint64_t nanoseconds)
{
    const uint64_t us = nanoseconds / 1000;
    size_t kind = 0;
    size_t bucket = 0;

    while (kind < STATUS_KINDS - 1 && statuses[kind] != status) {
        kind++;
    }
    while (bucket < TIME_BUCKETS && us > bucket_us[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&count->answers[kind], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&count->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&count->micros, us, memory_order_relaxed);
}

static unsigned long long value_of(const atomic_ullong *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

static void print_answers(FILE *out, const char *methods, const char *path,
                          const struct service_count *c)
{
    for (size_t k = 0; k < STATUS_KINDS; k++) {
        const unsigned long long n = value_of(&c->answers[k]);
        char status[8] = "other";

        if (n != 0) {
            if (k < STATUS_KINDS - 1) {
                (void)snprintf(status, sizeof(status), "%d", statuses[k]);
            }
            (void)fprintf(out,
                          "casemate_http_requests_total{method=\"%s\",route=\"%s\",status=\"%s\"}"
                          " %llu\n",
                          methods, path, status, n);
        }
    }
}

static void print_times(FILE *out, const char *methods, const char *path,
                        const struct service_count *c)
{
    unsigned long long sum = 0;

    for (size_t b = 0; b <= TIME_BUCKETS; b++) {
        char bound[24] = "+Inf";

        sum += value_of(&c->buckets[b]);
        if (b < TIME_BUCKETS) {
            (void)snprintf(bound, sizeof(bound), "%g", (double)bucket_us[b] / 1e6);
        }
        (void)fprintf(out,
                      "casemate_http_request_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%s\"}"
                      " %llu\n",
                      methods, path, bound, sum);
    }
    (void)fprintf(out, "casemate_http_request_seconds_sum{method=\"%s\",route=\"%s\"} %g\n",
                  methods, path, (double)value_of(&c->micros) / 1e6);
    (void)fprintf(out, "casemate_http_request_seconds_count{method=\"%s\",route=\"%s\"} %llu\n",
                  methods, path, sum);
}

static bool counted(const struct service_count *c)
{
    for (size_t b = 0; b <= TIME_BUCKETS; b++) {
        if (value_of(&c->buckets[b]) != 0) {
            return true;
        }
    }
    return false;
}

static const char *method_names(unsigned methods, char out[40])
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((methods & 1u << i) != 0) {
            n += (size_t)snprintf(out + n, 40 - n, "%s%s", n == 0 ? "" : "|", names[i]);
        }
    }
    return out;
}

static void print_requests(const struct cm_service *s, FILE *out)
{
    char methods[40] = "";

    (void)fputs("# HELP casemate_http_requests_total Answered requests.\n"
                "# TYPE casemate_http_requests_total counter\n",
                out);
    print_answers(out, "", "", &s->unrouted);
    for (size_t i = 0; i < s->route_count; i++) {
        const struct service_route *r = &s->routes[i];

        print_answers(out, method_names(r->route->methods, methods), r->route->path, &r->counted);
    }
    (void)fputs("# HELP casemate_http_request_seconds From a request's arrival to its answer.\n"
                "# TYPE casemate_http_request_seconds histogram\n",
                out);
    for (size_t i = 0; i < s->route_count; i++) {
        const struct service_route *r = &s->routes[i];

        if (counted(&r->counted)) {
            print_times(out, method_names(r->route->methods, methods), r->route->path, &r->counted);
        }
    }
}

static void print_state(struct cm_service *s, FILE *out)
{
    struct cm_web_figures web = {0, 0, 0};
    size_t waiting = 0;

    if (s->web != NULL) {
        cm_web_get_figures(s->web, &web);
    }
    (void)pthread_mutex_lock(&s->workers.lock);
    waiting = s->workers.waiting;
    (void)pthread_mutex_unlock(&s->workers.lock);
    (void)fprintf(
        out,
        "# HELP casemate_info The version; emulated: evidence of the emulator counts.\n"
        "# TYPE casemate_info gauge\n"
        "casemate_info{version=\"%s\",emulated=\"%s\"} 1\n"
        "# HELP casemate_start_time_seconds When the service was started.\n"
        "# TYPE casemate_start_time_seconds gauge\n"
        "casemate_start_time_seconds %" PRIu64 "\n"
        "# HELP casemate_requests_open Requests not yet answered.\n"
        "# TYPE casemate_requests_open gauge\n"
        "casemate_requests_open %u\n"
        "# HELP casemate_work_waiting What waits for a worker.\n"
        "# TYPE casemate_work_waiting gauge\n"
        "casemate_work_waiting %zu\n"
        "# HELP casemate_request_bytes Bytes of requests not yet answered.\n"
        "# TYPE casemate_request_bytes gauge\n"
        "casemate_request_bytes %zu\n"
        "# HELP casemate_requests_without_memory_total Requests refused for body-memory.\n"
        "# TYPE casemate_requests_without_memory_total counter\n"
        "casemate_requests_without_memory_total %llu\n"
        "# HELP casemate_connections_refused_total Connections above peer-connections.\n"
        "# TYPE casemate_connections_refused_total counter\n"
        "casemate_connections_refused_total %llu\n",
        CM_VERSION, s->config.accept_emulated ? "true" : "false", s->began, atomic_load(&s->calls),
        waiting, web.held, web.busy, web.crowded);
}

static void serve_metrics(struct cm_call *call, void *unused)
{
    struct cm_service *s = call->service;
    char *text = NULL;
    size_t len = 0;
    FILE *out = NULL;

    (void)unused;
    if (!s->config.open_metrics && (call->who.roles & (CM_ROLE_ADMIN | CM_ROLE_AUDITOR)) == 0) {
        if (call->who.name[0] == '\0') {
            cm_call_challenge(call);
        } else {
            cm_call_fail(call, 403, "Forbidden", "metrics are for auditors");
        }
        return;
    }
    out = open_memstream(&text, &len);
    if (out != NULL) {
        print_state(s, out);
        print_requests(s, out);
        for (size_t i = 0; i < s->started; i++) {
            if (s->modules[i]->metrics != NULL) {
                s->modules[i]->metrics(s->states[i], out);
            }
        }
    }
    if (out == NULL || fclose(out) != 0) {
        cm_call_fail_status(call, CM_ERR_NOMEM, NULL);
    } else {
        cm_call_answer(call, 200, "text/plain; version=0.0.4; charset=utf-8",
                       cm_span_make(text, len));
    }
    free(text);
}

/* ------------------------------------------------------------------- health */

static void serve_health(struct cm_call *call, void *unused)
{
    json_t *out = json_pack("{s:s, s:s, s:b}", "status", "ok", "version", CM_VERSION, "emulated",
                            call->service->config.accept_emulated ? 1 : 0);

    (void)unused;
    cm_call_answer_json(call, 200, out);
}

/* What is missing is told to anyone: names of parts, not what they hold. */
static void serve_ready(struct cm_call *call, void *unused)
{
    struct cm_service *s = call->service;
    json_t *parts = json_object();
    struct cm_why why = {""};
    bool ready = cm_service_store_ready(s, &why);

    (void)unused;
    (void)json_object_set_new(parts, "store", json_string(ready ? "ok" : why.text));
    for (size_t i = 0; i < s->started; i++) {
        if (s->modules[i]->ready != NULL) {
            bool good = false;

            why.text[0] = '\0';
            good = s->modules[i]->ready(s->states[i], &why);
            ready = ready && good;
            (void)json_object_set_new(parts, s->modules[i]->name,
                                      json_string(good ? "ok" : why.text));
        }
    }
    if (!ready) {
        cm_call_header(call, "Retry-After", "5");
    }
    cm_call_answer_json(call, ready ? 200 : 503,
                        json_pack("{s:s, s:b, s:o}", "status", ready ? "ready" : "not ready",
                                  "emulated", s->config.accept_emulated ? 1 : 0, "parts", parts));
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_GET, .path = "/health", .at_once = true, .serve = serve_health},
    {.methods = CM_WEB_GET, .path = "/ready", .serve = serve_ready},
    {.methods = CM_WEB_GET, .path = "/metrics", .serve = serve_metrics},
};

const struct cm_module cm_service_own_module = {
    .name = "service",
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
};
