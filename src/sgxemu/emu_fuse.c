/*
 * The emulated platform's secrets: a file of the user that stands in for fuses. Sealed data survive
 * restarts because of it and die with it, so it is never overwritten, not even when damaged.
 */
#include "sgxemu/emu_keys.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "os/os.h"

/* magic 8, version 4, reserved 4, prov_root, seal_fuses, owner_epoch, cpusvn, SHA-256 of all that */
#define FUSE_BODY  80u
#define FUSE_SIZE  (FUSE_BODY + CM_SHA256_SIZE)
#define FUSE_MAGIC "CMSGXEMU"
#define FUSE_NAME  CM_EMU_PLATFORM_FILE
#define CPUSVN_NOW 4u /* every component of a new platform's CPUSVN: room for older requests */

static enum cm_status random_bytes(uint8_t *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = getrandom(p + done, n - done, 0);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return CM_ERR_PLATFORM;
        }
        done += (size_t)got;
    }
    return CM_OK;
}

static enum cm_status parse(struct cm_span file, struct cm_emu_platform *p)
{
    enum cm_status st = CM_OK;
    struct cm_rd r = cm_rd_init(file);
    uint8_t magic[8] = {0};
    uint8_t sum[CM_SHA256_SIZE] = {0};
    uint8_t want[CM_SHA256_SIZE] = {0};
    uint32_t version = 0;

    cm_rd_copy(&r, magic, sizeof(magic));
    version = cm_rd_u32le(&r);
    cm_rd_zero(&r, 4);
    cm_rd_copy(&r, p->prov_root, 16);
    cm_rd_copy(&r, p->seal_fuses, 16);
    cm_rd_copy(&r, p->owner_epoch, 16);
    cm_rd_copy(&r, p->cpusvn, 16);
    cm_rd_copy(&r, sum, sizeof(sum));
    CM_TRY(cm_rd_finish(&r));
    CM_TRY(cm_sha256_of(cm_span_make(file.ptr, FUSE_BODY), want));
    if (memcmp(magic, FUSE_MAGIC, sizeof(magic)) != 0 || version != 1 ||
        !cm_ct_equal(sum, want, sizeof(sum))) {
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

static enum cm_status compose(uint8_t out[FUSE_SIZE])
{
    enum cm_status st = CM_OK;
    struct cm_wr w = cm_wr_init(out, FUSE_SIZE);
    uint8_t secret[48] = {0};
    uint8_t sum[CM_SHA256_SIZE] = {0};

    CM_TRY(random_bytes(secret, sizeof(secret)));
    cm_wr_bytes(&w, FUSE_MAGIC, 8);
    cm_wr_u32le(&w, 1);
    cm_wr_u32le(&w, 0);
    cm_wr_bytes(&w, secret, sizeof(secret));
    cm_wr_fill(&w, CPUSVN_NOW, 16);
    CM_TRY(cm_sha256_of(cm_span_make(out, FUSE_BODY), sum));
    cm_wr_bytes(&w, sum, sizeof(sum));
    st = cm_wr_finish(&w);
out:
    cm_wipe(secret, sizeof(secret));
    return st;
}

/* However many processes race, one file gets the name, and every racer reads that one. */
static enum cm_status create(const char *path, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t file[FUSE_SIZE] = {0};

    CM_TRY(compose(file));
    CM_TRY(cm_file_create_once(path, cm_span_make(file, sizeof(file)), 0600, why));
out:
    cm_wipe(file, sizeof(file));
    return st;
}

enum cm_status cm_emu_platform_load(struct cm_emu_platform *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_emu_platform p;
    struct cm_why quiet = {{0}};
    char path[4096] = "";
    uint8_t *file = NULL;
    size_t len = 0;

    memset(&p, 0, sizeof(p));
    CM_TRY(cm_state_dir(path, sizeof(path) - sizeof("/" FUSE_NAME), why));
    (void)snprintf(path + strlen(path), sizeof("/" FUSE_NAME), "/%s", FUSE_NAME);
    st = cm_file_read_private(path, FUSE_SIZE, &file, &len, &quiet);
    if (st == CM_ERR_NOTFOUND) {
        CM_TRY(create(path, why));
        st = cm_file_read_private(path, FUSE_SIZE, &file, &len, why);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s", quiet.text);
    }
    if (st != CM_OK) {
        goto out;
    }
    st = parse(cm_span_make(file, len), &p);
    if (st != CM_OK) {
        cm_why_set(why, "%s: damaged. Restore it, or remove it and lose what this platform sealed",
                   path);
        goto out;
    }
    CM_TRY(random_bytes(p.report_keyid, sizeof(p.report_keyid)));
    *out = p;
out:
    if (file != NULL) {
        cm_wipe(file, len);
    }
    free(file);
    cm_wipe(&p, sizeof(p));
    return st;
}

enum cm_status cm_emu_platform_get(const struct cm_emu_platform **out, struct cm_why *why)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct cm_emu_platform platform;
    static const struct cm_emu_platform *_Atomic loaded; /* leaves take it without the lock */
    const struct cm_emu_platform *p = atomic_load(&loaded);
    enum cm_status st = CM_OK;

    if (p != NULL) {
        *out = p;
        return CM_OK;
    }
    (void)pthread_mutex_lock(&lock);
    if (atomic_load(&loaded) == NULL) {
        st = cm_emu_platform_load(&platform, why);
    }
    if (st == CM_OK) {
        atomic_store(&loaded, &platform);
        *out = &platform;
    }
    (void)pthread_mutex_unlock(&lock);
    return st;
}
