/*
 * Null calls without a transition, both ways, against the least that two cores can do: one cache line
 * that goes there and back (a ping-pong). Batches of each are made in turn, so that whatever else the
 * machine does meets all alike; the callers run on one core, the workers and the pong on the other.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_kit.h"
#include "bench_switchless_u.h"
#include "host/switchless.h"

#define GOAL     2.0 /* round trips of the line */
#define BATCHES  101
#define BATCH    200
#define WAKE_NS  50000000 /* a worker that sleeps is up by then, or has no processor */
#define ATTEMPTS 200

static oe_enclave_t *enclave;
static _Alignas(128) atomic_ullong line;
static atomic_bool over;
static atomic_bool locked; /* the pong answers by an exchange */

static void must(oe_result_t result)
{
    if (result != OE_OK) {
        (void)fprintf(stderr, "bench_switchless: %s\n", oe_result_str(result));
        exit(1);
    }
}

static void on_core(size_t core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

int sw_host(int n)
{
    return n;
}

int sw_host_plain(int n)
{
    return n;
}

static void *pong(void *arg)
{
    unsigned long long seen = 0;

    (void)arg;
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        const unsigned long long ping = atomic_load_explicit(&line, memory_order_acquire);

        if (ping != seen) {
            seen = ping + 1;
            if (atomic_load_explicit(&locked, memory_order_relaxed)) {
                (void)atomic_exchange(&line, seen);
            } else {
                atomic_store_explicit(&line, seen, memory_order_release);
            }
        } else {
            __builtin_ia32_pause();
        }
    }
    return NULL;
}

static void ping(uint64_t count)
{
    unsigned long long at = atomic_load(&line);

    for (uint64_t i = 0; i < count; i++, at += 2) {
        atomic_store_explicit(&line, at + 1, memory_order_release);
        while (atomic_load_explicit(&line, memory_order_acquire) != at + 2) {
            __builtin_ia32_pause();
        }
    }
}

static void ping_locked(uint64_t count)
{
    unsigned long long at = atomic_load(&line);

    for (uint64_t i = 0; i < count; i++, at += 2) {
        unsigned long long expected = at;

        (void)atomic_compare_exchange_strong(&line, &expected, at + 1);
        while (atomic_load_explicit(&line, memory_order_acquire) != at + 2) {
            __builtin_ia32_pause();
        }
    }
}

/* The pong takes the worker's core for as long as it is measured, and no longer. */
static double pings(void (*ping_by)(uint64_t), uint64_t count)
{
    pthread_t other;
    uint64_t from = 0;
    double time = 0;

    atomic_store(&over, false);
    atomic_store(&locked, ping_by == ping_locked);
    on_core(1);
    if (pthread_create(&other, NULL, pong, NULL) != 0) {
        exit(1);
    }
    on_core(0);
    ping_by(count / 4);
    from = bench_wall();
    ping_by(count);
    time = (double)(bench_wall() - from) / (double)count;
    atomic_store(&over, true);
    (void)pthread_join(other, NULL);
    return time;
}

static void ecalls(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int n = 0;

        must(sw_null(enclave, &n, 1));
    }
}

static void plain_ecalls(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int n = 0;

        must(sw_plain(enclave, &n, 1));
    }
}

static void buffers(uint64_t count)
{
    static uint8_t in[4096];
    static uint8_t out[4096];

    for (uint64_t i = 0; i < count; i++) {
        must(sw_buffer(enclave, in, out, sizeof(in)));
    }
}

static void ask(uint64_t count, bool switchless)
{
    uint64_t sum = 0;

    must(sw_ask(enclave, &sum, count, switchless));
    if (sum != count) {
        must(OE_FAILURE);
    }
}

static void ocalls(uint64_t count)
{
    ask(count, true);
}

static void plain_ocalls(uint64_t count)
{
    ask(count, false);
}

static uint64_t served(void)
{
    const struct cm_switchless_counts c = cm_switchless_counts(enclave);

    return c.ecalls + c.ocalls;
}

/*
 * One batch. Of switchless calls, all must have gone through a worker: on a busy machine it may not have the
 * processor, and the calls are ordinary ones, which are another line of the table.
 */
static double timed(void (*run)(uint64_t), uint64_t count, bool by_worker)
{
    uint64_t from = 0;
    uint64_t before = 0;
    uint64_t to = 0;

    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        from = bench_wall();
        do {
            before = served();
            run(count / 4);
        } while (by_worker && served() - before != count / 4 && bench_wall() - from < WAKE_NS);
        before = served();
        from = bench_wall();
        run(count);
        to = bench_wall();
        if (!by_worker || served() - before == count) {
            return (double)(to - from) / (double)count;
        }
    }
    (void)fprintf(stderr, "bench_switchless: the workers do not get a processor of their own\n");
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, BATCHES, sizeof(*values), compare);
    return values[BATCHES / 2];
}

int main(void)
{
    static const oe_enclave_setting_context_switchless_t workers = {1, 1};
    const oe_enclave_setting_t setting = {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&workers}};
    static double times[7][BATCHES];
    double base = 0;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        (void)printf("bench_switchless: needs two processors\n");
        return 0;
    }
    on_core(1); /* the workers' */
    must(oe_create_bench_switchless_enclave(
        BENCH_DIR "/bench_switchless_enclave.signed", OE_ENCLAVE_TYPE_SGX,
        OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, &setting, 1, &enclave));
    on_core(0);
    for (int i = 0; i < BATCHES; i++) {
        times[0][i] = pings(ping, BATCH);
        times[6][i] = pings(ping_locked, BATCH);
        times[1][i] = timed(ecalls, BATCH, true);
        times[2][i] = timed(ocalls, BATCH, true);
        times[3][i] = timed(buffers, BATCH, true);
        times[4][i] = timed(plain_ecalls, BATCH, false);
        times[5][i] = timed(plain_ocalls, BATCH, false);
    }
    base = median(times[0]);
    base = median(times[6]) < base ? times[6][BATCHES / 2] : base; /* whichever is faster here */
    (void)printf("switchless calls, medians of %d batches of %d; goal %.0f round trips of a line\n",
                 BATCHES, BATCH, GOAL);
    bench_line("cache line there and back", base, "ns", "itself", base);
    bench_line("switchless ecall", median(times[1]), "ns", "the line's round trip", base);
    bench_line("switchless ocall", median(times[2]), "ns", "the line's round trip", base);
    bench_line("switchless ecall, 4 KiB in and out", median(times[3]), "ns",
               "the line's round trip", base);
    bench_line("ordinary ecall (emulated)", median(times[4]), "ns", "the line's round trip", base);
    bench_line("ordinary ocall (emulated)", median(times[5]), "ns", "the line's round trip", base);
    must(oe_terminate_enclave(enclave));
    return 0;
}
