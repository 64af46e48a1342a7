/* Calls into an enclave and out of it: time each, and beside it what it is measured against. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench_kit.h"
#include "bench_u.h"
#include "syscount.h"

#define NULL_GOAL 250.0 /* ns */

static oe_enclave_t *enclave;
static uint8_t here[65536];
static uint8_t there[65536];
static size_t size;

static void must(oe_result_t result)
{
    if (result != OE_OK) {
        (void)fprintf(stderr, "bench_calls: %s\n", oe_result_str(result));
        exit(1);
    }
}

void host_null(void)
{
}

void host_in(const uint8_t *data, size_t n)
{
    (void)data;
    (void)n;
}

void host_out(uint8_t *data, size_t n)
{
    if (n != 0) {
        data[0] = 1;
    }
}

static void create(void)
{
    must(oe_create_bench_enclave(BENCH_DIR "/bench_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                 &enclave));
}

static void system_calls(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        (void)syscall(SYS_getppid);
    }
}

static void copies(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(there, here, size);
        __asm__ volatile("" : : "r"(there) : "memory");
    }
}

static void null_ecalls(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        must(enc_null(enclave));
    }
}

static void null_ocalls(void *arg, uint64_t count)
{
    int failed = 1;

    (void)arg;
    must(enc_null_ocalls(enclave, &failed, count));
    must(failed == 0 ? OE_OK : OE_FAILURE);
}

static void ecalls_in(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        must(enc_in(enclave, here, size));
    }
}

static void ecalls_out(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        must(enc_out(enclave, here, size));
    }
}

static void ocalls_in(void *arg, uint64_t count)
{
    int failed = 1;

    (void)arg;
    must(enc_ocalls_in(enclave, &failed, count, size));
    must(failed == 0 ? OE_OK : OE_FAILURE);
}

static void ocalls_out(void *arg, uint64_t count)
{
    int failed = 1;

    (void)arg;
    must(enc_ocalls_out(enclave, &failed, count, size));
    must(failed == 0 ? OE_OK : OE_FAILURE);
}

/* beyond the call itself, as so many copies of the data */
static void data_lines(double ecall, double ocall)
{
    static const size_t sizes[] = {8192, 65536};
    static const struct {
        const char *name;
        void (*run)(void *arg, uint64_t count);
        bool out; /* an ocall */
    } kinds[] = {{"ECALL, in", ecalls_in, false},
                 {"ECALL, out", ecalls_out, false},
                 {"OCALL, to the host", ocalls_in, true},
                 {"OCALL, from the host", ocalls_out, true}};

    for (size_t s = 0; s < 2; s++) {
        double copy = 0;

        size = sizes[s];
        copy = bench_median(copies, NULL, 101, 500);
        for (size_t k = 0; k < 4; k++) {
            double t = bench_median(kinds[k].run, NULL, 101, 500);
            char name[64];

            (void)snprintf(name, sizeof(name), "%zu KiB %s, beyond the call", size / 1024,
                           kinds[k].name);
            bench_line(name, t - (kinds[k].out ? ocall : ecall), "ns", "memcpy", copy);
        }
    }
}

static void *prepare_count(void)
{
    create();
    null_ecalls(NULL, 10);
    null_ocalls(NULL, 10);
    return NULL;
}

static void counted(void *arg)
{
    null_ecalls(arg, 10000);
    null_ocalls(arg, 10000);
}

int main(void)
{
    double ecall = 0;
    double ocall = 0;

    (void)printf("system calls in 10,000 ECALLs and 10,000 OCALLs: %ld\n",
                 cm_syscalls_of(prepare_count, counted));
    create();
    ecall = bench_median(null_ecalls, NULL, 101, 4000);
    bench_line("null ECALL", ecall, "ns", "goal", NULL_GOAL);
    ocall = bench_median(null_ocalls, NULL, 101, 4000);
    bench_line("null OCALL", ocall, "ns", "goal", NULL_GOAL);
    bench_line("null ECALL", ecall, "ns", "system call",
               bench_median(system_calls, NULL, 101, 4000));
    data_lines(ecall, ocall);
    must(oe_terminate_enclave(enclave));
    return 0;
}
