/* The HTTP client against servers that misbehave, in plain and over TLS. Loopback only. */
#include <time.h>
#include <unistd.h>

#include "harness.h"

#include "collateral/collateral_http.h"
#include "serve.h"

static const char *const chain_headers[] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain",
                                            NULL};

static bool endless(struct serve_connection *c, const char *piece)
{
    while (!serve_stopping(c) && serve_text(c, piece)) {
    }
    return false;
}

/* one byte of the body every 20 ms */
static bool dribble(struct serve_connection *c)
{
    bool good = serve_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");

    while (good && !serve_stopping(c)) {
        (void)usleep(20000);
        good = serve_text(c, "x");
    }
    return false;
}

static bool big_chain(struct serve_connection *c)
{
    static char header[3 * CM_HTTP_MAX_CHAIN + 64];
    size_t used = (size_t)snprintf(header, sizeof(header), "TCB-Info-Issuer-Chain: ");

    memset(header + used, 'a', CM_HTTP_MAX_CHAIN + 1);
    memcpy(header + used + CM_HTTP_MAX_CHAIN + 1, "\r\n", 3);
    return serve_whole(c, 200, header, "body", 4);
}

static bool answer(struct serve_connection *c, const char *request, const char *path, void *arg)
{
    const struct {
        const char *path;
        int status;
        const char *headers;
        const char *body;
    } fixed[] = {
        {"/good", 200, "tcb-info-ISSUER-chain:  -----BEGIN%20X-----%0A \r\n", "the body"},
        {"/old", 200, "SGX-TCB-Info-Issuer-Chain: a+b%2Bc\r\n", "x"},
        {"/none", 200, "X-TCB-Info-Issuer-Chain: a\r\n", "x"},
        {"/twice", 200, "TCB-Info-Issuer-Chain: a\r\nTCB-Info-Issuer-Chain: b\r\n", "x"},
        {"/both", 200, "TCB-Info-Issuer-Chain: a\r\nSGX-TCB-Info-Issuer-Chain: b\r\n", "x"},
        {"/cut-escape", 200, "TCB-Info-Issuer-Chain: abc%2\r\n", "x"},
        {"/bad-escape", 200, "TCB-Info-Issuer-Chain: abc%2g\r\n", "x"},
        {"/nul-escape", 200, "TCB-Info-Issuer-Chain: abc%00def\r\n", "x"},
        {"/escape-escape", 200, "TCB-Info-Issuer-Chain: abc%1b[2J\r\n", "x"},
        {"/empty-chain", 200, "TCB-Info-Issuer-Chain: \r\n", "x"},
        {"/empty", 200, "", ""},
        {"/404", 404, "", "not found"},
        {"/410", 410, "", "gone"},
        {"/429", 429, "Retry-After: 100000\r\n", ""},
        {"/503", 503, "", ""},
        {"/401", 401, "", ""},
        {"/403", 403, "", ""},
        {"/500", 500, "", "x"},
        {"/204", 204, "", ""},
        {"/redirect", 302, "Location: /good\r\n", ""},
    };

    (void)request;
    (void)arg;
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (strcmp(path, fixed[i].path) == 0) {
            return serve_whole(c, fixed[i].status, fixed[i].headers, fixed[i].body,
                               strlen(fixed[i].body));
        }
    }
    if (strcmp(path, "/endless-body") == 0) {
        return serve_text(c, "HTTP/1.1 200 OK\r\n\r\n") && endless(c, "0123456789abcdef");
    }
    if (strcmp(path, "/huge-length") == 0) {
        return serve_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") &&
               endless(c, "0123456789abcdef");
    }
    if (strcmp(path, "/endless-headers") == 0) {
        return serve_text(c, "HTTP/1.1 200 OK\r\n") && endless(c, "X-Header: some value\r\n");
    }
    if (strcmp(path, "/cut") == 0) {
        (void)serve_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        return false;
    }
    if (strcmp(path, "/not-http") == 0) {
        (void)serve_text(c, "SSH-2.0-server\r\n\r\n");
        return false;
    }
    if (strcmp(path, "/big-chain") == 0) {
        return big_chain(c);
    }
    return strcmp(path, "/slow") == 0 && dribble(c);
}

static void check_at(unsigned port, const char *path, unsigned timeout_ms, enum cm_status want,
                     const char *says)
{
    const struct cm_http_options options = {.timeout_ms = timeout_ms};
    struct cm_http *h = NULL;
    struct cm_http_answer a;
    struct cm_why why = {""};
    char url[128] = "";
    enum cm_status st = CM_OK;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
    REQUIRE(cm_http_create(&options, &h, &why) == CM_OK);
    st = cm_http_get(h, url, chain_headers, &a, &why);
    if (st != want || strstr(why.text, says) == NULL) {
        TEST_FAIL("%s: %s (%s), wanted %s (%s)", path, cm_status_str(st), why.text,
                  cm_status_str(want), says);
    }
    if (st != CM_OK && (a.body.ptr != NULL || a.chain.ptr != NULL)) {
        TEST_FAIL("%s: output on failure", path);
    }
    cm_http_free(h);
}

static void check_url(const struct serve *s, const char *path, unsigned timeout_ms,
                      enum cm_status want, const char *says)
{
    check_at(serve_port(s), path, timeout_ms, want, says);
}

TEST(good_answers)
{
    struct serve *s = serve_start(false, answer, NULL);
    const struct cm_http_options options = {.timeout_ms = 5000};
    struct cm_http *h = NULL;
    struct cm_http_answer a;
    char url[128] = "";

    REQUIRE(cm_http_create(&options, &h, NULL) == CM_OK);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/good", serve_port(s));
    CHECK_EQ(cm_http_get(h, url, chain_headers, &a, NULL), CM_OK);
    CHECK_EQ(a.body.len, 8);
    CHECK_MEM(a.body.ptr, "the body", 8);
    CHECK_EQ(a.chain.len, 18);
    CHECK_MEM(a.chain.ptr, "-----BEGIN X-----\n", a.chain.len);
    /* the same connection, nothing left of the answer before */
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/none", serve_port(s));
    CHECK_EQ(cm_http_get(h, url, chain_headers, &a, NULL), CM_OK);
    CHECK_EQ(a.body.len, 1);
    CHECK(a.chain.ptr == NULL && a.chain.len == 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/old", serve_port(s));
    CHECK_EQ(cm_http_get(h, url, chain_headers, &a, NULL), CM_OK);
    CHECK_EQ(a.chain.len, 5);
    CHECK_MEM(a.chain.ptr, "a+b+c", 5);
    CHECK_EQ(cm_http_get(h, url, NULL, &a, NULL), CM_OK);
    CHECK(a.chain.ptr == NULL);
    cm_http_free(h);
    serve_stop(s);
}

TEST(statuses)
{
    struct serve *s = serve_start(false, answer, NULL);

    check_url(s, "/404", 5000, CM_ERR_NOTFOUND, "does not have it (404)");
    check_url(s, "/410", 5000, CM_ERR_NOTFOUND, "410");
    check_url(s, "/429", 5000, CM_ERR_BUSY, "try again later");
    check_url(s, "/503", 5000, CM_ERR_BUSY, "503");
    check_url(s, "/401", 5000, CM_ERR_DENIED, "refused");
    check_url(s, "/403", 5000, CM_ERR_DENIED, "refused");
    check_url(s, "/500", 5000, CM_ERR_IO, "status 500");
    check_url(s, "/204", 5000, CM_ERR_IO, "status 204");
    check_url(s, "/redirect", 5000, CM_ERR_IO, "status 302"); /* never in plain */
    serve_stop(s);
}

TEST(hostile_answers)
{
    struct serve *s = serve_start(false, answer, NULL);

    check_url(s, "/empty", 5000, CM_ERR_FORMAT, "is empty");
    check_url(s, "/endless-body", 60000, CM_ERR_LIMIT, "larger than it may be");
    check_url(s, "/huge-length", 60000, CM_ERR_LIMIT, "larger than it may be");
    check_url(s, "/endless-headers", 60000, CM_ERR_LIMIT, "larger than it may be");
    check_url(s, "/big-chain", 5000, CM_ERR_LIMIT, "no PEM");
    check_url(s, "/twice", 5000, CM_ERR_FORMAT, "a header twice");
    check_url(s, "/both", 5000, CM_ERR_FORMAT, "a header twice");
    check_url(s, "/cut-escape", 5000, CM_ERR_FORMAT, "no PEM");
    check_url(s, "/bad-escape", 5000, CM_ERR_FORMAT, "no PEM");
    check_url(s, "/nul-escape", 5000, CM_ERR_FORMAT, "no PEM");
    check_url(s, "/escape-escape", 5000, CM_ERR_FORMAT, "no PEM");
    check_url(s, "/empty-chain", 5000, CM_ERR_FORMAT, "no PEM");
    check_url(s, "/cut", 5000, CM_ERR_IO, "");
    check_url(s, "/not-http", 5000, CM_ERR_IO, "");
    serve_stop(s);
}

/* A server that never ends costs no more than the time it was given. */
TEST(slow_server)
{
    struct serve *s = serve_start(false, answer, NULL);
    struct timespec before;
    struct timespec after;
    unsigned port = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    check_url(s, "/slow", 300, CM_ERR_IO, "");
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(after.tv_sec - before.tv_sec < 15);
    port = serve_port(s);
    serve_stop(s);
    check_at(port, "/nobody", 5000, CM_ERR_IO, "");
}

TEST(addresses)
{
    const struct {
        const char *url;
        enum cm_status want;
    } cases[] = {
        {"https://pccs.example/sgx/certification/v4", CM_OK},
        {"https://pccs.example:8081", CM_OK},
        {"http://localhost:8081/sgx", CM_OK},
        {"http://127.0.0.1/", CM_OK},
        {"http://127.9.9.9/", CM_OK},
        {"http://[::1]:8081/", CM_OK},
        {"http://169.254.169.254/metadata/THIM", CM_OK},
        {"http://pccs.example/", CM_ERR_PARAM},
        {"http://127.0.0.1.example/", CM_ERR_PARAM},
        {"http://localhost.example/", CM_ERR_PARAM},
        {"http://10.0.0.1/", CM_ERR_PARAM},
        {"http://[::2]/", CM_ERR_PARAM},
        {"http://127.0.0.1@pccs.example/", CM_ERR_PARAM},
        {"https://user:word@pccs.example/", CM_ERR_PARAM},
        {"https://pccs.example/?a=b", CM_ERR_PARAM},
        {"https://pccs.example/#a", CM_ERR_PARAM},
        {"ftp://localhost/", CM_ERR_PARAM},
        {"file:///etc/passwd", CM_ERR_PARAM},
        {"", CM_ERR_PARAM},
        {"localhost:8081", CM_ERR_PARAM},
        {"https://", CM_ERR_PARAM},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_why why = {""};

        if (cm_http_check_url(cases[i].url, &why) != cases[i].want ||
            (cases[i].want != CM_OK) != (why.text[0] != '\0')) {
            TEST_FAIL("%s: %s", cases[i].url, why.text);
        }
    }
}

/* -------------------------------------------------------------------- TLS */

struct hops {
    unsigned port;
    const char *target; /* of /away */
};

static bool tls_answer(struct serve_connection *c, const char *request, const char *path, void *arg)
{
    const struct hops *hops = arg;
    char header[256] = "";
    unsigned left = 0;

    (void)request;
    if (sscanf(path, "/hops/%u", &left) == 1 && left != 0) {
        (void)snprintf(header, sizeof(header),
                       "Location: https://localhost:%u/hops/%u\r\n"
                       "TCB-Info-Issuer-Chain: on-the-way\r\n",
                       hops->port, left - 1);
        return serve_whole(c, 302, header, "", 0);
    }
    if (strcmp(path, "/away") == 0) {
        (void)snprintf(header, sizeof(header), "Location: %s\r\n", hops->target);
        return serve_whole(c, 302, header, "", 0);
    }
    return serve_whole(c, 200, "", "over TLS", 8);
}

static enum cm_status tls_get(const char *ca, const char *url, struct cm_why *why)
{
    const struct cm_http_options options = {.ca_file = ca, .timeout_ms = 5000};
    struct cm_http *h = NULL;
    struct cm_http_answer a;
    enum cm_status st = cm_http_create(&options, &h, why);

    if (st == CM_OK) {
        st = cm_http_get(h, url, chain_headers, &a, why);
        if (st == CM_OK && (a.body.len != 8 || a.chain.ptr != NULL)) {
            st = CM_ERR_MISMATCH; /* headers of a redirection are not the answer's */
        }
    }
    cm_http_free(h);
    return st;
}

TEST(H13_tls_is_verified)
{
    struct hops hops = {0, NULL};
    struct serve *s = serve_start(true, tls_answer, &hops);
    struct serve *other = serve_start(true, tls_answer, &hops);
    struct serve *plain = serve_start(false, tls_answer, &hops);
    char down[64] = "";
    char ca[64] = "";
    char url[128] = "";
    struct cm_why why = {""};
    FILE *f = NULL;

    (void)snprintf(ca, sizeof(ca), "collateral-http-%ld.pem", (long)getpid());
    f = fopen(ca, "w");
    REQUIRE(f != NULL);
    (void)fputs(serve_certificate(s), f);
    (void)fclose(f);
    hops.port = serve_port(s);

    (void)snprintf(url, sizeof(url), "https://localhost:%u/x", serve_port(s));
    CHECK_EQ(tls_get(ca, url, &why), CM_OK);
    CHECK_STR(why.text, "");
    CHECK_EQ(tls_get(NULL, url, NULL), CM_ERR_DENIED); /* the system does not know it */
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/x", serve_port(s));
    CHECK_EQ(tls_get(ca, url, NULL), CM_ERR_DENIED); /* another name than the certificate's */
    (void)snprintf(url, sizeof(url), "https://localhost:%u/x", serve_port(other));
    CHECK_EQ(tls_get(ca, url, NULL), CM_ERR_DENIED); /* another key under the same name */

    (void)snprintf(url, sizeof(url), "https://localhost:%u/hops/%d", serve_port(s),
                   CM_HTTP_REDIRECTS);
    CHECK_EQ(tls_get(ca, url, &why), CM_OK);
    (void)snprintf(url, sizeof(url), "https://localhost:%u/hops/%d", serve_port(s),
                   CM_HTTP_REDIRECTS + 1);
    CHECK_EQ(tls_get(ca, url, NULL), CM_ERR_IO);

    (void)snprintf(url, sizeof(url), "https://localhost:%u/away", serve_port(s));
    (void)snprintf(down, sizeof(down), "http://localhost:%u/x", serve_port(plain));
    hops.target = down; /* not down to plain, which would answer, and not to files */
    CHECK_EQ(tls_get(ca, url, NULL), CM_ERR_IO);
    hops.target = "file:///etc/passwd";
    CHECK_EQ(tls_get(ca, url, NULL), CM_ERR_IO);
    CHECK_EQ(tls_get("/nowhere.pem", url, NULL), CM_ERR_DENIED);
    (void)unlink(ca);
    serve_stop(s);
    CHECK_EQ(serve_requests(plain), 0);
    serve_stop(other);
    serve_stop(plain);
}

TEST_MAIN
