/* Loops: their making, their sockets, and their end. See web.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/try.h"
#include "web/web_private.h"

#define MAX_LOOPS 64u
#define SPARE_FDS 256u /* files, stores, what else the process has open */
#define BACKLOG   1024
#define ALLOWED_METHODS                                                                       \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS)

struct cm_web_config cm_web_defaults(void)
{
    const struct cm_web_config out = {
        .address = "127.0.0.1",
        .max_body = (size_t)1 << 20,
        .max_headers = (size_t)16 << 10,
        .idle_seconds = 120,
        .request_seconds = 20,
        .max_connections = 20000,
    };

    return out;
}

/* --------------------------------------------------------------------- loop */

static void accept_again(struct web_loop *loop)
{
    if (loop->paused && !loop->stopping && loop->socket != NULL) {
        loop->paused = false;
        (void)evconnlistener_enable(evhttp_bound_socket_get_listener(loop->socket));
    }
}

static void accept_not(struct web_loop *loop)
{
    if (!loop->paused && loop->socket != NULL) {
        loop->paused = true;
        (void)evconnlistener_disable(evhttp_bound_socket_get_listener(loop->socket));
    }
}

void cm_web_loop_settle(struct web_loop *loop)
{
    if (loop->stopping) {
        if (loop->held == 0 && loop->conn_count == 0) {
            (void)event_base_loopexit(loop->base, NULL);
        }
        return;
    }
    if (loop->conn_count >= loop->conn_max) {
        accept_not(loop);
    } else {
        accept_again(loop);
    }
}

static void on_pause_over(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    accept_again(arg);
}

/* Mostly: no descriptors left. Accepting pauses, or the loop would spin until one is free. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
    static const struct timeval second = {1, 0};
    struct web_loop *loop = arg;

    (void)listener;
    accept_not(loop);
    (void)evtimer_add(loop->pause, &second);
}

static void on_grace_over(evutil_socket_t fd, short events, void *arg)
{
    const struct web_loop *loop = arg;

    (void)fd;
    (void)events;
    (void)event_base_loopbreak(loop->base);
}

static void begin_stop(struct web_loop *loop)
{
    const struct timeval grace = {loop->server->grace_seconds, 0};

    loop->stopping = true;
    (void)evtimer_add(loop->grace, &grace);
    if (loop->socket != NULL) {
        evhttp_del_accept_socket(loop->http, loop->socket);
        loop->socket = NULL;
    }
    for (struct web_conn *c = loop->conns; c != NULL; c = c->next) {
        if (c->state == WEB_IDLE || c->state == WEB_HANDSHAKE) {
            cm_web_conn_cut(c);
        }
    }
    cm_web_loop_settle(loop);
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
    struct web_loop *loop = arg;
    uint64_t count = 0;

    (void)events;
    (void)!read(fd, &count, sizeof(count));
    cm_web_request_flush(loop);
    if (atomic_load(&loop->server->stop) && !loop->stopping) {
        begin_stop(loop);
    }
}

static void *run(void *arg)
{
    const struct web_loop *loop = arg;

    (void)event_base_dispatch(loop->base);
    return NULL;
}

static enum cm_status loop_make(struct web_loop *loop)
{
    const struct cm_web_config *c = &loop->server->config;

    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->base = event_base_new();
    loop->http = loop->base == NULL ? NULL : evhttp_new(loop->base);
    if (loop->http == NULL || loop->wake < 0) {
        return CM_ERR_NOMEM;
    }
    evhttp_set_max_headers_size(loop->http, (ev_ssize_t)c->max_headers);
    evhttp_set_max_body_size(loop->http, (ev_ssize_t)c->max_body);
    evhttp_set_timeout(loop->http, (int)c->idle_seconds);
    evhttp_set_allowed_methods(loop->http, ALLOWED_METHODS);
    evhttp_set_default_content_type(loop->http, NULL);
    evhttp_set_gencb(loop->http, cm_web_request_in, loop);
    evhttp_set_bevcb(loop->http, cm_web_conn_make, loop);
    loop->pause = evtimer_new(loop->base, on_pause_over, loop);
    loop->grace = evtimer_new(loop->base, on_grace_over, loop);
    loop->wake_event = event_new(loop->base, loop->wake, EV_READ | EV_PERSIST, on_wake, loop);
    if (loop->pause == NULL || loop->grace == NULL || loop->wake_event == NULL ||
        event_add(loop->wake_event, NULL) != 0) {
        return CM_ERR_NOMEM;
    }
    return CM_OK;
}

static void loop_free(struct web_loop *loop)
{
    struct event *events[] = {loop->pause, loop->grace, loop->wake_event};

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (loop->http != NULL) {
        loop->stopping = true;
        for (struct web_conn *c = loop->conns; c != NULL; c = c->next) {
            cm_web_conn_cut(c);
        }
        for (int i = 0; i < 100 && loop->conn_count != 0; i++) { /* they notice in the loop only */
            (void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
        }
        evhttp_free(loop->http);
    }
    while (loop->lingers != NULL) {
        cm_web_linger_free(loop->lingers);
    }
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    if (loop->wake >= 0) {
        (void)close(loop->wake);
    }
    (void)pthread_mutex_destroy(&loop->lock);
}

/* ------------------------------------------------------------------ sockets */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static bool parse_address(const char *text, uint16_t port, union address *out, int *len)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &out->four.sin_addr) == 1) {
        out->four.sin_family = AF_INET;
        out->four.sin_port = htons(port);
        *len = (int)sizeof(out->four);
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->six.sin6_addr) == 1) {
        out->six.sin6_family = AF_INET6;
        out->six.sin6_port = htons(port);
        *len = (int)sizeof(out->six);
        return true;
    }
    return false;
}

/* Every loop has a socket of its own on the same port: the kernel spreads connections. */
static enum cm_status loop_bind(struct web_loop *loop, struct cm_why *why)
{
    struct cm_web_server *s = loop->server;
    struct evconnlistener *listener = NULL;
    union address a;
    socklen_t bound = sizeof(a);
    const int one = 1;
    int len = 0;

    if (!parse_address(s->config.address, s->port, &a, &len)) {
        cm_why_set(why,
                   "%.60s is not a numeric address such as 127.0.0.1 or ::", s->config.address);
        return CM_ERR_PARAM;
    }
    listener = evconnlistener_new_bind(loop->base, NULL, NULL,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                           LEV_OPT_REUSEABLE | LEV_OPT_REUSEABLE_PORT,
                                       BACKLOG, &a.any, len);
    loop->socket = listener == NULL ? NULL : evhttp_bind_listener(loop->http, listener);
    if (loop->socket == NULL || getsockname(evconnlistener_get_fd(listener), &a.any, &bound) != 0) {
        cm_why_set(why, "%.60s port %u: %s", s->config.address, s->port, strerror(errno));
        return CM_ERR_IO;
    }
    evconnlistener_set_error_cb(listener, on_accept_failed);
    /* connections inherit it: an answer's last part does not wait for the client to acknowledge its first */
    (void)setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->port = ntohs(a.any.sa_family == AF_INET6 ? a.six.sin6_port : a.four.sin_port);
    return CM_OK;
}

static void raise_descriptors(unsigned connections)
{
    struct rlimit r;
    const rlim_t wanted = (rlim_t)connections + SPARE_FDS;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < wanted) {
        r.rlim_cur = wanted < r.rlim_max ? wanted : r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* ------------------------------------------------------------------- server */

static void server_free(struct cm_web_server *s)
{
    for (unsigned i = 0; i < s->loop_count; i++) {
        loop_free(&s->loops[i]);
    }
    SSL_CTX_free(s->tls);
    cm_web_guard_free(s->guard);
    (void)pthread_mutex_destroy(&s->tls_lock);
    free(s->loops);
    free(s);
}

static void wake_all(const struct cm_web_server *s)
{
    const uint64_t one = 1;

    for (unsigned i = 0; i < s->loop_count; i++) {
        (void)!write(s->loops[i].wake, &one, sizeof(one));
    }
}

static enum cm_status start_threads(struct cm_web_server *s)
{
    sigset_t all;
    sigset_t before;
    enum cm_status st = CM_OK;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    for (unsigned i = 0; i < s->loop_count && st == CM_OK; i++) {
        struct web_loop *loop = &s->loops[i];

        if (pthread_create(&loop->thread, NULL, run, loop) != 0) {
            st = CM_ERR_PLATFORM;
        } else {
            loop->running = true;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}

static void join_all(struct cm_web_server *s)
{
    atomic_store(&s->stop, true);
    wake_all(s);
    for (unsigned i = 0; i < s->loop_count; i++) {
        if (s->loops[i].running) {
            (void)pthread_join(s->loops[i].thread, NULL);
            s->loops[i].running = false;
        }
    }
}

enum cm_status cm_web_start(const struct cm_web_config *config, struct cm_web_server **out,
                            struct cm_why *why)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned loops = config->loops != 0 ? config->loops : cores > 0 ? (unsigned)cores : 1;
    struct cm_web_server *s = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    cm_web_memory();
    loops = loops < MAX_LOOPS ? loops : MAX_LOOPS;
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    s->config = *config;
    s->port = config->port;
    (void)pthread_mutex_init(&s->tls_lock, NULL);
    s->loops = calloc(loops, sizeof(*s->loops));
    if (s->loops == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_web_guard_make(config, &s->guard, why));
    CM_TRY(cm_web_tls_make(config->cert_pem, config->key_pem, &s->tls, why));
    raise_descriptors(config->max_connections);
    for (unsigned i = 0; i < loops; i++) {
        struct web_loop *loop = &s->loops[i];

        loop->server = s;
        loop->wake = -1;
        loop->conn_max = config->max_connections / loops + 1;
        (void)pthread_mutex_init(&loop->lock, NULL);
        s->loop_count++;
        CM_TRY(loop_make(loop));
        CM_TRY(loop_bind(loop, why));
    }
    CM_TRY(start_threads(s));
    *out = s;
    s = NULL;
out:
    if (s != NULL) {
        join_all(s);
        server_free(s);
    }
    return st;
}

void cm_web_get_figures(const struct cm_web_server *server, struct cm_web_figures *out)
{
    cm_web_guard_figures(server->guard, out);
}

uint16_t cm_web_port(const struct cm_web_server *server)
{
    return server->port;
}

enum cm_status cm_web_reload(struct cm_web_server *server, const char *cert_pem,
                             const char *key_pem, struct cm_why *why)
{
    SSL_CTX *fresh = NULL;
    SSL_CTX *old = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_web_tls_make(cert_pem, key_pem, &fresh, why));
    (void)pthread_mutex_lock(&server->tls_lock);
    old = server->tls;
    server->tls = fresh;
    (void)pthread_mutex_unlock(&server->tls_lock);
    SSL_CTX_free(old); /* connections that use it hold it */
out:
    return st;
}

void cm_web_stop(struct cm_web_server *server, unsigned grace_seconds)
{
    unsigned held = 0;

    if (server == NULL) {
        return;
    }
    server->grace_seconds = grace_seconds;
    join_all(server);
    for (unsigned i = 0; i < server->loop_count; i++) {
        held += server->loops[i].held;
    }
    if (held == 0) { /* else a handler still holds requests of this server */
        server_free(server);
    }
}
