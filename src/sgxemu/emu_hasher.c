/*
 * One thread an enclave that is being built, from its second piece of log to its EINIT; see
 * emu_hasher.h. Pieces go through a ring. Whoever has nothing better to do hashes the next one,
 * which on a busy machine is the thread that adds pages: it never waits for the other to be given
 * a processor, only for a piece that is being hashed. All signals are blocked in the thread, so that
 * no handler of the host ever runs there.
 */
#include "sgxemu/emu_hasher.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/crypto.h"

#define PIECES 8u
#define SPINS  2000 /* some microseconds: what a sleep and its end would cost */
#define STACK  ((size_t)128 * 1024)

struct emu_hasher {
    struct cm_sha256 *hash;
    uint8_t *pieces; /* PIECES of them */
    size_t len[PIECES];
    atomic_uint pushed;
    atomic_uint hashed;
    atomic_uint busy; /* somebody is hashing a piece */
    atomic_uint stop;
    atomic_uint failed;
    atomic_uint sleepers;
    bool running; /* the thread exists */
    bool alone;   /* it cannot: hash here */
    pid_t pid;    /* whose thread it is: a forked child has none */
    pthread_t thread;
};

static void wait_while(struct emu_hasher *h, atomic_uint *count, unsigned old)
{
    for (int i = 0; i < SPINS && atomic_load(count) == old; i++) {
        __builtin_ia32_pause();
    }
    if (atomic_load(count) == old) {
        (void)atomic_fetch_add(&h->sleepers, 1);
        (void)syscall(SYS_futex, count, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
        (void)atomic_fetch_sub(&h->sleepers, 1);
    }
}

static void wake(struct emu_hasher *h, atomic_uint *count)
{
    if (atomic_load(&h->sleepers) != 0) {
        (void)syscall(SYS_futex, count, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
}

/* The next piece, if there is one and nobody else is at it. */
static bool hash_next(struct emu_hasher *h)
{
    unsigned done = 0;
    bool some = false;

    if (atomic_exchange(&h->busy, 1) != 0) {
        return false;
    }
    done = atomic_load(&h->hashed);
    some = atomic_load(&h->pushed) != done;
    if (some && cm_sha256_update(h->hash, h->pieces + (size_t)(done % PIECES) * EMU_HASHER_PIECE,
                                 h->len[done % PIECES]) != CM_OK) {
        atomic_store(&h->failed, 1);
    }
    (void)atomic_fetch_add(&h->hashed, some ? 1 : 0); /* before the next one may begin */
    atomic_store(&h->busy, 0);
    if (some) {
        wake(h, &h->hashed);
    }
    return some;
}

static void *work(void *arg)
{
    struct emu_hasher *h = arg;

    while (atomic_load(&h->stop) == 0) {
        unsigned pushed = atomic_load(&h->pushed);

        if (!hash_next(h)) {
            wait_while(h, &h->pushed, pushed);
        }
    }
    return NULL;
}

/* Until at most `left` pieces are on their way. */
static void settle(struct emu_hasher *h, unsigned left)
{
    unsigned pushed = atomic_load(&h->pushed);

    for (unsigned done = atomic_load(&h->hashed); pushed - done > left;
         done = atomic_load(&h->hashed)) {
        if (!hash_next(h)) {
            wait_while(h, &h->hashed, done);
        }
    }
}

static void start(struct emu_hasher *h)
{
    pthread_attr_t attr;
    uint64_t all = UINT64_MAX;
    uint64_t saved = 0;

    h->alone = true;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || pthread_attr_init(&attr) != 0) {
        return;
    }
    /* the real mask, which the thread inherits; pthread_sigmask is the emulator's own */
    (void)syscall(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &saved, sizeof(all));
    h->running = pthread_attr_setstacksize(&attr, STACK) == 0 &&
                 pthread_create(&h->thread, &attr, work, h) == 0;
    (void)syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &saved, NULL, sizeof(saved));
    (void)pthread_attr_destroy(&attr);
    h->alone = !h->running;
    h->pid = getpid();
}

struct emu_hasher *cm_emu_hasher_create(struct cm_sha256 *hash)
{
    struct emu_hasher *h = calloc(1, sizeof(*h));

    if (h != NULL) {
        h->hash = hash;
        h->pieces = malloc((size_t)PIECES * EMU_HASHER_PIECE);
        if (h->pieces == NULL) {
            free(h);
            h = NULL;
        }
    }
    return h;
}

uint8_t *cm_emu_hasher_piece(struct emu_hasher *h)
{
    return h->pieces + (size_t)(atomic_load(&h->pushed) % PIECES) * EMU_HASHER_PIECE;
}

void cm_emu_hasher_push(struct emu_hasher *h, size_t len)
{
    unsigned pushed = atomic_load(&h->pushed);

    h->len[pushed % PIECES] = len;
    if (!h->running && !h->alone && pushed != 0) { /* an image of one piece needs no thread */
        start(h);
    }
    (void)atomic_fetch_add(&h->pushed, 1);
    wake(h, &h->pushed);
    if (h->running && getpid() != h->pid) {
        atomic_store(&h->failed, 1); /* a forked child: the thread may have been at a piece */
        atomic_store(&h->hashed, pushed + 1);
        return;
    }
    settle(h, h->running ? PIECES - 1 : 0);
}

enum cm_status cm_emu_hasher_drain(struct emu_hasher *h)
{
    if (h->running && getpid() != h->pid) {
        return CM_ERR_STATE;
    }
    settle(h, 0);
    return atomic_load(&h->failed) == 0 ? CM_OK : CM_ERR_NOMEM;
}

void cm_emu_hasher_free(struct emu_hasher *h)
{
    if (h == NULL) {
        return;
    }
    if (h->running && getpid() == h->pid) {
        atomic_store(&h->stop, 1);
        h->len[atomic_load(&h->pushed) % PIECES] = 0; /* an empty last piece: the thread looks up */
        (void)atomic_fetch_add(&h->pushed, 1);
        wake(h, &h->pushed);
        (void)pthread_join(h->thread, NULL);
    }
    free(h->pieces);
    free(h);
}
