/* What a request and its answer leave behind in the server's memory: nothing. */
#include <sys/wait.h>

#include "memory_search.h"
#include "web_kit.h"

/* Of what the client sends and gets, masked: in this process the plain text is the server's alone. */
static const uint8_t masked_text[] = {
    's' ^ MEMORY_MASK, 'u' ^ MEMORY_MASK, 'm' ^ MEMORY_MASK, 'm' ^ MEMORY_MASK,
    'e' ^ MEMORY_MASK, 'r' ^ MEMORY_MASK, '-' ^ MEMORY_MASK, 'r' ^ MEMORY_MASK,
    'a' ^ MEMORY_MASK, 'i' ^ MEMORY_MASK, 'n' ^ MEMORY_MASK, '!' ^ MEMORY_MASK,
};
enum { SECRET = sizeof(masked_text), PAD = 30000, REQUESTS = 3 };

static bool ask_with_secrets(const struct cm_web_server *s)
{
    static char body[PAD + SECRET];
    char secret[SECRET + 1] = "";
    char head[256] = "";
    struct client c;
    size_t got = 0;
    int n = 0;

    for (size_t i = 0; i < SECRET; i++) {
        secret[i] = (char)(masked_text[i] ^ MEMORY_MASK);
    }
    memset(body, 'x', PAD);
    memcpy(body + PAD, secret, SECRET);
    (void)snprintf(head, sizeof(head),
                   "POST /a?q=%s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n"
                   "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                   secret, secret, sizeof(body));
    client_open(&c, s);
    say(&c, head);
    (void)SSL_write(c.ssl, body, (int)sizeof(body));
    while ((n = SSL_read(c.ssl, c.said, (int)sizeof(c.said))) > 0) {
        got += (size_t)n;
    }
    client_close(&c);
    return got > sizeof(body);
}

/* The client is a process of its own, forked before there is a server: it is told the port. */
static pid_t client_process(int *tell)
{
    int ends[2] = {-1, -1};
    pid_t child = -1;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        abort();
    }
    if (child == 0) {
        struct cm_web_server *s = NULL;
        bool good = true;

        (void)close(ends[1]);
        good = read(ends[0], &told_port, sizeof(told_port)) == (ssize_t)sizeof(told_port);
        for (int i = 0; i < REQUESTS; i++) {
            good = good && ask_with_secrets(s);
        }
        _exit(good ? 0 : 1);
    }
    (void)close(ends[0]);
    *tell = ends[1];
    return child;
}

/* Whoever reads a core file, or memory that was given back, finds no body, header or answer in it. */
TEST(I6_nothing_of_a_request_stays_in_memory)
{
    struct cm_web_config config = small();
    struct cm_web_server *s = NULL;
    struct cm_web_figures f = {1, 0, 0};
    uint16_t port = 0;
    int status = -1;
    int tell = -1;
    pid_t child = client_process(&tell);

    if (!MEMORY_SEARCHABLE) {
        (void)close(tell);
        (void)waitpid(child, &status, 0);
        SKIP("a sanitiser's memory is not searched");
    }
    config.max_body = 100000;
    config.max_held = 1000000;
    s = start(config);
    port = cm_web_port(s);
    CHECK_EQ(write(tell, &port, sizeof(port)), (ssize_t)sizeof(port));
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2000 && f.held != 0; i++) {
        const struct timespec nap = {0, 10000000};

        (void)nanosleep(&nap, NULL);
        cm_web_get_figures(s, &f);
    }
    CHECK_EQ(f.held, 0);
    cm_web_stop(s, 5);
    CHECK(!memory_holds(masked_text, SECRET));
    (void)close(tell);
}

TEST_MAIN
