/*
 * The life of a protected file: commits. What a commit wrote is never written over before the next
 * one stands, so a crash at any point leaves one of the two.
 */
#include "pfs/pfs_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "pfs/pfs_inner.h"

long cm_pfs_fail(struct cm_pfs_file *f, long r)
{
    if (f->failed == 0) {
        f->failed = r;
    }
    return r;
}

/* Writes the state as it is; the data are written. */
static long store(struct cm_pfs_file *f, bool closing)
{
    long r = f->ground.under->sync(f->ground.storage);

    if (r == 0 && closing) {
        r = f->ground.under->resize(f->ground.storage, f->body.blocks * CM_PFS_BLOCK);
    }
    if (r == 0 && f->changed) {
        f->body.revision++;
    }
    if (r == 0) {
        r = cm_pfs_header_store(f, closing);
    }
    if (r == 0) {
        f->changed = false;
    }
    return r;
}

long cm_pfs_begin(struct cm_pfs_file *f)
{
    long r = f->failed;

    if (r != 0 || f->began) {
        return r;
    }
    if (!f->writable) {
        return -EBADF;
    }
    r = f->ground.keys->random(f->nonce, sizeof(f->nonce));
    if (r == 0) {
        r = cm_pfs_header_store(f, false);
    }
    f->began = true;
    return r == 0 ? 0 : cm_pfs_fail(f, r);
}

/* All that is in memory only goes to the storage, and the header after it. */
static long commit(struct cm_pfs_file *f, bool closing)
{
    long r = f->failed;

    if (r == 0) {
        r = cm_pfs_held_flush(f);
    }
    if (r == 0) {
        r = cm_pfs_tree_flush(f);
    }
    if (r != 0) {
        return r; /* it may be tried again */
    }
    r = store(f, closing);
    return r == 0 ? 0 : cm_pfs_fail(f, r); /* nobody knows which header stands */
}

long cm_pfs_commit(struct cm_pfs_file *f)
{
    return f->began && f->changed ? commit(f, false) : f->failed;
}

static struct cm_pfs_file *make(const struct cm_pfs_ground *ground)
{
    struct cm_pfs_file *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->ground = *ground;
    }
    return f;
}

void cm_pfs_drop(struct cm_pfs_file *f)
{
    if (f != NULL) {
        cm_pfs_tree_free(f);
        cm_gcm_free(f->gcm);
        cm_wipe(f, sizeof(*f));
        free(f);
    }
}

long cm_pfs_create(const struct cm_pfs_ground *ground, const uint8_t name[CM_PFS_NAME])
{
    struct cm_pfs_file *f = make(ground);
    long r = f == NULL ? -ENOMEM : 0;

    if (r == 0) {
        f->body.blocks = cm_pfs_bound(0, 0);
        memcpy(f->body.name, name, CM_PFS_NAME);
        r = cm_pfs_header_make(f);
    }
    if (r == 0) {
        r = ground->keys->random(f->nonce, sizeof(f->nonce));
    }
    if (r == 0) {
        r = cm_pfs_header_store(f, true);
    }
    cm_pfs_drop(f);
    return r;
}

long cm_pfs_open(const struct cm_pfs_ground *ground, const uint8_t name[CM_PFS_NAME],
                 unsigned flags, struct cm_pfs_file **out)
{
    static const uint8_t none[CM_PFS_NAME];
    struct cm_pfs_file *f = make(ground);
    long r = f == NULL ? -ENOMEM : 0;

    *out = NULL;
    if (r == 0) {
        r = cm_pfs_header_load(f, flags);
    }
    if (r == 0 && memcmp(f->body.name, name, CM_PFS_NAME) != 0 &&
        (memcmp(f->body.next, none, CM_PFS_NAME) == 0 ||
         memcmp(f->body.next, name, CM_PFS_NAME) != 0)) {
        r = -EBADMSG;
    }
    if (r != 0) {
        cm_pfs_drop(f);
        return r;
    }
    f->writable = (flags & CM_PFS_OPEN_WRITE) != 0;
    *out = f;
    return 0;
}

void cm_pfs_may_write(struct cm_pfs_file *f)
{
    f->writable = true;
}

long cm_pfs_close(struct cm_pfs_file *f)
{
    long r = f->began ? commit(f, true) : 0;

    cm_pfs_drop(f);
    return r;
}

uint64_t cm_pfs_size(const struct cm_pfs_file *f)
{
    return f->body.size;
}

static long shorten(struct cm_pfs_file *f, uint64_t size)
{
    const uint64_t blocks = cm_pfs_blocks_of(size);
    uint64_t bound;
    long r;

    if (f->held && f->held_index >= blocks) {
        f->held = false;
        f->held_dirty = false;
    }
    r = cm_pfs_tree_cut(f, blocks);
    if (r == 0) {
        r = cm_pfs_held_clear_from(f, size);
    }
    if (r != 0) {
        return cm_pfs_fail(f, r);
    }
    f->body.size = size;
    f->changed = true;
    r = commit(f, false);
    bound = cm_pfs_bound(blocks, f->body.levels);
    if (r == 0 && f->body.blocks > bound) {
        f->body.blocks = bound; /* the next commit says so; only the last one cuts */
    }
    return r;
}

long cm_pfs_resize(struct cm_pfs_file *f, uint64_t size)
{
    long r;

    if (size > CM_PFS_SIZE_MAX) {
        return -EFBIG;
    }
    if (size == f->body.size) {
        return 0;
    }
    r = cm_pfs_begin(f);
    if (r != 0) {
        return r;
    }
    if (size < f->body.size) {
        return shorten(f, size);
    }
    r = cm_pfs_tree_grow(f, cm_pfs_blocks_of(size));
    if (r != 0) {
        return r;
    }
    f->body.size = size;
    f->changed = true;
    return 0;
}

long cm_pfs_state_of(struct cm_pfs_file *f, struct cm_pfs_state *out)
{
    uint8_t bytes[CM_PFS_ID + 8 + 8 + 4 + CM_PFS_ENTRY];
    struct cm_wr w = cm_wr_init(bytes, sizeof(bytes));
    long r = f->failed;

    if (r == 0) {
        r = cm_pfs_commit(f);
    }
    if (r == 0) {
        cm_wr_bytes(&w, f->head.id, sizeof(f->head.id));
        cm_wr_u64le(&w, f->body.revision);
        cm_wr_u64le(&w, f->body.size);
        cm_wr_u32le(&w, f->body.levels);
        cm_pfs_entry_write(&f->body.root, bytes + w.used);
        out->revision = f->body.revision;
        r = cm_pfs_errno(cm_sha256_of(cm_span_make(bytes, sizeof(bytes)), out->digest));
    }
    return r;
}

static long put_names(struct cm_pfs_file *f, const uint8_t name[CM_PFS_NAME],
                      const uint8_t next[CM_PFS_NAME])
{
    long r = cm_pfs_begin(f);

    if (r == 0) {
        memmove(f->body.name, name, CM_PFS_NAME);
        memmove(f->body.next, next, CM_PFS_NAME);
        r = commit(f, false);
    }
    return r;
}

long cm_pfs_move_begin(struct cm_pfs_file *f, const uint8_t to[CM_PFS_NAME])
{
    return put_names(f, f->body.name, to);
}

long cm_pfs_move_end(struct cm_pfs_file *f, const uint8_t at[CM_PFS_NAME])
{
    static const uint8_t none[CM_PFS_NAME];

    return put_names(f, at, none);
}
