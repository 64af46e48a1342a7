/*
 * Protected files, beside the same calls on the host's plain files and beside AES-256-GCM alone, all in
 * one enclave. The host's files are in its page cache, so what is seen is the work and not the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_files_u.h"
#include "bench_kit.h"

enum { ROUNDS = 5, BYTES = 64 << 20, SCATTERED = 4096 };

static oe_enclave_t *enclave;
static char folder[] = "/dev/shm/cm-bench-XXXXXX";

static void must(oe_result_t result, int r)
{
    if (result != OE_OK || r != 0) {
        (void)fprintf(stderr, "bench_files: %s, %d\n", oe_result_str(result), r);
        exit(1);
    }
}

enum act { WRITE, READ, SCATTER, GCM };

struct job {
    enum act act;
    const char *path;
    uint64_t piece;
};

static void run(void *arg, uint64_t count)
{
    const struct job *job = arg;
    oe_result_t result = OE_FAILURE;
    int r = 0;

    (void)count;
    switch (job->act) {
    case WRITE:
        result = files_write(enclave, &r, job->path, BYTES, job->piece);
        break;
    case READ:
        result = files_read(enclave, &r, job->path, BYTES, job->piece);
        break;
    case SCATTER:
        result = files_scatter(enclave, &r, job->path, BYTES, SCATTERED);
        break;
    case GCM:
        result = files_gcm(enclave, &r, BYTES);
        break;
    }
    must(result, r);
}

/* MB/s */
static double speed(enum act act, const char *path, uint64_t piece)
{
    struct job job = {act, path, piece};
    const double bytes = act == SCATTER ? SCATTERED * 4096.0 : BYTES;

    run(&job, 1); /* the first time makes the file */
    return bytes * 1e3 / bench_median(run, &job, ROUNDS, 1);
}

static void compare(const char *name, enum act act, uint64_t piece, double gcm)
{
    const double plain = speed(act, "/plain/plain", piece);
    const double protected = speed(act, "/protected/protected", piece);
    char line[64];

    (void)snprintf(line, sizeof(line), "%s, protected", name);
    bench_line(line, protected, "MB/s", "plain", plain);
    bench_line(line, protected, "MB/s", "AES-256-GCM", gcm);
}

int main(void)
{
    char command[64];
    double gcm;
    int r = 0;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    must(oe_create_bench_files_enclave(BENCH_DIR "/bench_files_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                       OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                       &enclave),
         0);
    must(files_begin(enclave, &r, folder), r);
    gcm = speed(GCM, "", 0);
    compare("write, 1 MiB at once", WRITE, 1 << 20, gcm);
    compare("read, 1 MiB at once", READ, 1 << 20, gcm);
    compare("write, 4 KiB at once", WRITE, 4096, gcm);
    compare("read, 4 KiB at once", READ, 4096, gcm);
    compare("read, 4 KiB anywhere", SCATTER, 4096, gcm);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) == 0 && oe_terminate_enclave(enclave) == OE_OK ? 0 : 1;
}
