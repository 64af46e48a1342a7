/*
 * Raw transitions of the emulator, without any host library or runtime: the floor under every call.
 * Medians of 15 runs, in processor time of the thread; ratios against a system call in the same run.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cpu_kit.h"

#define RUNS 15

static struct kit_enclave enc;

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* nanoseconds a round, median */
static double median(void (*round)(long), long n)
{
    double t[RUNS];

    round(n / 10 + 1);
    for (int i = 0; i < RUNS; i++) {
        double start = now();

        round(n);
        t[i] = (now() - start) / (double)n;
    }
    qsort(t, RUNS, sizeof(t[0]), by_size);
    return t[RUNS / 2];
}

static void null_calls(long n)
{
    struct sgx_enclave_run run;

    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    for (long i = 0; i < n; i++) {
        (void)cpu_enter_plain(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run);
    }
}

static void raw_exits(long n)
{
    struct sgx_enclave_run run;

    memset(&run, 0, sizeof(run));
    run.tcs = cpu_tcs(&enc, 0);
    for (long i = 0; i < n; i++) {
        (void)cpu_enter_plain(OP_RAW, 0, 0, SGX_EENTER, 0, 0, &run);
    }
}

static void raw_both(long n)
{
    for (long i = 0; i < n; i++) {
        cpu_raw(OP_RAW, 0, 0, SGX_EENTER, cpu_tcs(&enc, 0));
    }
}

static void alternating(long n)
{
    struct sgx_enclave_run run;

    memset(&run, 0, sizeof(run));
    for (long i = 0; i < n; i++) {
        run.tcs = cpu_tcs(&enc, (unsigned)i & 1);
        (void)cpu_enter_plain(OP_NULL, 0, 0, SGX_EENTER, 0, 0, &run);
    }
}

static void faults(long n)
{
    struct sgx_enclave_run run;

    for (long i = 0; i < n; i++) {
        (void)cpu_call(&enc, 0, OP_UD2, 0, 0, &run);
        (void)cpu_call(&enc, 0, 0, 2, 0, &run);
        (void)cpu_resume(&enc, 0, &run);
    }
}

static enum cpu_op leaf_op;

static void leaves(long n)
{
    struct sgx_enclave_run run;
    uint64_t data = (uint64_t)enc.base + CPU_DATA * KIT_PAGE;

    for (long i = 0; i < n; i++) {
        struct cpu_leaf leaf = {.rbx = data, .rcx = data + 0x200, .rdx = data + 0x400};

        (void)cpu_call(&enc, 0, leaf_op, (uint64_t)&leaf, 0, &run);
    }
}

static void syscalls(long n)
{
    for (long i = 0; i < n; i++) {
        (void)syscall(SYS_getppid);
    }
}

static void print(const char *what, double ns, double base)
{
    (void)printf("%-58s %9.1f ns", what, ns);
    if (base > 0) {
        (void)printf("  %7.2f system calls", ns / base);
    }
    (void)printf("\n");
}

int main(void)
{
    double before = median(syscalls, 200000);
    double after = 0;

    if (!cpu_build(&enc, NULL)) {
        return 77;
    }
    print("getppid before the first entry", before, 0);
    print("EENTER + EEXIT, described site, vDSO contract", median(null_calls, 1000000), before);
    print("the same, two TCS in turn (cache misses)", median(alternating, 300000), before);
    print("EENTER by call, EEXIT by SIGILL", median(raw_exits, 10000), before);
    print("EENTER and EEXIT by SIGILL", median(raw_both, 10000), before);
    print("exception: AEX, entry at CSSA 1, ERESUME", median(faults, 5000), before);
    leaf_op = OP_LEAF;
    print("EREPORT by a described site", median(leaves, 5000), before);
    leaf_op = OP_LEAF_RAW;
    print("EREPORT by SIGILL", median(leaves, 5000), before);
    after = median(syscalls, 200000);
    print("getppid on a thread that has entered", after, before);
    kit_destroy(&enc);
    return 0;
}
