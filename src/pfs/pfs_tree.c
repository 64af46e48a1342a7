/*
 * The tree over the data of a protected file: each node holds what its children were sealed with, so
 * that the root's entry, in the header, decides every byte below it. Nodes come into memory when they
 * are asked for, and go, written, when others need the room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "pfs/pfs_inner.h"

static uint8_t *entry_in(struct cm_pfs_node *n, uint64_t child)
{
    return n->bytes + child % CM_PFS_FANOUT * CM_PFS_ENTRY;
}

/* The entry of a node that is in memory. */
static void entry_of(struct cm_pfs_file *f, const struct cm_pfs_node *n, struct cm_pfs_entry *out)
{
    if (n->parent == NULL) {
        *out = f->body.root;
    } else {
        cm_pfs_entry_read(entry_in(n->parent, n->index), out);
    }
}

static void set_entry_of(struct cm_pfs_file *f, const struct cm_pfs_node *n,
                         const struct cm_pfs_entry *entry)
{
    if (n->parent == NULL) {
        f->body.root = *entry;
    } else {
        cm_pfs_entry_write(entry, entry_in(n->parent, n->index));
        n->parent->dirty = true;
    }
}

static long write_node(struct cm_pfs_file *f, struct cm_pfs_node *n)
{
    struct cm_pfs_entry entry;
    uint64_t at;
    long r;

    entry_of(f, n, &entry);
    cm_pfs_next_slot(f, &entry);
    at = cm_pfs_place(n->level, n->index, entry.slot);
    r = cm_pfs_seal_block(f, n->level, n->index, n->bytes, &entry, f->run);
    if (r == 0) {
        r = f->ground.under->write(f->ground.storage, f->run, CM_PFS_BLOCK, at * CM_PFS_BLOCK);
    }
    if (r == 0) {
        cm_pfs_reach(f, at);
        set_entry_of(f, n, &entry);
        n->dirty = false;
    }
    return r;
}

static void forget(struct cm_pfs_file *f, size_t slot)
{
    struct cm_pfs_node *n = f->nodes[slot];

    if (n != NULL) {
        if (n->parent != NULL) {
            n->parent->children--;
        }
        cm_wipe(n, sizeof(*n));
        free(n);
        f->nodes[slot] = NULL;
    }
}

/* A free place: the one of the node that was not used for longest, and has no child in memory. */
static long make_room(struct cm_pfs_file *f, size_t *slot)
{
    size_t oldest = CM_PFS_NODES;
    long r = 0;

    for (size_t i = 0; i < CM_PFS_NODES; i++) {
        const struct cm_pfs_node *n = f->nodes[i];

        if (n == NULL) {
            *slot = i;
            return 0;
        }
        if (n->children == 0 && (oldest == CM_PFS_NODES || n->used < f->nodes[oldest]->used)) {
            oldest = i;
        }
    }
    if (oldest == CM_PFS_NODES) {
        return -EIO; /* a tree has fewer levels than there are places */
    }
    if (f->nodes[oldest]->dirty) {
        r = write_node(f, f->nodes[oldest]);
    }
    if (r == 0) {
        forget(f, oldest);
        *slot = oldest;
    }
    return r;
}

static struct cm_pfs_node *find(struct cm_pfs_file *f, int level, uint64_t index)
{
    for (size_t i = 0; i < CM_PFS_NODES; i++) {
        struct cm_pfs_node *n = f->nodes[i];

        if (n != NULL && n->level == level && n->index == index) {
            n->used = ++f->clock;
            return n;
        }
    }
    return NULL;
}

/* Reads a node, or begins it with no children when its entry says that there is none. */
static long load(struct cm_pfs_file *f, struct cm_pfs_node *n, const struct cm_pfs_entry *entry)
{
    long r;

    if (entry->gen == 0) {
        return 0;
    }
    r = f->ground.under->read(f->ground.storage, f->run, CM_PFS_BLOCK,
                              cm_pfs_place(n->level, n->index, entry->slot) * CM_PFS_BLOCK);
    return r != 0 ? r : cm_pfs_open_block(f, n->level, n->index, entry, f->run, n->bytes);
}

/* Puts a child of parent into memory. create: also one that is not there; else *out is NULL then. */
static long bring(struct cm_pfs_file *f, struct cm_pfs_node *parent, int level, uint64_t index,
                  bool create, struct cm_pfs_node **out)
{
    struct cm_pfs_entry entry = f->body.root;
    struct cm_pfs_node *n;
    size_t slot = 0;
    long r;

    *out = NULL;
    if (parent != NULL) {
        cm_pfs_entry_read(entry_in(parent, index), &entry);
        parent->children++; /* it stays while room is made */
    }
    n = entry.gen != 0 || create ? calloc(1, sizeof(*n)) : NULL;
    r = n != NULL || (entry.gen == 0 && !create) ? 0 : -ENOMEM;
    if (r == 0 && n != NULL) {
        n->level = level;
        n->index = index;
        n->parent = parent;
        n->used = ++f->clock;
        r = make_room(f, &slot);
    }
    if (r == 0 && n != NULL) {
        r = load(f, n, &entry);
    }
    if (r != 0 || n == NULL) {
        if (parent != NULL) {
            parent->children--;
        }
        free(n);
        return r;
    }
    f->nodes[slot] = n;
    *out = n;
    return 0;
}

/* The node of that level over a data block; NULL without an error: there is none, and !create. */
static long node_over(struct cm_pfs_file *f, int level, uint64_t data, bool create,
                      struct cm_pfs_node **out)
{
    struct cm_pfs_node *n = NULL;
    long r = 0;

    for (int l = (int)f->body.levels - 1; l >= level; l--) {
        const uint64_t index = data >> ((unsigned)(l + 1) * CM_PFS_SHIFT);
        struct cm_pfs_node *child = find(f, l, index);

        if (child == NULL) {
            r = bring(f, n, l, index, create, &child);
        }
        n = child;
        if (r != 0 || n == NULL) {
            break;
        }
    }
    *out = n;
    return r;
}

long cm_pfs_tree_get(struct cm_pfs_file *f, uint64_t index, struct cm_pfs_entry *out)
{
    struct cm_pfs_node *n = NULL;
    long r = 0;

    memset(out, 0, sizeof(*out));
    if (cm_pfs_levels_of(index + 1) > f->body.levels) {
        return 0;
    }
    if (f->body.levels == 0) {
        *out = f->body.root;
        return 0;
    }
    r = node_over(f, 0, index, false, &n);
    if (r == 0 && n != NULL) {
        cm_pfs_entry_read(entry_in(n, index), out);
    }
    return r;
}

long cm_pfs_tree_set(struct cm_pfs_file *f, uint64_t index, const struct cm_pfs_entry *entry)
{
    struct cm_pfs_node *n = NULL;
    long r;

    if (f->body.levels == 0) {
        f->body.root = *entry;
        return 0;
    }
    r = node_over(f, 0, index, true, &n);
    if (r == 0) {
        cm_pfs_entry_write(entry, entry_in(n, index));
        n->dirty = true;
    }
    return r;
}

/* One more level: the root becomes the first child of a new one. */
static long add_level(struct cm_pfs_file *f)
{
    const struct cm_pfs_entry below = f->body.root;
    const struct cm_pfs_entry none = {.gen = 0};
    const int level = (int)f->body.levels;
    struct cm_pfs_node *old = level == 0 ? NULL : find(f, level - 1, 0);
    struct cm_pfs_node *n = NULL;
    long r;

    if (old != NULL) {
        old->children++; /* it stays while room is made */
    }
    f->body.root = none;
    r = bring(f, NULL, level, 0, true, &n);
    if (old != NULL) {
        old->children--;
    }
    if (r != 0) {
        f->body.root = below;
        return r;
    }
    cm_pfs_entry_write(&below, entry_in(n, 0));
    n->dirty = true;
    if (old != NULL) {
        old->parent = n;
        n->children++;
    }
    f->body.levels++;
    return 0;
}

long cm_pfs_tree_grow(struct cm_pfs_file *f, uint64_t data_blocks)
{
    const uint32_t want = cm_pfs_levels_of(data_blocks);
    long r = 0;

    while (r == 0 && f->body.levels < want) {
        r = f->body.root.gen == 0 && find(f, (int)f->body.levels - 1, 0) == NULL
                ? (f->body.levels++, 0) /* nothing is there yet */
                : add_level(f);
    }
    return r;
}

/* Nodes in memory that have nothing but data from that block on; children before parents. */
static void forget_from(struct cm_pfs_file *f, uint64_t data)
{
    for (int level = 0; level < (int)CM_PFS_LEVELS_MAX; level++) {
        for (size_t i = 0; i < CM_PFS_NODES; i++) {
            const struct cm_pfs_node *n = f->nodes[i];

            if (n != NULL && n->level == level &&
                n->index << ((unsigned)(level + 1) * CM_PFS_SHIFT) >= data) {
                forget(f, i);
            }
        }
    }
}

long cm_pfs_tree_cut(struct cm_pfs_file *f, uint64_t data_blocks)
{
    const struct cm_pfs_entry none = {.gen = 0};
    long r = 0;

    forget_from(f, data_blocks);
    if (data_blocks == 0) {
        f->body.root = none;
        f->body.levels = 0;
        return 0;
    }
    for (int level = (int)f->body.levels - 1; level >= 0 && r == 0; level--) {
        const uint64_t last = (data_blocks - 1) >> ((unsigned)level * CM_PFS_SHIFT);
        struct cm_pfs_node *n = NULL;

        r = node_over(f, level, data_blocks - 1, false, &n);
        if (r != 0 || n == NULL) {
            break;
        }
        for (uint64_t i = last % CM_PFS_FANOUT + 1; i < CM_PFS_FANOUT; i++) {
            cm_pfs_entry_write(&none, entry_in(n, i));
        }
        n->dirty = true;
    }
    return r;
}

long cm_pfs_tree_flush(struct cm_pfs_file *f)
{
    long r = 0;

    for (int level = 0; level < (int)f->body.levels && r == 0; level++) {
        for (size_t i = 0; i < CM_PFS_NODES && r == 0; i++) {
            struct cm_pfs_node *n = f->nodes[i];

            if (n != NULL && n->level == level && n->dirty) {
                r = write_node(f, n);
            }
        }
    }
    return r;
}

void cm_pfs_tree_free(struct cm_pfs_file *f)
{
    forget_from(f, 0);
}
