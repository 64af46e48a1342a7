/* The server: its times, bounds, certificates and end, and clients that go away in the midst of it. */
#include "web_kit.h"

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

/* The deadlines by themselves: of a handshake that does not begin, of an answer that nobody reads. */
TEST(deadlines_without_the_idle_timeout)
{
    struct cm_web_server *s = start(patient());
    const double from = seconds();
    const int fd = connect_to(s);
    struct client c;
    char byte = 0;

    client_open(&c, s);
    say(&c, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK_EQ(recv(fd, &byte, 1, 0), 0);
    cm_web_stop(s, 20);
    CHECK(seconds() - from < 8);
    client_close(&c);
    (void)close(fd);
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
    double from = 0;

    config.loops = 1;
    config.max_connections = 3; /* and one more */
    s = start(config);
    for (size_t i = 0; i < 4; i++) {
        client_open(&many[i], s);
    }
    from = seconds();
    answers(s, "GET /waited HTTP/1.1\r\n" END, "200", "/waited"); /* when the idle ones are cut */
    CHECK(seconds() - from > 0.5);
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
    struct cm_web_server *s = start(patient());
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

static void *stop_it(void *arg)
{
    cm_web_stop(arg, 20);
    return NULL;
}

/* An answer that was on its way when the stopping began arrives whole, and its connection ends. */
TEST(stopping_in_the_midst_of_an_answer)
{
    struct cm_web_config config = patient();
    const struct timespec nap = {0, 100000000};
    static char bytes[65536];
    struct cm_web_server *s = NULL;
    struct client c;
    pthread_t thread;
    size_t got = 0;
    int n = 0;
    double from = seconds();

    config.request_seconds = 15;
    s = start(config);
    client_open(&c, s);
    say(&c, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)nanosleep(&nap, NULL);
    REQUIRE(pthread_create(&thread, NULL, stop_it, s) == 0);
    (void)nanosleep(&nap, NULL);
    while ((n = SSL_read(c.ssl, bytes, sizeof(bytes))) > 0) {
        got += (size_t)n;
    }
    (void)pthread_join(thread, NULL);
    CHECK(got > LARGE && seconds() - from < 8);
    client_close(&c);
}

/* Who does not read his answer holds nobody up for longer than the grace. */
TEST(stopping_waits_no_longer_than_told)
{
    struct cm_web_config config = patient();
    const struct timespec nap = {0, 100000000};
    const double from = seconds();
    struct cm_web_server *s = NULL;
    struct client c;

    config.request_seconds = 15;
    s = start(config);
    client_open(&c, s);
    say(&c, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)nanosleep(&nap, NULL);
    cm_web_stop(s, 1);
    CHECK(seconds() - from < 8);
    client_close(&c);
}

/* Who insists on another protocol is told in the handshake. */
TEST(other_protocols_are_refused)
{
    static const unsigned char h2[] = "\x02h2";
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    struct cm_web_server *s = start(small());

    for (int good = 0; good < 2; good++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL *ssl = SSL_new(ctx);
        const int fd = connect_to(s);

        CHECK_EQ(SSL_set_alpn_protos(ssl, good ? both : h2, (good ? sizeof(both) : sizeof(h2)) - 1),
                 0);
        CHECK_EQ(SSL_set_fd(ssl, fd), 1);
        CHECK_EQ(SSL_connect(ssl) == 1, good);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        (void)close(fd);
    }
    cm_web_stop(s, 5);
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
