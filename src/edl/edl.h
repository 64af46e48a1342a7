/*
 * The EDL compiler as a library: EDL text in, the five generated C files out. tools/oeedger8r.c
 * parses its arguments into cm_edl_options and calls cm_edl_compile(); tests and the fuzz target
 * use the steps below it. EDL text is untrusted: every size and every nesting is bounded.
 */
#ifndef CM_EDL_EDL_H
#define CM_EDL_EDL_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdio.h>

#include "edl/edl_ast.h"

enum cm_edl_warning {
    CM_EDL_W_FOREIGN_TYPE_PTR,
    CM_EDL_W_NON_PORTABLE_TYPE, /* on by default */
    CM_EDL_W_PTR_IN_STRUCT,
    CM_EDL_W_PTR_IN_FUNCTION,
    CM_EDL_W_RESERVED_NAME, /* on by default; ours: a name that compiles in some uses only */
    CM_EDL_W_RETURN_PTR,
    CM_EDL_W_SIGNED_SIZE_OR_COUNT, /* on by default */
    CM_EDL_W_UNSUPPORTED_ALLOW,
    CM_EDL_W_USER_CHECK, /* on by default; ours: pointers that nothing checks */
    CM_EDL_W_MAX
};

struct cm_edl_options {
    const char *const *search_paths;
    size_t search_path_count;
    const char *const *defines;
    size_t define_count;
    /* what the command line said of each warning; -Wno-x beats -Werror=x beats -Wx; -Werror alone
     * (werror) leaves our own warnings be, unless -Wx names them */
    bool warn_off[CM_EDL_W_MAX];
    bool warn_error[CM_EDL_W_MAX];
    bool warn_on[CM_EDL_W_MAX];
    bool warn_all;
    bool werror;
    bool use_prefix;
    bool header_only;
    bool untrusted;
    bool trusted;
    const char *untrusted_dir; /* "." when not given */
    const char *trusted_dir;
    const char *dep_file; /* or NULL: write a make rule that names every EDL file read */
    bool quiet;           /* no "Processing F." lines */
};

/** "ptr-in-struct" and so on; never NULL for a valid w. */
const char *cm_edl_warning_name(enum cm_edl_warning w);

/** Find a warning by its name. False when there is none. */
bool cm_edl_warning_find(const char *name, enum cm_edl_warning *out);

/**
 * Where EDL text comes from. read() gives the text of path (len bytes and a NUL, in the arena), or
 * CM_ERR_NOTFOUND, CM_ERR_IO, CM_ERR_LIMIT or CM_ERR_NOMEM.
 */
struct cm_edl_source {
    enum cm_status (*read)(void *ctx, struct cm_edl_arena *arena, const char *path,
                           const char **text, size_t *len);
    void *ctx;
};

/* One compilation. Zero it, set the first four fields, and end with cm_edl_context_free(). */
struct cm_edl_context {
    const struct cm_edl_options *options;
    struct cm_edl_source source;
    FILE *messages; /* errors and warnings, or NULL for none */
    FILE *progress; /* "Processing F.", or NULL for none */
    struct cm_edl_arena arena;
    struct cm_edl_list units; /* every file read so far */
    size_t import_depth;
    unsigned warnings;
    enum cm_status st; /* the first error; sticky */
};

/** Read files from the file system. */
struct cm_edl_source cm_edl_disk_source(void);

/**
 * Parse and check one EDL file with its imports.
 *
 * @param path  found as it is, or below a search path.
 * @param out   set only on CM_OK; lives as long as the context.
 * @retval CM_ERR_SYNTAX the text breaks a rule; the message is in ctx->messages
 * @retval CM_ERR_LIMIT  a limit of edl_ast.h; CM_ERR_NOTFOUND, CM_ERR_IO, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_edl_parse(struct cm_edl_context *ctx, const char *path,
                                        const struct cm_edl_unit **out);

void cm_edl_context_free(struct cm_edl_context *ctx);

/* What the emitter makes of a unit: names relative to the output folder, text on the heap. */
enum cm_edl_output {
    CM_EDL_ARGS_H,
    CM_EDL_T_H,
    CM_EDL_T_C,
    CM_EDL_U_H,
    CM_EDL_U_C,
};

/**
 * Generate one file. *out is a heap block that the caller frees; set only on CM_OK.
 * @retval CM_ERR_NOMEM the only failure; a checked unit always has code
 */
CM_MUST_USE enum cm_status cm_edl_emit(const struct cm_edl_unit *unit, enum cm_edl_output which,
                                       bool use_prefix, char **out, size_t *out_len);

/**
 * The whole tool: parse every file, then write all outputs (none has its name before all are on the
 * disk, so that a failure leaves the output folders as they were).
 * Not thread-safe in one output folder.
 */
CM_MUST_USE enum cm_status cm_edl_compile(const struct cm_edl_options *options,
                                          const char *const *paths, size_t path_count,
                                          FILE *messages, FILE *progress);

#endif
