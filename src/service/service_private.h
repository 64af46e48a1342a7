/* Private to src/service: how calls, routes, workers, the store, the log and the counters hold together. */
#ifndef CM_SERVICE_SERVICE_PRIVATE_H
#define CM_SERVICE_SERVICE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "service/service_call.h"
#include "store/db_watch.h"

#define MAX_MODULES    16
#define MAX_PARAMS     4
#define MAX_TOPICS     8
#define TOPIC_MAX      32
#define TICK_SECONDS   30
#define DEFAULT_WORKER 4
#define MAX_WORKERS    64
#define MAX_WAITING    1024 /* calls in the workers' queue */
#define MAX_AGE_NS     20000000000ull

/* ------------------------------------------------------------------- routes */

struct service_segment {
    const char *text; /* fixed text, or the text behind a name */
    size_t text_len;
    const char *name; /* NULL: fixed */
    size_t name_len;
    bool rest;
};

#define MAX_SEGMENTS 12

#define STATUS_KINDS 20
#define TIME_BUCKETS 12

/** What /metrics says of a route. */
struct service_count {
    atomic_ullong answers[STATUS_KINDS];
    atomic_ullong buckets[TIME_BUCKETS + 1];
    atomic_ullong micros;
};

struct service_route {
    const struct cm_route *route;
    const struct cm_module *module;
    void *state;
    struct service_segment segments[MAX_SEGMENTS];
    size_t count;
    struct service_count counted;
};

/** @retval CM_ERR_PARAM  no path of a route; why says which */
CM_MUST_USE enum cm_status cm_route_parse(const struct cm_route *route, struct service_route *out,
                                          struct cm_why *why);
/** Order: what is fixed goes before what has a name, that before a rest. */
int cm_route_compare(const struct service_route *a, const struct service_route *b);
/** Whether two routes match the same paths. */
bool cm_route_same(const struct service_route *a, const struct service_route *b);

struct service_match {
    struct service_route *found; /* NULL: none */
    struct service_route *near;  /* whose form an error has; NULL: none */
    unsigned methods;            /* of all routes with this path */
    bool cors;                   /* of one of them */
};

#define PATH_MAX_LEN 2048

/** @param path  plain, as src/web gives it */
void cm_route_match(struct service_route *routes, size_t count, unsigned method, const char *path,
                    struct service_match *out);
/** The parameters of a path that matches: they point into it, and it is cut into pieces. @return how many */
size_t cm_route_params(const struct service_route *r, char *path,
                       struct cm_call_param params[MAX_PARAMS]);

/* -------------------------------------------------------------------- calls */

struct service_call {
    struct cm_call call; /* first */
    struct service_route *to;
    void (*serve)(struct cm_call *call, void *state);
    atomic_int refs; /* of the answer, and of whoever runs a handler */
    atomic_bool answered;
    bool *kept; /* on the stack of whoever runs the handler */
    bool own_cache;
    bool own_policy;
    bool cors;
    char path[PATH_MAX_LEN];
};

/** The handler of the web server. */
void cm_service_web(void *app, struct cm_web_request *req);
/** What the web server tells of requests that it refuses by itself. */
void cm_service_unserved(void *app, const char *peer, int status);
/** Give up a reference: behind it the call may be gone. */
void cm_service_release(struct service_call *c);
/** On a worker: a call's handler, with its connection. */
void cm_service_run_call(struct service_call *c, struct cm_db *db);
/** Challenge and error form of a call without a route, too. */
enum cm_api cm_service_api_of(const struct cm_call *call);
/** Strictly: NULL, and why. For fuzzing and tests. */
json_t *cm_service_json(struct cm_span text, struct cm_why *why);
/** From here on jansson wipes what it frees. */
void cm_service_json_memory(void);

/* -------------------------------------------------------------------- parts */

/**
 * A text as a JSON string, with its quotes, cut where cap ends: what is no UTF-8 and no control character
 * gets in. Allocates nothing, so that there is an answer where there is no memory.
 * @param cap  3 at least   @return the length
 */
size_t cm_service_quote(char *out, size_t cap, const char *text);

struct service_work {
    void (*run)(void *arg);
    void *arg;
    struct service_call *call; /* instead of run */
    uint64_t since_ns;
    struct service_work *next;
};

struct service_workers {
    struct cm_service *service;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct service_work *first;
    struct service_work **last;
    size_t waiting;
    uint64_t mean_ns; /* that a piece of work lately took */
    bool stop;
    pthread_t threads[MAX_WORKERS];
    unsigned count;
};

CM_MUST_USE enum cm_status cm_workers_start(struct cm_service *s, unsigned count,
                                            struct cm_why *why);
void cm_workers_stop(struct cm_service *s);
/** bounded: refused with CM_ERR_BUSY when there is too much. Takes run and arg, or call. */
CM_MUST_USE enum cm_status cm_workers_add(struct cm_service *s, const struct service_work *what,
                                          bool bounded);
/** This thread's connection for reading, when it is a worker of s. */
struct cm_db *cm_workers_db(const struct cm_service *s);

/** Seconds after which what waits for workers now will be done, for Retry-After: 1 to 60. */
unsigned cm_workers_wait(struct cm_service *s);
/** Answer 503 with that in Retry-After. */
void cm_service_busy(struct cm_call *call, const char *message);

/** Of lines that a flood would repeat without end: one a second, which counts the others. */
struct service_gate {
    _Atomic uint64_t second;
    atomic_ullong more;
};
/** Whether a line may be written now; false: it was counted. @param more  how many were counted before */
bool cm_service_gate(struct service_gate *g, unsigned long long *more);
/** Write down what is counted, and is followed by no line. */
void cm_service_log_rest(struct cm_service *s);

struct service_log;
CM_MUST_USE enum cm_status cm_service_log_start(struct cm_service *s);
void cm_service_log_stop(struct cm_service *s);

/** Tell the modules; on a worker, or before there are any. */
void cm_service_changed(struct cm_service *s, const char *topic);
CM_MUST_USE enum cm_status cm_service_store_start(struct cm_service *s, struct cm_why *why);
void cm_service_store_stop(struct cm_service *s);
/** Whether a reason is one of the store's that everybody may be told. Accepts NULL. */
bool cm_service_told(const struct cm_why *why);

void cm_service_count(struct service_count *count, int status, uint64_t nanoseconds);
uint64_t cm_service_ns(void);

/** The routes of src/service itself: /health, /ready, /metrics. */
extern const struct cm_module cm_service_own_module;

struct service_change; /* service_store.c */

struct cm_service {
    struct cm_service_config config;
    char *texts[5]; /* what config points to */
    char **hosts;   /* NULL-terminated copies of more_hosts */
    char **bases;   /* "https://host" for each of them */
    const struct cm_module *modules[MAX_MODULES];
    void *states[MAX_MODULES];
    size_t module_count; /* of config.modules; behind them, ours */
    size_t started;
    struct service_route *routes;
    size_t route_count;
    struct service_count unrouted;

    struct cm_web_server *web;
    struct cm_writer *writer;
    struct cm_db_watch *watch;
    struct service_workers workers;
    struct service_log *log;
    struct service_change *writing; /* whose run() the writer's thread is in */
    char instance[17];              /* in notifications, to know our own */

    pthread_mutex_t changed_lock; /* modules are told one thing at a time */
    pthread_mutex_t spare_lock;   /* of spare: for threads that are no workers */
    struct cm_db *spare;

    pthread_mutex_t tick_lock;
    pthread_cond_t tick_now;
    pthread_t ticker;
    bool ticking;
    bool stop; /* under tick_lock */
    atomic_bool tick_queued;

    struct service_gate overload; /* lines about what could not be done for now */
    struct service_gate refused;  /* lines of requests that were sent away unserved */

    atomic_uint calls; /* not yet answered */
    atomic_ullong ids;
    uint64_t began;
};

#endif
