/*
 * What clients may hold at once: bytes of requests under way, of all and of each peer, and connections of
 * each peer. Counted when bytes come in and given back when a request is answered, so that what waits for a
 * worker counts, too. Peers are known only while they have connections: the table is bounded by those.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "web/web_private.h"

#define ROWS      4096u              /* a power of two */
#define SMALL     ((size_t)64 << 10) /* a request of these may have the last quarter, too */
#define SHARE     4                  /* a peer has one of so many parts */
#define FULL_BITS 128u
#define FOUR_BITS 96u /* before an IPv4 address in its mapped form */

struct web_peer {
    uint8_t key[16];
    struct web_peer *next;
    unsigned conns; /* under the guard's lock */
    atomic_size_t held;
};

struct web_range {
    uint8_t key[16];
    unsigned bits;
};

struct web_guard {
    pthread_mutex_t lock;
    uint64_t seed[2];
    size_t max_held;    /* 0: no bound */
    unsigned max_conns; /* of a peer; 0: no bound */
    atomic_size_t held;
    atomic_ullong busy;
    atomic_ullong crowded;
    size_t range_count;
    struct web_peer *rows[ROWS];
    struct web_range ranges[];
};

/* ------------------------------------------------------------------ addresses */

/* IPv4 in its mapped form, as a socket of both kinds has it. */
static bool address_of(const struct sockaddr_storage *from, uint8_t out[16])
{
    memset(out, 0, 16);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)from;

        out[10] = 0xff;
        out[11] = 0xff;
        memcpy(out + 12, &four->sin_addr, 4);
        return true;
    }
    if (from->ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
        return true;
    }
    return false;
}

static bool is_four(const uint8_t key[16])
{
    static const uint8_t lead[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(key, lead, sizeof(lead)) == 0;
}

static bool in_range(const struct web_range *r, const uint8_t key[16])
{
    const size_t whole = r->bits / 8;
    const unsigned rest = r->bits % 8;

    return memcmp(r->key, key, whole) == 0 &&
           (rest == 0 || (r->key[whole] ^ key[whole]) >> (8 - rest) == 0);
}

static bool parse_range(const char *text, struct web_range *out)
{
    char address[64] = "";
    const size_t len = strcspn(text, "/");
    struct in_addr four;
    unsigned most = FULL_BITS;
    unsigned bits = 0;
    size_t n = 0;

    if (len >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, len);
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, address, &four) == 1) {
        out->key[10] = 0xff;
        out->key[11] = 0xff;
        memcpy(out->key + 12, &four, sizeof(four));
        most = FULL_BITS - FOUR_BITS;
    } else if (inet_pton(AF_INET6, address, out->key) != 1) {
        return false;
    }
    bits = most;
    if (text[len] == '/') {
        const char *at = text + len + 1;

        for (bits = 0; at[n] >= '0' && at[n] <= '9' && n < 3; n++) {
            bits = bits * 10 + (unsigned)(at[n] - '0');
        }
        if (n == 0 || at[n] != '\0' || bits > most) {
            return false;
        }
    }
    out->bits = FULL_BITS - most + bits;
    return true;
}

bool cm_web_is_range(const char *text)
{
    struct web_range r;

    return parse_range(text, &r);
}

/* --------------------------------------------------------------------- peers */

/* Which row a peer is in, nobody outside can tell: rows are not made long on purpose. */
static struct web_peer **row_of(struct web_guard *g, const uint8_t key[16])
{
    uint64_t half[2];
    uint64_t mix = 0;

    memcpy(half, key, sizeof(half));
    mix = (half[0] ^ g->seed[0]) * (g->seed[1] | 1);
    mix = (mix ^ mix >> 32 ^ half[1]) * (g->seed[0] | 1);
    return &g->rows[(mix >> 40) & (ROWS - 1)];
}

/* Under the lock. NULL: no memory */
static struct web_peer *find(struct web_guard *g, const uint8_t key[16])
{
    struct web_peer **row = row_of(g, key);
    struct web_peer *p = *row;

    while (p != NULL && memcmp(p->key, key, sizeof(p->key)) != 0) {
        p = p->next;
    }
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p != NULL) {
            memcpy(p->key, key, sizeof(p->key));
            p->next = *row;
            *row = p;
        }
    }
    return p;
}

bool cm_web_guard_enter(struct web_guard *g, int fd, struct web_peer **out)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof(from);
    uint8_t key[16];
    struct web_peer *p = NULL;
    bool good = false;

    *out = NULL;
    if (g->max_conns == 0 || getpeername(fd, (struct sockaddr *)&from, &len) != 0 ||
        !address_of(&from, key)) {
        return true; /* one that has gone meanwhile takes nothing more */
    }
    for (size_t i = 0; i < g->range_count; i++) {
        if (in_range(&g->ranges[i], key)) {
            return true;
        }
    }
    if (!is_four(key)) {
        memset(key + 8, 0, 8); /* who has an IPv6 address has the 64 bits behind its network's */
    }
    (void)pthread_mutex_lock(&g->lock);
    p = find(g, key);
    good = p != NULL && p->conns < g->max_conns;
    if (good) {
        p->conns++;
    }
    (void)pthread_mutex_unlock(&g->lock);
    if (good) {
        *out = p;
    } else {
        (void)atomic_fetch_add(&g->crowded, 1);
    }
    return good;
}

void cm_web_guard_leave(struct web_guard *g, struct web_peer *p)
{
    if (p == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&g->lock);
    if (--p->conns == 0) {
        struct web_peer **at = row_of(g, p->key);

        while (*at != p) {
            at = &(*at)->next;
        }
        *at = p->next;
        free(p);
    }
    (void)pthread_mutex_unlock(&g->lock);
}

/* --------------------------------------------------------------------- bytes */

bool cm_web_guard_take(struct web_guard *g, struct web_peer *p, size_t before, size_t n)
{
    const size_t most = before + n <= SMALL ? g->max_held : g->max_held - g->max_held / SHARE;
    bool good = g->max_held == 0;

    if (!good) {
        good = atomic_fetch_add(&g->held, n) + n <= most;
        if (p != NULL && atomic_fetch_add(&p->held, n) + n > g->max_held / SHARE) {
            good = false;
        }
    }
    if (!good) {
        cm_web_guard_give(g, p, n);
        (void)atomic_fetch_add(&g->busy, 1);
    }
    return good;
}

void cm_web_guard_give(struct web_guard *g, struct web_peer *p, size_t n)
{
    if (g->max_held != 0 && n != 0) {
        (void)atomic_fetch_sub(&g->held, n);
        if (p != NULL) {
            (void)atomic_fetch_sub(&p->held, n);
        }
    }
}

void cm_web_guard_figures(const struct web_guard *g, struct cm_web_figures *out)
{
    out->held = atomic_load(&g->held);
    out->busy = atomic_load(&g->busy);
    out->crowded = atomic_load(&g->crowded);
}

/* ---------------------------------------------------------------- life */

enum cm_status cm_web_guard_make(const struct cm_web_config *config, struct web_guard **out,
                                 struct cm_why *why)
{
    struct web_guard *g = NULL;
    size_t count = 0;

    *out = NULL;
    while (config->unlimited != NULL && config->unlimited[count] != NULL) {
        count++;
    }
    g = calloc(1, sizeof(*g) + count * sizeof(g->ranges[0]));
    if (g == NULL) {
        return CM_ERR_NOMEM;
    }
    g->max_held = config->max_held;
    g->max_conns = config->peer_connections;
    g->range_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!parse_range(config->unlimited[i], &g->ranges[i])) {
            cm_why_set(why, "%.60s is no ADDRESS or ADDRESS/BITS", config->unlimited[i]);
            free(g);
            return CM_ERR_PARAM;
        }
    }
    if (getrandom(g->seed, sizeof(g->seed), 0) != (ssize_t)sizeof(g->seed)) {
        free(g);
        return CM_ERR_PLATFORM;
    }
    (void)pthread_mutex_init(&g->lock, NULL);
    *out = g;
    return CM_OK;
}

void cm_web_guard_free(struct web_guard *g)
{
    if (g != NULL) {
        (void)pthread_mutex_destroy(&g->lock);
        free(g);
    }
}
