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

#define GOAL    2.0 /* round trips of the line */
#define BATCHES 101
#define BATCH   200
#define WAKE_NS 2000000 /* a worker that sleeps is up by then */

static oe_enclave_t *enclave;
static _Alignas(128) atomic_ullong line;
static atomic_bool over;

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
            atomic_store_explicit(&line, seen, memory_order_release);
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

/* The pong takes the worker's core for as long as it is measured, and no longer. */
static double pings(uint64_t count)
{
    pthread_t other;
    uint64_t from = 0;
    double time = 0;

    atomic_store(&over, false);
    on_core(1);
    if (pthread_create(&other, NULL, pong, NULL) != 0) {
        exit(1);
    }
    on_core(0);
    ping(count / 4);
    from = bench_wall();
    ping(count);
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

static double timed(void (*run)(uint64_t), uint64_t count)
{
    uint64_t from = bench_wall();

    while (bench_wall() - from < WAKE_NS) {
        run(count / 4);
    }
    from = bench_wall();
    run(count);
    return (double)(bench_wall() - from) / (double)count;
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
    static double times[6][BATCHES];
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
        times[0][i] = pings(BATCH);
        times[1][i] = timed(ecalls, BATCH);
        times[2][i] = timed(ocalls, BATCH);
        times[3][i] = timed(buffers, BATCH);
        times[4][i] = timed(plain_ecalls, BATCH);
        times[5][i] = timed(plain_ocalls, BATCH);
    }
    base = median(times[0]);
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
