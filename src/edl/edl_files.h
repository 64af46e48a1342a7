/* Writing a set of files so that either all appear or none. Used by edl_compile.c. */
#ifndef CM_EDL_FILES_H
#define CM_EDL_FILES_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "os/os.h"

struct cm_edl_output_file {
    char *path; /* heap */
    char *text; /* heap */
    size_t len;
    bool made; /* there was no such file, and now it is there */
    struct cm_draft draft;
};

/* Begin with zeros. */
struct cm_edl_output_set {
    struct cm_edl_output_file *files;
    size_t count;
    char **folders; /* those that were made for it, outer ones first; heap */
    size_t folder_count;
};

/** Takes text over, also on failure. CM_ERR_EXISTS when the set has the path already. */
CM_MUST_USE enum cm_status cm_edl_set_add(struct cm_edl_output_set *set, const char *dir,
                                          const char *name, char *text, size_t len);

/** Create the missing folders of dir; the set knows which those are. */
CM_MUST_USE enum cm_status cm_edl_make_dirs(struct cm_edl_output_set *set, const char *dir,
                                            struct cm_why *why);

/**
 * Write every file, look whether each can have its name, then give the names. After a failure call
 * cm_edl_set_undo().
 */
CM_MUST_USE enum cm_status cm_edl_set_write(struct cm_edl_output_set *set, struct cm_why *why);

/** Take away the files and folders that this set has made; what was there before stays. */
void cm_edl_set_undo(struct cm_edl_output_set *set);

void cm_edl_set_free(struct cm_edl_output_set *set);

#endif
