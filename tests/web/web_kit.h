/* A server that answers what it was asked, and a client that says what it likes, over TLS on loopback. */
#ifndef CM_TESTS_WEB_KIT_H
#define CM_TESTS_WEB_KIT_H

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#include "common/span.h"
#include "web/web.h"

static char cert_pem[4096];
static char key_pem[4096];
static char other_cert[4096];
static char other_key[4096];
static atomic_uint handled;

enum { LARGE = 32 << 20 }; /* more than sockets hold */

static inline void text_of(BIO *bio, char *out, size_t cap)
{
    const int n = BIO_read(bio, out, (int)cap - 1);

    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
}

static inline void make_certificate(long serial, char cert_out[4096], char key_out[4096])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    BIO *cert_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());

    CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                     -1, -1, 0) == 1);
    CHECK(X509_set_version(cert, 2) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1);
    CHECK(X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
          X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL);
    CHECK(X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, name) == 1 &&
          X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0);
    CHECK(PEM_write_bio_X509(cert_bio, cert) == 1 &&
          PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    text_of(cert_bio, cert_out, 4096);
    text_of(key_bio, key_out, 4096);
    X509_NAME_free(name);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* ------------------------------------------------------------------- server */

static inline void *answer_later(void *arg)
{
    struct cm_web_request *req = arg;
    const struct timespec nap = {0, 50000000};

    (void)nanosleep(&nap, NULL);
    cm_web_answer(req, 200, "text/plain", cm_span_make("later", 5));
    return NULL;
}

static inline void handle(void *app, struct cm_web_request *req)
{
    const char *path = cm_web_path(req);
    const char *echo = cm_web_header(req, "X-Echo");
    const char *q = cm_web_query(req, "q");
    char text[256] = "";

    (void)app;
    atomic_fetch_add(&handled, 1);
    if (strcmp(path, "/later") == 0) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, answer_later, req) != 0) {
            abort();
        }
        (void)pthread_detach(thread);
    } else if (strcmp(path, "/large") == 0) {
        static const uint8_t large[LARGE];

        cm_web_answer(req, 200, "text/plain", cm_span_make(large, sizeof(large)));
    } else if (cm_web_method(req) == CM_WEB_POST) {
        cm_web_answer(req, 201, "application/octet-stream", cm_web_body(req));
    } else if (strcmp(path, "/empty") == 0) {
        cm_web_answer(req, 204, NULL, cm_span_make("x", 1));
    } else {
        if (echo != NULL) {
            cm_web_add_header(req, "X-Echo", echo);
        }
        cm_web_add_header(req, "X-Bad", "a\r\nX-Injected: b");
        (void)snprintf(text, sizeof(text), "%s|%s|%s", path, q == NULL ? "-" : q, cm_web_peer(req));
        cm_web_answer(req, 200, "text/plain", cm_span_make(text, strlen(text)));
    }
}

static inline struct cm_web_server *start(struct cm_web_config config)
{
    struct cm_web_server *s = NULL;
    struct cm_why why = {""};

    if (cert_pem[0] == '\0') {
        (void)signal(SIGPIPE, SIG_IGN);
        make_certificate(1, cert_pem, key_pem);
        make_certificate(2, other_cert, other_key);
    }
    config.cert_pem = cert_pem;
    config.key_pem = key_pem;
    config.handler = handle;
    if (cm_web_start(&config, &s, &why) != CM_OK) {
        TEST_FAIL("start: %s", why.text);
        abort();
    }
    return s;
}

static inline struct cm_web_config small(void)
{
    struct cm_web_config c = cm_web_defaults();

    c.loops = 2;
    c.max_body = 1000;
    c.max_headers = 2000;
    c.idle_seconds = 2;
    c.request_seconds = 1;
    return c;
}

static inline struct cm_web_config patient(void)
{
    struct cm_web_config c = small();

    c.idle_seconds = 15;
    return c;
}

/* ------------------------------------------------------------------- client */

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    char said[8192];
    size_t len;
};

static uint16_t told_port; /* of a server in another process, which is NULL here */

static inline int connect_to(const struct cm_web_server *s)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(s == NULL ? told_port : cm_web_port(s)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        TEST_FAIL("no connection");
        abort();
    }
    return fd;
}

static inline void client_open(struct client *c, const struct cm_web_server *s)
{
    memset(c, 0, sizeof(*c));
    c->fd = connect_to(s);
    c->ctx = SSL_CTX_new(TLS_client_method());
    c->ssl = SSL_new(c->ctx);
    if (SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
        TEST_FAIL("no handshake");
    }
}

static inline void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    (void)close(c->fd);
}

static inline void say(struct client *c, const char *text)
{
    (void)SSL_write(c->ssl, text, (int)strlen(text));
}

/* What comes until `until` has come `times` times, the server ends the connection, or 5 s. */
static inline const char *hear(struct client *c, const char *until, int times)
{
    c->len = 0;
    for (;;) {
        struct pollfd p = {c->fd, POLLIN, 0};
        const char *at = c->said;
        int seen = 0;
        int n = 0;

        c->said[c->len] = '\0';
        while (until != NULL && (at = strstr(at, until)) != NULL) {
            seen++;
            at += strlen(until);
        }
        if ((until != NULL && seen >= times) || c->len + 1 >= sizeof(c->said) ||
            (SSL_pending(c->ssl) == 0 && poll(&p, 1, 5000) != 1)) {
            return c->said;
        }
        n = SSL_read(c->ssl, c->said + c->len, (int)(sizeof(c->said) - 1 - c->len));
        if (n <= 0) {
            return c->said;
        }
        c->len += (size_t)n;
    }
}

/* One request on a connection of its own: the whole answer. */
static inline const char *ask(const struct cm_web_server *s, const char *text)
{
    static struct client c;

    client_open(&c, s);
    say(&c, text);
    (void)hear(&c, NULL, 0);
    client_close(&c);
    return c.said;
}

static inline void answers(const struct cm_web_server *s, const char *request, const char *status,
                           const char *has)
{
    const char *said = ask(s, request);

    if (strncmp(said, "HTTP/1.1 ", 9) != 0 || strncmp(said + 9, status, strlen(status)) != 0 ||
        (has != NULL && strstr(said, has) == NULL)) {
        TEST_FAIL("%.60s...: wanted %s %s, got %.300s", request, status, has == NULL ? "" : has,
                  said);
    }
}

#define END "Host: h\r\nConnection: close\r\n\r\n"

static inline double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
