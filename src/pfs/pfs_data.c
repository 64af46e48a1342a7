/* Bytes of a protected file: whole blocks in runs, pieces of blocks through the one that is held. */
#include <errno.h>
#include <string.h>

#include "common/wipe.h"
#include "pfs/pfs_inner.h"

static long seal_and_write(struct cm_pfs_file *f, uint64_t index, const uint8_t *plain)
{
    struct cm_pfs_entry entry;
    uint64_t at;
    long r = cm_pfs_tree_get(f, index, &entry);

    if (r != 0) {
        return r;
    }
    cm_pfs_next_slot(f, &entry);
    at = cm_pfs_place(CM_PFS_DATA, index, entry.slot);
    r = cm_pfs_seal_block(f, CM_PFS_DATA, index, plain, &entry, f->run);
    if (r == 0) {
        r = f->ground.under->write(f->ground.storage, f->run, CM_PFS_BLOCK, at * CM_PFS_BLOCK);
    }
    if (r == 0) {
        cm_pfs_reach(f, at);
        r = cm_pfs_tree_set(f, index, &entry);
    }
    return r;
}

long cm_pfs_held_flush(struct cm_pfs_file *f)
{
    long r = 0;

    if (f->held && f->held_dirty) {
        r = seal_and_write(f, f->held_index, f->held_bytes);
        f->held_dirty = r != 0;
    }
    return r;
}

/* Brings a block into memory; one that is not there is zeros. */
static long hold(struct cm_pfs_file *f, uint64_t index)
{
    struct cm_pfs_entry entry;
    long r;

    if (f->held && f->held_index == index) {
        return 0;
    }
    r = cm_pfs_held_flush(f);
    if (r == 0) {
        r = cm_pfs_tree_get(f, index, &entry);
    }
    if (r != 0) {
        return r;
    }
    f->held = false;
    memset(f->held_bytes, 0, CM_PFS_BLOCK);
    if (entry.gen != 0) {
        r = f->ground.under->read(f->ground.storage, f->run, CM_PFS_BLOCK,
                                  cm_pfs_place(CM_PFS_DATA, index, entry.slot) * CM_PFS_BLOCK);
        if (r == 0) {
            r = cm_pfs_open_block(f, CM_PFS_DATA, index, &entry, f->run, f->held_bytes);
        }
    }
    f->held = r == 0;
    f->held_index = index;
    return r;
}

long cm_pfs_held_clear_from(struct cm_pfs_file *f, uint64_t at)
{
    const size_t in_block = at % CM_PFS_BLOCK;
    long r;

    if (in_block == 0) {
        return 0;
    }
    r = hold(f, at / CM_PFS_BLOCK);
    if (r == 0) {
        memset(f->held_bytes + in_block, 0, CM_PFS_BLOCK - in_block);
        f->held_dirty = true;
    }
    return r;
}

/*
 * How many whole blocks from index on, at most `most`, stand one after the other in storage: in one
 * run and all in the same place. Their entries go to out. With `fresh`, for what is to be written.
 */
static long run_of(struct cm_pfs_file *f, uint64_t index, uint64_t most, bool fresh,
                   struct cm_pfs_entry out[CM_PFS_RUN])
{
    const uint64_t in_run = CM_PFS_RUN - index % CM_PFS_RUN;
    uint64_t n;

    most = most < in_run ? most : in_run;
    for (n = 0; n < most; n++) {
        long r = cm_pfs_tree_get(f, index + n, &out[n]);

        if (r != 0) {
            return r;
        }
        if (fresh) {
            cm_pfs_next_slot(f, &out[n]);
        } else if (n != 0 && ((out[n].gen == 0) != (out[0].gen == 0) ||
                              (f->held && index + n == f->held_index))) {
            break;
        }
        if (n != 0 && out[n].slot != out[0].slot) {
            break;
        }
    }
    return (long)n;
}

static long read_run(struct cm_pfs_file *f, uint8_t *buf, uint64_t index, uint64_t most)
{
    struct cm_pfs_entry entries[CM_PFS_RUN];
    long n = run_of(f, index, most, false, entries);
    long r = 0;

    if (n <= 0) {
        return n;
    }
    if (entries[0].gen == 0) {
        memset(buf, 0, (size_t)n * CM_PFS_BLOCK);
        return n;
    }
    r = f->ground.under->read(f->ground.storage, f->run, (size_t)n * CM_PFS_BLOCK,
                              cm_pfs_place(CM_PFS_DATA, index, entries[0].slot) * CM_PFS_BLOCK);
    for (long i = 0; i < n && r == 0; i++) {
        r = cm_pfs_open_block(f, CM_PFS_DATA, index + (uint64_t)i, &entries[i],
                              f->run + i * (long)CM_PFS_BLOCK, buf + i * (long)CM_PFS_BLOCK);
    }
    return r != 0 ? r : n;
}

long cm_pfs_read(struct cm_pfs_file *f, void *buf, size_t n, uint64_t at)
{
    uint8_t *out = buf;
    size_t done = 0;
    long r = 0;

    if (at >= f->body.size) {
        return 0;
    }
    if (n > f->body.size - at) {
        n = (size_t)(f->body.size - at);
    }
    while (done < n && r >= 0) {
        const uint64_t index = (at + done) / CM_PFS_BLOCK;
        const size_t in_block = (at + done) % CM_PFS_BLOCK;
        const size_t left = n - done;

        if (in_block == 0 && left >= CM_PFS_BLOCK && !(f->held && f->held_index == index)) {
            r = read_run(f, out + done, index, left / CM_PFS_BLOCK);
            done += r > 0 ? (size_t)r * CM_PFS_BLOCK : 0;
        } else {
            const size_t room = CM_PFS_BLOCK - in_block;
            const size_t take = left < room ? left : room;

            r = hold(f, index);
            if (r == 0) {
                memcpy(out + done, f->held_bytes + in_block, take);
                done += take;
            }
        }
    }
    if (r < 0) {
        cm_wipe(out, n); /* all or nothing */
        return r;
    }
    return (long)n;
}

static long write_run(struct cm_pfs_file *f, const uint8_t *buf, uint64_t index, uint64_t most)
{
    struct cm_pfs_entry entries[CM_PFS_RUN];
    long n = run_of(f, index, most, true, entries);
    uint64_t at;
    long r = 0;

    if (n <= 0) {
        return n;
    }
    at = cm_pfs_place(CM_PFS_DATA, index, entries[0].slot);
    for (long i = 0; i < n && r == 0; i++) {
        r = cm_pfs_seal_block(f, CM_PFS_DATA, index + (uint64_t)i, buf + i * (long)CM_PFS_BLOCK,
                              &entries[i], f->run + i * (long)CM_PFS_BLOCK);
    }
    if (r == 0) {
        r = f->ground.under->write(f->ground.storage, f->run, (size_t)n * CM_PFS_BLOCK,
                                   at * CM_PFS_BLOCK);
    }
    if (r != 0) {
        return r;
    }
    cm_pfs_reach(f, at + (uint64_t)n - 1);
    for (long i = 0; i < n; i++) {
        r = cm_pfs_tree_set(f, index + (uint64_t)i, &entries[i]);
        if (r != 0) {
            return i != 0 ? i : r;
        }
        if (f->held && f->held_index == index + (uint64_t)i) {
            f->held = false; /* all of it was written anew */
            f->held_dirty = false;
        }
    }
    return n;
}

static long write_piece(struct cm_pfs_file *f, const uint8_t *buf, size_t n, uint64_t at)
{
    const size_t room = CM_PFS_BLOCK - at % CM_PFS_BLOCK;
    const size_t take = n < room ? n : room;
    long r = hold(f, at / CM_PFS_BLOCK);

    if (r != 0) {
        return r;
    }
    memcpy(f->held_bytes + at % CM_PFS_BLOCK, buf, take);
    f->held_dirty = true;
    return (long)take;
}

long cm_pfs_write(struct cm_pfs_file *f, const void *buf, size_t n, uint64_t at)
{
    const uint8_t *in = buf;
    size_t done = 0;
    long r;

    if (n == 0) {
        return 0;
    }
    if (at > CM_PFS_SIZE_MAX || n > CM_PFS_SIZE_MAX - at) {
        return -EFBIG;
    }
    r = cm_pfs_begin(f);
    if (r == 0) {
        r = cm_pfs_tree_grow(f, cm_pfs_blocks_of(at + n));
    }
    while (done < n && r >= 0) {
        const uint64_t here = at + done;

        if (here % CM_PFS_BLOCK == 0 && n - done >= CM_PFS_BLOCK) {
            r = write_run(f, in + done, here / CM_PFS_BLOCK, (n - done) / CM_PFS_BLOCK);
            done += r > 0 ? (size_t)r * CM_PFS_BLOCK : 0;
        } else {
            r = write_piece(f, in + done, n - done, here);
            done += r > 0 ? (size_t)r : 0;
        }
    }
    if (done == 0) {
        return r; /* what reached the storage is in no tree */
    }
    f->changed = true;
    if (at + done > f->body.size) {
        f->body.size = at + done;
    }
    return (long)done;
}
