/*
 * An HTTP/1.1 server over libevent: one event loop a core, TLS by OpenSSL, every size and every time
 * bounded. It knows nothing of what is served. Host side only.
 *
 * Untrusted: every byte of a request. A request reaches its handler only when it is complete, its path
 * is plain (decoded once, no empty, "." or ".." segments) and its framing says one thing only.
 */
#ifndef CM_WEB_WEB_H
#define CM_WEB_WEB_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

enum cm_web_method {
    CM_WEB_GET = 1, /* HEAD, too: the answer's body is not sent then */
    CM_WEB_POST = 2,
    CM_WEB_PUT = 4,
    CM_WEB_PATCH = 8,
    CM_WEB_DELETE = 16,
    CM_WEB_OPTIONS = 32,
};

struct cm_web_server;

/**
 * A request and the answer to it. It lives until it is answered; it must be answered exactly once, by
 * any thread, also when its client is long gone.
 */
struct cm_web_request;

/** Called on a loop's thread, which serves others, too: it may compute, but must not wait. */
typedef void cm_web_handler(void *app, struct cm_web_request *req);

/**
 * Called on a loop's thread when a request that no handler will see was refused: malformed, too large, of an
 * unknown method, or for want of memory. For log and counters; it must not wait.
 * @param peer  as of cm_web_peer(); "" when it is not known
 */
typedef void cm_web_unserved(void *app, const char *peer, int status);

struct cm_web_config {
    const char *address;  /* numeric: "127.0.0.1", "::" */
    uint16_t port;        /* 0: any free one */
    unsigned loops;       /* 0: one a core */
    const char *cert_pem; /* chain, leaf first: there is no serving without TLS */
    const char *key_pem;
    size_t max_body;       /* bytes */
    size_t max_headers;    /* bytes, of all lines */
    unsigned idle_seconds; /* without a byte between requests */
    unsigned
        request_seconds; /* from a request's first byte to its last; and for taking the answer */
    unsigned max_connections;  /* of all loops; more wait in the kernel's queue */
    unsigned peer_connections; /* of one peer: an IPv4 address, 64 bits of IPv6; 0: no bound. More
                                  are closed before TLS */
    size_t
        max_held; /* bytes of all requests that are not answered yet; 0: no bound. A peer has a quarter,
                        requests above 64 KiB have three: the others are answered 503 */
    const char *const
        *unlimited; /* "ADDRESS" or "ADDRESS/BITS" of peers that are not bounded one by one, such as
                                     proxies; ends with NULL, may be NULL. Read by cm_web_start() only */
    cm_web_handler *handler;
    cm_web_unserved *unserved; /* or NULL */
    const char
        *malformed; /* JSON for whom 400 is answered without a handler; NULL: no body. Static */
    void *app;
};

/** Limits that suit a service of small documents: 1 MiB, 16 KiB, 120 s, 20 s, 20,000; nothing of peers, no max_held. */
struct cm_web_config cm_web_defaults(void);

/**
 * Bind, and serve on threads of its own until cm_web_stop(). The soft limit of descriptors is raised to
 * what max_connections needs, as far as the hard one allows.
 *
 * @retval CM_ERR_PARAM  address, certificate or key; why says what
 * @retval CM_ERR_IO     the address cannot be had   @retval CM_ERR_NOMEM, CM_ERR_PLATFORM
 */
CM_MUST_USE enum cm_status cm_web_start(const struct cm_web_config *config,
                                        struct cm_web_server **out, struct cm_why *why);

/** Whether a text is one that `unlimited` takes. */
bool cm_web_is_range(const char *text);

struct cm_web_figures {
    size_t held;                /* bytes, now */
    unsigned long long busy;    /* requests that were refused for max_held */
    unsigned long long crowded; /* connections that were closed for peer_connections */
};
/** Thread-safe. */
void cm_web_get_figures(const struct cm_web_server *server, struct cm_web_figures *out);

/** The port it is bound to. */
uint16_t cm_web_port(const struct cm_web_server *server);

/** Whether a server can be begun with them: a chain in PEM, leaf first, and its key. @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_web_check_tls(const char *cert_pem, const char *key_pem,
                                            struct cm_why *why);
/** New connections get this certificate; those that are there keep theirs. Thread-safe. */
CM_MUST_USE enum cm_status cm_web_reload(struct cm_web_server *server, const char *cert_pem,
                                         const char *key_pem, struct cm_why *why);

/**
 * Take no more connections, answer what has come in, end at the latest after grace_seconds, and free.
 * Handlers that have not answered by then lose their clients, and the server's memory is not freed.
 * Accepts NULL.
 */
void cm_web_stop(struct cm_web_server *server, unsigned grace_seconds);

/* ----------------------------------------------------------------- requests */

enum cm_web_method cm_web_method(const struct cm_web_request *req);

/** Decoded, begins with '/', no empty, "." or ".." segment; a '/' at the end is taken away. */
const char *cm_web_path(const struct cm_web_request *req);

/** A parameter of the query, decoded; NULL: absent, or there more than once. */
const char *cm_web_query(const struct cm_web_request *req, const char *name);

/** A header's value; NULL: absent, or there more than once. */
const char *cm_web_header(const struct cm_web_request *req, const char *name);

struct cm_span cm_web_body(const struct cm_web_request *req);

/** The peer's address as text, without its port. */
const char *cm_web_peer(const struct cm_web_request *req);

/* ------------------------------------------------------------------ answers */

/** A header of the answer. Values with CR, LF or NUL are dropped. Before cm_web_answer() only. */
void cm_web_add_header(struct cm_web_request *req, const char *name, const char *value);

/**
 * Answer and let go of the request. The bytes are copied. Thread-safe.
 * @param type  of the content; NULL: no body, and body is ignored.
 */
void cm_web_answer(struct cm_web_request *req, int status, const char *type, struct cm_span body);

#endif
