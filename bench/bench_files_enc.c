/* The enclave of bench_files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <casemate/pfs.h>
#include <openenclave/enclave.h>

#include "bench_files_t.h"
#include "crypto/crypto.h"

static uint8_t piece_of[1 << 20];

int files_begin(const char *folder)
{
    if (oe_load_module_host_file_system() != OE_OK ||
        cm_load_module_protected_file_system() != OE_OK) {
        return -1;
    }
    return mount(folder, "/plain", OE_HOST_FILE_SYSTEM, 0, NULL) == 0 &&
                   mount(folder, "/protected", CM_PROTECTED_FILE_SYSTEM, 0, NULL) == 0
               ? 0
               : errno;
}

int files_write(const char *path, uint64_t bytes, uint64_t piece)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    memset(piece_of, 0x77, sizeof(piece_of));
    for (uint64_t at = 0; at < bytes && fd >= 0; at += piece) {
        if (write(fd, piece_of, piece) != (ssize_t)piece) {
            return errno;
        }
    }
    return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

int files_read(const char *path, uint64_t bytes, uint64_t piece)
{
    int fd = open(path, O_RDONLY);

    for (uint64_t at = 0; at < bytes && fd >= 0; at += piece) {
        if (read(fd, piece_of, piece) != (ssize_t)piece) {
            return errno;
        }
    }
    return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

int files_scatter(const char *path, uint64_t bytes, uint64_t count)
{
    int fd = open(path, O_RDONLY);
    uint64_t seed = 1;

    for (uint64_t i = 0; i < count && fd >= 0; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (pread(fd, piece_of, 4096, (off_t)((seed >> 20) % (bytes / 4096) * 4096)) != 4096) {
            return errno;
        }
    }
    return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

int files_gcm(uint64_t bytes)
{
    static uint8_t out[4096];
    uint8_t key[CM_GCM256_KEY_SIZE] = {1};
    uint8_t iv[CM_GCM_IV_SIZE] = {0};
    uint8_t tag[CM_GCM_TAG_SIZE];
    struct cm_gcm *g = NULL;
    enum cm_status st = cm_gcm_create(key, &g);

    for (uint64_t at = 0; at < bytes && st == CM_OK; at += sizeof(out)) {
        iv[0] = (uint8_t)(iv[0] + 1);
        st = cm_gcm_seal_with(g, iv, cm_span_make(key, 16), cm_span_make(piece_of, sizeof(out)),
                              out, tag);
    }
    cm_gcm_free(g);
    return st == CM_OK ? 0 : -1;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 2);
