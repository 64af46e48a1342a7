/* Growing text, and how EDL types are written in C. Shared by the parts of the emitter. */
#ifndef CM_EDL_OUT_H
#define CM_EDL_OUT_H

#include <casemate/status.h>

#include "edl/edl_ast.h"

struct cm_edl_text {
    char *buf; /* heap; NULL while empty */
    size_t len;
    size_t cap;
    bool bad; /* out of memory; sticky */
};

/** Append printf style. */
void cm_edl_put(struct cm_edl_text *t, const char *fmt, ...) CM_PRINTF(2, 3);

/* A short piece of C. Names are bounded (CM_EDL_MAX_NAME), so that everything fits. */
struct cm_edl_str {
    char s[2600];
};

struct cm_edl_str cm_edl_fmt(const char *fmt, ...) CM_PRINTF(1, 2);

/** "struct Foo", "Foo", "unsigned int": the base type without const and stars. */
struct cm_edl_str cm_edl_base(const struct cm_edl_type *t);

/** The type with its const and stars, ready to be followed by a name: "const char *", "int ". */
struct cm_edl_str cm_edl_type_text(const struct cm_edl_type *t);

/** A declaration as the user wrote it: "const char *s", "int a[5][N]". */
struct cm_edl_str cm_edl_decl_text(const struct cm_edl_decl *d, const char *name);

/** The type of d in the marshalling struct: no const; arrays are pointers. */
struct cm_edl_str cm_edl_field_type(const struct cm_edl_decl *d);

/** Type of one element behind the pointer d, without const; "uint8_t" for void. */
struct cm_edl_str cm_edl_elem_type(const struct cm_edl_decl *d);

/**
 * How many elements of how many bytes travel with d. prefix stands before the names of siblings:
 * "_args." or "_s[_i].".
 */
struct cm_edl_str cm_edl_count_of(const struct cm_edl_decl *d, const char *prefix);
struct cm_edl_str cm_edl_size_of(const struct cm_edl_decl *d, const char *prefix);

/** Both, separated by a comma. */
struct cm_edl_str cm_edl_extent(const struct cm_edl_decl *d, const char *prefix);

#endif
