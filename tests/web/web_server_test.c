/*
 * The server over TLS on loopback, with clients that keep to HTTP and clients that do not: sizes,
 * times, framing that could be read in two ways, and clients that go away in the midst of it.
 */
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

static void text_of(BIO *bio, char *out, size_t cap)
{
    const int n = BIO_read(bio, out, (int)cap - 1);

    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
}

static void make_certificate(long serial, char cert_out[4096], char key_out[4096])
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

static void *answer_later(void *arg)
{
    struct cm_web_request *req = arg;
    const struct timespec nap = {0, 50000000};

    (void)nanosleep(&nap, NULL);
    cm_web_answer(req, 200, "text/plain", cm_span_make("later", 5));
    return NULL;
}

static void handle(void *app, struct cm_web_request *req)
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

static struct cm_web_server *start(struct cm_web_config config)
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

static struct cm_web_config small(void)
{
    struct cm_web_config c = cm_web_defaults();

    c.loops = 2;
    c.max_body = 1000;
    c.max_headers = 2000;
    c.idle_seconds = 2;
    c.request_seconds = 1;
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

static int connect_to(const struct cm_web_server *s)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(cm_web_port(s)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        TEST_FAIL("no connection");
        abort();
    }
    return fd;
}

static void client_open(struct client *c, const struct cm_web_server *s)
{
    memset(c, 0, sizeof(*c));
    c->fd = connect_to(s);
    c->ctx = SSL_CTX_new(TLS_client_method());
    c->ssl = SSL_new(c->ctx);
    if (SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
        TEST_FAIL("no handshake");
    }
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    (void)close(c->fd);
}

static void say(struct client *c, const char *text)
{
    (void)SSL_write(c->ssl, text, (int)strlen(text));
}

/* What comes until `until` has come `times` times, the server ends the connection, or 5 s. */
static const char *hear(struct client *c, const char *until, int times)
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
static const char *ask(const struct cm_web_server *s, const char *text)
{
    static struct client c;

    client_open(&c, s);
    say(&c, text);
    (void)hear(&c, NULL, 0);
    client_close(&c);
    return c.said;
}

static void answers(const struct cm_web_server *s, const char *request, const char *status,
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

TEST(plain_requests)
{
    struct cm_web_server *s = start(small());

    answers(s, "GET /a/b HTTP/1.1\r\n" END, "200", "/a/b|-|127.0.0.1");
    answers(s, "GET /a%20b/?q=1%2B2&r=3 HTTP/1.1\r\n" END, "200", "/a b|1+2|127.0.0.1");
    answers(s, "GET /x?q=1&q=2 HTTP/1.1\r\n" END, "200", "/x|-|");
    answers(s, "GET /x HTTP/1.1\r\nX-Echo: hello\r\n" END, "200", "X-Echo: hello");
    CHECK(strstr(ask(s, "GET /x HTTP/1.1\r\n" END), "X-Injected") == NULL);
    answers(s, "POST /p HTTP/1.1\r\nContent-Length: 4\r\n" END "body", "201", "\r\n\r\nbody");
    answers(s, "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "4\r\nbody\r\n0\r\n\r\n",
            "201", "\r\n\r\nbody");
    answers(s, "GET /empty HTTP/1.1\r\n" END, "204", NULL);
    answers(s, "GET /later HTTP/1.1\r\n" END, "200", "later");
    CHECK(strstr(ask(s, "HEAD /a HTTP/1.1\r\n" END), "|127") == NULL);
    cm_web_stop(s, 5);
}

/* Two requests in one write, and a third behind the answers, on one connection. */
TEST(kept_connections)
{
    struct cm_web_server *s = start(small());
    struct client c;

    client_open(&c, s);
    say(&c, "GET /one HTTP/1.1\r\nHost: h\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(strstr(hear(&c, "later", 1), "/one|") != NULL);
    say(&c, "GET /three HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(strstr(hear(&c, "127.0.0.1", 1), "/three|") != NULL);
    client_close(&c);
    cm_web_stop(s, 5);
}

TEST(ambiguous_requests_are_refused)
{
    static const char *const bad[] = {
        "GET /a/../b HTTP/1.1\r\n" END,
        "GET /a/%2e%2e/b HTTP/1.1\r\n" END,
        "GET /.. HTTP/1.1\r\n" END,
        "GET /a//b HTTP/1.1\r\n" END,
        "GET /a/./b HTTP/1.1\r\n" END,
        "GET /a%2fb HTTP/1.1\r\n" END,
        "GET /a%5cb HTTP/1.1\r\n" END,
        "GET /a%00b HTTP/1.1\r\n" END,
        "GET /a%0ab HTTP/1.1\r\n" END,
        "GET /a%zz HTTP/1.1\r\n" END,
        "GET /a%2 HTTP/1.1\r\n" END,
        "GET /a HTTP/1.1\r\nContent-Length: 3\r\n" END "xyz",
        "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" END "x",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" END
        "1\r\nx\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n" END "x",
        "GET /a HTTP/1.1\r\nHost: a\r\n" END,
    };
    struct cm_web_server *s = start(small());

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const unsigned before = atomic_load(&handled);

        answers(s, bad[i], "400", NULL);
        if (atomic_load(&handled) != before) {
            TEST_FAIL("handled: %s", bad[i]);
        }
    }
    cm_web_stop(s, 5);
}

TEST(sizes)
{
    static char text[8192];
    struct cm_web_server *s = start(small());
    const unsigned before = atomic_load(&handled);
    size_t n = 0;

    n = (size_t)snprintf(text, sizeof(text), "POST /p HTTP/1.1\r\nContent-Length: 1001\r\n" END);
    memset(text + n, 'x', 1001);
    text[n + 1001] = '\0';
    CHECK(strncmp(ask(s, text), "HTTP/1.1 2", 10) != 0);
    (void)snprintf(text, sizeof(text), "POST /p HTTP/1.1\r\nContent-Length: -1\r\n" END);
    CHECK(strncmp(ask(s, text), "HTTP/1.1 2", 10) != 0);
    n = (size_t)snprintf(text, sizeof(text), "GET /p HTTP/1.1\r\nX: ");
    memset(text + n, 'x', 3000);
    (void)snprintf(text + n + 3000, sizeof(text) - n - 3000, "\r\n" END);
    CHECK(strncmp(ask(s, text), "HTTP/1.1 2", 10) != 0);
    n = (size_t)snprintf(text, sizeof(text), "GET /");
    memset(text + n, 'x', 3000);
    (void)snprintf(text + n + 3000, sizeof(text) - n - 3000, " HTTP/1.1\r\n" END);
    CHECK(strncmp(ask(s, text), "HTTP/1.1 2", 10) != 0);
    CHECK_EQ(atomic_load(&handled), before);
    cm_web_stop(s, 5);
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A byte now and then keeps an idle timeout away for ever; the request's deadline comes anyway. */
TEST(slow_requests_are_cut)
{
    struct cm_web_server *s = start(small());
    const double from = seconds();
    struct client c;
    int sent = 0;

    client_open(&c, s);
    say(&c, "GET /a HTTP/1.1\r\nX: ");
    while (sent < 60) {
        const struct timespec nap = {0, 100000000};

        (void)nanosleep(&nap, NULL);
        if (SSL_write(c.ssl, "x", 1) != 1) {
            break;
        }
        sent++;
    }
    CHECK(sent < 40 && seconds() - from > 0.9);
    client_close(&c);
    cm_web_stop(s, 5);
}

/* Nothing said at all: before the handshake, and behind it. */
TEST(silent_connections_end)
{
    struct cm_web_server *s = start(small());
    const int fd = connect_to(s);
    struct client c;
    char byte = 0;

    client_open(&c, s);
    CHECK_EQ(recv(fd, &byte, 1, 0), 0);
    (void)hear(&c, NULL, 0);
    CHECK_EQ(c.len, 0);
    client_close(&c);
    (void)close(fd);
    cm_web_stop(s, 5);
}

/* The client has gone before it is answered, in both of its ways; the others do not notice. */
TEST(clients_that_leave)
{
    struct cm_web_server *s = start(small());

    for (int i = 0; i < 20; i++) {
        struct client c;

        client_open(&c, s);
        say(&c, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i % 2 == 0) {
            const struct linger abort_it = {1, 0};

            (void)setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
        }
        client_close(&c);
    }
    answers(s, "GET /a HTTP/1.1\r\n" END, "200", NULL);
    cm_web_stop(s, 5);
}

/* HTTP without TLS is no request. */
TEST(plain_text_is_refused)
{
    struct cm_web_server *s = start(small());
    const unsigned before = atomic_load(&handled);
    const int fd = connect_to(s);
    char said[512] = "";

    CHECK(send(fd, "GET / HTTP/1.1\r\n" END, 16 + sizeof(END) - 1, 0) > 0);
    (void)recv(fd, said, sizeof(said) - 1, MSG_WAITALL);
    CHECK(strstr(said, "HTTP/1.1") == NULL);
    CHECK_EQ(atomic_load(&handled), before);
    (void)close(fd);
    cm_web_stop(s, 5);
}

/* More connections than there may be wait; they are served when others have ended. */
TEST(connections_are_bounded)
{
    struct cm_web_config config = small();
    struct client many[4];
    struct cm_web_server *s = NULL;

    config.loops = 1;
    config.max_connections = 3; /* and one more */
    s = start(config);
    for (size_t i = 0; i < 4; i++) {
        client_open(&many[i], s);
    }
    answers(s, "GET /waited HTTP/1.1\r\n" END, "200", "/waited"); /* when the idle ones are cut */
    for (size_t i = 0; i < 4; i++) {
        client_close(&many[i]);
    }
    cm_web_stop(s, 5);
}

static long serial_of(const struct client *c)
{
    X509 *cert = SSL_get1_peer_certificate(c->ssl);
    const long serial = cert == NULL ? -1 : ASN1_INTEGER_get(X509_get0_serialNumber(cert));

    X509_free(cert);
    return serial;
}

TEST(certificates_are_reloaded)
{
    struct cm_web_server *s = start(small());
    struct cm_why why = {""};
    struct client before;
    struct client after;

    client_open(&before, s);
    CHECK_EQ(cm_web_reload(s, other_cert, key_pem, &why), CM_ERR_PARAM); /* not its key */
    CHECK(why.text[0] != '\0');
    CHECK_EQ(cm_web_reload(s, "no PEM", other_key, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_web_reload(s, other_cert, other_key, NULL), CM_OK);
    client_open(&after, s);
    CHECK_EQ(serial_of(&before), 1);
    CHECK_EQ(serial_of(&after), 2);
    say(&before, "GET /kept HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(strstr(hear(&before, "127.0.0.1", 1), "/kept") != NULL);
    client_close(&before);
    client_close(&after);
    cm_web_stop(s, 5);
}

/* What has come in is answered; who is idle is sent away at once. */
TEST(stopping_is_graceful)
{
    struct cm_web_server *s = start(small());
    struct client idle;
    struct client busy;
    const double from = seconds();

    client_open(&idle, s);
    client_open(&busy, s);
    say(&busy, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    {
        const struct timespec nap = {0, 20000000};

        (void)nanosleep(&nap, NULL);
    }
    cm_web_stop(s, 10);
    CHECK(seconds() - from < 5);
    CHECK(strstr(hear(&busy, "later", 1), "Connection: close") != NULL);
    (void)hear(&idle, NULL, 0);
    CHECK_EQ(idle.len, 0);
    client_close(&idle);
    client_close(&busy);
}

TEST(bad_configurations)
{
    struct cm_web_config config = small();
    struct cm_web_server *s = start(config);
    struct cm_web_server *second = NULL;
    struct cm_why why = {""};

    config.handler = handle;
    config.cert_pem = cert_pem;
    config.key_pem = key_pem;
    config.address = "localhost";
    CHECK_EQ(cm_web_start(&config, &second, &why), CM_ERR_PARAM);
    CHECK(strstr(why.text, "numeric") != NULL);
    config.address = "192.0.2.1";
    CHECK_EQ(cm_web_start(&config, &second, NULL), CM_ERR_IO);
    config.address = "127.0.0.1";
    config.key_pem = other_key;
    CHECK_EQ(cm_web_start(&config, &second, NULL), CM_ERR_PARAM);
    CHECK(second == NULL);
    cm_web_stop(s, 1);
    cm_web_stop(NULL, 1);
}

TEST_MAIN
