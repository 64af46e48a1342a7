/* Requests: what is answered, and what is refused since it is too long or could be read in two ways. */
#include "web_kit.h"

TEST(plain_requests)
{
    struct cm_web_server *s = start(small());

    answers(s, "GET /a/b HTTP/1.1\r\n" END, "200", "/a/b|-|127.0.0.1");
    answers(s, "GET /a%20b/?q=1%2B2&r=3 HTTP/1.1\r\n" END, "200", "/a b|1+2|127.0.0.1");
    answers(s, "GET /x?q=1&q=2 HTTP/1.1\r\n" END, "200", "/x|-|");
    answers(s, "GET /x?%71=5 HTTP/1.1\r\n" END, "200", "/x|5|"); /* clients encode names, too */
    answers(s, "GET /x?a%2Dq=3&q=6 HTTP/1.1\r\n" END, "200", "/x|6|");
    answers(s, "GET /x?q=1&%71=2 HTTP/1.1\r\n" END, "200", "/x|-|");
    answers(s, "GET /x?%7=5 HTTP/1.1\r\n" END, "400", NULL);
    answers(s, "GET /x?q%00=5 HTTP/1.1\r\n" END, "400", NULL);
    answers(s, "GET /x HTTP/1.1\r\nX-Echo: hello\r\n" END, "200", "X-Echo: hello");
    CHECK(strstr(ask(s, "GET /x HTTP/1.1\r\nX-Echo: a\r\nX-Echo: b\r\n" END), "X-Echo") == NULL);
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
        "GET /a%7fb HTTP/1.1\r\n" END,
        "OPTIONS * HTTP/1.1\r\n" END,
        "GET /a?q HTTP/1.1\r\n" END,
        "GET /a HTTP/1.1\r\nX y: z\r\n" END,
        "POST /a HTTP/1.1\r\nContent-Length : 1\r\nContent-Length: 1\r\n" END "x",
        "GET /a%zz HTTP/1.1\r\n" END,
        "GET /a%2 HTTP/1.1\r\n" END,
        "GET /a HTTP/1.1\r\nContent-Length: 3\r\n" END "xyz",
        "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" END "x",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" END
        "1\r\nx\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n" END "x",
        "GET /a HTTP/1.1\r\nHost: a\r\n" END,
        "GET /a HTTP/1.1\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: +1\r\n" END "x",
        "POST /a HTTP/1.1\r\nContent-Length: 0x1\r\n" END "x",
    };
    struct cm_web_server *s = start(small());

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const unsigned before = atomic_load(&handled);

        answers(s, bad[i], "400", NULL);
        if (atomic_load(&handled) != before) {
            TEST_FAIL("handled: %s", bad[i]);
        }
    }
    CHECK(strstr(ask(s, "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END
                        "1\r\nx\r\n0\r\n\r\n"),
                 " 400 ") != NULL);
    cm_web_stop(s, 5);
}

static atomic_int unserved_status[600];

static void note(void *app, const char *peer, int status)
{
    (void)app;
    if (strcmp(peer, "127.0.0.1") == 0 && status >= 0 && status < 600) {
        atomic_fetch_add(&unserved_status[status], 1);
    }
}

/* What no handler sees is told all the same: by us, and by libevent, which asks nobody. */
TEST(refusals_without_a_handler_are_told)
{
    static char text[4096];
    struct cm_web_config config = small();
    struct cm_web_server *s = NULL;
    size_t n = 0;

    config.unserved = note;
    config.malformed = "{\"error\":1}";
    s = start(config);
    answers(s, "GET /a//b HTTP/1.1\r\n" END, "400", "{\"error\":1}");
    CHECK_EQ(atomic_load(&unserved_status[400]), 1);
    n = (size_t)snprintf(text, sizeof(text), "POST /p HTTP/1.1\r\nContent-Length: 1001\r\n" END);
    memset(text + n, 'x', 1001);
    text[n + 1001] = '\0';
    answers(s, text, "413", NULL);
    CHECK_EQ(atomic_load(&unserved_status[413]), 1);
    answers(s, "BREW /pot HTTP/1.1\r\n" END, "501", NULL);
    CHECK_EQ(atomic_load(&unserved_status[501]), 1);
    answers(s, "GET /a HTTP/1.1\r\n" END, "200", NULL);
    answers(s, "POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n" END "x", "201",
            NULL);
    for (int i = 0; i < 600; i++) {
        CHECK(i == 400 || i == 413 || i == 501 || atomic_load(&unserved_status[i]) == 0);
    }
    cm_web_stop(s, 5);
}

/* No length but the connection's end, of an encoding that is not undone. */
TEST(other_encodings_are_refused)
{
    struct cm_web_server *s = start(small());
    const unsigned before = atomic_load(&handled);
    struct client c;

    client_open(&c, s);
    say(&c, "POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" END "x");
    (void)SSL_shutdown(c.ssl);
    (void)shutdown(c.fd, SHUT_WR);
    (void)hear(&c, NULL, 0);
    CHECK_EQ(atomic_load(&handled), before);
    client_close(&c);
    cm_web_stop(s, 5);
}

TEST(sizes)
{
    static char text[8192];
    struct cm_web_config config = small();
    struct cm_web_server *s = start(config);
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
    cm_web_stop(s, 5);
    config.max_headers = 8000; /* not the headers, but the path is too long now */
    s = start(config);
    answers(s, text, "400", NULL);
    CHECK_EQ(atomic_load(&handled), before);
    cm_web_stop(s, 5);
}

TEST_MAIN
