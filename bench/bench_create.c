/* Creating and ending an enclave of 2.7 MB, and the same with 1 GiB of heap. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_kit.h"
#include "bench_u.h"
#include "crypto/crypto.h"

#define SMALL_GOAL 3.0  /* ms */
#define HEAP_GOAL  50.0 /* ms */

/* what a measurement hashes: each page with its EADD and sixteen EEXTEND blocks */
#define IMAGE_PAGES    (2700000 / 4096)
#define BYTES_PER_PAGE (4096 + 64 + 16 * 64)

static uint8_t *hashed;

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
    (void)data;
    (void)n;
}

static void must(oe_result_t result)
{
    if (result != OE_OK) {
        (void)fprintf(stderr, "bench_create: %s\n", oe_result_str(result));
        exit(1);
    }
}

static oe_enclave_t *create(const char *path)
{
    oe_enclave_t *e = NULL;

    must(oe_create_bench_enclave(path, OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e));
    return e;
}

static double create_time; /* of the creations alone, without the ends */

static void create_and_end(void *path, uint64_t count)
{
    create_time = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = bench_wall();
        oe_enclave_t *e = create(path);

        create_time += (double)(bench_wall() - start);
        must(oe_terminate_enclave(e));
    }
}

static void hash(void *arg, uint64_t count)
{
    uint8_t digest[CM_SHA256_SIZE];

    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        if (cm_sha256_of(cm_span_make(hashed, (size_t)IMAGE_PAGES * BYTES_PER_PAGE), digest) !=
            CM_OK) {
            exit(1);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median_create(const char *path, unsigned times)
{
    double each[64];
    char copy[512];

    (void)snprintf(copy, sizeof(copy), "%s", path);
    create_and_end(copy, 1);
    for (unsigned i = 0; i < times; i++) {
        create_and_end(copy, 1);
        each[i] = create_time / 1e6;
    }
    qsort(each, times, sizeof(each[0]), ascending);
    return each[times / 2];
}

int main(void)
{
    double small = 0;
    double big = 0;

    hashed = calloc(IMAGE_PAGES, BYTES_PER_PAGE);
    if (hashed == NULL) {
        return 1;
    }
    small = median_create(BENCH_DIR "/bench_enclave.signed", 51);
    big = median_create(BENCH_DIR "/bench_big.signed", 21);
    bench_line("create, 2.7 MB", small, "ms", "goal", SMALL_GOAL);
    bench_line("create, 2.7 MB", small, "ms", "SHA-256 of its pages",
               bench_median(hash, NULL, 31, 1) / 1e6);
    bench_line("1 GiB of heap adds", big - small, "ms", "goal", HEAP_GOAL);
    free(hashed);
    return 0;
}
