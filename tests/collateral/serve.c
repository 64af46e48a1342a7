/* See serve.h. */
#include "serve.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct serve {
    int listener;
    unsigned port;
    atomic_uint requests;
    atomic_bool stop;
    serve_answer_fn *answer;
    void *arg;
    SSL_CTX *tls;
    char *certificate;
    pthread_t thread;
};

struct serve_connection {
    struct serve *server;
    int fd;
    SSL *ssl; /* NULL without TLS */
};

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "serve: %s failed\n", what);
        exit(3);
    }
}

bool serve_stopping(const struct serve_connection *c)
{
    return atomic_load(&c->server->stop);
}

bool serve_write(struct serve_connection *c, const void *data, size_t len)
{
    const char *at = data;

    while (len != 0) {
        int part = (int)(len > 16384 ? 16384 : len);
        ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, at, part)
                                   : send(c->fd, at, (size_t)part, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool serve_text(struct serve_connection *c, const char *text)
{
    return serve_write(c, text, strlen(text));
}

bool serve_whole(struct serve_connection *c, int status, const char *headers, const void *body,
                 size_t len)
{
    char head[256] = "";

    (void)snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n", status,
                   len);
    return serve_text(c, head) && serve_text(c, headers) && serve_text(c, "\r\n") &&
           serve_write(c, body, len);
}

/* Wait for input without outliving the server. */
static bool readable(const struct serve_connection *c)
{
    while (!atomic_load(&c->server->stop)) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};

        if (c->ssl != NULL && SSL_pending(c->ssl) > 0) {
            return true;
        }
        if (poll(&p, 1, 20) > 0) {
            return true;
        }
    }
    return false;
}

/* One request's head; false at the end of the connection. */
static bool take_request(struct serve_connection *c, char *out, size_t cap)
{
    size_t used = 0;

    while (used + 1 < cap) {
        ssize_t n = 0;

        if (!readable(c)) {
            return false;
        }
        n = c->ssl != NULL ? SSL_read(c->ssl, out + used, 1) : recv(c->fd, out + used, 1, 0);
        if (n <= 0) {
            return false;
        }
        used++;
        out[used] = '\0';
        if (used >= 4 && strcmp(out + used - 4, "\r\n\r\n") == 0) {
            return true;
        }
    }
    return false;
}

static void serve_connection(struct serve_connection *c)
{
    char request[8192] = "";
    char path[2048] = "";

    while (take_request(c, request, sizeof(request))) {
        if (sscanf(request, "GET %2047s HTTP/", path) != 1) {
            return;
        }
        (void)atomic_fetch_add(&c->server->requests, 1);
        if (!c->server->answer(c, request, path, c->server->arg)) {
            return;
        }
    }
}

static void *run(void *arg)
{
    struct serve *s = arg;

    while (!atomic_load(&s->stop)) {
        struct pollfd p = {.fd = s->listener, .events = POLLIN};
        struct serve_connection c = {s, -1, NULL};

        if (poll(&p, 1, 20) <= 0) {
            continue;
        }
        c.fd = accept(s->listener, NULL, NULL);
        if (c.fd < 0) {
            continue;
        }
        if (s->tls != NULL) {
            c.ssl = SSL_new(s->tls);
            must(c.ssl != NULL && SSL_set_fd(c.ssl, c.fd) == 1, "TLS");
        }
        if (c.ssl == NULL || SSL_accept(c.ssl) == 1) {
            serve_connection(&c);
        }
        if (c.ssl != NULL) {
            (void)SSL_shutdown(c.ssl);
            SSL_free(c.ssl);
        }
        (void)close(c.fd);
    }
    return NULL;
}

/* A certificate of its own, for the name "localhost" only. */
static void make_tls(struct serve *s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    BIO *mem = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    must(key != NULL && cert != NULL && name != NULL && alt != NULL && mem != NULL &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                        (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
             X509_set_version(cert, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
             X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL &&
             X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, name) == 1 &&
             X509_set_pubkey(cert, key) == 1 && X509_add_ext(cert, alt, -1) == 1 &&
             X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_bio_X509(mem, cert) == 1,
         "certificate");
    len = BIO_get_mem_data(mem, &text);
    s->certificate = calloc(1, (size_t)len + 1);
    must(s->certificate != NULL, "memory");
    memcpy(s->certificate, text, (size_t)len);
    s->tls = SSL_CTX_new(TLS_server_method());
    must(s->tls != NULL && SSL_CTX_use_certificate(s->tls, cert) == 1 &&
             SSL_CTX_use_PrivateKey(s->tls, key) == 1,
         "TLS");
    BIO_free(mem);
    X509_EXTENSION_free(alt);
    X509_NAME_free(name);
    X509_free(cert);
    EVP_PKEY_free(key);
}

struct serve *serve_start(bool tls, serve_answer_fn *answer, void *arg)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    struct serve *s = calloc(1, sizeof(*s));

    must(s != NULL, "memory");
    (void)signal(SIGPIPE, SIG_IGN);
    s->answer = answer;
    s->arg = arg;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(s->listener >= 0 && bind(s->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
             listen(s->listener, 8) == 0 &&
             getsockname(s->listener, (struct sockaddr *)&at, &len) == 0,
         "socket");
    s->port = ntohs(at.sin_port);
    if (tls) {
        make_tls(s);
    }
    must(pthread_create(&s->thread, NULL, run, s) == 0, "thread");
    return s;
}

void serve_stop(struct serve *s)
{
    atomic_store(&s->stop, true);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    SSL_CTX_free(s->tls);
    free(s->certificate);
    free(s);
}

unsigned serve_port(const struct serve *s)
{
    return s->port;
}

unsigned serve_requests(const struct serve *s)
{
    return atomic_load(&s->requests);
}

const char *serve_certificate(const struct serve *s)
{
    return s->certificate;
}
