/*
 * A block of the debugging heap:
 *
 *   raw block of oe_allocator_*: | padding | struct cm_dblock | the application's bytes | tail |
 *
 * Its last member, the mark, touches the application's first byte and the tail its last one, so that
 * writes beyond either change one of them. Shared by debugheap*.c.
 */
#ifndef CM_ENCLAVE_DEBUGHEAP_BLOCK_H
#define CM_ENCLAVE_DEBUGHEAP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CM_DBLOCK_FRAMES = 12, CM_DBLOCK_FREED_FRAMES = 8 };

struct cm_dblock {
    struct cm_dblock *next;
    struct cm_dblock *previous;
    size_t size;     /* of the application's part */
    uint64_t offset; /* of the application's first byte in the raw block */
    uint32_t tracked;
    uint8_t frame_count;
    uint8_t freed_count;
    uint8_t unused[2];
    uint64_t frames[CM_DBLOCK_FRAMES];             /* of the allocation */
    uint64_t freed_frames[CM_DBLOCK_FREED_FRAMES]; /* of the release */
    uint64_t unused_too;
    uint64_t mark[2];
};
_Static_assert(sizeof(struct cm_dblock) % 16 == 0, "the application's bytes are aligned");

/* What is known of a block when it is no longer looked at under the lock. */
struct cm_dreport {
    size_t size;
    uint8_t frame_count;
    uint8_t freed_count;
    uint64_t frames[CM_DBLOCK_FRAMES];
    uint64_t freed_frames[CM_DBLOCK_FREED_FRAMES];
};

/* debugheap.c */

/*
 * Copies of at most max live blocks, newest first, into out.
 *
 * @param tracked  Only those of oe_debug_malloc_tracking_start().
 * @param bytes    NULL, or how many all of them hold.
 * @return         How many there are, copied or not.
 */
size_t cm_dheap_list(bool tracked, struct cm_dreport *out, size_t max, size_t *bytes);

/* A block that is not tracked, and that the application frees. */
char *cm_dheap_text(size_t size);

/* debugheap_report.c */

/* Says on the host's stderr what is wrong with a block, and ends the enclave. */
_Noreturn void cm_dheap_die(const char *what, const struct cm_dreport *block);

/* Lists what was not freed on the host's stdout. */
void cm_dheap_leaks(void);

#endif
