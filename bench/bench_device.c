/*
 * The emulated device alone: building an enclave of 2.7 MB, all of it measured, and adding 1 GiB of
 * heap, through the ioctls and without any host library. Each against the hashing that a measurement
 * cannot do without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_kit.h"
#include "crypto/crypto.h"
#include "emu_kit.h"

#define IMAGE_BYTES    (2700000ul / KIT_PAGE * KIT_PAGE)
#define BYTES_PER_PAGE (4096 + 64 + 16 * 64)
#define HEAP_BYTES     (1ul << 30)
#define HEAP_CHUNK     (2ul << 20) /* as our host adds it: from one untouched buffer */
#define BATCHES        15

static uint8_t *image;
static uint8_t *zeros;

static void must(int err, const char *what)
{
    if (err != 0) {
        (void)fprintf(stderr, "bench_device: %s: %s\n", what, strerror(err));
        exit(1);
    }
}

static void build(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        struct sgx_secinfo info = {.flags = KIT_RX};
        struct sgx_enclave_add_pages add = {
            (uint64_t)(uintptr_t)image, 0, IMAGE_BYTES, (uint64_t)(uintptr_t)&info,
            SGX_PAGE_MEASURE,           0};
        struct kit_enclave e;

        must(kit_create(&e, 4ul << 20, NULL) ? 0 : 5, "create");
        must(kit_add_raw(e.fd, &add), "add");
        must(kit.mmap(e.base, IMAGE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, e.fd,
                      0) == e.base
                 ? 0
                 : 12,
             "map");
        kit_destroy(&e);
    }
}

static void heap(void *arg, uint64_t count)
{
    (void)arg;
    for (uint64_t i = 0; i < count; i++) {
        struct kit_enclave e;

        must(kit_create(&e, 2 * HEAP_BYTES, NULL) ? 0 : 5, "create");
        for (uint64_t at = 0; at < HEAP_BYTES; at += HEAP_CHUNK) {
            struct sgx_secinfo info = {.flags = KIT_RW};
            struct sgx_enclave_add_pages add = {(uint64_t)(uintptr_t)zeros, at, HEAP_CHUNK,
                                                (uint64_t)(uintptr_t)&info, 0,  0};

            must(kit_add_raw(e.fd, &add), "add heap");
        }
        must(kit.mmap(e.base, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, e.fd,
                      0) == e.base
                 ? 0
                 : 12,
             "map heap");
        kit_destroy(&e);
    }
}

static void hash(void *len, uint64_t count)
{
    static uint8_t block[1ul << 16];
    uint8_t digest[CM_SHA256_SIZE];

    for (uint64_t i = 0; i < count; i++) {
        struct cm_sha256 *h = NULL;
        size_t left = *(size_t *)len;

        must(cm_sha256_create(&h) == CM_OK ? 0 : 12, "hash");
        while (left != 0) {
            size_t n = left < sizeof(block) ? left : sizeof(block);

            must(cm_sha256_update(h, block, n) == CM_OK ? 0 : 12, "hash");
            left -= n;
        }
        must(cm_sha256_final(h, digest) == CM_OK ? 0 : 12, "hash");
        cm_sha256_free(h);
    }
}

int main(void)
{
    size_t image_hash = IMAGE_BYTES / KIT_PAGE * BYTES_PER_PAGE;
    size_t heap_hash = HEAP_BYTES / KIT_PAGE * 64;

    image = aligned_alloc(KIT_PAGE, IMAGE_BYTES);
    zeros = mmap(NULL, HEAP_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (image == NULL || zeros == MAP_FAILED) {
        must(12, "buffers");
    }
    memset(image, 0x5a, IMAGE_BYTES);
    bench_line("device: 2.7 MB, all measured", bench_median(build, NULL, BATCHES, 4) / 1e6, "ms",
               "SHA-256 of its log", bench_median(hash, &image_hash, BATCHES, 4) / 1e6);
    bench_line("device: 1 GiB of heap", bench_median(heap, NULL, BATCHES, 1) / 1e6, "ms",
               "SHA-256 of its log", bench_median(hash, &heap_hash, BATCHES, 1) / 1e6);
    free(image);
    return 0;
}
