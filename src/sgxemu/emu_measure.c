/*
 * MRENCLAVE as ECREATE, EADD and EEXTEND build it (SDM Vol. 3D 38.4): SHA-256 over a log of 64-byte
 * blocks. Blocks are gathered so that a heap of a gigabyte costs its hash and not a quarter million
 * calls. CASEMATE_EMU_LOG=FILE appends the same log as text, for comparison with a prediction.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/writer.h"
#include "crypto/crypto.h"
#include "sgxemu/emu_hasher.h"
#include "sgxemu/emu_kernel.h"

#define BLOCK   64u
#define PENDING EMU_HASHER_PIECE
#define TAG(s)  (s "\0\0\0\0\0\0\0\0")

static FILE *log_file;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static void log_open(void)
{
    const char *path = getenv("CASEMATE_EMU_LOG");

    if (path != NULL && path[0] != '\0') {
        log_file = fopen(path, "ae");
        if (log_file == NULL) {
            (void)fprintf(stderr, "casemate: no log: the file of CASEMATE_EMU_LOG: %s\n",
                          strerror(errno));
        }
    }
}

void cm_emu_measure_log(const char *fmt, ...)
{
    va_list args;

    (void)pthread_once(&log_once, log_open);
    if (log_file == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vfprintf(log_file, fmt, args);
    va_end(args);
}

static void log_flush(void)
{
    if (log_file != NULL) {
        (void)fflush(log_file);
    }
}

static void flush(struct emu_encl_kernel *k)
{
    cm_emu_hasher_push(k->hasher, k->pending_len);
    k->pending = cm_emu_hasher_piece(k->hasher);
    k->pending_len = 0;
}

/* Room for n bytes, n at most PENDING. */
static void room(struct emu_encl_kernel *k, size_t n)
{
    if (k->pending_len + n > PENDING) {
        flush(k);
    }
}

static void block(struct emu_encl_kernel *k, const char tag[8], uint64_t value, const void *rest,
                  size_t rest_len)
{
    uint8_t *to = k->pending + k->pending_len;

    /* sixteen for each page: plain stores, in the order of the processor that is emulated */
    memset(to, 0, BLOCK);
    memcpy(to, tag, 8);
    memcpy(to + 8, &value, 8);
    if (rest_len != 0) {
        memcpy(to + 16, rest, rest_len);
    }
    k->pending_len += BLOCK;
}

int cm_emu_measure_start(struct emu_encl_kernel *k, uint32_t ssaframesize)
{
    uint8_t first[12] = {0};
    struct cm_wr w = cm_wr_init(first, sizeof(first));
    uint64_t first_word = 0;

    if (cm_sha256_create(&k->hash) != CM_OK ||
        (k->hasher = cm_emu_hasher_create(k->hash)) == NULL) {
        cm_emu_measure_free(k);
        return -ENOMEM;
    }
    k->pending = cm_emu_hasher_piece(k->hasher);
    k->pending_len = 0;
    /* ECREATE's block: the frame size in 4 bytes, then the size in 8 */
    cm_wr_u32le(&w, ssaframesize);
    cm_wr_u64le(&w, k->e->size);
    memcpy(&first_word, first, 8);
    block(k, TAG("ECREATE"), first_word, first + 8, 4);
    cm_emu_measure_log("ECREATE ssaframesize=%u size=0x%llx\n", ssaframesize,
                       (unsigned long long)k->e->size);
    return 0;
}

int cm_emu_measure_add(struct emu_encl_kernel *k, uint64_t offset,
                       const struct sgx_secinfo *secinfo)
{
    room(k, BLOCK);
    block(k, TAG("EADD"), offset, secinfo, 48);
    cm_emu_measure_log("EADD offset=0x%llx flags=0x%llx\n", (unsigned long long)offset,
                       (unsigned long long)secinfo->flags);
    return 0;
}

static void log_chunk(const uint8_t *chunk, uint64_t offset)
{
    uint8_t sum[CM_SHA256_SIZE] = {0};

    if (cm_sha256_of(cm_span_make(chunk, SGX_CHUNK_SIZE), sum) != CM_OK) {
        return;
    }
    cm_emu_measure_log("EEXTEND offset=0x%llx sha256=", (unsigned long long)offset);
    for (size_t i = 0; i < sizeof(sum); i++) {
        cm_emu_measure_log("%02x", sum[i]);
    }
    cm_emu_measure_log("\n");
}

static void log_chunks(const uint8_t *page, uint64_t offset)
{
    if (log_file == NULL) { /* looked for at ECREATE */
        return;
    }
    for (size_t at = 0; at < EMU_PAGE; at += SGX_CHUNK_SIZE) {
        log_chunk(page + at, offset + at);
    }
}

int cm_emu_measure_extend(struct emu_encl_kernel *k, uint64_t offset)
{
    const uint8_t *page = k->e->epc + offset;

    log_chunks(page, offset);
    for (size_t at = 0; at < EMU_PAGE; at += SGX_CHUNK_SIZE) {
        room(k, BLOCK + SGX_CHUNK_SIZE);
        block(k, TAG("EEXTEND"), offset + at, NULL, 0);
        memcpy(k->pending + k->pending_len, page + at, SGX_CHUNK_SIZE);
        k->pending_len += SGX_CHUNK_SIZE;
    }
    return 0;
}

int cm_emu_measure_finish(struct emu_encl_kernel *k, uint8_t mrenclave[32])
{
    struct cm_sha256 *end = NULL;
    int ret = 0;

    flush(k);
    if (cm_emu_hasher_drain(k->hasher) != CM_OK) {
        return -ENOMEM;
    }
    /* on a copy: EINIT may be tried again with another SIGSTRUCT */
    if (cm_sha256_copy(k->hash, &end) != CM_OK) {
        return -ENOMEM;
    }
    ret = cm_sha256_final(end, mrenclave) == CM_OK ? 0 : -ENOMEM;
    cm_sha256_free(end);
    log_flush();
    return ret;
}

void cm_emu_measure_free(struct emu_encl_kernel *k)
{
    log_flush();
    cm_emu_hasher_free(k->hasher);
    cm_sha256_free(k->hash);
    k->hasher = NULL;
    k->hash = NULL;
    k->pending = NULL;
    k->pending_len = 0;
}
