/* What clients may hold of the server: memory by bodies under way, connections, and a refusal that arrives. */
#include <fcntl.h>

#include "web_kit.h"

enum { BODY = 300000, PART = 250000 };

static char filler[PART];

static struct cm_web_config large_bodies(void)
{
    struct cm_web_config c = patient();

    memset(filler, 'x', sizeof(filler));
    c.max_body = BODY;
    c.request_seconds = 15;
    c.idle_seconds = 60;
    c.max_held = 1000000;
    return c;
}

static size_t held(const struct cm_web_server *s)
{
    struct cm_web_figures f = {0, 0, 0};

    cm_web_get_figures(s, &f);
    return f.held;
}

/* Until that many bytes are held, or 20 s. */
static bool wait_held(const struct cm_web_server *s, size_t least, size_t most)
{
    const struct timespec nap = {0, 10000000};

    for (int i = 0; i < 2000 && (held(s) < least || held(s) > most); i++) {
        (void)nanosleep(&nap, NULL);
    }
    return held(s) >= least && held(s) <= most;
}

static void begin_body(struct client *c, const struct cm_web_server *s)
{
    client_open(c, s);
    say(c, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    (void)SSL_write(c->ssl, filler, PART);
}

static void whole_body(const struct cm_web_server *s, const char *status)
{
    struct client c;

    begin_body(&c, s);
    (void)SSL_write(c.ssl, filler, BODY - PART);
    (void)hear(&c, "\r\n\r\n", 1);
    if (strncmp(c.said + 9, status, 3) != 0) {
        TEST_FAIL("wanted %s, got %.200s", status, c.said);
    }
    client_close(&c);
}

/* Clients that begin large bodies and never end them: who comes then is told to come later, and small requests
 * are served all the same. */
TEST(bodies_under_way_are_bounded)
{
    struct cm_web_server *s = start(large_bodies());
    struct cm_web_figures f = {0, 0, 0};
    struct client slow[3];

    for (size_t i = 0; i < 3; i++) {
        begin_body(&slow[i], s);
        CHECK(i == 2 || wait_held(s, (i + 1) * PART, SIZE_MAX));
    }
    (void)hear(&slow[2], "\r\n\r\n", 1);
    CHECK(strncmp(slow[2].said, "HTTP/1.1 503 ", 13) == 0);
    CHECK(strstr(slow[2].said, "Retry-After: 8\r\n") != NULL);
    whole_body(s, "503");
    CHECK(held(s) <= 1000000);
    answers(s, "POST /b HTTP/1.1\r\nContent-Length: 3\r\n" END "abc", "201", "abc");
    cm_web_get_figures(s, &f);
    CHECK_EQ(f.busy, 2);
    for (size_t i = 0; i < 3; i++) {
        client_close(&slow[i]);
    }
    CHECK(wait_held(s, 0, 0));
    whole_body(s, "201");
    CHECK(wait_held(s, 0, 0));
    cm_web_stop(s, 5);
}

/* What waits for its answer is held, too, and given back with the answer. */
TEST(what_is_not_answered_is_held)
{
    struct cm_web_server *s = start(large_bodies());
    struct client c;

    client_open(&c, s);
    say(&c, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(wait_held(s, 5, 200));
    CHECK(strstr(hear(&c, "later", 1), "200") != NULL);
    CHECK(wait_held(s, 0, 0));
    client_close(&c);
    cm_web_stop(s, 5);
}

/* One peer has a quarter of it; who is exempt, all. */
TEST(a_peer_has_its_share)
{
    static const char *const loopback[] = {"10.0.0.0/8", "127.0.0.0/8", NULL};
    struct cm_web_config config = large_bodies();
    struct cm_web_server *s = NULL;

    config.peer_connections = 10;
    config.max_held = 4 * PART;
    s = start(config);
    whole_body(s, "503");
    cm_web_stop(s, 5);
    config.unlimited = loopback;
    s = start(config);
    whole_body(s, "201");
    cm_web_stop(s, 5);
}

static bool handshake(const struct cm_web_server *s, struct client *c)
{
    memset(c, 0, sizeof(*c));
    c->fd = connect_to(s);
    c->ctx = SSL_CTX_new(TLS_client_method());
    c->ssl = SSL_new(c->ctx);
    return SSL_set_fd(c->ssl, c->fd) == 1 && SSL_connect(c->ssl) == 1;
}

/* Connections of one peer leave room for others. */
TEST(connections_of_a_peer_are_bounded)
{
    static const char *const exempt[] = {"::1", "127.0.0.1", NULL};
    struct cm_web_config config = patient();
    struct cm_web_figures f = {0, 0, 0};
    struct cm_web_server *s = NULL;
    struct client many[5];
    bool again = false;

    config.peer_connections = 3;
    s = start(config);
    for (size_t i = 0; i < 5; i++) {
        CHECK_EQ(handshake(s, &many[i]), i < 3);
    }
    cm_web_get_figures(s, &f);
    CHECK_EQ(f.crowded, 2);
    client_close(&many[0]);
    for (int i = 0; i < 200 && !again; i++) { /* until the server has seen that */
        const struct timespec nap = {0, 50000000};

        (void)nanosleep(&nap, NULL);
        again = handshake(s, &many[0]);
        if (!again) {
            client_close(&many[0]);
        }
    }
    CHECK(again);
    for (size_t i = again ? 0 : 1; i < 5; i++) {
        client_close(&many[i]);
    }
    cm_web_stop(s, 5);
    config.unlimited = exempt;
    s = start(config);
    for (size_t i = 0; i < 5; i++) {
        CHECK(handshake(s, &many[i]));
        client_close(&many[i]);
    }
    cm_web_stop(s, 5);
}

TEST(ranges_of_addresses)
{
    static const char *const good[] = {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "::/0",
                                       "2001:db8::/32"};
    static const char *const bad[] = {"",   "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::1/129",
                                      "/8", "localhost",   "10.0/8",    "::1/-1",      "::1/0001"};
    struct cm_web_config config = small();
    static const char *const wrong[] = {"proxy.example", NULL};
    struct cm_web_server *s = NULL;
    struct cm_why why = {""};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK(cm_web_is_range(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!cm_web_is_range(bad[i]));
    }
    config.unlimited = wrong;
    config.handler = handle;
    CHECK_EQ(cm_web_start(&config, &s, &why), CM_ERR_PARAM);
    CHECK(strstr(why.text, "proxy.example") != NULL);
}

/* Who sends all of a body that is too large sees why it was refused, and no reset. */
TEST(refusals_arrive)
{
    static const char *const heads[] = {
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4c4b40\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n",
    };
    struct cm_web_server *s = start(small());

    for (size_t i = 0; i < 3; i++) {
        struct client c;
        size_t sent = 0;

        client_open(&c, s);
        say(&c, heads[i]);
        while (sent < 5000000 && SSL_write(c.ssl, filler, 10000) == 10000) {
            sent += 10000;
        }
        CHECK_EQ(sent, 5000000);
        (void)hear(&c, NULL, 0);
        if (strncmp(c.said, i == 2 ? "HTTP/1.1 400 " : "HTTP/1.1 413 ", 13) != 0) {
            TEST_FAIL("%.30s... got %.100s", heads[i], c.said);
        }
        client_close(&c);
    }
    cm_web_stop(s, 5);
}

/* What a client sends while it does not take its answer stays in its own socket. */
TEST(what_comes_before_its_time_stays_outside)
{
    struct cm_web_config config = large_bodies();
    struct cm_web_server *s = NULL;
    struct client c;
    size_t sent = 0;

    config.max_held = (size_t)1 << 30;
    s = start(config);
    client_open(&c, s);
    say(&c, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)fcntl(c.fd, F_SETFL, O_NONBLOCK);
    for (int idle = 0; idle < 20 && sent < 64000000;) {
        const int n = SSL_write(c.ssl, filler, 16000);
        const struct timespec nap = {0, 10000000};

        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        } else {
            idle++;
            (void)nanosleep(&nap, NULL);
        }
    }
    CHECK(sent < 64000000);
    CHECK(held(s) <= config.max_body + config.max_headers + 20000);
    client_close(&c);
    cm_web_stop(s, 5);
}

TEST_MAIN
