/*
 * The RELR table of an enclave image or of its module: which words it stands for. UNTRUSTED: its bytes,
 * which have been found in a read-only segment.
 */
#include "common/reader.h"
#include "image/elf_image.h"

enum { WORD = 8, BITS = 63 };

uint64_t cm_image_relr_addend(const struct cm_image *image, uint64_t addr)
{
    struct cm_span word = {NULL, 0};

    if (!cm_image_bytes_at(image, addr, WORD, &word)) {
        return 0; /* a word that is not in the file is zero */
    }
    struct cm_rd r = cm_rd_init(word);

    return cm_rd_u64le(&r);
}

/* Bit n of a bitmap stands for the word n - 1 after `next`. */
static enum cm_status each_of_bitmap(const struct cm_image *image, uint64_t bitmap, uint64_t next,
                                     cm_relr_word *each, void *context, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (next > image->mem_end) { /* bitmaps of nothing could otherwise walk for ever */
        cm_why_set(why, "the RELR table leaves the image");
        return CM_ERR_FORMAT;
    }
    for (unsigned int bit = 1; bit <= BITS && st == CM_OK; bit++) {
        if ((bitmap >> bit & 1U) != 0) {
            st = each(context, next + (uint64_t)(bit - 1) * WORD, why);
        }
    }
    return st;
}

/* An even entry is an address; each odd one is a bitmap of the 63 words that follow. */
enum cm_status cm_image_each_relr(const struct cm_image *image, struct cm_range table,
                                  cm_relr_word *each, void *context, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};
    uint64_t next = 0;
    bool have_next = false;

    if (table.len != 0 && !cm_image_bytes_at(image, table.start, table.len, &bytes)) {
        return CM_ERR_FORMAT;
    }
    struct cm_rd r = cm_rd_init(bytes);

    while (r.left != 0 && st == CM_OK) {
        const uint64_t entry = cm_rd_u64le(&r);

        if ((entry & 1U) == 0) {
            st = each(context, entry, why);
            next = entry + WORD; /* fits when the target lies in the image */
            have_next = true;
        } else if (have_next) {
            st = each_of_bitmap(image, entry, next, each, context, why);
            next += (uint64_t)BITS * WORD;
        } else {
            cm_why_set(why, "the RELR table begins with a bitmap");
            st = CM_ERR_FORMAT;
        }
    }
    return st;
}
