/*
 * Crypto inside an enclave against the same source outside, with the system's OpenSSL. Both are
 * timed in turns, in batches of some milliseconds, so that what else the machine does hits both; the
 * medians are compared. Goal: inside within 5% of outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openenclave/host.h>

#include "bench_crypto_u.h"
#include "crypto_work.h"

#define ROUNDS 41

static const struct {
    const char *name;
    unsigned what;
    uint64_t count; /* of one batch */
    uint64_t size;  /* bytes a time; 0 for operations */
} rows[] = {
    {"AES-256-GCM, 16 KiB", WORK_AES_256_GCM, 600, 16384},
    {"AES-256-GCM, 1 MiB", WORK_AES_256_GCM, 10, 1u << 20},
    {"SHA-256, 16 KiB", WORK_SHA_256, 300, 16384},
    {"SHA-256, 1 MiB", WORK_SHA_256, 5, 1u << 20},
    {"ECDSA P-256 sign", WORK_P256_SIGN, 200, 0},
    {"ECDSA P-256 verify", WORK_P256_VERIFY, 80, 0},
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Seconds of one batch, or a negative number. */
static double batch(oe_enclave_t *enclave, size_t row)
{
    double start = now();
    int failed = -1;

    if (enclave == NULL) {
        failed = crypto_work_run(rows[row].what, rows[row].count, rows[row].size);
    } else if (work_inside(enclave, &failed, rows[row].what, rows[row].count, rows[row].size) !=
               OE_OK) {
        failed = -1;
    }
    return failed == 0 ? now() - start : -1;
}

static int compare(oe_enclave_t *enclave, size_t row)
{
    double inside[ROUNDS];
    double outside[ROUNDS];
    double unit = rows[row].size != 0 ? (double)rows[row].size * 1e-9 : 1e-3;
    double rate_inside;
    double rate_outside;
    size_t i;

    (void)batch(enclave, row); /* the first one fetches algorithms and warms caches */
    (void)batch(NULL, row);
    for (i = 0; i < ROUNDS; i++) {
        inside[i] = batch(enclave, row);
        outside[i] = batch(NULL, row);
        if (inside[i] < 0 || outside[i] < 0) {
            (void)fprintf(stderr, "bench_crypto: %s failed\n", rows[row].name);
            return 1;
        }
    }
    qsort(inside, ROUNDS, sizeof(inside[0]), by_value);
    qsort(outside, ROUNDS, sizeof(outside[0]), by_value);
    rate_inside = (double)rows[row].count * unit / inside[ROUNDS / 2];
    rate_outside = (double)rows[row].count * unit / outside[ROUNDS / 2];
    (void)printf("%-24s inside %8.2f %s  outside %8.2f  inside/outside %5.3f\n", rows[row].name,
                 rate_inside, rows[row].size != 0 ? "GB/s" : "k/s ", rate_outside,
                 rate_inside / rate_outside);
    return 0;
}

int main(void)
{
    oe_enclave_t *enclave = NULL;
    oe_result_t r;
    int failed = 0;
    size_t row;

    r = oe_create_bench_crypto_enclave(
        BENCH_DIR "/bench_crypto_enclave.signed", OE_ENCLAVE_TYPE_SGX,
        OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &enclave);
    if (r != OE_OK) {
        (void)fprintf(stderr, "bench_crypto: %s\n", oe_result_str(r));
        return 1;
    }
    for (row = 0; row < sizeof(rows) / sizeof(rows[0]) && failed == 0; row++) {
        failed = compare(enclave, row);
    }
    (void)oe_terminate_enclave(enclave);
    return failed;
}
