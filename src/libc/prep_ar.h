/*
 * Reading and writing `ar` archives of relocatable objects, for the build-time preparation of the
 * inside libraries. Host side only. The archives come from installed Debian packages: they are not
 * hostile, but a changed or damaged one must stop the build with a sentence and never be half-read.
 */
#ifndef CM_LIBC_PREP_AR_H
#define CM_LIBC_PREP_AR_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"
#include "libc/prep_elf.h"

/* Growing byte buffer; bad becomes true when memory runs out and stays so. */
struct cm_prep_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    bool bad;
};

void cm_prep_buf_put(struct cm_prep_buf *b, const void *bytes, size_t len);
void cm_prep_buf_zeros(struct cm_prep_buf *b, size_t len);
void cm_prep_buf_free(struct cm_prep_buf *b);

/* One object of an archive. name and elf.image are owned by the archive when owned is true. */
struct cm_prep_member {
    char *name;             /* unique in the archive once cm_prep_ar_unique_names has run */
    uint8_t *owned;         /* rewritten or separately loaded bytes, or NULL */
    struct cm_prep_elf elf; /* parsed view of the bytes */
    bool added;             /* ours, not the package's */
    bool dropped;
};

struct cm_prep_ar {
    uint8_t **files; /* the input files, whole */
    size_t file_count;
    struct cm_prep_member *members;
    size_t count;
    size_t cap;
};

/* Parses every member of the archive at path into ar, which is all zero at first and may hold the
 * members of others already; why names what is wrong with it. After an error only free it. */
CM_MUST_USE enum cm_status cm_prep_ar_load(struct cm_prep_ar *ar, const char *path,
                                           struct cm_why *why);

/* Appends one object file as a member of ours. */
CM_MUST_USE enum cm_status cm_prep_ar_add_object(struct cm_prep_ar *ar, const char *path,
                                                 struct cm_why *why);

/* Gives members of equal name different names, so that unpacking the archive loses none of them. */
CM_MUST_USE enum cm_status cm_prep_ar_unique_names(struct cm_prep_ar *ar, struct cm_why *why);

/*
 * Writes the members that are not dropped, with a symbol index, owner 0, time 0 and mode 644, so
 * that equal members give equal bytes. The file appears complete or not at all.
 */
CM_MUST_USE enum cm_status cm_prep_ar_write(const struct cm_prep_ar *ar, const char *path,
                                            struct cm_why *why);

void cm_prep_ar_free(struct cm_prep_ar *ar);

#endif
