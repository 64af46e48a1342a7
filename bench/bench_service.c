/*
 * usage: bench_service PROGRAM [SECONDS [IDLE]]: `casemate serve` on loopback, asked for SGX attestations over
 * TLS connections that are kept. What one costs the service, in CPU time of its process, against the signature
 * work in it, measured in this process in the same run: one RSA-2048 signature and the P-256 verifications of
 * quote and quoting enclave, and with a third for the certificate of the platform, which is kept; how long
 * answers take when requests arrive by chance (Poisson) at half of what it can do, whether earlier ones have
 * been answered or not; and what IDLE (10,000) idle TLS connections cost it in memory.
 */
#include <arpa/inet.h>
#include <math.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "decide_kit.h"
#include "serve_process.h"
#include "service_kit.h"
#include "token/base64.h"

#define CLIENTS     64
#define MAX_IDLE    10000
#define MAX_SAMPLES 200000

static struct served served;
static SSL_CTX *ctx;
static char request[DECIDE_QUOTE_MAX * 2 + 512];
static size_t request_len;
static atomic_bool stop;
static atomic_ulong refused;

static double now(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "bench_service: %s\n", what);
        served_free(&served);
        exit(1);
    }
}

/* ------------------------------------------------------------------ signatures */

static double cost_of(EVP_PKEY *key, bool sign)
{
    static const uint8_t digest[32] = {1};
    uint8_t sig[512];
    size_t len = sizeof(sig);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    double began = 0;
    int n = 0;

    need(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
             EVP_PKEY_sign(c, sig, &len, digest, sizeof(digest)) == 1,
         "sign");
    if (!sign) {
        need(EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1,
             "verify");
    }
    began = now(CLOCK_THREAD_CPUTIME_ID);
    for (; n < 3000; n++) {
        size_t room = sizeof(sig);

        need((sign ? EVP_PKEY_sign(c, sig, &room, digest, sizeof(digest))
                   : EVP_PKEY_verify(c, sig, len, digest, sizeof(digest))) == 1,
             "signature");
    }
    EVP_PKEY_CTX_free(c);
    return (now(CLOCK_THREAD_CPUTIME_ID) - began) / n;
}

/* --------------------------------------------------------------------- clients */

static int connect_to(void)
{
    const char *port = strrchr(served.url, ':') + 1;
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0, "no connection");
    return fd;
}

static SSL *handshake(int fd)
{
    SSL *ssl = SSL_new(ctx);

    need(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1, "no handshake");
    return ssl;
}

/* One request and its whole answer. */
static void ask(SSL *ssl)
{
    char answer[32768];
    size_t len = 0;
    size_t wanted = sizeof(answer);

    need(SSL_write(ssl, request, (int)request_len) == (int)request_len, "not sent");
    while (len < wanted) {
        const int n = SSL_read(ssl, answer + len, (int)(sizeof(answer) - 1 - len));
        const char *end = NULL;
        const char *length = NULL;

        need(n > 0, "no answer");
        len += (size_t)n;
        answer[len] = '\0';
        end = strstr(answer, "\r\n\r\n");
        length = end == NULL ? NULL : strcasestr(answer, "\r\nContent-Length:");
        if (length != NULL) {
            wanted = (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10);
        }
    }
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        if (atomic_fetch_add(&refused, 1) == 0) {
            (void)fprintf(stderr, "%s\n", answer);
        }
    }
}

struct client {
    pthread_t thread;
    double pause; /* seconds from one request to the next, in the mean; 0: at once */
    unsigned seed;
    double *samples;
    size_t count;
};

/* Until the next request: so that those of all clients together come by chance, and never in step. */
static double gap(struct client *c)
{
    return -log((rand_r(&c->seed) + 1.0) / (RAND_MAX + 1.0)) * c->pause;
}

static void *ask_on(void *arg)
{
    struct client *c = arg;
    const int fd = connect_to();
    SSL *ssl = handshake(fd);
    double due = now(CLOCK_MONOTONIC) + gap(c);

    while (!atomic_load(&stop) && c->count < MAX_SAMPLES / CLIENTS) {
        double began = 0;

        if (c->pause != 0) { /* a request that is late counts from when it was due */
            const double left = due - now(CLOCK_MONOTONIC);

            if (left > 0) {
                const struct timespec t = {(time_t)left,
                                           (long)((left - (double)(time_t)left) * 1e9)};

                (void)nanosleep(&t, NULL);
            }
            began = due;
            due += gap(c);
        } else {
            began = now(CLOCK_MONOTONIC);
        }
        ask(ssl);
        c->samples[c->count++] = now(CLOCK_MONOTONIC) - began;
    }
    SSL_free(ssl);
    (void)close(fd);
    return NULL;
}

static void ask_once(void)
{
    const int fd = connect_to();
    SSL *ssl = handshake(fd);

    ask(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

/* The service's CPU time, of all its threads. */
static double cpu_of_service(void)
{
    clockid_t clock = 0;

    need(clock_getcpuclockid(served.pid, &clock) == 0, "no CPU clock");
    return now(clock);
}

struct load {
    double rate; /* answers a second */
    double cpu;  /* of the service, an answer */
    double p50;
    double p99;
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static struct load run_load(double seconds, double rate)
{
    static double samples[MAX_SAMPLES];
    static double all[MAX_SAMPLES];
    const struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    struct client clients[CLIENTS];
    struct load out;
    double wall = now(CLOCK_MONOTONIC);
    double cpu = cpu_of_service();
    size_t count = 0;

    atomic_store(&stop, false);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.pause = rate == 0 ? 0 : CLIENTS / rate,
                                     .seed = (unsigned)i + 1,
                                     .samples = samples + (size_t)i * (MAX_SAMPLES / CLIENTS)};
        need(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]) == 0, "no thread");
    }
    (void)nanosleep(&t, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        memcpy(all + count, clients[i].samples, clients[i].count * sizeof(double));
        count += clients[i].count;
    }
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = cpu_of_service() - cpu;
    need(count > 100, "hardly an answer");
    qsort(all, count, sizeof(double), by_value);
    out = (struct load){(double)count / wall, cpu / (double)count, all[count / 2],
                        all[count * 99 / 100]};
    return out;
}

/* ------------------------------------------------------------------------ memory */

static long resident_kib(void)
{
    char path[64] = "";
    char line[256] = "";
    long out = -1;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)served.pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            out = strtol(line + 6, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return out;
}

/* The handshakes are over, then nothing; our side forgets its TLS and keeps the sockets. */
static void idle_connections(int idle)
{
    static int fds[MAX_IDLE];
    const long before = resident_kib();
    long after = 0;
    double cpu = cpu_of_service();

    for (int i = 0; i < idle; i++) {
        SSL *ssl = NULL;

        fds[i] = connect_to();
        ssl = handshake(fds[i]);
        SSL_set_quiet_shutdown(ssl, 1);
        SSL_free(ssl);
    }
    after = resident_kib();
    cpu = cpu_of_service() - cpu;
    (void)printf("%-44s %8.1f MB (%d, %.1f KiB each; goal 300 MB for 10,000)\n",
                 "idle TLS connections", (double)(after - before) / 1024, idle,
                 (double)(after - before) / idle);
    (void)printf("%-44s %8.1f MB\n", "resident in all", (double)after / 1024);
    (void)printf("%-44s %8.0f /s of the service's CPU time\n", "new connections", idle / cpu);
    for (int i = 0; i < idle; i++) {
        (void)close(fds[i]);
    }
}

/* -------------------------------------------------------------------------- main */

static void make_request(void)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    static char body[DECIDE_QUOTE_MAX * 2 - 64];
    static char text[DECIDE_QUOTE_MAX * 2 - 128];
    const struct decide_enclave e = decide_enclave();
    size_t len = 0;

    need(cm_base64url_encode(cm_span_make(quote, decide_quote(&e, quote)), text, sizeof(text) - 1,
                             &len) == CM_OK,
         "no quote");
    len = (size_t)snprintf(body, sizeof(body), "{\"quote\":\"%.*s\"}", (int)len, text);
    request_len = (size_t)snprintf(request, sizeof(request),
                                   "POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\n"
                                   "Host: localhost\r\nContent-Type: application/json\r\n"
                                   "Content-Length: %zu\r\n\r\n%s",
                                   len, body);
}

static void measure(double seconds)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    const double sign = cost_of(rsa, true);
    const double verify = cost_of(ec, false);
    const double two = sign + 2 * verify;
    const double three = sign + 3 * verify;
    struct load full;
    struct load half;

    ask_once(); /* what has to be fetched first: many clients at once would be told to come again */
    (void)run_load(1, 0); /* caches */
    full = run_load(seconds, 0);
    half = run_load(seconds, full.rate / 2);
    (void)printf("%-44s %8.1f us\n", "RSA-2048 signature", sign * 1e6);
    (void)printf("%-44s %8.1f us\n", "P-256 verification", verify * 1e6);
    (void)printf("%-44s %8.1f us, with a third verification %.1f us\n",
                 "signature work of an attestation", two * 1e6, three * 1e6);
    (void)printf("%-44s %8.1f us of CPU time\n", "an attestation", full.cpu * 1e6);
    (void)printf("%-44s %8.0f /s (signature work alone: %.0f)\n", "attestations a CPU second",
                 1 / full.cpu, 1 / two);
    (void)printf("%-44s %8.2f, with a third verification %.2f (goal 0.70)\n", "ratio",
                 two / full.cpu, three / full.cpu);
    (void)printf("%-44s %8.0f /s, p50 %.1f ms, p99 %.1f ms\n", "full load, by the wall clock",
                 full.rate, full.p50 * 1e3, full.p99 * 1e3);
    (void)printf("%-44s %8.0f /s, p50 %.1f ms, p99 %.1f ms (goal 20); %.1f us of CPU time\n",
                 "half load", half.rate, half.p50 * 1e3, half.p99 * 1e3, half.cpu * 1e6);
    (void)fflush(stdout);
    if (atomic_load(&refused) != 0) {
        (void)printf("%lu answers were no tokens\n", atomic_load(&refused));
    }
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

int main(int argc, char **argv)
{
    static const char rates[] = "{\"rate\":{\"per_second\":1000000,\"burst\":1000000}}";
    const long idle = argc > 3 ? strtol(argv[3], NULL, 10) : MAX_IDLE;
    struct rlimit r;

    if (argc < 2) {
        return 2;
    }
    decide_kit_platform();
    served_init(&served, argv[1]);
    need(served_start(&served, NULL), "it does not start");
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) { /* ours: the service raises its own */
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    need(kit_put("/api/v1/settings/access", served.token, rates)->status == 200, "rates");
    ctx = SSL_CTX_new(TLS_client_method());
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    make_request();
    measure(argc > 2 ? strtod(argv[2], NULL) : 5);
    if (idle > 0 && idle <= MAX_IDLE) {
        idle_connections((int)idle);
    }
    need(served_end(&served, SIGTERM) == 0, "it did not end in order");
    SSL_CTX_free(ctx);
    served_free(&served);
    decide_kit_platform_end();
    return 0;
}
