/*
 * Documents on disk, one file each, named after their address. The folder is the user's own; a file
 * that is damaged, cut short or of another address is as if it were not there. Nothing here is
 * trusted: what comes out is checked like what comes from the service.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_document.h"
#include "common/hex.h"
#include "common/reader.h"
#include "common/try.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "os/os.h"

#define MAGIC      "CMCOLL\0\1"
#define MAGIC_SIZE 8u
#define FILE_MAX   (2 * CM_COLLATERAL_MAX_PART)

/* The file of an address: the address may hold anything, its digest is a name. */
static enum cm_status path_of(const char *folder, const char *url, char *out, size_t cap)
{
    uint8_t digest[CM_SHA256_SIZE];
    char hex[2 * CM_SHA256_SIZE + 1] = "";
    enum cm_status st = cm_sha256_of(cm_span_make(url, strlen(url)), digest);
    int n = 0;

    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, hex);
    n = snprintf(out, cap, "%s/%s.collateral", folder, hex);
    return st != CM_OK ? st : (n > 0 && (size_t)n < cap) ? CM_OK : CM_ERR_PARAM;
}

static struct cm_span take_block(struct cm_rd *rd)
{
    return cm_rd_take(rd, cm_rd_u32le(rd));
}

static enum cm_status parse(struct cm_span file, const char *url, struct cm_cache_entry *e)
{
    uint8_t digest[CM_SHA256_SIZE];
    struct cm_rd rd = cm_rd_init(file);
    struct cm_span magic = cm_rd_take(&rd, MAGIC_SIZE);
    struct cm_span address = {NULL, 0};
    struct cm_span stored_digest = {NULL, 0};
    enum cm_status st = CM_OK;

    e->stored = cm_rd_u64le(&rd);
    address = take_block(&rd);
    e->bytes.chain = take_block(&rd);
    e->bytes.body = take_block(&rd);
    stored_digest = cm_rd_take(&rd, sizeof(digest));
    CM_TRY(cm_rd_finish(&rd));
    CM_TRY(cm_sha256_of(cm_span_make(file.ptr, file.len - sizeof(digest)), digest));
    if (memcmp(magic.ptr, MAGIC, MAGIC_SIZE) != 0 || address.len != strlen(url) ||
        memcmp(address.ptr, url, address.len) != 0 ||
        memcmp(digest, stored_digest.ptr, sizeof(digest)) != 0) {
        st = CM_ERR_FORMAT;
    }
    if (e->bytes.chain.len == 0) {
        e->bytes.chain = cm_span_make(NULL, 0);
    }
out:
    return st;
}

enum cm_status cm_cache_get(const char *folder, const char *url, struct cm_cache_entry *out)
{
    struct cm_cache_entry e;
    char path[2048] = "";
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    memset(&e, 0, sizeof(e));
    CM_TRY(path_of(folder, url, path, sizeof(path)));
    CM_TRY(cm_file_read(path, FILE_MAX, &e.file, &len, NULL));
    CM_TRY(parse(cm_span_make(e.file, len), url, &e));
    *out = e;
    e.file = NULL;
out:
    free(e.file);
    return st == CM_OK || st == CM_ERR_NOMEM ? st : CM_ERR_NOTFOUND;
}

void cm_cache_entry_free(struct cm_cache_entry *e)
{
    free(e->file);
    memset(e, 0, sizeof(*e));
}

static void put_block(struct cm_wr *w, struct cm_span data)
{
    cm_wr_u32le(w, (uint32_t)data.len);
    if (data.len != 0) {
        cm_wr_bytes(w, data.ptr, data.len);
    }
}

enum cm_status cm_cache_put(const char *folder, const char *url, uint64_t now,
                            struct cm_document_bytes bytes)
{
    /* body and chain are bounded by the HTTP client */
    const size_t cap =
        MAGIC_SIZE + 8 + 3 * 4 + strlen(url) + bytes.chain.len + bytes.body.len + CM_SHA256_SIZE;
    uint8_t digest[CM_SHA256_SIZE];
    char path[2048] = "";
    uint8_t *file = NULL;
    struct cm_wr w;
    enum cm_status st = CM_OK;

    CM_TRY(path_of(folder, url, path, sizeof(path)));
    file = malloc(cap);
    if (file == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(file, cap);
    cm_wr_bytes(&w, MAGIC, MAGIC_SIZE);
    cm_wr_u64le(&w, now);
    put_block(&w, cm_span_make(url, strlen(url)));
    put_block(&w, bytes.chain);
    put_block(&w, bytes.body);
    CM_TRY(cm_sha256_of(cm_span_make(file, w.used), digest));
    cm_wr_bytes(&w, digest, sizeof(digest));
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_file_write_atomic(path, cm_span_make(file, w.used), 0600, NULL));
out:
    free(file);
    return st;
}
