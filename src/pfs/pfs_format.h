/*
 * The bytes of a protected file (docs/protected-files.md): where blocks stand, and the header. The
 * bytes come from storage that the host controls. No I/O, no keys; the same code in tests and fuzzing.
 */
#ifndef CM_PFS_PFS_FORMAT_H
#define CM_PFS_PFS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/reader.h"
#include "common/writer.h"

#define CM_PFS_BLOCK      4096u
#define CM_PFS_FANOUT     128u
#define CM_PFS_SHIFT      7u  /* 2^7 entries a node */
#define CM_PFS_RUN        16u /* data blocks that stand together */
#define CM_PFS_LEVELS_MAX 4u
#define CM_PFS_SIZE_MAX   ((uint64_t)1 << 40) /* 128^4 blocks of 4096 bytes */
#define CM_PFS_GEN_MAX    0x7fffffffu

enum {
    CM_PFS_ID = 16,
    CM_PFS_SALT = 32,
    CM_PFS_INFO = 512, /* a KEYREQUEST */
    CM_PFS_KEY = 32,
    CM_PFS_NONCE = 12,
    CM_PFS_TAG = 16,
    CM_PFS_NAME = 32, /* the digest of a path */
    CM_PFS_ENTRY = 32,
    CM_PFS_FIXED_LEN = 576,  /* of a header: what never changes, before the wrapped key */
    CM_PFS_BODY_AT = 652,    /* of a header: where the encrypted part begins */
    CM_PFS_BODY_TAG_AT = 636 /* its tag; what stands before is authenticated with it */
};

/* Whose key wraps the file's. */
enum cm_pfs_kind { CM_PFS_KIND_SIGNER = 1, CM_PFS_KIND_ENCLAVE = 2, CM_PFS_KIND_GIVEN = 3 };

/* What a node says of a child: which of its two places holds it, sealed with what. */
struct cm_pfs_entry {
    uint8_t nonce[CM_PFS_NONCE];
    uint8_t tag[CM_PFS_TAG];
    uint32_t gen; /* the commit that it belongs to; 0: there is no child, it reads as zeros */
    unsigned slot;
};

/* The open part of a header. */
struct cm_pfs_head {
    uint16_t kind;
    uint8_t id[CM_PFS_ID];     /* of the file, random */
    uint8_t salt[CM_PFS_SALT]; /* of the wrapping key's derivation, random */
    uint8_t info[CM_PFS_INFO]; /* of the seal key; zeros under a given key */
    uint8_t wrapped[CM_PFS_KEY];
    uint8_t wrap_tag[CM_PFS_TAG];
    uint8_t nonce[CM_PFS_NONCE]; /* of the body */
    uint8_t tag[CM_PFS_TAG];
};

/* The encrypted part. */
struct cm_pfs_body {
    uint64_t version;  /* counts commits */
    uint64_t revision; /* counts commits that changed the contents */
    bool open;         /* somebody was writing: blocks behind `blocks` are leftovers */
    uint32_t levels;   /* of nodes above the data */
    uint64_t size;     /* in bytes */
    uint64_t blocks;   /* of the host's file, the headers included */
    struct cm_pfs_entry root;
    uint8_t before[CM_PFS_TAG]; /* the tag of the header that this one followed */
    uint8_t name[CM_PFS_NAME];  /* the path that it stands at */
    uint8_t next[CM_PFS_NAME];  /* zeros, or where it is being moved to */
};

/** Reads the open part; CM_ERR_UNSUPPORTED: another version of the format. */
CM_MUST_USE enum cm_status cm_pfs_head_read(const uint8_t block[CM_PFS_BLOCK],
                                            struct cm_pfs_head *out);
void cm_pfs_head_write(const struct cm_pfs_head *head, uint8_t block[CM_PFS_BLOCK]);

/**
 * Reads the decrypted part of a header, CM_PFS_BLOCK - CM_PFS_BODY_AT bytes.
 * @retval CM_ERR_FORMAT  no state that a file can be in
 */
CM_MUST_USE enum cm_status cm_pfs_body_read(const uint8_t *bytes, struct cm_pfs_body *out);
void cm_pfs_body_write(const struct cm_pfs_body *body, uint8_t *bytes);

/* One entry among those of a node. */
void cm_pfs_entry_read(const uint8_t bytes[CM_PFS_ENTRY], struct cm_pfs_entry *out);
void cm_pfs_entry_write(const struct cm_pfs_entry *entry, uint8_t bytes[CM_PFS_ENTRY]);

/* The level of data; nodes have 0 (whose children are data) to CM_PFS_LEVELS_MAX - 1. */
#define CM_PFS_DATA (-1)

/** Which block of the host's file a block of the tree has in that slot. */
uint64_t cm_pfs_place(int level, uint64_t index, unsigned slot);

/** No block of a file of so many data blocks stands there or behind. */
uint64_t cm_pfs_bound(uint64_t data_blocks, uint32_t levels);

/** How many levels of nodes so many data blocks need. */
uint32_t cm_pfs_levels_of(uint64_t data_blocks);

/** Data blocks of so many bytes. */
static inline uint64_t cm_pfs_blocks_of(uint64_t size)
{
    return size / CM_PFS_BLOCK + (size % CM_PFS_BLOCK != 0);
}

#endif
