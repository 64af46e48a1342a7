/*
 * Requests: what is refused before a handler sees it, what a handler may ask, and the answer's way back
 * to the loop whose connection it is.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/wipe.h"
#include "web/web_private.h"

#define ONE_RECORD ((size_t)16 << 10)

struct cm_web_request {
    struct web_loop *loop;
    struct evhttp_request *ev;
    enum cm_web_method method;
    char path[MAX_PATH];
    char peer[64];
    struct evkeyvalq query;
    struct cm_span body;
    struct cm_web_request *next; /* answered elsewhere */
    int status;
    char *type;
    uint8_t *answer;
    size_t answer_len;
};

/* ------------------------------------------------------------------ reading */

bool cm_web_plain_path(const char *raw, char out[MAX_PATH])
{
    size_t n = 0;

    if (raw == NULL || raw[0] != '/') {
        return false;
    }
    for (size_t i = 0; raw[i] != '\0'; i++) {
        unsigned char c = (unsigned char)raw[i];

        if (c == '%') {
            const int high = cm_hex_nibble((uint8_t)raw[i + 1]);
            const int low = high < 0 ? -1 : cm_hex_nibble((uint8_t)raw[i + 2]);

            if (low < 0) {
                return false;
            }
            c = (unsigned char)(high * 16 + low);
            i += 2;
            if (c == '/' || c == '\\') {
                return false;
            }
        }
        if (c < 0x20 || c == 0x7f || n + 1 >= MAX_PATH) {
            return false;
        }
        out[n++] = (char)c;
    }
    while (n > 1 && out[n - 1] == '/') {
        n--;
    }
    out[n] = '\0';
    return strstr(out, "//") == NULL && strstr(out, "/./") == NULL && strstr(out, "/../") == NULL &&
           !(n >= 2 && strcmp(out + n - 2, "/.") == 0) &&
           !(n >= 3 && strcmp(out + n - 3, "/..") == 0);
}

/*
 * Framing that says one thing: libevent takes the first of several lengths, and reads no body behind
 * GET, whose bytes it would take for the next request.
 */
static bool plain_framing(struct evhttp_request *ev, bool may_have_body)
{
    const struct evkeyval *h = NULL;
    unsigned lengths = 0;
    unsigned encodings = 0;
    unsigned hosts = 0;
    bool empty = true;
    const bool old = ev->major < 1 || (ev->major == 1 && ev->minor == 0);

    TAILQ_FOREACH(h, evhttp_request_get_input_headers(ev), next)
    {
        if (strcasecmp(h->key, "Content-Length") == 0) {
            lengths++;
            if (h->value[0] == '\0' || strspn(h->value, "0123456789") != strlen(h->value)) {
                return false; /* "+2", which others may read otherwise */
            }
            empty = empty && strcmp(h->value, "0") == 0;
        } else if (strcasecmp(h->key, "Transfer-Encoding") == 0) {
            encodings++;
            empty = false;
            if (strcasecmp(h->value, "chunked") != 0 || old) { /* HTTP/1.0 has none */
                return false;
            }
        } else if (strcasecmp(h->key, "Host") == 0) {
            hosts++;
        }
        if (strpbrk(h->key, " \t") != NULL) {
            return false;
        }
    }
    return lengths + encodings <= 1 && hosts <= 1 && (hosts == 1 || old) &&
           (may_have_body || empty);
}

static enum cm_web_method method_of(struct evhttp_request *ev)
{
    switch (evhttp_request_get_command(ev)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        return CM_WEB_GET;
    case EVHTTP_REQ_POST:
        return CM_WEB_POST;
    case EVHTTP_REQ_PUT:
        return CM_WEB_PUT;
    case EVHTTP_REQ_PATCH:
        return CM_WEB_PATCH;
    case EVHTTP_REQ_DELETE:
        return CM_WEB_DELETE;
    case EVHTTP_REQ_OPTIONS:
    case EVHTTP_REQ_TRACE:
    case EVHTTP_REQ_CONNECT:
        break;
    }
    return CM_WEB_OPTIONS;
}

static void refuse(struct web_loop *loop, struct evhttp_request *ev, int status)
{
    const char *body = status == 400 ? loop->server->config.malformed : NULL;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(ev);
    struct web_conn *conn = cm_web_conn_of(ev);

    if (conn != NULL) {
        conn->unread = true; /* a body behind GET, say */
        cm_web_conn_unserved(conn, status);
    }
    (void)evhttp_add_header(headers, "Connection", "close");
    if (body != NULL) {
        (void)evhttp_add_header(headers, "Content-Type", "application/json");
        (void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
        (void)evbuffer_add(evhttp_request_get_output_buffer(ev), body, strlen(body));
    }
    evhttp_send_reply(ev, status, NULL, NULL);
}

static void on_answered(struct evhttp_request *ev, void *unused)
{
    struct web_conn *conn = cm_web_conn_of(ev);

    (void)unused;
    if (conn != NULL) {
        struct bufferevent *bev =
            evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
        const size_t left = evbuffer_get_length(bufferevent_get_input(bev));

        cm_web_conn_settle(conn, left);
        cm_web_conn_state(conn, left != 0 ? WEB_READING : WEB_IDLE);
    }
}

/*
 * libevent decodes the values of a query and leaves the names, some of which clients encode, too
 * ("api%2Dversion"). In place: what is decoded is not longer.
 */
static bool decode_names(struct evkeyvalq *query)
{
    struct evkeyval *h = NULL;

    TAILQ_FOREACH(h, query, next)
    {
        char *to = h->key;

        for (const char *from = h->key; *from != '\0'; from++) {
            const bool coded = *from == '%';
            int hi = coded ? cm_hex_nibble((uint8_t)from[1]) : -1;
            int lo = hi >= 0 ? cm_hex_nibble((uint8_t)from[2]) : -1;

            if (coded && (lo < 0 || (hi == 0 && lo == 0))) {
                return false;
            }
            *to++ = (char)(coded ? hi << 4 | lo : *from);
            from += coded ? 2 : 0;
        }
        *to = '\0';
    }
    return true;
}

void cm_web_request_in(struct evhttp_request *ev, void *arg)
{
    struct web_loop *loop = arg;
    struct web_conn *conn = cm_web_conn_of(ev);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
    struct evbuffer *body = evhttp_request_get_input_buffer(ev);
    const char *query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
    struct cm_web_request *req = NULL;
    char *peer = NULL;
    ev_uint16_t port = 0;

    if (conn != NULL) {
        cm_web_conn_state(conn, WEB_WRITING); /* of a refusal */
    }
    evhttp_request_set_on_complete_cb(ev, on_answered, NULL);
    req = conn == NULL ? NULL : calloc(1, sizeof(*req));
    if (req == NULL) {
        refuse(loop, ev, 503);
        return;
    }
    TAILQ_INIT(&req->query);
    req->loop = loop;
    req->ev = ev;
    req->method = method_of(ev);
    if (uri == NULL || !cm_web_plain_path(evhttp_uri_get_path(uri), req->path) ||
        !plain_framing(ev, req->method != CM_WEB_GET && req->method != CM_WEB_OPTIONS) ||
        (query != NULL &&
         (evhttp_parse_query_str(query, &req->query) != 0 || !decode_names(&req->query)))) {
        evhttp_clear_headers(&req->query);
        free(req);
        refuse(loop, ev, 400);
        return;
    }
    req->body.len = evbuffer_get_length(body);
    req->body.ptr = req->body.len == 0 ? NULL : evbuffer_pullup(body, -1);
    evhttp_connection_get_peer(evhttp_request_get_connection(ev), &peer, &port);
    (void)snprintf(req->peer, sizeof(req->peer), "%s", peer == NULL ? "" : peer);
    /* not evhttp_request_own(): libevent would then forget it where an answer cannot be sent */
    cm_web_conn_state(conn, WEB_HANDLING);
    loop->held++;
    loop->server->config.handler(loop->server->config.app, req);
}

enum cm_web_method cm_web_method(const struct cm_web_request *req)
{
    return req->method;
}

const char *cm_web_path(const struct cm_web_request *req)
{
    return req->path;
}

static const char *only(const struct evkeyvalq *list, const char *name, bool any_case)
{
    const struct evkeyval *h = NULL;
    const char *value = NULL;

    TAILQ_FOREACH(h, list, next)
    {
        if ((any_case ? strcasecmp(h->key, name) : strcmp(h->key, name)) == 0) {
            if (value != NULL) {
                return NULL;
            }
            value = h->value;
        }
    }
    return value;
}

const char *cm_web_query(const struct cm_web_request *req, const char *name)
{
    return only(&req->query, name, false);
}

const char *cm_web_header(const struct cm_web_request *req, const char *name)
{
    return only(evhttp_request_get_input_headers(req->ev), name, true);
}

struct cm_span cm_web_body(const struct cm_web_request *req)
{
    return req->body;
}

const char *cm_web_peer(const struct cm_web_request *req)
{
    return req->peer;
}

/* ---------------------------------------------------------------- answering */

void cm_web_add_header(struct cm_web_request *req, const char *name, const char *value)
{
    /* libevent itself refuses CR and LF */
    (void)evhttp_add_header(evhttp_request_get_output_headers(req->ev), name, value);
}

/* On the loop's thread. evhttp_send_reply() also frees requests whose client has gone. */
static void send_answer(struct cm_web_request *req)
{
    struct web_loop *loop = req->loop;
    struct web_conn *conn = cm_web_conn_of(req->ev);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req->ev);
    struct evbuffer *out = NULL;

    if (conn != NULL) {
        cm_web_conn_state(conn, WEB_WRITING);
    }
    if (req->type != NULL) {
        (void)evhttp_add_header(headers, "Content-Type", req->type);
    }
    if (evhttp_request_get_command(req->ev) == EVHTTP_REQ_HEAD) { /* libevent would send the body */
        char length[24] = "";

        (void)snprintf(length, sizeof(length), "%zu", req->answer_len);
        (void)evhttp_add_header(headers, "Content-Length", length);
    } else if (req->answer_len != 0) {
        (void)evbuffer_add(evhttp_request_get_output_buffer(req->ev), req->answer, req->answer_len);
    }
    if (loop->stopping) {
        (void)evhttp_add_header(headers, "Connection", "close");
    }
    out = conn == NULL ? NULL
                       : bufferevent_get_output(evhttp_connection_get_bufferevent(
                             evhttp_request_get_connection(req->ev)));
    evhttp_send_reply(req->ev, req->status, NULL, NULL);
    /* head and body in one record and one packet; what is longer goes in several anyway */
    if (out != NULL && evbuffer_get_length(out) <= ONE_RECORD) {
        (void)evbuffer_pullup(out, -1);
    }
    evhttp_clear_headers(&req->query);
    free(req->type);
    if (req->answer != NULL) {
        cm_wipe(req->answer, req->answer_len);
    }
    free(req->answer);
    free(req);
    loop->held--;
    cm_web_loop_settle(loop);
}

void cm_web_request_flush(struct web_loop *loop)
{
    struct cm_web_request *list = NULL;

    (void)pthread_mutex_lock(&loop->lock);
    list = loop->done;
    loop->done = NULL;
    (void)pthread_mutex_unlock(&loop->lock);
    while (list != NULL) {
        struct cm_web_request *next = list->next;

        send_answer(list);
        list = next;
    }
}

void cm_web_answer(struct cm_web_request *req, int status, const char *type, struct cm_span body)
{
    struct web_loop *loop = req->loop;
    const uint64_t one = 1;
    bool first = false;

    req->status = status;
    if (type != NULL) {
        req->type = strdup(type);
        req->answer = malloc(body.len + 1);
        if (req->type == NULL || req->answer == NULL) {
            free(req->type);
            req->type = NULL;
            req->status = 503;
        } else if (body.len != 0) {
            memcpy(req->answer, body.ptr, body.len);
            req->answer_len = body.len;
        }
    }
    if (pthread_equal(pthread_self(), loop->thread) != 0) {
        send_answer(req);
        return;
    }
    (void)pthread_mutex_lock(&loop->lock);
    first = loop->done == NULL;
    req->next = loop->done;
    loop->done = req;
    (void)pthread_mutex_unlock(&loop->lock);
    if (first) {                                     /* else it is on its way */
        (void)!write(loop->wake, &one, sizeof(one)); /* fails only when it is woken already */
    }
}
