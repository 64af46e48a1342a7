/*
 * Connections: what state each is in, and the deadlines that libevent's own timeout, which each byte
 * starts anew, does not give. libevent owns the connection; ours ends with it.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/web_private.h"

void cm_web_conn_cut(struct web_conn *conn)
{
    const int fd = SSL_get_fd(conn->ssl);

    conn->cut = true;
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR); /* its reads and writes fail from here on */
    }
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    cm_web_conn_cut(arg);
}

void cm_web_conn_state(struct web_conn *conn, enum web_state state)
{
    const struct timeval limit = {conn->loop->server->config.request_seconds, 0};
    const bool runs = state == WEB_HANDSHAKE || state == WEB_READING || state == WEB_WRITING;

    conn->state = state;
    if (runs) {
        (void)evtimer_add(conn->deadline, &limit);
    } else {
        (void)evtimer_del(conn->deadline);
    }
    if (state == WEB_IDLE && conn->loop->stopping) {
        cm_web_conn_cut(conn);
    }
}

void cm_web_conn_unserved(struct web_conn *conn, int status)
{
    const struct cm_web_config *config = &conn->loop->server->config;
    char *peer = NULL;
    ev_uint16_t port = 0;

    if (config->unserved != NULL) {
        if (conn->evcon != NULL) {
            evhttp_connection_get_peer(conn->evcon, &peer, &port);
        }
        config->unserved(config->app, peer == NULL ? "" : peer, status);
    }
}

/* An answer to what is still being read is libevent's own: it asks nobody, and tells nobody. */
static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct web_conn *conn = arg;
    char head[13] = ""; /* "HTTP/1.1 413" */
    int status = 0;

    if (info->n_added == 0 || info->orig_size != 0 || conn->full || conn->state == WEB_WRITING ||
        conn->state == WEB_HANDLING) {
        return;
    }
    if (evbuffer_copyout(buffer, head, sizeof(head) - 1) == (ev_ssize_t)sizeof(head) - 1) {
        status = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
    }
    if (status >= 400) { /* and not 100, which says that the body may come */
        cm_web_conn_unserved(conn, status);
    }
}

/* ------------------------------------------------------------------- bounds */

/* libevent is about to close the socket. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
    struct web_conn *conn = arg;

    (void)evcon;
    if (!conn->cut && (conn->unread || conn->state == WEB_READING)) {
        cm_web_linger(conn->loop, SSL_get_fd(conn->ssl));
    }
}

static void on_full_input(struct bufferevent *bev, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(bev);

    (void)arg;
    (void)evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_full_written(struct bufferevent *bev, void *arg)
{
    struct web_conn *conn = arg;

    (void)bev;
    evhttp_connection_free(conn->evcon);
}

static void on_full_event(struct bufferevent *bev, short events, void *arg)
{
    (void)events;
    on_full_written(bev, arg);
}

/*
 * There is no memory for more of a request. libevent would go on reading it, and answers nothing before its
 * end: so the connection is taken from it, told, and freed. Half of the time that a request may take is what
 * those who hold the memory still have on average.
 */
static void refuse_full(struct web_conn *conn)
{
    const unsigned wait = (conn->loop->server->config.request_seconds + 1) / 2;
    char text[160] = "";

    conn->full = true;
    conn->unread = true;
    cm_web_conn_unserved(conn, 503);
    cm_web_conn_state(conn, WEB_WRITING);
    bufferevent_setcb(conn->bev, on_full_input, on_full_written, on_full_event, conn);
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %u\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n",
                   wait);
    if (bufferevent_write(conn->bev, text, strlen(text)) != 0 ||
        bufferevent_enable(conn->bev, EV_READ | EV_WRITE) != 0) {
        cm_web_conn_cut(conn);
    }
}

/* libevent has its connection as the argument of its callbacks, and asks nobody before it closes it. */
static void find_evcon(struct web_conn *conn)
{
    void *evcon = NULL;

    bufferevent_getcb(conn->bev, NULL, NULL, NULL, &evcon);
    conn->evcon = evcon;
    evhttp_connection_set_closecb(conn->evcon, on_close, conn);
}

/* Bytes have come in: of a next request, if none is under way. */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct web_conn *conn = arg;

    (void)buffer;
    if (info->n_added == 0 || conn->full) {
        return;
    }
    if (conn->evcon == NULL) {
        find_evcon(conn);
    }
    if (conn->state == WEB_IDLE || conn->state == WEB_HANDSHAKE) {
        cm_web_conn_state(conn, WEB_READING);
    }
    if (cm_web_guard_take(conn->loop->server->guard, conn->peer, conn->held, info->n_added)) {
        conn->held += info->n_added;
    } else if (conn->state == WEB_READING) {
        refuse_full(conn);
    } else {
        cm_web_conn_cut(conn); /* what comes before an answer is taken is nobody's loss */
    }
}

void cm_web_conn_settle(struct web_conn *conn, size_t left)
{
    if (left < conn->held) {
        cm_web_guard_give(conn->loop->server->guard, conn->peer, conn->held - left);
        conn->held = left;
    }
}

void cm_web_conn_meet(struct web_conn *conn)
{
    if (!conn->met) {
        conn->met = true;
        if (!cm_web_guard_enter(conn->loop->server->guard, SSL_get_fd(conn->ssl), &conn->peer)) {
            cm_web_conn_cut(conn);
        }
    }
}

/* --------------------------------------------------------------------- life */

/* With its SSL object, in the loop's thread. */
void cm_web_conn_free(struct web_conn *conn)
{
    struct web_loop *loop = conn->loop;

    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        loop->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    loop->conn_count--;
    cm_web_conn_settle(conn, 0);
    cm_web_guard_leave(loop->server->guard, conn->peer);
    event_free(conn->deadline);
    free(conn);
    cm_web_loop_settle(loop);
}

static struct web_conn *conn_new(struct web_loop *loop)
{
    struct cm_web_server *s = loop->server;
    struct web_conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        return NULL;
    }
    conn->loop = loop;
    conn->deadline = evtimer_new(loop->base, on_deadline, conn);
    (void)pthread_mutex_lock(&s->tls_lock);
    conn->ssl = conn->deadline == NULL ? NULL : SSL_new(s->tls);
    (void)pthread_mutex_unlock(&s->tls_lock);
    if (conn->ssl == NULL) {
        if (conn->deadline != NULL) {
            event_free(conn->deadline);
        }
        free(conn);
        return NULL;
    }
    conn->next = loop->conns;
    if (loop->conns != NULL) {
        loop->conns->prev = conn;
    }
    loop->conns = conn;
    loop->conn_count++;
    cm_web_tls_watch(conn->ssl, conn);
    return conn;
}

/*
 * libevent asks for a connection's buffers when it has accepted one. NULL: it makes do with a plain
 * connection, whose requests are refused.
 */
struct bufferevent *cm_web_conn_make(struct event_base *base, void *arg)
{
    struct web_loop *loop = arg;
    struct web_conn *conn = conn_new(loop);
    struct bufferevent *bev = NULL;

    if (conn == NULL) {
        return NULL;
    }
    cm_web_conn_state(conn, WEB_HANDSHAKE);
    bev = bufferevent_openssl_socket_new(base, -1, conn->ssl, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(conn->ssl); /* and the connection */
        return NULL;
    }
    conn->bev = bev;
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1); /* HTTP says its own lengths */
    bufferevent_setwatermark(bev, EV_READ,
                             0, /* what comes before an answer is taken stays outside */
                             loop->server->config.max_body + loop->server->config.max_headers);
    (void)evbuffer_add_cb(bufferevent_get_input(bev), on_input, conn);
    (void)evbuffer_add_cb(bufferevent_get_output(bev), on_output, conn);
    cm_web_loop_settle(loop);
    return bev;
}

struct web_conn *cm_web_conn_of(struct evhttp_request *req)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    SSL *ssl = evcon == NULL
                   ? NULL
                   : bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(evcon));

    return ssl == NULL ? NULL : cm_web_tls_conn(ssl);
}
