/* Writing a set of files so that either all appear or none. Used by edl_compile.c. */
#ifndef CM_EDL_FILES_H
#define CM_EDL_FILES_H

#include <casemate/status.h>
#include <stddef.h>

#include "os/os.h"

struct cm_edl_output_file {
    char *path; /* heap */
    char *text; /* heap */
    size_t len;
    struct cm_draft draft;
};

struct cm_edl_output_set {
    struct cm_edl_output_file *files;
    size_t count;
};

/** Takes text over, also on failure. CM_ERR_EXISTS when the set has the path already. */
CM_MUST_USE enum cm_status cm_edl_set_add(struct cm_edl_output_set *set, const char *dir,
                                          const char *name, char *text, size_t len);

/** Create the missing folders of dir. */
CM_MUST_USE enum cm_status cm_edl_make_dirs(const char *dir, struct cm_why *why);

/** Write every file, then give each its name. On a failure to write there is no new file at all. */
CM_MUST_USE enum cm_status cm_edl_set_write(struct cm_edl_output_set *set, struct cm_why *why);

void cm_edl_set_free(struct cm_edl_output_set *set);

#endif
