/* Private to src/web: loops and connections. Everything of a loop is its thread's alone but `done`. */
#ifndef CM_WEB_WEB_PRIVATE_H
#define CM_WEB_WEB_PRIVATE_H

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "web/web.h"

enum web_state {
    WEB_HANDSHAKE, /* TLS; the deadline runs */
    WEB_IDLE,      /* between requests: the idle timeout runs */
    WEB_READING,   /* the deadline runs */
    WEB_HANDLING,  /* the application's time */
    WEB_WRITING,   /* the deadline runs */
};

struct web_conn {
    struct web_loop *loop;
    struct web_conn *next; /* of its loop */
    struct web_conn *prev;
    struct event *deadline;
    SSL *ssl; /* owns this */
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL: no byte of a request has come yet */
    struct web_peer *peer;           /* NULL: one without limits */
    size_t held;                     /* bytes that have come of requests not yet answered */
    enum web_state state;
    bool met;    /* the peer was looked up */
    bool cut;    /* ended from our side */
    bool unread; /* refused while the client may still be sending */
    bool full;   /* refused for want of memory: ours, no longer libevent's */
};

struct web_loop {
    struct cm_web_server *server;
    pthread_t thread;
    bool running; /* the thread is to be joined */
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct event *wake_event;
    struct event *pause; /* ends a pause of accepting */
    struct event *grace;
    struct web_conn *conns;
    unsigned conn_count;
    unsigned conn_max;
    unsigned held; /* requests without an answer */
    struct web_linger *lingers;
    unsigned linger_count;
    bool stopping;
    bool paused;
    int wake; /* eventfd */
    pthread_mutex_t lock;
    struct cm_web_request *done; /* answered elsewhere; under lock */
};

struct cm_web_server {
    struct cm_web_config config;
    uint16_t port;
    unsigned loop_count;
    struct web_loop *loops;
    struct web_guard *guard;
    SSL_CTX *tls; /* under tls_lock */
    pthread_mutex_t tls_lock;
    unsigned grace_seconds; /* set before stop */
    atomic_bool stop;
};

/* web_guard.c: thread-safe */
CM_MUST_USE enum cm_status cm_web_guard_make(const struct cm_web_config *config,
                                             struct web_guard **out, struct cm_why *why);
/** When nobody is in it any more. Accepts NULL. */
void cm_web_guard_free(struct web_guard *g);
/** A connection's peer, counted until cm_web_guard_leave(); *out NULL: not limited. @return false: it has too many */
bool cm_web_guard_enter(struct web_guard *g, int fd, struct web_peer **out);
/** Accepts NULL. */
void cm_web_guard_leave(struct web_guard *g, struct web_peer *p);
/** Another n bytes of a request of which there were `before`. @return false: they cannot be had; nothing is taken */
bool cm_web_guard_take(struct web_guard *g, struct web_peer *p, size_t before, size_t n);
void cm_web_guard_give(struct web_guard *g, struct web_peer *p, size_t n);
void cm_web_guard_figures(const struct web_guard *g, struct cm_web_figures *out);

/* web_memory.c */
/** Before anything of libevent is made: from here on it wipes what it frees. */
void cm_web_memory(void);

/* web_linger.c */
/** Keep a socket that is about to be closed until its client has read what was said to it. */
void cm_web_linger(struct web_loop *loop, int fd);
void cm_web_linger_free(struct web_linger *l);

/* web_tls.c */
CM_MUST_USE enum cm_status cm_web_tls_make(const char *cert_pem, const char *key_pem, SSL_CTX **out,
                                           struct cm_why *why);
/** The connection of an SSL object: it ends with it, and is told when the handshake is over. */
void cm_web_tls_watch(SSL *ssl, struct web_conn *conn);
struct web_conn *cm_web_tls_conn(const SSL *ssl);

/* web_conn.c */
struct bufferevent *cm_web_conn_make(struct event_base *base, void *arg);
/** NULL: it is gone, or there was no memory to make one. */
struct web_conn *cm_web_conn_of(struct evhttp_request *req);
void cm_web_conn_free(struct web_conn *conn);
void cm_web_conn_state(struct web_conn *conn, enum web_state state);
/** Tell the application of a request that no handler sees. */
void cm_web_conn_unserved(struct web_conn *conn, int status);
/** The handshake begins: whose it is is known. */
void cm_web_conn_meet(struct web_conn *conn);
/** A request was answered: `left` bytes of the next one are there. */
void cm_web_conn_settle(struct web_conn *conn, size_t left);
/** End it in a way that libevent notices by itself. */
void cm_web_conn_cut(struct web_conn *conn);

/* web_request.c */
#define MAX_PATH 2048
/**
 * Decoded once and plain: a path that could be read in two ways is refused, so that no route can be
 * gone around. raw may be NULL, which is none.
 */
bool cm_web_plain_path(const char *raw, char out[MAX_PATH]);
void cm_web_request_in(struct evhttp_request *ev, void *arg);
/** Send what other threads have answered. */
void cm_web_request_flush(struct web_loop *loop);

/* web_server.c */
/** A connection or a request of a loop has ended: perhaps it was the last. */
void cm_web_loop_settle(struct web_loop *loop);

#endif
