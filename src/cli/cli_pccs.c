/*
 * `casemate pccs`: the emulated platform's collateral over HTTP, with libevent. Everything that is
 * served is public; nothing can be changed over the network. Untrusted: every byte of a request.
 */
#include "cli/cli_pccs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "cli/cli_platform.h"
#include "common/try.h"

#define MAX_HEADERS     8192 /* of a request, in bytes */
#define MAX_BODY        1024 /* nobody has anything to send */
#define TIMEOUT         10   /* seconds without a byte */
#define MAX_DESCRIPTORS 256  /* connections and what the process has open itself */

void cm_pccs_random_buf(void *out, size_t n)
{
    uint8_t *at = out;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno != EINTR) {
            abort(); /* as the real one: its callers cannot be told */
        }
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

uint32_t cm_pccs_random_u32(void)
{
    uint32_t out = 0;

    cm_pccs_random_buf(&out, sizeof(out));
    return out;
}

struct server {
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct event *signals[2];
    struct event *pause; /* ends a pause of accepting */
};

static void send_answer(struct evhttp_request *req, const struct cm_pccs_answer *a)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    struct evbuffer *body = evhttp_request_get_output_buffer(req);

    (void)evhttp_add_header(headers, "Server", "casemate (EMULATED SGX platform)");
    (void)evhttp_add_header(headers, "Content-Type", a->content_type);
    for (size_t i = 0; i < a->header_count; i++) {
        (void)evhttp_add_header(headers, a->headers[i].name, a->headers[i].value);
    }
    if (a->body_len != 0) {
        (void)evbuffer_add(body, a->body, a->body_len);
    }
    evhttp_send_reply(req, a->status, a->reason, NULL);
}

/*
 * Whether a body follows, whatever the method: libevent reads none behind GET, and would take one for
 * the next request. A length that is not plainly zero counts, and each of several.
 */
static bool has_body(struct evhttp_request *req)
{
    const struct evkeyval *h = NULL;

    TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next)
    {
        if (strcasecmp(h->key, "Transfer-Encoding") == 0 ||
            (strcasecmp(h->key, "Content-Length") == 0 && strcmp(h->value, "0") != 0)) {
            return true;
        }
    }
    return false;
}

static enum cm_pccs_method method_of(struct evhttp_request *req)
{
    const enum evhttp_cmd_type type = evhttp_request_get_command(req);

    if (has_body(req)) {
        return CM_PCCS_BODY;
    }
    return type == EVHTTP_REQ_GET || type == EVHTTP_REQ_HEAD ? CM_PCCS_READ : CM_PCCS_OTHER;
}

static void on_request(struct evhttp_request *req, void *unused)
{
    struct cm_emuplat_bundle *b = NULL;
    struct cm_pccs_answer answer;
    struct cm_why why = {{0}};
    const char *uri = evhttp_request_get_uri(req);
    enum cm_status st = CM_OK;

    (void)unused;
    memset(&answer, 0, sizeof(answer));
    CM_TRY(cm_emuplat_collateral(&b, &why));
    CM_TRY(
        cm_pccs_answer(method_of(req), uri == NULL ? "" : uri, cm_emuplat_bundle_info(b), &answer));
out:
    if (st != CM_OK) {
        (void)fprintf(stderr, "casemate: pccs: %s\n",
                      why.text[0] != '\0' ? why.text : cm_status_str(st));
        cm_pccs_answer_failed(&answer);
    }
    send_answer(req, &answer);
    cm_pccs_answer_free(&answer);
    cm_emuplat_bundle_free(b);
}

static void on_signal(evutil_socket_t number, short events, void *base)
{
    (void)number;
    (void)events;
    (void)event_base_loopexit(base, NULL);
}

static void on_pause_over(evutil_socket_t fd, short events, void *arg)
{
    struct server *s = arg;

    (void)fd;
    (void)events;
    (void)evconnlistener_enable(evhttp_bound_socket_get_listener(s->socket));
}

/* Mostly: no descriptors left. Accepting pauses, or the loop would spin until one is free. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
    static const struct timeval second = {1, 0};
    const struct server *s = arg;

    (void)evconnlistener_disable(listener);
    (void)evtimer_add(s->pause, &second);
}

static void limit_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur > MAX_DESCRIPTORS) {
        r.rlim_cur = MAX_DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

static void server_stop(struct server *s)
{
    if (s->http != NULL) {
        evhttp_free(s->http); /* closes every connection */
    }
    for (size_t i = 0; i < 2; i++) {
        if (s->signals[i] != NULL) {
            event_free(s->signals[i]);
        }
    }
    if (s->pause != NULL) {
        event_free(s->pause);
    }
    if (s->base != NULL) {
        event_base_free(s->base);
    }
}

static enum cm_status server_make(struct server *s, struct cm_why *why)
{
    static const int numbers[2] = {SIGINT, SIGTERM};

    s->base = event_base_new();
    s->http = s->base == NULL ? NULL : evhttp_new(s->base);
    if (s->http == NULL) {
        return CM_ERR_NOMEM;
    }
    evhttp_set_max_headers_size(s->http, MAX_HEADERS);
    evhttp_set_max_body_size(s->http, MAX_BODY);
    evhttp_set_timeout(s->http, TIMEOUT);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                            EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                            EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(s->http, on_request, NULL);
    s->pause = evtimer_new(s->base, on_pause_over, s);
    for (size_t i = 0; i < 2; i++) {
        s->signals[i] = evsignal_new(s->base, numbers[i], on_signal, s->base);
        if (s->signals[i] == NULL || evsignal_add(s->signals[i], NULL) != 0) {
            cm_why_set(why, "the signals that end the server cannot be had");
            return CM_ERR_PLATFORM;
        }
    }
    return s->pause == NULL ? CM_ERR_NOMEM : CM_OK;
}

/* Whether an address is numeric, and whether others than this machine can reach it. */
static bool judge_address(const char *address, bool *v6, bool *loopback)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, address, &four) == 1) {
        *v6 = false;
        *loopback = (ntohl(four.s_addr) >> 24) == 127;
        return true;
    }
    *v6 = true;
    if (inet_pton(AF_INET6, address, &six) == 1) {
        *loopback = IN6_IS_ADDR_LOOPBACK(&six);
        return true;
    }
    return false;
}

static enum cm_status listen_on(struct server *s, const char *address, uint16_t *port,
                                struct cm_why *why)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_storage room;
    } bound;
    socklen_t len = sizeof(bound);

    errno = 0;
    s->socket = evhttp_bind_socket_with_handle(s->http, address, *port);
    if (s->socket == NULL) {
        cm_why_set(why, "%s port %u: %s (--port 0 takes any free one)", address, *port,
                   strerror(errno));
        return CM_ERR_IO;
    }
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(s->socket), on_accept_failed);
    memset(&bound, 0, sizeof(bound));
    if (getsockname(evhttp_bound_socket_get_fd(s->socket), &bound.any, &len) != 0) {
        cm_why_set(why, "%s: %s", address, strerror(errno));
        return CM_ERR_IO;
    }
    *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
    return CM_OK;
}

enum cm_status cm_cli_pccs_serve(const char *address, uint16_t port, FILE *out, struct cm_why *why)
{
    struct server s = {0};
    struct cm_emuplat_bundle *b = NULL;
    bool v6 = false;
    bool loopback = false;
    enum cm_status st = CM_OK;

    if (!judge_address(address, &v6, &loopback)) {
        cm_why_set(why, "--listen takes a numeric address such as 127.0.0.1 or ::1");
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_emuplat_collateral(&b, why)); /* what cannot be served is said before serving */
    (void)signal(SIGPIPE, SIG_IGN);
    limit_descriptors();
    CM_TRY(server_make(&s, why));
    CM_TRY(listen_on(&s, address, &port, why));
    if (!loopback) {
        (void)fprintf(stderr, "casemate: pccs: %s can be reached by other machines\n", address);
    }
    (void)fprintf(out, "EMULATED PCCS at http://%s%s%s:%u/sgx/certification/v4/ (Ctrl-C ends it)\n",
                  v6 ? "[" : "", address, v6 ? "]" : "", port);
    if (fflush(out) != 0) {
        st = CM_ERR_IO;
        goto out;
    }
    if (event_base_dispatch(s.base) < 0) {
        cm_why_set(why, "the event loop failed");
        st = CM_ERR_PLATFORM;
    }
out:
    server_stop(&s);
    cm_emuplat_bundle_free(b);
    return st;
}
