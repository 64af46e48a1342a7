/* See pfs_format.h. */
#include "pfs/pfs_format.h"

#include <string.h>

enum {
    VERSION = 1,
    HEADERS = 2, /* blocks at the start of the file */
    HEAD_LEN = CM_PFS_BODY_AT,
    BODY_LEN = CM_PFS_BLOCK - CM_PFS_BODY_AT,
    BODY_USED = 8 + 8 + 4 + 4 + 8 + 8 + CM_PFS_ENTRY + CM_PFS_TAG + 2 * CM_PFS_NAME,
    LEAF_SLOTS = 2,
    UPPER_SLOTS = 2,
    SEGMENT = LEAF_SLOTS + UPPER_SLOTS + 2 * CM_PFS_FANOUT,
};

static const uint8_t magic[8] = {0x89, 'C', 'M', 'P', 'F', 'S', '\r', '\n'};

_Static_assert(sizeof(magic) + 8 + CM_PFS_ID + CM_PFS_SALT + CM_PFS_INFO == CM_PFS_FIXED_LEN,
               "what never changes");
_Static_assert(CM_PFS_FIXED_LEN + CM_PFS_KEY + CM_PFS_TAG + CM_PFS_NONCE == CM_PFS_BODY_TAG_AT &&
                   CM_PFS_BODY_TAG_AT + CM_PFS_TAG == CM_PFS_BODY_AT,
               "the header's layout");

enum cm_status cm_pfs_head_read(const uint8_t block[CM_PFS_BLOCK], struct cm_pfs_head *out)
{
    struct cm_rd r = cm_rd_init(cm_span_make(block, HEAD_LEN));
    uint8_t begin[sizeof(magic)];
    uint16_t version;

    memset(out, 0, sizeof(*out));
    cm_rd_copy(&r, begin, sizeof(begin));
    version = cm_rd_u16le(&r);
    out->kind = cm_rd_u16le(&r);
    cm_rd_zero(&r, 4);
    cm_rd_copy(&r, out->id, sizeof(out->id));
    cm_rd_copy(&r, out->salt, sizeof(out->salt));
    cm_rd_copy(&r, out->info, sizeof(out->info));
    cm_rd_copy(&r, out->wrapped, sizeof(out->wrapped));
    cm_rd_copy(&r, out->wrap_tag, sizeof(out->wrap_tag));
    cm_rd_copy(&r, out->nonce, sizeof(out->nonce));
    cm_rd_copy(&r, out->tag, sizeof(out->tag));
    if (cm_rd_finish(&r) != CM_OK || memcmp(begin, magic, sizeof(magic)) != 0) {
        return CM_ERR_FORMAT;
    }
    if (version != VERSION) {
        return CM_ERR_UNSUPPORTED;
    }
    return out->kind >= CM_PFS_KIND_SIGNER && out->kind <= CM_PFS_KIND_GIVEN ? CM_OK
                                                                             : CM_ERR_FORMAT;
}

void cm_pfs_head_write(const struct cm_pfs_head *head, uint8_t block[CM_PFS_BLOCK])
{
    struct cm_wr w = cm_wr_init(block, HEAD_LEN);

    cm_wr_bytes(&w, magic, sizeof(magic));
    cm_wr_u16le(&w, VERSION);
    cm_wr_u16le(&w, head->kind);
    cm_wr_u32le(&w, 0);
    cm_wr_bytes(&w, head->id, sizeof(head->id));
    cm_wr_bytes(&w, head->salt, sizeof(head->salt));
    cm_wr_bytes(&w, head->info, sizeof(head->info));
    cm_wr_bytes(&w, head->wrapped, sizeof(head->wrapped));
    cm_wr_bytes(&w, head->wrap_tag, sizeof(head->wrap_tag));
    cm_wr_bytes(&w, head->nonce, sizeof(head->nonce));
    cm_wr_bytes(&w, head->tag, sizeof(head->tag));
}

static void read_entry(struct cm_rd *r, struct cm_pfs_entry *out)
{
    uint32_t word;

    cm_rd_copy(r, out->nonce, sizeof(out->nonce));
    cm_rd_copy(r, out->tag, sizeof(out->tag));
    word = cm_rd_u32le(r);
    out->gen = word & CM_PFS_GEN_MAX;
    out->slot = word >> 31;
}

static void write_entry(struct cm_wr *w, const struct cm_pfs_entry *entry)
{
    cm_wr_bytes(w, entry->nonce, sizeof(entry->nonce));
    cm_wr_bytes(w, entry->tag, sizeof(entry->tag));
    cm_wr_u32le(w, entry->gen | (uint32_t)entry->slot << 31);
}

void cm_pfs_entry_read(const uint8_t bytes[CM_PFS_ENTRY], struct cm_pfs_entry *out)
{
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, CM_PFS_ENTRY));

    read_entry(&r, out);
}

void cm_pfs_entry_write(const struct cm_pfs_entry *entry, uint8_t bytes[CM_PFS_ENTRY])
{
    struct cm_wr w = cm_wr_init(bytes, CM_PFS_ENTRY);

    write_entry(&w, entry);
}

enum cm_status cm_pfs_body_read(const uint8_t *bytes, struct cm_pfs_body *out)
{
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, BODY_LEN));
    uint32_t flags;

    memset(out, 0, sizeof(*out));
    out->version = cm_rd_u64le(&r);
    out->revision = cm_rd_u64le(&r);
    flags = cm_rd_u32le(&r);
    out->open = flags == 1;
    out->levels = cm_rd_u32le(&r);
    out->size = cm_rd_u64le(&r);
    out->blocks = cm_rd_u64le(&r);
    read_entry(&r, &out->root);
    cm_rd_copy(&r, out->before, sizeof(out->before));
    cm_rd_copy(&r, out->name, sizeof(out->name));
    cm_rd_copy(&r, out->next, sizeof(out->next));
    cm_rd_zero(&r, BODY_LEN - BODY_USED);
    if (cm_rd_finish(&r) != CM_OK || flags > 1 || out->version == 0 ||
        out->version > CM_PFS_GEN_MAX || out->revision > out->version ||
        out->size > CM_PFS_SIZE_MAX || out->levels > CM_PFS_LEVELS_MAX ||
        out->root.gen > out->version || out->blocks < HEADERS ||
        out->blocks > cm_pfs_bound(CM_PFS_SIZE_MAX / CM_PFS_BLOCK, CM_PFS_LEVELS_MAX)) {
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

void cm_pfs_body_write(const struct cm_pfs_body *body, uint8_t *bytes)
{
    struct cm_wr w = cm_wr_init(bytes, BODY_LEN);

    cm_wr_u64le(&w, body->version);
    cm_wr_u64le(&w, body->revision);
    cm_wr_u32le(&w, body->open ? 1 : 0);
    cm_wr_u32le(&w, body->levels);
    cm_wr_u64le(&w, body->size);
    cm_wr_u64le(&w, body->blocks);
    write_entry(&w, &body->root);
    cm_wr_bytes(&w, body->before, sizeof(body->before));
    cm_wr_bytes(&w, body->name, sizeof(body->name));
    cm_wr_bytes(&w, body->next, sizeof(body->next));
    cm_wr_fill(&w, 0, BODY_LEN - BODY_USED);
}

static uint64_t segment(uint64_t number)
{
    return HEADERS + number * SEGMENT;
}

/*
 * A segment holds a leaf node and its data, each in two places, and has room for one node of a higher
 * level: node i of level l is in segment 128^l * i + l, which differs for all of them. Data stand in
 * runs, so that neighbours are read and written at once: 16 in their first places, 16 in their second.
 */
uint64_t cm_pfs_place(int level, uint64_t index, unsigned slot)
{
    if (level == CM_PFS_DATA) {
        const uint64_t in_segment = index % CM_PFS_FANOUT;

        return segment(index / CM_PFS_FANOUT) + LEAF_SLOTS + UPPER_SLOTS +
               in_segment / CM_PFS_RUN * (2 * (uint64_t)CM_PFS_RUN) + (uint64_t)slot * CM_PFS_RUN +
               in_segment % CM_PFS_RUN;
    }
    if (level == 0) {
        return segment(index) + slot;
    }
    return segment((index << ((unsigned)level * CM_PFS_SHIFT)) + (unsigned)level) + LEAF_SLOTS +
           slot;
}

uint64_t cm_pfs_bound(uint64_t data_blocks, uint32_t levels)
{
    uint64_t bound = HEADERS;

    if (data_blocks == 0) {
        return bound;
    }
    bound = segment((data_blocks - 1) / CM_PFS_FANOUT + 1);
    for (uint32_t level = 1; level < levels; level++) {
        const uint64_t last = (data_blocks - 1) >> ((level + 1) * CM_PFS_SHIFT);
        const uint64_t end = cm_pfs_place((int)level, last, 1) + 1;

        bound = end > bound ? end : bound;
    }
    return bound;
}

uint32_t cm_pfs_levels_of(uint64_t data_blocks)
{
    uint32_t levels = 0;

    while (levels < CM_PFS_LEVELS_MAX && data_blocks > (uint64_t)1 << (levels * CM_PFS_SHIFT)) {
        levels++;
    }
    return levels;
}
