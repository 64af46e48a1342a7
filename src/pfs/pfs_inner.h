/* What the parts of a protected file share: pfs_header.c, pfs_tree.c, pfs_data.c, pfs_file.c. */
#ifndef CM_PFS_PFS_INNER_H
#define CM_PFS_PFS_INNER_H

#include "pfs/pfs_file.h"

enum { CM_PFS_NODES = 32 }; /* in memory: 16 MiB of a file without loading one */

/* A node of the tree in memory. Its parent is in memory as long as it is. */
struct cm_pfs_node {
    int level;
    uint64_t index;
    struct cm_pfs_node *parent; /* NULL: the root */
    unsigned children;          /* in memory */
    bool dirty;
    uint64_t used; /* when, for eviction */
    uint8_t bytes[CM_PFS_BLOCK];
};

struct cm_pfs_file {
    struct cm_pfs_ground ground;
    struct cm_gcm *gcm; /* the file's key */
    struct cm_pfs_head head;
    struct cm_pfs_body body;
    bool writable;
    bool began;                  /* the header says that somebody writes */
    bool changed;                /* the contents, since the last commit */
    long failed;                 /* a write did not succeed: nothing is written any more */
    uint8_t nonce[CM_PFS_NONCE]; /* the next one: a number that began at random */
    uint64_t clock;
    struct cm_pfs_node *nodes[CM_PFS_NODES];
    /* one data block, for pieces of it */
    bool held;
    bool held_dirty;
    uint64_t held_index;
    uint8_t held_bytes[CM_PFS_BLOCK];
    uint8_t run[CM_PFS_RUN * CM_PFS_BLOCK]; /* sealed blocks on their way */
};

/* pfs_header.c */
long cm_pfs_header_make(struct cm_pfs_file *f);
long cm_pfs_header_load(struct cm_pfs_file *f, unsigned flags);
/* Writes f->body with its version as the next header; closing: into both places, at the file's end. */
long cm_pfs_header_store(struct cm_pfs_file *f, bool closing);

/* The generation of what is written now. */
static inline uint32_t cm_pfs_gen(const struct cm_pfs_file *f)
{
    return (uint32_t)(f->body.version + 1);
}

/* A block of the tree, sealed as that one; sets entry's nonce and tag. */
long cm_pfs_seal_block(struct cm_pfs_file *f, int level, uint64_t index, const uint8_t *plain,
                       struct cm_pfs_entry *entry, uint8_t *out);
/* -EBADMSG, and zeros, when it is not what the entry says. */
long cm_pfs_open_block(struct cm_pfs_file *f, int level, uint64_t index,
                       const struct cm_pfs_entry *entry, const uint8_t *sealed, uint8_t *out);

/* Where the next version goes: never over what the last commit has. */
void cm_pfs_next_slot(const struct cm_pfs_file *f, struct cm_pfs_entry *entry);

/* -errno of a status of src/crypto */
long cm_pfs_errno(enum cm_status st);

/* The file reaches at least to that block of the host's. */
void cm_pfs_reach(struct cm_pfs_file *f, uint64_t block);

/* pfs_tree.c: the entry of a data block; absent ones have gen 0 */
long cm_pfs_tree_get(struct cm_pfs_file *f, uint64_t index, struct cm_pfs_entry *out);
long cm_pfs_tree_set(struct cm_pfs_file *f, uint64_t index, const struct cm_pfs_entry *entry);
/* Room for so many data blocks. */
long cm_pfs_tree_grow(struct cm_pfs_file *f, uint64_t data_blocks);
/* Forgets the data blocks from that one on. */
long cm_pfs_tree_cut(struct cm_pfs_file *f, uint64_t data_blocks);
/* Writes what is dirty. */
long cm_pfs_tree_flush(struct cm_pfs_file *f);
void cm_pfs_tree_free(struct cm_pfs_file *f);

/* pfs_file.c: before the first write, says in the header that somebody writes. */
long cm_pfs_begin(struct cm_pfs_file *f);
/* r, an error; from now on nothing is written: the file stays as of its last commit. */
long cm_pfs_fail(struct cm_pfs_file *f, long r);

/* pfs_data.c: the data block that is held in memory */
long cm_pfs_held_flush(struct cm_pfs_file *f);
/* Zeros from that byte on, in its block. */
long cm_pfs_held_clear_from(struct cm_pfs_file *f, uint64_t at);

#endif
