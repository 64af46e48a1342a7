/*
 * One protected file over storage that the host controls (docs/protected-files.md): header, tree and
 * data. Knows no paths and no descriptors; the same code inside and in tests. Results are lengths or
 * 0, or -errno: -EBADMSG for bytes that were not written like that, -EIO where the storage fails.
 *
 * A file is used by one thread at a time: its owner locks.
 */
#ifndef CM_PFS_PFS_FILE_H
#define CM_PFS_PFS_FILE_H

#include "crypto/crypto.h"
#include "pfs/pfs_format.h"

/* The storage. Each call does all that was asked, 0, or fails: -errno. */
struct cm_pfs_under {
    long (*read)(void *ctx, void *buf, size_t n, uint64_t at); /* beyond the end: -EBADMSG */
    long (*write)(void *ctx, const void *buf, size_t n, uint64_t at);
    long (*resize)(void *ctx, uint64_t len);
    long (*sync)(void *ctx);
    long (*length)(void *ctx, uint64_t *len);
};

/* Where the keys come from. The key is of 16 to 64 bytes; the file wipes it. */
enum { CM_PFS_BASE_MAX = 64 };

struct cm_pfs_base {
    uint8_t bytes[CM_PFS_BASE_MAX];
    size_t len;
};

struct cm_pfs_keys {
    /* for a new file: sets head's kind and info */
    long (*make)(void *ctx, struct cm_pfs_head *head, struct cm_pfs_base *out);
    /* UNTRUSTED head; -EKEYREJECTED when it asks for a key that its user does not want */
    long (*find)(void *ctx, const struct cm_pfs_head *head, struct cm_pfs_base *out);
    long (*random)(void *out, size_t n);
};

/* All that a file stands on; the members are borrowed for as long as it is open. */
struct cm_pfs_ground {
    const struct cm_pfs_under *under;
    void *storage;
    const struct cm_pfs_keys *keys;
    void *key_ctx;
};

struct cm_pfs_file;

/* What a file is at a commit, for those who keep it elsewhere. */
struct cm_pfs_state {
    uint64_t revision;
    uint8_t digest[CM_SHA256_SIZE];
};

/* Flags of cm_pfs_open. */
enum {
    CM_PFS_OPEN_WRITE = 1,
    CM_PFS_OPEN_RECOVER = 2, /* take a file whose last close was cut off: -EUCLEAN without */
};

/** Writes an empty file, closed, that stands at name. The storage is empty. */
long cm_pfs_create(const struct cm_pfs_ground *ground, const uint8_t name[CM_PFS_NAME]);

/**
 * Opens a file that stands at name.
 * @return 0; -EBADMSG (changed, another file, another key), -EKEYREJECTED (another policy's key),
 *         -EUCLEAN, -EOPNOTSUPP (another version), -ENOMEM, the storage's errors
 */
long cm_pfs_open(const struct cm_pfs_ground *ground, const uint8_t name[CM_PFS_NAME],
                 unsigned flags, struct cm_pfs_file **out);

/* From now on it may be written. */
void cm_pfs_may_write(struct cm_pfs_file *f);

/** Commits and frees; f is gone whatever is returned. Nothing is written when nothing changed. */
long cm_pfs_close(struct cm_pfs_file *f);

/** Frees without committing: the file stays as of its last commit. */
void cm_pfs_drop(struct cm_pfs_file *f);

/** Bytes read: less than n only at the end. */
long cm_pfs_read(struct cm_pfs_file *f, void *buf, size_t n, uint64_t at);

/**
 * Bytes written: less than n when the rest failed, an error when nothing was written. After a commit
 * that failed (here the first one, which says that somebody writes) all calls that write fail.
 */
long cm_pfs_write(struct cm_pfs_file *f, const void *buf, size_t n, uint64_t at);

/** Shortens and commits, or extends with zeros. */
long cm_pfs_resize(struct cm_pfs_file *f, uint64_t size);

/** What was written is there after a crash. */
long cm_pfs_commit(struct cm_pfs_file *f);

uint64_t cm_pfs_size(const struct cm_pfs_file *f);

/** Of the last commit. */
long cm_pfs_state_of(struct cm_pfs_file *f, struct cm_pfs_state *out);

/**
 * Before a move the file may stand at both names; after it, at `to` alone.
 * A move is: cm_pfs_move_begin, the host's rename, cm_pfs_move_end.
 */
long cm_pfs_move_begin(struct cm_pfs_file *f, const uint8_t to[CM_PFS_NAME]);
long cm_pfs_move_end(struct cm_pfs_file *f, const uint8_t at[CM_PFS_NAME]);

#endif
