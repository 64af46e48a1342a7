/*
 * usage: switchless_stress SECONDS [THREADS ENCLAVES]
 * Many threads over several enclaves, calls of both kinds in both directions; threads end and begin, enclaves
 * are terminated and created meanwhile. Nothing may be lost: each call that was answered with OE_OK ran once,
 * each other one never. Ends with 0 when all counts are right.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/switchless.h"
#include "swl_u.h"

#define THREADS_MAX    256
#define ENCLAVES_MAX   64
#define LIFE           2000 /* calls of a thread, before another takes its place */
#define RESTART_MS     5
#define CALLS_OF_OCALL 3

struct seat {
    pthread_rwlock_t lock; /* calls hold it for reading, a restart for writing */
    oe_enclave_t *enclave;
    atomic_ullong bumps; /* answered by this enclave */
};

struct caller {
    pthread_t thread;
    atomic_bool ended;
    uint64_t seed;
};

static struct seat seats[ENCLAVES_MAX];
static struct caller callers[THREADS_MAX];
static unsigned thread_count = 64;
static unsigned seat_count = 8;
static atomic_bool over;
static atomic_ullong wrong;
static atomic_ullong calls;
static atomic_ullong refused;
static atomic_ullong ocalls_due;
static atomic_ullong ocalls_made;
static unsigned long long restarts;
static unsigned long long threads_made;
static unsigned long long by_workers;

uint64_t host_next(uint64_t a)
{
    (void)atomic_fetch_add_explicit(&ocalls_made, 1, memory_order_relaxed);
    return a + 1;
}

uint64_t host_plain_next(uint64_t a)
{
    return host_next(a);
}

uint64_t host_echo(const char *text, char *back, size_t n)
{
    (void)snprintf(back, n, "<%s>", text);
    return strlen(text);
}

uint64_t host_reenter(void)
{
    return 0;
}

void host_wait(void)
{
}

static void must(bool ok, const char *what, long long value)
{
    if (!ok) {
        (void)fprintf(stderr, "switchless_stress: %s (%lld)\n", what, value);
        (void)atomic_fetch_add(&wrong, 1);
    }
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* *answered: the call ran */
static void call(struct seat *seat, uint64_t kind, uint64_t value)
{
    char text[40];
    char back[48];
    char due[48];
    uint64_t v = 0;
    oe_result_t r = OE_FAILURE;

    switch (kind % 8) {
    case 0:
    case 1:
    case 2:
        r = enc_bump(seat->enclave, &v);
        break;
    case 3:
        r = enc_plain_bump(seat->enclave, &v);
        break;
    case 4:
    case 5:
    case 6:
        r = enc_ask_host(seat->enclave, &v, value, CALLS_OF_OCALL, kind % 8 != 6);
        break;
    default:
        (void)snprintf(text, sizeof(text), "%llx", (unsigned long long)value);
        (void)snprintf(due, sizeof(due), "<%s>", text);
        r = enc_echo(seat->enclave, &v, text, back, sizeof(back));
        must(r != OE_OK || strcmp(back, due) == 0, "another text came back", (long long)v);
    }
    if (r == OE_OUT_OF_THREADS) {
        (void)atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
        return;
    }
    must(r == OE_OK, oe_result_str(r), (long long)(kind % 8));
    (void)atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (kind % 8 < 4) {
        (void)atomic_fetch_add(&seat->bumps, 1);
    } else if (kind % 8 < 7) {
        (void)atomic_fetch_add_explicit(&ocalls_due, CALLS_OF_OCALL, memory_order_relaxed);
        must(v == value + CALLS_OF_OCALL, "a wrong sum", (long long)v);
    }
}

static void *run(void *arg)
{
    struct caller *c = arg;

    for (unsigned i = 0; i < LIFE && !atomic_load(&over); i++) {
        const uint64_t kind = next(&c->seed);
        struct seat *seat = &seats[next(&c->seed) % seat_count];

        (void)pthread_rwlock_rdlock(&seat->lock);
        call(seat, kind, next(&c->seed));
        (void)pthread_rwlock_unlock(&seat->lock);
    }
    atomic_store(&c->ended, true);
    return NULL;
}

static void create(struct seat *seat)
{
    const oe_enclave_setting_context_switchless_t workers = {2, 2};
    const oe_enclave_setting_t setting = {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&workers}};
    const oe_result_t r = oe_create_swl_enclave(SWL_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                                OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                                                &setting, 1, &seat->enclave);

    if (r != OE_OK) {
        (void)fprintf(stderr, "switchless_stress: cannot create an enclave: %s\n",
                      oe_result_str(r));
        exit(1);
    }
    atomic_store(&seat->bumps, 0);
}

/* Its count is what was answered, or a call was lost or ran twice. */
static void end(struct seat *seat)
{
    const struct cm_switchless_counts c = cm_switchless_counts(seat->enclave);
    uint64_t bumped = 0;

    by_workers += c.ecalls + c.ocalls;
    must(enc_bumped(seat->enclave, &bumped) == OE_OK, "no count", 0);
    must(bumped == atomic_load(&seat->bumps), "calls were lost or ran twice",
         (long long)(bumped - atomic_load(&seat->bumps)));
    must(oe_terminate_enclave(seat->enclave) == OE_OK, "not terminated", 0);
}

static void start_caller(struct caller *c, uint64_t seed)
{
    atomic_store(&c->ended, false);
    c->seed = seed;
    threads_made++;
    if (pthread_create(&c->thread, NULL, run, c) != 0) {
        (void)fprintf(stderr, "switchless_stress: no thread\n");
        exit(1);
    }
}

static void replace_ended(void)
{
    for (unsigned i = 0; i < thread_count; i++) {
        if (atomic_load(&callers[i].ended)) {
            (void)pthread_join(callers[i].thread, NULL);
            start_caller(&callers[i], callers[i].seed);
        }
    }
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stress(double seconds)
{
    const struct timespec step = {0, RESTART_MS * 1000000};
    const double until = now() + seconds;

    while (now() < until) {
        struct seat *seat = &seats[restarts % seat_count];

        (void)nanosleep(&step, NULL);
        (void)pthread_rwlock_wrlock(&seat->lock);
        end(seat);
        create(seat);
        (void)pthread_rwlock_unlock(&seat->lock);
        restarts++;
        replace_ended();
    }
    atomic_store(&over, true);
}

int main(int argc, char **argv)
{
    pthread_rwlockattr_t attr;
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;

    if (argc > 3) {
        thread_count = (unsigned)strtoul(argv[2], NULL, 10);
        seat_count = (unsigned)strtoul(argv[3], NULL, 10);
    }
    if (thread_count == 0 || thread_count > THREADS_MAX || seat_count == 0 ||
        seat_count > ENCLAVES_MAX) {
        return 2;
    }
    (void)pthread_rwlockattr_init(&attr); /* or the restarts would never get their turn */
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    for (unsigned i = 0; i < seat_count; i++) {
        (void)pthread_rwlock_init(&seats[i].lock, &attr);
        create(&seats[i]);
    }
    for (unsigned i = 0; i < thread_count; i++) {
        start_caller(&callers[i], i + 1);
    }
    stress(seconds);
    for (unsigned i = 0; i < thread_count; i++) {
        (void)pthread_join(callers[i].thread, NULL);
    }
    for (unsigned i = 0; i < seat_count; i++) {
        end(&seats[i]);
    }
    must(atomic_load(&ocalls_made) == atomic_load(&ocalls_due), "ocalls were lost or ran twice",
         (long long)(atomic_load(&ocalls_made) - atomic_load(&ocalls_due)));
    must(atomic_load(&calls) != 0 && restarts != 0, "nothing happened", 0);
    (void)printf("switchless_stress: %llu calls (%llu by workers, %llu refused for want of a TCS), "
                 "%llu threads, %llu restarts, %llu wrong\n",
                 (unsigned long long)atomic_load(&calls), by_workers,
                 (unsigned long long)atomic_load(&refused), threads_made, restarts,
                 (unsigned long long)atomic_load(&wrong));
    return atomic_load(&wrong) == 0 ? 0 : 1;
}
